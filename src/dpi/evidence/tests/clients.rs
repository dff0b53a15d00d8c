//! First messages of mining programs, as their source code and captures have them.

use super::*;

const XMR: &str =
    "44AFFq5kSiGBoZ4NMDwYtN18obc8AemS33DBLWs3H7otXft3XjrpDtQGv7SqSsaBYBb98uNbr2VBBEt7f2wfn3RVGQBEP3A";

/// First message of each client, and the dialect that it proves.
#[rustfmt::skip]
pub(super) const FIRST_MESSAGES: &[(&str, &str)] = &[
    // Stratum V1: CPU and GPU miners, ASIC firmware, toys.
    ("stratum-v1", r#"{"id": 0, "method": "mining.configure", "params": [["version-rolling"], {"version-rolling.mask": "ffffffff"}]}"#),
    ("stratum-v1", r#"{"id": 0, "method": "mining.subscribe", "params": ["cgminer/4.11.1"]}"#),
    ("stratum-v1", r#"{"id": 1, "method": "mining.subscribe", "params": ["cgminer/4.11.1", "99400bd29f068a79"]}"#),
    ("stratum-v1", r#"{"id": 1, "method": "mining.subscribe", "params": []}"#),
    ("stratum-v1", r#"{"id":null,"method":"mining.capabilities","params":[{"notify":[],"set_difficulty":{},"set_goal":[]}]}"#),
    ("stratum-v1", r#"{"id":null,"method":"mining.suggest_target","params":["00000000ffff0000000000000000000000000000000000000000000000000000"]}"#),
    ("stratum-v1", r#"{"method":"mining.subscribe","id":0,"params":["bfgminer/5.5.0"]}"#),
    ("stratum-v1", r#"{"id": 1, "method": "mining.subscribe", "params": ["cpuminer/2.5.1"]}"#),
    ("stratum-v1", r#"{"id": 1, "method": "mining.subscribe", "params": ["cpuminer-opt-26.1-x64L"]}"#),
    ("stratum-v1", r#"{"id": 1, "method": "mining.subscribe", "params": ["ccminer/2.3.1"]}"#),
    ("stratum-v1", r#"{"id": 1, "method": "mining.subscribe", "params": ["sgminer/5.6.1-nicehash-59-gef1d"]}"#),
    ("stratum-v1", r#"{"id":1,"jsonrpc":"2.0","method":"mining.subscribe","params":["T-Rex/0.26.8"]}"#),
    ("stratum-v1", r#"{"id":1,"method":"mining.subscribe","params":["teamredminer/0.10.21"]}"#),
    ("stratum-v1", r#"{"id":1,"method":"mining.subscribe","params":["GMiner/3.44"]}"#),
    ("stratum-v1", r#"{"id":1,"jsonrpc":"2.0","method":"mining.subscribe","params":["NBMiner/42.3"]}"#),
    ("stratum-v1", r#"{"id":1,"jsonrpc":"2.0","method":"mining.subscribe","params":["SRBMiner-MULTI/2.4.4"]}"#),
    ("stratum-v1", r#"{"id":1,"method":"mining.subscribe","params":["BzMiner/v21.0.3"]}"#),
    ("stratum-v1", r#"{"id":1,"jsonrpc":"2.0","method":"mining.subscribe","params":["rigel/1.19.1"]}"#),
    ("stratum-v1", r#"{"id":1,"method":"mining.subscribe","params":["onezerominer/1.3.6"]}"#),
    ("stratum-v1", r#"{"id":1,"method":"mining.subscribe","params":["WildRig/0.40.5"]}"#),
    ("stratum-v1", r#"{"id": 1, "method": "mining.subscribe", "params": ["bmminer/2.0.0/Antminer S9/13500"]}"#),
    ("stratum-v1", r#"{"id": 1, "method": "mining.subscribe", "params": ["btminer/3.4.0"]}"#),
    ("stratum-v1", r#"{"id":0,"method":"mining.configure","params":[["version-rolling"],{"version-rolling.mask":"1fffe000","version-rolling.min-bit-count":16}]}"#),
    ("stratum-v1", r#"{"id":1,"method":"mining.multi_version","params":[1]}"#),
    ("stratum-v1", r#"{"id":1,"method":"mining.auth","params":["bc1q.rig","x"]}"#),
    ("stratum-v1", r#"{"id":1,"method":"mining.subscribe","params":["bosminer-plus-tuner 0.2.0-c4f2"]}"#),
    ("stratum-v1", r#"{"id": 1, "method": "mining.subscribe", "params": ["NerdMinerV2/1.6.3"]}"#),
    ("stratum-v1", r#"{"id": 1, "method": "mining.subscribe", "params": ["NMMiner/v0.3.01"]}"#),
    ("stratum-v1", r#"{"id": 1, "method": "mining.subscribe", "params": ["bitaxe/BM1366/v2.1.0"]}"#),
    ("stratum-v1", r#"{"id":1,"method":"mining.subscribe","params":["NiceHash/1.0.0","1618904327000","c1f0e9f9a3b2b1d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c"]}"#),
    ("stratum-v1", r#"{"id":1,"method":"mining.subscribe","params":["xelis-miner/1.0",["xel/v2"]]}"#),
    ("stratum-v1", r#"{"id":1,"method":"mining.authorize","params":["k:3f5b7d9a1c2e4f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8","x"]}"#),
    ("stratum-v1", r#"{"id":7,"method":"mining.authorize","params":["hs1qd42hrldu5yqee58se4uj6xctm7nk28r70e84vx.rig"]}"#),
    ("stratum-v1", r#"{"params":["user.worker","x"],"id":"auth","method":"mining.authorize"}"#),
    ("stratum-v1", r#"{"id": 3, "method": "mining.extranonce.subscribe", "params": []}"#),
    ("stratum-v1", r#"{"method": "mining.submit", "params": ["user647.worker", "7c73f749", "000000000000", "6b025a4e", "000005a6"], "id":4}"#),
    ("stratum-v1", r#"{"id":1,"method":"mining.subscribe"}"#),
    // However it is written.
    ("stratum-v1", r#"  {"params" : [ ] , "\u0069d" : "x" , "m\u0065thod" : "mining\u002esubscribe" }"#),
    ("stratum-v1", "{\"id\":1,\r\n\t\"method\":\"mining.subscribe\",\"params\":[\"unheard-of/1\"]}\r"),
    ("stratum-v1", r#"[{"id":1,"method":"mining.subscribe","params":["x/1"]},{"id":2,"method":"mining.authorize","params":["u","p"]}]"#),
    ("stratum-v1", r#"{"method":"noise","id":1,"method":"mining.subscribe","params":["x/1"]}"#),
    ("stratum-v1", r#"{"method":"mining.subscribe","id":1,"method":"noise","params":["x/1"]}"#),
    // Its kin.
    ("equihash", r#"{"id":1,"method":"mining.subscribe","params":["nheqminer/0.5c",null,"zec.pool.test","3443"]}"#),
    ("equihash", r#"{"id":1,"method":"mining.subscribe","params":["EWBF/0.6",null,"p3.lab.test","20021"]}"#),
    ("equihash", r#"{"id":1,"method":"mining.subscribe","params":["miniZ/2.4d", null, "pool.test", "4000"]}"#),
    ("equihash", r#"{"id":1,"method":"mining.subscribe","params":["lolMiner 1.88",null,"pool.test",4000]}"#),
    ("xmrig-eth-stratum", r#"{"id":1,"jsonrpc":"2.0","method":"mining.subscribe","params":["XMRig/6.22.0 (Linux x86_64) libuv/1.48.0 gcc/13.2.1"]}"#),
    ("ethereum-stratum-1", r#"{"id":1,"method":"mining.subscribe","params":["EthereumMiner/1.0.0","EthereumStratum/1.0.0"]}"#),
    ("ethereum-stratum-1", r#"{"id":1,"jsonrpc":"2.0","method":"mining.subscribe","params":["lolMiner/1.42","EthereumStratum/1.0.0"]}"#),
    ("ethereum-stratum-1", r#"{"id":1,"method":"mining.subscribe","params":["kawpowminer/1.2.4+commit.4dbc","EthereumStratum/1.0.0"]}"#),
    ("ethereum-stratum-2", r#"{"id":0,"method":"mining.hello","params":{"agent":"ethminer-0.17","host":"pool.test","port":"4d2","proto":"EthereumStratum/2.0.0"}}"#),
    ("conflux", r#"{"id":2,"method":"mining.authorize","params":["cfx:aarc9abycue0hhzgyrr53m6cxedgccrmmyybjgh4xg.rig","x"]}"#),
    ("stratum-v1", r#"{"jsonrpc": "2.0", "method": "mining.subscribe", "params": ["worker", "secret"], "id": 1}"#),
    ("alephium", r#"{"id":9,"method":"alph_submitHashrate","params":["0x00000000004c4b40","rig"]}"#),
    ("ironfish", r#"{"id":0,"method":"mining.subscribe","body":{"version":3,"agent":"ironfish-miner/1.0","publicAddress":"4a1f"}}"#),
    // login
    ("cryptonote", r#"{"id":1,"jsonrpc":"2.0","method":"login","params":{"login":"user3802.worker","pass":"rig01","agent":"XMRig/6.26.0 (Linux x86_64) libuv/1.44.2 gcc/12.2.0","algo":["cn-pico","cn/1","rx/0"]}}"#),
    ("cryptonote", r#"{"id":1,"jsonrpc":"2.0","method":"login","params":{"login":"x","pass":"x","agent":"renamed/1","algo":["rx/0","cn/r"]}}"#),
    ("cryptonote", r#"{"method":"login","params":{"login":"44AFFq5kSiGBoZ4NMDwYtN18obc8AemS33DBLWs3H7otXft3XjrpDtQGv7SqSsaBYBb98uNbr2VBBEt7f2wfn3RVGQBEP3A","pass":"x","rigid":"","agent":"xmr-stak/2.10.8/26a5d65f/master/lin/nvidia-amd-cpu/aeon-cryptonight-monero/20"},"id":1}"#),
    ("cryptonote", r#"{"method": "login", "params": {"login": "44AFFq5kSiGBoZ4NMDwYtN18obc8AemS33DBLWs3H7otXft3XjrpDtQGv7SqSsaBYBb98uNbr2VBBEt7f2wfn3RVGQBEP3A", "pass": "x", "agent": "cpuminer-multi/0.1"}, "id": 1}"#),
    ("cryptonote", r#"{"id":"1","jsonrpc":"2.0","method":"login","params":{"agent":"SRBMiner-MULTI/2.4.4","login":"w","pass":"p"}}"#),
    ("cryptonote", r#"{"id":null,"method":"login","params":{"pass":"","login":"44AFFq5kSiGBoZ4NMDwYtN18obc8AemS33DBLWs3H7otXft3XjrpDtQGv7SqSsaBYBb98uNbr2VBBEt7f2wfn3RVGQBEP3A+5000"}}"#),
    ("cryptonote", r#"{"id":1,"method":"login","params":{"login":"44AFFq5kSiGBoZ4NMDwYtN18obc8AemS33DBLWs3H7otXft3XjrpDtQGv7SqSsaBYBb98uNbr2VBBEt7f2wfn3RVGQBEP3A:rig","pass":"x"}}"#),
    ("cryptonote", r#"{"id":1,"method":"login","params":{"login":"bc1qcrsk8wwmfaumqtlstm2clpacavsdu6smr0eyds","agent":"xmrigcc/3"}}"#),
    ("cryptonote-self-select", r#"{"id":1,"jsonrpc":"2.0","method":"login","params":{"login":"w","pass":"x","agent":"own/1","mode":"self-select"}}"#),
    ("grin", r#"{"id":"0","jsonrpc":"2.0","method":"login","params":{"login":"user","pass":"","agent":"grin-miner"}}"#),
    ("grin", r#"{"id":"0","jsonrpc":"2.0","method":"login","params":{"agent":"GMiner","login":"a@b.test/rig","pass":"x"}}"#),
    ("beam", r#"{"method":"login", "api_key":"0123", "id":"login","jsonrpc":"2.0"} "#),
    // Ethereum and what copies it.
    ("eth-proxy", r#"{"worker": "eth1.0", "jsonrpc": "2.0", "params": ["0xd8b37d9982e71d2ed3f656b111811d5e97f6eec4.rig/mail", "x"], "id": 2, "method": "eth_submitLogin"}"#),
    ("eth-proxy", r#"{"id":1,"method":"eth_submitLogin","worker":"rig","params":["0xd8b37d9982e71d2ed3f656b111811d5e97f6eec4"]}"#),
    ("eth-proxy", r#"{"id":1,"jsonrpc":"2.0","method":"eth_submitLogin","worker":"eth1.0","params":["0xd8b37d9982e71d2ed3f656b111811d5e97f6eec4","x"]}"#),
    ("eth-proxy", r#"{"id":5,"jsonrpc":"2.0","method":"eth_getWork","params":[]}"#),
    ("eth-proxy", r#"{"id":6,"jsonrpc":"2.0","method":"eth_submitHashrate","params":["0x1dcd650","0x59daa26581d0acd1fce254fb7e85952f4c09d0915afd33d3886cd914bc7d283c"]}"#),
    ("eth-proxy", r#"{"id":1,"method":"quai_submitLogin","params":["0x00343424d5b5f3d9b4a63ed1ce9e1d4a1e1a5a5f","x"]}"#),
    ("eth-proxy", r#"{"id":1,"method":"eth_submitLogin","params":{"login":"0xd8b37d9982e71d2ed3f656b111811d5e97f6eec4","pass":"x"}}"#),
    ("ckb", r#"{"id":4,"method":"ckb_submitHashrate","params":"0x123"}"#),
    ("ckb", r#"{"id":1,"method":"ckb_submitLogin","params":{"login":"ckt1qyqv","agent":"MinerName/v1","worker":"w"}}"#),
    // Browsers.
    ("coinhive", r#"{"type":"auth","params":{"version":7,"site_key":"kPTbW2hlJQ7yTgmZGTfsnbDEqzkTEdAG","type":"anonymous","user":null,"goal":0}}"#),
    ("webminerpool", r#"{"identifier":"handshake","pool":"minexmr.com","login":"44AFFq5k","password":"","userid":"","version":8}"#),
    ("nimiq", r#"{"message":"register","mode":"nano","address":"NQ25 FGTL 2Q4V","deviceId":3215,"deviceName":"pc","genesisHash":"Jkqvik"}"#),
    // Lines.
    ("xatum", r#"shake~{"addr":"xel:ys4peuzztwl67rzhsdu0yxfzwcfmgt85uu53hycpeeary7n8qvysqmxznt0","work":"x","agent":"xmrig/6.20","algos":["xel/0"]}"#),
];

#[test]
fn the_first_message_of_a_client_is_proof() {
    for &(dialect, message) in FIRST_MESSAGES {
        let mut talk = Talk::from_start();
        assert_eq!(talk.client(message), Answer::Match, "{message}");
        assert_eq!(talk.finding.dialect.map(Dialect::name), Some(dialect), "{message}");
        assert!(talk.finding.evidence.ends_with("from the client"), "{message}");
    }
}

#[test]
fn midway_the_same_message_is_not_proof() {
    for &(_, message) in FIRST_MESSAGES {
        let mut talk = Talk::midway();
        assert_eq!(talk.client(message), Answer::NeedMore, "{message}");
        assert!(talk.inspection.has_evidence());
    }
}

#[test]
fn from_the_server_the_same_message_is_not_proof() {
    for &(_, message) in FIRST_MESSAGES {
        assert_eq!(Talk::from_start().server(message), Answer::NeedMore, "{message}");
    }
}

#[test]
fn inside_a_string_or_another_object_the_same_message_is_nothing() {
    for &(_, message) in FIRST_MESSAGES {
        let quoted = message.replace('\\', "\\\\").replace('"', "\\\"").replace(['\r', '\n', '\t'], " ");
        let mut talk = Talk::from_start();
        let post =
            format!(r#"{{"id":1,"method":"chat.post","params":{{"text":"{quoted}"}},"text":"{quoted}"}}"#);
        talk.client(&post);
        talk.client(&format!("[\"{quoted}\"]"));
        talk.client(&format!("alice: {message}"));
        assert!(!talk.inspection.has_evidence(), "{message}");
        let mut talk = Talk::from_start();
        if message.trim_start().starts_with('{') {
            talk.client(&format!(r#"{{"id":1,"event":"log","data":{message}}}"#));
            talk.client(&format!(r#"{{"id":1,"method":"log","params":[{message}]}}"#));
            assert!(!talk.inspection.has_evidence(), "{message}");
        }
    }
}

#[test]
fn the_finding_says_what_the_wire_says() {
    let mut talk = Talk::from_start();
    talk.client(&format!(
        r#"{{"id":1,"method":"login","params":{{"login":"{XMR}.rig","pass":"x","agent":"XMRig\u002f6.26.0 \"\u001b[31m","algo":["rx/0"]}}}}"#
    ));
    let Finding { dialect, coin, agent, wallet, evidence, .. } = &talk.finding;
    assert_eq!(dialect.unwrap().name(), "cryptonote");
    assert_eq!((coin.as_str(), agent.as_str()), ("rx/0", "XMRig/6.26.0 %22%1b[31m"));
    assert_eq!((wallet.as_str(), evidence.as_str()), ("44AFFq..EP3A.rig", "login from the client"));

    let mut talk = Talk::from_start();
    talk.server("4.3");
    talk.client("JOB,revox,AVR");
    assert_eq!((talk.finding.wallet.as_str(), talk.finding.coin.as_str()), ("revox", "duino-coin"));

    let mut talk = Talk::from_start();
    talk.client(
        r#"{"id":1,"method":"mining.subscribe","params":["kaspa-miner/0.2","EthereumStratum/1.0.0"]}"#,
    );
    assert_eq!((talk.finding.agent.as_str(), talk.finding.coin.as_str()), ("kaspa-miner/0.2", "kaspa"));

    let mut talk = Talk::from_start();
    talk.client(
        r#"{"id":1,"method":"mining.authorize","params":["k:3f5b7d9a1c2e4f60718293a4b5c6d7e8","x"]}"#,
    );
    assert_eq!((talk.finding.wallet.as_str(), talk.finding.coin.as_str()), ("k:3f5b..d7e8", "kadena"));
}
