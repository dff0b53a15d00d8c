//! Attacks on the service: signals, disk, clock, and programs that talk to it.

use std::fs;
use std::io::Write;
use std::net::SocketAddr;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use minewall::dpi::signatures::Dialect;
use minewall::intel::reputation::{Entry, Fact, Origin, Reach, Store, Subject};
use minewall::net::endpoint::Endpoint;
use rustix::process::Signal;

use super::House;
use crate::daemon::{Daemon, Directory};
use crate::net::{Over, PATIENCE, SERVERS, ip, or_skip, wait_for};
use crate::run::WEB;
use crate::session::Session;

/// Exchanges on new connections of the first host, until it is over.
fn load(house: &House, is_over: &AtomicBool, exchanges: &AtomicU32) {
    for server in SERVERS.into_iter().cycle() {
        if is_over.load(Ordering::Relaxed) {
            return;
        }
        Session::open(&house.net.home, &house.net.internet, ip(server)).exchange(WEB);
        exchanges.fetch_add(1, Ordering::Relaxed);
    }
}

/// Attack p: a hundred reloads a second, then the end without a chance to clean up, both under load. Not an exchange
/// fails; miners are cut during the reloads, and again as soon as the service is back.
#[test]
fn reloads_and_a_kill_under_load_hide_no_miner() {
    let Some(house) = House::new() else { return };
    let mut daemon = Daemon::start(&house.net, "");
    let (is_over, exchanges) = (AtomicBool::new(false), AtomicU32::new(0));
    std::thread::scope(|scope| {
        let over = Over(&is_over);
        scope.spawn(|| load(&house, &is_over, &exchanges));
        let before = daemon.resident_kib();
        let reloads_over = AtomicBool::new(false);
        let daemon_in_use = &daemon;
        std::thread::scope(|scope| {
            let over = Over(&reloads_over);
            scope.spawn(|| {
                while !reloads_over.load(Ordering::Relaxed) {
                    daemon_in_use.signal(Signal::HUP);
                    std::thread::sleep(Duration::from_millis(10));
                }
            });
            house.catches_miners(6, "during the reloads");
            drop(over);
        });
        let grown = daemon.resident_kib().saturating_sub(before);
        assert!(grown < 4 * 1_024, "{grown} KiB");
        daemon.signal(Signal::KILL);
        daemon.wait();
        let at_kill = exchanges.load(Ordering::Relaxed);
        wait_for("exchanges without a daemon", || exchanges.load(Ordering::Relaxed) > at_kill + 10);
        daemon.restart_after_end(&house.net);
        wait_for("signs of life", || {
            crate::mining::is_cut_from(&house.other, &house.net.internet, SERVERS[0])
        });
        house.catches_miners(2, "after the kill");
        drop(over);
    });
    println!("{} exchanges", exchanges.load(Ordering::Relaxed));
}

/// A disk of 64 KiB.
struct Disk(Directory);

impl Disk {
    fn mount() -> Option<Self> {
        let disk = Disk(Directory::new());
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=64k", "tmpfs"])
            .arg(disk.0.path(""))
            .output()
            .map_err(|error| error.to_string());
        let mounted = mounted.and_then(|output| {
            output
                .status
                .success()
                .then_some(())
                .ok_or_else(|| String::from_utf8_lossy(&output.stderr).into_owned())
        });
        or_skip(mounted).map(|()| disk)
    }

    fn remount(&self, mode: &str) {
        let status = Command::new("mount")
            .args(["-o", &format!("remount,{mode},size=64k")])
            .arg(self.0.path(""))
            .status();
        assert!(status.expect("mount(8) starts").success(), "{mode}");
    }

    fn fill(&self) -> PathBuf {
        let path = self.0.path("ballast");
        let mut file = fs::File::create(&path).expect("it is empty yet");
        while file.write_all(&[0; 512]).is_ok() {}
        path
    }

    /// Options that keep every file of the service on it.
    fn options(&self) -> String {
        let [events, learned, hosts] = ["events", "learned", "hosts"].map(|name| self.0.path(name));
        format!(
            "option event_log '{}'\noption learn_file '{}'\noption hosts_file '{}'\n",
            events.display(),
            learned.display(),
            hosts.display()
        )
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path("")).status();
    }
}

/// Attack p: the disk is full, or can't be written. Miners are cut all the same, the owner is told, and once there is
/// room what could not be written is.
#[test]
fn a_full_and_a_read_only_disk_hide_no_miner() {
    let Some(house) = House::new() else { return };
    let Some(disk) = Disk::mount() else { return };
    let daemon = Daemon::start(&house.net, &disk.options());
    let told = |what: &str| wait_for(what, || daemon.status().contains("\"code\":\"file\""));
    let ballast = disk.fill();
    house.catches_miners(2, "with a full disk");
    told("a problem with a file");
    fs::remove_file(ballast).expect("it is there");
    assert_eq!(daemon.command(&["intel", "add", "203.0.113.5:3333"], "").status, 0);
    wait_for("the store is written", || {
        fs::read_to_string(disk.0.path("learned")).is_ok_and(|text| text.contains("203.0.113.5:3333"))
    });
    disk.remount("ro");
    assert_eq!(daemon.command(&["intel", "add", "203.0.113.6:3333"], "").status, 0);
    house.catches_miners(2, "with a disk that can't be written");
    told("a problem with a file");
    disk.remount("rw");
    daemon.signal(Signal::TERM);
    wait_for("the store is written at the end", || {
        fs::read_to_string(disk.0.path("learned")).is_ok_and(|text| text.contains("203.0.113.6:3333"))
    });
}

/// Attack p: the clock goes 400 days ahead and back, the service ends and begins meanwhile, with and without a chance
/// to write. What is known of servers is not lost, and miners are cut.
#[test]
fn a_clock_that_jumps_loses_nothing() {
    let found = Command::new("sh").args(["-c", "ls /usr/lib/*/faketime/libfaketimeMT.so.1"]).output();
    let library = String::from_utf8(found.expect("sh starts").stdout).expect("a path");
    let library =
        library.lines().next().map(str::to_owned).ok_or("no libfaketime on this machine".to_owned());
    let (Some(house), Some(library)) = (House::new(), or_skip(library)) else { return };
    let pool: SocketAddr = "203.0.113.9:3333".parse().expect("an endpoint");
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock").as_secs();
    let mut known = Store::default();
    let entry = Entry {
        subject: Subject::server(&Endpoint::new(pool.ip(), pool.port()), None),
        fact: Fact::Pool,
        origin: Origin::Probe,
        reach: Reach::House,
        dialect: Some(Dialect::CryptoNote),
        evidence: Default::default(),
        since: now,
        until: now + 24 * 3_600,
    };
    known.enter(entry, now);
    let files = Directory::new();
    let clock = files.path("clock");
    let set = |text: &str| fs::write(&clock, format!("{text}\n")).expect("written");
    set("+0");
    let environment = [
        ("LD_PRELOAD", library),
        ("FAKETIME_TIMESTAMP_FILE", clock.display().to_string()),
        ("FAKETIME_NO_CACHE", "1".into()),
        ("FAKETIME_DISABLE_SHM", "1".into()),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1".into()),
        ("DONT_FAKE_MONOTONIC", "1".into()),
    ];
    let mut daemon = Daemon::start_in(&house.net, "", &known, &environment);
    let is_known = |daemon: &Daemon| {
        let list = daemon.command(&["intel", "list"], "").output;
        assert!(list.contains("203.0.113.9:3333: block"), "{list}");
    };
    is_known(&daemon);
    let jumps = |daemon: &Daemon| daemon.log().matches("the clock was set from").count();
    // A clock that says less than the build's year was not set yet: nothing is moved by that.
    for (offset, noticed, signal) in [
        ("+400d", 1, Signal::TERM),
        ("+0", 2, Signal::KILL),
        ("-400d", 2, Signal::KILL),
        ("+0", 2, Signal::TERM),
    ] {
        let text = || fs::read(daemon.path("learned")).expect("the store's file");
        let (before, noticed_before) = (text(), jumps(&daemon));
        set(offset);
        wait_for("the jump is noticed", || jumps(&daemon) >= noticed);
        wait_for("it is written", || noticed == noticed_before || text() != before);
        is_known(&daemon);
        house.catches_miners(2, offset);
        daemon.restart(&house.net, signal);
        is_known(&daemon);
    }
}

/// Attack p: a second service on the same queue. It ends by itself and says why; the first goes on.
#[test]
fn a_second_daemon_takes_nothing_from_the_first() {
    let Some(house) = House::new() else { return };
    let _first = Daemon::start(&house.net, "");
    let mut second = Daemon::spawn(&house.net, "");
    assert_eq!(second.wait().code(), Some(1));
    assert!(second.log().contains("is taken by another program"), "{}", second.log());
    house.catches_miners(2, "beside a second daemon");
}

/// Attack p: followers that never read, and two hundred programs that connect and say nothing. A new one is answered,
/// and miners are cut.
#[test]
fn idle_control_clients_keep_no_other_from_an_answer() {
    let Some(house) = House::new() else { return };
    let daemon = Daemon::start(&house.net, "");
    let mut followers: Vec<_> = (0..8).map(|_| daemon.start_command(&["events", "--follow"])).collect();
    let idle: Vec<UnixStream> = (0..200)
        .map(|_| UnixStream::connect(daemon.path("control")).expect("the socket takes connections"))
        .collect();
    let start = Instant::now();
    for _ in 0..5 {
        daemon.status();
    }
    assert!(start.elapsed() < PATIENCE / 2, "{:?}", start.elapsed());
    house.catches_miners(4, "beside idle clients");
    wait_for("the events", || daemon.events().lines().count() >= 4);
    daemon.status();
    drop(idle);
    for follower in &mut followers {
        let _ = follower.kill();
        let _ = follower.wait();
    }
}
