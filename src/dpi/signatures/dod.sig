# Source: v0dev001/dod-worker-rs, README: GET /job, POST /answer with the worker's identity in a header.
dialect dod
describe "DOD: work and answers over HTTP"
family node
coin dod

message "a job asked" from miner
    phase login
    over http
    where http.verb is "GET" and http.path is "/job"
    hint

message "a job" from pool
    phase job
    over http
    where root.buffer hex 100.. and root.remote_hash hex 48..64 and root.pre number and root.block_height number
    strong

message "an answer" from miner
    phase share
    over http
    where http.verb is "POST" and http.path is "/answer" and root.block_height number and root.nonce hex 16..64
    proof if http.header.miner-id present
    strong
    wallet http.header.miner-id
