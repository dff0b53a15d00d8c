//! `minewall-update-lists` under busybox's shell: what a feed has to be before it counts.
//!
//! Its server is a few lines of this test on the loopback device; OpenWrt's functions, the fetcher's name and the
//! service are stand-ins.

#[path = "support/program.rs"]
mod program;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// A router's root, as far as the script looks at it.
struct Router {
    root: PathBuf,
    server: SocketAddr,
}

impl Router {
    /// `None` where there is no busybox, as [`skips`] says.
    fn new() -> Option<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let has = |tool: &str| {
            Command::new(tool).arg("--help").stdout(Stdio::null()).stderr(Stdio::null()).status()
        };
        if has("busybox").is_err() || has("wget").is_err() {
            assert!(std::env::var_os("MINEWALL_LIVE").is_none(), "busybox and wget must be there");
            eprintln!("skipped: no busybox or no wget on this machine");
            return None;
        }
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let root = std::env::temp_dir().join(format!("minewall-feeds-{}-{number}", std::process::id()));
        for directory in ["lib", "etc/config", "bin", "feeds", "www"] {
            fs::create_dir_all(root.join(directory)).expect("a directory of our own");
        }
        fs::copy("tests/feeds/functions.sh", root.join("lib/functions.sh")).expect("a copy");
        let router = Router { server: serve(root.join("www")), root };
        router.program("logger", &format!("echo \"$*\" >>{}/log", router.root.display()));
        router.program("service", &format!("echo \"$1\" >>{}/reloads", router.root.display()));
        Some(router)
    }

    fn program(&self, name: &str, body: &str) {
        program::write_program(&self.root.join("bin").join(name), &format!("#!/bin/sh\n{body}\n"));
    }

    /// Sets up feed `name`, which is at `/NAME`, with other options.
    fn feed(&self, name: &str, options: &str) {
        let mut text = fs::read_to_string(self.root.join("etc/config/minewall")).unwrap_or_default();
        text += &format!("{name} url http://{}/{name}\n", self.server);
        options.split_terminator(',').for_each(|option| text += &format!("{name} {option}\n"));
        self.config(&text);
    }

    fn config(&self, text: &str) {
        fs::write(self.root.join("etc/config/minewall"), text).expect("a configuration");
    }

    fn publish(&self, name: &str, text: &str) {
        fs::write(self.root.join("www").join(name), text).expect("a page");
    }

    /// Runs the script; whether all went well.
    fn update(&self, arguments: &[&str]) -> bool {
        let minewall = Path::new(env!("CARGO_BIN_EXE_minewall")).parent().expect("a directory");
        let path = format!("{}/bin:{}:/usr/bin:/bin", self.root.display(), minewall.display());
        let status = Command::new("busybox")
            .args(["sh", "openwrt/minewall/files/minewall-update-lists"])
            .args(arguments)
            .env("PATH", path)
            .env("IPKG_INSTROOT", &self.root)
            .env("MINEWALL_FEEDS", self.root.join("feeds"))
            .env("MINEWALL_RELOAD", self.root.join("bin/service"))
            .env("no_proxy", "127.0.0.1")
            .status();
        status.expect("busybox starts").success()
    }

    fn file(&self, name: &str) -> Option<String> {
        fs::read_to_string(self.root.join("feeds").join(name)).ok()
    }

    fn reloads(&self) -> usize {
        fs::read_to_string(self.root.join("reloads")).map_or(0, |text| text.matches("reload").count())
    }

    fn log(&self) -> String {
        fs::read_to_string(self.root.join("log")).unwrap_or_default()
    }
}

impl Drop for Router {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.root);
    }
}

/// Serves the files of `directory`, to the end of the test.
fn serve(directory: PathBuf) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { continue };
            let mut lines = BufReader::new(stream.try_clone().expect("a handle")).lines();
            let first = lines.next().and_then(Result::ok).unwrap_or_default();
            while lines.next().and_then(Result::ok).is_some_and(|line| !line.is_empty()) {}
            let name = first.split(' ').nth(1).unwrap_or_default().trim_start_matches('/').to_owned();
            let _ = match fs::read(directory.join(name)) {
                Ok(body) => stream
                    .write_all(
                        format!("HTTP/1.0 200 OK\r\nContent-Length: {}\r\n\r\n", body.len()).as_bytes(),
                    )
                    .and_then(|()| stream.write_all(&body)),
                Err(_) => stream.write_all(b"HTTP/1.0 404 Not Found\r\nContent-Length: 0\r\n\r\n"),
            };
        }
    });
    address
}

fn names(count: usize) -> String {
    (0..count).map(|number| format!("n{number}.pool.test\n")).collect()
}

#[test]
fn a_good_feed_counts_at_once_and_is_fetched_once_in_its_interval() {
    let Some(router) = Router::new() else { return };
    router.feed("pools", "policy block");
    router.publish("pools", &names(10));
    assert!(router.update(&[]), "{}", router.log());
    assert_eq!(router.file("pools.block"), Some(names(10)));
    assert_eq!(router.reloads(), 1);
    router.publish("pools", &names(11));
    assert!(router.update(&[]));
    assert_eq!((router.file("pools.block"), router.reloads()), (Some(names(10)), 1), "it is fresh");
    assert!(router.update(&["--force"]));
    assert_eq!((router.file("pools.block"), router.reloads()), (Some(names(11)), 2));
    assert!(router.update(&["--force"]));
    assert_eq!(router.reloads(), 2, "nothing has changed");
    assert_eq!(router.log(), "");
}

#[test]
fn what_is_no_good_leaves_what_was_there() {
    let Some(router) = Router::new() else { return };
    router.feed("pools", "interval 0,max_size 64");
    router.publish("pools", &names(100));
    assert!(router.update(&[]), "{}", router.log());
    let huge = names(10_000);
    for (text, complaint) in [
        ("<html>\n<head><title>Maintenance</title>\n", "it is no list"),
        ("# nothing today\n", "no entries"),
        (&huge[..], "larger than 64 KiB"),
        (&names(49), "49 entries where there were 100"),
    ] {
        router.publish("pools", text);
        assert!(!router.update(&[]), "{complaint}");
        assert!(router.log().contains(complaint), "{complaint}: {}", router.log());
        assert_eq!(router.file("pools.suspect"), Some(names(100)), "{complaint}");
    }
    fs::remove_file(router.root.join("www/pools")).expect("it is there");
    assert!(!router.update(&[]));
    assert!(router.log().contains("it can't be fetched"), "{}", router.log());
    assert_eq!((router.file("pools.suspect"), router.reloads()), (Some(names(100)), 1));
    // Half of it may go, and all that is wanted.
    router.publish("pools", &names(50));
    assert!(router.update(&[]));
    router.publish("pools", &names(1));
    assert!(!router.update(&[]));
    assert!(router.update(&["--force"]));
    assert_eq!(router.file("pools.suspect"), Some(names(1)));
    let left: Vec<_> = fs::read_dir(router.root.join("feeds")).expect("a directory").flatten().collect();
    assert_eq!(left.len(), 2, "the list and the lock: {left:?}");
}

#[test]
fn feeds_come_and_go_with_their_sections() {
    let Some(router) = Router::new() else { return };
    for name in ["one", "two", "three"] {
        router.publish(name, &names(3));
        router.feed(name, "");
    }
    assert!(router.update(&["two"]));
    assert!(router.file("one.suspect").is_none() && router.file("two.suspect").is_some());
    assert!(router.update(&[]));
    assert!(router.file("one.suspect").is_some() && router.file("three.suspect").is_some());
    router.config("");
    router.feed("one", "policy allow");
    router.feed("two", "enabled 0");
    assert!(router.update(&[]), "{}", router.log());
    let files =
        ["one.suspect", "one.allow", "two.suspect", "three.suspect"].map(|file| router.file(file).is_some());
    assert_eq!(files, [false, true, false, false]);
}

/// A section is text that somebody has typed, or a script; none of it is run.
#[test]
fn odd_sections_are_refused() {
    let Some(router) = Router::new() else { return };
    router.publish("good", &names(3));
    router.feed("good", "");
    let mut text = fs::read_to_string(router.root.join("etc/config/minewall")).expect("it is there");
    text += "../escape url http://127.0.0.1/\n";
    text += "scheme url file:///etc/passwd\n";
    text += "option url --help\n";
    text += "policy url http://127.0.0.1/\npolicy policy drop\n";
    text += "number url http://127.0.0.1/\nnumber interval $(reboot)\n";
    router.config(&text);
    assert!(!router.update(&[]));
    let log = router.log();
    for name in ["../escape", "scheme", "option", "policy", "number"] {
        assert!(log.contains(&format!("feed {name}: ")), "{name}: {log}");
    }
    assert_eq!(router.file("good.suspect"), Some(names(3)));
    assert!(!router.root.join("escape.suspect").exists());
}

/// Signatures of a feed: checked with line and reason, bounded, worth a suspicion at most.
#[test]
fn a_feed_of_signatures_is_checked_line_by_line() {
    let Some(router) = Router::new() else { return };
    router.feed("coins", "kind signatures,max_size 16");
    let good =
        "dialect feed-coin\nmessage \"x\" from miner\n phase login\n where method is \"feed.login\"\n hint\n";
    router.publish("coins", good);
    assert!(router.update(&[]), "{}", router.log());
    assert_eq!((router.file("coins.suspect.sig").as_deref(), router.reloads()), (Some(good), 1));
    let bad = good.replace("hint", "hope");
    for (text, reason) in
        [(&bad[..], ":5:"), ("<html>", "dialect"), ("", "dialect"), (&"# x\n".repeat(5_000), "larger")]
    {
        router.publish("coins", text);
        assert!(!router.update(&["--force"]), "{text:.20}");
        assert!(router.log().lines().last().is_some_and(|line| line.contains(reason)), "{}", router.log());
        assert_eq!((router.file("coins.suspect.sig").as_deref(), router.reloads()), (Some(good), 1));
    }
    // What it finds never cuts a session off.
    router.config("");
    router.feed("coins", "kind signatures,policy block");
    router.feed("others", "kind poems");
    assert!(!router.update(&["--force"]));
    assert!(router.log().contains("worth a suspicion at most") && router.log().contains("not 'poems'"));
    router.config("");
    assert!(router.update(&[]));
    assert_eq!(router.file("coins.suspect.sig"), None);
}
