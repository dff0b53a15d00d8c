# Conflux. Source: github.com/Conflux-Chain/conflux-rust, blockgen's stratum server.
dialect conflux
describe "Conflux: a `cfx:` account in `mining.authorize`, or a job of height, hash and boundary"
family stratum
ask subscribe
hint name cfx conflux

message "mining.authorize" from miner
    phase login
    where method is "mining.authorize" "mining.auth" and params[0] begins "cfx:" and params items 1..4
    proof if id present
    strong
    wallet params[0]

message "mining.notify" from pool
    phase job
    where method is "mining.notify" and params items 4 and params[2] hex 64.. and params[3] hex 64..
    strong
    coin conflux
