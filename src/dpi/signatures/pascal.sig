# Source: PascalCoinDev/PascalCoin, UPoolMining.pas: the node pushes miner-notify, the miner sends miner-submit; pools
# take Stratum V1.
dialect pascal
describe "PascalCoin: a node that pushes work"
family node
ask subscribe
coin pascal
hint port 4009 4109

message "miner-notify" from pool
    phase job
    over line
    where method is "miner-notify" and params[0].part1 hex 100.. and params[0].part3 hex 60..
    strong

message "miner-submit" from miner
    phase share
    over line
    where method is "miner-submit" and params[0].payload hex 2.. and params[0].nonce number and params[0].timestamp number
    proof
