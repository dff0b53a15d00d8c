//! Data in a SYN (TCP Fast Open, RFC 7413).

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};

use socket2::{Domain, Socket, Type};

use super::House;
use crate::daemon::Daemon;
use crate::mining::LOGIN;
use crate::namespace::Namespace;
use crate::net::{HOME, PATIENCE, SERVERS, ip, wait_for};
use crate::run::WEB;
use crate::session::is_reset;

/// `MSG_FASTOPEN` (linux/socket.h).
const MSG_FASTOPEN: i32 = 0x2000_0000;
/// Both sides do it, without a cookie and without an option of the listener's (ip-sysctl.rst, `tcp_fastopen`).
const EVERYTHING: &str = "1543";

/// Has `namespace` send and take data in a SYN.
fn enable(namespace: &Namespace) {
    let set = || std::fs::write("/proc/sys/net/ipv4/tcp_fastopen", EVERYTHING);
    namespace.inside(set).expect("a kernel with TCP Fast Open");
}

/// Opens a connection whose SYN carries `data`; it may be reset already.
fn open_with(from: &Namespace, at: SocketAddr, data: &[u8]) -> io::Result<TcpStream> {
    from.inside(|| {
        let socket = Socket::new(Domain::for_address(at), Type::STREAM, None)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        let sent = socket.send_to_with_flags(data, &at.into(), MSG_FASTOPEN)?;
        assert_eq!(sent, data.len());
        Ok(socket.into())
    })
}

/// SYNs with data that the kernel has sent and that were acknowledged with it (proc(5), `TCPFastOpenActive`), and
/// those whose data was not (`TCPFastOpenActiveFail`, or sent again).
fn acknowledged_with_data(namespace: &Namespace) -> u64 {
    let table =
        namespace.inside(|| std::fs::read_to_string("/proc/thread-self/net/netstat")).expect("proc(5)");
    let mut lines = table.lines().filter_map(|line| line.strip_prefix("TcpExt: "));
    let (names, values) = (lines.next().expect("names"), lines.next().expect("values"));
    let named = names.split(' ').zip(values.split(' ')).find(|(name, _)| *name == "TCPFastOpenActive");
    named.and_then(|(_, value)| value.parse().ok()).expect("a counter")
}

/// A login in the SYN is read as any other: the pool never hears it. Harmless data arrives once and whole; the server
/// gets it behind the handshake.
#[test]
fn a_login_in_the_syn_is_not_heard() {
    let Some(house) = House::new() else { return };
    [&house.net.home, &house.net.internet, &house.other].into_iter().for_each(enable);
    let at = SERVERS.map(|server| SocketAddr::new(ip(server), 8_080));
    let listeners = at.map(|at| house.net.internet.inside(|| TcpListener::bind(at)).expect("a free port"));
    let daemon = Daemon::start(&house.net, "");
    for ((at, listener), home) in at.into_iter().zip(&listeners).zip(HOME) {
        let mut client = open_with(&house.net.home, at, WEB).expect("it is sent");
        let (mut server, _) = listener.accept().expect("it connected");
        server.set_read_timeout(Some(PATIENCE)).expect("SO_RCVTIMEO");
        let mut heard = vec![0; WEB.len()];
        server.read_exact(&mut heard).expect("the data comes behind the handshake");
        assert_eq!(heard, WEB);
        client.write_all(b"more").expect("it goes on");
        server.read_exact(&mut heard[..4]).expect("it goes on");
        assert_eq!(&heard[..4], b"more", "once and whole");
        assert_eq!(acknowledged_with_data(&house.net.home), 0, "{at}: the data was taken off the SYN");

        let miner = open_with(&house.net.home, at, LOGIN.as_bytes());
        let is_cut = match &miner {
            Ok(miner) => is_reset(miner),
            Err(error) => error.kind() == io::ErrorKind::ConnectionReset,
        };
        assert!(is_cut, "{at}: the miner");
        // Its first packet behind the handshake has become a reset, so the connection has come about for no program.
        listener.set_nonblocking(true).expect("O_NONBLOCK");
        let heard = listener.accept().map(|(mut server, _)| server.read(&mut [0; 8]));
        assert!(!matches!(heard, Ok(Ok(1..))), "{at}: the pool has heard something");
        wait_for("the event", || daemon.events().contains(home));
    }
    house.catches_miners(2, "beside data in SYNs");
}
