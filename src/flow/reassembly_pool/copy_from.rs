//! Copies of bytes whose places may be wrong.

/// Copies within bounds, or not at all.
pub(super) trait CopyFrom {
    /// Copies the part `from..to` of a source that begins at `start`.
    fn copy_from(&mut self, source: &[u8], start: usize, from: usize, to: usize);
}

impl CopyFrom for [u8] {
    fn copy_from(&mut self, source: &[u8], start: usize, from: usize, to: usize) {
        let to = to.min(start + source.len());
        if let (Some(target), Some(source)) = (
            self.get_mut(from.min(to)..to),
            source.get(from.min(to).saturating_sub(start)..to.saturating_sub(start)),
        ) && target.len() == source.len()
        {
            target.copy_from_slice(source);
        }
    }
}
