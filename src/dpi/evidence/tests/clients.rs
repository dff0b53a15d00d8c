//! First messages of mining programs, as their source code and captures have them.

use super::*;

const XMR: &str =
    "44AFFq5kSiGBoZ4NMDwYtN18obc8AemS33DBLWs3H7otXft3XjrpDtQGv7SqSsaBYBb98uNbr2VBBEt7f2wfn3RVGQBEP3A";

/// Rows of `clients.txt`: a dialect, and the message that proves it.
pub(super) fn first_messages() -> impl Iterator<Item = (&'static str, String)> {
    let rows = include_str!("clients.txt").lines().filter(|row| !row.is_empty() && !row.starts_with('#'));
    rows.map(|row| {
        let (dialect, message) = row.split_once('\t').expect("a message");
        (dialect, message.replace("\\r", "\r").replace("\\n", "\n").replace("\\t", "\t"))
    })
}

#[test]
fn the_first_message_of_a_client_is_proof() {
    for (dialect, message) in first_messages() {
        let mut talk = Talk::from_start();
        assert_eq!(talk.client(&message), Answer::Match, "{message}");
        assert_eq!(talk.finding.dialect.map(Dialect::name), Some(dialect), "{message}");
        assert!(talk.finding.evidence.ends_with("from the client"), "{message}");
    }
}

#[test]
fn midway_the_same_message_is_not_proof() {
    for (_, message) in first_messages() {
        let mut talk = Talk::midway();
        assert_eq!(talk.client(&message), Answer::NeedMore, "{message}");
        assert!(talk.inspection.has_evidence());
    }
}

#[test]
fn from_the_server_the_same_message_is_not_proof() {
    for (_, message) in first_messages() {
        assert_eq!(Talk::from_start().server(&message), Answer::NeedMore, "{message}");
    }
}

#[test]
fn inside_a_string_or_another_object_the_same_message_is_nothing() {
    for (_, message) in first_messages() {
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
