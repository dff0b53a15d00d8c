//! A capture through several engines, one for each queue, as the daemon has them.
//!
//! The kernel leads both directions of all connections between two hosts to one queue. The same is done here, so that
//! an engine with its flow table, its reassembly pool and its candidates sees whole connections. Each queue has a thread,
//! which reads the capture by itself and passes over the packets of other queues: reading costs a small part of what
//! inspection does, and nothing is handed from one thread to another.
//!
//! What a name server answers counts on every queue. In the daemon the queues tell each other; here every engine is
//! shown the packets of name servers, each at its place in the capture, so that a run doesn't depend on which thread is
//! ahead. Findings are those of one queue, as long as nothing has to make room: each engine has stores of its own.

use std::net::IpAddr;
use std::path::PathBuf;
use std::thread;

use super::account::FlowAccount;
use super::capture::{Capture, OpenError};
use super::engines::EngineMaker;
use super::input::{Input, Opened};
use super::progress::ReplayProgress;
use super::{FRAMES_A_TURN, Replay, Replayed};
use crate::net::packet;

/// The packets of one queue.
#[derive(Clone, Copy, Debug)]
pub(super) struct QueueShare {
    queue: usize,
    queues: usize,
}

impl Default for QueueShare {
    /// All packets.
    fn default() -> Self {
        QueueShare { queue: 0, queues: 1 }
    }
}

impl QueueShare {
    /// Whether the engine of this queue sees the IP packet `bytes`.
    pub(super) fn takes(self, bytes: &[u8]) -> bool {
        self.queues == 1
            || match queue_of(bytes, self.queues) {
                Some(queue) => queue == self.queue || (is_of_name_server(bytes) && is_whole(bytes)),
                // What can't be read is counted once.
                None => self.queue == 0,
            }
    }

    /// Whether `flow` is one of this queue, and not one that its engine was only shown.
    fn has(self, flow: &FlowAccount) -> bool {
        let queue = match (flow.client.addr(), flow.server.addr()) {
            (IpAddr::V4(client), IpAddr::V4(server)) => {
                queue_between(&client.octets(), &server.octets(), self.queues)
            }
            (IpAddr::V6(client), IpAddr::V6(server)) => {
                queue_between(&client.octets(), &server.octets(), self.queues)
            }
            _ => self.queue,
        };
        queue == self.queue
    }
}

/// Replays `input`, which is `opened` for the first of `queues` threads.
pub(super) fn replay(
    input: &Input,
    opened: Opened,
    queues: usize,
    maker: &EngineMaker,
    leases: &[PathBuf],
    progress: Option<ReplayProgress>,
) -> Result<Replayed, OpenError> {
    let share = |queue| QueueShare { queue, queues };
    thread::scope(|scope| {
        let begin = |queue| {
            scope.spawn(move || {
                let opened = input.open().map_err(|error| OpenError::Io(error.kind()))?;
                of_queue(share(queue), opened, maker, leases, None)
            })
        };
        let others: Vec<_> = (1..queues).map(begin).collect();
        let mut whole = of_queue(share(0), opened, maker, leases, progress)?;
        whole.account.retain(|flow| share(0).has(flow));
        for (queue, other) in (1..).zip(others) {
            let other = other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
            whole.malformed += other.malformed;
            whole.account.join(other.account, |flow| share(queue).has(flow));
        }
        Ok(whole)
    })
}

/// Replays the packets of one queue. Frames that hold none are counted by the first.
fn of_queue(
    share: QueueShare,
    opened: Opened,
    maker: &EngineMaker,
    leases: &[PathBuf],
    mut progress: Option<ReplayProgress>,
) -> Result<Replayed, OpenError> {
    let mut capture = Capture::open(opened.source)?;
    let mut replay = Replay::of_queue(maker.engine(), share);
    replay.replayed.account.leases = leases.to_owned();
    let mut count = 0_u32;
    let damage = loop {
        match capture.next_frame() {
            Ok(Some(frame)) => drop(replay.frame(&frame)),
            Ok(None) => break None,
            Err(damage) => break Some(damage),
        }
        count = count.wrapping_add(1);
        if count.is_multiple_of(FRAMES_A_TURN)
            && let Some(progress) = &mut progress
        {
            progress.show();
        }
    };
    if let Some(progress) = progress {
        progress.end();
    }
    if share.queue > 0 {
        replay.replayed.malformed = 0;
    }
    Ok(Replayed { damage, ..replay.finish() })
}

/// The queue of the IP packet `bytes`; none if it has no addresses.
fn queue_of(bytes: &[u8], queues: usize) -> Option<usize> {
    let (src, dst) = match bytes.first()? >> 4 {
        4 => (bytes.get(12..16)?, bytes.get(16..20)?),
        6 => (bytes.get(8..24)?, bytes.get(24..40)?),
        _ => return None,
    };
    Some(queue_between(src, dst, queues))
}

/// The queue of the packets between two addresses, in either direction: sum and difference of both are the same then. Each
/// thread asks for each packet, so this is no keyed hash; a capture can attack no queue.
fn queue_between(one: &[u8], other: &[u8], queues: usize) -> usize {
    let (one, other) = (folded(one), folded(other));
    let mixed = (one ^ other).wrapping_mul(GOLDEN) ^ one.wrapping_add(other).wrapping_mul(GOLDEN_SQUARED);
    (((mixed >> 32) * queues as u64) >> 32) as usize
}

/// The words of an address, one upon the other.
fn folded(addr: &[u8]) -> u64 {
    let words = addr.chunks_exact(4).filter_map(|word| word.first_chunk());
    words.fold(0, |sum: u64, word| sum.rotate_left(32) ^ u64::from(u32::from_be_bytes(*word)))
}

/// 2^64 by the golden ratio, and the square of that: odd numbers whose products mix well.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;
const GOLDEN_SQUARED: u64 = GOLDEN.wrapping_mul(GOLDEN);

/// Whether the IP packet `bytes` comes from a name server or goes to one.
fn is_of_name_server(bytes: &[u8]) -> bool {
    let header = bytes.first().map_or(0, |first| match first >> 4 {
        4 => usize::from(first & 0x0f) * 4,
        _ => IPV6_HEADER_BYTES,
    });
    let ports = bytes.get(header..).and_then(|transport| transport.first_chunk::<4>());
    ports.is_some_and(|ports| ports[..2] == DNS_PORT || ports[2..] == DNS_PORT)
}

/// Whether the headers of an IP packet can be read. Those that can't are counted, by one engine.
fn is_whole(bytes: &[u8]) -> bool {
    !matches!(packet::parse(bytes), Err(packet::Unreadable::Malformed))
}

/// RFC 8200 section 3.
const IPV6_HEADER_BYTES: usize = 40;
const DNS_PORT: [u8; 2] = 53_u16.to_be_bytes();

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_directions_have_one_queue_and_every_queue_its_part() {
        for queues in [2, 3, 4, 16] {
            let mut packets = vec![0; queues];
            for number in 0..4_000_u32 {
                let (client, server) =
                    ([192, 168, 1, number as u8], (0xcb00_7100 + number / 256).to_be_bytes());
                let queue = queue_between(&client, &server, queues);
                assert_eq!(queue, queue_between(&server, &client, queues));
                packets[queue] += 1;
            }
            let fair = 4_000 / queues;
            assert!(packets.iter().all(|&part| part > fair / 2 && part < fair * 2), "{packets:?}");
        }
    }
}
