# CryptoNote's pools: Monero and its kin, as XMRig speaks it. The word `login` alone says nothing.
# A key to a service may look like a short address, but not like one of CryptoNote's: two public keys of 32 bytes
# in Base58 are 87 letters, Tari's have 90, Monero's 95.
# Source: github.com/xmrig/xmrig-proxy, doc/STRATUM.md and doc/STRATUM_EXT.md; node-cryptonote-pool.
dialect cryptonote
describe "CryptoNote's login (Monero and its kin), its jobs with blob and target, its shares"
family login
generic
ask login page keepalive
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
    proof if params.nonce hex 8..16 and params.result hex 64 and params.id name
    proof if params.nonce hex 128 and params.result hex 128 and params.id name
    hint
    algorithm params.algo

message "keepalived" from miner
    phase login
    where method is "keepalived" and params.id present
    hint

# Older clients ask for the next job themselves (node-cryptonote-pool, pool.js).
message "getjob" from miner
    phase login
    where method is "getjob" and params.id present
    hint

message "job" from pool
    phase job
    where method is "job" and params.job_id name and params.target hex 8..16|hex 64 and params.blob hex 76..
    strong
    algorithm params.algo

message "job" from pool
    phase job
    where result.job_id name and result.target hex 8..16|hex 64 and result.blob hex 76..
    strong
    algorithm result.algo

message "login answered with a job" from pool
    phase job
    where result.job.job_id name and result.job.target hex 8..16|hex 64 and result.job.blob hex 76..
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

# LuckyPool's BTX: login by address (matador-miner, stratum_client.h), a job with the fields of a header.
# Sites where one logs in by a wallet have the address, too, with a signature or a worker of their own.
message "login" from miner
    phase login
    over line websocket
    where method is "login" and params.address wallet
    proof if params.agent miner
    hint
    agent params.agent
    wallet params.address

# Tera (tera-format.md) and Bytom at btcpool (STRATUM-BTM.md): login, jobs and shares as arrays. A wallet and a text
# behind it may be a signature for a site.
message "login" from miner
    phase login
    over line websocket
    where method is "login" and params[0] string
    proof if params[0] wallet and params[2] miner
    strong if params[2] miner
    hint
    agent params[2]
    wallet params[0]

# A user's name by another member: no more than a hint, which job and share in order make proof.
message "login" from miner
    phase login
    over line websocket
    where method is "login" and params object
    where params.user string or params.username string or params.wallet string or params.worker string
    hint
    wallet params.user params.username params.wallet

message "job" from pool
    phase job
    over line websocket
    where method is "job" and params.jobId name and params.prevHash hex 64
    where params.shareTarget hex 8.. or params.target hex 8.. or params.nBits hex 8
    strong

message "submit" from miner
    phase share
    over line websocket
    where method is "submit" and params.jobId name
    proof if params.nTime number and params.nonce64 digits 1..20
    hint if params.nonce name or params.nonce64 name

# Tari's SHA3x: the blob is the hash of a header. (A target of 40 or 64 digits would be what is built of a blob.)
message "job" from pool
    phase job
    over line websocket
    where method is "job" and params.job_id name and params.target hex 8..16 and params.blob hex 64..
    strong
    algorithm params.algo

message "login answered with a job" from pool
    phase job
    over line websocket
    where result.job.job_id name and result.job.target hex 8..16 and result.job.blob hex 64..
    strong
    algorithm result.job.algo

# What is hashed has a name of its own that only mining has: Quantus' pools (a target of 64 bytes, the job within
# params), midstate's, and HobbyHash's (rxminer), whose blob lacks its nonce.
message "job" from pool
    phase job
    over line websocket
    where method is "job" and params.job_id name and params.target hex 8..16|hex 64|hex 128
    where params.mining_hash hex 64 or params.midstate hex 64 or params.blob_prefix hex 64..
    strong

message "job" from pool
    phase job
    over line websocket
    where method is "job" and params.job.job_id name and params.job.target hex 8..16|hex 64|hex 128
    where params.job.mining_hash hex 64 or params.job.blob hex 76.. or (params.job.blob hex 64.. and params.job.target hex 8..16)
    strong
    algorithm params.job.algo

message "login answered with a job" from pool
    phase job
    over line websocket
    where result.job.job_id name and result.job.mining_hash hex 64 and result.job.target hex 8..16|hex 64|hex 128
    strong
    algorithm result.job.algo

message "subscription answered with a job" from pool
    phase job
    over line websocket
    where result.job_id name and result.midstate hex 64 and result.target hex 64
    strong

# Arweave (matpool/Arweave-stratum-mining-protocol): bds in place of the blob, hash in place of the result.
message "job" from pool
    phase job
    over line websocket
    where method is "job" and params.job_id name and params.target hex 8.. and params.bds hex 64..
    strong
    coin arweave

message "submit" from miner
    phase share
    over line websocket
    where method is "submit" and params.job_id name and params.nonce hex 8.. and params.hash hex 64
    proof
    coin arweave

# Swap and its kin: a graph's cycle in place of the hash (XNP and node-cryptonote-pool's forks for cuckaroo29s).
message "job" from pool
    phase job
    over line websocket
    where method is "job" and params.job_id name and params.pre_pow hex 100.. and params.proofsize present
    strong
    algorithm params.algo

message "login answered with a job" from pool
    phase job
    over line websocket
    where result.job.job_id name and result.job.pre_pow hex 100.. and result.job.proofsize present
    strong
    algorithm result.job.algo

message "submit" from miner
    phase share
    over line websocket
    where method is "submit" and params.job_id name and params.nonce name and params.pow items 20..
    where params.edge_bits absent
    proof

# Bytom's jobs by themselves.
message "job" from pool
    phase job
    over line websocket
    where method is "job" and params.job_id name and params.target hex 8.. and params.previous_block_hash hex 64
    strong
    coin bytom

# Tera's jobs and shares have their values in "result".
message "notify" from pool
    phase job
    over line websocket
    where root.method is "notify" and result items 7 and result[0] digits 1.. and result[5] hex 64 and result[6] hex 64
    strong
    coin tera

message "submit" from miner
    phase share
    over line websocket
    where root.method is "submit" and result[2] hex 64 and result[3] hex 64 and result[4] hex 64
    strong
    coin tera

message "submit" from miner
    phase share
    over line websocket
    where method is "submit" and params[0] name and params[2] hex 64
    proof if params[3] hex 64 and params[4] hex 64
    hint if params[1] hex 16

# Bytom at btcpool: job, version, height, previous block, time, roots, nonce, bits, seed, target.
message "a job as an array" from pool
    phase job
    over line websocket
    where result items 11 and result[3] hex 64 and result[5] hex 64 and result[9] hex 64 and result[10] hex 8
    strong
    coin bytom

# Jobs and shares of pools not known yet: a hint, which the order of login, job and share makes proof. A queue's job
# may have a target or a difficulty, too, but not in figures (`x86_64-linux`, `hard`), and that of a game or a robot small
# ones, with nothing to hash.
message "job" from pool
    phase job
    over line websocket
    where method is "job" and params object
    where params.job_id name or params.jobid name or params.jobId name or params.id name
    where params.target hex 8.. or params.bits hex 6.. or params.seed_hash hex 32.. or params.diff integer 1000.. or params.difficulty integer 1000.. or (params[*] hex 32.. and (params.target integer 1000.. or params.diff number|decimal 1.. or params.difficulty number|decimal 1.. or params.bits number))
    hint

message "submit" from miner
    phase share
    over line websocket
    where method is "submit" and params object
    where params.job_id name or params.jobid name or params.jobId name
    where params.nonce name or params.nonce64 name
    hint

# A server that understands the login and refuses the wallet, or has no pool to hand it to.
message "refused login" from pool
    phase login
    where asked login and (error.message has "wallet address" "mining address" "incorrect wallet" "proxy is unavailable" or error[1] has "wallet address" "mining address" "incorrect wallet" "proxy is unavailable" or error has "wallet address" "mining address" "incorrect wallet" "proxy is unavailable")
    hint

# An integer for its number: xmrig-proxy hangs up on anything else.
question login over line
    method "login"
    send "{\"id\":1,\"method\":\"login\",\"params\":{\"login\":\"0\",\"pass\":\"x\",\"agent\":\"mw\"}}\n"

# Some pools answer it before any login, others say what is missing.
question keepalive over line
    method "keepalived"
    send "{\"id\":1,\"method\":\"keepalived\",\"params\":{}}\n"
