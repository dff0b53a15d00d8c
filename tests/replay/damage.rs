//! Damaged captures: read as far as they go, told where they stop, never a panic or an endless loop.

use std::io::{self, Read};

use minewall::lab::replay::capture::{Damage, DamageKind, OpenError};

use crate::file::{Fraction, Interface, Link, Order, Pcapng, pcap};
use crate::random::Random;
use crate::session::{flow_lines, mining, records, replay, replay_sound};

/// A file, where each of its packets ends, and where records begin, packets or not.
struct Sample {
    bytes: Vec<u8>,
    packet_ends: Vec<usize>,
    boundaries: Vec<usize>,
}

fn pcap_sample() -> Sample {
    let records = records(&mining(false), Link::Ethernet);
    let bytes = pcap(Order::Big, Fraction::Micros, 1, &records);
    let mut end = 24;
    let mut packet_ends = Vec::new();
    for record in &records {
        end += 16 + record.frame.len();
        packet_ends.push(end);
    }
    let boundaries = [&[24], &packet_ends[..]].concat();
    Sample { bytes, packet_ends, boundaries }
}

fn pcapng_sample() -> Sample {
    let mut bytes = Vec::new();
    let (mut packet_ends, mut boundaries) = (Vec::new(), Vec::new());
    for (index, (micros, ip)) in mining(false).iter().enumerate() {
        let order = if index < 9 { Order::Little } else { Order::Big };
        let head = Pcapng::new(order).finish();
        if index == 0 || index == 9 {
            bytes.extend(&head);
            boundaries.push(bytes.len());
        }
        // Every block is made in a file of its own, so that its end is known.
        let mut block = |make: &dyn Fn(&mut Pcapng)| {
            let mut file = Pcapng::new(order);
            make(&mut file);
            bytes.extend_from_slice(&file.finish()[head.len()..]);
            boundaries.push(bytes.len());
            bytes.len()
        };
        if index == 0 || index == 9 {
            block(&|file| file.interface(Interface { link: 101, resolution: Some(6), offset: Some(0) }));
            block(&|file| file.other(4, b"names"));
        }
        packet_ends.push(block(&|file| match index % 3 {
            0 => file.enhanced(0, *micros, ip),
            1 => file.simple(ip),
            _ => file.obsolete(0, *micros, ip),
        }));
    }
    Sample { bytes, packet_ends, boundaries }
}

#[test]
fn a_file_cut_anywhere_yields_what_is_before_the_cut() {
    for sample in [pcap_sample(), pcapng_sample()] {
        let whole = replay_sound(&sample.bytes);
        assert_eq!(whole.packets, sample.packet_ends.len() as u64);
        for cut in 0..=sample.bytes.len() {
            let complete = sample.packet_ends.iter().filter(|end| **end <= cut).count();
            let last_boundary = sample.boundaries.iter().rev().find(|boundary| **boundary <= cut);
            let truncated = |offset: usize| Damage { offset: offset as u64, kind: DamageKind::Truncated };
            match replay(&sample.bytes[..cut]) {
                Ok(replayed) => {
                    assert_eq!(replayed.packets, complete as u64, "cut at {cut}");
                    let offset = last_boundary.copied().unwrap_or(0);
                    let expected = (offset != cut).then(|| truncated(offset));
                    assert_eq!(replayed.damage, expected, "cut at {cut}");
                    // The handshake has three packets; the flow is reported from the fourth on.
                    assert_eq!(replayed.account.flows().count(), usize::from(complete > 3));
                }
                Err(error) => {
                    assert_eq!(error, OpenError::Damaged(truncated(0)), "cut at {cut}");
                    assert!(last_boundary.is_none());
                }
            }
        }
    }
}

#[test]
fn a_lying_length_is_found_out() {
    let replay_kind = |bytes: &[u8]| replay(bytes).expect("a capture").damage;
    let pcap = pcap_sample();
    let third = pcap.boundaries[2];
    let mut bytes = pcap.bytes.clone();
    bytes[third + 8..third + 12].copy_from_slice(&0x0010_0000_u32.to_be_bytes());
    let expected = Damage { offset: third as u64, kind: DamageKind::TooLong(0x0010_0000) };
    assert_eq!(replay_kind(&bytes), Some(expected));

    let pcapng = pcapng_sample();
    let first_packet = *pcapng.boundaries.iter().rfind(|end| **end < pcapng.packet_ends[0]).expect("head");
    let damage = |kind| Some(Damage { offset: first_packet as u64, kind });
    for (at, value, kind) in [
        // The block's length: too short, not a multiple of four, too long, and not that at its end.
        (4, 8_u32, DamageKind::Contradiction),
        (4, 61, DamageKind::Contradiction),
        (4, 0xffff_fffc, DamageKind::TooLong(0xffff_fffc)),
        (4, 64, DamageKind::Contradiction),
        // The packet's length: longer than its block, and so long that adding the header overflows.
        (20, 4_096, DamageKind::Contradiction),
        (20, u32::MAX, DamageKind::Contradiction),
        (20, u32::MAX - 5, DamageKind::Contradiction),
        (8, 3, DamageKind::UnknownInterface(3)),
    ] {
        let mut bytes = pcapng.bytes.clone();
        bytes[first_packet + at..first_packet + at + 4].copy_from_slice(&value.to_le_bytes());
        assert_eq!(replay_kind(&bytes), damage(kind), "{at} {value}");
    }
}

#[test]
fn what_is_no_capture_is_refused() {
    let refused = |bytes: &[u8]| replay(bytes).err();
    assert_eq!(refused(b"GIF89a"), Some(OpenError::NotACapture));
}

#[test]
fn mutated_captures_never_panic_nor_hang() {
    let mut random = Random::new(11);
    for sample in [pcap_sample(), pcapng_sample()] {
        for _ in 0..2_000 {
            let mut bytes = sample.bytes.clone();
            for _ in 0..=random.below(6) {
                let at = random.below(bytes.len());
                match random.below(4) {
                    0 => bytes[at] = random.next() as u8,
                    1 => bytes[at] ^= 1 << random.below(8),
                    2 => bytes.truncate(at.max(1)),
                    _ => {
                        // A field is likelier to matter if it is set to an extreme.
                        let extreme = [0, 1, 0x7fff_ffff, u32::MAX, u32::MAX - 3][random.below(5)];
                        let end = (at + 4).min(bytes.len());
                        bytes[at..end].copy_from_slice(&extreme.to_be_bytes()[..end - at]);
                    }
                }
            }
            if let Ok(replayed) = replay(&bytes[..]) {
                // A packet takes at least a record header, so this bounds the loop too.
                assert!(replayed.packets <= bytes.len() as u64 / 16);
                assert!(replayed.damage.is_none_or(|damage| damage.offset <= bytes.len() as u64));
            }
        }
    }
}

/// Hands out a byte at a time, with interruptions, and fails at the end.
struct Trickle<'a> {
    bytes: &'a [u8],
    interrupted: bool,
    end: io::ErrorKind,
}

impl Read for Trickle<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.interrupted = !self.interrupted;
        if self.interrupted {
            return Err(io::ErrorKind::Interrupted.into());
        }
        match self.bytes.split_first() {
            Some((first, rest)) => {
                buffer[0] = *first;
                self.bytes = rest;
                Ok(1)
            }
            None => Err(self.end.into()),
        }
    }
}

#[test]
fn a_slow_and_failing_storage_loses_nothing_that_was_read() {
    for sample in [pcap_sample(), pcapng_sample()] {
        let source =
            Trickle { bytes: &sample.bytes, interrupted: false, end: io::ErrorKind::ConnectionReset };
        let replayed = replay(source).expect("a capture");
        let kind = DamageKind::Io(io::ErrorKind::ConnectionReset);
        assert_eq!(replayed.damage, Some(Damage { offset: sample.bytes.len() as u64, kind }));
        assert_eq!(flow_lines(&replayed), flow_lines(&replay_sound(&sample.bytes)));
    }
}
