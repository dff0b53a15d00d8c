# Bitcoin's getwork. A word that any queue of tasks may use; the work given tells.
# Source: en.bitcoin.it/wiki/Getwork; X-Mining-Extensions of cgminer and bfgminer.
dialect getwork
describe "Bitcoin's getwork: by a miner's name, `X-Mining-Extensions`, with a solution, or answered"
family node
generic
ask getwork

question getwork over http
    method "getwork"
    field "Authorization: Basic MDp4"
    send "{\"method\":\"getwork\",\"params\":[],\"id\":1}"

# 128 bytes of padded header, solved.
message "getwork with a solution" from miner
    phase share
    over line websocket http
    where method is "getwork" and params[0] hex 160..
    proof

message "getwork" from miner
    phase job
    over line websocket http
    where method is "getwork" and not params[0] hex 160..
    proof if http.agent miner or http.header.x-mining-extensions present
    hint

message "getwork data" from pool
    phase job
    over line websocket http
    where result.data hex 160.. and result.target hex 64..
    strong
