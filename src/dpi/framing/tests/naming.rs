//! Servers that a client names, in every portion.

use super::*;
use crate::net::authority::Authority;
use crate::net::host_name::HostName;

fn named(text: &str) -> Vec<Naming> {
    messages(text);
    flow(text).record.named
}

fn target(authority: &str) -> Authority {
    Authority::parse(authority.as_bytes()).unwrap()
}

#[test]
fn requests_name_their_host_each() {
    let text = "
>crlf GET /a HTTP/1.1
>crlf Host: www.Example.com
>crlf
<crlf HTTP/1.1 200 OK
<crlf Content-Length: 0
<crlf
>crlf GET /b HTTP/1.1
>crlf Host: pool.example:8080
>crlf
";
    assert_eq!(named(text), ["www.example.com", "pool.example:8080"].map(|host| Naming::Http(target(host))));
}

#[test]
fn proxies_are_told_the_far_end() {
    let far_end = [Naming::Proxy(target("pool.example:3333"))];
    let connect = "
>crlf CONNECT pool.example:3333 HTTP/1.1
>crlf Host: elsewhere.example
>crlf
<crlf HTTP/1.1 200 OK
<crlf
";
    assert_eq!(named(connect), far_end);
    let absolute = "
>crlf GET http://pool.example:3333/x HTTP/1.1
>crlf Host: elsewhere.example
>crlf
";
    assert_eq!(named(absolute), far_end);
    let socks_5 = r"
>raw \x05\x01\x00
<raw \x05\x00
>raw \x05\x01\x00\x03\x0cpool.example\x0d\x05
";
    assert_eq!(named(socks_5), far_end);
    let socks_4 = r">raw \x04\x01\x0d\x05\x00\x00\x00\x01\x00pool.example\x00";
    assert_eq!(named(socks_4), far_end);
}

/// A ClientHello with GREASE before the name.
const HELLO: &str = r">raw \x16\x03\x01\x00\x4c\x01\x00\x00\x48\x03\x0301234567890123456789012345678901\x00\x00\x02\x13\x01\x01\x00\x00\x1d\x0a\x0a\x00\x04abcd\x00\x00\x00\x11\x00\x0f\x00\x00\x0cpool.example";

#[test]
fn a_client_hello_that_is_answered_ends_the_reading() {
    let pool = HostName::parse(b"pool.example");
    assert!(messages(HELLO).is_empty() && flow(HELLO).framing.is_opaque());
    assert_eq!(named(HELLO), [Naming::Tls(pool.clone())]);
    let answered = flow(&format!("{HELLO}\n<hex 160303007a"));
    assert!(!answered.framing.wants(Direction::ToClient) && !answered.framing.wants(Direction::ToServer));
    let blind = flow(&format!("{HELLO}\n< {{\"result\":1}}\n> {{\"id\":1}}"));
    assert_eq!(blind.record.messages, ["~< {\"result\":1}", "~> {\"id\":1}"]);
    let tunnelled = format!(
        "
>crlf CONNECT proxy.example:443 HTTP/1.1
>crlf
<crlf HTTP/1.1 200 OK
<crlf
{HELLO}
"
    );
    assert_eq!(named(&tunnelled), [Naming::Proxy(target("proxy.example:443")), Naming::Tls(pool)]);
    assert!(flow(&tunnelled).framing.is_tunnelled());
}

#[test]
fn a_flow_knows_whether_it_is_tls() {
    let is_tls = |text: &str| flow(text).framing.is_tls();
    assert_eq!(is_tls(HELLO), Some(true));
    assert_eq!(is_tls("> {\"id\":1}"), Some(false));
    assert_eq!(is_tls(r">raw \x16\x03"), None, "not yet");
    let midway = PlayedFlow::begin(false).play(&Dialogue::parse("> {\"id\":1}"));
    assert_eq!(midway.framing.is_tls(), None);
}

#[test]
fn answers_of_name_servers_are_handed_on_whole() {
    let text = r"
>hex 001e12340120000100000000000004706f6f6c076578616d706c650000010001
<hex 000f123481800001000000000000000102
<hex 000c123481800001000000000000
>hex 0001ff
";
    let lengths: Vec<usize> = flow(text).record.resolved.iter().map(Vec::len).collect();
    assert_eq!(lengths, [15, 12]);
}
