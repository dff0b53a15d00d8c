# CryptoNote with blocks of the miner's own making. Source: github.com/xmrig/xmrig-proxy, doc/STRATUM_EXT.md.
dialect cryptonote-self-select
describe "CryptoNote with blocks of the miner's own making: mode \"self-select\", `block_template`"
family login
ask login page keepalive

message "login" from miner
    phase login
    where method is "login" and params.login string and params.mode is "self-select"
    proof if params.pass string
    proof if params.agent miner or params.algo[*] algorithm or params.login wallet
    strong
    agent params.agent
    wallet params.login
    algorithm params.algo[0]

message "block_template" from miner
    phase job
    where method is "block_template" and params.blob hex 100.. and params.job_id present
    proof

message "job" from pool
    phase job
    where method is "job" and params.job_id name and params.target hex 8..
    where params.pool_wallet present or params.extra_nonce hex 4..
    where not params.blob hex 76..
    strong

message "login answered with a job" from pool
    phase job
    where result.job.job_id name and result.job.target hex 8..
    where result.job.pool_wallet present or result.job.extra_nonce hex 4..
    where not result.job.blob hex 76..
    strong
