# EthereumStratum/2.0.0. Source: EIP-1571.
dialect ethereum-stratum-2
describe "EthereumStratum/2.0.0: `mining.hello` with protocol, or agent, host and port; `mining.set`"
family stratum
ask hello

message "mining.subscribe" from miner
    phase greeting
    where method is "mining.subscribe" and params[*] has "ethereumstratum/2"
    proof if id present
    strong
    agent params[0]

message "mining.hello" from miner
    phase greeting
    where method is "mining.hello"
    proof if id present and params.proto has "stratum"
    proof if id present and params.agent present and params.host present and params.port present
    strong if params.proto has "stratum"
    strong if params.agent present and params.host present and params.port present
    hint
    agent params.agent

message "mining.set" from pool
    phase job
    where method is "mining.set"
    strong if params.target hex 16.. or params.extranonce hex 2..
    hint
    algorithm params.algo

message "subscription" from pool
    phase greeting
    where result.proto has "ethereumstratum/"
    strong

question hello over line
    method "mining.hello"
    send "{\"id\":1,\"method\":\"mining.hello\",\"params\":{\"agent\":\"mw\",\"host\":\"0\",\"port\":\"0\",\"proto\":\"EthereumStratum/2.0.0\"}}\n"

# Whether the server knows the method at all.
question hello-short over line
    method "mining.hello"
    send "{\"id\":1,\"method\":\"mining.hello\",\"params\":{}}\n"
