//! Answers of name servers over TCP.

use super::lists::{answer, bench};
use super::*;
use crate::intel::entry::Policy;

impl Bench {
    /// Asks over the TCP connection at hand, and is told that `name` has `addr`.
    pub(super) fn answer_over_tcp(&mut self, name: &str, addr: Ipv4Addr) {
        self.send(UP, QUERY);
        self.send(DOWN, &framed_answer(name, addr));
    }
}

/// A question for `pool.example` over TCP.
const QUERY: &[u8] = b"\0\x1e\x07\x07\x01\x20\0\x01\0\0\0\0\0\0\x04pool\x07example\0\0\x01\0\x01";

/// An answer over TCP: its length, and the message.
fn framed_answer(name: &str, addr: Ipv4Addr) -> Vec<u8> {
    let message = answer(&[name], addr, 60);
    [&(message.len() as u16).to_be_bytes()[..], &message].concat()
}

#[test]
fn answers_over_tcp_are_read_too() {
    let mut bench = bench("", "pool.example\n");
    let framed = framed_answer("pool.example", Ipv4Addr::new(198, 51, 100, 7));
    // From a port that is no name server's, it is no answer.
    bench.attempt();
    bench.send(UP, QUERY);
    bench.send(DOWN, &framed);
    assert_eq!(bench.engine.counters().dns_answers, 0);
    bench.server_port = 53;
    bench.attempt();
    bench.send(UP, QUERY);
    let (first, second) = framed.split_at(20);
    assert_eq!(bench.send(DOWN, first), WATCH);
    assert_eq!(bench.send(DOWN, second), WATCH);
    assert_eq!(bench.engine.counters().dns_answers, 1);
    assert_eq!(bench.opinion_of([198, 51, 100, 7]), Some(Policy::Block));
}
