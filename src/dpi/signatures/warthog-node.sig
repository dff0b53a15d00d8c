# Warthog's node over HTTP: work for an address, and the solved header. Source: CoinFuMasterShifu/Warthog, HTTP API.
dialect warthog-node
describe "Warthog's node: work by `/chain/mine/ADDRESS`, blocks by `/chain/append`"
family node
coin warthog
hint name warthog wart

message "a request for work" from miner
    phase login
    over http
    where http.path begins "/chain/mine/" and http.path length 60
    strong

message "work" from pool
    phase job
    over http
    where root.data.header hex 160 and root.data.height number and root.data.b64body present
    strong

message "a block" from miner
    phase share
    over http
    where http.path is "/chain/append" and root.header hex 160 and root.height number and root.body present
    strong
