# Source: 6block/zkwork_aleo_protocol, README and src/message.rs: a length (32 bits, least significant byte first), a kind,
# the members. Client: 128 connect, 129 submit; pool: 0 acknowledgement, 1 job. The version of the second test network
# has no address in its connect, and the name behind a length of 64 bits. Without an address a length and a kind are no
# more than hints: cameras log in by JSON and go on with such frames.
dialect zkwork
describe "Aleo at zk.work: binary messages"
family zkwork
coin aleo
hint name zk.work

message "connect" from miner
    phase login
    over binary
    where data[4..5] is "\x80" and data[0..4] little 10..400
    proof if data has "aleo1"
    hint if data[9..13] little 1..64 and data[13..17] is "\x00\x00\x00\x00"

message "connect acknowledged" from pool
    phase login
    over binary
    where data[4..6] is "\x00\x01" and data[0..4] little 6..300
    strong if data has "aleo1" or (data[0..4] little 6 and after login)
    hint

message "a job" from pool
    phase job
    over binary
    where data[4..5] is "\x01" and data[0..4] little 60..100000 and after login
    hint

message "a solution" from miner
    phase share
    over binary
    where data[4..5] is "\x81" and data[0..4] little 100..10000
    hint
