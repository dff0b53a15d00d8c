//! The owner's programs hear of a miner.

use std::fs;
use std::io::Write;
use std::time::Duration;

use rustix::process::Signal;

use crate::daemon::{Daemon, Directory};
use crate::mining::LOGIN;
use crate::net::{HOME, Net, SERVERS, ip, wait_for};
use crate::program::write_program;
use crate::session::{Session, is_reset};

/// From the daemon that runs, and from the one after it.
#[test]
fn a_hook_is_run_on_a_detection() {
    let Some(net) = Net::new() else { return };
    let mut daemon = Daemon::start(&net, "option mode block\noption learn_hours 0\n");
    let directory = Directory::new();
    let heard = directory.path("heard");
    let report = "{ echo \"$MINEWALL_CLIENT $MINEWALL_VERDICT\"; cat; }";
    write_program(&directory.path("hook"), &format!("#!/bin/sh\n{report} >>{}\n", heard.display()));
    let hooks = directory.path("");
    let mut notify = daemon.start_command(&["notify", "--hooks", hooks.to_str().expect("UTF-8")]);
    let said = || fs::read_to_string(&heard).unwrap_or_default();

    for (server, home) in SERVERS.into_iter().zip(HOME) {
        wait_for("the hook", || {
            // Without a follower there is no notice: mine again, but not so often that it isn't told any more.
            let miner = Session::open(&net.home, &net.internet, ip(server));
            (&miner.client).write_all(LOGIN.as_bytes()).expect("it leaves the miner");
            assert!(is_reset(&miner.client));
            (0..240).any(|_| {
                std::thread::sleep(Duration::from_millis(5));
                said().contains(&format!("{home} blocked\n"))
            })
        });
        daemon.restart(&net, Signal::TERM);
    }
    assert!(said().contains("\"agent\":\"XMRig/6.21.0 (Linux x86_64)"), "{}", said());
    notify.kill().and_then(|()| notify.wait()).expect("it runs");
}
