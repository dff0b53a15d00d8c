# Source: arionum/miner (light-arionum-cli), arionum-java, phpcoin: mine.php?q=info with worker and address,
# mine.php?q=submitNonce or submitHash with a form.
dialect arionum
describe "Arionum and PHPCoin: mine.php"
family node

message "mine.php?q=info" from miner
    phase login
    over http
    where http.path ends "/mine.php" and http.query.q is "info"
    proof if http.query.address base58 30..140 and (http.query.worker present or http.query.hashrate present)
    strong if http.query.address base58 30..140 or http.query.worker hex 32
    hint
    wallet http.query.address

message "mining information" from pool
    phase job
    over http
    where root.status is "ok" and root.data.height number and root.data.difficulty name
    where root.data.argon_mem present or root.data.block string
    strong

message "a share by mine.php" from miner
    phase share
    over form
    where http.path ends "/mine.php" and http.query.q is "submitNonce" "submitHash" "submit"
    where root.argon present and root.nonce present
    proof if root.address base58 30..140 or root.private_key base58 30..140
    strong
    wallet root.address root.private_key

message "a share accepted" from pool
    phase share
    over http
    where root.status is "ok" "error" and root.data string and after share
    hint
