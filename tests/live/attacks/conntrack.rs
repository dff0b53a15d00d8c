//! A connection table that is full.

use std::io::Write;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use super::{House, take_in};
use crate::daemon::Daemon;
use crate::mining::LOGIN;
use crate::net::{Over, SERVERS, ip, or_skip, wait_for};
use crate::session::{Session, is_reset};

/// Connections that the router takes. The kernel's own limit (`nf_conntrack_max`) is one of the whole machine, and
/// does the same at the same place: a new connection's first packet is dropped before any rule of ours.
const FULL: &str = "table inet full { chain new {
    type filter hook prerouting priority -150; policy accept;
    ct state new ct count over 200 drop
}; }";
/// A refused attempt is told by its silence.
const SILENCE: Duration = Duration::from_millis(300);

/// Attack o: one host takes every place of the connection table. Miners whose connections are in it are cut at their
/// first message, others can't connect at all; and once there is room again, they are cut as before.
#[test]
fn a_full_connection_table_hides_no_miner() {
    let Some(house) = House::new() else { return };
    let added =
        house.net.router.try_nft(FULL).then_some(()).ok_or("the kernel counts no connections".to_owned());
    if or_skip(added).is_none() {
        return;
    }
    let daemon = Daemon::start(&house.net, "");
    let miners = SERVERS.map(|server| Session::open(&house.other, &house.net.internet, ip(server)));
    let is_over = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let over = Over(&is_over);
        let at = SERVERS.map(|server| SocketAddr::new(ip(server), 8_080));
        for at in at {
            let listener = house.net.internet.inside(|| TcpListener::bind(at)).expect("a free port");
            let is_over = &is_over;
            scope.spawn(move || take_in(&listener, is_over));
        }
        let attempt = |at: &SocketAddr| house.net.home.inside(|| TcpStream::connect_timeout(at, SILENCE));
        let mut crowd = Vec::new();
        // A busy machine is slow now and then: full is what refuses three in a row.
        let mut refused = 0;
        for at in at.iter().cycle().take(1_000) {
            match attempt(at) {
                Ok(stream) => crowd.push(stream),
                Err(_) => refused += 1,
            }
            if refused == 3 {
                break;
            }
        }
        assert_eq!(refused, 3, "it is full after {} connections", crowd.len());
        for miner in &miners {
            (&miner.client).write_all(LOGIN.as_bytes()).expect("it leaves the miner");
            assert!(is_reset(&miner.client), "the miner");
            assert!(is_reset(&miner.server), "the pool, and it has heard nothing");
        }
        drop((crowd, over));
    });
    let at = SocketAddr::new(ip(SERVERS[0]), 9);
    let is_answered = || {
        let attempt = house.other.inside(|| TcpStream::connect_timeout(&at, SILENCE));
        attempt.is_err_and(|error| error.kind() == std::io::ErrorKind::ConnectionRefused)
    };
    wait_for("there is room again", is_answered);
    house.catches_miners(2, "with room again");
    assert_eq!(super::number(&daemon.status(), "detections"), 4, "{}", daemon.status());
}
