# Source: kadena-io/chainweb-node, docs and src/Chainweb/Miner/RestAPI: GET mining/work with the account in the body,
# answered with 322 bytes (chain, target, header), GET mining/updates as events, POST mining/solved with 286 bytes.
dialect chainweb
describe "A node of Kadena: work and solved headers over HTTP"
family node
coin kadena
hint port 1848

message "work asked" from miner
    phase login
    over http
    where http.path begins "/chainweb/" and http.path ends "/mining/work"
    proof if root.account string and root."public-keys" array
    strong
    wallet root.account

message "work" from pool
    phase job
    over http
    where http.type has "octet-stream" and http.length integer 322 and after login
    strong

message "updates asked" from miner
    phase login
    over http
    where http.path begins "/chainweb/" and http.path ends "/mining/updates"
    strong

message "a solved header" from miner
    phase share
    over http
    where http.verb is "POST" and http.path begins "/chainweb/" and http.path ends "/mining/solved"
    proof
