# IronFish: the method names of Stratum V1 with a `body`. Source: github.com/iron-fish/ironfish, mining/stratum.
dialect ironfish
describe "IronFish: `mining.*` with a `body` that has version and agent, or a request identifier"
family stratum
coin ironfish
ask subscribe
hint name iron ironfish

message "mining.subscribe" from miner
    phase greeting
    where method is "mining.subscribe" and body object
    proof if body.version present and (body.agent present or body.publicAddress present)
    hint
    agent body.agent
    wallet body.publicAddress

message "mining.submit" from miner
    phase share
    where method is "mining.submit" and body object
    proof if body.miningRequestId present and (body.randomness present or body.graffiti present)
    hint

message "mining.subscribed" from pool
    phase greeting
    where method is "mining.subscribed" and body object
    strong if body.clientId present
    hint

message "mining.notify" from pool
    phase job
    where method is "mining.notify" and body object
    strong if body.miningRequestId present and body.header present
    hint

message "mining.set_target" from pool
    phase job
    where method is "mining.set_target" and body object
    strong if body.target hex 16..
    hint
