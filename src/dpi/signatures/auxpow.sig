# Source: namecoin-core and dogecoin, src/rpc/mining.cpp and auxpow_miner.cpp: createauxblock, submitauxblock and the older
# getauxblock, which is both; syscoin the same.
dialect auxpow
describe "Merged mining: auxiliary blocks of a second chain"
family node
hint port 8336 22555

message "createauxblock" from miner
    phase login
    over http line
    where method is "createauxblock" and params[0] string
    proof if http.agent miner
    strong if params[0] wallet
    hint
    wallet params[0]

message "getauxblock" from miner
    phase login
    over http line
    where method is "getauxblock"
    proof if (params[0] hex 64 and params[1] hex 160..) or http.agent miner
    hint

message "an auxiliary block" from pool
    phase job
    over http line
    where result.hash hex 64 and result.chainid number
    where result.target hex 64 or result._target hex 64 or result.bits hex 8
    strong

message "submitauxblock" from miner
    phase share
    over http line
    where method is "submitauxblock" and params[0] hex 64 and params[1] hex 160..
    proof
