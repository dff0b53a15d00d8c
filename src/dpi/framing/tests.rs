//! A conversation gives the same messages in every portion.

use super::*;
use crate::dpi::message;
use crate::dpi::signatures::{Signatures, WORDS};
use crate::parse::lines::says_nothing;
use crate::parse::tree::{Value, ValueKind};
use crate::parse::words::WordsBuilder;
use dialogue::Dialogue;

mod carriers;
#[allow(unreachable_pub, reason = "tests/dialogues.rs has it, too")]
#[path = "../../../tests/common/dialogue.rs"]
mod dialogue;
mod hostile;
mod naming;

/// The messages found.
#[derive(Debug, Default, PartialEq)]
struct FoundMessages {
    messages: Vec<String>,
    stratum_v2: bool,
    named: Vec<Naming>,
    resolved: Vec<Vec<u8>>,
}

/// A flow with what its caller holds.
struct PlayedFlow {
    framing: Framing,
    drafts: Drafts,
    words: Words,
    held: [Vec<u8>; 2],
    record: FoundMessages,
}

/// Member names of these conversations.
const NAMES: [&str; 16] =
    ["a", "b", "c", "d", "h", "k", "r", "s", "x", "pad", "blob", "last", "type", "params", "i", "n"];

impl PlayedFlow {
    fn begin(from_start: bool) -> PlayedFlow {
        let mut words = WordsBuilder::new(Some(&WORDS));
        for name in NAMES {
            words.add(name.as_bytes());
        }
        PlayedFlow {
            framing: Framing::begin(from_start),
            drafts: Drafts::new(),
            words: words.build(),
            held: Default::default(),
            record: FoundMessages::default(),
        }
    }

    fn say(&mut self, direction: Direction, bytes: &[u8]) {
        let mut held = core::mem::take(&mut self.held[direction as usize]);
        held.extend(bytes);
        let slot = self.framing.open(&mut self.drafts, direction);
        let mut at = 0;
        loop {
            let draft = self.drafts.get(slot).unwrap();
            let step = self.framing.step(draft, &self.words, direction, &held[at..], at == 0);
            at += step.len;
            match step.found {
                Found::Nothing => break,
                Found::Named(naming) => self.record.named.push(naming),
                Found::Resolved(message) => self.record.resolved.push(message.to_vec()),
                Found::StratumV2 => self.record.stratum_v2 = true,
                Found::OpenLine => {
                    let is_job = draft.lines.line.iter().filter(|byte| **byte == b',').count() > 1;
                    if !is_job {
                        self.framing.note_unreadable(direction);
                        break;
                    }
                    take(&mut self.record, &mut self.framing, draft, &self.words, direction, carrier::CSV);
                }
                Found::Message(over) => {
                    take(&mut self.record, &mut self.framing, draft, &self.words, direction, over);
                }
            }
        }
        held.drain(..at);
        assert!(held.len() < ASSEMBLY_BYTES, "{} bytes left with the caller", held.len());
        self.held[direction as usize] = held;
        self.framing.close(&mut self.drafts, direction, slot, 1);
    }

    fn gap(&mut self, direction: Direction, missing: u32) {
        self.held[direction as usize].clear();
        self.framing.gap(&mut self.drafts, direction, missing);
    }

    fn play(mut self, dialogue: &Dialogue) -> PlayedFlow {
        for turn in &dialogue.turns {
            let direction = if turn.from_client { Direction::ToServer } else { Direction::ToClient };
            self.say(direction, &turn.bytes);
        }
        self
    }
}

/// Takes a message down. Lines that are like Duino-Coin's make sense.
fn take(
    record: &mut FoundMessages,
    framing: &mut Framing,
    draft: &mut Draft,
    words: &Words,
    direction: Direction,
    over: u16,
) {
    if over == carrier::BINARY {
        return framing.end_turn(draft, direction);
    }
    let arrow = if direction == Direction::ToServer { ">" } else { "<" };
    let over_http = over & (carrier::HTTP | carrier::FORM) != 0;
    let broken = if framing.is_whole(direction, over_http) { "" } else { "~" };
    let tree = &draft.lines.scanner.tree;
    let text = |value: Option<Value<'_>>| {
        value.map_or(String::new(), |value| value.bytes().escape_ascii().to_string())
    };
    let mut head = String::new();
    if let Some(values) = tree.head(words).filter(|_| over_http) {
        head = format!("[{} {}]", text(values.get("target")), text(values.get("agent")));
    }
    let body = match over {
        carrier::CSV => draft.lines.line.escape_ascii().to_string(),
        carrier::GRPC => draft.bytes.escape_ascii().to_string(),
        carrier::TILDE => {
            format!("{}~{}", draft.lines.verb().escape_ascii(), render(tree.root(words).unwrap()))
        }
        _ => tree.root(words).map_or(String::new(), render),
    };
    if over == carrier::CSV
        && (!body.contains(',') || body.contains('"'))
        && !["GOOD", "4.3", "3.0"].contains(&body.as_str())
    {
        if !says_nothing(&draft.lines.line) {
            framing.note_nonsense(direction);
        }
    } else {
        framing.note_message(direction);
        record.messages.push(format!("{broken}{arrow}{head} {body}"));
    }
    framing.end_message(draft, direction, over);
}

/// A value as JSON; what isn't kept is left out.
fn render(value: Value<'_>) -> String {
    let join = |parts: Vec<String>| parts.join(",");
    match value.kind().unwrap() {
        ValueKind::Object => {
            let member = |(key, value): (u16, Value<'_>)| {
                format!("\"{}\":{}", value.words().word(key).escape_ascii(), render(value))
            };
            format!("{{{}}}", join(value.members().map(member).collect()))
        }
        ValueKind::Array => format!("[{}]", join(value.items().map(render).collect())),
        ValueKind::String | ValueKind::Prefixed => format!("\"{}\"", String::from_utf8_lossy(value.bytes())),
        ValueKind::Number | ValueKind::Word => String::from_utf8_lossy(value.bytes()).into_owned(),
        ValueKind::True => "true".into(),
        ValueKind::False => "false".into(),
        ValueKind::Null => "null".into(),
    }
}

/// The messages of a conversation, which are the same in every portion.
fn messages(text: &str) -> Vec<String> {
    let dialogue = Dialogue::parse(text);
    let from_start = dialogue.option("midway").is_none();
    let whole = PlayedFlow::begin(from_start).play(&dialogue);
    let same = |portioned: Dialogue, how: &str| {
        let flow = PlayedFlow::begin(from_start).play(&portioned);
        assert_eq!(flow.record, whole.record, "{how}");
        assert_eq!(flow.framing.is_opaque(), whole.framing.is_opaque(), "{how}");
    };
    same(dialogue.merged(), "merged");
    for len in [1, 2, 3, 5, 7, 64, 1448] {
        same(dialogue.in_pieces_of(len), &format!("in pieces of {len}"));
    }
    for at in 1..dialogue.longest_turn().min(300) {
        same(dialogue.cut_at(at), &format!("cut at {at}"));
    }
    whole.record.messages
}

/// Plays a flow as it stands.
fn flow(text: &str) -> PlayedFlow {
    let dialogue = Dialogue::parse(text);
    PlayedFlow::begin(dialogue.option("midway").is_none()).play(&dialogue)
}

#[test]
fn json_lines_with_and_without_line_ends() {
    let read = messages(
        "> {\"id\":1}\n>raw {\"id\":2}{\"id\":3}\\r\\n\\r\\n  [{\"id\":4}]\n\n>raw {\"s\":\"}\\\\\"{\"}\n< {\"id\":1,\"r\":[[1],2]}",
    );
    assert_eq!(
        read,
        [
            "> {\"id\":1}",
            "> {\"id\":2}",
            "> {\"id\":3}",
            "> {\"id\":4}",
            "> {\"s\":\"}\"{\"}",
            "< {\"id\":1,\"r\":[[1],2]}"
        ]
    );
}

#[test]
fn depth_length_and_blanks_do_not_matter() {
    for pad in [
        format!("\"x\":{}0{},", "[".repeat(500), "]".repeat(500)),
        format!("\"{}\":1,", "k".repeat(6_000)),
        format!("\"k\":\"{}\",", "v".repeat(6_000)),
        " ".repeat(9_000),
        "/* a comment */".into(),
        (0..300).map(|n| format!("\"y{n}\":{{}},")).collect(),
    ] {
        let flow = flow(&format!(">raw {{{pad}\"method\":\"login\"}}"));
        assert!(flow.record.messages[0].ends_with("\"method\":\"login\"}"), "{}", flow.record.messages[0]);
        assert!(!flow.record.messages[0].starts_with('~'));
    }
    let batch = format!(">raw [{}{{\"id\":2}}]", "{\"id\":1},".repeat(2_000));
    assert_eq!(flow(&batch).record.messages.len(), 2_001);
}

#[test]
fn what_makes_no_sense_is_passed_over() {
    let login = "> {\"method\":\"login\"}";
    for (before, broken) in [
        ("> hello", "~"),
        (">crlf NICK a\n>crlf USER a 0 * :a", "~"),
        (">crlf GET / HTTP/1.1\n>crlf Host: a\n>crlf", "~"),
        ("> {\"id\":1 oops", "~"),
        (">hex 000102030a", "~"),
        (">hex 16030100020a", "~"),
        ("> // a comment", ""),
        (">raw \\xef\\xbb\\xbf", ""),
        (">raw \\0\\0", ""),
        ("< 220 ready", ""),
        ("<crlf HTTP/1.1 400 Bad Request\n<crlf", ""),
    ] {
        for between in ["\n", "\n\n"] {
            let flow = flow(&format!("{before}{between}{login}"));
            let last = flow.record.messages.last().map(String::as_str);
            assert_eq!(last, Some(format!("{broken}> {{\"method\":\"login\"}}").as_str()), "{before}");
            assert!(!flow.framing.is_opaque() || before.starts_with('<'), "{before}");
        }
    }
}

#[test]
fn xatum_lines() {
    assert_eq!(messages("> shake~{\"a\":1}\n< job~{\"b\":2}"), ["> shake~{\"a\":1}", "< job~{\"b\":2}"]);
}

#[test]
fn duino_coin_with_and_without_line_ends() {
    let read = ["< 4.3", "> JOB,me,LOW,key", "< aa,bb,10", "> 123,4.5,miner", "< GOOD"];
    assert_eq!(flow("< 4.3\n> JOB,me,LOW,key\n< aa,bb,10\n> 123,4.5,miner\n< GOOD").record.messages, read);
    let without =
        flow("<raw 4.3\n>raw MOTD\n< hello\n>raw JOB,me,LOW,key\n< aa,bb,10\n>raw 123,4.5,miner\n< GOOD");
    assert_eq!(without.record.messages[0], "> JOB,me,LOW,key");
    assert_eq!(without.record.messages.len(), 4);
}

const NOISE: &str = ">random 64\n<random 234\n>random 65\n<random 44";

#[test]
fn stratum_v2_is_proven_by_its_whole_handshake() {
    for opening in ["", ">crlf CONNECT pool:3333 HTTP/1.1\n>crlf\n<crlf HTTP/1.1 200 OK\n<crlf\n"] {
        messages(&format!("{opening}{NOISE}"));
        assert!(flow(&format!("{opening}{NOISE}")).record.stratum_v2);
        let half = flow(&format!("{opening}>random 64\n<random 234\n>random 65"));
        assert!(!half.record.stratum_v2 && half.framing.has_evidence() && half.framing.wire().noise);
    }
}

#[test]
fn other_random_looking_handshakes_are_not_stratum_v2() {
    for dialogue in [
        // Obfuscated MTProto: 64 bytes and the first request at once, or one after the other.
        ">random 169\n<random 234\n>random 65\n<random 44",
        ">random 64\n\n>random 105\n<random 234\n>random 65\n<random 44",
        // Shadowsocks: a salt and the first request.
        ">random 32\n>random 90\n<random 234\n<random 44",
        // The right first flight, other answers.
        ">random 64\n<random 233\n>random 65\n<random 44",
        ">random 64\n<random 235\n>random 65\n<random 44",
        ">random 64\n<random 234\n\n<random 22\n>random 65\n<random 44",
        ">random 64\n<raw SSH-2.0-x\\r\\n\n>random 65\n<random 44",
        ">random 64\n<hex 160303007a\n>random 65\n<random 44",
        // NTCP2 of I2P, whose paddings were of the right lengths by accident.
        ">random 64\n<random 234\n>random 65\n<random 45",
        ">random 64\n<random 234\n>random 65\n<random 120",
        // Text in their place, and a client that speaks second.
        ">random 64\n<random 234\n>raw this is the third message, and it is as readable as this comment\n<random 44",
        "<random 234\n>random 64\n<random 234\n>random 65\n<random 44",
        // Midway nothing can be said of random bytes.
        "--- midway: yes\n>random 64\n<random 234\n>random 65\n<random 44",
    ] {
        let flow = flow(dialogue);
        assert!(!flow.record.stratum_v2 && !flow.framing.has_evidence(), "{dialogue}");
    }
}

#[test]
fn other_protocols_are_opaque_at_once() {
    for text in [
        ">hex 15030100020228",
        "<crlf 220 mail.example ESMTP",
        ">raw SSH-2.0-OpenSSH_9.2p1 Debian-2\\r\\n",
        "<crlf * OK IMAP4rev1 ready",
        ">hex 100c00044d5154540402003c0000\n<hex 20020000",
        ">crlf PING\n<crlf +PONG",
        "> NICK me\n< :server NOTICE",
        ">raw <stream:stream xmlns='jabber:client' to='example.org'>",
        ">raw 0032git-upload-pack /project.git\\0host=myserver.com\\0",
    ] {
        let flow = flow(text);
        assert!(flow.framing.is_opaque() && flow.record.messages.is_empty(), "{text}");
        assert!(flow.framing.wants(Direction::ToServer), "{text}");
    }
}

#[test]
fn midway_the_end_of_a_line_is_passed_over() {
    let read =
        flow("--- midway: yes\n< \",\"target\":\"ff\"}}\n< {\"method\":\"job\"}\n> {\"method\":\"submit\"}");
    assert_eq!(read.record.messages, ["~< {\"method\":\"job\"}", "~> {\"method\":\"submit\"}"]);
    assert_eq!(messages("--- midway: yes\n<raw {\"a\":1}{\"b\":2}"), ["~< {\"a\":1}", "~< {\"b\":2}"]);
}

#[test]
fn midway_an_http_message_or_a_frame_may_begin() {
    let frames = flow(
        "--- midway: yes\n>hex 898446accd03b9bf8747\n>frame {\"a\":1}\n<hex 8a04ff134a44\n\n<frame {\"b\":2}\n<frame {\"c\":3}",
    );
    assert_eq!(frames.record.messages, ["~> {\"a\":1}", "~< {\"b\":2}", "~< {\"c\":3}"]);
    let http = flow(
        "--- midway: yes\n>crlf GET /x HTTP/1.1\n>crlf\n<crlf HTTP/1.1 200 OK\n<crlf Content-Length: 2\n<crlf\n<raw {}",
    );
    assert_eq!(http.record.messages, ["~>[/x ] ", "~<[ ] {}"]);
}

#[test]
fn after_a_gap_messages_are_found_again() {
    let mut lines = flow("> {\"id\":1}\n>raw {\"id\":2,\"met");
    lines.gap(Direction::ToServer, 20);
    let lines = lines.play(&Dialogue::parse("> aram\"}\n> {\"id\":3}"));
    assert_eq!(lines.record.messages, ["> {\"id\":1}", "~> {\"id\":3}"]);

    let mut download = flow(
        ">crlf GET / HTTP/1.1\n>crlf\n<crlf HTTP/1.1 200 OK\n<crlf Content-Length: 5000\n<crlf\n<raw PNG",
    );
    download.gap(Direction::ToClient, 4_990);
    let download = download.play(&Dialogue::parse(
        "<raw 1234567\n<crlf HTTP/1.1 200 OK\n<crlf Content-Length: 2\n<crlf\n<raw {}",
    ));
    assert_eq!(download.record.messages.last().map(String::as_str), Some("~<[ ] {}"));

    let mut head = flow(">crlf GET / HTTP/1.1\n>crlf\n<crlf HTTP/1.1 200 OK");
    head.gap(Direction::ToClient, 400);
    let head = head.play(&Dialogue::parse(
        "<raw rest of a body\n\n<crlf HTTP/1.1 200 OK\n<crlf Content-Length: 2\n<crlf\n<raw {}",
    ));
    assert_eq!(head.record.messages.last().map(String::as_str), Some("~<[ ] {}"));
}

#[test]
fn a_download_is_passed_over_without_being_held() {
    let mut flow =
        flow(">crlf GET /iso HTTP/1.1\n>crlf\n<crlf HTTP/1.1 200 OK\n<crlf Content-Length: 100000000\n<crlf");
    for _ in 0..100 {
        flow.say(Direction::ToClient, &[0xaa; 1448]);
        assert!(flow.held[1].is_empty());
    }
}

#[test]
fn a_message_of_grpc_may_lie_in_several_frames() {
    let preface = ">raw PRI * HTTP/2.0\\r\\n\\r\\nSM\\r\\n\\r\\n\n";
    let read =
        messages(&format!("{preface}>hex 000003000000000001000000\n>hex 00000600000000000100046869686f"));
    assert_eq!(read, ["> \\x00\\x00\\x00\\x00\\x04hiho"]);
}

#[test]
fn values_of_signatures_are_put_together_from_lines_and_forms() {
    let signatures = Signatures::default();
    let mut draft = Draft::default();
    draft.lines.line.extend_from_slice(b"JOB,me,LOW").unwrap();
    message::prepare(&mut draft, &signatures, carrier::CSV);
    assert_eq!(message::of(&draft, &signatures, carrier::CSV).root.unwrap().len(), 3);
}
