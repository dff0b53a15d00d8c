# Monero's daemon: the wallet that is paid with room for the miner's nonce; P2Pool builds its templates of what
# get_miner_data gives, for which wallets and explorers have no use.
# Source: docs.getmonero.org/rpc-library/monerod-rpc.
dialect monero-daemon
describe "Monero's daemon: `getblocktemplate` with wallet and room for a nonce; `get_miner_data`, answered; its height asked by a miner's name"
family node
ask login page keepalive

message "getblocktemplate" from miner
    phase job
    over line websocket http
    where method is "getblocktemplate" "get_block_template" and params.wallet_address present
    proof if http.agent miner or http.header.x-mining-extensions present
    proof if params.wallet_address wallet and (params.reserve_size present or params.extra_nonce present)
    hint
    wallet params.wallet_address

message "get_miner_data" from miner
    phase job
    over line websocket http
    where method is "get_miner_data"
    proof if http.agent miner or http.header.x-mining-extensions present
    hint

message "miner data" from pool
    phase job
    over line websocket http
    where result.seed_hash hex 64.. and result.median_weight present and result.tx_backlog present
    strong

message "block template" from pool
    phase job
    over line websocket http
    where result.blocktemplate_blob hex 100.. or result.blockhashing_blob hex 100..
    hint

# Solo miners ask for the height over and over. Information anything has to give, so it takes a miner of this family.
message "chain height asked by a miner" from miner
    phase job
    over http
    where http.path is "/getheight" "/get_height" "/getinfo" "/get_info"
    where http.agent has "xmrig" "xlarig" "xmr-stak" "xmrstak" "srbminer" or (http.path is "/getheight" "/get_height" and http.agent miner)
    proof

# Mining for the use of a node (monerod --rpc-payment-address; core_rpc_server_commands_defs.h).
message "rpc_access_info" from miner
    phase login
    over http
    where method is "rpc_access_info" and params.client hex 64..
    hint

message "a hash to solve for access" from pool
    phase job
    over http
    where result.hashing_blob hex 76.. and result.cookie number and result.credits_per_hash_found number
    hint

message "rpc_access_submit_nonce" from miner
    phase share
    over http
    where method is "rpc_access_submit_nonce" and params.nonce number and params.cookie number
    proof if params.client hex 64..
    strong

# TurtleCoin's daemon with REST (turtlecoin, RpcServer.cpp).
message "block/template" from miner
    phase job
    over http
    where http.path is "/block/template" and root.address string and root.reserveSize number
    proof if http.agent miner
    strong

message "block template" from pool
    phase job
    over http
    where root.blob hex 100.. and root.reservedOffset number and root.difficulty number
    strong
