//! A daemon that hangs is as harmless as one that is dead.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::daemon::Daemon;
use crate::net::{Net, Over, PATIENCE, SERVERS, ip, wait_for};

/// How long the daemon stands still.
const STOPPED: Duration = Duration::from_secs(30);
/// The longest that a connection may stall meanwhile.
const STALL: Duration = Duration::from_secs(5);

/// Stopped by a signal, with its queue bound, it answers nothing for half a minute: connections begun meanwhile stall
/// until the kernel has missed its sign of life, and all succeed. Continued, it catches miners again.
#[test]
fn a_stopped_daemon_stops_no_connection() {
    let Some(net) = Net::new() else { return };
    let daemon = Daemon::start(&net, "");
    let servers = SERVERS.map(|server| SocketAddr::new(ip(server), 8_080));
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let over = Over(&is_over);
        for server in servers {
            let listener = net.internet.inside(|| TcpListener::bind(server)).expect("a free port");
            listener.set_nonblocking(true).expect("O_NONBLOCK");
            let is_over = &is_over;
            scope.spawn(move || echo(&listener, is_over));
        }
        daemon.signal(Signal::STOP);
        let start = Instant::now();
        let (mut connections, mut longest) = (0, Duration::ZERO);
        while start.elapsed() < STOPPED {
            let took = net.home.inside(|| servers.map(exchange));
            longest = took.into_iter().fold(longest, Duration::max);
            connections += took.len();
        }
        daemon.signal(Signal::CONT);
        drop(over);
        println!("{connections} connections in {STOPPED:?} of standstill, the slowest took {longest:?}");
        assert!(longest < STALL, "{longest:?}");
        assert!(connections > 100, "{connections}");
    });
    wait_for("miners are caught again", || crate::mining::is_cut(&net, SERVERS[0]));
}

/// Rules whose daemon was killed while it had packets: the same.
#[test]
fn a_killed_daemon_s_rules_queue_nothing_for_long() {
    let Some(net) = Net::new() else { return };
    let mut daemon = Daemon::start(&net, "");
    daemon.signal(Signal::KILL);
    daemon.wait();
    wait_for("the sign of life is missed", || {
        let set = net.router.run(&["nft", "list", "set", "inet", "minewall", "alive"]);
        !set.contains("elements")
    });
    daemon.restart_after_end(&net);
    wait_for("it is seen again", || {
        net.router.run(&["nft", "list", "set", "inet", "minewall", "alive"]).contains("elements")
    });
}

/// Opens a connection, says something, hears it again; how long that takes.
fn exchange(server: SocketAddr) -> Duration {
    let start = Instant::now();
    let mut client = TcpStream::connect_timeout(&server, PATIENCE).expect("it connects");
    client.set_read_timeout(Some(PATIENCE)).expect("SO_RCVTIMEO");
    client.write_all(REQUEST).expect("it sends");
    client.read_exact(&mut [0; REQUEST.len()]).expect("it hears");
    start.elapsed()
}

/// Serves connections, each in a thread of its own, until it is over.
fn echo(listener: &TcpListener, is_over: &AtomicBool) {
    std::thread::scope(|scope| {
        while !is_over.load(Ordering::Relaxed) {
            match listener.accept() {
                Ok((mut server, _)) => drop(scope.spawn(move || {
                    server.set_nonblocking(false).expect("blocking");
                    server.set_read_timeout(Some(PATIENCE)).expect("SO_RCVTIMEO");
                    let mut heard = [0; REQUEST.len()];
                    if server.read_exact(&mut heard).is_ok() {
                        let _ = server.write_all(&heard);
                    }
                })),
                Err(_) => std::thread::sleep(Duration::from_millis(1)),
            }
        }
    });
}

const REQUEST: &[u8] = b"GET /news HTTP/1.1\r\nHost: example.org\r\n\r\n";
