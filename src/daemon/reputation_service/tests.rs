use super::*;
use crate::daemon::control::{ControlAnswer, Offer, RequestOutcome as Word};
use crate::dpi::finding::Finding;
use crate::dpi::signatures::Dialect;
use crate::hmm::suspicion::Suspicion;
use crate::intel::reputation::view::{Called, EndpointVerdict};
use crate::limits::{LINES_PENDING, REPUTATION_ENTRIES};
use crate::probe::{Outcome, Transport};
use crate::util::random::Random;
use std::path::Path;
use std::rc::Rc;
use tempfile::TempDir;

/// Traffic of a test: exempt servers, and names that DNS answers gave for addresses.
#[derive(Default)]
struct TestHouse {
    exempt: Vec<Endpoint>,
    others: Vec<(IpAddr, HostName)>,
}

impl Traffic for TestHouse {
    fn exempts(&self, server: &Endpoint) -> bool {
        self.exempt.contains(server)
    }

    fn carries_others(&self, addr: IpAddr, names: &[&HostName]) -> bool {
        self.others.iter().any(|(at, name)| *at == addr && !names.contains(&name))
    }

    fn carries_several(&self, addr: IpAddr) -> bool {
        self.others.iter().filter(|(at, _)| *at == addr).count() > 1
    }

    fn suspects(&self, _: &Endpoint, _: &Endpoint) -> bool {
        true
    }

    fn refused_addresses(&self) -> Vec<(IpAddr, Ports, u64)> {
        Vec::new()
    }

    fn refused_answers(&self) -> Vec<(IpAddr, IpAddr, Ports, u64)> {
        Vec::new()
    }
}

/// A service with a file of its own, no `nft` and no probe's thread.
struct ServiceBench {
    service: ReputationService,
    house: TestHouse,
    /// Shared with a service that starts anew on the same files.
    directory: Rc<TempDir>,
    now: Instant,
}

impl ServiceBench {
    fn new(options: &str) -> Self {
        ServiceBench::open(&Rc::new(tempfile::tempdir().expect("a directory")), options)
    }

    fn open(directory: &Rc<TempDir>, options: &str) -> Self {
        let config = configured(directory.path(), options);
        let now = Instant::default();
        let service = ReputationService::start(&config, &Problems::default(), now);
        ServiceBench { service, house: TestHouse::default(), directory: Rc::clone(directory), now }
    }

    fn detect(&mut self, source: Source, server: &Endpoint, name: &str) {
        let detection = detection(source, server, name);
        self.service.suspect(&detection, &self.house, self.now);
    }

    fn offer(&mut self, text: &str, policy: Policy, origin: Origin) -> ControlAnswer {
        let subject = text.parse().expect(text);
        let offer = Offer { subject, policy, origin, seconds: None, dialect: None, router: None };
        self.service.offer(&offer, &self.house, self.now)
    }

    /// The probe's thread has asked `server` by `name`.
    fn answer(&mut self, server: &Endpoint, name: &str, verdict: ProbeVerdict, without_name: bool) {
        let transport = Some(if name.is_empty() { Transport::Tcp } else { Transport::Tls });
        let outcome = Outcome::new(verdict, None, transport, &[b"said so"]);
        let suspect = self.service.suspect_of(&detection(Source::Hmm, server, name));
        let probed = Probed { outcome, is_pool_without_name: without_name };
        self.service.conclude(&suspect, &probed, self.now);
    }

    /// The engine's verdict on a session of some client with `server`, called `name` (empty: without a name).
    fn verdict(&mut self, server: &Endpoint, name: &str) -> Option<EndpointVerdict> {
        let name = HostName::parse(name.as_bytes());
        let called = name.as_ref().map_or(Called::Nothing, Called::Name);
        self.service.view(&self.house).verdict([192, 168, 1, 99].into(), server, called)
    }

    fn cuts(&mut self, server: &Endpoint, name: &str) -> bool {
        matches!(self.verdict(server, name), Some(EndpointVerdict::Pool(..)))
    }

    fn is_everybodys(&self, server: &Endpoint) -> bool {
        self.service.everybodys_servers(&self.house).contains(server)
    }

    fn waiting(&self) -> Vec<PendingQuestion> {
        self.service.prober.waiting().cloned().collect()
    }
}

fn configured(directory: &Path, options: &str) -> Config {
    let text = format!(
        "config minewall\noption probe_dry_run 1\noption learn_file '{0}/reputation'\noption probe_cache '{0}/probes'\noption kernel_block 0\n{options}",
        directory.display()
    );
    crate::config::parse(Path::new("test"), text.as_bytes()).expect("good options").config
}

fn detection(source: Source, server: &Endpoint, name: &str) -> Detection {
    Detection {
        at: Instant::default(),
        client: (std::net::Ipv4Addr::new(192, 168, 1, 50), 40_000).into(),
        hw_addr: None,
        server: *server,
        server_name: heapless::String::try_from(name).expect("short"),
        target: None,
        tls: None,
        finding: Finding::of(Some(Dialect::CryptoNote), "login from the client"),
        points_to: None,
        wire: Default::default(),
        source,
        suspicion: None,
        server_is_pool: true,
        payload_packets: 1,
        blocked: true,
    }
}

fn server(number: u8, port: u16) -> Endpoint {
    Endpoint::new(IpAddr::from([203, 0, 113, number]), port)
}

const POOL: &str = "pool.example";

/// A client's words, at any port, have the server asked and nothing entered: not even for a second.
#[test]
fn a_client_s_word_enters_nothing() {
    let mut bench = ServiceBench::new("");
    let mut asked = 0;
    for port in [5228, 25565, 3389, 1883, 5223, 3333] {
        bench.detect(Source::Dpi, &server(9, port), "");
        asked += 1;
        assert_eq!(bench.waiting().len(), asked, "{port}: it is asked");
        assert_eq!(bench.service.entries().count(), 0, "{port}");
        assert_eq!(bench.verdict(&server(9, port), ""), None, "{port}");
    }
    // It says so again and again: it is asked once.
    bench.detect(Source::Dpi, &server(9, 3333), "");
    assert_eq!(bench.waiting().len(), asked);
    bench.answer(&server(9, 3333), "", ProbeVerdict::Inconclusive, false);
    bench.service.prober.clear_waiting();
    bench.detect(Source::Dpi, &server(9, 3333), "");
    assert_eq!((bench.waiting().len(), bench.service.probes().known), (0, 1), "not asked again at once");
    assert_eq!(bench.verdict(&server(9, 3333), ""), None, "a closed or silent server is blocked for nobody");
}

/// The server behind a proxy is asked, not the proxy: by its address, or once its name has one.
#[test]
fn a_target_behind_a_proxy_is_asked() {
    use crate::engine::tunnels::ProxyTarget;

    let proxy = server(9, 1080);
    let mut bench = ServiceBench::new("");
    let name = heapless::String::try_from(POOL).expect("short");
    let by_addr = ProxyTarget { addr: Some([198, 51, 100, 7].into()), name: Default::default(), port: 443 };
    let by_name = ProxyTarget { addr: None, name, port: 3333 };
    for target in [&by_addr, &by_name] {
        let detection = Detection {
            target: Some(target.clone()),
            server_is_pool: false,
            ..detection(Source::Dpi, &proxy, "")
        };
        bench.service.suspect(&detection, &bench.house, bench.now);
    }
    let waiting = bench.waiting();
    let [of_addr, of_name] = &waiting[..] else { panic!("{waiting:?}") };
    assert_eq!((of_addr.suspect.server, of_addr.suspect.via), (by_addr.endpoint(), Some(proxy)));
    assert!(!of_addr.suspect.is_unresolved() && of_name.suspect.is_unresolved());
    assert_eq!(of_name.suspect.called(), proxy);
    assert_eq!(of_name.suspect.name.as_ref().map(HostName::as_str), Some(POOL));
    bench.service.tick(&bench.house, bench.now);
    assert!(bench.waiting().is_empty(), "both are asked");
    // A target of this side is not.
    let own = ProxyTarget { addr: Some([192, 168, 1, 2].into()), ..by_addr };
    let detection =
        Detection { target: Some(own), server_is_pool: false, ..detection(Source::Dpi, &proxy, "") };
    bench.service.suspect(&detection, &bench.house, bench.now);
    assert!(bench.waiting().is_empty());
}

/// Sessions go on while their server is asked: what they say meanwhile asks it no sooner again.
#[test]
fn a_suspicion_during_a_probe_does_not_ask_twice() {
    let mut bench = ServiceBench::new("option probe_inconclusive_minutes 1\n");
    let suspect = server(9, 443);
    bench.detect(Source::Hmm, &suspect, POOL);
    bench.answer(&suspect, POOL, ProbeVerdict::Inconclusive, false);
    let due: Vec<_> = bench.waiting().iter().map(|question| question.due).collect();
    assert_eq!(due, [bench.now.after(Duration::from_secs(60))]);
}

/// An inconclusive answer is followed by another question, once it has ended, while the session is a suspect.
#[test]
fn an_inconclusive_server_is_asked_again() {
    let mut bench = ServiceBench::new("option probe_inconclusive_minutes 1\n");
    let suspect = server(9, 443);
    bench.detect(Source::Hmm, &suspect, POOL);
    bench.service.tick(&bench.house, bench.now);
    assert!(bench.waiting().is_empty(), "it is asked");
    bench.answer(&suspect, POOL, ProbeVerdict::Inconclusive, false);
    let [again] = &bench.waiting()[..] else { panic!("{:?}", bench.waiting()) };
    assert_eq!((again.due, &again.suspect.server), (bench.now.after(Duration::from_secs(60)), &suspect));
    bench.service.tick(&bench.house, again.due);
    assert!(bench.waiting().is_empty());
    assert_eq!(bench.service.probes().dry, 2, "asked twice");
    // A name at the same address is a question of its own.
    bench.detect(Source::Hmm, &suspect, "other.example");
    assert_eq!(bench.waiting().len(), 1);
}

/// A web page opens 40 sessions of a miner's habits to an address that many names share. Its name may be a pool's;
/// the neighbours stay.
#[test]
fn a_pool_by_its_name_is_nothing_to_its_neighbours() {
    let mut bench = ServiceBench::new("");
    let front = server(9, 443);
    bench.answer(&front, POOL, ProbeVerdict::Pool, false);
    assert!(bench.cuts(&front, POOL));
    for other in ["shop.example", ""] {
        assert_eq!(bench.verdict(&front, other), None, "{other}");
    }
    assert!(!bench.is_everybodys(&front), "the kernel lets connections pass");
    // What one name has cleared is cleared for that name.
    bench.answer(&front, "shop.example", ProbeVerdict::NotPool, false);
    assert_eq!(bench.verdict(&front, "shop.example"), Some(EndpointVerdict::NotPool));
    assert!(bench.cuts(&front, POOL) && bench.verdict(&front, "third.example").is_none());
}

/// The address itself: the server answers without a name, twice, and nothing else is known there, neither by the
/// list of shared addresses nor by DNS answers nor by another probe.
#[test]
fn an_address_is_blocked_only_if_nothing_else_is_known_there() {
    let mut bench = ServiceBench::new("");
    let pool = server(9, 443);
    bench.answer(&pool, POOL, ProbeVerdict::Pool, true);
    assert!(bench.is_everybodys(&pool) && bench.cuts(&pool, "any.example") && bench.cuts(&pool, ""));
    let name = |text: &str| HostName::parse(text.as_bytes()).expect(text);
    bench.house.others.push((pool.addr(), name(POOL)));
    assert!(bench.is_everybodys(&pool), "its own name");
    bench.house.others.push((pool.addr(), name("shop.example")));
    assert!(!bench.is_everybodys(&pool) && !bench.cuts(&pool, "shop.example"));
    assert!(bench.cuts(&pool, POOL) && bench.cuts(&pool, ""), "by name, and without any");
    bench.house.others.clear();
    bench.answer(&pool, "shop.example", ProbeVerdict::NotPool, false);
    assert!(!bench.is_everybodys(&pool), "another probe");
    let shared = Endpoint::new([104, 16, 0, 1].into(), 443);
    bench.answer(&shared, POOL, ProbeVerdict::Pool, true);
    assert!(
        !bench.is_everybodys(&shared) && !bench.cuts(&shared, "shop.example") && bench.cuts(&shared, POOL)
    );
    let mut bench = ServiceBench::new("option intel_shared block\n");
    bench.answer(&shared, POOL, ProbeVerdict::Pool, true);
    assert!(bench.is_everybodys(&shared), "the user wishes so");
}

/// A pool in the clear, whose miner has looked its name up: that is no other site. Two names are.
#[test]
fn a_pool_in_the_clear_has_a_name_of_its_own() {
    let mut bench = ServiceBench::new("");
    let (pool, web) = (server(9, 3333), server(8, 443));
    let name = |text: &str| HostName::parse(text.as_bytes()).expect(text);
    for at in [&pool, &web] {
        bench.answer(at, "", ProbeVerdict::Pool, true);
        bench.house.others.push((at.addr(), name("unlisted.example")));
    }
    assert!(bench.is_everybodys(&pool) && !bench.is_everybodys(&web));
    bench.house.others.push((pool.addr(), name("shop.example")));
    assert!(!bench.is_everybodys(&pool));
}

/// A host at home has another name at the pool's address looked up later: the engine's view and the kernel's sets
/// follow within a tick.
#[test]
fn what_is_looked_up_later_narrows_the_block() {
    let mut bench = ServiceBench::new("option kernel_block 1\n");
    let pool = server(9, 443);
    bench.answer(&pool, POOL, ProbeVerdict::Pool, true);
    bench.service.tick(&bench.house, bench.now);
    assert!(bench.service.elements(&bench.house).contains("203.0.113.9 . 443"));
    assert!(
        bench.service.take_view(&bench.house).is_some() && bench.service.take_view(&bench.house).is_none()
    );
    bench.house.others.push((pool.addr(), HostName::parse(b"shop.example").expect("a name")));
    bench.service.tick(&bench.house, bench.now);
    assert!(bench.service.take_view(&bench.house).is_some());
    assert_eq!(bench.service.elements(&bench.house), "");
}

/// Private servers, servers of this side and exempt ones are cut off from a client at most: never asked.
#[test]
fn this_side_is_never_asked() {
    let mut bench = ServiceBench::new("list allow_endpoint 203.0.113.7\n");
    for text in
        ["192.168.1.10:8123", "[fd00::10]:32400", "127.0.0.1:3333", "203.0.113.7:3333", "100.64.0.9:3333"]
    {
        let local: std::net::SocketAddr = text.parse().expect(text);
        let local = Endpoint::new(local.ip(), local.port());
        for source in [Source::Dpi, Source::Hmm, Source::Hint] {
            bench.detect(source, &local, "");
        }
        assert!(bench.waiting().is_empty(), "{text}");
    }
    assert_eq!(bench.service.probes().forbidden, 15);
}

/// The answer came first, and stage one became sure afterwards.
#[test]
fn a_session_that_grows_strong_after_an_inconclusive_answer_is_strongly_suspected() {
    let mut bench = ServiceBench::new("option probe_inconclusive block\n");
    let suspect = server(1, 443);
    let told = |is_strong| {
        let suspicion = Some(Suspicion { sum: 3_000, threshold: 1_000, probability: 97, is_strong });
        Detection { suspicion, ..detection(Source::Hmm, &suspect, POOL) }
    };
    let suspect_of = bench.service.suspect_of(&told(false));
    let outcome = Outcome::inconclusive(Some(Transport::Tls), "no answer");
    bench.service.conclude(&suspect_of, &Probed { outcome, is_pool_without_name: false }, bench.now);
    let name = HostName::parse(POOL.as_bytes()).expect("a name");
    for (is_strong, expected) in [(false, None), (true, Some(EndpointVerdict::StronglySuspected))] {
        bench.service.suspect(&told(is_strong), &bench.house, bench.now);
        let view = bench.service.view(&bench.house);
        assert_eq!(view.verdict([192, 168, 1, 50].into(), &suspect, Called::Name(&name)), expected);
    }
}

/// Doubt acts where stage one is as good as sure, for the suspected client, if the user wishes so.
#[test]
fn doubt_is_one_client_s() {
    for (option, blocks) in [("", false), ("option probe_inconclusive block\n", true)] {
        let mut bench = ServiceBench::new(option);
        for (number, is_strong) in [(1, false), (2, true)] {
            let suspect = server(number, 443);
            let suspicion = Some(Suspicion { sum: 3_000, threshold: 1_000, probability: 97, is_strong });
            let detection = Detection { suspicion, ..detection(Source::Hmm, &suspect, POOL) };
            let suspect_of = bench.service.suspect_of(&detection);
            let outcome = Outcome::inconclusive(Some(Transport::Tls), "no answer");
            bench.service.conclude(&suspect_of, &Probed { outcome, is_pool_without_name: false }, bench.now);
            let view = bench.service.view(&bench.house);
            let name = HostName::parse(POOL.as_bytes()).expect("a name");
            let verdict = |client: [u8; 4]| view.verdict(client.into(), &suspect, Called::Name(&name));
            let expected = (blocks && is_strong).then_some(EndpointVerdict::StronglySuspected);
            assert_eq!(verdict([192, 168, 1, 50]), expected);
            assert_eq!(verdict([192, 168, 1, 51]), None);
        }
    }
}

#[test]
fn a_person_has_the_last_word() {
    let mut bench = ServiceBench::new("");
    let known = server(1, 8443);
    assert_eq!(bench.offer("203.0.113.1:8443", Policy::Block, Origin::Operator).outcome, Word::Done);
    bench.answer(&known, "", ProbeVerdict::NotPool, false);
    assert!(bench.cuts(&known, "") && bench.cuts(&known, "any.example"));
    bench.offer("203.0.113.1:8443", Policy::Allow, Origin::Operator);
    assert!(!bench.cuts(&known, ""));
    let said = bench.offer("104.16.0.1:443", Policy::Block, Origin::Operator);
    assert!(said.outcome == Word::Done && said.text.contains("many sites share"), "{}", said.text);
    assert_eq!(bench.offer("203.0.113.1:8443", Policy::Block, Origin::Probe).outcome, Word::Refused);
}

/// A peer of the fleet sends what it likes: nothing is blocked, and what is refused is said.
#[test]
fn another_router_s_word_blocks_nothing() {
    let mut bench = ServiceBench::new("list allow_endpoint 203.0.113.7\noption learn_hours 1\n");
    bench.house.exempt.push(server(7, 3333));
    for text in [
        "203.0.113.7:3333",
        "192.168.1.1:443",
        "10.0.0.1:3333",
        "[fd00::1]:3333",
        "203.0.113.9",
        "203.0.113.0/24:3333",
        "203.0.113.9:nonweb",
        "bank.example",
        "google.com",
        "8.8.8.8:443",
        "104.16.132.229:443",
    ] {
        for policy in [Policy::Block, Policy::Suspect] {
            let answer = bench.offer(text, policy, Origin::Fleet);
            assert_eq!(answer.outcome, Word::Refused, "{text}: {}", answer.text);
            assert!(answer.text.len() > text.len() + 5, "it says why: {}", answer.text);
        }
        assert_eq!(bench.offer(text, Policy::Allow, Origin::Fleet).outcome, Word::Refused, "{text}");
    }
    assert_eq!((bench.service.entries().count(), bench.waiting().len()), (0, 0));

    for text in ["203.0.113.9:3333", "google.com:443", "www.example@104.16.132.229:443"] {
        for policy in [Policy::Block, Policy::Suspect] {
            let answer = bench.offer(text, policy, Origin::Fleet);
            assert_eq!(answer.outcome, Word::Done, "{text}: {}", answer.text);
        }
    }
    assert!(
        bench
            .service
            .entries()
            .all(|entry| entry.fact == Fact::Suspect && entry.until - entry.since == 3_600)
    );
    assert!(!bench.cuts(&server(9, 3333), "") && bench.service.elements(&bench.house).is_empty());
    assert!(bench.service.poll_shared().is_none() && bench.service.shared().is_empty(), "it doesn't go on");
    // Of what is to be blocked, the single servers are asked; from a budget of their own.
    let asked = bench.waiting();
    assert_eq!(asked.len(), 2);
    assert!(
        asked
            .iter()
            .all(|question| question.suspect.purpose == Purpose::Hearsay && question.client.is_none())
    );
    bench.answer(&server(9, 3333), "", ProbeVerdict::Pool, true);
    assert!(bench.cuts(&server(9, 3333), ""), "by its own answer");
    let again = bench.offer("203.0.113.9:3333", Policy::Block, Origin::Fleet);
    assert!(again.outcome == Word::Nothing && again.text.contains("asked from here"), "{}", again.text);
    // A session with a server that only another router suspects takes nothing from suspicions of this house.
    bench.offer("203.0.113.8:443", Policy::Suspect, Origin::Fleet);
    bench.detect(Source::Hint, &server(8, 443), "");
    assert!(bench.waiting().iter().any(|question| {
        question.suspect.server == server(8, 443) && question.suspect.purpose == Purpose::Hearsay
    }));
}

#[test]
fn another_router_says_only_so_much() {
    let mut bench = ServiceBench::new("");
    let said: Vec<ControlAnswer> = (0..2 * FLEET_ENTRIES_PER_MINUTE)
        .map(|number| bench.offer(&format!("203.0.113.1:{}", 1_000 + number), Policy::Suspect, Origin::Fleet))
        .collect();
    let last = said.last().expect("some");
    assert!(last.outcome == Word::Refused && last.text.contains("too many"), "{}", last.text);
    assert!(bench.service.entries().count() <= REPUTATION_ENTRIES / 3);
    let mut bench = ServiceBench::new("option learn_hours 0\n");
    assert_eq!(bench.offer("203.0.113.2:3333", Policy::Suspect, Origin::Fleet).outcome, Word::Refused);
}

#[test]
fn what_a_probe_finds_is_news_to_others_and_on_disk_at_once() {
    let mut bench = ServiceBench::new("");
    let directory = bench.directory.clone();
    bench.answer(&server(1, 3333), "", ProbeVerdict::Pool, true);
    bench.answer(&server(2, 443), POOL, ProbeVerdict::NotPool, false);
    let line = bench.service.poll_shared().expect("news");
    assert!(
        line.contains("\"entry\":\"203.0.113.1:3333\"") && bench.service.poll_shared().is_none(),
        "{line}"
    );
    assert_eq!(bench.service.shared(), line + "\n");
    bench.service.tick(&bench.house, bench.now);
    let start = std::time::Instant::now();
    while Store::open(&configured(directory.path(), "").reputation_files(), unix_seconds())
        .holding(unix_seconds())
        .count()
        < 2
    {
        assert!(start.elapsed() < Duration::from_secs(60), "nothing is written");
        std::thread::sleep(Duration::from_millis(2));
    }
    let mut again = ServiceBench::open(&directory, "");
    assert!(again.cuts(&server(1, 3333), ""));
    assert_eq!(again.verdict(&server(2, 443), POOL), Some(EndpointVerdict::NotPool));
    // What is known is not asked again, nor after a restart.
    again.detect(Source::Hmm, &server(2, 443), POOL);
    assert!(again.waiting().is_empty() && again.service.probes().known == 1);
}

#[test]
fn what_is_struck_out_is_gone_from_every_view() {
    let mut bench = ServiceBench::new("option kernel_block 1\n");
    bench.answer(&server(1, 3333), POOL, ProbeVerdict::Pool, true);
    assert!(bench.cuts(&server(1, 3333), POOL) && !bench.service.elements(&bench.house).is_empty());
    let removed = bench.service.remove(&"203.0.113.1".parse().expect("a subject"), bench.now);
    assert_eq!(removed.len(), 2, "with and without its name");
    assert!(!bench.cuts(&server(1, 3333), POOL) && bench.service.elements(&bench.house).is_empty());
    assert!(bench.service.take_view(&bench.house).is_some());
    bench.detect(Source::Hmm, &server(1, 3333), POOL);
    assert_eq!(bench.waiting().len(), 1, "it may be asked again");
}

/// Routers that reconnect to their broker say again what they have said.
#[test]
fn what_is_only_said_again_is_seldom_written() {
    let mut bench = ServiceBench::new("");
    let offer = |bench: &mut ServiceBench, text: &str, wait| {
        bench.service.write_at = None;
        bench.offer(text, Policy::Suspect, Origin::Fleet);
        assert_eq!(bench.service.write_at, Some(bench.now.after(wait)), "{text}");
    };
    offer(&mut bench, "203.0.113.1:3333", REPUTATION_FLEET_WRITE_WAIT);
    offer(&mut bench, "203.0.113.1:3333", REPUTATION_RENEWAL_WRITE_WAIT);
    offer(&mut bench, "203.0.113.2:3333", REPUTATION_FLEET_WRITE_WAIT);
}

#[test]
fn the_kernel_gets_single_servers_that_are_pools_for_every_name() {
    let mut bench = ServiceBench::new("option kernel_block 1\n");
    for text in
        ["203.0.113.1:3333", "203.0.113.0/24:5555", "203.0.113.2", "pool.example:3333", "[2001:db8::1]:443"]
    {
        bench.offer(text, Policy::Block, Origin::Operator);
    }
    bench.offer("pool.example@203.0.113.3:443", Policy::Block, Origin::Operator);
    bench.offer("203.0.113.4:3333", Policy::Suspect, Origin::Operator);
    bench.offer("203.0.113.5:3333", Policy::Block, Origin::Fleet);
    assert_eq!(
        bench.service.elements(&bench.house),
        "add element inet minewall pools4 { 203.0.113.1 . 3333 timeout 3600s }\n\
         add element inet minewall pools6 { 2001:db8::1 . 443 timeout 3600s }\n"
    );
    bench.house.exempt.push(server(1, 3333));
    assert!(!bench.service.elements(&bench.house).contains("203.0.113.1"));
    let monitor = ServiceBench::open(&bench.directory, "option kernel_block 1\noption mode monitor\n");
    assert_eq!(monitor.service.elements(&monitor.house), "");
}

/// In any order of events: the engine cuts off every name at a server exactly where the kernel refuses the server.
#[test]
fn engine_and_kernel_agree() {
    let mut bench = ServiceBench::new("option kernel_block 1\n");
    let mut random = Random::new(3);
    for _ in 0..2_000 {
        let server = server(random.below(6) as u8, 3333);
        let text = server.to_string();
        let name = ["", POOL, "shop.example"][random.below(3) as usize];
        match random.below(6) {
            0 => bench.detect(Source::Dpi, &server, name),
            1 => {
                let verdict = [ProbeVerdict::Pool, ProbeVerdict::NotPool, ProbeVerdict::Inconclusive]
                    [random.below(3) as usize];
                bench.answer(&server, name, verdict, random.below(2) == 0);
            }
            2 => drop(bench.offer(&text, Policy::ALL[random.below(3) as usize], Origin::Operator)),
            3 => drop(bench.offer(&text, Policy::ALL[random.below(2) as usize], Origin::Fleet)),
            4 => drop(bench.service.remove(&Subject::server(&server, None), bench.now)),
            _ => bench.now = bench.now.after(Duration::from_secs(600)),
        }
        let in_kernel = bench.service.elements(&bench.house).contains(&format!("{} . 3333", server.addr()));
        let never_named = bench.cuts(&server, "never.seen.example");
        assert_eq!(never_named, in_kernel, "{server}: {:?}", bench.service.entries().collect::<Vec<_>>());
    }
}

/// A clock that is set 400 days ahead while the service runs, and back: nothing is lost.
#[test]
fn a_clock_that_jumps_loses_nothing() {
    let mut bench = ServiceBench::new("");
    bench.answer(&server(1, 3333), "", ProbeVerdict::Pool, true);
    const AHEAD: u64 = 400 * 86_400;
    let wall = unix_seconds();
    for (second, wall) in [(1, wall + 1), (2, wall + AHEAD), (3, wall + AHEAD + 1), (4, wall + 4)] {
        bench.service.follow_wall_clock(wall, Instant::from_micros(second * 1_000_000));
        assert!(bench.cuts(&server(1, 3333), ""), "second {second}");
    }
}

#[test]
fn followers_are_told_of_what_there_is_room_for() {
    let mut bench = ServiceBench::new("");
    for number in 0..2 * LINES_PENDING {
        bench.answer(&server(1, 1_000 + number as u16), "", ProbeVerdict::Pool, true);
    }
    let told = core::iter::from_fn(|| bench.service.poll_shared()).count();
    assert!((1..=LINES_PENDING).contains(&told), "{told}");
}
