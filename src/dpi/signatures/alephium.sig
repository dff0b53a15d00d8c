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

# mining.hello is EIP-1571's, too, with an object; Alephium's has an array (docs/mining/alephium-stratum.md).
message "mining.hello" from miner
    phase greeting
    where method is "mining.hello" and params array and params[0] string
    proof if id present
    strong
    agent params[0]

message "mining.hello answered" from pool
    phase greeting
    where result[0] has "alephiumstratum/"
    strong

# A share names its chain.
message "mining.submit" from miner
    phase share
    where method is "mining.submit" and params.fromGroup integer 0..64 and params.toGroup integer 0..64 and params.nonce hex 8..
    proof if id present
    strong
    wallet params.worker
