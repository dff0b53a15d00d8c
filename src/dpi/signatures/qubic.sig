# Source: hackerby888/qatum-protocol, docs/how-to-interact-with-qatum.md: JSON in lines, the kind of message is its id.
# Identities of Qubic are 60 capital letters.
dialect qubic
describe "Qubic: Qatum"
family login
coin qubic
hint name qubic qatum

message "a subscription" from miner
    phase login
    over line websocket
    where root.id integer 1 and root.wallet upper 60
    proof if root.worker string
    strong
    wallet root.wallet

message "a computor" from pool
    phase job
    over line websocket
    where root.id integer 2 and root.computorId upper 60
    strong

message "a seed" from pool
    phase job
    over line websocket
    where root.id integer 3 and root.seed hex 64 and root.isEmpty true|false
    strong

message "a solution" from miner
    phase share
    over line websocket
    where root.id integer 4 and root.nonce hex 64 and root.seed hex 64 and root.computorId upper 60
    proof

message "a hash rate" from miner
    phase share
    over line websocket
    where root.computorId upper 60 and root.hashrate number
    strong
