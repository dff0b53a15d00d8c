//! Parsers of what comes off the wire.

use crate::dpi::target::Target;
use crate::net::host_name::HostName;
use crate::parse::client_hello::{self, Hello, Parsed};
use crate::parse::dns::Resolution;
use crate::parse::http::{self, Start};
use crate::parse::json::{End, Tape, Value, end_of_value};
use crate::parse::{grpc, lines, socks, websocket};

/// A JSON message: indexed, and every value in it read.
pub fn json(text: &[u8]) {
    if let End::Complete(len) = end_of_value(text) {
        assert!((1..=text.len()).contains(&len));
    }
    if let Some(root) = Tape::default().index(text) {
        read(root);
        read(root.with_last_keys());
    }
}

fn read(value: Value<'_>) {
    value.is("mining.subscribe");
    value.holds(|text| text.is_ascii());
    assert_eq!(value.is_empty(), (0..value.len()).next().is_none());
    for (key, member) in value.members() {
        key.holds(|name| name.is_empty());
        read(member);
    }
    value.items().for_each(read);
}

/// A name server's answer.
pub fn dns(message: &[u8]) {
    if let Ok(resolution) = Resolution::read(message) {
        assert!(!resolution.names.is_empty() && !resolution.addrs.is_empty());
    }
}

/// A ClientHello; more bytes never take an answer back.
pub fn client_hello(bytes: &[u8]) {
    // Whether HTTP is offered isn't waited for.
    let parse = |bytes: &[u8]| match client_hello::parse(bytes) {
        Parsed::Hello(hello) => Parsed::Hello(Hello { web: false, ..hello }),
        other => other,
    };
    let whole = parse(bytes);
    for end in 0..bytes.len().min(600) {
        let part = parse(&bytes[..end]);
        assert!(part == Parsed::NeedMore || part == whole, "more bytes take an answer back");
    }
}

/// HTTP heads and chunks, WebSocket and gRPC frames, SOCKS, lines: what is told of a length lies within the bytes.
pub fn framing(bytes: &[u8]) {
    if let http::Parsed::Head(head) = http::head(bytes) {
        head.body(Start::Response(200));
        head.naming();
    }
    let _ = http::line_len(bytes).is_none_or(|len| len <= bytes.len());
    if let http::chunked::Chunk::Data(line, _) | http::chunked::Chunk::Last(line) =
        http::chunked::chunk(bytes)
    {
        assert!(line <= bytes.len());
    }
    if let websocket::Parsed::Frame(frame) = websocket::frame(bytes) {
        let payload = bytes.get(frame.header..).expect("the header is at hand");
        assert!(frame.unmasked(payload).count() <= payload.len());
        assert!(frame.end_in(payload).is_none_or(|end| end <= payload.len()));
    }
    if let Some(frame) = grpc::frame(bytes) {
        for piece in grpc::messages(frame, bytes.get(grpc::HEADER..).unwrap_or_default()) {
            if let grpc::Piece::Message(message) = piece {
                assert!(grpc::members(message).count() <= message.len());
            }
        }
    }
    for _ in [
        socks::greeting(bytes),
        socks::request(bytes),
        socks::method(bytes),
        socks::reply(bytes),
        socks::request_4(bytes),
        socks::reply_4(bytes),
    ] {}
    socks::target(bytes);
    socks::target_4(bytes);
    let (_, scalar) = lines::scalar_line(bytes);
    assert!(scalar <= bytes.len());
    lines::next_json(bytes);
    lines::next_text(bytes, true);
    lines::tail(bytes);
}

/// The name of a server, as clients write it.
pub fn names(bytes: &[u8]) {
    if let Some(name) = HostName::parse(bytes) {
        assert_eq!(HostName::parse(name.as_str().as_bytes()).as_ref(), Some(&name));
        assert!(name.domains().all(|domain| name.as_str().ends_with(domain)));
    }
    Target::parse(bytes);
    Target::of_url(bytes);
}
