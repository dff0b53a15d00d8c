# CoinHive and its copies: the kind of each message stands in `type`. A goal in hashes only miners have; others may
# log in with a site's key. Source: github.com/cazala/coin-hive-stratum, src/Proxy.ts.
dialect coinhive
describe "CoinHive and its copies: `auth` with `site_key` and a goal; jobs; shares"
family browser
ask web-socket-proxy web-socket

message "auth with site_key" from miner
    phase login
    where type is "auth" and params.site_key string
    proof if params.goal present
    strong if params.type is "anonymous" "user" "token"
    hint
    wallet params.site_key

message "job" from pool
    phase job
    where type is "job" and params.job_id name and params.blob hex 76.. and params.target hex 8..
    strong
    algorithm params.algo

message "submit" from miner
    phase share
    where type is "submit" and params.job_id name and params.nonce hex 8 and params.result hex 64
    proof

# A bridge for telephones has the members beside the type.
message "submit" from miner
    phase share
    where type is "submit" and job_id name and nonce hex 8 and result hex 64
    strong

message "hashes credited" from pool
    phase login
    where type is "authed" "hash_accepted" and params.hashes present
    strong

message "refused site key" from pool
    phase login
    where asked web-socket web-socket-proxy and (params.error is "invalid_site_key" or error is "invalid_site_key")
    strong

# Miners in web pages, and Stratum in WebSocket messages; the proxies of CoinHive and its copies have a path.
question web-socket over websocket
    send "{\"type\":\"auth\",\"params\":{\"site_key\":\"0\",\"type\":\"anonymous\"}}"
    send "{\"identifier\":\"handshake\",\"pool\":\"0\",\"login\":\"0\",\"password\":\"\",\"version\":8}"
    send "{\"id\":1,\"method\":\"mining.subscribe\",\"params\":[\"mw\"]}"
    send "{\"id\":1,\"method\":\"login\",\"params\":{\"login\":\"0\",\"pass\":\"x\"}}"

question web-socket-proxy over websocket
    path "/proxy"
    send "{\"type\":\"auth\",\"params\":{\"site_key\":\"0\",\"type\":\"anonymous\"}}"
    send "{\"identifier\":\"handshake\",\"pool\":\"0\",\"login\":\"0\",\"password\":\"\",\"version\":8}"
    send "{\"id\":1,\"method\":\"mining.subscribe\",\"params\":[\"mw\"]}"
    send "{\"id\":1,\"method\":\"login\",\"params\":{\"login\":\"0\",\"pass\":\"x\"}}"
