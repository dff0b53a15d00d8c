//! Raw sockets for the resets that go back to a packet's sender.

use std::io;
use std::net::{IpAddr, SocketAddrV4, SocketAddrV6};
use std::os::fd::OwnedFd;

use rustix::net::{AddressFamily, SendFlags, SocketFlags, SocketType, ipproto, sendto, socket_with};

/// Sends IP packets as they are.
pub(super) struct Resetter {
    v4: Option<OwnedFd>,
    v6: Option<OwnedFd>,
}

impl Resetter {
    /// Opens the sockets. Without the privilege (CAP_NET_RAW) the receiver of a packet is still
    /// reset, by the packet that takes its place, and its sender by the kernel once it retransmits.
    pub(super) fn open() -> Self {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let open = |family| socket_with(family, SocketType::RAW, flags, Some(ipproto::RAW));
        let (v4, v6) = (open(AddressFamily::INET), open(AddressFamily::INET6));
        if let Err(error) = v4.as_ref().and(v6.as_ref()) {
            log::warn!("some miners are reset a moment late, there is no raw socket: {error}");
        }
        Resetter { v4: v4.ok(), v6: v6.ok() }
    }

    /// Sends `packet` to `receiver`. A reset that is not sent costs the sender one retransmission,
    /// so failure is only logged, at most once a detection.
    pub(super) fn send(&self, receiver: IpAddr, packet: &[u8]) {
        if let Err(error) = self.try_send(receiver, packet) {
            log::debug!("no reset to {receiver}: {error}");
        }
    }

    fn try_send(&self, receiver: IpAddr, packet: &[u8]) -> io::Result<()> {
        // The kernel routes by this address; ports mean nothing to a raw socket.
        match (receiver, &self.v4, &self.v6) {
            (IpAddr::V4(addr), Some(socket), _) => {
                sendto(socket, packet, SendFlags::empty(), &SocketAddrV4::new(addr, 0))?;
            }
            (IpAddr::V6(addr), _, Some(socket)) => {
                sendto(socket, packet, SendFlags::empty(), &SocketAddrV6::new(addr, 0, 0, 0))?;
            }
            _ => {}
        }
        Ok(())
    }
}
