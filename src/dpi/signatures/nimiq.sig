# Nimiq's pools: the kind of each message stands in `message`. An address is an IBAN of the country "NQ".
# Source: github.com/nimiq/core-js, mining-pool protocol.
dialect nimiq
describe "Nimiq: `register` with an address of Nimiq's and a device; `settings`; `new-block`"
family browser
coin nimiq
ask web-socket-proxy web-socket
hint name nim nimiq

message "register" from miner
    phase login
    where message is "register"
    proof if address begins "NQ" and (deviceId present or genesisHash present)
    hint
    wallet address
    agent deviceName

message "share" from miner
    phase share
    where message is "share"
    where block present or blockHeader present
    strong

message "settings" from pool
    phase job
    where message is "settings" and extraData present
    where target present or targetCompact present
    strong

message "new-block" from pool
    phase job
    where message is "new-block" and blockHeader present
    strong

# To a client that begins with another message than theirs.
message "refused without registration" from pool
    phase login
    where asked web-socket web-socket-proxy and message is "error" and reason is "registration required"
    strong
