# Source: bismuthfoundation/Bismuth and its optipoolware and optihash miner (connections.send: ten digits of length, then
# JSON: getwork, block); QuickBismuth's fastminer (MinerProtocol: the same with bare text: version, miner_fetch, miner_exch).
# Hashes and addresses have 56 digits.
dialect bismuth
describe "Bismuth: getwork behind ten digits of length"
family node
coin bismuth
hint port 5659 8525

message "getwork" from miner
    phase login
    over binary
    where data begins "0000000009\"getwork\""
    strong

message "a version" from miner
    phase greeting
    over binary
    where data begins "0000000007version" and data[17..24] is "0000000"
    hint

message "miner_fetch" from miner
    phase login
    over binary
    where data begins "0000000011miner_fetch" "0000000010miner_exch"
    strong

message "work" from pool
    phase job
    over binary
    where data[0..10] digits 10
    where (data[10..12] is "[\"" and data[12..68] hex 56) or (data[10..13] is "[[\"" and data[13..69] hex 56)
    strong

message "work" from pool
    phase job
    over binary
    where data[0..9] is "000000000" and data has "0000000056" and after login
    strong

message "consent" from pool
    phase greeting
    over binary
    where data is "0000000002ok"
    hint

message "a block" from miner
    phase share
    over binary
    where data begins "0000000007\"block\""
    strong if data[27..28] is "\"" and data[28..84] hex 56
    hint
