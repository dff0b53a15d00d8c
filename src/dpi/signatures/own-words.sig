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
    where root[*].worker string or root.worker string
    hint
    wallet root[*].address root.address

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
