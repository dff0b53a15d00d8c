use std::io::{BufRead, BufReader, Read};
use std::net::{TcpListener, UdpSocket};
use std::path::Path;
use std::time::Duration;

use super::*;

const EVENT: &str = r#"{"event":"detection","time":"2026-11-22T06:10:12Z","client":"192.168.1.50","mac":null,"host":null,"server":"203.0.113.9:3333","server_name":null,"dialect":"cryptonote","evidence":"login","verdict":"blocked"}"#;

fn config(options: &str) -> Config {
    let text = format!("config minewall\n{options}");
    crate::config::parse(Path::new("test"), text.as_bytes()).expect("good options").config
}

fn client() -> ClientId {
    ClientId::of(std::net::Ipv4Addr::new(192, 168, 1, 50).into(), None)
}

/// Waits until `is_true`, as long as it takes.
fn wait_until(is_true: impl Fn() -> bool) {
    let begin = Instant::now();
    while !is_true() {
        assert!(begin.elapsed() < Duration::from_secs(120));
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_datagram_is_a_message_of_syslog() {
    let server = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let address = server.local_addr().expect("bound");
    let options = format!("option collector 'udp://{address}'\n");
    let mut collector = EventCollector::new(&config(&options), &Problems::default());
    collector.send(EVENT, true, client());
    let mut bytes = [0; 4_096];
    let len = server.recv(&mut bytes).expect("a datagram");
    let text = String::from_utf8_lossy(&bytes[..len]);
    assert!(text.starts_with("<28>1 ") && text.contains(" minewall - event - {\"@timestamp\""), "{text}");
    assert!(text.ends_with(&format!("\"minewall\":{EVENT}}}")), "{text}");
}

#[test]
fn a_stream_has_the_length_before_each_message_or_a_line_each() {
    for (format, is_counted) in [("syslog", true), ("json", false)] {
        let server = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = server.local_addr().expect("bound");
        let options = format!("option collector 'tcp://{address}'\noption collector_format {format}\n");
        let mut collector = EventCollector::new(&config(&options), &Problems::default());
        collector.send(EVENT, true, client());
        collector.send(EVENT, false, client());
        let mut stream = BufReader::new(server.accept().expect("a connection").0);
        for _ in 0..2 {
            let mut text = String::new();
            if is_counted {
                let mut count = Vec::new();
                stream.read_until(b' ', &mut count).expect("a length");
                let count: usize = String::from_utf8_lossy(&count).trim().parse().expect("a number");
                stream.by_ref().take(count as u64).read_to_string(&mut text).expect("a message");
            } else {
                stream.read_line(&mut text).expect("a line");
            }
            assert!(text.trim_end().ends_with(&format!("\"minewall\":{EVENT}}}")), "{text}");
        }
        collector.stop();
        assert_eq!(collector.counters().map(|counters| (counters.sent, counters.waiting)), Some((2, 0)));
    }
}

/// No event waits for a collector that is not there longer than it has to, and none makes the run loop wait.
#[test]
fn a_dead_collector_costs_only_what_finds_no_room() {
    let server = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = server.local_addr().expect("bound");
    drop(server);
    let problems = Problems::default();
    let options = format!("option collector 'tcp://{address}'\noption collector_format json\n");
    let mut collector = EventCollector::new(&config(&options), &problems);
    for _ in 0..COLLECTOR_EVENTS + 10 {
        collector.send(EVENT, true, client());
    }
    wait_until(|| problems.all().iter().any(|problem| problem.text.contains("refuses the connection")));
    assert!(problems.all().iter().any(|problem| problem.text.contains("are lost")), "{:?}", problems.all());
    let counters = collector.counters().expect("there is a collector");
    assert!((9..=10).contains(&counters.lost) && counters.sent == 0, "{counters:?}");
    // It comes back: all that waited arrives, and the problem is over.
    let server = TcpListener::bind(address).expect("the port is free");
    let (stream, _) = server.accept().expect("a connection");
    let lines = BufReader::new(stream).lines().take(counters.waiting as usize);
    assert_eq!(
        lines.filter(|line| line.as_ref().is_ok_and(|line| line.ends_with('}'))).count(),
        counters.waiting as usize
    );
    wait_until(|| collector.counters().is_some_and(|counters| counters.waiting == 0));
    wait_until(|| problems.all().is_empty());
}

/// One host has more events than the queue holds while the collector is away; another's arrives all the same.
#[test]
fn one_client_s_events_displace_no_other_s() {
    let server = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = server.local_addr().expect("bound");
    drop(server);
    let options = format!("option collector 'tcp://{address}'\noption collector_format json\n");
    let mut collector = EventCollector::new(&config(&options), &Problems::default());
    let other = ClientId::of(std::net::Ipv4Addr::new(192, 168, 1, 51).into(), None);
    let loud = |collector: &mut EventCollector| {
        (0..COLLECTOR_EVENTS + 2).for_each(|_| collector.send(EVENT, true, client()));
    };
    loud(&mut collector);
    collector.send(&EVENT.replace("1.50", "1.51"), true, other);
    loud(&mut collector);
    let waiting = collector.counters().expect("there is a collector").waiting as usize;
    assert!(waiting >= COLLECTOR_EVENTS, "{waiting}");
    let server = TcpListener::bind(address).expect("the port is free");
    let (stream, _) = server.accept().expect("a connection");
    let mut lines = BufReader::new(stream).lines().take(waiting);
    assert!(lines.any(|line| line.is_ok_and(|line| line.contains("192.168.1.51"))));
}

/// Bytes written to a connection that the other end has closed would be lost without a word.
#[test]
fn a_collector_that_was_started_anew_misses_nothing() {
    let server = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = server.local_addr().expect("bound");
    let options = format!("option collector 'tcp://{address}'\noption collector_format json\n");
    let mut collector = EventCollector::new(&config(&options), &Problems::default());
    for _ in 0..3 {
        collector.send(EVENT, true, client());
        let (stream, _) = server.accept().expect("a connection");
        let mut line = String::new();
        BufReader::new(&stream).read_line(&mut line).expect("a line");
        assert!(line.ends_with("}\n"));
    }
}

#[test]
fn another_configuration_ends_the_thread() {
    let problems = Problems::default();
    let mut collector = EventCollector::new(&config("option collector 'tcp://127.0.0.1:1'\n"), &problems);
    collector.send(EVENT, true, client());
    collector.send(EVENT, true, client());
    wait_until(|| !problems.all().is_empty());
    collector.configure(&config(""));
    assert_eq!(collector.counters(), None);
    // The thread may have told of the problem once more; from then on it is silent.
    collector.configure(&config("option collector syslog\n"));
    collector.send(EVENT, true, client());
    assert_eq!(collector.counters().map(|counters| (counters.sent, counters.lost)), Some((1, 2)));
}

#[cfg(feature = "tls")]
#[test]
fn an_unknown_certificate_gets_no_event() {
    let directory = std::env::temp_dir().join(format!("minewall-collector-{}", std::process::id()));
    std::fs::create_dir_all(&directory).expect("a directory of our own");
    let at = |name: &str| directory.join(name).display().to_string();
    let script = format!(
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=collector \
         -keyout {key} -out {cert} 2>/dev/null && openssl x509 -in {cert} -noout -fingerprint -sha256",
        key = at("key"),
        cert = at("cert")
    );
    let made = std::process::Command::new("sh").args(["-c", &script]).output().expect("sh");
    let fingerprint = String::from_utf8_lossy(&made.stdout);
    let fingerprint = fingerprint.trim().rsplit('=').next().expect("a fingerprint").to_owned();
    let port = TcpListener::bind("127.0.0.1:0").and_then(|port| port.local_addr()).expect("a port").port();
    let mut server = std::process::Command::new("openssl")
        .args([
            "s_server",
            "-quiet",
            "-accept",
            &format!("127.0.0.1:{port}"),
            "-key",
            &at("key"),
            "-cert",
            &at("cert"),
        ])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("openssl");
    let problems = Problems::default();
    let base = format!("option collector 'tls://127.0.0.1:{port}'\noption collector_format json\n");
    let mut collector = EventCollector::new(&config(&base), &problems);
    collector.send(EVENT, true, client());
    let plain = fingerprint.replace(':', "");
    wait_until(|| problems.all().iter().any(|problem| problem.text.ends_with(&plain)));
    collector.configure(&config(&format!("{base}option collector_certificate '{fingerprint}'\n")));
    collector.send(EVENT, true, client());
    let mut line = String::new();
    BufReader::new(server.stdout.take().expect("piped")).read_line(&mut line).expect("a line");
    assert!(line.trim_end().ends_with(&format!("\"minewall\":{EVENT}}}")), "{line}");
    drop(collector);
    server.kill().expect("it runs");
    server.wait().expect("it has ended");
    std::fs::remove_dir_all(&directory).expect("it was made");
}
