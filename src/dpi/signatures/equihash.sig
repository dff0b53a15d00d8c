# Zcash's variant of Stratum V1 (nheqminer, EWBF, miniZ, GMiner): the pool's host and port in mining.subscribe,
# a long solution in mining.submit, a job of three hashes. Source: ZIP 301.
dialect equihash
describe "Equihash (Zcash): Stratum V1 with the pool's address in the subscription and long solutions"
family stratum
ask subscribe
hint name zec zen zcash btg flux equihash
hint port 3357 6633 6666

# Agent, session or null, host and port of the pool. Three nulls behind the agent are another's.
message "mining.subscribe" from miner
    phase greeting
    where method is "mining.subscribe" and params array
    where (params items 4.. and params[1] null|string and params[2] string) or params[0] has "nheqminer" "ewbf"
    proof if id present
    strong
    agent params[0]

# ZECMiner gives host and port first.
message "mining.subscribe" from miner
    phase greeting
    where method is "mining.subscribe" and params items 3.. and params[0] string and params[1] integer 1..65535 and params[2] string
    proof if id present
    strong
    agent params[2]

# The solution is the only share of such a length (at least 100 bytes).
message "mining.submit" from miner
    phase share
    where method is "mining.submit" and params array and params[*] string length 200..
    proof if id present and params items 3.. and params[*] hex 4.. and params[all] name|null
    strong if params items 3.. and params[*] hex 4.. and params[all] name|null
    hint
    wallet params[0]

message "mining.notify" from pool
    phase job
    where method is "mining.notify" and params items 8..10 and params[1] hex 8..63 and params[2] hex 64..
    where params[3] hex 64..
    strong
