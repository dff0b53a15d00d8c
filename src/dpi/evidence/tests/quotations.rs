//! Mining messages that are stored, shipped or shown by others than miners and pools.

use super::*;

/// Both sides of a session.
const ONE_SESSION: [&str; 3] = [
    r#"{"id":1,"method":"mining.subscribe","params":["x/1"]}"#,
    r#"{"id":1,"result":[[["mining.notify","1"]],"08000002",4],"error":null}"#,
    r#"{"id":null,"method":"mining.set_difficulty","params":[1024]}"#,
];

#[test]
fn stratum_inside_http_is_a_paste() {
    let mut talk = Talk::from_start();
    let subscribe = r#"{"id":1,"method":"mining.subscribe","params":["x/1"]}"#;
    assert_eq!(talk.request("/docs/1", "", subscribe), Answer::NeedMore);
    assert_eq!(talk.response(r#"{"id":1,"result":"created"}"#), Answer::NeedMore);
    talk.request("/docs/2", "", "");
    assert_ne!(talk.response(r#"{"id":1,"result":[["mining.notify","x"],"08000002",4]}"#), Answer::Match);
}

#[test]
fn a_request_with_other_members_wants_an_answer() {
    for message in [
        r#"{"junk":[[[[[[[[[[[[0]]]]]]]]]]]],"id":1,"method":"mining.subscribe","params":["x/1"]}"#,
        r#"{"@timestamp":"2026-01-01","host":"rig","id":1,"method":"mining.subscribe","params":["x/1"]}"#,
    ] {
        let mut talk = Talk::from_start();
        assert_eq!(talk.client(message), Answer::NeedMore, "{message}");
        assert_eq!(talk.server(r#"{"ack":1}"#), Answer::NeedMore, "{message}");
        assert_eq!(
            talk.server(r#"{"id":1,"result":[null,"08000002"],"error":null}"#),
            Answer::Match,
            "{message}"
        );
    }
}

#[test]
fn what_a_server_shows_the_visitors_of_a_website_is_not_mining() {
    let job =
        format!(r#"{{"method":"job","params":{{"job_id":"1","blob":"{H64}{H64}","target":"b88d0600"}}}}"#);
    let mut talk = Talk::over_websocket();
    talk.client(r#"{"op":"subscribe","channel":"jobs"}"#);
    assert_eq!(talk.server(&job), Answer::NeedMore);
    let mut talk = Talk::from_start();
    talk.client(r#"{"op":"subscribe","channel":"jobs"}"#);
    assert_eq!(talk.server(&job), Answer::Match);
}

#[test]
fn a_log_that_a_server_shows_is_not_mining() {
    let mut talk = Talk::from_start();
    talk.client(r#"{"tail":"pool.log"}"#);
    for line in ONE_SESSION {
        assert_ne!(talk.server(line), Answer::Match, "{line}");
    }
    let mut talk = Talk::from_start();
    talk.client(r#"{"tail":"sent.log"}"#);
    for line in ONE_SESSION.map(|line| line.replacen('{', "{\"ts\":1700000000,", 1)).iter().skip(1) {
        assert_ne!(talk.server(line), Answer::Match, "{line}");
    }
}

#[test]
fn a_log_that_begins_with_what_the_pool_said_is_not_mining() {
    let mut talk = Talk::from_start();
    for line in ONE_SESSION.iter().rev() {
        assert_ne!(talk.client(line), Answer::Match, "{line}");
    }
}

#[test]
fn a_log_of_a_web_miner_or_of_a_template_is_not_mining() {
    let mut talk = Talk::from_start();
    let line = r#"{"ts":1,"host":"pc","type":"auth","params":{"site_key":"k","type":"anonymous","goal":0}}"#;
    assert_eq!(talk.client(line), Answer::NeedMore);
    let mut talk = Talk::from_start();
    let given = format!(r#"{{"id":1,"result":{{"previousblockhash":"{H64}","transactions":[]}}}}"#);
    for line in [r#"{"id":1,"method":"getblocktemplate"}"#, &given, r#"{"id":2,"method":"getblocktemplate"}"#]
    {
        assert_eq!(talk.client(line), Answer::NeedMore, "{line}");
    }
}

#[test]
fn a_hash_rate_posted_anywhere_wants_consent() {
    let rate = format!(r#"{{"id":6,"method":"eth_submitHashrate","params":["0x500000","0x{H64}"]}}"#);
    for (answer, expected) in
        [("\"created\"", Answer::NeedMore), ("false", Answer::NeedMore), ("true", Answer::Match)]
    {
        let mut talk = Talk::from_start();
        assert_eq!(talk.request("/log", "", &rate), Answer::NeedMore);
        assert_eq!(talk.response(&format!(r#"{{"id":6,"result":{answer}}}"#)), expected, "{answer}");
    }
    assert_eq!(Talk::from_start().request("/", "ethminer/0.19", &rate), Answer::Match);
}
