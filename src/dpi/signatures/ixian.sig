# Source: ProjectIxian/Ixian-DLT, docs of getminingblock and submitminingsolution; Ixian-Miner, PoolClient: GET with everything
# in the query. Of the answer, chk is the block's checksum, adr its solver, dif the difficulty.
dialect ixian
describe "Ixian: blocks and solutions over HTTP, `getminingblock` and `submitminingsolution`"
family node
coin ixian
hint name ixi ixian

message "getminingblock" from miner
    phase login
    over http
    where http.path ends "/getminingblock"
    proof if http.query.wallet present and (http.query.worker present or http.query.hr present)
    hint
    wallet http.query.wallet

message "a block to solve" from pool
    phase job
    over http
    where result.num number and result.dif present and result.chk base64 40.. and result.adr base64 40..
    strong

message "submitminingsolution" from miner
    phase share
    over http
    where http.path ends "/submitminingsolution" and http.query.nonce hex 32.. and http.query.blocknum digits 1..12
    proof
    wallet http.query.wallet
