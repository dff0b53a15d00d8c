# Source: SChernykh/p2pool, docs/MERGE_MINING.MD: the three methods by which P2Pool and xmrig-proxy mine a second chain;
# over HTTP, or bare TCP (DarkFi).
dialect merge-mining
describe "P2Pool's merge mining with chains beside Monero"
family node

message "merge_mining_get_chain_id" from miner
    phase greeting
    over http line
    where method is "merge_mining_get_chain_id"
    hint

message "merge_mining_get_aux_block" from miner
    phase login
    over http line
    where method is "merge_mining_get_aux_block"
    proof if params.address string and params.aux_hash hex 64 and params.prev_id hex 64
    strong
    wallet params.address

message "merge_mining_submit_solution" from miner
    phase share
    over http line
    where method is "merge_mining_submit_solution" and params.aux_hash hex 64
    proof if params.blob hex 76..
    strong

message "a chain's identifier" from pool
    phase greeting
    over http line
    where result.chain_id hex 64 and answers request
    hint

message "an auxiliary block" from pool
    phase job
    over http line
    where result.aux_hash hex 64 and result.aux_diff number and result.aux_blob present
    strong
