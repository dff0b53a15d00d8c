# Source: NebulousLabs/Sia, doc/api/Miner.md: GET /miner/header is answered with a target of 32 bytes and a header of 80,
# POST /miner/header takes the header of 80.
dialect sia-node
describe "A node of Sia: headers over HTTP"
family node
coin siacoin
hint port 9980

message "a header asked" from miner
    phase login
    over http
    where http.verb is "GET" and http.path is "/miner/header"
    hint

message "a header" from pool
    phase job
    over http
    where http.type has "octet-stream" and http.length integer 112 and after login
    strong

message "a solved header" from miner
    phase share
    over http
    where http.verb is "POST" and http.path is "/miner/header" and http.length integer 80
    proof
