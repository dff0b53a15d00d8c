# Xatum (Xelis, Dero): `method~json`. Source: github.com/xelpool/xatum-reference-miner.
dialect xatum
describe "Xatum (Xelis, Dero): `shake~` with address, and agent or algorithms; `job~`; `submit~`"
family line
ask xatum
hint name xel xelis

message "shake" from miner
    phase login
    over tilde
    where method is "shake"
    proof if addr present and (algos present or agent present)
    hint
    agent agent
    wallet addr
    algorithm algos[0]

message "submit" from miner
    phase share
    over tilde
    where method is "submit" and hash hex 64.. and data string
    proof

message "job" from pool
    phase job
    over tilde
    where method is "job" and blob string and diff present
    strong
    algorithm algo

message "a message" from pool
    phase greeting
    over tilde
    where method is "print" "success" "ping" "pong"
    hint

question xatum over line
    send "shake~{\"addr\":\"0\",\"work\":\"x\",\"agent\":\"\",\"algos\":[]}\n"
