# Source: signum-node's HTTP API (getMiningInfo, submitNonce); PoC-Consortium/scavenger, src/com/client.rs (headers X-Miner,
# X-Capacity); Blago's miner. Wallets and explorers ask for the same information.
dialect signum
describe "Signum (Burst): mining information and nonces over HTTP"
family node
coin signum
hint port 8124 8125

message "getMiningInfo" from miner
    phase login
    over http form
    where http.query.requestType is "getMiningInfo"
    proof if http.header.x-miner present and (http.header.x-capacity present or http.agent has "scavenger" "miner")
    strong if http.header.x-miner present or http.header.x-capacity present
    hint
    agent http.header.x-miner

message "mining information" from pool
    phase job
    over http
    where root.generationSignature hex 64 and root.baseTarget name and root.height name
    hint

message "submitNonce" from miner
    phase share
    over http form
    where http.query.requestType is "submitNonce" and http.query.nonce digits 1..20
    proof if http.query.accountId digits 6..20 or http.query.secretPhrase present
    strong
    wallet http.query.accountId
    agent http.header.x-miner

message "a deadline" from pool
    phase share
    over http
    where root.deadline number and after share
    hint

# Foxy-Pool over a WebSocket (foxypool/docs, mining-api.md): the kind of message is its topic.
message "miningInfo" from pool
    phase job
    over websocket
    where root.topic is "miningInfo" and root.payload.generationSignature hex 64 and root.payload.baseTarget name
    hint

message "submitNonce" from miner
    phase share
    over websocket
    where root.topic is "submitNonce" and root.payload.submission.nonce digits 1..20
    where root.payload.submission.accountId digits 6..20
    proof
    wallet root.payload.submission.accountId
    agent root.payload.options.userAgent
