//! Look-alikes of mining: none of them may match, and those that are clearly something else are
//! bypassed.

use super::*;

/// Names and lines of the conversations of `look_alikes.txt`.
fn conversations() -> Vec<(&'static str, String)> {
    let parts: Vec<_> = include_str!("look_alikes.txt").split("\n--- ").skip(1).collect();
    assert_eq!(parts.len(), 27);
    let conversation = |part: &'static str| {
        let (name, script) = part.split_once('\n').expect("a script");
        (name, script.replace("<H>", H64).replace("<B>", &H64.repeat(4)))
    };
    parts.into_iter().map(conversation).collect()
}

#[test]
fn look_alikes_do_not_match() {
    for (name, script) in conversations() {
        let swap = |line: &str| match line.split_at(2) {
            ("> ", message) => format!("< {message}\n"),
            (_, message) => format!("> {message}\n"),
        };
        let swapped = script.lines().filter(|line| !line.is_empty()).map(swap).collect();
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
    for (name, script) in conversations() {
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
