//! The same conversation in every portion must give the same messages.

use super::*;
use dialogue::Dialogue;

#[path = "../../../tests/common/dialogue.rs"]
mod dialogue;
mod hostile;
mod naming;

/// Takes down what it is given to read, and wants more.
#[derive(Debug, Default, PartialEq)]
struct Recorder {
    messages: Vec<String>,
    stratum_v2: bool,
    named: Vec<Naming>,
    resolved: Vec<Vec<u8>>,
}

impl Reader for Recorder {
    fn message(&mut self, context: &Context<'_>, message: &[u8]) -> Answer {
        let arrow = if context.direction == Direction::ToServer { ">" } else { "<" };
        let midway = if context.from_start { "" } else { "~" };
        let http = context.http.map_or(String::new(), |head| {
            format!("[{} {}]", head.target.escape_ascii(), head.agent.escape_ascii())
        });
        self.messages.push(format!(
            "{midway}{arrow}{http} {}",
            message.escape_ascii().to_string().replace("\\\"", "\"")
        ));
        Answer::NeedMore
    }

    fn stratum_v2(&mut self) {
        self.stratum_v2 = true;
    }

    fn named(&mut self, naming: Naming) {
        self.named.push(naming);
    }

    fn resolved(&mut self, message: &[u8]) {
        self.resolved.push(message.to_vec());
    }
}

/// A flow with what its caller holds.
struct Flow {
    framing: Framing,
    held: [Vec<u8>; 2],
    recorder: Recorder,
    scratch: Scratch,
    answer: Answer,
}

impl Flow {
    fn begin(from_start: bool) -> Flow {
        Flow {
            framing: Framing::begin(from_start),
            held: Default::default(),
            recorder: Recorder::default(),
            scratch: Scratch::default(),
            answer: Answer::NeedMore,
        }
    }

    fn say(&mut self, direction: Direction, bytes: &[u8]) {
        if self.answer != Answer::NeedMore {
            return;
        }
        let held = &mut self.held[direction as usize];
        held.extend(bytes);
        let offer = self.framing.offer(&mut self.scratch, &mut self.recorder, direction, held, false);
        assert!(offer.consumed <= held.len());
        held.drain(..offer.consumed);
        assert!(held.len() < ASSEMBLY_BYTES, "{} bytes left with the caller", held.len());
        self.answer = offer.answer;
    }

    fn play(mut self, dialogue: &Dialogue) -> Flow {
        for turn in &dialogue.turns {
            let direction = if turn.from_client { Direction::ToServer } else { Direction::ToClient };
            self.say(direction, &turn.bytes);
        }
        self
    }
}

/// Plays `dialogue` in every portion: all must give the same as the whole.
fn play(text: &str) -> (Vec<String>, Answer) {
    let dialogue = Dialogue::parse(text);
    let from_start = dialogue.option("midway").is_none();
    let whole = Flow::begin(from_start).play(&dialogue);
    let same = |portioned: Dialogue, how: &str| {
        let flow = Flow::begin(from_start).play(&portioned);
        assert_eq!(flow.recorder, whole.recorder, "{how}");
        assert_eq!(flow.answer, whole.answer, "{how}");
    };
    same(dialogue.merged(), "merged");
    for len in [1, 2, 3, 5, 7, 64, 1448] {
        same(dialogue.in_pieces_of(len), &format!("in pieces of {len}"));
    }
    for at in 1..dialogue.longest_turn().min(600) {
        same(dialogue.cut_at(at), &format!("cut at {at}"));
    }
    (whole.recorder.messages, whole.answer)
}

fn messages(text: &str) -> Vec<String> {
    let (messages, answer) = play(text);
    assert_eq!(answer, Answer::NeedMore, "{text}");
    messages
}

fn answer(text: &str) -> Answer {
    let (messages, answer) = play(text);
    assert_eq!(messages, Vec::<String>::new());
    answer
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
            "> [{\"id\":4}]",
            "> {\"s\":\"}\\\\\"{\"}",
            "< {\"id\":1,\"r\":[[1],2]}"
        ]
    );
}

#[test]
fn xatum_lines() {
    assert_eq!(messages("> shake~{\"a\":1}\n< job~{\"b\":2}"), ["> shake~{\"a\":1}", "< job~{\"b\":2}"]);
}

#[test]
fn duino_coin_with_line_ends() {
    // A client's line is read with the segment that brings its second comma; so it is not cut here.
    let dialogue = Dialogue::parse("< 4.3\n> JOB,me,LOW,key\n< aa,bb,10\n> 123,4.5,miner\n< GOOD");
    let flow = Flow::begin(true).play(&dialogue);
    assert_eq!(
        flow.recorder.messages,
        ["< 4.3", "> JOB,me,LOW,key", "< aa,bb,10", "> 123,4.5,miner", "< GOOD"]
    );
}

#[test]
fn duino_coin_without_line_ends() {
    let dialogue = Dialogue::parse("<raw 3.0\n>raw JOB,me,LOW\n< aa,bb,10\n>raw 123,4.5,miner\n< GOOD");
    let flow = Flow::begin(true).play(&dialogue);
    assert_eq!(flow.recorder.messages, ["< 3.0", "> JOB,me,LOW", "< aa,bb,10", "> 123,4.5,miner", "< GOOD"]);
}

const LOGIN: &str = "> {\"method\":\"login\"}\n< {\"result\":1}";
const LOGIN_READ: [&str; 2] = ["> {\"method\":\"login\"}", "< {\"result\":1}"];

#[test]
fn tunnels() {
    for opening in [
        ">raw \\x05\\x01\\0\n<raw \\x05\\0\n>raw \\x05\\x01\\0\\x01\\x0a\\x02\\0\\x10\\x4e\\x3e\n<hex 05000001000000000000",
        ">raw \\x05\\x02\\0\\x02\n<raw \\x05\\x02\n>raw \\x01\\x02me\\x02pw\n<raw \\x01\\0\n>raw \\x05\\x01\\0\\x03\\x04pool\\x0d\\x05\n<hex 05000004000000000000000000000000000000000000",
        ">raw \\x04\\x01\\x0d\\x05\\x0a\\x01\\x02\\x03me\\0\n<hex 005a000000000000",
        ">raw \\x04\\x01\\x0d\\x05\\0\\0\\0\\x01\\0pool.example\\0\n<hex 005a000000000000",
        ">crlf CONNECT pool:3333 HTTP/1.1\n>crlf Host: pool\n>crlf\n<crlf HTTP/1.0 200 Connection established\n<crlf",
        // The proxy asks for a password first.
        ">crlf CONNECT pool:1 HTTP/1.1\n>crlf\n<crlf HTTP/1.1 407 No\n<crlf Content-Length: 5\n<crlf\n<raw {...}\n\
         >crlf CONNECT pool:1 HTTP/1.1\n>crlf\n<crlf HTTP/1.1 200 OK\n<crlf",
    ] {
        let read = messages(&format!("{opening}\n{LOGIN}"));
        assert_eq!(read[read.len() - 2..], LOGIN_READ, "{opening}");
    }
}

#[test]
fn tunnels_in_tunnels_have_an_end() {
    let connect = ">crlf CONNECT next:1 HTTP/1.1\n>crlf\n<crlf HTTP/1.1 200 OK\n<crlf\n";
    assert_eq!(messages(&format!("{}{LOGIN}", connect.repeat(3))), LOGIN_READ);
    assert_eq!(answer(&format!("{}{LOGIN}", connect.repeat(4))), Answer::NoMatch);
}

#[test]
fn a_client_may_run_ahead_of_its_proxy() {
    let dialogue = Dialogue::parse(
        ">crlf CONNECT pool:3333 HTTP/1.1\n>crlf\n> {\"method\":\"login\"}\n<crlf HTTP/1.1 200 OK\n<crlf\n< {\"result\":1}",
    );
    assert_eq!(Flow::begin(true).play(&dialogue).recorder.messages, LOGIN_READ);
}

#[test]
fn http_exchanges_on_one_connection() {
    let read = messages(
        ">crlf GET /getheight HTTP/1.1\n>crlf user-agent: XMRig/6\n>crlf\n<crlf HTTP/1.1 200 OK\n<crlf Server: Epee\n<crlf Content-Length: 9\n<crlf\n<raw  {\"h\":12}\n\
         >crlf POST /json_rpc HTTP/1.1\n>crlf Expect: 100-continue\n>crlf Content-Length: 8\n>crlf\n<crlf HTTP/1.1 100 Continue\n<crlf\n>raw {\"id\":0}\n\
         <crlf HTTP/1.1 200 OK\n<crlf Transfer-Encoding: chunked\n<crlf\n<crlf 3\n<crlf {\"r\n<crlf 5;x=y\n<crlf \":42}\n<crlf 0\n<crlf Trailer: x\n<crlf\n\
         >crlf HEAD /big HTTP/1.1\n>crlf\n>crlf GET /logo HTTP/1.1\n>crlf\n<crlf HTTP/1.1 200 OK\n<crlf Content-Length: 99999\n<crlf\n<crlf HTTP/1.1 200 OK\n<crlf Content-Length: 6\n<crlf\n<raw \\x89PNG..\n\
         >crlf POST / HTTP/1.1\n>crlf Transfer-Encoding: chunked\n>crlf\n>crlf 4\n>crlf text\n>crlf 0\n>crlf\n<crlf HTTP/1.1 204 Gone\n<crlf\n<crlf HTTP/1.1 200 OK\n<crlf\n<raw {\"last\":1} and more",
    );
    assert_eq!(
        read,
        [
            ">[/getheight XMRig/6] ",
            "<[ Epee]  {\"h\":12}",
            ">[/json_rpc ] {\"id\":0}",
            "<[ ] {\"r\":42}",
            ">[/big ] ",
            ">[/logo ] ",
            "<[ ] {\"last\":1}"
        ]
    );
}

#[test]
fn a_body_too_long_to_wait_for_is_read_as_far_as_it_goes() {
    let body = format!("{{\"blob\":\"{}\"}}", "0".repeat(9_000));
    let head = format!("<crlf HTTP/1.1 200 OK\n<crlf Content-Length: {}\n<crlf\n<raw {body}", body.len());
    let text = format!(
        ">crlf GET / HTTP/1.1\n>crlf\n{head}\n<crlf HTTP/1.1 200 OK\n<crlf Content-Length: 2\n<crlf\n<raw {{}}"
    );
    let read = messages(&text);
    assert_eq!(read.len(), 3);
    assert!(
        read[1].starts_with("<[ ] {\"blob\":\"000")
            && read[1].len() > 4_000
            && read[1].len() < ASSEMBLY_BYTES
    );
    assert_eq!(read[2], "<[ ] {}");
}

#[test]
fn a_chunked_body_too_long_to_wait_for_is_read_as_far_as_it_goes() {
    let chunk = format!("<crlf 3e8\n<crlf {}\n", "0".repeat(1_000));
    let text = format!(
        ">crlf GET / HTTP/1.1\n>crlf\n<crlf HTTP/1.1 200 OK\n<crlf Transfer-Encoding: chunked\n<crlf\n<crlf 1\n<crlf [\n{}<crlf 0\n<crlf\n\
         <crlf HTTP/1.1 200 OK\n<crlf Content-Length: 2\n<crlf\n<raw {{}}",
        chunk.repeat(6)
    );
    let read = messages(&text);
    assert_eq!(read.len(), 3);
    assert!(read[1].starts_with("<[ ] [000") && read[1].len() > 4_000);
    assert_eq!(read[2], "<[ ] {}");
}

const UPGRADE: &str = ">crlf GET /proxy HTTP/1.1\n>crlf Upgrade: websocket\n>crlf\n\
    <crlf HTTP/1.1 101 Switching Protocols\n<crlf Upgrade: WebSocket\n<crlf\n";

#[test]
fn websocket_messages() {
    let ping = ">hex 898000000000\n";
    let fragments = ">hex 018300000000\n>raw {\"a\n>hex 898000000000\n>hex 008200000000\n>raw \":\n>hex 808200000000\n>raw 1}\n";
    let read = messages(&format!(
        "{UPGRADE}>frame {{\"type\":\"auth\"}}\n{ping}<frame {{\"type\":\"authed\"}}\n{fragments}<frame {{\"b\":2}}\\n{{\"c\":\n\n<frame 3}}\\n\n>frame {}",
        "{\"d\":4}"
    ));
    assert_eq!(
        read,
        [
            ">[/proxy ] ",
            "> {\"type\":\"auth\"}",
            "< {\"type\":\"authed\"}",
            "> {\"a\":1}",
            "< {\"b\":2}",
            "< {\"c\":3}",
            "> {\"d\":4}"
        ]
    );
}

#[test]
fn websocket_frames_too_long_or_compressed_are_passed_over() {
    let long = format!("<frame {{\"x\":\"{}\"}}\n", "0".repeat(70_000));
    let compressed = "<hex c103aabbcc\n";
    let read = messages(&format!("{UPGRADE}{long}<frame {{\"b\":2}}\n{compressed}<frame {{\"c\":3}}\n"));
    assert_eq!(read.len(), 4);
    assert!(read[1].starts_with("< {\"x\":\"000"));
    assert_eq!(read[2..], ["< {\"b\":2}", "~< {\"c\":3}"]);
}

#[test]
fn websocket_chat_is_not_json() {
    let (read, answer) =
        play(&format!("{UPGRADE}>frame hello there\n>frame {{\"method\":\"mining.subscribe\"}}"));
    assert_eq!((read.len(), answer), (1, Answer::NoMatch));
}

const NOISE: &str = ">random 64\n<random 234\n>random 65";

#[test]
fn stratum_v2_is_proven_by_the_first_frame_of_its_client() {
    for opening in ["", ">crlf CONNECT pool:3333 HTTP/1.1\n>crlf\n<crlf HTTP/1.1 200 OK\n<crlf\n"] {
        assert_eq!(answer(&format!("{opening}{NOISE}")), Answer::Match);
        assert_eq!(answer(&format!("{opening}>random 64\n<random 234\n")), Answer::NeedMore);
    }
    let flow = Flow::begin(true).play(&Dialogue::parse(">random 64\n<random 234"));
    assert!(flow.framing.has_evidence() && !flow.recorder.stratum_v2);
    assert!(Flow::begin(true).play(&Dialogue::parse(NOISE)).recorder.stratum_v2);
}

#[test]
fn other_random_looking_handshakes_are_not_stratum_v2() {
    for dialogue in [
        // Obfuscated MTProto: 64 bytes and the first request at once, or one after the other.
        ">random 169\n<random 234\n>random 65",
        ">random 64\n\n>random 105\n<random 234\n>random 65",
        // Shadowsocks: a salt and the first request.
        ">random 32\n>random 90\n<random 234",
        // The right first flight, other answers.
        ">random 64\n<random 233\n>random 65",
        ">random 64\n<random 235\n>random 65",
        ">random 64\n<random 234\n\n<random 22\n>random 65",
        ">random 64\n<raw SSH-2.0-x\\r\\n\n>random 65",
        ">random 64\n<hex 160303007a\n>random 65",
        // Text in their place, and a client that speaks second.
        ">random 64\n<random 234\n>raw this is the third message, and it is as readable as this comment",
        "<random 234\n>random 64\n<random 234\n>random 65",
        // Midway nothing can be said of random bytes.
        "--- midway: yes\n>random 64\n<random 234\n>random 65",
    ] {
        let flow = Flow::begin(Dialogue::parse(dialogue).option("midway").is_none())
            .play(&Dialogue::parse(dialogue));
        assert_ne!(flow.answer, Answer::Match, "{dialogue}");
        assert!(!flow.framing.has_evidence(), "{dialogue}");
    }
}

#[test]
fn foreign_first_bytes_end_the_flow_at_once() {
    for text in [
        ">hex 15030100020228",
        "<crlf 220 mail.example ESMTP",
        "<raw SSH-2.0-OpenSSH_9.2\\r\\n",
        ">raw SSH-2.0-OpenSSH_9.2p1 Debian-2\\r\\n",
        "<crlf * OK IMAP4rev1 ready",
        ">crlf PRI * HTTP/2.0\n>crlf\n>crlf SM\n>crlf\n<crlf HTTP/1.1 400 Bad Request",
        ">hex 100c00044d5154540402003c0000\n<hex 20020000",
        ">crlf PING\n<crlf +PONG",
        "> NICK me\n< :server NOTICE",
        ">raw <stream:stream xmlns='jabber:client' to='example.org'>",
        ">raw 0032git-upload-pack /project.git\\0host=myserver.com\\0",
    ] {
        assert_eq!(answer(text), Answer::NoMatch, "{text}");
    }
}

#[test]
fn one_foreign_line_ends_a_stream_of_json() {
    let (read, answer) = play("> {\"id\":1}\n> and now for something else\n> {\"id\":2}");
    assert_eq!((read, answer), (vec!["> {\"id\":1}".to_owned()], Answer::NoMatch));
    let (read, answer) = play("> {\"id\":1}\n<crlf HTTP/1.1 400 Bad Request");
    assert_eq!((read.len(), answer), (1, Answer::NoMatch));
}

#[test]
fn midway_the_end_of_a_line_is_passed_over() {
    let read = messages(
        "--- midway: yes\n< \",\"target\":\"ff\"}}\n< {\"method\":\"job\"}\n> {\"method\":\"submit\"}",
    );
    assert_eq!(read, ["~< {\"method\":\"job\"}", "~> {\"method\":\"submit\"}"]);
    assert_eq!(messages("--- midway: yes\n<raw {\"a\":1}{\"b\":2}"), ["~< {\"a\":1}", "~< {\"b\":2}"]);
    assert_eq!(answer("--- midway: yes\n< as I wrote:\n< {\"method\":\"mining.notify\"}"), Answer::NoMatch);
    assert_eq!(messages("--- midway: yes\n> JOB,me,LOW\n< GOOD"), ["~> JOB,me,LOW", "~< GOOD"]);
}

#[test]
fn midway_a_duino_coin_server_tells_what_its_client_speaks() {
    let dialogue = Dialogue::parse("--- midway: yes\n< GOOD\n>raw 123,4.5,miner\n< GOOD\n>raw JOB,me,LOW");
    let flow = Flow::begin(false).play(&dialogue);
    assert_eq!(flow.recorder.messages, ["~< GOOD", "~> 123,4.5,miner", "~< GOOD", "~> JOB,me,LOW"]);
}

#[test]
fn midway_an_http_message_or_a_frame_may_begin() {
    let dialogue = Dialogue::parse(
        "--- midway: yes\n>hex 898446accd03b9bf8747\n>frame {\"a\":1}\n<hex 8a04ff134a44\n\n<frame {\"b\":2}\n<frame {\"c\":3}",
    );
    let flow = Flow::begin(false).play(&dialogue);
    assert_eq!(flow.recorder.messages, ["~> {\"a\":1}", "~< {\"b\":2}", "~< {\"c\":3}"]);
    let dialogue = Dialogue::parse(
        "--- midway: yes\n>crlf GET /x HTTP/1.1\n>crlf\n<crlf HTTP/1.1 200 OK\n<crlf Content-Length: 2\n<crlf\n<raw {}",
    );
    assert_eq!(Flow::begin(false).play(&dialogue).recorder.messages, ["~>[/x ] ", "~<[ ] {}"]);
}

#[test]
fn after_a_gap_lines_are_found_again() {
    let mut flow = Flow::begin(true).play(&Dialogue::parse("> {\"id\":1}\n>raw {\"id\":2,\"met"));
    flow.held[0].clear();
    flow.framing.gap(Direction::ToServer, 20);
    let flow = flow.play(&Dialogue::parse("> aram\"}\n> {\"id\":3}"));
    assert_eq!(flow.recorder.messages, ["> {\"id\":1}", "~> {\"id\":3}"]);
    assert_eq!(flow.answer, Answer::NeedMore);
}

#[test]
fn a_gap_inside_what_is_passed_over_loses_nothing() {
    let mut flow = Flow::begin(true).play(&Dialogue::parse(
        ">crlf GET / HTTP/1.1\n>crlf\n<crlf HTTP/1.1 200 OK\n<crlf Content-Length: 5000\n<crlf\n<raw PNG",
    ));
    flow.framing.gap(Direction::ToClient, 4_990);
    let flow = flow.play(&Dialogue::parse(
        "<raw 1234567\n<crlf HTTP/1.1 200 OK\n<crlf Content-Length: 2\n<crlf\n<raw {}",
    ));
    assert_eq!(flow.recorder.messages, [">[/ ] ", "<[ ] {}"]);
}

#[test]
fn after_a_gap_in_http_the_next_head_is_found() {
    let mut flow =
        Flow::begin(true).play(&Dialogue::parse(">crlf GET / HTTP/1.1\n>crlf\n<crlf HTTP/1.1 200 OK"));
    flow.held[1].clear();
    flow.framing.gap(Direction::ToClient, 400);
    let flow = flow.play(&Dialogue::parse(
        "<raw rest of a body\n\n<crlf HTTP/1.1 200 OK\n<crlf Content-Length: 2\n<crlf\n<raw {}",
    ));
    assert_eq!(flow.recorder.messages, [">[/ ] ", "~<[ ] {}"]);
}

#[test]
fn a_line_too_long_is_read_as_far_as_it_goes() {
    let long = format!("> {{\"id\":2,\"x\":\"{}\"}}\n", "0".repeat(9_000));
    let read = messages(&format!("> {{\"id\":1}}\n{long}> {{\"id\":3}}"));
    assert_eq!(read.len(), 3);
    assert_eq!(read[1].len(), ASSEMBLY_BYTES + 2);
    assert_eq!(read[2], "> {\"id\":3}");
}

#[test]
fn what_cannot_be_held_is_read_as_far_as_it_goes() {
    let mut flow = Flow::begin(true).play(&Dialogue::parse("> {\"id\":1}"));
    let bytes = b"{\"id\":2,\"method\":\"mi";
    let offer = flow.framing.offer(&mut flow.scratch, &mut flow.recorder, Direction::ToServer, bytes, true);
    assert_eq!(offer, Offer { consumed: bytes.len(), answer: Answer::NeedMore });
    let flow = flow.play(&Dialogue::parse(">raw ning\"}\\n\n> {\"id\":3}"));
    assert_eq!(flow.recorder.messages, ["> {\"id\":1}", "> {\"id\":2,\"method\":\"mi", "> {\"id\":3}"]);
}

#[test]
fn a_download_is_passed_over_without_being_held() {
    let mut flow = Flow::begin(true).play(&Dialogue::parse(
        ">crlf GET /iso HTTP/1.1\n>crlf\n<crlf HTTP/1.1 200 OK\n<crlf Content-Length: 100000000\n<crlf",
    ));
    for _ in 0..100 {
        flow.say(Direction::ToClient, &[0xaa; 1448]);
        assert!(flow.held[1].is_empty());
    }
    assert_eq!(flow.answer, Answer::NeedMore);
}
