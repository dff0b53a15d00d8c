//! The netfilter queue: packets out, verdicts in.

use std::fs;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd, RawFd};
use std::path::PathBuf;

use nfq::{Message, Queue};
use rustix::net::sockopt::{Timeout, set_socket_recv_buffer_size_force, set_socket_timeout};
use rustix::process::{PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open};

use super::reset::Resetter;
use crate::config::Config;
use crate::engine::Packet;
use crate::limits::{PACKET_WAIT, RECEIVE_BUFFER_BYTES};
use crate::util::bounded_read::system_text;
use crate::util::decimal::decimal;
use crate::util::io_error::in_words;
use crate::verdict::mark::MarkPosition;
use crate::verdict::{FlowMark, Reason, Verdict, fast_open, trim};

/// The queue of the configured number, bound and failing open.
pub(super) struct PacketQueue {
    queue: Queue,
    /// A second handle of the same socket: nfq shows none, and poll(2) needs one.
    socket: OwnedFd,
    number: u16,
    /// Packets that the kernel lets wait.
    waiting_at_most: u32,
    mark: MarkPosition,
}

/// A packet that waits for its verdict.
pub(super) struct Queued {
    message: Message,
    reason: Reason,
}

impl PacketQueue {
    /// Binds the queue of this number. To be called before there are other threads that open sockets.
    ///
    /// Packets that arrive while it is being configured are lost (nfq reads past them while it
    /// waits for an acknowledgement), which TCP repairs; so the rules are best loaded afterwards.
    ///
    /// # Errors
    /// The cause in words: no privilege, the queue already taken, a kernel without NFQUEUE.
    pub(super) fn bind(number: u16, config: &Config) -> Result<Self, String> {
        if let Some(other) = QueueState::read(number) {
            return Err(format!(
                "queue {number} is taken by another program (netlink port {}); choose another with option 'queue'",
                other.peer_port
            ));
        }
        let explain = |error: io::Error| match error.kind() {
            io::ErrorKind::PermissionDenied => {
                format!("no permission to bind queue {number}: this takes root or CAP_NET_ADMIN")
            }
            _ => format!(
                "queue {number} cannot be bound (is the kernel module nfnetlink_queue there?): {error}"
            ),
        };
        let before = open_sockets().map_err(explain)?;
        let mut queue = Queue::open().map_err(explain)?;
        let socket = second_handle(&before).map_err(|error| {
            format!("the queue's socket cannot be shared (pidfd_getfd needs Linux 5.6): {error}")
        })?;
        queue.bind(number).map_err(explain)?;
        queue.set_fail_open(number, true).map_err(explain)?;
        queue.set_queue_max_len(number, config.queue_length).map_err(explain)?;
        queue.set_copy_range(number, config.copy_range).map_err(explain)?;
        // Without a limit the loop would wait for packets alone.
        set_socket_timeout(&socket, Timeout::Recv, Some(PACKET_WAIT))
            .map_err(|errno| explain(errno.into()))?;
        if let Err(error) = set_socket_recv_buffer_size_force(&socket, RECEIVE_BUFFER_BYTES) {
            log::info!("the queue's receive buffer keeps its default size: {error}");
        }
        Ok(PacketQueue { queue, socket, number, waiting_at_most: config.queue_length, mark: config.mark })
    }

    /// The next packet, which is waited for as long as one usually follows another; `None` if there is none. A wait costs
    /// no more system calls than a look at an empty queue, and the next packet then needs no poll(2).
    ///
    /// # Errors
    /// Those of recv(2).
    pub(super) fn recv(&mut self) -> io::Result<Option<Queued>> {
        match self.queue.recv() {
            Ok(message) => {
                let reason = self.mark.reason(message.get_nfmark());
                Ok(Some(Queued { message, reason }))
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Gives the verdict on `packet`; a reset goes out where it calls for one.
    ///
    /// # Errors
    /// Those of sendto(2); the packet then stays in the kernel's queue.
    pub(super) fn give(&mut self, packet: Queued, verdict: &Verdict, resetter: &Resetter) -> io::Result<()> {
        let mut message = packet.message;
        let mark = match verdict {
            Verdict::Ignore => None,
            Verdict::WithoutData => {
                let Some(bare) = fast_open::without_data(message.get_payload()) else {
                    // The client comes again without data.
                    message.set_verdict(nfq::Verdict::Drop);
                    return self.queue.verdict(message);
                };
                message.set_payload(bare.as_slice());
                Some(FlowMark::Undecided)
            }
            Verdict::Trim { skip } => {
                let Some(rest) = trim::without_front(message.get_payload(), *skip) else {
                    message.set_verdict(nfq::Verdict::Drop);
                    return self.queue.verdict(message);
                };
                message.set_payload(rest);
                Some(FlowMark::Undecided)
            }
            Verdict::Drop => {
                message.set_verdict(nfq::Verdict::Drop);
                return self.queue.verdict(message);
            }
            Verdict::Accept(mark) => Some(*mark),
            Verdict::Reset(reset) => {
                // Before the verdict: from then on the rules block the flow, this reset included.
                if let Some(back) = reset.to_sender() {
                    resetter.send(reset.sender(), &back);
                }
                message.set_payload(reset.to_receiver().as_slice());
                Some(FlowMark::Blocked)
            }
        };
        if let Some(mark) = mark {
            message.set_nfmark(self.mark.apply(message.get_nfmark(), mark));
        }
        message.set_verdict(nfq::Verdict::Accept);
        self.queue.verdict(message)
    }

    /// Number of the queue.
    pub(super) fn number(&self) -> u16 {
        self.number
    }

    /// The kernel's counters of this queue.
    pub(super) fn state(&self) -> Option<QueueState> {
        QueueState::read(self.number)
    }

    /// Lets every waiting packet pass and gives the queue up; the rules' `bypass` does the rest. Under
    /// a flood there is always another packet: those that came after the end was decided are lost.
    pub(super) fn close(mut self, resetter: &Resetter) {
        for _ in 0..self.waiting_at_most {
            let Ok(Some(packet)) = self.recv() else { break };
            if self.give(packet, &Verdict::Ignore, resetter).is_err() {
                break;
            }
        }
        // Closing the socket unbinds it; an explicit unbind would read past packets once more.
    }
}

impl AsFd for PacketQueue {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl Queued {
    /// The packet as the engine takes it.
    pub(super) fn packet(&self) -> Packet<'_> {
        Packet {
            bytes: self.message.get_payload(),
            hw_addr: self.message.get_hw_addr().and_then(|addr| addr.try_into().ok()),
            reason: self.reason,
            turns_back: self.message.get_indev() != 0
                && self.message.get_indev() == self.message.get_outdev(),
        }
    }
}

/// A line of `/proc/net/netfilter/nfnetlink_queue`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct QueueState {
    /// Netlink port of the program that has bound it.
    pub peer_port: u32,
    /// Packets that wait.
    pub waiting: u32,
    /// Packets that found the queue full.
    pub dropped: u32,
    /// Packets that found the socket's buffer full.
    pub user_dropped: u32,
}

impl QueueState {
    /// The kernel's line of the queue; none if no program has bound it.
    pub(super) fn read(number: u16) -> Option<Self> {
        let table = system_text("/proc/net/netfilter/nfnetlink_queue").ok()?;
        table.lines().find_map(|line| QueueState::parse(line, number))
    }

    /// `queue peer_portid waiting copy_mode copy_range queue_dropped user_dropped id_sequence 1`
    fn parse(line: &str, number: u16) -> Option<Self> {
        let mut fields = line.split_ascii_whitespace().map(|field| field.parse::<u32>().ok());
        if fields.next()? != Some(number.into()) {
            return None;
        }
        let mut next = || fields.next().flatten();
        let (peer_port, waiting, _mode, _range) = (next()?, next()?, next()?, next()?);
        Some(QueueState { peer_port, waiting, dropped: next()?, user_dropped: next()? })
    }
}

/// This process's sockets: number, and the name that tells it from every other (`socket:[INODE]`).
fn open_sockets() -> io::Result<Vec<(RawFd, PathBuf)>> {
    let mut sockets = Vec::new();
    for entry in fs::read_dir("/proc/self/fd")? {
        let entry = entry?;
        let number =
            decimal::<u32>(entry.file_name().as_encoded_bytes()).and_then(|number| number.try_into().ok());
        // A descriptor that is gone by now was the listing's own.
        if let (Some(number), Ok(target)) = (number, fs::read_link(entry.path()))
            && target.to_string_lossy().starts_with("socket:")
        {
            sockets.push((number, target));
        }
    }
    Ok(sockets)
}

/// Duplicates the one socket that was opened since `before`.
fn second_handle(before: &[(RawFd, PathBuf)]) -> io::Result<OwnedFd> {
    let is_new = |socket: &(RawFd, PathBuf)| before.iter().all(|(_, target)| *target != socket.1);
    let mut new = open_sockets()?.into_iter().filter(is_new);
    let (Some((number, _)), None) = (new.next(), new.next()) else {
        return Err(in_words(io::ErrorKind::Other, "the queue's socket was not found"));
    };
    let this = pidfd_open(getpid(), PidfdFlags::empty())?;
    Ok(pidfd_getfd(this, number, PidfdGetfdFlags::empty())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_kernels_table() {
        let line = "  537  21604    12 2  1600     3     4      990  1";
        let state = QueueState { peer_port: 21604, waiting: 12, dropped: 3, user_dropped: 4 };
        assert_eq!(QueueState::parse(line, 537), Some(state));
        assert_eq!(QueueState::parse(line, 53), None);
        assert_eq!(QueueState::parse("537 what", 537), None);
    }

    #[test]
    fn a_second_handle_is_the_same_socket() {
        // Other tests open sockets at the same time; then there is more than one new socket and none is taken.
        let (handle, socket) = (0..10_000)
            .find_map(|_| {
                let before = open_sockets().unwrap();
                let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
                second_handle(&before).ok().map(|handle| (handle, socket))
            })
            .unwrap();
        assert_eq!(std::net::UdpSocket::from(handle).local_addr().unwrap(), socket.local_addr().unwrap());
    }
}
