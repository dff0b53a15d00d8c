# Stratum V2 by the sizes of its Noise handshake and of what follows, which the reader of that handshake tells
# (src/dpi/noise.rs): all of it looks random, so no signature could describe it.
# Source: stratumprotocol.org/specification.
dialect stratum-v2
describe "Stratum V2: the sizes of its Noise handshake and of what follows"
family stratum
ask stratum-v2
hint name sv2
hint part v2.stratum.
hint port 34254 34255 34265

# Frames without encryption: extension (16 bits, the highest for a message of a channel), kind, length (24 bits),
# least significant byte first (specification, 03-Protocol-Overview, 3.2). Sizes of the messages are fixed, or begin so.
message "SetupConnection" from miner
    phase greeting
    over binary
    where data[0..3] is "\x00\x00\x00" and data[5..6] is "\x00" and data[7..11] is "\x02\x00\x02\x00"
    strong

message "SetupConnection.Success" from pool
    phase greeting
    over binary
    where data[0..6] is "\x00\x00\x01\x06\x00\x00" and data[6..8] is "\x02\x00"
    strong

message "OpenMiningChannel" from miner
    phase login
    over binary
    where data[0..2] is "\x00\x00" and data[2..3] is "\x10" "\x13" and data[5..6] is "\x00" and data[3..5] little 40..400
    hint

message "a share" from miner
    phase share
    over binary
    where data[0..6] is "\x00\x80\x1a\x18\x00\x00" or (data[0..3] is "\x00\x80\x1b" and data[3..6] little 25..57)
    strong

message "a share's result" from pool
    phase share
    over binary
    where data[0..6] is "\x00\x80\x1c\x14\x00\x00" or (data[0..3] is "\x00\x80\x1d" and data[3..6] little 9..264)
    strong

message "a job" from pool
    phase job
    over binary
    where data[0..6] is "\x00\x80\x20\x30\x00\x00" or (data[0..3] is "\x00\x80\x15" and data[3..6] little 45..49) or (data[0..3] is "\x00\x80\x21" and data[3..6] little 36)
    strong
