# Source: snowblossomcoin/snowblossom, protolib/mining_pool.proto (GetWorkRequest, WorkUnit, WorkSubmitRequest) and
# snowblossom.proto (BlockHeader: hashes in members 4 to 6).
dialect snowblossom
describe "Snowblossom: work for an address over gRPC"
family node
coin snowblossom
hint port 23380

message "GetWork" from miner
    phase login
    over grpc
    where proto.1 string and proto.2 length 36..64
    strong if proto.2 begins "snow:" "snow1" "snowtest:"
    hint
    wallet proto.2
    agent proto.1

message "a work unit" from pool
    phase job
    over grpc
    where proto.1.4 length 32 and proto.1.5 length 32 and proto.1.6 length 32
    strong

message "SubmitWork" from miner
    phase share
    over grpc
    where proto.1 length 12 and proto.4 length 32..
    strong
