# Source: alephium/gpu-miner, src/messages.h, and alephium/docs, integration/mining.md: a length (32 bits, most significant
# byte first), a kind, members behind lengths; the node speaks first, with jobs of 16 chains: 0 jobs and 1 result from
# the node, 0 block from the miner. Later nodes put a version before the kind.
dialect alephium-node
describe "A node of Alephium: jobs and blocks in binary"
family node
coin alephium
hint port 10973

message "jobs" from pool
    phase job
    over binary
    where data[0..4] big 2000..1000000
    where (data[4..5] is "\x00" and data[5..9] big 1..64 and data[9..13] big 0..7 and data[13..17] big 0..7 and data[17..21] big 100..1000) or (data[4..6] is "\x01\x00" "\x00\x00" and data[6..10] big 1..64 and data[10..14] big 0..7 and data[14..18] big 0..7 and data[18..22] big 100..1000)
    strong

message "a block" from miner
    phase share
    over binary
    where data[0..4] big 200..1000000
    where (data[4..5] is "\x00" and data[5..9] big 150..1000000) or (data[4..6] is "\x01\x00" "\x00\x00" and data[6..10] big 150..1000000)
    hint
