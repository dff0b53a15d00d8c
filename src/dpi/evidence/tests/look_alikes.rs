//! Look-alikes of mining: none of them may match, and those that are clearly something else are
//! bypassed.

use super::*;

/// Conversations; `<H>` stands for a hash, `<B>` for a longer one.
#[rustfmt::skip]
const CONVERSATIONS: &[(&str, &str)] = &[
    ("Electrum", r#"
        > {"jsonrpc":"2.0","method":"server.version","params":["electrum/4.5.5","1.4"],"id":0}
        < {"jsonrpc":"2.0","result":["ElectrumX 1.16.0","1.4"],"id":0}
        > {"jsonrpc":"2.0","method":"blockchain.headers.subscribe","params":[],"id":1}
        > {"jsonrpc":"2.0","method":"blockchain.scripthash.subscribe","params":["<H>"],"id":2}
        < {"jsonrpc":"2.0","result":{"height":520481,"hex":"<B>"},"id":1}
        < {"jsonrpc":"2.0","method":"blockchain.headers.subscribe","params":[{"height":520482,"hex":"<B>"}]}
        > {"id":3,"method":"blockchain.transaction.broadcast","params":["<B>"]}
        < {"jsonrpc":"2.0","result":["<H>","<H>","<H>"],"id":3}"#),
    ("Ethereum node", r#"
        > {"jsonrpc":"2.0","id":1,"method":"eth_blockNumber","params":[]}
        < {"jsonrpc":"2.0","id":1,"result":"0x12d687"}
        > {"jsonrpc":"2.0","id":2,"method":"eth_getFilterChanges","params":["0x1"]}
        < {"jsonrpc":"2.0","id":2,"result":["0x<H>","0x<H>","0x<H>"]}
        > {"jsonrpc":"2.0","id":3,"method":"eth_mining","params":[]}
        < {"jsonrpc":"2.0","id":3,"result":false}
        > {"jsonrpc":"2.0","id":4,"method":"eth_hashrate","params":[]}
        < {"jsonrpc":"2.0","id":4,"result":"0x0"}
        > {"jsonrpc":"2.0","id":5,"method":"eth_sendRawTransaction","params":["0x<B>"]}
        < {"jsonrpc":"2.0","id":5,"result":"0x<H>"}"#),
    ("Ethereum subscription", r#"
        > {"jsonrpc":"2.0","id":1,"method":"eth_subscribe","params":["newHeads"]}
        < {"jsonrpc":"2.0","id":1,"result":"0x9ce59a13059e417087c02d3236a0b1cc"}
        < {"jsonrpc":"2.0","method":"eth_subscription","params":{"subscription":"0x9c","result":{"difficulty":"0x15d9","nonce":"0xe427703771be9895","mixHash":"0x<H>","number":"0x1","parentHash":"0x<H>"}}}"#),
    ("Bitcoin node", r#"
        > {"jsonrpc":"1.0","id":"curltest","method":"getblockchaininfo","params":[]}
        < {"result":{"chain":"main","blocks":700000,"bestblockhash":"<H>","difficulty":1.0},"error":null,"id":"curltest"}
        > {"id":2,"method":"getmininginfo","params":[]}
        < {"result":{"blocks":1,"networkhashps":1e20,"pooledtx":3,"chain":"main"},"error":null,"id":2}
        > {"id":3,"method":"getnetworkhashps","params":[120]}
        < {"result":1e20,"error":null,"id":3}
        > {"id":4,"method":"getblocktemplate","params":[{"rules":["segwit"]}]}
        < {"result":{"previousblockhash":"<H>","transactions":[],"coinbasevalue":625000000},"error":null,"id":4}"#),
    ("Bitcoin block proposal", r#"
        > {"id":4,"method":"getblocktemplate","params":[{"mode":"proposal","data":"<B>","rules":["segwit"]}]}
        < {"result":null,"error":null,"id":4}"#),
    ("Monero wallet", r#"
        > {"jsonrpc":"2.0","id":"0","method":"get_info"}
        < {"id":"0","jsonrpc":"2.0","result":{"height":3289311,"target":120,"target_height":0,"difficulty":5000,"status":"OK","top_block_hash":"<H>"}}
        > {"jsonrpc":"2.0","id":"0","method":"transfer","params":{"destinations":[{"amount":1,"address":"44AFFq5kSiGBoZ4NMDwYtN18obc8AemS33DBLWs3H7otXft3XjrpDtQGv7SqSsaBYBb98uNbr2VBBEt7f2wfn3RVGQBEP3A"}]}}
        < {"id":"0","jsonrpc":"2.0","result":{"tx_hash":"<H>","tx_blob":"<B>"}}
        > {"jsonrpc":"2.0","id":"0","method":"get_block_header_by_height","params":{"height":1}}
        < {"id":"0","jsonrpc":"2.0","result":{"block_header":{"difficulty":1,"nonce":1,"pow_hash":"<H>"},"status":"OK"}}"#),
    ("language server", r#"
        > {"jsonrpc":"2.0","id":0,"method":"initialize","params":{"processId":1,"rootUri":null,"capabilities":{}}}
        < {"jsonrpc":"2.0","id":0,"result":{"capabilities":{"textDocumentSync":2}}}
        > {"jsonrpc":"2.0","method":"textDocument/didOpen","params":{"textDocument":{"uri":"file:///a"}}}
        < {"jsonrpc":"2.0","method":"textDocument/publishDiagnostics","params":{"uri":"file:///a","diagnostics":[]}}"#),
    ("block explorer", r#"
        > {"id":1,"method":"getblocktemplate","params":[{"rules":["segwit"]}]}
        < {"result":{"previousblockhash":"<H>","transactions":[],"coinbasevalue":625000000},"error":null,"id":1}
        > {"id":2,"method":"getmempoolinfo","params":[]}
        < {"result":{"size":5},"error":null,"id":2}
        > {"id":3,"method":"getblocktemplate","params":[{"rules":["segwit"]}]}
        < {"result":{"previousblockhash":"<H>","transactions":[],"coinbasevalue":625000000},"error":null,"id":3}"#),
    ("login with a key", r#"
        > {"jsonrpc":"2.0","id":1,"method":"login","params":{"login":"3kTmWq8ZpVd7Rn5Yb2Hc9JxEf4Ag6SuLw1QeTzMv","pass":"secret"}}
        < {"jsonrpc":"2.0","id":1,"result":{"token":"abc"}}"#),
    ("handshake with a pool of others", r#"
        > {"identifier":"handshake","pool":"connections","login":"bob"}
        < {"identifier":"ok"}"#),
    ("login with the key of a site", r#"
        > {"type":"auth","params":{"site_key":"abcdef","type":"user","user":"bob"}}
        < {"type":"ok"}"#),
    ("login, submit, status", r#"
        > {"jsonrpc":"2.0","id":1,"method":"login","params":{"login":"bob@example.test","pass":"secret","agent":"MyApp/1.0"}}
        < {"jsonrpc":"2.0","id":1,"result":{"status":"OK","id":"session-token"}}
        > {"jsonrpc":"2.0","id":2,"method":"submit","params":{"job_id":17,"result":"done","nonce":"abc"}}
        < {"jsonrpc":"2.0","id":2,"result":{"status":"OK"}}
        > {"jsonrpc":"2.0","id":3,"method":"status"}
        < {"jsonrpc":"2.0","id":3,"result":{"status":"running","height":12}}
        > {"jsonrpc":"2.0","id":4,"method":"keepalived","params":{"id":"session-token"}}
        < {"jsonrpc":"2.0","id":4,"result":true}"#),
    ("login by a name", r#"
        > {"id":1,"method":"login","params":{"login":"Bob5","pass":"secret"}}
        < {"id":1,"result":"ok"}"#),
    ("login for a trade", r#"
        > {"id":"login","method":"login","api_key":"k3y","sign":"<H>","nonce":"1"}
        < {"id":"login","result":"ok"}"#),
    ("login with an array", r#"
        > {"id":1,"method":"login","params":["bob","secret"]}
        < {"id":1,"result":true,"error":null}"#),
    ("login with a key", r#"
        > {"id":1,"method":"login","api_key":"k3y","sign":"<H>","nonce":"1"}
        < {"id":1,"method":"result","code":0,"description":"ok"}"#),
    ("trading with a login", r#"
        > {"method":"login","params":{"algo":"HS256","pKey":"3ef4a9f8c8bf04bd8f09884b98403eae","nonce":"N1g287gL8YOwDZr","signature":"<H>"},"id":1}
        < {"jsonrpc":"2.0","result":true,"id":1}"#),
    ("trading", r#"
        > {"method":"SUBSCRIBE","params":["btcusdt@aggTrade","btcusdt@depth"],"id":1}
        < {"result":null,"id":1}
        > {"op":"subscribe","args":[{"channel":"tickers","instId":"BTC-USDT"}]}
        < {"event":"subscribe","arg":{"channel":"tickers","instId":"BTC-USDT"}}
        > {"method":"subscribe","params":{"channel":"ticker"},"id":2}
        < {"method":"subscribe","result":[{"channel":"ticker","success":true}],"id":2}
        > {"id":3,"method":"server.auth","params":["tok","web"]}
        < {"id":3,"result":{"status":"success"},"error":null}"#),
    ("continuous integration", r#"
        > {"id":1,"method":"job","params":{"job_id":"build-17","target":"x86_64-linux","branch":"main"}}
        < {"id":1,"result":{"job_id":"build-17","status":"OK","target":"release"}}
        < {"method":"job","params":{"job_id":"build-18","target":"all"}}
        < {"method":"job","params":{"job_id":"build-19","blob":"<B>"}}
        > {"method":"submit","params":{"job_id":"build-18","result":"passed"}}
        > {"id":2,"method":"getwork","params":[]}
        < {"id":2,"result":{"data":"see attachment","target":"staging"}}"#),
    ("IoT telemetry", r#"
        > {"job_id":"7","target":"21.5","result":"20.1","height":140,"nonce":12}
        < {"status":"OK"}
        > {"type":"auth","params":{"token":"abc","site_key":"garden"}}
        < {"type":"authed","params":{"user":"bob"}}
        > {"identifier":"handshake","version":2}
        < {"identifier":"job","job_id":3,"task":"water"}
        > {"message":"register","address":"10.0.0.7","deviceId":77}
        < {"message":"settings","target":22}
        < {"message":"registered"}"#),
    ("action cable", r#"
        < {"type":"welcome"}
        > {"command":"subscribe","identifier":"{\"channel\":\"ChatChannel\"}"}
        < {"identifier":"{\"channel\":\"ChatChannel\"}","type":"confirm_subscription"}"#),
    ("captcha", r#"
        > {"type":"auth","params":{"site_key":"6LeIxAcTAAAAAJcZVRqyHh71UMIEGNQ"}}
        < {"type":"authed","params":{"ok":true}}"#),
    ("chat", r#"
        > {"type":"message","text":"{\"id\":1,\"method\":\"mining.subscribe\",\"params\":[\"cgminer/4\"]}"}
        < {"type":"message","text":"{\"method\":\"mining.notify\",\"params\":[\"1\",\"<H>\"]}"}
        > {"type":"message","body":{"id":1,"method":"mining.subscribe","params":["cgminer/4"]}}
        < {"ok":true,"message":{"method":"mining.notify","params":["1","<H>","<H>"]}}"#),
    ("IRC", r#"
        > NICK alice
        < :irc.example.test 001 alice :Welcome
        > PRIVMSG #mining :{"id":1,"method":"mining.subscribe","params":[]}
        < :bob PRIVMSG #mining :{"method":"mining.notify","params":["1","<H>"]}"#),
    ("XMPP", r#"
        > <stream:stream to='example.test' xmlns='jabber:client'>
        < <stream:features><mechanisms/></stream:features>"#),
    ("text protocols", r#"
        < 220 mail.example.test ESMTP
        > EHLO me
        < 250-mail.example.test
        > JOB,report,weekly
        < GOOD
        > 12,34
        < 4.3"#),
    ("words", r#"
        > {"id":1,"method":"mining.subscribe","params":{"channel":"news"}}
        < {"id":1,"result":{"ok":true}}
        > {"id":2,"method":"mining.authorize","params":{"token":"abc"}}
        < {"id":2,"result":{"ok":true}}
        < {"method":"mining.notify","params":["a new mine has opened"]}
        < {"method":"mining.notify","params":{"text":"hello"}}
        > {"id":3,"method":"mining.submit","params":["form"]}
        < {"id":3,"result":true}"#),
];

#[test]
fn look_alikes_do_not_match() {
    for &(name, script) in CONVERSATIONS {
        let script = script.replace("<H>", H64).replace("<B>", &H64.repeat(4));
        let swapped = script
            .replace("        > ", "        ~ ")
            .replace("        < ", "        > ")
            .replace("        ~ ", "        < ");
        for script in [&script, &swapped] {
            for mut talk in [Talk::from_start(), Talk::midway()] {
                for line in script.lines().filter(|line| !line.trim().is_empty()) {
                    // Heard to the end, also when the flow would have been let go before.
                    let (_, answer) = talk.script(line);
                    assert_ne!(answer, Answer::Match, "{name}: {line}: {:?}", talk.finding);
                }
            }
        }
    }
}

#[test]
fn look_alikes_do_not_match_in_http() {
    for &(name, script) in CONVERSATIONS {
        let script = script.replace("<H>", H64).replace("<B>", &H64.repeat(4));
        let mut talk = Talk::from_start();
        for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let answer = match line.split_at(2) {
                ("> ", body) => talk.request("/json_rpc", "Mozilla/5.0", body),
                (_, body) => talk.response(body),
            };
            assert_ne!(answer, Answer::Match, "{name}: {line}");
        }
    }
}

#[test]
fn a_block_proposed_is_no_work_asked_for() {
    let mut talk = Talk::from_start();
    talk.client(r#"{"id":4,"method":"getblocktemplate","params":[{"mode":"proposal","data":"00ff"}]}"#);
    assert!(!talk.inspection.has_evidence());
}

#[test]
fn a_nodes_list_of_hashes_is_not_the_work_asked_for() {
    let mut talk = Talk::from_start();
    let hashes = format!(r#"["0x{H64}","0x{H64}","0x{H64}"]"#);
    talk.request("/", "", r#"{"id":1,"method":"eth_getFilterChanges","params":["0x1"]}"#);
    talk.response(&format!(r#"{{"id":1,"result":{hashes}}}"#));
    assert_eq!(talk.request("/", "", r#"{"id":2,"method":"eth_getWork","params":[]}"#), Answer::NeedMore);
    assert_eq!(talk.response(r#"{"id":2,"result":[]}"#), Answer::NeedMore);
    talk.request("/", "", r#"{"id":3,"method":"eth_getWork","params":[]}"#);
    assert_eq!(talk.response(&format!(r#"{{"id":3,"result":{hashes}}}"#)), Answer::Match);
}

#[test]
fn what_a_web_service_answers_is_no_proof_by_itself() {
    let mut talk = Talk::from_start();
    let answer = format!(r#"{{"id":1,"result":{{"height":1,"pow_hash":"{H64}","target":"{H64}"}}}}"#);
    assert_eq!(talk.request("/", "", r#"{"id":1,"method":"header","params":[1]}"#), Answer::NeedMore);
    assert_eq!(talk.response(&answer), Answer::NeedMore);
}

#[test]
fn what_comes_after_a_long_talk_of_other_things_wants_an_answer() {
    let login = r#"{"id":1,"method":"eth_submitLogin","params":["0x42"]}"#;
    let mut talk = Talk::from_start();
    for _ in 1..FOREIGN_MESSAGES_ONE_WAY {
        talk.client(r#"{"temperature":21.5}"#);
    }
    assert_eq!(talk.client(login), Answer::Match);
    let mut talk = Talk::from_start();
    for _ in 0..FOREIGN_MESSAGES_ONE_WAY {
        talk.client(r#"{"temperature":21.5}"#);
    }
    assert_eq!(talk.client(login), Answer::NeedMore);
    assert_eq!(talk.server(r#"{"id":1,"result":true}"#), Answer::Match);
}

#[test]
fn refusals_are_waited_out() {
    let mut talk = Talk::from_start();
    for id in 0..20 {
        assert_eq!(
            talk.server(r#"{"id":1,"error":{"code":-1,"message":"invalid method"}}"#),
            Answer::NeedMore,
            "{id}"
        );
    }
    assert_eq!(talk.client(r#"{"id":1,"method":"eth_submitLogin","params":["0x42"]}"#), Answer::Match);
}

#[test]
fn strong_evidence_outlives_any_conversation() {
    let mut talk = Talk::midway();
    talk.client(r#"{"id":4,"method":"mining.submit","params":["u","7c","00000000","6b025a4e"]}"#);
    for _ in 0..300 {
        assert_eq!(talk.client(r#"{"noise":1}"#), Answer::NeedMore);
        assert_eq!(talk.server(r#"{"noise":1}"#), Answer::NeedMore);
    }
    assert_eq!(talk.server(r#"{"method":"mining.set_difficulty","params":[8]}"#), Answer::Match);
}
