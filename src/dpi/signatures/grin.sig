# Grin's Stratum, its miner's and its node's, which number their messages "0", "1", ... or "Stratum".
# Source: github.com/mimblewimble/docs, grin stratum RPC protocol.
dialect grin
describe "Grin: login by a Grin miner, a share with a cycle; from the server a job with `pre_pow`"
family login
ask grin login
hint name grin mwc
hint port 3416 13416 3030

message "login" from miner
    phase login
    where method is "login" and params.login string and not params.mode is "self-select"
    where params.agent has "grin" or (id is "0" "Stratum" and not params.algo[*] algorithm)
    proof if at least 2 of (params.agent miner, params.algo[*] algorithm, params.login wallet)
    proof if params.pass string and (params.agent miner or params.algo[*] algorithm or params.login wallet length 87..)
    strong if params.agent miner or params.algo[*] algorithm or params.login wallet length 87..
    hint
    agent params.agent
    wallet params.login

message "submit" from miner
    phase share
    where method is "submit" and params.job_id name and params.nonce name and params.edge_bits present
    where params.pow items 20..
    proof

message "keepalive" from miner
    phase login
    where method is "keepalive" and id present
    hint

message "getjobtemplate" from miner
    phase job
    where method is "getjobtemplate"
    hint

message "job" from pool
    phase job
    where method is "job" and params.job_id name and params.pre_pow hex 100.. and params.height present
    where params.proofsize absent
    strong
    coin grin

message "job" from pool
    phase job
    where result.job_id name and result.pre_pow hex 100.. and result.height present and result.proofsize absent
    strong
    coin grin

# Its servers want no login for this one, or say so. Grin's node reads no request without `jsonrpc`.
question grin over line
    method "getjobtemplate"
    send "{\"id\":\"0\",\"jsonrpc\":\"2.0\",\"method\":\"getjobtemplate\"}\n"
