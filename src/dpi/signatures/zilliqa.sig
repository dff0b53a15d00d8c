# Zilliqa's nodes hand their proof of work out through a proxy: the public key, the hash to solve, the boundary, a
# signature. Source: DurianStallSingapore/zilliqa-mining-proxy, zil_requestForPoW and its kin.
dialect zilliqa
describe "Zilliqa: proof of work handed out through a proxy, `zil_*`"
family ethereum
coin zilliqa
hint name zil zilliqa

message "zil_requestForPoW" from miner
    phase login
    over line websocket http
    where method is "zil_requestForPoW" and params[0] hex 66 and params[1] hex 64
    proof if params items 6..8
    strong

message "zil_checkPoWStatus" from miner
    phase job
    over line websocket http
    where method is "zil_checkPoWStatus" "zil_verifyResult" and params[0] hex 66 and params[1] hex 64
    strong

message "a solution" from pool
    phase job
    over line websocket http
    where result items 4 and result[0] hex 16 and result[1] hex 64 and result[2] hex 64 and result[3] hex 64
    hint
