//! Conversations that take both sides: weak clients, flows joined midway.

use super::*;

/// Each conversation of `conversations.txt`.
#[test]
fn conversations_are_proven_where_the_file_says() {
    let mut played = 0;
    for conversation in include_str!("conversations.txt").split("\n--- ").skip(1) {
        let (head, script) = conversation.split_once('\n').expect("a script");
        let (start, expected) = head.split_once(": ").expect("a start");
        let (dialect, at) = expected.split_once(" at ").expect("a message");
        let talk = if start == "midway" { Talk::midway() } else { Talk::from_start() };
        let script: String =
            script.lines().filter(|line| !line.starts_with('#')).flat_map(|line| [line, "\n"]).collect();
        proven(talk, at.parse().expect("a number"), dialect, &script);
        played += 1;
    }
    assert_eq!(played, 34);
}

#[test]
fn a_share_after_a_job_has_evidence_and_wallet() {
    let notify = r#"< {"id":null,"method":"mining.notify","params":["7c","<H>","01","02",[],"20000000","1703098c","6b025a01",true]}"#;
    let submit = r#"> {"method":"mining.submit","params":["bc1qcrsk8wwmfaumqtlstm2clpacavsdu6smr0eyds.rig","7c","00000000","6b025a4e","000005a6"],"id":4}"#;
    let talk = proven(Talk::midway(), 1, "stratum-v1", &format!("{notify}\n{submit}"));
    assert_eq!(talk.finding.evidence, "mining.submit from the client after a job");
    assert_eq!(talk.finding.wallet, "bc1qcr..eyds.rig");
}

#[test]
fn midway_the_ends_may_be_swapped() {
    let mut talk = Talk::midway();
    let submit = r#"{"method":"mining.submit","params":["u","7c","00000000","6b025a4e","000005a6"],"id":4}"#;
    assert_eq!(talk.server(submit), Answer::NeedMore);
    assert_eq!(talk.client(r#"{"id":4,"result":true,"error":null}"#), Answer::Match);
}

#[test]
fn a_quoted_conversation_in_one_direction_is_no_proof() {
    let conversation = format!(
        r#"{{"id":1,"method":"mining.subscribe","params":["cgminer/4"]}}
        {{"id":1,"result":[[["mining.notify","ae"]],"08000002",4],"error":null}}
        {{"id":null,"method":"mining.notify","params":["7c","{H64}","01","02",[],"20000000","1703098c","6b025a01",true]}}
        {{"method":"mining.submit","params":["u","7c","00000000","6b025a4e","000005a6"],"id":4}}
        {{"id":4,"result":true,"error":null}}
        {{"id":5,"method":"login","params":{{"login":"u","pass":"x","agent":"XMRig/6"}}}}
        {{"id":5,"result":{{"status":"KEEPALIVED"}}}}"#
    );
    for direction in [Direction::ToServer, Direction::ToClient] {
        let mut talk = Talk::midway();
        for line in conversation.lines() {
            assert_ne!(talk.say(direction, line), Answer::Match, "{line}");
            talk.say(direction.reverse(), "250 2.0.0 Ok: queued as 4Wnd");
        }
    }
}

#[test]
fn another_requests_success_does_not_answer_a_share() {
    let share = r#"{"method":"mining.submit","params":["u","7c","00000000","6b025a4e","000005a6"],"id":4}"#;
    let mut talk = Talk::midway();
    for refusal in [
        r#"{"id":4,"result":null,"error":{"code":-32601,"message":"Method not found"}}"#,
        r#"{"id":4,"result":true,"error":{"code":1,"message":"no"}}"#,
        r#"{"id":4,"result":false}"#,
    ] {
        talk.client(share);
        assert_eq!(talk.server(r#"{"id":5,"result":true}"#), Answer::NeedMore);
        assert_eq!(talk.server(refusal), Answer::NeedMore);
    }
    talk.client(share);
    assert_eq!(talk.client(r#"{"id":4,"result":true}"#), Answer::NeedMore);
    assert_eq!(talk.server(r#"{"id":4,"result":true}"#), Answer::Match);
}

#[test]
fn a_request_has_one_answer() {
    let share = r#"{"method":"mining.submit","params":["u","7c","00000000","6b025a4e","000005a6"],"id":4}"#;
    let mut talk = Talk::midway();
    talk.client(share);
    talk.server(r#"{"id":4,"result":null,"error":{"code":-32601,"message":"Method not found"}}"#);
    assert_eq!(talk.server(r#"{"id":4,"result":true}"#), Answer::NeedMore);
    talk.client(share);
    talk.client(r#"{"method":"status","id":4}"#);
    assert_eq!(talk.server(r#"{"id":4,"result":true}"#), Answer::NeedMore);
}

#[test]
fn a_request_without_an_identifier_wants_an_answer() {
    let mut talk = Talk::from_start();
    assert_eq!(talk.client(r#"{"method":"mining.subscribe","params":["x/1"]}"#), Answer::NeedMore);
    assert_eq!(
        talk.server(r#"{"id":null,"result":[[["mining.notify","ae"]],"08000002",4],"error":null}"#),
        Answer::Match
    );
}

#[test]
fn signs_of_different_families_do_not_add_up() {
    let mut talk = Talk::midway();
    assert_eq!(talk.client(r#"{"id":1,"method":"login","params":{"login":"bob"}}"#), Answer::NeedMore);
    assert_eq!(talk.server(r#"{"id":null,"method":"mining.set_difficulty","params":[8]}"#), Answer::NeedMore);
    // A hint of another family doesn't undo what is known.
    assert_eq!(talk.client(r#"{"id":2,"method":"keepalived","params":{"id":"x"}}"#), Answer::NeedMore);
    assert_eq!(
        talk.client(r#"{"id":3,"method":"mining.submit","params":["u","7c","00000000","6b025a4e"]}"#),
        Answer::Match
    );
}

#[test]
fn weak_evidence_buys_some_patience() {
    let login = r#"{"id":1,"method":"login","params":{"login":"bob","pass":"x"}}"#;
    let mut talk = Talk::from_start();
    talk.client(login);
    for id in 0..4 {
        assert_eq!(talk.server(r#"{"noise":1}"#), Answer::NeedMore, "{id}");
        assert_eq!(talk.client(r#"{"noise":1}"#), Answer::NeedMore, "{id}");
    }
    let job =
        format!(r#"{{"method":"job","params":{{"job_id":"1","blob":"{H64}{H64}","target":"b88d0600"}}}}"#);
    assert_eq!(talk.server(&job), Answer::Match);

    let mut talk = Talk::from_start();
    talk.client(login);
    let more = (0..100).take_while(|_| {
        talk.client(r#"{"noise":1}"#);
        talk.server(r#"{"noise":1}"#);
        talk.inspection.has_evidence()
    });
    assert!((8..16).contains(&more.count()));
}

#[test]
fn duino_coin_begins_with_the_servers_greeting() {
    let mut queue = Talk::from_start();
    assert_eq!(queue.client("JOB,alice,LOW,report.pdf\n"), Answer::NeedMore);
    assert_eq!(queue.server("OK,1\n"), Answer::NeedMore);
    for job in ["JOB,revox,MEDIUM,None,CPU Temperature:45", "JOB,revox,AVR,key\n", "JOB,revox,ESP8266H,key"] {
        let mut talk = Talk::from_start();
        assert_eq!(talk.server("4.3"), Answer::NeedMore);
        assert_eq!(talk.client(job), Answer::Match, "{job}");
    }
}

#[test]
fn grins_nodes_repeat_the_method_in_the_response() {
    for program in ["epic", "mwc"] {
        let pre_pow = H64.repeat(4);
        let mut talk = Talk::from_start();
        let script = format!(
            r#"> {{"id":"0","jsonrpc":"2.0","method":"login","params":{{"login":"me","pass":"x","agent":"{program}"}}}}
            < {{"id":"0","jsonrpc":"2.0","method":"login","result":"ok","error":null}}
            > {{"id":"0","jsonrpc":"2.0","method":"getjobtemplate","params":null}}
            < {{"id":"0","jsonrpc":"2.0","method":"getjobtemplate","result":{{"difficulty":1,"height":1,"job_id":0,"pre_pow":"{pre_pow}"}},"error":null}}"#
        );
        assert_eq!(talk.script(&script), (3, Answer::Match));
        assert_eq!(talk.finding.dialect, Some(Dialect::Grin));
    }
}

#[test]
fn two_exchanges_of_another_sort_do_not_hide_it() {
    let mut talk = Talk::from_start();
    let (at, answer) = talk.script(
        r#"> {"hello":1}
        < {"motd":"welcome"}
        > {"version":2}
        < {"ok":true}
        > {"id":1,"method":"mining.subscribe","params":["x"]}"#,
    );
    assert_eq!((at, answer), (4, Answer::Match));
}

#[test]
fn a_grin_miner_that_finds_nothing_is_told_by_its_keepalive() {
    let job = format!(
        r#"{{"id":"Stratum","jsonrpc":"2.0","method":"job","params":{{"height":1,"job_id":0,"pre_pow":"{}"}}}}"#,
        H64.repeat(4)
    );
    let mut talk = Talk::midway();
    assert_eq!(talk.server(&job), Answer::NeedMore);
    assert_eq!(
        talk.client(r#"{"id":"0","jsonrpc":"2.0","method":"keepalive","params":null}"#),
        Answer::Match
    );
}
