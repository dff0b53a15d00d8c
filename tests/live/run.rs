//! The daemon on a real queue.

use std::io::{Read, Write};
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::process::Signal;

use crate::daemon::Daemon;
use crate::net::{Net, SERVERS, ip, wait_for};
use crate::session::Session;

/// A harmless question and answer.
pub const WEB: &[u8] = b"GET /news HTTP/1.1\r\nHost: example.org\r\nAccept: text/html\r\n\r\n";

/// A download and a chat go on while the daemon is killed with no chance to clean up.
#[test]
fn a_killed_daemon_stops_nothing() {
    ended_under_load(Signal::KILL);
}

#[test]
fn a_daemon_that_is_stopped_stops_nothing() {
    ended_under_load(Signal::TERM);
}

fn ended_under_load(signal: Signal) {
    const BYTES: u64 = 96 * 1024 * 1024;
    let Some(net) = Net::new() else { return };
    let mut daemon = Daemon::start(&net, "");
    let download = Session::open(&net.home, &net.internet, ip(SERVERS[0]));
    let mut chat = Session::open(&net.home, &net.internet, ip(SERVERS[1]));
    let received = AtomicU64::new(0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let chunk = [7; 65_536];
            for _ in 0..BYTES / chunk.len() as u64 {
                (&download.server).write_all(&chunk).expect("the download goes on");
            }
        });
        scope.spawn(|| {
            let mut chunk = [0; 65_536];
            while received.load(Ordering::Relaxed) < BYTES {
                let len = (&download.client).read(&mut chunk).expect("the download goes on");
                assert!(len > 0, "the download ended early");
                received.fetch_add(len as u64, Ordering::Relaxed);
            }
        });
        while received.load(Ordering::Relaxed) < BYTES / 4 {
            chat.exchange(b"hello");
            Session::open(&net.home, &net.internet, ip(SERVERS[0])).exchange(WEB);
        }
        daemon.signal(signal);
        chat.exchange(b"still there?");
        let status = daemon.wait();
        assert_eq!(status.code(), if signal == Signal::KILL { None } else { Some(0) }, "{}", daemon.log());
        for server in SERVERS {
            Session::open(&net.home, &net.internet, ip(server)).exchange(WEB);
        }
    });
    assert_eq!(received.load(Ordering::Relaxed), BYTES);
    chat.exchange(b"goodbye");
}

#[test]
fn a_reload_takes_the_new_configuration_and_keeps_the_flows() {
    let Some(net) = Net::new() else { return };
    let daemon = Daemon::start(&net, "option mode monitor\n");
    let sessions: Vec<Session> = SERVERS
        .into_iter()
        .map(|server| {
            let mut session = Session::open(&net.home, &net.internet, ip(server));
            session.exchange(WEB);
            session
        })
        .collect();
    assert!(daemon.status().contains("\"used\":2"), "{}", daemon.status());

    daemon.configure("option mode 'maybe'\n");
    daemon.signal(Signal::HUP);
    wait_for("the complaint", || daemon.log().contains("'maybe' is not block|monitor"));
    assert!(daemon.status().contains("\"mode\":\"monitor\""), "{}", daemon.status());

    daemon.configure("option mode 'block'\n");
    daemon.signal(Signal::HUP);
    wait_for("the new mode", || daemon.status().contains("\"mode\":\"block\""));
    assert!(daemon.status().contains("\"used\":2"), "{}", daemon.status());
    for mut session in sessions {
        session.exchange(WEB);
    }
}

#[test]
fn a_bad_configuration_is_refused_with_file_line_and_range() {
    let Some(net) = Net::new() else { return };
    let mut daemon = Daemon::spawn(&net, "option max_flows '99'\n");
    assert_eq!(daemon.wait().code(), Some(1));
    let log = daemon.log();
    assert!(log.contains("/config:8: option 'max_flows': '99' is out of range 256..524288 flows"), "{log}");
}

#[test]
fn a_queue_that_another_program_has_is_named() {
    let Some(net) = Net::new() else { return };
    let _first = Daemon::start(&net, "option queue 77\n");
    let mut second = Daemon::spawn(&net, "option queue 77\n");
    assert_eq!(second.wait().code(), Some(1));
    assert!(second.log().contains("queue 77 is taken"), "{}", second.log());
}
