# Duino-Coin: the server greets with its version, the client asks `JOB,user,difficulty,...`, the answer is two SHA-1
# hashes and a number. A request could be a line of any queue of jobs (`JOB,alice,LOW,report.pdf`): boards have names
# of their own for a difficulty, and what runs on a computer gives a key, or None; a key may be any word (a robot's
# `JOB,cell-4,LOW,place,17`), and an arm a robot's.
# Source: github.com/revoxhere/duino-coin, PC_Miner.py.
dialect duino-coin
describe "Duino-Coin: `JOB,` with user and a known difficulty; jobs of two hashes"
family line
coin duino-coin
ask duino-coin
hint name duco
hint part duinocoin
hint port 2811..2814

message "JOB request" from miner
    phase job
    over csv
    where field[0] is "JOB" "JOBXX" and field items 2..
    strong if field[2] is "AVR" "DUE" "MEGA" "RPI" or field[2] begins "ESP8266" "ESP32"
    strong if field[2] is "LOW" "MEDIUM" "NET" "EXTREME" and field[3] is "None"
    hint
    wallet field[1]

message "job of two hashes" from pool
    phase job
    over csv
    where field items 3 and field[0] hex 40 and field[1] hex 40 and field[2] digits 1..8
    strong

# Boards that speak HTTP (server.duinocoin.com/legacy_job): the share stands in the request for the next job.
message "legacy_job" from miner
    phase job
    over http
    where http.path ends "/legacy_job" and http.query.u present
    proof if http.query.r digits 1.. and http.query.s miner
    strong
    wallet http.query.u
    agent http.query.s

message "job of two hashes" from pool
    phase job
    over http
    where data[0..40] hex 40 and data[40..41] is "," and data[41..81] hex 40 and data[81..82] is ","
    hint

message "share" from miner
    phase share
    over csv
    where field items 2.. and field[0] decimal 1.. and field[1] decimal 1..
    hint

message "feedback" from pool
    phase share
    over csv
    where field[0] is "GOOD" "BAD" "BLOCK"
    hint

message "version" from pool
    phase greeting
    over csv
    where field items 1 and field[0] length 1..5 and field[0] has "." and field[0] decimal 1..
    hint

question duino-coin over line
    send "JOB,0,LOW\n"
