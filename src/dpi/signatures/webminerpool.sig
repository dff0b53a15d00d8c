# webminerpool and its kin, and the miners in web pages that tell their server through Socket.IO which pool to
# connect to. Source: github.com/notgiven688/webminerpool, server/Server.
dialect webminerpool
describe "webminerpool and its kin: `handshake` with pool, login and password, or `start` with the pool's server, port and worker; jobs; `solved`"
family browser
ask web-socket-proxy web-socket

message "handshake" from miner
    phase login
    where identifier is "handshake"
    proof if login string and pool string and password string
    strong if login string and pool string
    hint
    wallet login

message "job" from pool
    phase job
    where identifier is "job" and job_id name and blob hex 76.. and target hex 8..
    strong
    algorithm algo

message "solved" from miner
    phase share
    where identifier is "solved" and job_id name and nonce hex 8 and result hex 64
    proof

message "hashsolved" from pool
    phase share
    where identifier is "hashsolved"
    hint

message "start" from miner
    phase login
    where stratum.port name and stratum.worker string
    proof if stratum.server string and algo present
    hint
    wallet stratum.worker
    algorithm algo
