//! TLS: OpenSSL's server in front of the models.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use minewall::dpi::dialect::Dialect;
use minewall::packet::Endpoint;
use minewall::probe::transport::Dialler;
use minewall::probe::{Layer, Outcome, Target, Transport, Verdict};

use crate::pools::POOLS;
use crate::server::{Model, Server, probe};

/// `openssl s_server`, whose standard input and output are the model's.
struct Wrapped {
    addr: SocketAddr,
    openssl: Child,
    directory: PathBuf,
}

impl Wrapped {
    /// Serves `model`, with a certificate of `key` and OpenSSL's `options`. Nothing, with the reason
    /// printed, where there is no OpenSSL.
    fn start(name: &str, model: Model, key: &[&str], options: &[&str]) -> Option<Self> {
        let directory = std::env::temp_dir().join(format!("minewall-tls-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&directory).expect("a directory");
        let (cert_file, key_file) = (directory.join("cert.pem"), directory.join("key.pem"));
        let made = Command::new("openssl")
            .args(["req", "-x509", "-nodes", "-days", "2", "-subj", "/CN=pool", "-newkey"])
            .args(key)
            .arg("-keyout")
            .arg(&key_file)
            .arg("-out")
            .arg(&cert_file)
            .stderr(Stdio::null())
            .status();
        let Ok(made) = made else {
            assert!(std::env::var_os("MINEWALL_LIVE").is_none(), "no openssl");
            let _ = writeln!(std::io::stderr(), "skipped: no openssl");
            return None;
        };
        assert!(made.success(), "no certificate");
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|it| it.local_addr());
        let addr = free.expect("a port");
        let mut openssl = Command::new("openssl")
            .args(["s_server", "-quiet", "-accept", &addr.to_string(), "-cert"])
            .arg(&cert_file)
            .arg("-key")
            .arg(&key_file)
            .args(options)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        let (mut say, hear) = (openssl.stdin.take().expect("piped"), openssl.stdout.take().expect("piped"));
        std::thread::spawn(move || {
            for line in BufReader::new(hear).split(b'\n').map_while(Result::ok) {
                let answer = model.answer(&line);
                if say.write_all(answer.as_bytes()).and_then(|()| say.flush()).is_err() {
                    return;
                }
            }
        });
        let start = Instant::now();
        while TcpStream::connect(addr).is_err() {
            assert!(start.elapsed() < Duration::from_secs(20), "OpenSSL never listens");
            std::thread::sleep(Duration::from_millis(5));
        }
        Some(Wrapped { addr, openssl, directory })
    }
}

impl Drop for Wrapped {
    fn drop(&mut self) {
        let _ = self.openssl.kill();
        let _ = self.openssl.wait();
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

fn model(name: &str) -> Model {
    *POOLS.iter().find(|model| model.name == name).expect(name)
}

#[track_caller]
fn confirmed(outcome: &Outcome, dialect: &str) {
    assert_eq!(outcome.verdict, Verdict::Pool, "{outcome:?}");
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
                let Some(server) = Wrapped::start(name, model("nodejs-pool"), key, options) else { return };
                let outcome = probe(server.addr, Layer::Tls);
                println!("{name}: {} {}", outcome.verdict.name(), outcome.evidence);
                confirmed(&outcome, "cryptonote");
            });
        }
    });
}

/// Nobody says whether it is TLS.
#[test]
fn tls_is_found_where_plain_words_fail() {
    let Some(server) = Wrapped::start("auto", model("monero-pool (jtgrassie)"), &RSA, &[]) else { return };
    confirmed(&probe(server.addr, Layer::Auto), "cryptonote");
}

/// The name goes out if there is one, and only then.
#[test]
fn the_name_is_the_suspect_s_or_none() {
    for (name, sni) in [("named", Some("pool.example")), ("nameless", None)] {
        // OpenSSL refuses a client without this name, or with any.
        let options: &[&str] = match sni {
            Some(_) => &["-servername", "pool.example", "-servername_fatal"],
            None => &["-servername", "", "-servername_fatal"],
        };
        let key_and_cert = ["-cert2", "CERT", "-key2", "KEY"];
        let directory = std::env::temp_dir().join(format!("minewall-tls-{}-{name}", std::process::id()));
        let (cert, key) = (directory.join("cert.pem"), directory.join("key.pem"));
        let second =
            [key_and_cert[0], cert.to_str().expect("a path"), key_and_cert[2], key.to_str().expect("one")];
        let options = [options, &second].concat();
        let Some(server) = Wrapped::start(name, model("monero-pool (jtgrassie)"), &RSA, &options) else {
            return;
        };
        let ask = |sni: Option<&str>| {
            let target = Target {
                server: Endpoint::new(server.addr.ip(), server.addr.port()),
                layer: Layer::Tls,
                sni: sni.map(str::to_owned),
                hint: None,
            };
            let start = Instant::now();
            let now = || minewall::time::Instant::from_micros(start.elapsed().as_micros() as u64);
            Dialler::new(0).probe(&target, now)
        };
        confirmed(&ask(sni), "cryptonote");
        if sni.is_some() {
            assert_eq!(ask(Some("other.example")).verdict, Verdict::Inconclusive);
        } else {
            assert_eq!(ask(Some("any.example")).verdict, Verdict::Inconclusive, "no name was expected");
        }
    }
}

#[test]
fn a_server_without_tls_has_none() {
    let server = Server::of(model("nodejs-pool"));
    let outcome = probe(server.addr, Layer::Tls);
    assert_eq!((outcome.verdict, outcome.evidence.as_str()), (Verdict::Inconclusive, "no TLS handshake"));
    let outcome = probe(server.addr, Layer::Auto);
    assert_eq!(outcome.verdict, Verdict::Pool, "{outcome:?}");
}
