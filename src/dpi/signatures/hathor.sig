# Source: HathorNetwork/hathor-core, hathor/stratum/stratum.py: handle_subscribe, job_request and handle_submit.
# JSON-RPC 2.0 in lines; the same methods exist as mining.subscribe and mining.submit with the same object, which
# the signature of Stratum V1 reads. A job's identifier is a UUID without hyphens.
dialect hathor
describe "Hathor: subscribe with an address and a wish, a job with data, weight and size of the nonce"
family login
ask subscribe
coin hathor
hint name hathor htr

message "subscribe" from miner
    phase login
    over line websocket
    where method is "subscribe" and params object
    proof if params.address wallet and (params.mine_txs true|false or params.merged_mining true|false)
    strong if params.mine_txs true|false or params.merged_mining true|false
    hint if params.address wallet or params items 0
    wallet params.address

message "job" from pool
    phase job
    over line websocket
    where method is "job" and params.data hex 64.. and params.job_id hex 32 and params.nonce_size number
    where params.weight number
    strong

message "submit" from miner
    phase share
    over line websocket
    where method is "submit" and params items 2 and params.job_id hex 32
    where params.nonce hex 4.. or params.aux_pow hex 100..
    strong if params.aux_pow hex 100..
    hint
