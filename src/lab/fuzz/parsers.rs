//! Parsers of what comes off the wire.

use crate::dpi::{Dpi, Inspection, Reading, Said};
use crate::net::authority::Authority;
use crate::net::direction::Direction;
use crate::net::host_name::HostName;
use crate::parse::client_hello::{self, Hello, ParsedHello};
use crate::parse::dns::Resolution;
use crate::parse::http;
use crate::parse::json::{Tape, TapeValue, ValueEnd, end_of_value};
use crate::parse::{grpc, socks, websocket};

/// A JSON message: indexed, and every value in it read.
pub(super) fn json(text: &[u8]) {
    if let ValueEnd::Complete(len) = end_of_value(text) {
        assert!((1..=text.len()).contains(&len));
    }
    if let Some(root) = Tape::default().index(text) {
        read(root);
        read(root.with_last_keys());
    }
}

fn read(value: TapeValue<'_>) {
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
pub(super) fn dns(message: &[u8]) {
    if let Ok(resolution) = Resolution::read(message) {
        assert!(!resolution.names.is_empty() && !resolution.addrs.is_empty());
    }
}

/// A ClientHello; more bytes never take an answer back.
pub(super) fn client_hello(bytes: &[u8]) {
    // What stands behind the name isn't waited for.
    let parse = |bytes: &[u8]| match client_hello::parse(bytes) {
        ParsedHello::Hello(Hello { name, .. }) => ParsedHello::Hello(Hello { name, ..Hello::default() }),
        other => other,
    };
    let whole = parse(bytes);
    for end in 0..bytes.len().min(600) {
        let part = parse(&bytes[..end]);
        assert!(part == ParsedHello::NeedMore || part == whole, "more bytes take an answer back");
    }
}

/// HTTP heads and chunks, WebSocket and gRPC frames, SOCKS, lines: what is told of a length lies within the bytes.
pub(super) fn framing(bytes: &[u8]) {
    if let http::chunked::Chunk::Data(line, _) | http::chunked::Chunk::Last(line) =
        http::chunked::chunk(bytes)
    {
        assert!(line <= bytes.len());
    }
    if let websocket::ParsedFrame::Frame(frame) = websocket::frame(bytes) {
        let payload = bytes.get(frame.header..).expect("the header is at hand");
        assert!(frame.unmasked(payload).count() <= payload.len());
        assert!(frame.end_in(payload).is_none_or(|end| end <= payload.len()));
    }
    assert!(grpc::members(bytes).count() <= bytes.len());
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
    for from_start in [true, false] {
        for direction in [Direction::ToServer, Direction::ToClient] {
            read_as_flow(bytes, from_start, direction);
        }
    }
}

/// Heads, lines and frames as a flow has them: every byte is read, and reading ends.
fn read_as_flow(bytes: &[u8], from_start: bool, direction: Direction) {
    let mut dpi = Dpi::default();
    let mut inspection = Inspection::begin(from_start);
    let mut rest = bytes;
    for _ in 0..=bytes.len() {
        let Reading { consumed, said } = inspection.read(&mut dpi, 1, direction, rest);
        rest = rest.get(consumed..).expect("no more is consumed than there is");
        if matches!(said, Said::Nothing | Said::Proof(_)) || rest.is_empty() {
            break;
        }
    }
    inspection.release(&mut dpi);
}

/// The name of a server, as clients write it.
pub(super) fn names(bytes: &[u8]) {
    if let Some(name) = HostName::parse(bytes) {
        assert_eq!(HostName::parse(name.as_str().as_bytes()).as_ref(), Some(&name));
        assert!(name.domains().all(|domain| name.as_str().ends_with(domain)));
    }
    Authority::parse(bytes);
    Authority::of_url(bytes);
}
