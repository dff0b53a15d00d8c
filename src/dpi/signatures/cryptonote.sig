# CryptoNote's pools: Monero and its kin, as XMRig speaks it. The word `login` alone says nothing.
# A key to a service may look like a short address, but not like one of CryptoNote's: two public keys of 32 bytes
# in Base58 are 87 letters, Tari's have 90, Monero's 95.
# Source: github.com/xmrig/xmrig-proxy, doc/STRATUM.md and doc/STRATUM_EXT.md; node-cryptonote-pool.
dialect cryptonote
describe "CryptoNote's login (Monero and its kin), its jobs with blob and target, its shares"
family login
generic
ask login
hint name rx xtm sal zeph
hint part xmr monero
hint port 2222 10300 10343 13531
# MoneroOcean's: 10,000 and a power of two, the starting difficulty; 10,000 more for TLS.
hint port 10001 10002 10004 10008 10016 10032 10064 10128 10256 10512 11024 12048 14096 18192
hint port 20001 20002 20004 20008 20016 20032 20064 20128 20256 20512 21024 22048 24096 28192

message "login" from miner
    phase login
    where method is "login" and params.login string
    proof if at least 2 of (params.agent miner, params.algo[*] algorithm, params.login wallet)
    proof if params.pass string and (params.agent miner or params.algo[*] algorithm or params.login wallet length 87..)
    strong if params.agent miner or params.algo[*] algorithm or params.login wallet length 87..
    hint
    agent params.agent
    wallet params.login
    algorithm params.algo[0]

message "submit" from miner
    phase share
    where method is "submit" and params.job_id name and params.nonce name
    proof if params.nonce hex 8.. and params.result hex 64..
    hint
    algorithm params.algo

message "keepalived" from miner
    phase login
    where method is "keepalived" and params.id present
    hint

message "job" from pool
    phase job
    where method is "job" and params.job_id name and params.target hex 8.. and params.blob hex 76..
    strong
    algorithm params.algo

message "job" from pool
    phase job
    where result.job_id name and result.target hex 8.. and result.blob hex 76..
    strong
    algorithm result.algo

message "login answered with a job" from pool
    phase job
    where result.job.job_id name and result.job.target hex 8.. and result.job.blob hex 76..
    strong
    algorithm result.job.algo

# Bytom and its kin have the fields of a header in place of the blob.
message "login answered with a job" from pool
    phase job
    where result.id present and result.job.job_id name and result.job.target hex 8..
    where result.job.seed hex 64.. or result.job.previous_block_hash hex 64..
    strong

message "KEEPALIVED" from pool
    phase login
    where result.status is "KEEPALIVED"
    strong

message "refusal" from pool
    phase login
    where error.message has "payment address" "low difficulty share" "duplicate share" "block expired" "unauthenticated"
    where result absent
    hint
