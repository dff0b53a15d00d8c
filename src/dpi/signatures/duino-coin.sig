# Duino-Coin: the server greets with its version, the client asks `JOB,user,difficulty,...`, the answer is two SHA-1
# hashes and a number. A request could be a line of any queue of jobs (`JOB,alice,LOW,report.pdf`): boards have names
# of their own for a difficulty, and what runs on a computer gives a key, or None, and something of the computer.
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
    strong if field[2] begins "AVR" "ESP" "DUE" "MEGA" "ARM" "RPI"
    strong if field[2] is "LOW" "MEDIUM" "NET" "EXTREME" and (field[3] is "None" or (field[3] base64 1.. and field items 5..))
    hint
    wallet field[1]

message "job of two hashes" from pool
    phase job
    over csv
    where field[0] hex 40.. and field[1] hex 40.. and field[2] decimal 1..
    strong

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
