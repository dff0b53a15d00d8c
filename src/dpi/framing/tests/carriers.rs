//! What carries messages: tunnels, HTTP, WebSocket.

use super::*;

pub(super) const LOGIN: &str = "> {\"method\":\"login\"}\n< {\"result\":1}";
const LOGIN_READ: [&str; 2] = ["> {\"method\":\"login\"}", "< {\"result\":1}"];

#[test]
fn tunnels() {
    for opening in [
        ">raw \\x05\\x01\\0\n<raw \\x05\\0\n>raw \\x05\\x01\\0\\x01\\x0a\\x02\\0\\x10\\x4e\\x3e\n<hex 05000001000000000000",
        ">raw \\x05\\x02\\0\\x02\n<raw \\x05\\x02\n>raw \\x01\\x02me\\x02pw\n<raw \\x01\\0\n>raw \\x05\\x01\\0\\x03\\x04pool\\x0d\\x05\n<hex 05000004000000000000000000000000000000000000",
        ">raw \\x04\\x01\\x0d\\x05\\x0a\\x01\\x02\\x03me\\0\n<hex 005a000000000000",
        ">raw \\x04\\x01\\x0d\\x05\\0\\0\\0\\x01\\0pool.example\\0\n<hex 005a000000000000",
        ">crlf CONNECT pool:3333 HTTP/1.1\n>crlf Host: pool\n>crlf\n<crlf HTTP/1.0 200 Connection established\n<crlf",
    ] {
        let read = messages(&format!("{opening}\n{LOGIN}"));
        assert_eq!(read[read.len() - 2..], LOGIN_READ, "{opening}");
        assert!(flow(&format!("{opening}\n{LOGIN}")).framing.is_tunnelled());
    }
}

#[test]
fn what_a_relay_says_of_the_client_is_passed_over() {
    for relay in [
        ">crlf PROXY TCP4 192.0.2.1 192.0.2.2 5000 3333",
        ">hex 0d0a0d0a000d0a515549540a2111000cc0000201c000020213880d05",
    ] {
        assert_eq!(messages(&format!("{relay}\n{LOGIN}")), LOGIN_READ, "{relay}");
    }
}

#[test]
fn a_client_may_run_ahead_of_its_proxy() {
    let ahead = ">crlf CONNECT pool:3333 HTTP/1.1\n>crlf\n> {\"method\":\"login\"}\n<crlf HTTP/1.1 200 OK\n<crlf\n< {\"result\":1}";
    assert_eq!(flow(ahead).record.messages, LOGIN_READ);
}

#[test]
fn http_exchanges_on_one_connection() {
    let read = messages(
        ">crlf GET /getheight HTTP/1.1\n>crlf user-agent: XMRig/6\n>crlf\n<crlf HTTP/1.1 200 OK\n<crlf Server: Epee\n<crlf Content-Length: 9\n<crlf\n<raw  {\"h\":12}\n\
         >crlf POST /json_rpc HTTP/1.1\n>crlf Expect: 100-continue\n>crlf Content-Length: 8\n>crlf\n<crlf HTTP/1.1 100 Continue\n<crlf\n>raw {\"id\":0}\n\
         <crlf HTTP/1.1 200 OK\n<crlf Transfer-Encoding: chunked\n<crlf\n<crlf 3\n<crlf {\"r\n<crlf 5;x=y\n<crlf \":42}\n<crlf 0\n<crlf Trailer: x\n<crlf\n\
         >crlf HEAD /big HTTP/1.1\n>crlf\n>crlf GET /logo HTTP/1.1\n>crlf\n<crlf HTTP/1.1 200 OK\n<crlf Content-Length: 99999\n<crlf\n<crlf HTTP/1.1 200 OK\n<crlf Content-Length: 6\n<crlf\n<raw \\x89PNG..",
    );
    assert_eq!(
        read,
        [
            ">[/getheight XMRig/6] ",
            "<[ Epee] {\"h\":12}",
            ">[/json_rpc ] {\"id\":0}",
            "<[ ] {\"r\":42}",
            ">[/big ] ",
            ">[/logo ] ",
            "<[ ] "
        ]
    );
}

#[test]
fn a_head_may_be_long() {
    let text = format!(
        ">crlf POST /x HTTP/1.1\n>crlf Cookie: {}\n>crlf User-Agent: m/1\n>crlf Content-Length: 8\n>crlf\n>raw {{\"id\":1}}",
        "c".repeat(20_000)
    );
    assert_eq!(flow(&text).record.messages, [">[/x m/1] {\"id\":1}"]);
}

#[test]
fn a_body_of_lines_that_the_server_takes_for_lines_was_no_http() {
    let text = ">crlf POST / HTTP/1.1\n>crlf Content-Length: 99999\n>crlf\n> {\"id\":1}\n< {\"result\":1}\n> {\"id\":2}";
    let read = flow(text).record.messages;
    assert_eq!(read[1..], ["< {\"result\":1}", "~> {\"id\":2}"]);
}

pub(super) const UPGRADE: &str = ">crlf GET /proxy HTTP/1.1\n>crlf Upgrade: websocket\n>crlf\n\
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
fn websocket_frames_too_long_compressed_or_of_text_are_passed_over() {
    let long = format!("<frame {{\"x\":\"{}\"}}\n", "0".repeat(70_000));
    let text = format!(
        "{UPGRADE}{long}<frame {{\"b\":2}}\n<hex c103aabbcc\n<frame {{\"c\":3}}\n<frame hello there\n<frame {{\"d\":4}}\n"
    );
    let read = flow(&text).record.messages;
    assert_eq!(read.len(), 5);
    assert!(read[1].starts_with("< {\"x\":\"000"));
    assert_eq!(read[2..], ["< {\"b\":2}", "~< {\"c\":3}", "~< {\"d\":4}"]);
}
