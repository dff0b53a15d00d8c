//! Effects of lists and of name servers' answers on flows.

use super::naming::client_hello;
use super::*;
use crate::intel::Builder;
use crate::intel::entry::Policy;
use std::sync::Arc;

const OTHER_HOST: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 51);
const RESOLVER: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 1);
const OTHER_MAC: [u8; 6] = [2, 0, 0x5e, 0x10, 0, 2];

/// With `lists`, whose entries block where they don't say otherwise.
pub(super) fn bench(options: &str, lists: &str) -> Bench {
    let mut bench = Bench::new(options);
    bench.engine.replace_intel(Some(listing(lists)));
    bench
}

/// `lists`, whose entries block where they don't say otherwise.
pub(super) fn listing(lists: &str) -> Arc<Intel> {
    let mut builder = Builder::new(1 << 20);
    let (allow, other): (Vec<&str>, Vec<&str>) = lists.lines().partition(|line| line.contains(" allow"));
    builder.add_text("test", Policy::Block, other.join("\n").as_bytes()).unwrap();
    builder.add_text("allow", Policy::Allow, allow.join("\n").as_bytes()).unwrap();
    Arc::new(builder.build().0)
}

/// A resolver's answer: `names` is a chain, the last of which has `addr`.
pub(super) fn answer(names: &[&str], addr: Ipv4Addr, ttl: u32) -> Vec<u8> {
    let wire = |name: &str| -> Vec<u8> {
        let label = |label: &str| [&[label.len() as u8], label.as_bytes()].concat();
        name.split('.').flat_map(label).chain([0]).collect()
    };
    let mut message = vec![7, 7, 0x81, 0x80, 0, 1, 0, names.len() as u8, 0, 0, 0, 0];
    message.extend([&wire(names[0])[..], &[0, 1, 0, 1]].concat());
    let record = |owner: &str, kind: u8, data: &[u8]| {
        let len = (data.len() as u16).to_be_bytes();
        [&wire(owner)[..], &[0, kind, 0, 1], &ttl.to_be_bytes(), &len, data].concat()
    };
    for pair in names.windows(2) {
        message.extend(record(pair[0], 5, &wire(pair[1])));
    }
    message.extend(record(names[names.len() - 1], 1, &addr.octets()));
    message
}

impl Bench {
    /// Has `client` ask over UDP, and sends it the answer.
    pub(super) fn resolve(&mut self, client: Ipv4Addr, names: &[&str], addr: Ipv4Addr) {
        self.ask(client, if client == HOST { HOST_MAC } else { OTHER_MAC }, names);
        self.answer(client, names, addr);
    }

    /// Sends a question under the address of `client`.
    fn ask(&mut self, client: Ipv4Addr, hw_addr: [u8; 6], names: &[&str]) {
        let mut message = answer(&names[..1], client, 60);
        message.truncate(12 + names[0].len() + 2 + 4);
        (message[2], message[7]) = (1, 0);
        let bytes = datagram((client, 40_053), (RESOLVER, 53), &message);
        self.millis += 10;
        let now = Instant::from_micros(self.millis * 1_000);
        let packet =
            Packet { bytes: &bytes, hw_addr: Some(hw_addr), reason: Reason::Payload, turns_back: false };
        assert_eq!(self.engine.handle(&packet, now).verdict, Verdict::Ignore);
    }

    /// Sends `client` an answer, whether it has asked or not.
    fn answer(&mut self, client: Ipv4Addr, names: &[&str], addr: Ipv4Addr) {
        let packet = datagram((RESOLVER, 53), (client, 40_053), &answer(names, addr, 60));
        assert_eq!(self.handle(DOWN, &packet), Verdict::Ignore);
    }

    /// Opens the next connection: its verdict, and what is told.
    pub(super) fn attempt(&mut self) -> (bool, Option<(Source, String)>) {
        self.port += 1;
        self.seq = [100, 900];
        let verdict = self.connect();
        (matches!(verdict, Verdict::Reset(_)), self.told())
    }

    /// The opinion on a session of [`HOST`]'s with another server.
    pub(super) fn opinion_of(&self, addr: [u8; 4]) -> Option<Policy> {
        let (server, now) = (Endpoint::new(addr.into(), 443), Instant::from_micros(self.millis * 1_000));
        let owner = self.engine.pipeline.owner_from(HOST.into(), Some(HOST_MAC));
        let client = crate::engine::dns_cache::AnswerReceiver::new(HOST.into(), owner);
        self.engine.pipeline.intel.of_endpoint(client, &server, now).map(|opinion| opinion.policy)
    }

    fn told(&mut self) -> Option<(Source, String)> {
        let event = self.event()?;
        assert_eq!(event.blocked, event.source.is_proof());
        Some((event.source, event.finding.evidence.as_str().to_owned()))
    }
}

fn datagram(src: (Ipv4Addr, u16), dst: (Ipv4Addr, u16), message: &[u8]) -> Vec<u8> {
    let len = (8 + message.len()) as u16;
    let ip = Ipv4Header::new(len, 64, ip_number::UDP, src.0.octets(), dst.0.octets()).expect("it fits");
    let ports = [src.1.to_be_bytes(), dst.1.to_be_bytes()].concat();
    [&ip.to_bytes()[..], &ports, &len.to_be_bytes(), &[0, 0], message].concat()
}

fn blocked(evidence: &str) -> (bool, Option<(Source, String)>) {
    (true, Some((Source::Intel, evidence.to_owned())))
}

fn suspected(evidence: &str) -> (bool, Option<(Source, String)>) {
    (false, Some((Source::Hint, evidence.to_owned())))
}

const LET_PASS: (bool, Option<(Source, String)>) = (false, None);

#[test]
fn a_listed_address_is_not_even_connected_to() {
    let mut bench = bench("", "203.0.113.0/24:3333\n");
    assert_eq!(bench.attempt(), blocked("list test: 203.0.113.0/24"));
    assert_eq!(bench.state(), Some(State::Mining));
    assert!(matches!(bench.send(UP, SUBSCRIBE), Verdict::Reset(_)));
    assert_eq!(bench.told(), None, "once a connection");
    bench.engine.replace_intel(None);
    assert_eq!(bench.attempt(), LET_PASS);
}

#[test]
fn monitoring_only_tells() {
    let mut bench = bench("option mode monitor", "203.0.113.9\n");
    assert_eq!(bench.connect(), PASS);
    let event = bench.event().unwrap();
    assert_eq!((event.source, event.blocked), (Source::Intel, false));
}

#[test]
fn a_suspicion_is_told_once_in_a_while_and_blocks_nothing() {
    let mut bench = bench("", "203.0.113.9 suspect\n");
    assert_eq!(bench.attempt(), suspected("list test: 203.0.113.9"));
    assert_eq!(bench.attempt(), LET_PASS);
    bench.millis += crate::limits::HINT_REPEAT.as_millis() as u64;
    assert_eq!(bench.attempt(), suspected("list test: 203.0.113.9"));
    assert_eq!(bench.engine.counters().suspects, 2);
    let server = Endpoint::new(POOL.into(), 3333);
    bench.millis += crate::limits::HINT_REPEAT.as_millis() as u64;
    bench.engine.replace_reputation(view_with(&server, Fact::NotPool, Scope::All));
    assert_eq!(bench.attempt(), LET_PASS, "it has been asked");
}

#[test]
fn an_address_that_is_allowed_is_never_looked_at() {
    let mut bench = bench("", "203.0.113.0/24\n203.0.113.9:3333 allow\n");
    assert_eq!(bench.attempt(), LET_PASS);
    assert_eq!(bench.send(UP, SUBSCRIBE), PASS);
    assert_eq!(bench.send(DOWN, ACCEPTED), PASS);
    let mut bench = self::bench("list allow_endpoint 203.0.113.9:3333", "203.0.113.0/24\n");
    assert_eq!(bench.attempt(), LET_PASS, "the configuration's list wins, too");
    // And where it no longer is allowed, it is looked at again.
    let mut bench = self::bench("", "203.0.113.9 allow\n");
    bench.attempt();
    bench.engine.replace_intel(None);
    assert_eq!(bench.send(UP, SUBSCRIBE), WATCH);
}

#[test]
fn an_entry_ends_by_the_clock_on_the_wall() {
    let mut bench = bench("", "203.0.113.9 until=2026-11-22\n");
    let midnight = 1_795_305_600;
    bench.engine.tell_time(midnight - 10, Instant::from_micros(0));
    assert!(bench.attempt().0);
    bench.millis += 10_000;
    assert_eq!(bench.attempt(), LET_PASS);
}

#[test]
fn lists_and_what_was_entered_have_a_say() {
    let mut bench = bench("", "203.0.113.9\n");
    let mut builder = Builder::new(1 << 20);
    builder.add_text("operator", Policy::Allow, &b"203.0.113.9:3333\n"[..]).unwrap();
    let view = view::ViewBuilder::default().build(Some(builder.build().0));
    bench.engine.replace_reputation(Arc::new(view));
    assert_eq!(bench.attempt(), LET_PASS);
    bench.engine.replace_reputation(Arc::default());
    assert!(bench.attempt().0);
}

#[test]
fn a_listed_name_cuts_off_the_session_that_sends_it() {
    for lists in ["pool.example\n", "example.com\npool.example:3333\n"] {
        let mut bench = bench("", lists);
        assert_eq!(bench.attempt(), LET_PASS);
        let hello = client_hello();
        let (first, second) = hello.split_at(1_200);
        assert_eq!(bench.send(UP, first), WATCH);
        assert!(matches!(bench.send(UP, second), Verdict::Reset(_)));
        let event = bench.event().unwrap();
        assert_eq!((event.source, &event.server_name[..]), (Source::Intel, "pool.example"));
        assert_eq!(bench.engine.reassembly().in_use(), 0);
    }
    let mut bench = self::bench("", "pool.example:443\n");
    bench.attempt();
    bench.send(UP, &client_hello());
    assert_eq!(bench.told(), None, "another port");
}

#[test]
fn a_web_request_and_a_proxy_s_far_end_are_looked_up() {
    let requests: [(&[u8], bool); 8] = [
        (b"GET / HTTP/1.1\r\nHost: eu.pool.example\r\n\r\n", true),
        (b"GET / HTTP/1.1\r\nHost: notpool.example\r\n\r\n", false),
        (b"CONNECT pool.example:443 HTTP/1.1\r\n\r\n", true),
        (b"CONNECT 198.51.100.7:443 HTTP/1.1\r\n\r\n", true),
        (b"GET http://pool.example/ HTTP/1.1\r\nHost: pool.example\r\n\r\n", true),
        (b"\x04\x01\x0d\x05\0\0\0\x01\0pool.example\0", true),
        (b"\x04\x01\x0d\x05\xc6\x33\x64\x07\0", true),
        (b"\x04\x01\x0d\x05\xc6\x33\x64\x08\0", false),
    ];
    for (request, is_listed) in requests {
        let mut bench = bench("", "pool.example\n198.51.100.7\n");
        bench.attempt();
        let verdict = bench.send(UP, request);
        assert_eq!(matches!(verdict, Verdict::Reset(_)), is_listed, "{}", request.escape_ascii());
        assert_eq!(bench.told().is_some(), is_listed);
    }
}

/// Inside a tunnel the flow's port is the proxy's; what is listed but for the web's ports must not be taken
/// for a pool there.
#[test]
fn a_web_page_behind_a_proxy_is_none_of_our_business() {
    let mut bench = bench("", "pool.example:nonweb\n");
    bench.attempt();
    bench.send(UP, b"CONNECT pool.example:443 HTTP/1.1\r\n\r\n");
    bench.send(DOWN, b"HTTP/1.1 200 OK\r\n\r\n");
    assert!(!matches!(bench.send(UP, &client_hello()), Verdict::Reset(_)));
    assert_eq!(bench.told(), None);
}

#[test]
fn the_address_of_a_listed_name_is_known_to_who_asked_for_it() {
    let mut bench = bench("", "pool.example:3333\n");
    bench.resolve(HOST, &["eu.pool.example"], POOL);
    assert_eq!(bench.attempt(), blocked("list test: pool.example, by its address"));
    // Another host may have another reason to go there.
    let mut bench = self::bench("", "pool.example\n");
    bench.resolve(OTHER_HOST, &["pool.example"], POOL);
    assert_eq!(bench.attempt(), suspected("list test: pool.example, by its address"));
    // Other ports than those that are listed.
    let mut bench = self::bench("", "pool.example:3334\n");
    bench.resolve(HOST, &["pool.example"], POOL);
    assert_eq!(bench.attempt(), LET_PASS);
    assert_eq!(bench.engine.counters().dns_answers, 1);
}

#[test]
fn an_event_has_the_name_that_was_looked_up() {
    let mut bench = bench("", "pool.example:3333\n");
    bench.resolve(HOST, &["www.example", "eu.pool.example"], POOL);
    bench.connect();
    assert_eq!(&bench.event().unwrap().server_name[..], "eu.pool.example");
}

#[test]
fn an_alias_of_a_listed_name_is_listed() {
    for names in [["mail.example", "eu.pool.example"], ["pool.example", "edge.hoster.example"]] {
        let mut bench = bench("", "pool.example\n");
        bench.resolve(HOST, &names, POOL);
        assert!(bench.attempt().0, "{names:?}");
    }
}

#[test]
fn an_address_that_others_share_is_never_blocked_by_address_alone() {
    // A name on no list leads there, too, asked for by any host, before or after.
    for shared_first in [true, false] {
        let mut bench = bench("", "pool.example\n");
        if shared_first {
            bench.resolve(OTHER_HOST, &["shop.example"], POOL);
        }
        bench.resolve(HOST, &["pool.example"], POOL);
        if !shared_first {
            bench.resolve(OTHER_HOST, &["shop.example"], POOL);
        }
        assert_eq!(bench.attempt(), suspected("list test: pool.example, by its address"));
        // Its own words are another matter.
        assert!(matches!(bench.send(UP, b"GET / HTTP/1.1\r\nHost: pool.example\r\n\r\n"), Verdict::Reset(_)));
    }
    // A content delivery network's.
    let mut bench = bench("", "1.1.1.1\n203.0.113.9\n");
    assert_eq!(bench.opinion_of([1, 1, 1, 1]), Some(Policy::Suspect));
    bench.resolve(HOST, &["shop.example"], POOL);
    assert_eq!(bench.attempt(), suspected("list test: 203.0.113.9"));
    // Unless that is what is wanted.
    let mut bench = self::bench("option intel_shared block", "203.0.113.9\n");
    bench.resolve(HOST, &["shop.example"], POOL);
    assert!(bench.attempt().0);
}

#[test]
fn an_allowed_name_wins_for_who_asked_for_it() {
    let lists = "203.0.113.9\nmine.example allow\n";
    let mut bench = bench("", lists);
    bench.resolve(HOST, &["mine.example"], POOL);
    assert_eq!(bench.attempt(), LET_PASS);
    // What a name says is not proof against the session's own words.
    assert!(matches!(bench.send(UP, SHARE), Verdict::Reset(_)));
    assert_eq!(bench.told().map(|(source, _)| source), Some(Source::Dpi));
    let mut bench = self::bench("", lists);
    bench.resolve(OTHER_HOST, &["mine.example"], POOL);
    assert!(bench.attempt().0, "and for nobody else");
}

/// Attempts that the kernel shows because it would refuse them: a listed address is told and reset. What is not listed
/// any more passes, but for data in the SYN.
#[test]
fn an_attempt_is_refused_by_what_is_known_now() {
    let mut bench = bench("", &format!("{POOL}"));
    let syn = bench.packet(UP, 100, true, b"");
    assert!(matches!(bench.handle_for(Reason::Attempt, UP, &syn), Verdict::Reset(_)));
    let event = bench.event().expect("the first refusal is told");
    assert_eq!((event.source, event.payload_packets), (Source::Intel, 0));
    assert_eq!(bench.engine.flows().len(), 0, "an attempt opens no flow");
    bench.engine.replace_intel(None);
    assert_eq!(bench.handle_for(Reason::Attempt, UP, &syn), WATCH);
    let with_data = bench.packet(UP, 100, true, SUBSCRIBE);
    assert_eq!(bench.handle_for(Reason::Attempt, UP, &with_data), Verdict::WithoutData);
    assert!(bench.event().is_none());
}

/// The kernel is given single addresses, unless something else could be hit by that; and answers for listed names, of
/// the client that got them.
#[test]
fn the_kernel_is_given_what_hits_nothing_else() {
    let lists = format!(
        "{POOL}\n203.0.113.10:nonweb\n203.0.113.64/26\n203.0.113.11\n203.0.113.11:443 allow\n104.16.1.1\npool.test:nonweb\n"
    );
    let mut bench = bench("list allow_endpoint 203.0.113.12:1", &lists);
    let addresses = |bench: &Bench| {
        let mut addresses: Vec<String> =
            (bench.engine.refused_addresses(Instant::from_micros(bench.millis * 1_000)))
                .into_iter()
                .map(|(addr, ports, _)| format!("{addr} {ports:?}"))
                .collect();
        addresses.sort();
        addresses
    };
    assert_eq!(addresses(&bench), ["203.0.113.10 NonWeb", "203.0.113.9 Any"]);
    assert!(!bench.engine.take_kernel_news());
    bench.resolve(HOST, &["pool.test"], Ipv4Addr::new(198, 51, 100, 1));
    assert!(bench.engine.take_kernel_news());
    let answers = bench.engine.refused_answers(Instant::from_micros(bench.millis * 1_000));
    assert!(answers.is_empty(), "whether the host itself has asked is not known yet");
    bench.attempt();
    assert!(bench.engine.take_kernel_news());
    let answers = bench.engine.refused_answers(Instant::from_micros(bench.millis * 1_000));
    assert_eq!(answers.len(), 1);
    assert_eq!((answers[0].0, answers[0].1), (HOST.into(), Ipv4Addr::new(198, 51, 100, 1).into()));
    bench.resolve(OTHER_HOST, &["shop.test"], Ipv4Addr::new(198, 51, 100, 1));
    bench.resolve(OTHER_HOST, &["shop.test"], POOL);
    assert!(bench.engine.take_kernel_news());
    assert!(bench.engine.refused_answers(Instant::from_micros(bench.millis * 1_000)).is_empty());
    assert_eq!(addresses(&bench), ["203.0.113.10 NonWeb"]);
}

/// Neither an answer that is forged from afar nor one to a question under a false address reaches the client's
/// connections, and the kernel hears of neither.
#[test]
fn a_forged_answer_refuses_nothing() {
    let mut bench = bench("", "pool.example\n");
    assert_eq!(bench.attempt(), LET_PASS, "its card is known now");
    let refused = |bench: &Bench| bench.engine.refused_answers(Instant::from_micros(bench.millis * 1_000));
    bench.answer(HOST, &["pool.example"], POOL);
    assert_eq!(bench.attempt(), LET_PASS, "there was no question");
    bench.ask(HOST, HOST_MAC, &["shop.example"]);
    bench.answer(HOST, &["pool.example"], POOL);
    assert_eq!(bench.attempt(), LET_PASS, "there was another question");
    bench.ask(HOST, OTHER_MAC, &["pool.example"]);
    bench.answer(HOST, &["pool.example"], POOL);
    assert!(refused(&bench).is_empty());
    assert!(!bench.attempt().0, "another host has asked");
    bench.resolve(HOST, &["pool.example"], POOL);
    assert_eq!(refused(&bench).len(), 1);
    assert!(bench.attempt().0, "the host itself has asked");
}
