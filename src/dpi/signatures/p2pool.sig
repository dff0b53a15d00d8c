# P2Pool speaks CryptoNote; its answer to the login shows it: a session of 32 bits in hexadecimal, a counter for a
# job, one extension. Source: github.com/SChernykh/p2pool, src/stratum_server.cpp.
dialect p2pool
describe "CryptoNote as P2Pool speaks it, which its answer to the login shows"
family login
ask login page keepalive

message "login answered with a job" from pool
    phase job
    where result.id length 8 and result.job.job_id digits 1.. and result.extensions items 1
    where result.job.target hex 8.. and result.job.blob hex 76..
    strong
    algorithm result.job.algo
