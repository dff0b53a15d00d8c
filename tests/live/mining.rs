//! Miners behind a router with the daemon.

use std::io::{ErrorKind, Read, Write};
use std::time::{Duration, Instant};

use minewall::limits::SECOND_LOOK_MAX_PACKET_BYTES;

use crate::daemon::Daemon;
use crate::namespace::Namespace;
use crate::net::{HOME, Net, PATIENCE, SERVERS, ip, wait_for};
use crate::run::WEB;
use crate::session::{Session, is_reset};

/// What XMRig says first.
pub const LOGIN: &str = concat!(
    r#"{"id":1,"jsonrpc":"2.0","method":"login","params":{"login":"44AFFq5kSiGBoZ4NMDwYtN18obc8AemS33DBLWs3H7otXft3"#,
    r#"XjrpDtQGv7SqSsaBYBb98uNbr2VBBEt7f2wfn3RVGQBEP3A","pass":"x","agent":"XMRig/6.21.0 (Linux x86_64) libuv/1.44.2 "#,
    r#"gcc/11.2.1","rigid":"","algo":["rx/0","cn/r"]}}"#,
    "\n"
);
/// The pool's news.
const JOB: &str = concat!(
    r#"{"jsonrpc":"2.0","method":"job","params":{"blob":"1010f4b1d3ae065e21c7a93f5e21c7a93f5e21c7a93f5e"#,
    r#"21c7a93f5e21c7a93f5e21c7a93f00000000b7d90c42e8b7d90c42e8b7d90c42e8b7d90c42e8b7d90c42e8b7d90c42e8"#,
    r#"b7d90c42e8","job_id":"Q7r0kGzT","target":"b88d0600","algo":"rx/0","height":3100000,"seed_hash":""#,
    r#"5f1c8a8e5d8f0f3e5f1c8a8e5d8f0f3e5f1c8a8e5d8f0f3e5f1c8a8e5d8f0f3e"}}"#,
    "\n"
);
/// What it has found.
const SHARE: &str = concat!(
    r#"{"id":2,"jsonrpc":"2.0","method":"submit","params":{"id":"7c6b7a1a-9f0e-4d0d-b2a3","job_id":"Q7r0kGzT","nonce""#,
    r#":"d0030040","result":"e1364b8782719d7683e2ccd3d8f724bc59dfa780a9e960e7c0e0046acdb40100"}}"#,
    "\n"
);

#[test]
fn the_pool_never_hears_the_miner() {
    let Some(net) = Net::new() else { return };
    let daemon = Daemon::start(&net, "option mode block\n");
    for (server, home) in SERVERS.into_iter().zip(HOME) {
        let mut other = Session::open(&net.home, &net.internet, ip(server));
        other.exchange(WEB);
        let miner = Session::open(&net.home, &net.internet, ip(server));
        (&miner.client).write_all(LOGIN.as_bytes()).expect("it leaves the miner");
        assert!(is_reset(&miner.client), "{server}: the miner");
        assert!(is_reset(&miner.server), "{server}: the pool, and it has heard nothing");
        other.exchange(WEB);
        wait_for("the event", || daemon.events().contains(home));
    }
    let events = daemon.events();
    assert!(events.contains("gaming-pc") && events.contains("XMRig/6.21.0"), "{events}");
    assert!(
        !events.contains("44AFFq5kSiGBoZ4NMDwYtN18obc8AemS33DBLWs3H7otXft3X"),
        "a whole wallet: {events}"
    );
    assert!(daemon.status().contains("\"detections\":2"), "{}", daemon.status());
}

/// Every cut of the first message into two segments, the last byte being the proof.
#[test]
fn a_message_in_pieces_is_cut_off_at_its_last() {
    let Some(net) = Net::new() else { return };
    let _daemon = Daemon::start(&net, "");
    for (server, at) in SERVERS.into_iter().cycle().zip((1..LOGIN.len()).step_by(61)) {
        let miner = Session::open(&net.home, &net.internet, ip(server));
        let (first, last) = LOGIN.as_bytes().split_at(at);
        (&miner.client).write_all(first).expect("it leaves the miner");
        let mut heard = vec![0; first.len()];
        (&miner.server).read_exact(&mut heard).expect("no proof yet");
        (&miner.client).write_all(last).expect("it leaves the miner");
        assert!(is_reset(&miner.client), "{server} cut at {at}: the miner");
        assert!(is_reset(&miner.server), "{server} cut at {at}: the pool, and it has heard no more");
    }
}

#[test]
fn monitoring_reports_and_lets_pass() {
    let Some(net) = Net::new() else { return };
    let daemon = Daemon::start(&net, "option mode monitor\n");
    for (server, home) in SERVERS.into_iter().zip(HOME) {
        let mut miner = Session::open(&net.home, &net.internet, ip(server));
        for message in [LOGIN, SHARE, SHARE] {
            miner.exchange(message.as_bytes());
        }
        wait_for("the event", || daemon.events().contains(home));
    }
}

#[test]
fn an_exempt_host_and_an_exempt_server_may_mine() {
    let Some(net) = Net::new() else { return };
    let daemon = Daemon::start(&net, "list allow_host 10.7.1.0/24\nlist allow_endpoint fd07:2::2\n");
    for server in SERVERS {
        let mut miner = Session::open(&net.home, &net.internet, ip(server));
        miner.exchange(LOGIN.as_bytes());
        miner.exchange(SHARE.as_bytes());
    }
    assert!(daemon.status().contains("\"detections\":0"), "{}", daemon.status());
}

/// A daemon that starts while a miner runs has missed its greeting, and what it sees first may be
/// the rest of a message: a few shares and jobs must do.
#[test]
fn a_session_joined_midway_is_cut_off() {
    let Some(net) = Net::new() else { return };
    // Rules whose daemon is gone.
    drop(Daemon::start(&net, ""));
    let miners = SERVERS.map(|server| {
        let mut miner = Session::open(&net.home, &net.internet, ip(server));
        miner.exchange(LOGIN.as_bytes());
        miner
    });
    let daemon = Daemon::start(&net, "option mode block\n");
    for (miner, home) in miners.into_iter().zip(HOME) {
        assert!(is_cut_off_while_mining(&miner), "{home}: {}", daemon.status());
        wait_for("the event", || daemon.events().contains(home));
    }
}

/// Let go for its harmless beginning, found by the second look.
#[test]
fn a_miner_with_a_harmless_beginning_is_cut_off() {
    let Some(net) = Net::new() else { return };
    let daemon = Daemon::start(&net, "option budget_packets 8\noption low_rate 0\n");
    for (server, home) in SERVERS.into_iter().zip(HOME) {
        let mut miner = Session::open(&net.home, &net.internet, ip(server));
        wait_for("it is let go", || {
            let before = net.queued();
            miner.exchange(&NOISE);
            net.queued() == before
        });
        // Unseen.
        miner.exchange(&NOISE);
        miner.exchange(&NOISE);
        assert!(is_cut_off_while_mining(&miner), "{home}: {}", daemon.status());
        wait_for("the event", || daemon.events().contains(home));
    }
}

/// Whether a miner that begins now is cut before the pool hears its first message.
pub fn is_cut(net: &Net, server: &str) -> bool {
    is_cut_from(&net.home, &net.internet, server)
}

/// The same of a miner that stands in `from`.
pub fn is_cut_from(from: &Namespace, to: &Namespace, server: &str) -> bool {
    let miner = Session::open(from, to, ip(server));
    (&miner.client).write_all(LOGIN.as_bytes()).expect("it leaves the miner");
    miner.server.set_nonblocking(true).expect("O_NONBLOCK");
    let mut heard = 0;
    let start = Instant::now();
    while start.elapsed() < PATIENCE {
        match (&miner.server).read(&mut [0; 1_024]) {
            Ok(0) => return heard == 0,
            Ok(len) => heard += len,
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                std::thread::sleep(Duration::from_millis(1))
            }
            Err(_) => return heard == 0,
        }
        if heard == LOGIN.len() {
            return false;
        }
    }
    panic!("neither cut nor heard: {heard}");
}

/// Shares and jobs in turn, until one of the two ends is cut off; not for ever.
fn is_cut_off_while_mining(miner: &Session) -> bool {
    (0..8).any(|_| {
        let share = (&miner.client).write_all(SHARE.as_bytes());
        let share = share.and_then(|()| (&miner.server).read_exact(&mut [0; SHARE.len()]));
        let job = share.and_then(|()| (&miner.server).write_all(JOB.as_bytes()));
        job.and_then(|()| (&miner.client).read_exact(&mut [0; JOB.len()])).is_err()
    })
}

/// Bytes of no protocol, large enough to be passed over by the second look.
pub const NOISE: [u8; SECOND_LOOK_MAX_PACKET_BYTES as usize] = [0x9e; SECOND_LOOK_MAX_PACKET_BYTES as usize];
