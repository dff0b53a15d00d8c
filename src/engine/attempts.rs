//! Connection attempts, as far as the kernel shows any.

use core::hash::BuildHasher;

use super::dns_cache::AnswerReceiver;
use super::pipeline::{DetectionCause, Pipeline};
use super::session::Session;
use super::{Handled, Packet};
use crate::config::Mode;
use crate::net::packet::Segment;
use crate::util::time::Instant;
use crate::verdict::{FlowMark, Reason, Reset, Verdict};

impl<S: BuildHasher + Clone> Pipeline<S> {
    /// A connection attempt. It opens no flow, since its sender may not be who it says; the kernel shows only those to
    /// servers that it has been told to refuse, and those that carry data. The data stays behind: the client sends it
    /// again once the server has answered (RFC 7413 section 4.2.2).
    pub(super) fn attempt(&mut self, segment: &Segment<'_>, packet: &Packet<'_>, now: Instant) -> Handled {
        if packet.reason == Reason::Attempt {
            return self.refused_attempt(segment, packet, now);
        }
        let verdict = if segment.payload_len > 0 { Verdict::WithoutData } else { Verdict::Ignore };
        Handled { verdict, opened: false, event: None }
    }

    /// An attempt that the kernel would refuse. What is known here is newer than its sets.
    fn refused_attempt(&mut self, segment: &Segment<'_>, packet: &Packet<'_>, now: Instant) -> Handled {
        let session = Session::begin(segment, now.stamp());
        let client = segment.src.addr();
        let client = AnswerReceiver::new(client, self.owner_from(client, packet.hw_addr));
        let known = self.known_at(client, &segment.dst, now).filter(|_| !self.exempts(&session, now));
        // Data in a SYN stays behind here, too.
        let pass =
            if segment.payload_len > 0 { Verdict::WithoutData } else { Verdict::Accept(FlowMark::Undecided) };
        let Some((source, finding)) = known else {
            return Handled { verdict: pass, opened: false, event: None };
        };
        let verdict = match self.settings.mode {
            Mode::Monitor => pass,
            Mode::Block => {
                self.counters.resets += 1;
                Verdict::Reset(Reset::in_place_of(segment, segment.seq, true))
            }
        };
        let event = Some(self.detection(&session, DetectionCause::new(source, finding), packet.hw_addr, now));
        Handled { verdict, opened: false, event }
    }
}
