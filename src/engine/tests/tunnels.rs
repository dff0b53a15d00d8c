//! Servers behind proxies: events, lists and the reputation store are about the target of a tunnel.

use super::naming::client_hello;
use super::*;
use crate::intel::Builder;
use crate::intel::entry::Policy;

const TARGET: [u8; 4] = [198, 51, 100, 7];
/// SOCKS 5: no method but none, and a request for the target at port 3333 (RFC 1928).
const GREETING: &[u8] = b"\x05\x01\x00";
const REQUEST: &[u8] = b"\x05\x01\x00\x01\xc6\x33\x64\x07\x0d\x05";
const REQUEST_BY_NAME: &[u8] = b"\x05\x01\x00\x03\x0cpool.example\x0d\x05";
const LOGIN: &[u8] = b"{\"id\":1,\"method\":\"login\",\"params\":{\"login\":\"0\",\"pass\":\"x\",\"agent\":\"XMRig/6.26.0\"}}\n";
const GRANTED: &[u8] = b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00";

fn with_lists(lists: &str) -> Bench {
    let mut bench = Bench::new("");
    let mut builder = Builder::new(1 << 20);
    builder.add_text("test", Policy::Block, lists.as_bytes()).unwrap();
    bench.engine.replace_intel(Some(Arc::new(builder.build().0)));
    bench
}

impl Bench {
    /// Goes through the proxy at [`POOL`] as far as its consent.
    fn tunnel(&mut self, request: &[u8]) -> Verdict {
        self.connect();
        self.send(UP, GREETING);
        self.send(DOWN, b"\x05\x00");
        let verdict = self.send(UP, request);
        self.send(DOWN, GRANTED);
        verdict
    }

    fn target(&mut self) -> String {
        let event = self.event().expect("an event");
        event.target.expect("a target").to_string()
    }
}

#[test]
fn an_event_names_the_target_of_a_tunnel() {
    let requests: [(&[u8], &str); 2] =
        [(REQUEST, "198.51.100.7:3333"), (REQUEST_BY_NAME, "pool.example:3333")];
    for (request, target) in requests {
        let mut bench = Bench::new("");
        bench.tunnel(request);
        assert!(matches!(bench.send(UP, LOGIN), Verdict::Reset(_)));
        assert_eq!(bench.target(), target);
    }
    let mut bench = Bench::new("");
    bench.connect();
    bench.send(UP, b"CONNECT pool.example:443 HTTP/1.1\r\nHost: pool.example:443\r\n\r\n");
    bench.send(DOWN, b"HTTP/1.1 200 OK\r\n\r\n");
    assert!(matches!(bench.send(UP, LOGIN), Verdict::Reset(_)));
    let event = bench.event().expect("mining");
    assert_eq!(event.target.map(|target| target.to_string()).as_deref(), Some("pool.example:443"));
    assert_eq!((event.server, event.server_is_pool), (Endpoint::new(POOL.into(), 3333), false));
}

/// A proxy is the way to many servers, and each suspicion is of one of them.
#[test]
fn each_target_behind_a_proxy_is_a_suspicion_of_its_own() {
    let mut bench = with_lists("pool.example suspect\n198.51.100.7 suspect\n");
    for (request, target) in [(REQUEST, "198.51.100.7:3333"), (REQUEST_BY_NAME, "pool.example:3333")] {
        bench.tunnel(request);
        assert_eq!(bench.target(), target);
        bench.tunnel(request);
        assert!(bench.event().is_none(), "told once");
    }
}

/// The probe drops a question whose session is no suspect any more.
#[test]
fn a_session_whose_target_is_listed_is_a_suspect_by_the_proxy_s_address() {
    let mut bench = with_lists("pool.example suspect\n198.51.100.7 suspect\n");
    let proxy = Endpoint::new(POOL.into(), 3333);
    for request in [REQUEST, REQUEST_BY_NAME] {
        bench.tunnel(request);
        let client = bench.event().expect("a suspicion").client;
        assert!(bench.engine.suspects(&client, &proxy, Instant::from_micros(bench.millis * 1_000)));
    }
}

#[test]
fn a_name_told_inside_the_tunnel_belongs_to_the_target() {
    let mut bench = with_lists("pool.example suspect\n");
    bench.tunnel(REQUEST);
    bench.send(UP, &client_hello());
    let target = bench.event().expect("a suspicion").target.expect("a target");
    assert_eq!((target.addr, &target.name[..], target.port), (Some(TARGET.into()), "pool.example", 3333));
}

/// A greeting of TLS in the segment of the request for the tunnel doesn't hide the target.
#[test]
fn a_request_for_a_tunnel_and_a_greeting_in_one_segment() {
    let mut bench = with_lists("198.51.100.7 suspect\n");
    bench.connect();
    bench.send(UP, &[&b"CONNECT 198.51.100.7:443 HTTP/1.1\r\n\r\n"[..], &client_hello()].concat());
    assert_eq!(bench.target(), "198.51.100.7:443");
}

#[test]
fn what_is_known_of_the_target_decides() {
    let target = Endpoint::new(TARGET.into(), 3333);
    let mut bench = Bench::new("");
    bench.engine.replace_reputation(view_with(&target, Fact::Pool, Scope::All));
    assert!(matches!(bench.tunnel(REQUEST), Verdict::Reset(_)));
    let mut other = Bench::new("");
    other.engine.replace_reputation(view_with(&target, Fact::Pool, Scope::All));
    assert_eq!(other.tunnel(b"\x05\x01\x00\x01\xc6\x33\x64\x08\x0d\x05"), WATCH, "another target");
    // By name, at any address.
    let named = Scope::Named("pool.example".into());
    let mut bench = Bench::new("");
    bench.engine.replace_reputation(view_with(&target, Fact::Pool, named));
    assert!(matches!(bench.tunnel(REQUEST_BY_NAME), Verdict::Reset(_)));
    // Learnt while the session runs.
    let mut bench = Bench::new("");
    bench.tunnel(REQUEST);
    assert_eq!(bench.send(UP, &client_hello()), WATCH);
    bench.engine.replace_reputation(view_with(&target, Fact::Pool, Scope::All));
    assert!(matches!(bench.send(DOWN, b"\x16\x03\x03\x00\x02"), Verdict::Reset(_)));
}
