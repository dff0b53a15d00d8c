# Pools of new coins with words of their own: JSON that names each message ("type", "method", "cmd" ...), with members
# beside the name or one level below. No message is more than a hint: login, job and share in this order, each by the
# end whose it is, are what tells mining. A job has an identifier, a target or a difficulty, and something to hash; a share names the
# job and brings a nonce. Members as in the clients of Velora, Pastella and EquiForge. `[*]` is also the content of an enum
# of serde's ({"Submit":{"job_id":..}}), whatever its name. The family is its own: a page that names a wallet and is shown the
# jobs of a known dialect mines nothing.
dialect own-words
describe "A vocabulary that no other signature knows: login, job and share in this order"
family own
generic

message "login" from miner
    phase login
    where method ends "login"
    where params.wallet string or params.address string or params.worker string
    hint
    wallet params.wallet params.address

message "login" from miner
    phase login
    where root[*].wallet string or root.wallet string or root[*].payout_address string or root[*].wallet_address string
    hint
    wallet root[*].wallet root.wallet root[*].payout_address root[*].wallet_address

message "login" from miner
    phase login
    where root[*].address string or root.address string
    where root[*].worker string or root.worker string or root[*].agent string
    hint
    wallet root[*].address root.address

# Zion's pool: `hello` with names of the miner and its worker, and an address for the payout.
message "login" from miner
    phase login
    where root.payout_address string or (root.miner_id name and root.worker_name string)
    hint
    wallet root.payout_address root.miner_id

message "job" from pool
    phase job
    where method ends "job"
    where params.target hex 8..64 and (params.job_id name or params.jobId name or params.id name)
    where params.header hex 64.. or params.header_hash hex 64 or params.blob hex 64.. or params.prev_hash hex 64
    hint

message "job" from pool
    phase job
    where root[*].target hex 8..64 or root.target hex 8..64 or root[*].difficulty number or root.difficulty number
    where root[*].job_id name or root[*].jobId name or root[*].id name or root.job_id name or root.jobId name
    where root[*].header hex 64.. or root[*].header_hash hex 64 or root[*].blob hex 64.. or root[*].prev_hash hex 64 or root.header hex 64.. or root.blob hex 64.. or root.prev_hash hex 64
    hint

# Work by its number and difficulty alone (the Jay network's pool). Quests of games are difficult, too, but not in thousands.
message "job" from pool
    phase job
    where root.type is "new_work" "new_job" "work" "job"
    where root[*].difficulty integer 1000.. or root.difficulty integer 1000..
    where root[*].jobId name or root[*].job_id name or root.jobId name or root.job_id name
    hint

# Zion and Animica: the members say that they are hexadecimal, or a template.
message "job" from pool
    phase job
    where root.target_hex hex 8..128 or root[*].headerTemplate object
    where root.job_id name or root.jobId name or root[*].jobId name
    where root.header_hex hex 64.. or root[*].headerTemplate.parentHash hex 64
    hint

# Pools in the browser (MeepHash, BrowserCoin): names that tell the spelling of a target, which nothing else has.
message "job" from pool
    phase job
    where root.jobId name or root.templateId name
    where root.hashingTemplateHex hex 64.. or root.headerHex hex 64..
    where root.targetHexLE hex 64 or root.poolTargetHex hex 8..64
    strong

# A target for shares beside the block's: no login is needed then (OpenCoin's pool). The numbers may be of any kind, and a
# header an object.
message "job" from pool
    phase job
    where root.share_target name and root.header hex 128.. and root.job_id name and root.height number
    strong

message "job" from pool
    phase job
    where params.share_target name and params.block_target name and params.job_id name and params.header present
    strong

message "job" from pool
    phase job
    where result.job.share_target name and result.job.block_target name and result.job.job_id name
    strong

message "share" from miner
    phase share
    where method ends "share" "Share"
    where params.nonce number|hex 1.. and (params.job_id name or params.jobId name)
    hint

message "share" from miner
    phase share
    where root[*].nonce number|hex 1.. or root.nonce number|hex 1..
    where root[*].job_id name or root[*].jobId name or root.job_id name or root.jobId name
    hint

message "job" from pool
    phase job
    over http
    where root.share_target name and root.block_target name and root.job_id name
    strong

message "share" from miner
    phase share
    over http
    where root.login string and root.job_id name and root.nonce name
    hint

# Nodes and pools with paths of their own over HTTP; an address may stand at the end (WEPO's wallet: /mining/work/ADDRESS).
# Sites about data mining, swimming pools and lending pools may have the same paths: the work must be that of a chain, and
# the share an answer to it. Answers may stand within a member ("data", "result").
message "work asked" from miner
    phase login
    over http
    where http.path has "/mining/" "/miner/" "/pool/" and http.path has "/getwork" "/get_work" "/work" "/job" "/template" "/challenge" "/candidate"
    hint
    wallet http.query.address http.query.minerAddress http.query.worker

message "work" from pool
    phase job
    over http
    where after login and (root.height number or root.block_height number or root[*].height number)
    where root.prev_hash hex 64 or root.previous_hash hex 64 or root.previousHash hex 64 or root.previous_block_hash hex 64 or root[*].prev_hash hex 64 or root[*].previous_hash hex 64 or root[*].previousHash hex 64 or root[*].previous_block_hash hex 64
    hint

message "work" from pool
    phase job
    over http
    where after login and root.height number and (root.target hex 64 or root.blockhashing_blob hex 76..)
    where root.job_id name or root.jobId name or root.templateId name or root.session_id name
    hint

message "work" from pool
    phase job
    over http
    where after login and root.block.header object and root.target_hex hex 64
    hint

message "share" from miner
    phase share
    over http
    where http.path has "/mining/submit" "/miner/submit" "/pool/submit" "/mining/solution" "/mining/share"
    where root.nonce number|hex 1.. or root.candidate.nonce number or root.header_hex hex 128.. or root.block hex 160.. or root.block.header.nonce number|hex 1..
    strong if after job
    hint

# The same as JSON-RPC (Animica's node, mining documents: miner.getWork and miner.submitShare, or with an underscore). A page
# may show work, too: the share tells.
message "work asked" from miner
    phase login
    over http line websocket
    where method is "miner.getWork" "miner_getWork" "mining.getWork" "getWork"
    hint

message "work" from pool
    phase job
    over http line websocket
    where after login and result.height number and (result.jobId name or result.job_id name)
    where result.target hex 8..64 and (result.header object or result.header hex 64..)
    hint

message "share" from miner
    phase share
    over http line websocket
    where method ends "submitShare" "submitWork" and (params.jobId name or params.job_id name)
    where params.nonce number|hex 1..
    strong if after job
    hint
