# Qitmeer: a header to be solved, and the header back. Source: Qitmeer/qitmeer-miner (getRemoteGBT, submitBlockHeader).
dialect qitmeer
describe "Qitmeer: `getRemoteGBT` and `submitBlockHeader`"
family node
coin qitmeer
hint name qitmeer meer

message "getRemoteGBT" from miner
    phase login
    over http line websocket
    where method is "getRemoteGBT" "qitmeer_getRemoteGBT" "miner_getRemoteGBT"
    strong

message "a header" from pool
    phase job
    over http line websocket
    where answers request and result hex 200..300
    hint

message "submitBlockHeader" from miner
    phase share
    over http line websocket
    where method is "submitBlockHeader" "qitmeer_submitBlockHeader" "miner_submitBlockHeader"
    where params[0] hex 200..300
    proof
