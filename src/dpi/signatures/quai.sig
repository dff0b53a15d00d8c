# Quai's nodes give headers by subscription and take them back solved; its pools copy Ethereum's words, which the
# signature of eth-proxy reads. Source: dominant-strategies/go-quai, quaiclient; quai-cpu-miner.
dialect quai
describe "Quai's node: pending headers by subscription, mined headers back"
family ethereum
coin quai
hint name quai

message "quai_subscribe" from miner
    phase login
    over line websocket http
    where method is "quai_subscribe" "quai_getPendingHeader"
    strong if params[0] is "pendingHeader" or method is "quai_getPendingHeader"
    hint

message "a pending header" from pool
    phase job
    over line websocket http
    where method is "quai_subscription" and (params.result hex 200.. or params.result object)
    hint

message "quai_receiveMinedHeader" from miner
    phase share
    over line websocket http
    where method is "quai_receiveMinedHeader" and (params[0] hex 200.. or params[0] object)
    proof
