//! The wait of the packet loop for packets, signals, control clients and results of probes.

use std::io::{self, Read};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use signal_hook::consts::signal::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::low_level::pipe;

use super::control::Control;
use super::queue::PacketQueue;
use super::queue_threads::QueueThreads;
use super::reputation_service::ReputationService;
use crate::limits::CONTROL_CLIENTS;

/// Everything that is ready.
pub(super) struct Ready {
    pub packets: bool,
    pub reload: bool,
    pub stop: bool,
    pub answers: bool,
    pub findings: bool,
    pub control: bool,
}

/// Waits until there is something to do, at most `patience`.
pub(super) fn wait(
    queue: &PacketQueue,
    signals: &Signals,
    reputation: &ReputationService,
    others: &QueueThreads,
    control: &Control,
    patience: Duration,
) -> io::Result<Ready> {
    let mut descriptors: heapless::Vec<PollFd<'_>, { 6 + CONTROL_CLIENTS }> =
        [signals.reload.as_fd(), signals.stop.0.as_fd(), queue.as_fd()]
            .into_iter()
            .chain(reputation.wake())
            .chain(others.wake())
            .map(|fd| (fd, PollFlags::IN))
            .chain(control.descriptors())
            .map(|(fd, awaited)| PollFd::from_borrowed_fd(fd, awaited))
            .collect();
    poll_for(&mut descriptors, patience)?;
    let mut is_ready = descriptors.iter().map(|descriptor| !descriptor.revents().is_empty());
    let (reload, stop, packets) = (is_ready.next(), is_ready.next(), is_ready.next());
    Ok(Ready {
        packets: packets == Some(true),
        reload: reload == Some(true),
        stop: stop == Some(true),
        answers: reputation.wake().is_some() && is_ready.next() == Some(true),
        findings: others.wake().is_some() && is_ready.next() == Some(true),
        // A client that says nothing is given up once a second, when nothing else is ready.
        control: control.has_clients() || is_ready.any(|ready| ready),
    })
}

/// Waits for packets of `queue` or for the end, at most `patience`; whether there are packets, and whether it is the end.
pub(super) fn wait_for_packets(
    queue: &PacketQueue,
    stop: &StopSignal,
    patience: Duration,
) -> io::Result<(bool, bool)> {
    let mut descriptors =
        [queue.as_fd(), stop.0.as_fd()].map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN));
    poll_for(&mut descriptors, patience)?;
    let [packets, stop] = descriptors.map(|descriptor| !descriptor.revents().is_empty());
    Ok((packets, stop))
}

fn poll_for(descriptors: &mut [PollFd<'_>], patience: Duration) -> io::Result<()> {
    let patience = Timespec { tv_sec: 0, tv_nsec: patience.subsec_nanos() as _ };
    match poll(descriptors, Some(&patience)) {
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Signals as bytes in sockets.
pub(super) struct Signals {
    reload: UnixStream,
    stop: StopSignal,
}

/// The signal to stop. No byte of it is ever read, so that each packet loop sees it.
pub(super) struct StopSignal(UnixStream);

impl StopSignal {
    /// The signal for another loop.
    pub(super) fn try_clone(&self) -> io::Result<Self> {
        self.0.try_clone().map(StopSignal)
    }
}

impl Signals {
    pub(super) fn listen() -> io::Result<Self> {
        let (reload, on_reload) = UnixStream::pair()?;
        let (stop, on_stop) = UnixStream::pair()?;
        reload.set_nonblocking(true)?;
        pipe::register(SIGHUP, on_reload)?;
        pipe::register(SIGTERM, on_stop.try_clone()?)?;
        pipe::register(SIGINT, on_stop)?;
        Ok(Signals { reload, stop: StopSignal(stop) })
    }

    /// The signal to stop.
    pub(super) fn stop(&self) -> &StopSignal {
        &self.stop
    }

    /// However often it was sent, one reload will do.
    pub(super) fn forget_reload(&self) {
        let mut reload = &self.reload;
        while reload.read(&mut [0; 64]).is_ok_and(|len| len > 0) {}
    }
}
