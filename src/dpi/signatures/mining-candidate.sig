# Source: Bitcoin Unlimited, doc/miner.md (getminingcandidate, submitminingsolution; Nexa: nexa-miner.cpp, where the
# answer has a header commitment); Bitcoin SV's GMC API.
# A monitor may ask for a candidate, too: the request is proof only by a miner's name.
dialect mining-candidate
describe "Mining candidates of Nexa, Bitcoin SV and Bitcoin Unlimited: the header without its block"
family node
hint port 7227

message "getminingcandidate" from miner
    phase login
    over http line
    where method is "getminingcandidate"
    proof if http.agent miner
    strong if params[1] wallet
    hint
    wallet params[1]

message "a mining candidate" from pool
    phase job
    over http line
    where result.headerCommitment hex 64 or (result.prevhash hex 64 and result.merkleProof array)
    where result.nBits hex 8 and result.id name
    strong

message "submitminingsolution" from miner
    phase share
    over http line
    where method is "submitminingsolution" and params[0].id name
    where params[0].nonce hex 8.. or params[0].nonce number
    proof
