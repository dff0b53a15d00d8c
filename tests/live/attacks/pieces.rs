//! Messages that never end.

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{Crowd, House};
use crate::daemon::Daemon;
use crate::mining::LOGIN;
use crate::net::{Over, SERVERS, ip};
use crate::session::{Session, is_reset};

/// Attack m: one host keeps the reassembly pool full with beginnings of messages, a thousand a second. A login of
/// another host that comes in two pieces is cut at its first message.
#[test]
fn partial_messages_hide_no_login_in_two_pieces() {
    let Some(house) = House::new() else { return };
    let _daemon = Daemon::start(&house.net, "");
    let crowds = SERVERS.map(|server| {
        let at = SocketAddr::new(ip(server), 8_080);
        Crowd::open(&house.net.home, &house.net.internet, at, 150, |_| BEGINNING.to_vec())
    });
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let over = Over(&is_over);
        let flood = scope.spawn(|| {
            let mut clients = crowds.iter().flat_map(|crowd| &crowd.clients).cycle();
            while !is_over.load(Ordering::Relaxed) {
                for mut client in clients.by_ref().take(10) {
                    // A connection whose window is full, or that was cut, says no more.
                    client.set_nonblocking(true).expect("O_NONBLOCK");
                    let _ = client.write(BEGINNING);
                }
                std::thread::sleep(std::time::Duration::from_millis(10));
            }
        });
        for server in SERVERS.into_iter().cycle().take(6) {
            let mut miner = Session::open(&house.other, &house.net.internet, ip(server));
            let (first, last) = LOGIN.as_bytes().split_at(LOGIN.len() / 2);
            miner.client.write_all(first).expect("it leaves the miner");
            miner.server.read_exact(&mut vec![0; first.len()]).expect("no proof yet");
            miner.client.write_all(last).expect("it leaves the miner");
            assert!(is_reset(&miner.server), "{server}: the pool, which has heard half a message");
        }
        drop(over);
        flood.join().expect("it ends");
    });
}

const BEGINNING: &[u8] = br#"{"id":7,"method":"mining.submit","params":["a","#;
