mod effects;
mod offers;

use super::*;
use crate::daemon::control::{ControlAnswer, Offer, RequestOutcome as Word};
use crate::dpi::finding::Finding;
use crate::dpi::signatures::Dialect;
use crate::engine::event::{Detection, Source};
use crate::hmm::suspicion::Suspicion;
use crate::intel::reputation::view::{Called, EndpointVerdict};
use crate::limits::{LINES_PENDING, REPUTATION_ENTRIES};
use crate::probe::worker::Probed;
use crate::probe::{Outcome, ProbeVerdict, Transport};
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
