//! Encrypted sessions, from the first packet to the end: suspected by their sizes and times, their
//! servers asked, and cut off or left alone. Nothing is faked but the software at both ends.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use minewall::limits::{BEACON_SESSIONS, HMM_MIN_AGE};
use socket2::SockRef;

use crate::daemon::Daemon;
use crate::net::{Net, PATIENCE, SERVERS, ip, wait_for, wait_up_to};
use crate::session::Session;
use crate::tls::{TlsClient, TlsServer, serve};

/// Names that the servers are called by; they have ears for nobody who doesn't say them.
pub const POOL: &str = "pool.example";
pub const ELECTRUM: &str = "electrum.example";

/// A pool, as xmrig-proxy treats strangers: whoever begins with anything but a login is disconnected.
pub fn pool(stream: TcpStream) {
    let writer = Mutex::new(stream.try_clone().expect("a descriptor"));
    let say = |text: String| writer.lock().expect("no thread panics").write_all(text.as_bytes()).is_ok();
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    if !lines.next().is_some_and(|line| line.contains("\"login\"")) {
        return;
    }
    let job = |number: u32| {
        let blob =
            "1010f4b1d3ae065e21c7a93f".repeat(6) + &format!("{:08x}", number.wrapping_mul(0x9e37_79b9));
        let id = format!("{:016x}", u64::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        format!(
            "{{\"blob\":\"{blob}\",\"job_id\":\"{id}\",\"target\":\"b88d0600\",\"algo\":\"rx/0\",\"seed_hash\":\"{}\"}}",
            "5f1c8a8e5d8f0f3e".repeat(4)
        )
    };
    say(format!(
        "{{\"id\":1,\"jsonrpc\":\"2.0\",\"error\":null,\"result\":{{\"id\":\"7c6b7a1a\",\"job\":{},\"extensions\":[\"algo\"],\"status\":\"OK\"}}}}\n",
        job(1)
    ));
    thread::scope(|scope| {
        scope.spawn(|| {
            for number in 2.. {
                thread::sleep(Duration::from_millis(7_000));
                if !say(format!("{{\"jsonrpc\":\"2.0\",\"method\":\"job\",\"params\":{}}}\n", job(number))) {
                    return;
                }
            }
        });
        for number in lines.enumerate().map(|(number, _)| number + 2) {
            say(format!(
                "{{\"id\":{number},\"jsonrpc\":\"2.0\",\"error\":null,\"result\":{{\"status\":\"OK\"}}}}\n"
            ));
        }
    });
}

/// Mines until it is cut off; for how long it could.
pub fn mine(mut session: TlsClient) -> Duration {
    let start = Instant::now();
    let login = format!(
        "{{\"id\":1,\"jsonrpc\":\"2.0\",\"method\":\"login\",\"params\":{{\"login\":\"{}\",\"pass\":\"x\",\"agent\":\"XMRig/6.21.0 (Linux x86_64)\",\"algo\":[\"rx/0\",\"cn/r\"]}}}}\n",
        "4".repeat(95)
    );
    let mut answer = session.say(&login).and_then(|()| session.hear());
    for number in 2_u64.. {
        if answer.is_none() {
            break;
        }
        // Shares come at random.
        let chance = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 53;
        thread::sleep(Duration::from_millis(400 + chance * 2));
        let share = format!(
            "{{\"id\":{number},\"jsonrpc\":\"2.0\",\"method\":\"submit\",\"params\":{{\"id\":\"7c6b7a1a\",\"job_id\":\"{:016x}\",\"nonce\":\"{:08x}\",\"result\":\"{}\"}}}}\n",
            number,
            chance,
            "e1364b8782719d76".repeat(4)
        );
        answer = session.say(&share).and_then(|()| session.hear());
        assert!(start.elapsed() < PATIENCE * 6, "it mines on and on");
    }
    start.elapsed()
}

#[test]
fn an_encrypted_miner_is_suspected_asked_about_and_cut_off() {
    let Some(net) = Net::new() else { return };
    // On a busy machine the probe, which has the lowest priority, may not get far enough in its half minute, and asks
    // again a minute later.
    let options = "option mode block\noption sensitivity eager\noption probe_inconclusive_minutes 1\n";
    let daemon = Daemon::start(&net, options);
    let addr: SocketAddr = "198.51.100.7:3333".parse().expect("an endpoint");
    net.publish(addr.ip());
    let server = TlsServer::start(&net, addr, POOL, pool);
    let mined_for = mine(TlsClient::connect(&net.home, server.addr, POOL));
    println!("cut off after {mined_for:?}");
    assert!(mined_for >= HMM_MIN_AGE, "it was not the suspicion: {}", daemon.log());
    let status = daemon.status();
    assert!(status.contains("\"pool\":1,"), "{status}");
    wait_for("the events", || daemon.events().contains("\"source\":\"probe\""));
    let events = daemon.events();
    let (suspicion, proof) = (events.find("\"source\":\"hmm\""), events.find("\"source\":\"probe\""));
    assert!(suspicion.is_some() && suspicion < proof, "{events}");
    assert!(events.contains("\"dialect\":\"cryptonote\""), "{events}");
    assert!(events.contains(&format!("\"server_name\":\"{POOL}\"")), "{events}");
    // From now on sessions that name it are cut off at once. Other names at the address are not meant: the server
    // answers to its own alone.
    let list = daemon.command(&["intel", "list"], "").output;
    assert!(list.starts_with(&format!("{POOL}@{addr}: block, a pool by its own answer")), "{list}");
    assert_eq!(list.lines().count(), 1, "{list}");
    net.home.inside(|| TcpStream::connect_timeout(&addr, PATIENCE)).expect("the address is not blocked");
    let again = mine(TlsClient::connect(&net.home, server.addr, POOL));
    assert!(again < HMM_MIN_AGE, "cut off for its name: {again:?}");
}

/// An Electrum server, as far as a wallet gets with it here.
pub fn electrum(stream: TcpStream) {
    let mut writer = stream.try_clone().expect("a descriptor");
    for line in BufReader::new(stream).lines().map_while(Result::ok) {
        let id =
            line.split("\"id\":").nth(1).and_then(|rest| rest.split([',', '}']).next()).unwrap_or("null");
        let known = [
            ("\"server.version\"", "[\"ElectrumX 1.16.0\",\"1.4\"]".to_owned()),
            ("\"server.ping\"", "null".to_owned()),
            ("\"blockchain.scripthash.subscribe\"", format!("\"{}\"", "9f".repeat(32))),
            (
                "\"blockchain.headers.subscribe\"",
                format!("{{\"hex\":\"{}\",\"height\":800000}}", "00e0ff3f".repeat(20)),
            ),
        ];
        let answer = match known.iter().find(|(method, _)| line.contains(method)) {
            Some((_, result)) => format!("{{\"jsonrpc\":\"2.0\",\"result\":{result},\"id\":{id}}}\n"),
            None => format!(
                "{{\"jsonrpc\":\"2.0\",\"error\":{{\"code\":-32601,\"message\":\"unknown method\"}},\"id\":{id}}}\n"
            ),
        };
        if writer.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

/// Asks an Electrum server one thing after the other.
pub fn ask(wallet: &mut TlsClient, questions: &[&str]) {
    for (id, question) in questions.iter().enumerate() {
        wallet.say(&format!("{{\"id\":{id},\"method\":{question}}}\n")).expect("it is not cut off");
        let answer = wallet.hear().expect("it is not cut off");
        assert!(answer.contains("\"result\""), "{answer}");
    }
}

/// A wallet that looks at its balance again and again, each time on a new connection, has the habits of
/// a getwork miner. Its server is asked, and from then on it is left alone; so is one that stays connected.
#[test]
fn a_wallet_in_tls_is_suspected_at_worst_and_never_cut_off() {
    const HELLO: &str = "\"server.version\",\"params\":[\"4.5.8\",\"1.4\"]";
    const HEADERS: &str = "\"blockchain.headers.subscribe\",\"params\":[]";
    const BALANCE: &str = "\"blockchain.scripthash.subscribe\",\"params\":[\"8b01df4e368ea28f8dc0423bcf7a4923e3a12d307c875e47a0cfbf90b5c39161\"]";
    let Some(net) = Net::new() else { return };
    let options = "option mode block\noption sensitivity eager\noption probe_inconclusive_minutes 1\n";
    let daemon = Daemon::start(&net, options);
    let addr: SocketAddr = "203.0.113.8:50002".parse().expect("an endpoint");
    net.publish(addr.ip());
    let server = TlsServer::start(&net, addr, ELECTRUM, electrum);
    let look = || ask(&mut TlsClient::connect(&net.home, server.addr, ELECTRUM), &[HELLO, HEADERS, BALANCE]);
    let mut wallet = TlsClient::connect(&net.home, server.addr, ELECTRUM);
    ask(&mut wallet, &[HELLO, HEADERS, BALANCE]);
    // On a busy machine there may be one session in between that is unlike the others, or a server that isn't quick
    // enough to say what it is: it looks again, and is asked again.
    wait_up_to(PATIENCE * 6, "its server is asked", || {
        look();
        daemon.status().contains("\"not_pool\":1,")
    });
    assert!(daemon.events().contains("\"source\":\"hmm\""), "{}", daemon.events());
    let log = daemon.log();
    assert!(log.contains("Electrum server: server.version answered"), "{log}");
    let suspects = daemon.status();
    for _ in 0..BEACON_SESSIONS + 3 {
        look();
    }
    ask(&mut wallet, &["\"server.ping\",\"params\":[]"]);
    let status = daemon.status();
    let count = |status: &str| {
        status.split("\"suspects\":").nth(1).and_then(|rest| rest.split(',').next()).map(str::to_owned)
    };
    assert_eq!(count(&status), count(&suspects), "no longer a suspect");
    assert!(status.contains("\"detections\":0,") && status.contains("\"resets\":0,"), "{status}");
}

/// A listed name where pools have their pages, too, makes a suspect; and it says what to ask first.
#[test]
fn the_name_of_a_suspect_says_what_it_is_asked_first() {
    const BEAM: &str = "beam-eu.sparkpool.com";
    let Some(net) = Net::new() else { return };
    let _daemon = Daemon::start(&net, "option mode block\n");
    let addr: SocketAddr = "198.51.100.7:443".parse().expect("an endpoint");
    net.publish(addr.ip());
    let heard = Arc::new(Mutex::new(Vec::new()));
    let recorder = heard.clone();
    let server = TlsServer::start(&net, addr, BEAM, move |stream| {
        let Some(Ok(line)) = BufReader::new(stream).lines().next() else { return };
        recorder.lock().expect("no thread panics").push(line);
    });
    let mut client = TlsClient::connect(&net.home, server.addr, BEAM);
    client.say("words of nobody's\n").expect("it is let through");
    let asked = || -> Vec<String> {
        let heard = heard.lock().expect("no thread panics");
        heard.iter().filter(|line| !line.contains("nobody's")).cloned().collect()
    };
    wait_for("it is asked twice", || asked().len() >= 2);
    let asked = asked();
    assert!(asked[0].contains("api_key"), "{asked:?}");
    assert!(asked[1].contains("\"login\""), "and then in the usual order: {asked:?}");
}

/// Opens short sessions with `server`, one like the other and in a protocol of nobody's, until stage one
/// finds that suspicious.
fn arouse_suspicion(net: &Net, daemon: &Daemon, server: SocketAddr) {
    let hello: Vec<u8> = (0..220_u32).map(|at| 0x80 | (at.wrapping_mul(0x9e37_79b9) >> 24) as u8).collect();
    wait_for("it is suspected", || {
        for _ in 0..BEACON_SESSIONS {
            let client = net.home.inside(|| TcpStream::connect_timeout(&server, PATIENCE));
            // It may be closed or reset already.
            let _ = client.and_then(|mut client| client.write_all(&hello));
        }
        daemon.events().contains(&format!("\"server\":\"{server}\""))
    });
}

/// Whatever the servers of suspects do, all of them at once: the daemon goes on, its memory stays
/// bounded, and packets pass.
#[test]
fn servers_that_mean_harm_do_none() {
    let Some(net) = Net::new() else { return };
    let options = "option mode block\noption probes_per_hour 3600\noption probes_per_block 360\n";
    let daemon = Daemon::start(&net, options);
    type Harm = fn(TcpStream);
    let kinds: [(&str, Harm); 7] = [
        ("hangs", |mut stream| while stream.read(&mut [0; 512]).is_ok_and(|len| len > 0) {}),
        ("closes at once", |stream| drop(stream)),
        ("answers a byte a second", |mut stream| {
            for byte in b"{\"id\":1,\"result\":[[[\"mining.notify\",\"x\"]],\"00\",4]}\n" {
                if stream.write_all(&[*byte]).is_err() {
                    return;
                }
                thread::sleep(Duration::from_secs(1));
            }
        }),
        ("sends a megabyte", |mut stream| {
            let _ = stream.write_all(&b"{\"id\":1,\"result\":true}\n".repeat(45_000));
        }),
        ("resets at once", |stream| {
            SockRef::from(&stream).set_linger(Some(Duration::ZERO)).expect("a reset instead of an end");
        }),
        ("sends garbage", |mut stream| {
            let mut garbage = [0; 900];
            minewall::probe::random(&mut garbage).expect("random bytes");
            let _ = stream.write_all(&garbage);
        }),
        ("sends deep JSON", |mut stream| {
            let _ = stream.write_all(&[&b"[".repeat(3_000)[..], b"\n"].concat());
        }),
    ];
    // The first three in networks of their own: they are asked at once, the second while the first takes the
    // half minute that it gets. One network is asked but rarely, so that of the other four some come too soon,
    // and are tried again.
    let address = |number: u8| SocketAddr::from(([198, 51, number.min(3), 7 + number], 3_333));
    for (number, (kind, harm)) in (0..).zip(kinds) {
        let server = address(number);
        net.publish(server.ip());
        serve(net.internet.inside(|| TcpListener::bind(server)).expect(kind), harm);
        arouse_suspicion(&net, &daemon, server);
    }
    let mut chat = Session::open(&net.home, &net.internet, ip(SERVERS[0]));
    let start = Instant::now();
    let is_answered =
        |log: &str, number| log.contains(&format!("probe of {}, suspected by", address(number)));
    while !(0..7).all(|number| is_answered(&daemon.log(), number)) {
        chat.exchange(b"hello");
        assert!(start.elapsed() < PATIENCE * 9, "{}\n{}", daemon.status(), daemon.log());
    }
    println!("all asked after {:?}: {}", start.elapsed(), daemon.status());
    let log = daemon.log();
    let outcome = |number| log.find(&format!("probe of {}, suspected by", address(number)));
    assert!(outcome(1) < outcome(0), "one that hangs delays nobody else: {log}");
    let status = daemon.status();
    assert!(status.contains("\"pool\":0,") && status.contains("\"detections\":0,"), "{status}");
    assert!(daemon.resident_kib() < 24 * 1_024, "{} KiB", daemon.resident_kib());
}
