# EthereumStratum/1.0.0 (NiceHash). Source: github.com/nicehash/Specifications, EthereumStratum_NiceHash_v1.0.0.txt.
dialect ethereum-stratum-1
describe "EthereumStratum/1.0.0: its name in the subscription or in the answer, a job of two hashes and a bool"
family stratum
ask subscribe
hint name rvn neox clore
hint port 6060 10400 10443

message "mining.subscribe" from miner
    phase greeting
    where method is "mining.subscribe" and params[*] has "ethereumstratum/" and not params[*] has "ethereumstratum/2"
    proof if id present
    strong
    agent params[0]

message "mining.notify" from pool
    phase job
    where method is "mining.notify" and params items 4 and params[1] hex 64.. and params[2] hex 64.. and params[3] bool
    strong

message "subscription" from pool
    phase greeting
    where result array
    where result[*] has "ethereumstratum/" or result[*][*] has "ethereumstratum/" or result[*][*][*] has "ethereumstratum/"
    strong
