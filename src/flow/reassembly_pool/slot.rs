//! The bytes of one direction of one flow, with the holes between them.

use heapless::Vec;

use super::copy_from::CopyFrom;
use crate::limits::ASSEMBLY_RUNS;

/// The bytes of one direction of one flow, from sequence number `base` on.
#[derive(Debug)]
pub struct Slot<B: ?Sized = [u8]> {
    base: u32,
    /// Leading bytes that have been read, and are kept for comparison.
    read: u16,
    /// The parts of `bytes` that are there: sorted, apart from each other.
    runs: Vec<ByteRun, ASSEMBLY_RUNS>,
    bytes: B,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct ByteRun {
    start: u16,
    end: u16,
}

/// The bytes lie outside the slot, or in too many pieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoRoom;

impl<const N: usize> Slot<[u8; N]> {
    pub(super) fn new() -> Self {
        Slot { base: 0, read: 0, runs: Vec::new(), bytes: [0; N] }
    }
}

impl Slot {
    /// Holds nothing, and begins at sequence number `base`.
    pub(super) fn clear(&mut self, base: u32) {
        (self.base, self.read) = (base, 0);
        self.runs.clear();
    }

    /// Holds what `other` holds, which is no longer.
    pub(super) fn copy(&mut self, other: &Slot) {
        (self.base, self.read) = (other.base, other.read);
        self.runs.clone_from(&other.runs);
        let len = other.bytes.len();
        self.bytes.copy_from(&other.bytes, 0, 0, len);
    }

    /// Bytes that it can hold.
    pub fn capacity(&self) -> usize {
        self.bytes.len()
    }

    /// The bytes that are to be read next, up to the first hole.
    pub fn head(&self) -> &[u8] {
        self.bytes.get(usize::from(self.read)..usize::from(self.first_end())).unwrap_or_default()
    }

    /// Sequence number of the first byte held.
    pub fn begin(&self) -> u32 {
        self.base
    }

    /// Sequence number of the first byte to be read.
    pub fn unread(&self) -> u32 {
        self.base.wrapping_add(self.read.into())
    }

    /// Sequence number behind the bytes of [`Slot::head`].
    pub fn head_end(&self) -> u32 {
        self.base.wrapping_add(self.first_end().into())
    }

    /// Whether bytes wait behind a hole.
    pub fn has_hole(&self) -> bool {
        self.runs.last().is_some_and(|run| run.end > self.first_end())
    }

    /// Whether no byte waits to be read.
    pub fn is_read(&self) -> bool {
        self.runs.last().is_none_or(|run| run.end <= self.read)
    }

    /// Whether nothing is held at all.
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// The bytes that are held from sequence number `seq` on, up to the first hole.
    pub fn from(&self, seq: u32) -> &[u8] {
        let offset = seq.wrapping_sub(self.base) as usize;
        let within = |run: &&ByteRun| usize::from(run.start) <= offset && offset < usize::from(run.end);
        let run = self.runs.iter().find(within);
        run.and_then(|run| self.bytes.get(offset..usize::from(run.end))).unwrap_or_default()
    }

    /// Whether `bytes`, which begin at sequence number `seq`, are others than those held for the same places.
    pub fn contradicts(&self, seq: u32, bytes: &[u8]) -> bool {
        let offset = i64::from(seq.wrapping_sub(self.base) as i32);
        self.runs.iter().any(|run| {
            let start = offset.max(run.start.into());
            let end = (offset + bytes.len() as i64).min(run.end.into());
            let part =
                |from: i64| Some(usize::try_from(start - from).ok()?..usize::try_from(end - from).ok()?);
            start < end
                && part(0).and_then(|held| self.bytes.get(held))
                    != part(offset).and_then(|new| bytes.get(new))
        })
    }

    /// Whether the places from sequence number `seq` up to `end` are all held.
    pub fn covers(&self, seq: u32, end: u32) -> bool {
        let (start, end) = (seq.wrapping_sub(self.base), end.wrapping_sub(self.base));
        self.runs.iter().any(|run| u32::from(run.start) <= start && start <= end && end <= u32::from(run.end))
    }

    /// Whether [`Slot::put`] would take `len` bytes at sequence number `seq`.
    pub fn has_room(&self, seq: u32, len: usize) -> bool {
        let end_of = |base: u32| (seq.wrapping_sub(base) as usize).saturating_add(len);
        let end = end_of(self.base);
        if end > self.bytes.len() {
            // What has been read makes room.
            return end_of(self.unread()) <= self.bytes.len();
        }
        self.merged(ByteRun { start: (end - len) as u16, end: end as u16 }).is_ok()
    }

    /// Puts `bytes` at sequence number `seq`; of bytes that were there already the first ones
    /// stay. Bytes that have been read make room. Answers whether any was new.
    ///
    /// # Errors
    /// [`NoRoom`] where they don't fit; nothing is stored then.
    pub fn put(&mut self, seq: u32, bytes: &[u8]) -> Result<bool, NoRoom> {
        let end_of = |base: u32| (seq.wrapping_sub(base) as usize).checked_add(bytes.len());
        if end_of(self.unread()).is_none_or(|end| end > self.bytes.len())
            && end_of(self.base).is_none_or(|end| end > self.bytes.len())
        {
            return Err(NoRoom);
        }
        if let Some(excess) = end_of(self.base).map(|end| end.saturating_sub(self.bytes.len())) {
            self.forget(excess);
        }
        let start = seq.wrapping_sub(self.base) as usize;
        let end = start.checked_add(bytes.len()).filter(|&end| end <= self.bytes.len()).ok_or(NoRoom)?;
        let added = ByteRun { start: start as u16, end: end as u16 };
        let (runs, covered) = self.merged(added)?;
        if covered {
            return Ok(false);
        }
        let mut from = start;
        for run in &self.runs {
            let (run_start, run_end) = (usize::from(run.start), usize::from(run.end));
            if run_end > from && run_start < end {
                self.bytes.copy_from(bytes, start, from, run_start);
                from = run_end;
            }
        }
        self.bytes.copy_from(bytes, start, from, end);
        self.runs = runs;
        Ok(true)
    }

    /// The first `count` bytes of the head have been read.
    pub fn consume(&mut self, count: usize) {
        let count = count.min(self.head().len());
        self.read = self.read.saturating_add(count as u16);
    }

    /// Drops bytes that have been read, at most `count` of them.
    pub fn forget(&mut self, count: usize) {
        let count = count.min(self.read.into());
        if count == 0 {
            return;
        }
        let end = self.runs.last().map_or(0, |run| run.end.into()).max(count).min(self.bytes.len());
        self.bytes.copy_within(count.min(end)..end, 0);
        self.base = self.base.wrapping_add(count as u32);
        let count = count as u16;
        self.read = self.read.saturating_sub(count);
        self.runs.retain_mut(|run| {
            run.start = run.start.saturating_sub(count);
            run.end = run.end.saturating_sub(count);
            run.start < run.end
        });
    }

    /// Makes room for bytes from sequence number `base` on, before those held, which count as read no more; if all fit.
    pub fn extend_back(&mut self, base: u32) -> bool {
        let shift = self.base.wrapping_sub(base) as usize;
        let end = self.runs.last().map_or(0, |run| usize::from(run.end));
        if shift.saturating_add(end) > self.bytes.len() {
            return false;
        }
        self.bytes.copy_within(..end, shift);
        for run in &mut self.runs {
            run.start += shift as u16;
            run.end += shift as u16;
        }
        (self.base, self.read) = (base, 0);
        true
    }

    /// The receiver has all bytes up to `ack`: they are dropped once that is all of those read, so that few are moved.
    pub fn acknowledged(&mut self, ack: u32) {
        if ack.wrapping_sub(self.unread()) as i32 >= 0 {
            self.forget(usize::MAX);
        }
    }

    /// Gives up what is missing before `seq`: the bytes behind the first hole become the head if it ends there.
    pub fn skip_to(&mut self, seq: u32) {
        self.consume(usize::MAX);
        self.forget(usize::MAX);
        if let Some(start) = self.runs.first().map(|run| run.start) {
            self.read = seq.wrapping_sub(self.base).min(start.into()) as u16;
            self.forget(usize::MAX);
        }
    }

    /// The end of the bytes before the first hole.
    fn first_end(&self) -> u16 {
        match self.runs.first() {
            Some(run) if run.start == 0 => run.end,
            _ => self.read,
        }
    }

    /// The runs with `added` among them, and whether it adds nothing.
    fn merged(&self, added: ByteRun) -> Result<(Vec<ByteRun, ASSEMBLY_RUNS>, bool), NoRoom> {
        if added.start == added.end
            || self.runs.iter().any(|run| run.start <= added.start && added.end <= run.end)
        {
            return Ok((Vec::new(), true));
        }
        let mut runs = Vec::new();
        let mut added = added;
        let mut placed = false;
        for run in &self.runs {
            if run.end < added.start {
                runs.push(*run).map_err(|_| NoRoom)?;
            } else if run.start > added.end {
                if !placed {
                    runs.push(added).map_err(|_| NoRoom)?;
                    placed = true;
                }
                runs.push(*run).map_err(|_| NoRoom)?;
            } else {
                added = ByteRun { start: added.start.min(run.start), end: added.end.max(run.end) };
            }
        }
        if !placed {
            runs.push(added).map_err(|_| NoRoom)?;
        }
        Ok((runs, false))
    }
}
