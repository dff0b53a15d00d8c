//! Signatures of the operator and of feeds, read anew by a running daemon.

use std::fs;
use std::io::{Read, Write};
use std::time::Duration;

use rustix::process::Signal;

use crate::daemon::Daemon;
use crate::net::{Net, SERVERS, ip, wait_for};
use crate::session::{Session, is_reset};

const COIN: &str = "dialect live-coin
message \"live.login\" from miner
    phase login
    where method is \"live.login\"
    proof
";
const LOGIN: &[u8] = b"{\"id\":1,\"method\":\"live.login\",\"params\":[]}\n";

/// A miner of the new coin says its login; whether it is cut off. A host has a budget of events, so it takes its time.
fn is_cut(net: &Net) -> bool {
    std::thread::sleep(Duration::from_millis(250));
    let mut miner = Session::open(&net.home, &net.internet, ip(SERVERS[0]));
    miner.client.write_all(LOGIN).expect("it leaves the miner");
    let mut heard = vec![0; LOGIN.len()];
    miner.server.read_exact(&mut heard).is_err() && is_reset(&miner.client)
}

#[test]
fn a_reload_brings_a_dialect_and_a_bad_file_takes_none_away() {
    let Some(net) = Net::new() else { return };
    let daemon = Daemon::start(&net, "");
    let folder = daemon.path("signatures");
    fs::create_dir_all(&folder).expect("a folder");
    assert!(!is_cut(&net), "nothing is known of the coin");
    let mut reloads = 0;
    let mut reload = |what: &str| {
        daemon.configure(&format!(
            "list signatures '{}'\noption flow_idle {}\n",
            folder.display(),
            60 + reloads
        ));
        reloads += 1;
        daemon.signal(Signal::HUP);
        wait_for(what, || daemon.log().matches(what).count() > 0);
    };
    // A feed's word makes a suspect.
    fs::write(folder.join("coin.suspect.sig"), COIN).expect("a file");
    reload("files of signatures in force beside the built-in ones: 1");
    wait_for("the suspicion", || {
        let is_cut = is_cut(&net);
        assert!(!is_cut, "a feed's signature cuts nothing off");
        daemon.events().contains("\"event\":\"suspicion\"")
    });
    // The operator's is proof.
    fs::write(folder.join("other.sig"), COIN.replace("live-coin", "live-coin-2")).expect("a file");
    reload("files of signatures in force beside the built-in ones: 2");
    wait_for("the new set", || is_cut(&net));
    wait_for("the event", || daemon.events().contains("\"dialect\":\"live-coin-2\""));
    // A mistake of the operator's: file, line, reason; the old set stays.
    fs::write(folder.join("bad.sig"), "dialect bad\n\nmessage later\n").expect("a file");
    reload("bad.sig:3:");
    assert!(is_cut(&net), "{}", daemon.log());
}
