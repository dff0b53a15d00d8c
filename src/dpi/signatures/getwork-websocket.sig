# Dero's and Xelis's nodes have the wallet in the address of a WebSocket and need no words: they push work, and
# the miner sends it back solved. Source: github.com/deroproject/derohe, cmd/derod/rpc/websocket_getwork_server.go;
# docs.xelis.io, getwork.
dialect getwork-websocket
describe "Work that a node pushes over a WebSocket (Dero, Xelis): jobs and shares by their blobs, one of each"
family node
ask work xelis-work web-socket-work web-socket-xelis
hint name dero
hint port 10100

message "work" from pool
    phase job
    over line websocket http
    where result absent
    where new_job.blockhashing_blob hex 96.. or new_job.miner_work hex 96.. or new_job.template hex 96..
    where new_job.difficulty present and new_job.height present
    strong
    algorithm new_job.algorithm

message "work" from pool
    phase job
    over line websocket http
    where result absent and difficulty present and height present
    where blockhashing_blob hex 96.. or miner_work hex 96.. or template hex 96..
    strong
    algorithm algorithm

message "solved work" from miner
    phase share
    over line websocket http
    where result absent
    where miner_work hex 96.. or (mbl_blob hex 96.. and jobid present)
    strong

# A well-formed address (BIP 173) of a network that there isn't; without a WebSocket Dero's nodes look at it first.
question work over http
    path "/ws/void1mzaswn"

question web-socket-work over websocket
    path "/ws/void1mzaswn"

# Wallet and worker.
question xelis-work over http
    path "/getwork/0/0"

question web-socket-xelis over websocket
    path "/getwork/0/0"
