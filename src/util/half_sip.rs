//! The keyed hash of tables that packets go through, on machines of 32 bits: HalfSipHash.
//!
//! Its key is drawn at start, so that flows which meet in one place can't be computed (Aumasson and Bernstein,
//! "SipHash: a fast short-input PRF", 2012; Linux has it for its tables as `hsiphash`). It goes by words of 32 bits. The
//! standard library's SipHash goes by 64, which takes a MIPS three times as many instructions, and each packet is hashed;
//! machines of 64 bits keep it.

use core::hash::{BuildHasher, Hasher};
use std::hash::RandomState;

/// HalfSipHash with `C` rounds a word and `D` at the end, 64 bits of result. Its default has the key zero.
#[derive(Clone, Copy, Debug)]
pub struct HalfSip<const C: usize, const D: usize> {
    state: [u32; 4],
    /// Bytes that are no whole word yet, the first one lowest.
    tail: u32,
    length: u32,
}

impl<const C: usize, const D: usize> HalfSip<C, D> {
    /// The hash with this key.
    pub fn with_key([low, high]: [u32; 2]) -> Self {
        // "lygenera" and "tedbytes", as in SipHash; 0xee asks for 64 bits.
        let state = [low, high ^ 0xee, low ^ 0x6c79_6765, high ^ 0x7465_6462];
        HalfSip { state, tail: 0, length: 0 }
    }

    fn push(&mut self, byte: u8) {
        let filled = self.length % 4;
        self.tail |= u32::from(byte) << (8 * filled);
        self.length = self.length.wrapping_add(1);
        if filled == 3 {
            self.state = absorb::<C>(self.state, self.tail);
            self.tail = 0;
        }
    }
}

impl<const C: usize, const D: usize> Hasher for HalfSip<C, D> {
    fn write(&mut self, mut bytes: &[u8]) {
        while !self.length.is_multiple_of(4)
            && let Some((&byte, rest)) = bytes.split_first()
        {
            self.push(byte);
            bytes = rest;
        }
        let (words, rest) = bytes.as_chunks();
        let mut state = self.state;
        for word in words {
            state = absorb::<C>(state, u32::from_le_bytes(*word));
        }
        self.state = state;
        self.length = self.length.wrapping_add(4 * words.len() as u32);
        rest.iter().for_each(|&byte| self.push(byte));
    }

    fn finish(&self) -> u64 {
        let [a, b, c, d] = absorb::<C>(self.state, self.tail | self.length << 24);
        let [a, b, c, d] = rounds::<D>([a, b, c ^ 0xee, d]);
        let low = b ^ d;
        let [_, b, _, d] = rounds::<D>([a, b ^ 0xdd, c, d]);
        u64::from(b ^ d) << 32 | u64::from(low)
    }
}

/// Takes in a word. Inlined, as its rounds are: the state stays in registers from one word to the next.
#[inline(always)]
fn absorb<const ROUNDS: usize>([a, b, c, d]: [u32; 4], word: u32) -> [u32; 4] {
    let [a, b, c, d] = rounds::<ROUNDS>([a, b, c, d ^ word]);
    [a ^ word, b, c, d]
}

#[inline(always)]
fn rounds<const ROUNDS: usize>([mut a, mut b, mut c, mut d]: [u32; 4]) -> [u32; 4] {
    for _ in 0..ROUNDS {
        a = a.wrapping_add(b);
        b = b.rotate_left(5) ^ a;
        a = a.rotate_left(16);
        c = c.wrapping_add(d);
        d = d.rotate_left(8) ^ c;
        a = a.wrapping_add(d);
        d = d.rotate_left(7) ^ a;
        c = c.wrapping_add(b);
        b = b.rotate_left(13) ^ c;
        c = c.rotate_left(16);
    }
    [a, b, c, d]
}

impl<const C: usize, const D: usize> Default for HalfSip<C, D> {
    fn default() -> Self {
        HalfSip::with_key([0; 2])
    }
}

/// A key for [`HalfSip`], drawn anew for each that is made.
#[derive(Clone, Copy, Debug)]
pub struct DrawnKey([u32; 2]);

impl DrawnKey {
    /// A random key.
    // As `RandomState` has it, whose place this takes.
    #[allow(clippy::new_without_default)]
    pub fn new() -> Self {
        let drawn = RandomState::new().hash_one(0);
        DrawnKey([drawn as u32, (drawn >> 32) as u32])
    }
}

impl BuildHasher for DrawnKey {
    type Hasher = HalfSip<1, 3>;

    fn build_hasher(&self) -> Self::Hasher {
        HalfSip::with_key(self.0)
    }
}

/// The hash of a packet's tables on this machine.
#[cfg(target_pointer_width = "32")]
pub type TableHasher = HalfSip<1, 3>;
/// The hash of a packet's tables on this machine.
#[cfg(not(target_pointer_width = "32"))]
pub type TableHasher = std::hash::DefaultHasher;
/// Its key, drawn at start.
#[cfg(target_pointer_width = "32")]
pub type TableKey = DrawnKey;
/// Its key, drawn at start.
#[cfg(not(target_pointer_width = "32"))]
pub type TableKey = RandomState;

#[cfg(test)]
mod tests {
    use super::*;

    /// The authors' vectors are of HalfSipHash-2-4: the key and the message are 0, 1, 2 ...
    #[test]
    fn it_gives_the_published_values() {
        let vectors: [[u8; 8]; 12] = [
            [0x21, 0x8d, 0x1f, 0x59, 0xb9, 0xb8, 0x3c, 0xc8],
            [0xbe, 0x55, 0x24, 0x12, 0xf8, 0x38, 0x73, 0x15],
            [0x06, 0x4f, 0x39, 0xef, 0x7c, 0x50, 0xeb, 0x57],
            [0xce, 0x0f, 0x1a, 0x45, 0xf7, 0x06, 0x06, 0x79],
            [0xd5, 0xe7, 0x8a, 0x17, 0x5b, 0xe5, 0x2e, 0xa1],
            [0xcb, 0x9d, 0x7c, 0x3f, 0x2f, 0x3d, 0xb5, 0x80],
            [0xce, 0x3e, 0x91, 0x35, 0x8a, 0xa2, 0xbc, 0x25],
            [0xff, 0x20, 0x27, 0x28, 0xb0, 0x7b, 0xc6, 0x84],
            [0xed, 0xfe, 0xe8, 0x20, 0xbc, 0xe4, 0x85, 0x8c],
            [0x5b, 0x51, 0xcc, 0xcc, 0x13, 0x88, 0x83, 0x07],
            [0x95, 0xb0, 0x46, 0x9f, 0x06, 0xa6, 0xf2, 0xee],
            [0xae, 0x26, 0x33, 0x39, 0x94, 0xdd, 0xcd, 0x48],
        ];
        let message: Vec<u8> = (0..12).collect();
        for (length, expected) in vectors.iter().enumerate() {
            let mut hash = HalfSip::<2, 4>::with_key([0x0302_0100, 0x0706_0504]);
            hash.write(&message[..length]);
            assert_eq!(hash.finish().to_le_bytes(), *expected, "{length}");
        }
    }

    #[test]
    fn parts_give_what_the_whole_gives() {
        let message: Vec<u8> = (0..40u8).map(|at| at.wrapping_mul(37).wrapping_add(11)).collect();
        let hash = |parts: &[&[u8]]| {
            let mut hash = HalfSip::<1, 3>::default();
            parts.iter().for_each(|part| hash.write(part));
            hash.finish()
        };
        for length in 0..message.len() {
            let whole = hash(&[&message[..length]]);
            for cut in 0..=length {
                for again in cut..=length {
                    let parts = [&message[..cut], &message[cut..again], &message[again..length]];
                    assert_eq!(hash(&parts), whole, "{length}: {cut}, {again}");
                }
            }
            assert_ne!(hash(&[&message[..length], &[0]]), whole, "the length counts");
        }
    }

    #[test]
    fn no_two_keys_are_alike() {
        assert_ne!(DrawnKey::new().hash_one(7u64), DrawnKey::new().hash_one(7u64));
        let key = DrawnKey::new();
        assert_eq!(key.hash_one(7u64), key.hash_one(7u64));
    }
}
