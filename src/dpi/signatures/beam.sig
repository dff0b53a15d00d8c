# Beam has the key of the account at the top of its login, and `"id":"login"`. The key is an address: 32 bytes of a
# public key behind the number of a channel. Keys to other services have no more than the 64 digits.
# Source: github.com/BeamMW/beam/wiki, Beam mining protocol API (Stratum).
dialect beam
describe "Beam: login with nothing but an `api_key`, `solution`; from the server a job with `input`, or a `nonceprefix`"
family login
ask beam
hint name beam
hint port 5252

message "login with api_key" from miner
    phase login
    where method is "login" and params absent and api_key string
    proof if root only "method" "api_key" "id" "jsonrpc" "minerid" "agent" "worker" "pass" and ((id is "login" and jsonrpc present) or api_key hex 65..)
    hint
    wallet api_key
    agent agent

message "solution" from miner
    phase share
    where method is "solution" and nonce hex 8.. and output hex 100..
    proof
    coin beam

# A difficulty is packed: the number of its bits above the lower 24 (core/difficulty.h), and so never small.
message "job" from pool
    phase job
    where method is "job" and params absent and input hex 64.. and difficulty number
    strong if difficulty integer 65536..
    hint
    coin beam

# The answer to the login and to solutions.
message "result" from pool
    phase login
    where method is "result"
    strong if nonceprefix present
    hint if code present and description present

question beam over line
    method "login"
    send "{\"id\":\"0\",\"method\":\"login\",\"api_key\":\"0\"}\n"
