# Kaspa's bridge. Source: github.com/onemorebsmith/kaspa-stratum-bridge.
dialect kaspa
describe "Kaspa's bridge: jobs of four numbers"
family stratum
coin kaspa
ask subscribe
hint name kas kaspa

message "mining.notify" from pool
    phase job
    where method is "mining.notify" and params[1] items 4.. and params[1][all] number
    strong
