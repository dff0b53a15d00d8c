# Mining of tokens (0xBitcoin and its kin): shares of a contract's challenge over JSON-RPC.
# Source: 0xbitcoin/tokenpool, lib/peer-interface.js; lwYeo/SoliditySHA3Miner.
dialect tokenpool
describe "Pools of mined tokens (0xBitcoin): a challenge, and shares for an account of Ethereum's"
family node
coin 0xbitcoin
hint name tokenpool 0xbtc

message "getMinimumShareDifficulty" from miner
    phase login
    over http line websocket
    where method is "getMinimumShareDifficulty" "getMinimumShareTarget" and params[0] hex 40
    strong
    wallet params[0]

message "getChallengeNumber" from miner
    phase greeting
    over http line websocket
    where method is "getChallengeNumber" "getPoolEthAddress" "getPoolProtocolVersion"
    hint

message "a difficulty" from pool
    phase job
    over http line websocket
    where answers request and (result number or result hex 32..64)
    hint

message "submitShare" from miner
    phase share
    over http line websocket
    where method is "submitShare" and params[0] hex 64 and params[1] hex 40 and params[2] hex 64
    proof
    wallet params[1]
