//! A TCP session whose two ends a test holds, in any two namespaces.

use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use crate::namespace::Namespace;
use crate::net::PATIENCE;

/// A connection through the network, and both ends of it.
pub struct Session {
    pub client: TcpStream,
    pub server: TcpStream,
    /// Ports of client and server.
    pub ports: [u16; 2],
}

impl Session {
    /// Connects; both ends wait for what they expect no longer than [`PATIENCE`].
    pub fn open(from: &Namespace, to: &Namespace, at: IpAddr) -> Self {
        // Low, as servers' ports are: a flow joined midway is read by that.
        static PORT: AtomicU16 = AtomicU16::new(3_333);
        // All tests count together, and come by a port that one has taken for itself.
        let bound = (0..10).find_map(|_| {
            let address = SocketAddr::new(at, PORT.fetch_add(1, Ordering::Relaxed));
            Some((address, to.inside(|| TcpListener::bind(address)).ok()?))
        });
        let (address, listener) = bound.expect("a free port");
        let client = from.inside(|| TcpStream::connect_timeout(&address, PATIENCE)).expect("a way there");
        let (server, _) = listener.accept().expect("it connected");
        for end in [&client, &server] {
            end.set_nodelay(true).expect("TCP_NODELAY");
            end.set_read_timeout(Some(PATIENCE)).expect("SO_RCVTIMEO");
            end.set_write_timeout(Some(PATIENCE)).expect("SO_SNDTIMEO");
        }
        let ports = [client.local_addr().expect("it is bound").port(), address.port()];
        Session { client, server, ports }
    }

    /// The client says something, the server the same: two packets with payload.
    pub fn exchange(&mut self, text: &[u8]) {
        let mut heard = vec![0; text.len()];
        self.client.write_all(text).expect("the client sends");
        self.server.read_exact(&mut heard).expect("the server hears");
        assert_eq!(heard, text);
        self.server.write_all(text).expect("the server sends");
        self.client.read_exact(&mut heard).expect("the client hears");
        assert_eq!(heard, text);
    }
}

/// Whether `end` is reset, now or within [`PATIENCE`]. What arrived before is a failure.
pub fn is_reset(mut end: &TcpStream) -> bool {
    let heard = loop {
        match end.read(&mut [0; 64]) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            heard => break heard,
        }
    };
    let is_reset = matches!(&heard, Err(error) if error.kind() == ErrorKind::ConnectionReset);
    if !is_reset {
        eprintln!("no reset but {heard:?}");
    }
    is_reset
}

/// Whether a connection from `from` is refused, or cut before the server of `listener` hears its first payload.
pub fn is_refused(from: &Namespace, listener: &TcpListener) -> bool {
    let at = listener.local_addr().expect("it is bound");
    let mut client = match from.inside(|| TcpStream::connect_timeout(&at, PATIENCE)) {
        Ok(client) => client,
        Err(error) => {
            assert!(REFUSALS.contains(&error.kind()), "{at}: {error}");
            return true;
        }
    };
    if client.write_all(b"?").is_err() {
        return true;
    }
    client.set_nonblocking(true).expect("O_NONBLOCK");
    listener.set_nonblocking(true).expect("O_NONBLOCK");
    let mut server = None;
    let start = Instant::now();
    let refused = loop {
        assert!(
            start.elapsed() < PATIENCE,
            "{at}: neither cut nor heard; client {client:?}, server {server:?}"
        );
        if let Some(server) = &mut server {
            match TcpStream::read(server, &mut [0; 8]) {
                Ok(0) => break true,
                Ok(_) => break false,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(_) => break true,
            }
        } else if let Ok((accepted, _)) = listener.accept() {
            accepted.set_nonblocking(true).expect("O_NONBLOCK");
            server = Some(accepted);
        }
        // One that is reset before it is taken in may never be.
        match client.read(&mut [0; 8]) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            _ => break true,
        }
        std::thread::sleep(Duration::from_millis(1));
    };
    listener.set_nonblocking(false).expect("blocking");
    // Its end comes after the test's next connection.
    std::mem::forget((client, server));
    refused
}

/// How an attempt ends that is refused.
const REFUSALS: [ErrorKind; 2] = [ErrorKind::ConnectionRefused, ErrorKind::ConnectionReset];
