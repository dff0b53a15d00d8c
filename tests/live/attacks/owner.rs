//! Mistakes of the owner's, and a service without descriptors.

use std::fs;
use std::process::Command;
use std::time::Duration;

use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, prlimit};

use super::{House, number};
use crate::daemon::{Daemon, Directory};
use crate::net::{SERVERS, wait_for, wait_up_to};

/// Reads the configuration again; `said` is what the log has to say once more.
fn reload(daemon: &Daemon, said: &str) {
    let before = daemon.log().matches(said).count();
    daemon.signal(Signal::HUP);
    wait_for(said, || daemon.log().matches(said).count() > before);
}

/// A file that is empty, blank, or of another program's is refused on reload like any other mistake; the mode and the
/// exemptions stay. Switched on by a reload, the probe asks.
#[test]
fn an_empty_configuration_changes_nothing() {
    let Some(house) = House::new() else { return };
    let daemon = Daemon::start(&house.net, "option probe 0\nlist allow_host 10.7.1.2\n");
    let path = daemon.path("config");
    let good = fs::read_to_string(&path).expect("the configuration");
    for bad in ["", "\n \n\t\n", "config network 'lan'\n\toption ipaddr '10.0.0.1'\n"] {
        fs::write(&path, bad).expect("written");
        reload(&daemon, "the old configuration stays");
        let exempt = crate::mining::LOGIN.as_bytes();
        let mut miner =
            crate::session::Session::open(&house.net.home, &house.net.internet, crate::net::ip(SERVERS[0]));
        miner.exchange(exempt);
        house.catches_miners(2, "with the old configuration");
    }
    assert!(daemon.status().contains("\"mode\":\"block\""), "{}", daemon.status());
    fs::write(&path, good.replace("option probe 0", "option probe '1'")).expect("written");
    reload(&daemon, "configuration reloaded");
    let pool = "203.0.113.9:3333".parse::<std::net::SocketAddr>().expect("an endpoint");
    house.net.publish(pool.ip());
    let listener = house.net.internet.inside(|| std::net::TcpListener::bind(pool)).expect("a free port");
    crate::tls::serve(listener, drop);
    let client = house.other.inside(|| std::net::TcpStream::connect(pool)).expect("a way there");
    std::io::Write::write_all(&mut &client, crate::mining::LOGIN.as_bytes()).expect("it leaves the miner");
    wait_for("it is asked", || number(&daemon.status(), "inconclusive") > 0);
}

/// A model that is missing, empty, cut or a FIFO leaves protection on, with the built-in model and a problem.
#[test]
fn a_bad_model_leaves_protection_on() {
    let Some(house) = House::new() else { return };
    let daemon = Daemon::start(&house.net, "");
    let files = Directory::new();
    fs::write(files.path("empty"), "").expect("written");
    fs::write(files.path("cut"), [0x6d; 100]).expect("written");
    assert!(Command::new("mkfifo").arg(files.path("fifo")).status().expect("mkfifo(1)").success());
    for name in ["missing", "empty", "cut", "fifo"] {
        daemon.configure(&format!("option model '{}'\n", files.path(name).display()));
        reload(&daemon, "configuration reloaded");
        assert!(daemon.status().contains("\"code\":\"model\""), "{name}: {}", daemon.status());
        house.catches_miners(2, name);
        let check = Command::new(env!("CARGO_BIN_EXE_minewall"))
            .args(["config", "--config"])
            .arg(daemon.path("config"))
            .output()
            .expect("it starts");
        assert!(!check.status.success(), "{name}: 'minewall config' checks the file");
    }
    daemon.configure("");
    reload(&daemon, "configuration reloaded");
    assert!(!daemon.status().contains("\"code\":\"model\""), "{}", daemon.status());
}

/// What can't be kept of what is added is told, with the reason; the rest is kept.
#[test]
fn what_is_not_kept_is_told() {
    let Some(house) = House::new() else { return };
    let daemon = Daemon::start(&house.net, "list allow_endpoint 203.0.113.7:3333\n");
    let lines = "{\"event\":\"intel\",\"entry\":\"203.0.113.7:3333\"}\n{\"event\":\"intel\",\"entry\":\"203.0.113.8:3333\"}\nno line\n";
    let said = daemon.command(&["intel", "add", "--policy", "block", "-"], lines);
    assert_eq!(said.status, 4, "{}", said.errors);
    assert!(
        said.errors.contains("line 1 is passed over") && said.errors.contains("exempt"),
        "{}",
        said.errors
    );
    assert!(said.errors.contains("line 3 is passed over"), "{}", said.errors);
    assert!(said.output.contains("203.0.113.8:3333: entered"), "{}", said.output);
    house.catches_miners(2, "beside the owner");
}

/// Without a free descriptor nothing turns in circles, packets are inspected as ever, and no server is blamed for a probe
/// that could not be made. With descriptors again, questions and control clients are answered.
#[test]
fn a_service_without_descriptors_goes_on() {
    let Some(house) = House::new() else { return };
    let daemon = Daemon::start(&house.net, "");
    let process = Pid::from_raw(daemon.process_number()).expect("not zero");
    let used = fs::read_dir(format!("/proc/{}/fd", daemon.process_number())).expect("it runs").count() as u64;
    let before = prlimit(
        Some(process),
        Resource::Nofile,
        Rlimit { current: Some(used), maximum: getrlimit(Resource::Nofile).maximum },
    )
    .expect("prlimit(2)");
    let waiting =
        std::os::unix::net::UnixStream::connect(daemon.path("control")).expect("the kernel takes it");
    let cpu = daemon.processor_ticks();
    std::thread::sleep(Duration::from_secs(2));
    let spent = daemon.processor_ticks() - cpu;
    // A loop that never waits takes 200 of them.
    assert!(spent < 100, "{spent} ticks of 10 ms in 2 s");
    house.catches_miners(4, "without descriptors");
    prlimit(Some(process), Resource::Nofile, before).expect("prlimit(2)");
    drop(waiting);
    wait_up_to(crate::net::PATIENCE, "an answer", || daemon.command(&["status", "--json"], "").status == 0);
    let status = daemon.status();
    assert_eq!(number(&status, "detections"), 4, "{status}");
    assert_eq!(number(&status, "inconclusive"), 0, "{status}");
}
