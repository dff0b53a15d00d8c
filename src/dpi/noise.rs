//! The handshake of Stratum V2: Noise_NX over secp256k1 keys in ElligatorSwift form (SV2
//! specification, chapter 4). No byte of it is fixed; what it can be told by is its shape.
//!
//! The client sends exactly 64 bytes and waits, the server answers exactly 234 and waits, the client
//! sends its first encrypted frame of at least 54; all of it looks random. The parties take turns,
//! which sets it apart from protocols that also begin with random bytes: obfuscated MTProto and
//! Shadowsocks send their first request together with their 64 (or 32) bytes. Lightning's Noise_XK
//! takes turns of 50, 50 and 66 bytes (BOLT 8). Bitcoin nodes begin with the same kind of key, but up to
//! 4,095 bytes of garbage follow on either side (BIP 324): both lengths fit once in 4,096 x 4,096
//! connections, or in 4,096 from a client that sends no garbage.
//!
//! A key in about 9,000 is missed because it begins like JSON or SOCKS.

use super::Answer;
use crate::limits::{SV2_CLIENT_HELLO, SV2_SERVER_HELLO, SV2_SETUP_MIN, SV2_SETUP_SUCCESS};

/// The client's key: exactly the `bytes` so far.
pub(crate) fn client_hello(bytes: &[u8]) -> Answer {
    turn(bytes, SV2_CLIENT_HELLO, 44, 12)
}

/// The server's keys and certificate: exactly the `bytes` so far.
pub(crate) fn server_hello(bytes: &[u8]) -> Answer {
    turn(bytes, SV2_SERVER_HELLO, 125, 78)
}

/// The client's first frame; it is enough of it that can't be read without having been received.
pub(crate) fn setup(bytes: &[u8]) -> Answer {
    turn(bytes.get(..SV2_SETUP_MIN).unwrap_or(bytes), SV2_SETUP_MIN, 38, 10)
}

/// The server's consent: an encrypted frame header (6 + 16) and a `SetupConnection.Success` (6 + 16).
pub(crate) fn setup_success(bytes: &[u8]) -> Answer {
    turn(bytes, SV2_SETUP_SUCCESS, 29, 7)
}

/// A party's turn: `len` bytes with at least `distinct` values and `high` bytes above ASCII.
///
/// The bounds refuse less than one in 10^6 random strings each (exact distribution: a test below).
/// Base64 and hexadecimal have no high bytes, English has about 22 distinct ones in 64, records of
/// binary protocols repeat their zeros.
fn turn(bytes: &[u8], len: usize, distinct: u32, high: usize) -> Answer {
    if bytes.len() > len || is_known(bytes) {
        return Answer::NoMatch;
    }
    if bytes.len() < len {
        return Answer::NeedMore;
    }
    let looks_random =
        distinct_values(bytes) >= distinct && bytes.iter().filter(|&&byte| byte >= 0x80).count() >= high;
    if looks_random { Answer::Match } else { Answer::NoMatch }
}

/// TLS, or what is not random from its first bytes on: twenty-four without a high byte or with fewer
/// than fourteen values (either happens in less than one in 10^6 keys).
fn is_known(bytes: &[u8]) -> bool {
    let is_tls = matches!(bytes, [20..=23, 3, 0..=4, ..]);
    is_tls || bytes.get(..24).is_some_and(|head| distinct_values(head) < 14 || head.iter().all(u8::is_ascii))
}

fn distinct_values(bytes: &[u8]) -> u32 {
    let mut seen = [0u32; 8];
    for &byte in bytes {
        if let Some(word) = seen.get_mut(usize::from(byte >> 5)) {
            *word |= 1 << (byte & 31);
        }
    }
    seen.iter().map(|word| word.count_ones()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn random(len: usize, seed: u64) -> Vec<u8> {
        let mut state = seed.wrapping_mul(2).wrapping_add(1);
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 56) as u8
        };
        (0..32 + len).map(|_| next()).skip(32).collect()
    }

    #[test]
    fn random_keys_pass_and_every_part_of_one_asks_for_more() {
        for seed in 1..2_000 {
            let key = random(SV2_CLIENT_HELLO, seed);
            assert_eq!(client_hello(&key), Answer::Match, "seed {seed}");
            assert_eq!(client_hello(&key[..63]), Answer::NeedMore);
            assert_eq!(server_hello(&random(SV2_SERVER_HELLO, seed)), Answer::Match, "seed {seed}");
            assert_eq!(setup(&random(65, seed)), Answer::Match, "seed {seed}");
        }
    }

    #[test]
    fn a_byte_more_is_another_protocol() {
        assert_eq!(client_hello(&random(65, 7)), Answer::NoMatch);
        assert_eq!(server_hello(&random(235, 7)), Answer::NoMatch);
    }

    #[test]
    fn text_records_and_counters_are_not_random() {
        let base64: Vec<u8> = (0..64)
            .map(|n| b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"[n * 37 % 64])
            .collect();
        assert_eq!(client_hello(&base64), Answer::NoMatch);
        assert_eq!(client_hello(&[0; 24]), Answer::NoMatch);
        let record: Vec<u8> = (0..64).map(|n| if n % 4 == 3 { n * 2 + 100 } else { 0 }).collect();
        assert_eq!(client_hello(&record), Answer::NoMatch);
        assert_eq!(client_hello(b"\x16\x03\x01\x00"), Answer::NoMatch);
    }

    /// Chance that fewer than `bound` of `len` random bytes differ.
    fn chance_of_fewer_distinct(len: usize, bound: usize) -> f64 {
        let mut chances = vec![0.0; len + 2];
        chances[0] = 1.0;
        for _ in 0..len {
            for have in (0..=len).rev() {
                let repeat = chances[have] * have as f64 / 256.0;
                let fresh =
                    have.checked_sub(1).map_or(0.0, |less| chances[less] * (256 - less) as f64 / 256.0);
                chances[have] = repeat + fresh;
            }
        }
        chances[..bound].iter().sum()
    }

    /// Chance that fewer than `bound` of `len` random bytes are above ASCII.
    fn chance_of_fewer_high(len: i32, bound: i32) -> f64 {
        let (mut sum, mut term) = (0.0, 0.5f64.powi(len));
        for n in 0..bound {
            sum += term;
            term *= f64::from(len - n) / f64::from(n + 1);
        }
        sum
    }

    #[test]
    fn the_bounds_miss_less_than_one_handshake_in_a_million() {
        for (len, distinct, high) in [
            (SV2_CLIENT_HELLO, 44, 12),
            (SV2_SERVER_HELLO, 125, 78),
            (SV2_SETUP_MIN, 38, 10),
            (SV2_SETUP_SUCCESS, 29, 7),
        ] {
            let missed = chance_of_fewer_distinct(len, distinct) + chance_of_fewer_high(len as i32, high);
            assert!(missed < 1e-6, "{len}: {missed}");
        }
        assert!(chance_of_fewer_distinct(24, 14) + chance_of_fewer_high(24, 1) < 1e-6);
    }
}
