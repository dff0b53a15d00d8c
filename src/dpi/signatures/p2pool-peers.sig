# P2Pool's nodes among themselves: each end sends a challenge (kind 0, 8 bytes and its identifier), the solution of the
# other's (kind 1, a hash and 8 bytes), its port (kind 2) and a request for the tip of the chain (kind 3 and a hash of
# zeros). Who runs such a node mines with it. Source: SChernykh/p2pool, src/p2p_server.cpp.
dialect p2pool-peers
describe "P2Pool's nodes among themselves"
family node
coin monero
hint port 37888 37889 37890

# Of the two forms, either is told by its first byte.
message "solution and port" from miner
    phase share
    over binary
    where (data[0..1] is "\x01" and data[41..42] is "\x02" and data[44..47] is "\x00\x00\x03" and data[47..63] is "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00")
    strong

message "solution and port" from miner
    phase share
    over binary
    where (data[0..1] is "\x00" and data[17..18] is "\x01" and data[58..59] is "\x02" and data[61..64] is "\x00\x00\x03" and data[64..80] is "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00")
    strong

message "challenge and solution" from pool
    phase greeting
    over binary
    where data[0..1] is "\x00" and data[17..18] is "\x01"
    hint
