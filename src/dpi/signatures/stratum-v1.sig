# Bitcoin's Stratum V1 and the relatives that differ in the layout of a job alone (Kadena, Decred, Ergo,
# Handshake, Sia, Aion, Ravencoin, ...). All miners number their requests; what doesn't number them could be a
# notification of anything.
# Sources: https://reference.cash/mining/stratum-protocol (Slush's protocol), BIP 310 (mining.configure),
# ckpool's stratifier.c (mining.auth, mining.passthrough), XMRig's and NiceHash's documentation.
dialect stratum-v1
describe "Stratum V1: `mining.*` with fitting parameters"
family stratum
generic
ask subscribe
hint name btc bch bsv ltc doge dash dgb dcr hns kda erg ergo vrsc

message "mining.subscribe" from miner
    phase greeting
    where method is "mining.subscribe" and body absent|array|string|number
    proof if id present and params array|absent
    strong if params array|absent
    hint
    agent params[0]

message "mining.authorize" from miner
    phase login
    where method is "mining.authorize" "mining.auth"
    proof if id present and params[0] name and params items 1..4
    strong if params[0] name and params items 1..4
    hint
    wallet params[0]

# Gapcoin's pools (GapMiner, PoolClient): the login asks for work, whose header has 80 bytes.
message "mining.request" from miner
    phase login
    where method is "mining.request" and params[0] string and params items 2
    hint
    wallet params[0]

message "work" from pool
    phase job
    over line websocket
    where after login and result.data hex 160 and result.difficulty number
    strong

message "mining.configure" from miner
    phase greeting
    where method is "mining.configure"
    proof if id present and params[0] array
    strong if params[0] array
    hint

message "mining.extranonce.subscribe" from miner
    phase greeting
    where method is "mining.extranonce.subscribe"
    proof if id present and params array|absent
    strong if params array|absent
    hint

message "mining.capabilities" from miner
    phase greeting
    where method is "mining.capabilities"
    proof if id present and params[0] object
    strong if params[0] object
    hint

message "mining.suggest_difficulty" from miner
    phase greeting
    where method is "mining.suggest_difficulty"
    proof if id present and params[0] name
    strong if params[0] name
    hint

message "mining.multi_version" from miner
    phase greeting
    where method is "mining.multi_version"
    proof if id present and params[0] name
    strong if params[0] name
    hint

message "mining.suggest_target" from miner
    phase greeting
    where method is "mining.suggest_target"
    proof if id present and params[0] hex 8..
    strong if params[0] hex 8..
    hint

# User, job, nonce and what a coin adds, nearly all of it hexadecimal.
message "mining.submit" from miner
    phase share
    where method is "mining.submit" and params items 2..
    proof if id present and params items 3.. and params[*] hex 4.. and params[all] name|null
    strong if params items 3.. and params[*] hex 4.. and params[all] name|null
    hint
    wallet params[0]

message "a mining.* message" from miner
    phase greeting
    where method is "mining.hashrate" "mining.noop" "mining.bye" "mining.ping" "mining.pong"
    hint

# The layout of a job tells coins apart.
message "mining.notify" from pool
    phase job
    where method is "mining.notify"
    strong if params items 2.. and params[*] hex 40..
    hint

message "mining.notify" from pool
    phase job
    where method is "mining.notify" and params items 9 and params[1] name and params[2] hex 64..
    where params[6] name and not params[1] hex 64..
    strong
    coin ergo

message "mining.notify" from pool
    phase job
    where method is "mining.notify" and params items 6..7 and params[1] hex 64.. and params[2] hex 64..
    where params[3] hex 64..
    strong
    coin kawpow

message "mining.set_difficulty" from pool
    phase job
    where method is "mining.set_difficulty"
    strong if params[0] number
    hint

message "mining.set_target" from pool
    phase job
    where method is "mining.set_target"
    strong if params[0] hex 16..
    hint

message "mining.set_extranonce" from pool
    phase job
    where method is "mining.set_extranonce"
    strong if params[0] hex 2..
    hint

message "mining.set_version_mask" from pool
    phase job
    where method is "mining.set_version_mask"
    strong if params[0] hex 8..
    hint

message "a client.* message" from pool
    phase greeting
    where method is "client.reconnect" "client.get_version" "client.show_message"
    hint

# The answer to mining.subscribe, in its many forms: behind the subscriptions stands the extranonce, which lists of methods
# (a server's own, completions, statistics) lack.
message "subscription" from pool
    phase greeting
    where result array and (result items 1 or result[1] hex 1.. or result[1] length 0 or result[2] hex 1..)
    where result[0] is "mining.notify" "mining.set_difficulty" or result[*][*] is "mining.notify" "mining.set_difficulty" or result[*][*][*] is "mining.notify" "mining.set_difficulty"
    strong

# Parameters as objects: Hathor's node (hathor/stratum/stratum.py), riner (PoolEthash.cpp) and others of their own.
message "mining.subscribe" from miner
    phase greeting
    over line websocket
    where method is "mining.subscribe" and params object
    where params.address string or params.username string or params.user string or params.agent string or params.worker string or params.wallet string or params.login string
    proof if id present
    strong
    agent params.agent
    wallet params.address params.username params.user params.wallet params.login

message "mining.authorize" from miner
    phase login
    over line websocket
    where method is "mining.authorize" "mining.auth" and params object
    where params.username string or params.user string or params.worker string or params.wallet string or params.address string or params.login string or params.name string
    proof if id present
    strong
    agent params.agent
    wallet params.username params.user params.wallet params.address params.login params.worker

message "mining.submit" from miner
    phase share
    over line websocket
    where method is "mining.submit" and params object
    where params.job_id name or params.jobId name or params.jobid name or params.job name
    proof if id present and (params.nonce name or params.nonce64 name or params.result hex 32.. or params.solution string or params.aux_pow hex 100..)
    hint
    wallet params.worker params.username

message "mining.notify" from pool
    phase job
    over line websocket
    where method is "mining.notify" and params object
    where params.job_id name or params.jobId name or params.jobid name
    strong if params.blob hex 64.. or params.target hex 8.. or params.header hex 64.. or params.prevhash hex 64.. or params.header_hash hex 64.. or params.headerBlob hex 64..
    hint

message "mining.set_difficulty" from pool
    phase job
    over line websocket
    where method is "mining.set_difficulty" "mining.set_target" and params object
    where params.difficulty number or params.target hex 16..
    strong

# ckpool between its own servers, which don't number these requests (ckpool, src/generator.c and stratifier.c).
message "mining.passthrough" from miner
    phase greeting
    over line
    where method is "mining.passthrough" "mining.node" "mining.remote" "mining.term"
    proof if params[0] begins "ckpool"
    strong if params[0] string
    hint

message "mining.get_transactions" from miner
    phase greeting
    over line websocket
    where method is "mining.get_transactions" "mining.get_txnhashes" and params[0] name
    strong

# What pools say to a share that they don't take: [code, text, traceback], 20 to 25 (Slush's protocol).
message "a share refused" from pool
    phase share
    over line websocket
    where answers request and error items 2..3 and error[0] integer 20..25 and error[1] string
    hint

# Words of a pool of its own: no more than hints, which login, job and share in order make proof. Platforms of text and
# process mining have such words, too, but no target, difficulty or hash in their jobs.
message "a login by another word" from miner
    phase login
    over line websocket
    where method begins "mining." and method has "login" "auth" "register"
    where params[0] string or params.user string
    hint
    wallet params[0] params.user

message "a job by another word" from pool
    phase job
    over line websocket
    where method begins "mining." and method has "job" "work" "template"
    where params.target name or params.difficulty number or params.diff number or params.height number or params[*] hex 32.. or params[*][*] hex 32..
    hint

message "a job in an answer" from pool
    phase job
    over line websocket
    where result.job object
    where result.job.target hex 8..64 and (result.job.header hex 64.. or result.job.blob hex 64.. or result.job.seed hex 64 or result.job.prev_hash hex 64)
    hint

message "a share by another word" from miner
    phase share
    over line websocket
    where method begins "mining." and method has "share" "submit" "solution" "solve"
    where params[*] hex 8.. or params.nonce name
    hint

# A server that reads the parameters passes over the body, and IronFish's the other way round.
question subscribe over line
    method "mining.subscribe"
    send "{\"id\":1,\"method\":\"mining.subscribe\",\"params\":[\"mw\"],\"body\":{\"version\":3,\"publicAddress\":\"0\"}}\n"
    send "{\"id\":2,\"method\":\"mining.authorize\",\"params\":[\"0\",\"x\"]}\n"

# For a server that has refused another method in words: IronFish's would have hung up.
question subscribe-short over line
    method "mining.subscribe"
    send "{\"id\":1,\"method\":\"mining.subscribe\",\"params\":[\"mw\"]}\n"
    send "{\"id\":2,\"method\":\"mining.authorize\",\"params\":[\"0\",\"x\"]}\n"
