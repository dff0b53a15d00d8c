//! Sockets that several parts of the daemon need.

use std::io;
use std::net::{SocketAddr, UdpSocket};

use socket2::{Domain, Socket, Type};

/// A socket for `addr` whose packets carry `mark`, by which the rule set lets them pass unwatched.
///
/// # Errors
/// No socket is left.
pub(crate) fn marked(addr: SocketAddr, kind: Type, mark: u32) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(addr), kind, None)?;
    // Without CAP_NET_ADMIN (a user's own shell) the packets are watched like any other.
    let _ = socket.set_mark(mark);
    Ok(socket)
}

/// A socket of UDP that hears `server` alone, from the address that the routes give it. Nothing is sent.
///
/// # Errors
/// There is no way to the server, or no socket left.
pub(crate) fn connected_udp(server: SocketAddr) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(server), Type::DGRAM, None)?;
    socket.connect(&server.into())?;
    Ok(socket.into())
}
