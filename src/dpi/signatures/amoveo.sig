# Source: zack-bitcoin/amoveo-c-miner, miner.erl, and amoveo-mining-pool: arrays over HTTP POST. The answer has the hash
# and the nonce in base64, and the difficulties.
dialect amoveo
describe "Amoveo: arrays over HTTP"
family node
coin amoveo
hint port 8081 8085

message "mining_data" from miner
    phase login
    over http
    where root[0] is "mining_data"
    strong if root[1] base64 40..100
    hint
    wallet root[1]

message "mining data" from pool
    phase job
    over http
    where root[0] is "ok" and root[1][1] base64 40..48 and root[1][2] base64 24..48 and root[1][3] number
    strong

message "work" from miner
    phase share
    over http
    where root[0] is "work" and root[1] base64 24..48 and root[2] base64 80..100
    proof
    wallet root[2]
