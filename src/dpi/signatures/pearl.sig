# Pearl's pools: Stratum V1 with a puzzle before the login and matrices (AlphaPool, Hashmonkeys), and the gateway to its
# node, which gives a header of 76 bytes and takes proofs (pearl-gateway: JSON-RPC in lines, getMiningInfo and
# submitPlainProof). Node's getmininginfo is another word.
dialect pearl
describe "Pearl: `pearl.*` beside Stratum V1; the gateway's `getMiningInfo` and `submitPlainProof`"
family stratum
coin pearl
ask subscribe
hint name pearl prl

message "pearl.challenge" from pool
    phase greeting
    over line
    where method is "pearl.challenge" and params.seed hex 64
    strong

message "pearl.challenge_response" from miner
    phase greeting
    over line
    where method is "pearl.challenge_response" and params.seed hex 64 and params.nonce hex 8..
    proof

message "pearl.set_mining_params" from pool
    phase job
    over line
    where method is "pearl.set_mining_params" and params[0] object
    strong

message "getMiningInfo" from miner
    phase login
    over line http
    where method is "getMiningInfo"
    hint

message "a header to be mined" from pool
    phase job
    over line http
    where result.incomplete_header_bytes base64 100..108 and result.target present
    strong

message "submitPlainProof" from miner
    phase share
    over line http
    where method is "submitPlainProof" and params.plain_proof base64 200..
    where params.mining_job.incomplete_header_bytes base64 100..108
    proof
