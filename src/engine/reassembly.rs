//! From a segment's payload to the DPI: in order, once, with the bytes that waited for it.

use super::pipeline::Placed;
use super::session::Session;
use crate::dpi::finding::Finding;
use crate::dpi::naming::Naming;
use crate::dpi::{Dpi, Inspection, Said};
use crate::flow::reassembly_pool::{PoolClaim, ReassemblyPool, Slot, SlotIndex};
use crate::flow::table::FlowRecord;
use crate::flow::tcp::Arrival;
use crate::limits::ASSEMBLY_BYTES;
use crate::net::authority::Authority;
use crate::net::direction::Direction;
use crate::parse::dns::Resolution;
use crate::util::time::Stamp;

/// The way of a segment through the pool to the DPI.
pub(super) struct Reassembly<'a> {
    pub session: &'a mut Session,
    pub pool: &'a mut ReassemblyPool,
    pub dpi: &'a mut Dpi,
    pub placed: &'a Placed<'a>,
}

/// Everything that the DPI found in one segment and the bytes that waited for it.
#[derive(Debug, Default)]
pub(super) struct Heard {
    /// Proof of mining.
    pub proof: Option<Finding>,
    /// A finding that is worth no more than a suspicion.
    pub suspicion: Option<Finding>,
    /// The name by which the client calls its server.
    pub naming: Option<Naming>,
    /// The server that it asks a proxy for.
    pub target: Option<Authority>,
    /// The answer of a name server.
    pub resolution: Option<Resolution>,
}

impl Heard {
    /// Whether there is a name in it, of any kind.
    pub(super) fn says_names(&self) -> bool {
        self.target.is_some() || self.naming.is_some() || self.resolution.is_some()
    }
}

/// Frees the slots of a flow that needs them no longer, and its half-read messages.
pub(super) fn release(pool: &mut ReassemblyPool, dpi: &mut Dpi, session: &Session) {
    session.inspection.release(dpi);
    for direction in [Direction::ToServer, Direction::ToClient] {
        pool.release(session.streams.slots[direction as usize], session.key(), direction);
    }
}

/// Has the client's stream go on with the `len` bytes at `seq` if those were passed over. They may come in any order, so that
/// it goes on where the hole begins, if all from there on can be held.
pub(super) fn return_to(
    pool: &mut ReassemblyPool,
    dpi: &mut Dpi,
    session: &mut Session,
    [seq, len]: [u32; 2],
    now: Stamp,
) {
    if !session.streams.is_passed_over(seq) {
        return;
    }
    let direction = Direction::ToServer;
    let fits = |from: &u32| seq.wrapping_sub(*from) as usize + len as usize <= ASSEMBLY_BYTES;
    let mut begin = session.streams.hole_begin().filter(fits).unwrap_or(seq);
    if session.streams.is_first(begin) {
        core::mem::replace(&mut session.inspection, Inspection::begin(true)).release(dpi);
    } else {
        session.inspection.gap(dpi, direction, u32::MAX);
        if !session.inspection.wants(direction) {
            begin = seq;
        }
    }
    session.streams.return_to(begin);
    // What has come behind the hole is read once more, in its turn.
    let index = session.streams.slots[direction as usize];
    let is_kept = session.inspection.wants(direction)
        && pool.get(index, session.key(), direction).is_some_and(|slot| slot.extend_back(begin));
    session.streams.waits[direction as usize] = is_kept;
    if is_kept {
        pool.note(index, true, now);
    } else {
        session.streams.slots[direction as usize] = SlotIndex::default();
        pool.release(index, session.key(), direction);
    }
}

impl Reassembly<'_> {
    /// Reads the payload of the segment, and notes in `heard` what is found: few packets say anything, and a whole
    /// [`Heard`] is too large to be moved for each.
    pub(super) fn read(mut self, heard: &mut Heard) {
        let &Placed { segment, seq, direction, arrival, .. } = self.placed;
        self.acknowledge(heard);
        if heard.proof.is_some() {
            return;
        }
        self.notice_theft();
        let end = seq.wrapping_add(segment.payload_len);
        if !self.session.inspection.wants(direction) {
            self.session.streams.advance_to(direction, end);
            return;
        }
        let index = self.session.streams.slots[direction as usize];
        let keeps_unacknowledged =
            direction == Direction::ToServer && self.pool.get(index, self.session.key(), direction).is_some();
        match arrival {
            Arrival::Retransmission => return,
            Arrival::InOrder { skip } => {
                self.session.streams.advance_to(direction, end);
                if direction == Direction::ToServer {
                    self.session.streams.go_on();
                }
                let new = segment.payload.get(skip as usize..).unwrap_or_default();
                self.feed(seq.wrapping_add(skip), new, heard);
            }
            Arrival::Ahead { .. } if self.hold(seq, segment.payload) => {}
            Arrival::Ahead { .. } if keeps_unacknowledged && !self.session.streams.waits_in_vain() => {
                // Half a message is not given up for bytes that may never reach the server.
                self.session.streams.pass_early();
                self.read_apart(segment.payload, heard);
                return;
            }
            Arrival::Ahead { missing } => {
                let from = seq.wrapping_sub(missing);
                self.lose(from, seq);
                if direction == Direction::ToServer {
                    self.session.streams.pass_over(from, seq);
                }
                self.session.streams.advance_to(direction, end);
                self.feed(seq, segment.payload, heard);
            }
        }
        let at_hand = segment.payload.len() as u32;
        if at_hand < segment.payload_len && heard.proof.is_none() {
            self.lose(seq.wrapping_add(at_hand), end);
        }
    }

    /// Bytes that waited are gone if another flow has needed the slot more; how many is not known.
    fn notice_theft(&mut self) {
        let direction = self.placed.direction;
        let index = self.session.streams.slots[direction as usize];
        if index != SlotIndex::default() && self.pool.get(index, self.session.key(), direction).is_none() {
            self.session.streams.slots[direction as usize] = SlotIndex::default();
            if core::mem::take(&mut self.session.streams.waits[direction as usize]) {
                self.session.inspection.gap(self.dpi, direction, u32::MAX);
                if direction == Direction::ToServer {
                    self.session.streams.pass_early();
                }
            }
        }
    }

    /// Reads `bytes`, the next ones of the stream, which begin at `seq`.
    fn feed(&mut self, mut seq: u32, mut bytes: &[u8], heard: &mut Heard) {
        let direction = self.placed.direction;
        let index = self.session.streams.slots[direction as usize];
        if self.pool.get(index, self.session.key(), direction).is_none() {
            let owner = self.session.owner();
            let consumed = offer_all(&mut self.session.inspection, self.dpi, owner, direction, bytes, heard);
            if heard.proof.is_some() {
                return;
            }
            if !self.session.inspection.wants(direction) {
                if self.may_be_replaced(direction, seq) {
                    self.keep_read(seq, bytes, bytes.len());
                }
                return;
            }
            if self.keep_read(seq, bytes, consumed) {
                return;
            }
            bytes = bytes.get(consumed..).unwrap_or_default();
            seq = seq.wrapping_add(consumed as u32);
        }
        while !bytes.is_empty() {
            let Some(slot) = self.slot(seq) else { return };
            let room = slot.capacity().saturating_sub(seq.wrapping_sub(slot.unread()) as usize);
            let (fits, rest) = bytes.split_at(bytes.len().min(room));
            if fits.is_empty() || slot.put(seq, fits).is_err() {
                self.lose(seq, seq.wrapping_add(bytes.len() as u32));
                return;
            }
            if rest.is_empty() {
                // Bytes that came ahead of their turn may follow at once.
                let head_end = slot.head_end();
                self.session.streams.advance_to(direction, head_end);
            }
            bytes = rest;
            seq = seq.wrapping_add(fits.len() as u32);
            self.offer_head(direction, heard);
            if self.is_done(direction, heard) {
                return;
            }
        }
    }

    /// Keeps what the client sent for comparison, of which the first `consumed` bytes have been read; whether the
    /// others are kept by that, too. Of the server's bytes only those that wait are kept: it is the client that may
    /// want to be misread.
    pub(super) fn keep_read(&mut self, seq: u32, bytes: &[u8], consumed: usize) -> bool {
        let direction = self.placed.direction;
        if direction == Direction::ToClient || bytes.is_empty() || bytes.len() > ASSEMBLY_BYTES {
            return false;
        }
        let (claim, now) = (self.claim(direction), self.placed.stamp);
        let waits = consumed < bytes.len();
        let index =
            if waits { self.pool.claim(claim, seq, now) } else { self.pool.claim_for_read(claim, seq, now) };
        let Some(index) = index else { return !waits };
        self.session.streams.slots[direction as usize] = index;
        self.session.streams.waits[direction as usize] = waits;
        if let Some(slot) = self.pool.get(index, &claim.key, direction)
            && slot.put(seq, bytes).is_ok()
        {
            slot.consume(consumed);
        }
        true
    }

    fn is_done(&self, direction: Direction, heard: &Heard) -> bool {
        heard.proof.is_some() || !self.session.inspection.wants(direction)
    }

    /// Offers what waits at the head of the slot of `direction`, and frees the slot once it is of no use.
    pub(super) fn offer_head(&mut self, direction: Direction, heard: &mut Heard) {
        let key = *self.session.key();
        let index = self.session.streams.slots[direction as usize];
        let Some(slot) = self.pool.get(index, &key, direction) else { return };
        let owner = self.session.owner();
        let consumed =
            offer_all(&mut self.session.inspection, self.dpi, owner, direction, slot.head(), heard);
        slot.consume(consumed);
        if direction == Direction::ToClient {
            slot.forget(usize::MAX);
        }
        let wants = self.session.inspection.wants(direction);
        if !wants {
            slot.consume(usize::MAX);
        }
        let (is_empty, waits, begin) = (slot.is_empty(), !slot.is_read(), slot.begin());
        if is_empty || (!wants && !self.may_be_replaced(direction, begin)) {
            self.free(direction);
        } else {
            self.note(direction, waits);
        }
    }

    /// Whether another version of bytes that can't be read may still become the one that counts: the server has not
    /// acknowledged the client's byte at `seq`.
    pub(super) fn may_be_replaced(&self, direction: Direction, seq: u32) -> bool {
        direction == Direction::ToServer && !self.session.streams.has_acknowledged(seq.wrapping_add(1))
    }

    fn note(&mut self, direction: Direction, waits: bool) {
        self.session.streams.waits[direction as usize] = waits;
        self.pool.note(self.session.streams.slots[direction as usize], waits, self.placed.stamp);
    }

    /// Whether bytes of `direction` wait to be read.
    pub(super) fn waits(&self, direction: Direction) -> bool {
        self.session.streams.waits[direction as usize]
    }

    /// Reads `bytes`, which have no place in the stream so far, by themselves.
    fn read_apart(&mut self, bytes: &[u8], heard: &mut Heard) {
        let mut inspection = Inspection::begin(false);
        let owner = self.session.owner();
        offer_all(&mut inspection, self.dpi, owner, self.placed.direction, bytes, heard);
        inspection.release(self.dpi);
    }

    /// Keeps bytes that came ahead of their turn, if there is room.
    fn hold(&mut self, seq: u32, bytes: &[u8]) -> bool {
        let direction = self.placed.direction;
        let Some(next) = self.session.streams.next(direction) else { return false };
        let is_held = self.slot(next).is_some_and(|slot| slot.put(seq, bytes).is_ok());
        if is_held {
            self.note(direction, true);
        }
        is_held
    }

    /// The bytes from `from` up to `to` will never be seen, and neither will be what waits for them.
    fn lose(&mut self, from: u32, to: u32) {
        let direction = self.placed.direction;
        let index = self.session.streams.slots[direction as usize];
        let unread = match self.pool.get(index, self.session.key(), direction) {
            Some(slot) => slot.unread(),
            None => from,
        };
        self.free(direction);
        self.session.inspection.gap(self.dpi, direction, to.wrapping_sub(unread));
    }

    /// Gives the slot of `direction` back.
    pub(super) fn free(&mut self, direction: Direction) {
        let index = core::mem::take(&mut self.session.streams.slots[direction as usize]);
        self.session.streams.waits[direction as usize] = false;
        self.pool.release(index, self.session.key(), direction);
    }

    pub(super) fn claim(&self, direction: Direction) -> PoolClaim {
        PoolClaim { key: *self.session.key(), direction, client: self.session.owner() }
    }

    /// The slot of the segment's direction, claimed at `base` if it has none.
    fn slot(&mut self, base: u32) -> Option<&mut Slot> {
        let (claim, now) = (self.claim(self.placed.direction), self.placed.stamp);
        let PoolClaim { key, direction, .. } = claim;
        let index = &mut self.session.streams.slots[direction as usize];
        if self.pool.get(*index, &key, direction).is_none() {
            *index = self.pool.claim(claim, base, now)?;
            self.session.streams.waits[direction as usize] = true;
        }
        self.pool.get(*index, &key, direction)
    }
}

/// Offers `bytes` until nothing more is said; answers how many are done with.
pub(super) fn offer_all(
    inspection: &mut Inspection,
    dpi: &mut Dpi,
    owner: u32,
    direction: Direction,
    bytes: &[u8],
    heard: &mut Heard,
) -> usize {
    let mut consumed = 0;
    loop {
        let rest = bytes.get(consumed..).unwrap_or_default();
        let reading = inspection.read(dpi, owner, direction, rest);
        consumed += reading.consumed;
        match reading.said {
            Said::Nothing => return consumed,
            Said::Proof(finding) => {
                heard.proof = Some(finding);
                return consumed;
            }
            Said::Suspicion(finding) => heard.suspicion = Some(finding),
            Said::Named(Naming::Proxy(target)) => heard.target = Some(target),
            Said::Named(naming) => heard.naming = Some(naming),
            Said::Resolved(message) => {
                if let Ok(resolution) = Resolution::read(message) {
                    heard.resolution = Some(resolution);
                }
            }
        }
    }
}
