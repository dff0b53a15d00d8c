//! The probe in the router's namespace.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use minewall::config::Config;
use minewall::dpi::signatures::Dialect;
use minewall::intel::exemptions::AllowList;
use minewall::intel::reputation::{Entry, Fact, Origin, Reach, Store, Subject};
use minewall::net::endpoint::Endpoint;
use minewall::net::local_networks::LocalNetworks;
use minewall::probe::guard::{self, Refusal};
use minewall::probe::transport::Dialler;
use minewall::probe::{Outcome, ProbeVerdict, Target, TlsChoice};

use crate::daemon::Daemon;
use crate::net::{HOME, Net, SERVERS, ip, wait_for};
use crate::session::is_refused;

/// Asks a pool on the internet from the router, with this mark on the packets.
fn ask(net: &Net, server: &str, mark: u32) -> Outcome {
    let listener = net.internet.inside(|| TcpListener::bind((ip(server), 0)).expect("a port"));
    let port = listener.local_addr().expect("an address").port();
    let pool = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("the probe");
        let _ = stream.read(&mut [0; 512]);
        let answer = "{\"id\":1,\"jsonrpc\":\"2.0\",\"error\":null,\"result\":{\"status\":\"KEEPALIVED\"}}\n";
        stream.write_all(answer.as_bytes()).expect("it is heard");
    });
    let target = Target {
        server: Endpoint::new(ip(server), port),
        layer: TlsChoice::Plain,
        sni: None,
        hints: minewall::probe::hint::Hints::default(),
    };
    let start = Instant::now();
    let now = || minewall::util::time::Instant::from_micros(start.elapsed().as_micros() as u64);
    let outcome = net.router.inside(|| Dialler::new(mark).probe(&target, now));
    pool.join().expect("the pool");
    outcome
}

/// The rules watch what the router itself says, but not its probes: neither words nor answers.
#[test]
fn nobody_watches_the_daemon_s_own_questions() {
    let Some(net) = Net::new() else { return };
    let config = Config::default();
    net.load_rules(&config);
    for server in SERVERS {
        let before = net.queued();
        assert_eq!(ask(&net, server, config.mark.own()).verdict, ProbeVerdict::Pool);
        assert_eq!(net.queued(), before, "{server}");
        assert_eq!(ask(&net, server, 0).verdict, ProbeVerdict::Pool);
        // The first packet behind the handshake, the question and the answer; a server that takes its time acknowledges
        // by itself, and a busy machine sends twice.
        let queued = net.queued() - before;
        assert!(queued >= 3, "{server}: else nothing is shown: {queued}");
    }
}

/// An address of the internet that is the router's own: towards the provider, say.
#[test]
fn the_router_s_own_addresses_are_not_asked() {
    let Some(net) = Net::new() else { return };
    let (own, other) = ("203.0.113.7", "203.0.113.8");
    net.router.add_address("wan0", &format!("{own}/32"));
    net.publish(ip(other));
    let check = |address| {
        let server = Endpoint::new(ip(address), 3333);
        net.router.inside(|| guard::check(&server, &AllowList::default(), &LocalNetworks::default()))
    };
    assert_eq!(check(own), Err(Refusal::Own));
    assert_eq!(check(other), Ok(()));
}

/// What an earlier probe has confirmed is cut before it hears anything, after a restart too; what has
/// proved to be something else is left alone.
#[test]
fn a_confirmed_pool_hears_nothing() {
    let Some(net) = Net::new() else { return };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock").as_secs();
    let mut known = Store::default();
    let listeners = SERVERS.map(|server| {
        [Fact::Pool, Fact::NotPool].map(|fact| {
            let listener = net.internet.inside(|| TcpListener::bind((ip(server), 0))).expect("a port");
            let at: SocketAddr = listener.local_addr().expect("an address");
            let entry = Entry {
                subject: Subject::server(&Endpoint::new(at.ip(), at.port()), None),
                fact,
                origin: Origin::Probe,
                reach: Reach::House,
                dialect: Some(Dialect::CryptoNote),
                evidence: heapless::String::new(),
                since: now,
                until: now + 3_600,
            };
            known.enter(entry, now);
            listener
        })
    });
    let daemon = Daemon::start_with(&net, "option mode block\n", &known);
    for ([pool, other], home) in listeners.iter().zip(HOME) {
        assert!(is_refused(&net.home, pool));
        assert!(!is_refused(&net.home, other));
        wait_for("the event", || daemon.events().contains(home));
    }
    let events = daemon.events();
    assert_eq!(events.matches("\"source\":\"probe\"").count(), SERVERS.len(), "{events}");
    assert!(events.contains("\"dialect\":\"cryptonote\""), "{events}");
}
