# Miners and pools at a node of Ravencoin's kin (KawPow): a template with the hash to be solved, and nonce and mix hash
# back. Source: RavenProject/Ravencoin, src/rpc/mining.cpp (getblocktemplate, pprpcsb, getkawpowhash).
dialect kawpow-node
describe "A node of Ravencoin's kin: `pprpcsb` and templates with a hash of KawPow's"
family node
coin kawpow
hint port 8766

message "pprpcsb" from miner
    phase share
    over http line websocket
    where method is "pprpcsb" and params[0] hex 64 and params[1] hex 64 and params[2] hex 16
    proof

message "a template with a hash of KawPow's" from pool
    phase job
    over http line websocket
    where result.pprpcheader hex 64 and result.pprpcepoch number
    strong
