# Source: nervosnetwork/ckb, rpc/README.md, module Miner: get_block_template and submit_block, as ckb-miner calls them.
dialect ckb-node
describe "A node of Nervos CKB: templates and blocks over HTTP"
family node
coin ckb
hint port 8114

message "get_block_template" from miner
    phase login
    over http line websocket
    where method is "get_block_template"
    proof if http.agent miner
    hint

message "a block template" from pool
    phase job
    over http line websocket
    where result.work_id hex 1.. and result.compact_target hex 1..8 and result.parent_hash hex 64 and result.cellbase object
    strong

message "submit_block" from miner
    phase share
    over http line websocket
    where method is "submit_block" and params[0] hex 1..16 and params[1].header.nonce hex 1..32
    proof
