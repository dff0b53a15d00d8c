# Source: "Aleo-mining-protocol V0.1" (ghostant-1017): JSON in lines with the kind of message in "type". The JSON-RPC
# of aleo-pool-server (stratum/spec.md) is read by the signature of Stratum V1.
dialect aleo
describe "Aleo: auth_request, tasks with an epoch, solutions of the puzzle"
family login
ask subscribe
coin aleo
hint name aleo

message "auth_request" from miner
    phase login
    over line websocket
    where root.type is "auth_request"
    strong if root.username begins "aleo1"
    hint if root.username string
    wallet root.username

message "auth_response" from pool
    phase login
    over line websocket
    where root.type is "auth_response" and root.address begins "aleo1"
    strong

message "task" from pool
    phase job
    over line websocket
    where root.type is "task" and root.epoch_challenge.epoch_number number
    where root.epoch_challenge.epoch_block_hash string or root.epoch_challenge.degree number
    strong

message "solution" from miner
    phase share
    over line websocket
    where root.type is "solution" and root.nonce name
    proof if root.commitment begins "puzzle1" or root.solution_id begins "puzzle1" "solution1"
    strong if root.address begins "aleo1"
    wallet root.address
