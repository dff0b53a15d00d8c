# Alephium's pools. Source: wiki.alephium.org/mining/pool-development-guide.
dialect alephium
describe "Alephium: jobs with a `headerBlob`; `alph_submitHashrate`"
family stratum
ask subscribe
hint name alph alephium
hint port 20032

message "mining.notify" from pool
    phase job
    where method is "mining.notify"
    where params[0].headerBlob present or params[0][0].headerBlob present
    strong
    coin alephium

message "alph_submitHashrate" from miner
    phase share
    where method is "alph_submitHashrate" and params array
    proof
    coin alephium
