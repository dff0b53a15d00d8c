# Pools of new coins with words of their own: JSON that names each message ("type", "method", "cmd" ...), with members
# beside the name or one level below. No message is more than a hint: login, job and share in this order, each by the
# end whose it is, are what tells mining. A job has an identifier, a target and something to hash; a share names the
# job and brings a nonce. Members as in the clients of Velora, Pastella and EquiForge.
dialect own-words
describe "A vocabulary that no other signature knows: login, job and share in this order"
family login
generic

message "login" from miner
    phase login
    where method ends "login"
    where params.wallet string or params.address string or params.worker string
    hint
    wallet params.wallet params.address

message "login" from miner
    phase login
    where root[*].wallet string or root.wallet string
    hint
    wallet root[*].wallet root.wallet

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
    where root[*].target hex 8..64 or root.target hex 8..64
    where root[*].job_id name or root[*].jobId name or root[*].id name or root.job_id name or root.jobId name
    where root[*].header hex 64.. or root[*].header_hash hex 64 or root[*].blob hex 64.. or root[*].prev_hash hex 64 or root.header hex 64.. or root.blob hex 64.. or root.prev_hash hex 64
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
    where method ends "share"
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

# Nodes and pools with paths of their own over HTTP. Sites about data mining, swimming pools and lending pools may have the
# same paths: the work must be that of a chain, and the share an answer to it.
message "work asked" from miner
    phase login
    over http
    where http.path ends "/mining/getwork" "/mining/work" "/mining/job" "/mining/template" "/mining/challenge" "/miner/job" "/miner/work" "/miner/getwork" "/pool/getwork" "/pool/work" "/pool/job" "/pool/template"
    hint
    wallet http.query.address http.query.minerAddress http.query.worker

message "work" from pool
    phase job
    over http
    where after login and (root.height number or root.block_height number)
    where root.prev_hash hex 64 or root.previous_hash hex 64 or root.previousHash hex 64 or root.previous_block_hash hex 64
    hint

message "work" from pool
    phase job
    over http
    where after login and root.height number and (root.target hex 64 or root.blockhashing_blob hex 76..)
    where root.job_id name or root.jobId name or root.templateId name or root.session_id name
    hint

message "share" from miner
    phase share
    over http
    where http.path ends "/mining/submit" "/miner/submit" "/miner/submitwork" "/miner/submit-block" "/pool/submit" "/pool/submitwork" "/pool/submit-share"
    where root.nonce number|hex 1.. or root.candidate.nonce number or root.header_hex hex 128..
    strong if after job
    hint
