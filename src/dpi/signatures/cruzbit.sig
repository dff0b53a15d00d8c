# Source: cruzbit/cruzbit, protocol.go: JSON over a WebSocket that peers and wallets speak, too. A miner asks for work for its
# public keys, and sends the header back solved.
dialect cruzbit
describe "Cruzbit: work for public keys over a WebSocket of its nodes"
family node
coin cruzbit
hint name cruzbit cruz
hint port 8831

message "get_work" from miner
    phase login
    over websocket
    where root.type is "get_work" and root.body.public_keys items 1..
    proof if root.body.public_keys[0] base64 44
    hint
    wallet root.body.public_keys[0]

message "work" from pool
    phase job
    over websocket
    where root.type is "work" and root.body.header.previous hex 64 and root.body.header.target hex 64
    strong

message "submit_work" from miner
    phase share
    over websocket
    where root.type is "submit_work" and root.body.header.previous hex 64 and root.body.header.target hex 64
    proof
