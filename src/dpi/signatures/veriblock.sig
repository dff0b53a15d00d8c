# Source: VeriBlock/nodecore, nodecore.api.ucp (commands with typed arguments) and the stratum proxy's veriblock_ucp.py.
dialect veriblock
describe "VeriBlock: commands MINING_* of its unified control protocol"
family login
coin veriblock
hint name veriblock vbk

message "MINING_AUTH" from miner
    phase login
    over line
    where root.command is "MINING_AUTH" and root.request_id.type is "REQUEST_ID"
    proof if root.username.data string
    strong
    wallet root.username.data

message "MINING_SUBSCRIBE" from miner
    phase greeting
    over line
    where root.command is "MINING_SUBSCRIBE" and root.request_id.type is "REQUEST_ID"
    proof

message "MINING_SUBMIT" from miner
    phase share
    over line
    where root.command is "MINING_SUBMIT" and root.job_id.data present and root.nonce.data present
    proof

message "MINING_JOB" from pool
    phase job
    over line
    where root.command is "MINING_JOB" and root.job_id.data present
    strong

message "an answer" from pool
    phase login
    over line
    where root.command begins "MINING_AUTH_" "MINING_SUBSCRIBE_" "MINING_SUBMIT_" and root.request_id.type is "REQUEST_ID"
    hint
