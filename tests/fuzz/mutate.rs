//! Mutations of seeds.

use minewall::util::random::Random;

/// Longer inputs are cut: they show nothing that shorter ones don't, and cost time.
const MAX_BYTES: usize = 1 << 16;

/// Words that parsers look for.
const WORDS: [&[u8]; 24] = [
    b"\n",
    b"\r\n\r\n",
    b"\0",
    b"\xff\xff\xff\xff",
    b"\x80",
    b"\x7f\xff\xff\xff",
    b"{\"id\":1,\"method\":\"",
    b"mining.subscribe",
    b"mining.authorize",
    b"\"params\":[",
    b"\"result\":true",
    b"\"error\":null}",
    b"\\u006d",
    b"[[[[[[[[",
    b"HTTP/1.1 200 OK\r\n",
    b"Content-Length: ",
    b"Transfer-Encoding: chunked\r\n",
    b"GET / HTTP/1.1\r\n",
    b"\x16\x03\x01",
    b"\x05\x01\x00",
    b"4294967296",
    b"-1",
    b" * ",
    b"pool.example:3333",
];

/// Makes inputs of seeds.
pub struct Mutator<'a> {
    seeds: &'a [Vec<u8>],
    random: Random,
}

impl<'a> Mutator<'a> {
    /// Mutates `seeds`; the sequence follows from `name` and `from`.
    pub fn new(seeds: &'a [Vec<u8>], name: &str, from: u64) -> Self {
        let seed = name.bytes().fold(from, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
        Mutator { seeds, random: Random::new(seed) }
    }

    /// The next input: a seed with one to eight changes.
    pub fn next(&mut self) -> Vec<u8> {
        let mut input = self.seed().to_vec();
        for _ in 0..1 << self.below(4) {
            self.change(&mut input);
        }
        input.truncate(MAX_BYTES);
        input
    }

    fn seed(&mut self) -> &'a [u8] {
        match self.seeds.len() {
            0 => b"",
            count => &self.seeds[self.below(count)],
        }
    }

    fn change(&mut self, input: &mut Vec<u8>) {
        let at = self.below(input.len() + 1);
        let scale = self.below(7);
        let len = 1 + self.below(1 << scale);
        let end = (at + len).min(input.len());
        match self.below(9) {
            0 if at < input.len() => input[at] ^= 1 << self.below(8),
            1 if at < input.len() => input[at] = self.random.bits() as u8,
            // Next to what stands there: lengths and counters are off by one.
            2 if at < input.len() => input[at] = input[at].wrapping_add(self.below(5) as u8).wrapping_sub(2),
            3 => drop(input.drain(at..end)),
            4 => input.truncate(at),
            5 => {
                let part = input[at..end].to_vec();
                let to = self.below(input.len() + 1);
                input.splice(to..to, part);
            }
            6 => {
                let word = WORDS[self.below(WORDS.len())];
                input.splice(at..at, word.iter().copied());
            }
            // The end of another seed.
            7 => {
                let other = self.seed();
                let from = self.below(other.len() + 1);
                input.truncate(at);
                input.extend(&other[from..]);
            }
            _ => {
                let bytes = self.random.bits().to_be_bytes();
                input.splice(at..at, bytes[..1 + self.below(8)].iter().copied());
            }
        }
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.random.bits() % bound.max(1) as u64) as usize
    }
}
