# Source: iron-fish/ironfish, rpc/adapters/socketAdapter (messages end with a form feed) and
# docs/onboarding/rpc/miner.md: miner/blockTemplateStream, miner/submitBlock.
dialect ironfish-node
describe "A node of Iron Fish: a stream of block templates"
family node
coin ironfish
hint port 8020 8021

message "miner/blockTemplateStream" from miner
    phase login
    over line
    where root.type is "message" and root.data.type is "miner/blockTemplateStream" and root.data.mid name
    proof

message "a block template" from pool
    phase job
    over line
    where root.type is "stream" and root.data.data.header.target hex 64 and root.data.data.header.previousBlockHash hex 64
    strong

message "miner/submitBlock" from miner
    phase share
    over line
    where root.type is "message" and root.data.type is "miner/submitBlock" and root.data.data.header.previousBlockHash hex 64
    proof
