# RSK's node gives Bitcoin's pools a hash to put into their blocks. Source: rsksmart/rskj, Web3MnrModule (mnr_getWork,
# mnr_submitBitcoinBlock and its kin).
dialect rsk
describe "RSK: merged mining with Bitcoin, `mnr_getWork`"
family node
coin rsk
hint name rsk

message "mnr_getWork" from miner
    phase login
    over http line websocket
    where method is "mnr_getWork"
    strong if params absent|items 0
    hint

message "work" from pool
    phase job
    over http line websocket
    where result.blockHashForMergedMining hex 64 and result.target hex 64
    strong

message "mnr_submitBitcoinBlock" from miner
    phase share
    over http line websocket
    where method begins "mnr_submitBitcoinBlock" and params[0] hex 64..
    proof if params[1] hex 160 or params[0] hex 160..
    strong
