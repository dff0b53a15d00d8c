# XMRig's client for KawPow and GhostRider (EthStratumClient.cpp in XMRig).
dialect xmrig-eth-stratum
describe "XMRig for KawPow and GhostRider: `mining.subscribe` with XMRig for an agent"
family stratum
ask subscribe

message "mining.subscribe" from miner
    phase greeting
    where method is "mining.subscribe" and params[0] has "xmrig/"
    proof if id present
    strong
    agent params[0]
