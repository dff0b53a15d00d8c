//! alphabet
use crate::flow::Direction;

/// Column of the first factor: direction and size in quarter octaves.
pub fn size_column(direction: Direction, size: u32) -> u8 {
    let bucket = if size < 16 {
        0
    } else if size >= 2048 {
        29
    } else {
        let exponent = size.ilog2();
        1 + (exponent - 4) * 4 + (size >> (exponent - 2) & 3)
    };
    (bucket.min(29) + if direction == Direction::ToClient { 30 } else { 0 }) as u8
}

/// gap class 0..8
pub fn gap_class(gap_ms: u32) -> u8 {
    GAP_EDGES.iter().filter(|&&e| gap_ms >= e).count() as u8
}

/// edges
pub const GAP_EDGES: [u32; 7] = [8, 32, 128, 512, 2048, 8192, 32768];

/// class of change 0..4
pub fn change_class(size: u32, last: u32) -> u8 {
    let diff = size.abs_diff(last);
    if diff <= 2 {
        0
    } else if diff <= 16 {
        1
    } else if diff <= last.max(size) / 4 {
        2
    } else {
        3
    }
}
pub const SIZES: usize = 60;
pub const CONTEXTS: usize = 192;
