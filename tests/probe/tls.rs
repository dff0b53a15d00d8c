//! TLS: OpenSSL's server in front of the models.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use minewall::dpi::signatures::Dialect;
use minewall::net::endpoint::Endpoint;
use minewall::probe::transport::Dialler;
use minewall::probe::{Outcome, ProbeVerdict, Target, TlsChoice, Transport};

use crate::pools::POOLS;
use crate::server::{Model, Server, probe};
use crate::tls_end::{Certificate, TlsEnd};

/// An OpenSSL server in front of a model.
struct Wrapped {
    addr: SocketAddr,
    end: TlsEnd,
}

impl Wrapped {
    /// `openssl s_server`, whose standard input and output are `model`'s; with a certificate of `key`
    /// and `options`. Nothing, with the reason printed, where there is no OpenSSL.
    fn openssl(name: &str, model: Model, key: &[&str], options: &[&str]) -> Option<Self> {
        let certificate = or_skip(Certificate::make(name, key))?;
        let addr = free_port();
        let mut process = Command::new("openssl")
            .args(["s_server", "-quiet", "-accept", &addr.to_string(), "-cert"])
            .arg(certificate.cert())
            .arg("-key")
            .arg(certificate.key())
            .args(options)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        let (mut say, hear) = (process.stdin.take().expect("piped"), process.stdout.take().expect("piped"));
        std::thread::spawn(move || {
            for line in BufReader::new(hear).split(b'\n').map_while(Result::ok) {
                let answer = model.answer(&line);
                if say.write_all(answer.as_bytes()).and_then(|()| say.flush()).is_err() {
                    return;
                }
            }
        });
        Some(Wrapped { addr, end: TlsEnd::of(process, certificate) }.listening())
    }

    /// `socat` in front of the server at `plain`.
    fn socat(name: &str, plain: SocketAddr) -> Option<Self> {
        let certificate = or_skip(Certificate::make(name, &EC))?;
        let addr = free_port();
        let end = or_skip(TlsEnd::socat(Command::new("socat"), certificate, addr, plain))?;
        Some(Wrapped { addr, end }.listening())
    }

    fn listening(mut self) -> Self {
        let start = Instant::now();
        while TcpStream::connect(self.addr).is_err() {
            let ended = self.end.ended();
            assert!(ended.is_none(), "it ended: {ended:?}");
            assert!(start.elapsed() < Duration::from_secs(60), "it never listens");
            std::thread::sleep(Duration::from_millis(5));
        }
        self
    }
}

/// A port that nobody else of these tests gets: below those that the kernel hands out, and each once. Another run
/// of them at the same time begins elsewhere.
/// A freed port of the kernel's choice would be the next one's, and a probe would ask the wrong pool.
fn free_port() -> SocketAddr {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = 10_000 + std::process::id() as u16 % 128 * 100;
    loop {
        let port = first + NEXT.fetch_add(1, Ordering::Relaxed);
        let addr = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        if TcpListener::bind(addr).is_ok() {
            return addr;
        }
    }
}

/// A program's result; nothing, with the reason printed, where it isn't installed.
fn or_skip<T>(started: std::io::Result<T>) -> Option<T> {
    match started {
        Ok(started) => Some(started),
        Err(why) if std::env::var_os("MINEWALL_LIVE").is_some() => {
            panic!("openssl and socat are needed: {why}")
        }
        Err(why) => {
            let _ = writeln!(std::io::stderr(), "skipped: openssl or socat is missing: {why}");
            None
        }
    }
}

fn model(name: &str) -> Model {
    *POOLS.iter().find(|model| model.name == name).expect(name)
}

#[track_caller]
fn confirmed(outcome: &Outcome, dialect: &str) {
    assert_eq!(outcome.verdict, ProbeVerdict::Pool, "{outcome:?}");
    assert_eq!(outcome.dialect.map(Dialect::name), Some(dialect), "{outcome:?}");
    assert_eq!(outcome.transport, Some(Transport::Tls), "{outcome:?}");
}

const RSA: [&str; 1] = ["rsa:2048"];
const EC: [&str; 3] = ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"];

/// Both versions, both kinds of certificate, every suite and group that we offer.
#[test]
fn every_suite_and_group_works_against_openssl() {
    let cases: [(&str, &[&str], &[&str]); 8] = [
        ("13-aes", &RSA, &["-tls1_3", "-ciphersuites", "TLS_AES_128_GCM_SHA256"]),
        ("13-chacha", &EC, &["-tls1_3", "-ciphersuites", "TLS_CHACHA20_POLY1305_SHA256"]),
        ("13-p256", &RSA, &["-tls1_3", "-groups", "P-256"]),
        ("12-rsa-aes", &RSA, &["-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256"]),
        ("12-ec-aes", &EC, &["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256"]),
        ("12-rsa-chacha", &RSA, &["-tls1_2", "-cipher", "ECDHE-RSA-CHACHA20-POLY1305"]),
        ("12-ec-chacha", &EC, &["-tls1_2", "-cipher", "ECDHE-ECDSA-CHACHA20-POLY1305"]),
        ("12-p256", &RSA, &["-tls1_2", "-groups", "P-256"]),
    ];
    std::thread::scope(|scope| {
        for (name, key, options) in cases {
            scope.spawn(move || {
                let Some(server) = Wrapped::openssl(name, model("nodejs-pool"), key, options) else { return };
                let outcome = probe(server.addr, TlsChoice::Tls);
                println!("{name}: {} {}", outcome.verdict.name(), outcome.evidence);
                confirmed(&outcome, "cryptonote");
            });
        }
    });
}

/// Nobody says whether it is TLS.
#[test]
fn tls_is_found_where_plain_words_fail() {
    let Some(server) = Wrapped::openssl("auto", model("nodejs-pool"), &RSA, &[]) else { return };
    confirmed(&probe(server.addr, TlsChoice::Auto), "cryptonote");
}

/// The name goes out if there is one, and only then: OpenSSL is told to refuse any other.
#[test]
fn the_name_is_the_suspect_s_or_none() {
    for (name, sni, other) in
        [("named", Some("pool.example"), "other.example"), ("nameless", None, "any.example")]
    {
        let second = or_skip(Certificate::make(&format!("{name}-second"), &RSA));
        let Some(second) = second else { return };
        let (cert, key) = (second.cert(), second.key());
        let mut options = vec!["-servername", sni.unwrap_or_default(), "-servername_fatal"];
        options.extend(["-cert2", cert.to_str().expect("a path"), "-key2", key.to_str().expect("a path")]);
        let pool = model("nodejs-pool");
        let Some(server) = Wrapped::openssl(name, pool, &RSA, &options) else { return };
        let ask = |sni: Option<&str>| {
            let target = Target {
                server: Endpoint::new(server.addr.ip(), server.addr.port()),
                layer: TlsChoice::Tls,
                sni: sni.map(str::to_owned),
                hints: minewall::probe::hint::Hints::default(),
            };
            let start = Instant::now();
            let now = || minewall::util::time::Instant::from_micros(start.elapsed().as_micros() as u64);
            Dialler::new(0).probe(&target, now)
        };
        confirmed(&ask(sni), "cryptonote");
        assert_eq!(ask(Some(other)).verdict, ProbeVerdict::Inconclusive, "{name}");
    }
}

/// All pools again, now in TLS. Stratum V2 has its own encryption.
#[test]
fn every_pool_is_confirmed_in_tls() {
    let failures: Vec<String> = std::thread::scope(|scope| {
        let probes: Vec<_> = POOLS
            .iter()
            .enumerate()
            .filter(|(_, model)| model.dialect != "stratum-v2")
            .map(|(number, model)| {
                scope.spawn(move || {
                    let plain = Server::of(*model);
                    let server = Wrapped::socat(&format!("pool-{number}"), plain.addr)?;
                    let outcome = probe(server.addr, TlsChoice::Tls);
                    let right = outcome.verdict == ProbeVerdict::Pool
                        && outcome.dialect.map(Dialect::name) == Some(model.dialect);
                    (!right).then(|| format!("{}: {outcome:?}", model.name))
                })
            })
            .collect();
        probes.into_iter().filter_map(|probe| probe.join().expect("no panic")).collect()
    });
    assert!(failures.is_empty(), "{failures:#?}");
}

#[test]
fn a_server_without_tls_has_none() {
    let server = Server::of(model("nodejs-pool"));
    let outcome = probe(server.addr, TlsChoice::Tls);
    assert_eq!(
        (outcome.verdict, outcome.evidence.as_str()),
        (ProbeVerdict::Inconclusive, "no TLS handshake")
    );
    let outcome = probe(server.addr, TlsChoice::Auto);
    assert_eq!(outcome.verdict, ProbeVerdict::Pool, "{outcome:?}");
}
