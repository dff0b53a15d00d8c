# Nervos CKB copies Ethereum's words. Source: github.com/nervosnetwork/rfcs and ckb-miner; F2Pool's protocol notes.
dialect ckb
describe "Nervos CKB: `ckb_*`; from the server `nonce_pre` or `pow_hash` with a target"
family ethereum
coin ckb
ask ckb
hint name ckb nervos
hint port 4300 6464

message "ckb_submitLogin" from miner
    phase login
    where method is "ckb_submitLogin"
    proof if params object or params items 1.. or params hex 1..
    hint
    wallet params.login params[0]
    agent params.agent

message "ckb_submitWork" from miner
    phase share
    where method is "ckb_submitWork" "ckb_submitHashrate"
    proof if params object or params items 1.. or params hex 1..
    hint
    wallet params.login params[0]
    agent params.agent

message "ckb_getWork" from miner
    phase job
    where method is "ckb_getWork"
    proof
    agent params.agent

message "work" from pool
    phase job
    where result object
    where (result.nonce_pre present and result.nonce_bytes present) or (result.pow_hash hex 64 and result.target present and result.height present)
    strong

message "refused login" from pool
    phase login
    where asked ckb and (error.message has "ckb address" "wallet address" or error[1] has "ckb address" "wallet address" or error has "ckb address" "wallet address")
    hint

question ckb over line
    method "ckb_submitLogin"
    send "{\"id\":1,\"method\":\"ckb_submitLogin\",\"params\":{\"login\":\"0\"}}\n"
