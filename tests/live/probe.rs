//! The probe in the router's namespace.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::Instant;

use minewall::config::Config;
use minewall::packet::Endpoint;
use minewall::probe::transport::Dialler;
use minewall::probe::{Layer, Outcome, Target, Verdict};

use crate::net::{Net, SERVERS, ip};

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
    let target =
        Target { server: Endpoint::new(ip(server), port), layer: Layer::Plain, sni: None, hint: None };
    let start = Instant::now();
    let now = || minewall::time::Instant::from_micros(start.elapsed().as_micros() as u64);
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
        assert_eq!(ask(&net, server, config.mark.own()).verdict, Verdict::Pool);
        assert_eq!(net.queued(), before, "{server}");
        assert_eq!(ask(&net, server, 0).verdict, Verdict::Pool);
        // The SYN, the question and the answer.
        assert_eq!(net.queued() - before, 3, "{server}: else nothing is shown");
    }
}
