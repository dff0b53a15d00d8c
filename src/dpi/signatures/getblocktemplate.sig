# Nodes answer wallets, explorers and monitors by the same door, so the method's name is no proof, however often
# it is asked. It takes a miner's name in the head, what only a miner puts in the parameters (capabilities, a long
# poll), or a block after the template. A proposal (BIP 23) checks a block of one's own.
# BCHN's light template has a job in place of the transactions (getblocktemplatelight.md).
# Source: BIP 22, BIP 23; bitcoind's mining.cpp.
dialect getblocktemplate
describe "getblocktemplate (BIP 22): by a miner's name, with a miner's capabilities or a long poll, or followed by a block"
family node
ask getwork

message "getblocktemplate" from miner
    phase job
    over line websocket http
    where method is "getblocktemplate" "get_block_template" "getblocktemplatelight" and params.wallet_address absent
    proof if http.agent miner or http.header.x-mining-extensions present or params[0].longpollid present
    proof if at least 2 of (params[0].capabilities[*] is "coinbasetxn", params[0].capabilities[*] is "workid", params[0].capabilities[*] is "coinbase/append", params[0].capabilities[*] is "longpoll", params[0].capabilities[*] is "coinbasevalue")
    hint if not params[0].mode is "proposal"

message "submitblock" from miner
    phase share
    over line websocket http
    where method is "submitblock" "submit_block" "submitblocklight" and params[0] hex 160..
    proof if http.agent miner or http.header.x-mining-extensions present or after job
    strong

# An explorer may look at a template, too.
message "block template" from pool
    phase job
    over line websocket http
    where result.previousblockhash hex 64..
    where result.coinbasevalue present or result.coinbasetxn present or result.transactions present
    hint

# Nodes that copy both Ethereum and Bitcoin have the method with a coin before it.
message "getBlockTemplate" from miner
    phase job
    over line websocket http
    where method ends "_getBlockTemplate" and method length 18..30
    proof if http.agent miner
    hint

message "submitBlock" from miner
    phase share
    over line websocket http
    where method ends "_submitBlock" and method length 13..25 and params[0] hex 160..
    proof if http.agent miner or after job
    strong
