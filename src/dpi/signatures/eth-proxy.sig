# Ethereum's getwork over bare TCP, as eth-proxy had it first. The other eth_* methods (eth_mining, eth_hashrate,
# eth_syncing, ...) are what wallets and monitors ask, and nothing.
# Source: github.com/Atrides/eth-proxy; ethminer's EthStratumClient; execution-apis (eth_getWork and its kin).
dialect eth-proxy
describe "Ethereum's getwork over TCP: `eth_submitLogin`, `eth_getWork`, `eth_submitWork`, `eth_submitHashrate`"
family ethereum
generic
ask eth-proxy eth-proxy-wallet
hint name eth etc ethw zano
hint part ethermine nanopool
hint port 6688 9433 9999 19433 19999

# Sites where one signs in by a wallet have this word, too.
message "eth_login" from miner
    phase login
    where method is "eth_login"
    proof if params[0] hex 40.. and worker string
    hint
    wallet worker

message "submitLogin" from miner
    phase login
    where method is "eth_submitLogin"
    proof if params[0] string length 1.. or params.login string length 1..
    hint
    wallet params[0] params.login worker

# Its copies with another coin before the line. Anything may end so, but then no wallet follows.
message "submitLogin" from miner
    phase login
    where method ends "_submitLogin" and method length 13..20 and not method begins "eth_"
    proof if params[0] wallet or params.login wallet
    hint if params[0] string or params.login string
    wallet params[0] params.login worker

message "eth_getWork" from miner
    phase job
    where method is "eth_getWork"
    proof if params absent|items 0
    hint
    wallet worker

# Nonce (8 bytes), header and mix digest (32 bytes each).
message "eth_submitWork" from miner
    phase share
    where method is "eth_submitWork"
    proof if params[0] hex 16.. and params[1] hex 64.. and params[2] hex 64..
    hint
    wallet worker

message "eth_submitHashrate" from miner
    phase share
    where method is "eth_submitHashrate"
    proof if params[0] hex 1.. and params[1] hex 16..
    hint
    wallet worker

# Header, seed and target, whose leading zeros some leave out. A hint: a node's list of block hashes looks alike.
message "work" from pool
    phase job
    where result items 3..5 and result[0] hex 64.. and result[1] hex 64.. and result[2] hex 56..
    hint

# The same by the name of any coin: TrueChain's etrue_, Cortex' ctxc_, Aquachain's aqua_ (their pools' documents).
message "getWork" from miner
    phase greeting
    over line websocket
    where method ends "_getWork" and method length 9..20 and not method begins "eth_" "miner_" "ckb_"
    hint

message "submitWork" from miner
    phase share
    over line websocket
    where method ends "_submitWork" and method length 12..22 and params[0] hex 16 and params[1] hex 64
    where params[2] hex 64.. or params items 2
    proof if params[2] hex 64..
    strong

message "submitHashrate" from miner
    phase share
    over line websocket
    where method ends "_submitHashrate" and params[0] hex 1..64 and params[1] hex 16..64
    proof if method begins "eth_"
    strong

# In answer to the request for it, or pushed: header, seed and target, whose leading zeros some leave out. Hashes of
# blocks begin with zeros, too, but then all of them; lists of hashes may come by the dozen; an empty leaf, a slot of a
# contract or an address as a word has more zeros than any target.
message "work" from pool
    phase job
    over line websocket
    where result items 3..6 and result[0] hex 64 and result[1] hex 64 and result[2] hex 54..64
    strong if result[2] begins "0x00000" "00000" and not result[2] begins "0x0000000000000000" "0000000000000000" and not result[0] begins "0x0000" "0000"
    strong if result[2] hex 54..59
    strong if after greeting
    hint

# Work by subscription (go-ethereum, newWork; "stratum-jsonrpc2.0-ws").
message "eth_subscribe" from miner
    phase login
    over line websocket
    where method is "eth_subscribe" and params[0] is "newWork"
    strong
    wallet params[1]

message "eth_subscription" from pool
    phase job
    over line websocket
    where method is "eth_subscription"
    where (params.result[1] hex 64 and params.result[2] hex 64 and params.result[3] hex 54..64) or (params.result[0] hex 64 and params.result[1] hex 64 and params.result[2] hex 54..64)
    strong

# A server that understands the login and refuses the wallet; its words for an unknown method must be others.
message "refused login" from pool
    phase login
    where asked eth-proxy eth-proxy-wallet and (error.message has "wallet address" "invalid wallet" "mining address" "invalid address" "invalid login" "incorrect wallet" or error[1] has "wallet address" "invalid wallet" "mining address" "invalid address" "invalid login" "incorrect wallet" or error has "wallet address" "invalid wallet" "mining address" "invalid address" "invalid login" "incorrect wallet")
    hint

question eth-proxy over line
    method "eth_submitLogin"
    send "{\"id\":1,\"method\":\"eth_submitLogin\",\"params\":[\"0\"]}\n"
    send "{\"id\":2,\"method\":\"eth_getWork\",\"params\":[]}\n"

question eth-proxy-wallet over line
    method "eth_submitLogin"
    send "{\"id\":1,\"method\":\"eth_submitLogin\",\"params\":[\"0x0000000000000000000000000000000000000000\"]}\n"
    send "{\"id\":2,\"method\":\"eth_getWork\",\"params\":[]}\n"
