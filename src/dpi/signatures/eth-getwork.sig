# Ethereum's getwork over HTTP. Any tool may ask a node anything, so it takes a miner's name in the head, or work
# or consent in the answer. Source: execution-apis; ethminer's EthGetworkClient; go-ethereum's ethash API.
dialect eth-getwork
describe "Ethereum's getwork over HTTP: by a miner's name, or answered with work"
family ethereum
ask eth-get-work

message "submitLogin" from miner
    phase login
    over http
    where method is "eth_submitLogin"
    proof if (http.agent miner or http.target has "miner=" "/0x") and params[0] hex 40..
    strong if params[0] hex 40..
    hint
    wallet params[0] worker

# Sites where one signs in by a wallet have this word, too.
message "eth_login" from miner
    phase login
    over http
    where method is "eth_login"
    proof if http.agent miner and params[0] hex 40..
    hint
    wallet params[0] worker

message "eth_getWork" from miner
    phase job
    over http
    where method is "eth_getWork"
    proof if (http.agent miner or http.target has "miner=" "/0x") and params absent|items 0
    strong if params absent|items 0
    hint
    wallet worker

message "eth_submitWork" from miner
    phase share
    over http
    where method is "eth_submitWork"
    proof if (http.agent miner or http.target has "miner=" "/0x") and params[0] hex 16.. and params[1] hex 64.. and params[2] hex 64..
    strong if params[0] hex 16.. and params[1] hex 64.. and params[2] hex 64..
    hint
    wallet worker

message "eth_submitHashrate" from miner
    phase share
    over http
    where method is "eth_submitHashrate"
    proof if (http.agent miner or http.target has "miner=" "/0x") and params[0] hex 1.. and params[1] hex 16..
    strong if params[0] hex 1.. and params[1] hex 16..
    hint
    wallet worker

# A list of hashes is work only in answer to the request for work: filters give such lists, too.
message "work" from pool
    phase job
    over http
    where answers request and result items 3..5 and result[0] hex 64.. and result[1] hex 64.. and result[2] hex 56..
    hint

# By the name of any coin (Aquachain: aquacppminer, notes.md), with a target that may lack its leading zeros.
message "getWork" from miner
    phase job
    over http
    where method ends "_getWork" and method length 9..20 and not method begins "eth_" "miner_"
    proof if (http.agent miner or http.target has "miner=" "/0x") and params absent|items 0
    hint

message "work" from pool
    phase job
    over http
    where result items 3..6 and result[0] hex 64 and result[1] hex 64 and result[2] hex 54..64 and after job
    strong if result[2] begins "0x0000" "0000"
    strong if result[2] hex 54..63
    strong if answers request

message "submitWork" from miner
    phase share
    over http
    where method ends "_submitWork" and params[0] hex 16 and params[1] hex 64 and params[2] hex 64..
    proof if http.agent miner or http.target has "miner=" "/0x"
    strong

question eth-get-work over http
    method "eth_getWork"
    field "Content-Type: application/json"
    send "{\"id\":1,\"jsonrpc\":\"2.0\",\"method\":\"eth_getWork\",\"params\":[]}"
