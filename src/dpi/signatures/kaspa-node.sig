# Work asked of a Kaspa node, or of one of its many copies, over gRPC. Wallets, explorers and other nodes speak with
# it by the same door, but only who mines asks for a block template: the request names the address to be paid.
# Shares are whole blocks: the first member of one is the header, whose first one is the version.
# Source: github.com/kaspanet/kaspad, infrastructure/network/netadapter/server/grpcserver/protowire/rpc.proto.
dialect kaspa-node
describe "A node of Kaspa or its copies over gRPC: a block template for an address; blocks submitted, templates given"
family node

message "getBlockTemplate" from miner
    phase job
    over grpc
    where proto.1005.1 has ":" wallet
    proof
    wallet proto.1005.1

message "submitBlock" from miner
    phase share
    over grpc
    where proto.1003.2.1 begins "\x08"
    strong

message "a block template" from pool
    phase job
    over grpc
    where proto.1006.3.1 begins "\x08"
    strong

# The same as JSON over a WebSocket, wRPC (rusty-kaspa, rpc/core: GetBlockTemplateRequest, SubmitBlockRequest).
message "getBlockTemplate" from miner
    phase job
    over websocket line
    where method is "getBlockTemplate" "get_block_template"
    proof if params.payAddress wallet or params[0].payAddress wallet or params[0] wallet has ":"
    wallet params.payAddress params[0].payAddress params[0]

message "a block template" from pool
    phase job
    over websocket line
    where method is "getBlockTemplate" "get_block_template" and params.block.header.hashMerkleRoot hex 64
    strong

message "a block template" from pool
    phase job
    over websocket line
    where result.block.header.hashMerkleRoot hex 64 and result.isSynced true|false
    strong

message "submitBlock" from miner
    phase share
    over websocket line
    where method is "submitBlock" and params.block.header.parentsByLevel array and params.block.header.nonce name
    strong
