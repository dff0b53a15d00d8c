//! Events arrive at a real collector: rsyslog, over UDP, TCP and TLS.

use std::fs;
use std::io::Write;
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::Signal;

use crate::daemon::{Daemon, Directory};
use crate::mining::LOGIN;
use crate::net::{Net, SERVERS, ip, or_skip, wait_for};
use crate::session::{Session, is_reset};

/// rsyslog on the internet, with a file of what it got.
struct Rsyslog<'a> {
    net: &'a Net,
    directory: Directory,
    process: Option<Child>,
}

impl<'a> Rsyslog<'a> {
    /// Starts it with inputs for datagrams, streams and TLS, where it is installed.
    fn start(net: &'a Net) -> Option<Self> {
        for tool in ["rsyslogd", "openssl"] {
            let found = Command::new("sh").args(["-c", &format!("command -v {tool}")]).output();
            if !found.is_ok_and(|found| found.status.success()) {
                return or_skip(Err(format!("no '{tool}' on this machine")));
            }
        }
        let directory = Directory::new();
        let at = |name: &str| directory.path(name).display().to_string();
        net.internet.script(&format!(
            "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=collector \
             -keyout {key} -out {cert} 2>/dev/null && openssl x509 -in {cert} -noout -fingerprint -sha256 >{fingerprint}",
            key = at("key"),
            cert = at("cert"),
            fingerprint = at("fingerprint"),
        ));
        let config = format!(
            "global(workDirectory=\"{work}\" defaultNetstreamDriverCAFile=\"{cert}\" defaultNetstreamDriverCertFile=\"{cert}\" defaultNetstreamDriverKeyFile=\"{key}\")
module(load=\"imudp\")
module(load=\"imtcp\")
input(type=\"imudp\" port=\"514\")
input(type=\"imtcp\" port=\"601\")
input(type=\"imtcp\" port=\"6514\" StreamDriver.Name=\"gtls\" StreamDriver.Mode=\"1\" StreamDriver.AuthMode=\"anon\")
template(name=\"all\" type=\"string\" string=\"%inputname% %PRI% %APP-NAME% %MSGID% %msg%\\n\")
action(type=\"omfile\" file=\"{got}\" template=\"all\")
",
            work = directory.path("").display(),
            cert = at("cert"),
            key = at("key"),
            got = at("got"),
        );
        fs::write(directory.path("rsyslog.conf"), config).expect("a file of our own");
        let mut rsyslog = Rsyslog { net, directory, process: None };
        rsyslog.run();
        Some(rsyslog)
    }

    fn run(&mut self) {
        let at = |name: &str| self.directory.path(name).display().to_string();
        let log = fs::File::create(self.directory.path("log")).expect("a log file");
        let process = self
            .net
            .internet
            .command("rsyslogd")
            .args(["-n", "-f", &at("rsyslog.conf"), "-i", &at("pid")])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("ip(8) starts");
        self.process = Some(process);
        let connect =
            || TcpStream::connect_timeout(&(ip(SERVERS[0]), 6514).into(), Duration::from_millis(200));
        wait_for("rsyslog listens", || self.net.router.inside(connect).is_ok());
    }

    fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }

    fn got(&self) -> String {
        fs::read_to_string(self.directory.path("got")).unwrap_or_default()
    }

    fn fingerprint(&self) -> String {
        let text = fs::read_to_string(self.directory.path("fingerprint")).expect("openssl's");
        text.trim().rsplit('=').next().expect("a fingerprint").into()
    }
}

impl Drop for Rsyslog<'_> {
    fn drop(&mut self) {
        self.stop();
    }
}

fn mine(net: &Net) {
    let miner = Session::open(&net.home, &net.internet, ip(SERVERS[0]));
    (&miner.client).write_all(LOGIN.as_bytes()).expect("it leaves the miner");
    assert!(is_reset(&miner.client), "the miner");
}

#[test]
fn each_event_arrives_over_each_transport() {
    let Some(net) = Net::new() else { return };
    let Some(mut rsyslog) = Rsyslog::start(&net) else { return };
    let server = SERVERS[0];
    let options =
        |collector: &str, more: &str| format!("option mode block\noption collector '{collector}'\n{more}");
    let daemon = Daemon::start(&net, &options(&format!("udp://{server}:514"), ""));
    let certificate = format!("option collector_certificate '{}'\n", rsyslog.fingerprint());
    for (collector, more) in [
        (format!("udp://{server}:514"), ""),
        (format!("tcp://{server}:601"), ""),
        (format!("tls://{server}:6514"), &certificate[..]),
    ] {
        daemon.configure(&options(&collector, more));
        daemon.signal(Signal::HUP);
        let wanted = format!("\"collector\":{{\"address\":\"{collector}\"");
        wait_for("the collector is taken over", || daemon.status().contains(&wanted));
        let before = rsyslog.got().lines().count();
        mine(&net);
        wait_for(&format!("{collector} has the event"), || rsyslog.got().lines().count() > before);
        let got = rsyslog.got();
        let line = got.lines().last().expect("there is one");
        assert!(line.contains(" 28 minewall event {\"@timestamp\":\""), "{collector}: {line}");
        assert!(line.contains("\"action\":\"blocked\"") && line.ends_with("}}"), "{collector}: {line}");
        let event = daemon.events();
        let event = event.lines().last().expect("it is logged");
        assert!(line.contains(&format!("\"minewall\":{event}}}")), "{collector}: {line}\n{event}");
    }
    // The collector goes away: the event waits, the status has the problem, and both are over when it is back.
    rsyslog.stop();
    let before = rsyslog.got().lines().count();
    mine(&net);
    wait_for("the problem", || daemon.status().contains("\"code\":\"collector\""));
    assert!(daemon.status().contains("\"waiting\":1"), "{}", daemon.status());
    rsyslog.run();
    wait_for("the event that waited", || rsyslog.got().lines().count() > before);
    wait_for("the problem is over", || !daemon.status().contains("\"code\":\"collector\""));
}

/// A collector with another certificate than the one that is named gets nothing, and is told of.
#[test]
fn another_certificate_gets_nothing() {
    let Some(net) = Net::new() else { return };
    let Some(rsyslog) = Rsyslog::start(&net) else { return };
    let options = format!(
        "option mode block\noption collector 'tls://{}:6514'\noption collector_certificate '{}'\n",
        SERVERS[0],
        "ab".repeat(32)
    );
    let daemon = Daemon::start(&net, &options);
    mine(&net);
    let digits = rsyslog.fingerprint().replace(':', "");
    wait_for("the problem names the fingerprint", || daemon.status().contains(&digits));
    assert_eq!(rsyslog.got(), "");
}
