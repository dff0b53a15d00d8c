//! The connection to a collector, in blocking calls with deadlines: the thread has nothing else to do.

use core::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream, UdpSocket};

use socket2::{Socket, TcpKeepalive, Type};

use crate::config::Config;
use crate::config::collector::{Collector, CollectorFormat, CollectorTransport, Fingerprint};
use crate::limits::{COLLECTOR_KEEPALIVE, COLLECTOR_PATIENCE, COLLECTOR_USER_TIMEOUT};
use crate::net::socket;
use crate::probe::resolve;
#[cfg(feature = "tls")]
use crate::probe::tls::{Tls, TlsConnector};

/// The collector's place, and the way to talk to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Peer {
    address: Collector,
    pub(super) format: CollectorFormat,
    certificate: Option<Fingerprint>,
    /// Mark of the daemon's own connections, which pass unwatched.
    mark: u32,
}

impl Peer {
    /// The collector of `config`.
    pub(super) fn of(config: &Config) -> Self {
        Peer {
            address: config.collector.clone().unwrap_or(Collector::Syslog),
            format: config.collector_format,
            certificate: config.collector_certificate,
            mark: config.mark.own(),
        }
    }

    /// Whether messages follow one another in a stream.
    pub(super) fn is_stream(&self) -> bool {
        matches!(&self.address, Collector::Remote { transport, .. } if *transport != CollectorTransport::Udp)
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.address.fmt(f)
    }
}

/// An open way to a collector.
pub(super) enum CollectorLink {
    Datagrams(UdpSocket),
    Stream(TcpStream),
    #[cfg(feature = "tls")]
    Tls(Box<TlsStream>),
}

/// Sends `bytes` over `link`, which is opened where it is not; after a failure it is closed.
///
/// # Errors
/// The reason in words.
pub(super) fn send(link: &mut Option<CollectorLink>, peer: &Peer, bytes: &[u8]) -> Result<(), String> {
    // A collector that has been started anew has closed its end, and what is written then is lost without a word.
    if link.as_mut().is_some_and(CollectorLink::has_ended) {
        *link = None;
    }
    let mut open = match link.take() {
        Some(open) => open,
        None => CollectorLink::open(peer)?,
    };
    open.send(bytes).map_err(|error| words(&error))?;
    *link = Some(open);
    Ok(())
}

impl CollectorLink {
    fn open(peer: &Peer) -> Result<Self, String> {
        let Collector::Remote { transport, host, port } = &peer.address else {
            return Err("it has no address".into());
        };
        let addr = match host.parse::<IpAddr>() {
            Ok(addr) => addr,
            Err(_) => resolve::address(host).map_err(|why| format!("{host}: {why}"))?,
        };
        let addr = SocketAddr::new(addr, *port);
        match transport {
            CollectorTransport::Udp => {
                let socket = socket(addr, Type::DGRAM, peer.mark).map_err(|error| words(&error))?;
                socket.connect(&addr.into()).map_err(|error| words(&error))?;
                Ok(CollectorLink::Datagrams(socket.into()))
            }
            CollectorTransport::Tcp => {
                connect(addr, peer.mark).map(CollectorLink::Stream).map_err(|error| words(&error))
            }
            CollectorTransport::Tls => CollectorLink::open_tls(addr, host, peer),
        }
    }

    #[cfg(feature = "tls")]
    fn open_tls(addr: SocketAddr, host: &str, peer: &Peer) -> Result<Self, String> {
        let client = TlsConnector::pinned(peer.certificate.map(|Fingerprint(bytes)| bytes));
        let name = host.parse::<IpAddr>().is_err().then_some(host);
        let tls =
            client.and_then(|client| client.connect(addr.ip(), name)).map_err(|error| error.to_string())?;
        let socket = connect(addr, peer.mark).map_err(|error| words(&error))?;
        let mut stream = Box::new(TlsStream { socket, tls });
        stream.shake_hands()?;
        Ok(CollectorLink::Tls(stream))
    }

    #[cfg(not(feature = "tls"))]
    fn open_tls(_addr: SocketAddr, _host: &str, peer: &Peer) -> Result<Self, String> {
        let _ = peer.certificate;
        Err("this program was built without TLS".into())
    }

    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            CollectorLink::Datagrams(socket) => socket.send(bytes).map(|_| ()),
            CollectorLink::Stream(socket) => socket.write_all(bytes),
            #[cfg(feature = "tls")]
            CollectorLink::Tls(stream) => {
                stream.tls.send(bytes);
                stream.flush()
            }
        }
    }

    /// Whether the other end has closed the connection. What it says is of no interest, but for TLS's own records.
    fn has_ended(&mut self) -> bool {
        let mut bytes = [0; 1_024];
        match self {
            CollectorLink::Datagrams(_) => false,
            CollectorLink::Stream(socket) => loop {
                match read_now(socket, &mut bytes) {
                    Ok(None) => return false,
                    Ok(Some(1..)) => {}
                    Ok(Some(0)) | Err(_) => return true,
                }
            },
            #[cfg(feature = "tls")]
            CollectorLink::Tls(stream) => loop {
                match read_now(&mut stream.socket, &mut bytes) {
                    Ok(None) => return false,
                    Ok(Some(len @ 1..)) => {
                        let wire = bytes.get(..len).unwrap_or_default();
                        if stream.tls.receive(wire, &mut Vec::new(), 0).is_err() {
                            return true;
                        }
                    }
                    Ok(Some(0)) | Err(_) => return true,
                }
            },
        }
    }
}

/// Bytes that are there already: none for now, or how many; 0 is the end.
fn read_now(socket: &mut TcpStream, bytes: &mut [u8]) -> io::Result<Option<usize>> {
    socket.set_nonblocking(true)?;
    let read = socket.read(bytes);
    socket.set_nonblocking(false)?;
    match read {
        Ok(len) => Ok(Some(len)),
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(None),
        Err(error) => Err(error),
    }
}

fn socket(addr: SocketAddr, kind: Type, mark: u32) -> io::Result<Socket> {
    let socket = socket::marked(addr, kind, mark)?;
    socket.set_write_timeout(Some(COLLECTOR_PATIENCE))?;
    socket.set_read_timeout(Some(COLLECTOR_PATIENCE))?;
    Ok(socket)
}

fn connect(addr: SocketAddr, mark: u32) -> io::Result<TcpStream> {
    let socket = socket(addr, Type::STREAM, mark)?;
    // A collector that vanishes without a word is noticed all the same.
    let _ = socket.set_tcp_user_timeout(Some(COLLECTOR_USER_TIMEOUT));
    let _ = socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(COLLECTOR_KEEPALIVE));
    socket.connect_timeout(&addr.into(), COLLECTOR_PATIENCE)?;
    Ok(socket.into())
}

/// An error without the number of the system.
fn words(error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::TimedOut => "it does not answer".into(),
        ErrorKind::ConnectionRefused => "it refuses the connection".into(),
        ErrorKind::ConnectionReset | ErrorKind::BrokenPipe | ErrorKind::UnexpectedEof => {
            "it has closed the connection".into()
        }
        _ => error.to_string(),
    }
}

/// A stream in TLS.
#[cfg(feature = "tls")]
pub(super) struct TlsStream {
    socket: TcpStream,
    tls: Tls,
}

#[cfg(feature = "tls")]
impl TlsStream {
    fn shake_hands(&mut self) -> Result<(), String> {
        let mut bytes = [0; 2_048];
        loop {
            self.flush().map_err(|error| words(&error))?;
            if self.tls.is_established() {
                return Ok(());
            }
            let len = self.socket.read(&mut bytes).map_err(|error| words(&error))?;
            if len == 0 {
                return Err("it has closed the connection during the handshake".into());
            }
            let received = self.tls.receive(bytes.get(..len).unwrap_or_default(), &mut Vec::new(), 0);
            if let Err(error) = received {
                // The alert, as far as it is taken.
                let _ = self.flush();
                return Err(error.to_string());
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        let mut wire = Vec::new();
        self.tls.take_output(&mut wire);
        self.socket.write_all(&wire)
    }
}
