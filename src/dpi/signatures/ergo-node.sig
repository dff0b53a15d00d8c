# Source: ergoplatform/ergo, src/main/resources/api/openapi.yaml: /mining/candidate, /mining/solution. Of the answer, msg
# is the hash to be solved, b the target as a number of any length, pk the miner's key.
dialect ergo-node
describe "A node of Ergo: a candidate and a solution over HTTP"
family node
coin ergo
hint port 9053

message "a mining candidate asked" from miner
    phase login
    over http
    where http.path is "/mining/candidate" "/mining/candidateWithTxs"
    strong if http.agent miner
    hint

message "a mining candidate" from pool
    phase job
    over http
    where root.msg hex 64 and root.b number and root.pk hex 66
    strong

message "a solution" from miner
    phase share
    over http
    where http.verb is "POST" and http.path is "/mining/solution" and root.n hex 16
    proof
