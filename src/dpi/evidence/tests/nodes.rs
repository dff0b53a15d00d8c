//! Work asked of a node, which answers wallets and explorers by the same door.

use super::*;

#[test]
fn work_is_asked_of_nodes() {
    let ask = |agent: &str, body: &str| Talk::from_start().request("/", agent, body);
    let getwork = r#"{"method": "getwork", "params": [], "id":0}"#;
    assert_eq!(ask("cpuminer/2.5.1", getwork), Answer::Match);
    assert_eq!(
        ask("", &format!(r#"{{"method":"getwork","params":["{}"],"id":1}}"#, H64.repeat(4))),
        Answer::Match
    );
    assert_eq!(
        ask(
            "",
            r#"{"method": "getblocktemplate", "params": [{"capabilities": ["coinbasetxn", "coinbasevalue", "longpoll", "workid"], "rules": ["segwit"]}], "id":0}"#
        ),
        Answer::Match
    );
    assert_eq!(
        ask(
            "",
            r#"{"method":"getblocktemplate","params":[{"rules":["segwit"],"longpollid":"00ff12"}],"id":0}"#
        ),
        Answer::Match
    );
    assert_eq!(ask("bfgminer/5.5.0", r#"{"method":"getblocktemplate","params":[],"id":0}"#), Answer::Match);
    assert_eq!(
        ask("ethminer/0.19", r#"{"id":1,"jsonrpc":"2.0","method":"eth_getWork","params":[]}"#),
        Answer::Match
    );
    assert_eq!(
        Talk::from_start().request("/?miner=20@0xd8b3", "", r#"{"id":1,"method":"eth_getWork"}"#),
        Answer::Match
    );

    let request = format!(
        "POST / HTTP/1.1\r\nX-Mining-Extensions: longpoll\r\nContent-Length: {}\r\n\r\n{getwork}",
        getwork.len()
    );
    assert_eq!(Talk::from_start().hear(Direction::ToServer, request.as_bytes()), Answer::Match);
}

#[test]
fn a_weak_request_for_work_is_proven_by_the_work() {
    let mut talk = Talk::from_start();
    assert_eq!(talk.request("/", "", r#"{"method":"getwork","params":[],"id":0}"#), Answer::NeedMore);
    assert_eq!(
        talk.response(&format!(
            r#"{{"result":{{"midstate":"{H64}","data":"{}","target":"{H64}"}},"id":0}}"#,
            H64.repeat(4)
        )),
        Answer::Match
    );
    assert_eq!(talk.finding.dialect, Some(Dialect::Getwork));

    let mut talk = Talk::from_start();
    assert_eq!(talk.request("/", "", r#"{"id":1,"method":"eth_getWork","params":[]}"#), Answer::NeedMore);
    assert_eq!(
        talk.response(&format!(r#"{{"id":1,"result":["0x{H64}","0x{H64}","0x{H64}"]}}"#)),
        Answer::Match
    );
    assert_eq!(talk.finding.dialect, Some(Dialect::EthGetWork));
}

#[test]
fn a_template_is_work_when_it_is_answered_with_a_block() {
    let ask = r#"{"method":"getblocktemplate","params":[{"rules":["segwit"]}],"id":0}"#;
    let template = format!(
        r#"{{"result":{{"capabilities":["proposal"],"previousblockhash":"{H64}","transactions":[{{"data":"00"#
    );
    let block = format!(r#"{{"method":"submitblock","params":["{}"],"id":1}}"#, H64.repeat(3));

    let mut talk = Talk::from_start();
    for _ in 0..5 {
        // So does who watches the fees.
        assert_eq!(talk.request("/", "curl/8", ask), Answer::NeedMore);
        assert_eq!(talk.response(&template), Answer::NeedMore);
    }
    assert_eq!(talk.request("/", "curl/8", &block), Answer::Match);

    let mut talk = Talk::from_start();
    assert_eq!(talk.request("/", "curl/8", ask), Answer::NeedMore);
    assert_eq!(talk.request("/", "curl/8", &block), Answer::Match);
    assert_eq!(talk.finding.dialect, Some(Dialect::GetBlockTemplate));
    assert_eq!(talk.finding.agent, "curl/8");
}

#[test]
fn moneros_daemon_is_asked_by_solo_miners() {
    let ask = r#"{"id":1,"jsonrpc":"2.0","method":"getblocktemplate","params":{"wallet_address":"44AFFq5kSiGBoZ4NMDwYtN18obc8AemS33DBLWs3H7otXft3XjrpDtQGv7SqSsaBYBb98uNbr2VBBEt7f2wfn3RVGQBEP3A","extra_nonce":"125fa6b28a2a7fce"}}"#;
    let mut talk = Talk::from_start();
    assert_eq!(talk.request("/json_rpc", "", ask), Answer::Match);
    assert_eq!(
        (talk.finding.dialect, talk.finding.wallet.as_str()),
        (Some(Dialect::MoneroDaemon), "44AFFq..EP3A")
    );
    let mut talk = Talk::from_start();
    assert_eq!(talk.request("/getheight", "XMRig/6.26.0 (Linux x86_64)", ""), Answer::Match);
    assert_eq!(talk.finding.agent, "XMRig/6.26.0 (Linux x86_64)");
    assert_eq!(Talk::from_start().request("/getheight", "curl/8", ""), Answer::NeedMore);
    assert_eq!(Talk::from_start().request("/", "XMRig/6.26.0", ""), Answer::NeedMore);
}

#[test]
fn pushed_work_is_proven_by_the_first_share() {
    for start in [Talk::from_start, Talk::midway] {
        proven(
            start(),
            1,
            "getwork-websocket",
            r#"
            < {"new_job":{"algorithm":"xel/v2","miner_work":"<H><H>","height":"12","difficulty":"20000"}}
            > {"miner_work":"<H><H>"}"#,
        );
        proven(
            start(),
            1,
            "getwork-websocket",
            r#"
            < {"jobid":"1.0","blockhashing_blob":"<H><H>","difficulty":"20000","height":12,"lasterror":""}
            > {"jobid":"1.0","mbl_blob":"<H><H>"}"#,
        );
    }
}

#[test]
fn a_page_makes_no_browser_a_miner() {
    let address = "0x0000000000000000000000000000000000000000";
    let login = format!(r#"{{"id":1,"jsonrpc":"2.0","method":"eth_submitLogin","params":["{address}"]}}"#);
    let wallet =
        "44AFFq5kSiGBoZ4NMDwYtN18obc8AemS33DBLWs3H7otXft3XjrpDtQGv7SqSsaBYBb98uNbr2VBBEt7f2wfn3RVGQBEP3A";
    let monero = format!(
        r#"{{"id":1,"method":"getblocktemplate","params":{{"wallet_address":"{wallet}","reserve_size":8}}}}"#
    );
    let bitcoin =
        r#"{"id":1,"method":"getblocktemplate","params":[{"capabilities":["coinbasetxn","workid"]}]}"#;
    let work = r#"{"id":1,"method":"eth_getWork","params":[]}"#;
    for (target, body) in
        [("/0x?miner=0x00", login.as_str()), ("/0x", work), ("/json_rpc", &monero), ("/", bitcoin)]
    {
        let ask = |field: &str| {
            let mut talk = Talk::from_start();
            let request =
                format!("POST {target} HTTP/1.1\r\n{field}Content-Length: {}\r\n\r\n{body}", body.len());
            (talk.hear(Direction::ToServer, request.as_bytes()), talk)
        };
        assert_eq!(ask("").0, Answer::Match, "a program sends {body}");
        for field in [
            "Origin: http://page.example\r\n",
            "Referer: http://page.example/\r\n",
            "Sec-Fetch-Mode: no-cors\r\n",
            "Content-Type: text/plain;charset=UTF-8\r\n",
            "User-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\n",
        ] {
            let (answer, mut talk) = ask(field);
            assert_eq!(answer, Answer::NeedMore, "{field}{body}");
            assert_eq!(talk.response("<html>not found</html>"), Answer::NeedMore, "{field}{body}");
        }
    }
    // The server's fitting answer proves it all the same.
    let mut talk = Talk::from_start();
    let request = format!("POST / HTTP/1.1\r\nOrigin: x\r\nContent-Length: {}\r\n\r\n{work}", work.len());
    assert_eq!(talk.hear(Direction::ToServer, request.as_bytes()), Answer::NeedMore);
    assert_eq!(
        talk.response(&format!(r#"{{"id":1,"result":["0x{H64}","0x{H64}","0x{H64}"]}}"#)),
        Answer::Match
    );
}
