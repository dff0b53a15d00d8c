//! gRPC over HTTP/2 in the clear: RFC 9113 sections 3.3, 4.1 and 6.1, and gRPC's "PROTOCOL-HTTP2".
//!
//! Only what carries messages is read: DATA frames. Which service they are meant for stands in compressed
//! headers, and isn't needed: the messages tell.

use super::fit::Fit;

/// First bytes of a client that knows its server (RFC 9113 section 3.4).
pub(crate) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A frame's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct GrpcFrame {
    /// Length of the payload, at most 2^24 - 1.
    pub payload: usize,
    /// Kind of the payload.
    pub kind: FrameKind,
    /// The payload begins with the length of its padding.
    pub padded: bool,
}

/// A frame's type, as far as it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FrameKind {
    /// The payload is of gRPC, if this is gRPC at all.
    Data,
    /// Headers, settings and the like.
    Other,
    /// None that is in use (RFC 9113 section 6, RFC 7838, RFC 8336, RFC 9218).
    Unknown,
}

/// Length of a frame's header.
pub(crate) const HEADER: usize = 9;

/// Whether `bytes` begin with the settings that a server begins with (RFC 9113 sections 3.4 and 6.5), which wait for
/// nothing that the client says.
pub(crate) fn opens_server(bytes: &[u8]) -> Fit {
    let is_one = |at: usize, byte: u8| match at {
        2 => byte.is_multiple_of(SETTING),
        3 => byte == SETTINGS,
        _ => byte == 0,
    };
    match bytes.first_chunk::<HEADER>().map_or(bytes, |header| header) {
        header if !(0..).zip(header).all(|(at, byte)| is_one(at, *byte)) => Fit::No,
        header if header.len() < HEADER => Fit::Maybe,
        _ => Fit::Yes,
    }
}

/// Reads the header that `bytes` begin with; `None` if they are too short for one.
pub(crate) fn frame(bytes: &[u8]) -> Option<GrpcFrame> {
    let [a, b, c, kind, flags, ..] = *bytes.first_chunk::<HEADER>()?;
    let payload = usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c);
    let kind = match kind {
        0 => FrameKind::Data,
        1..=LAST_KIND => FrameKind::Other,
        _ => FrameKind::Unknown,
    };
    Some(GrpcFrame { payload, kind, padded: flags & PADDED != 0 })
}

/// The length of the message that a prefix announces; `None` if it is none of gRPC's.
pub(crate) fn message_len(prefix: [u8; PREFIX]) -> Option<u32> {
    let [compressed, a, b, c, d] = prefix;
    let len = u32::from_be_bytes([a, b, c, d]);
    (compressed <= 1 && len <= MESSAGE_MAX).then_some(len)
}

/// The members of a protobuf message that are messages, strings or bytes themselves: number and value, the
/// last one as far as it is at hand. Numbers between them are passed over; anything else ends them.
pub(crate) fn members(message: &[u8]) -> impl Iterator<Item = (u64, &[u8])> {
    let mut rest = message;
    core::iter::from_fn(move || {
        let (mut tag, mut after) = varint(rest)?;
        while tag & 7 == VARINT {
            (_, after) = varint(after)?;
            (tag, after) = varint(after)?;
        }
        let (len, value) = varint(after).filter(|_| tag & 7 == LENGTH_DELIMITED)?;
        let (value, further) = value.split_at(usize::try_from(len).unwrap_or(usize::MAX).min(value.len()));
        rest = further;
        Some((tag >> 3, value))
    })
}

/// A number in base 128, lowest digits first, and what follows it.
fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let len = 1 + bytes.iter().take(DIGITS_MAX).position(|byte| byte & 0x80 == 0)?;
    let (digits, rest) = bytes.split_at_checked(len)?;
    Some((digits.iter().rev().fold(0, |value, digit| value << 7 | u64::from(digit & 0x7f)), rest))
}

/// A frame's type, and the length of one setting.
const SETTINGS: u8 = 4;
const SETTING: u8 = 6;
/// PRIORITY_UPDATE.
const LAST_KIND: u8 = 0x10;
const PADDED: u8 = 8;
/// Prefix of a message: whether it is compressed, and its length.
pub(crate) const PREFIX: usize = 5;
/// No server takes a longer one; gRPC's own default is a quarter of it.
const MESSAGE_MAX: u32 = 16 << 20;
/// Kinds of members (protobuf's wire types).
const VARINT: u64 = 0;
const LENGTH_DELIMITED: u64 = 2;
/// Nine digits make 63 bits, enough for any number and length of ours.
const DIGITS_MAX: usize = 9;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_and_prefixes() {
        let header = [0, 0, 19, 0, PADDED, 0, 0, 0, 1];
        let frame = frame(&header).unwrap();
        assert_eq!((frame.payload, frame.kind, frame.padded), (19, FrameKind::Data, true));
        assert_eq!(super::frame(&header[..8]), None);
        assert_eq!(super::frame(b"HTTP/1.1 ").map(|frame| frame.kind), Some(FrameKind::Unknown));
        assert_eq!(message_len([0, 0, 0, 1, 2]), Some(258));
        for prefix in [*b"hello", *b"\0\x7f\0\0\0", *b"\x02\0\0\0\0"] {
            assert_eq!(message_len(prefix), None);
        }
    }

    #[test]
    fn a_server_begins_with_its_settings() {
        let settings = [0, 0, 12, 4, 0, 0, 0, 0, 0];
        for end in 0..settings.len() {
            assert_eq!(opens_server(&settings[..end]), Fit::Maybe, "{end}");
        }
        assert_eq!(opens_server(&settings), Fit::Yes);
        for at in 0..settings.len() {
            let mut other = settings;
            other[at] += 1;
            assert_eq!(opens_server(&other[..=at]), Fit::No, "{at}");
        }
    }

    #[test]
    fn members_end_where_the_bytes_do_or_another_kind_begins() {
        let message = [0x0a, 1, b'x', 0x08, 0xff, 1, 0x10, 0, 0xea, 0x3e, 9, b'y'];
        assert_eq!(members(&message).collect::<Vec<_>>(), [(1, b"x".as_slice()), (1005, b"y")]);
        assert_eq!(members(&[0x0d, 1, 2, 3, 4, 0x0a, 1, b'x']).count(), 0);
        assert_eq!(members(&[0x80; 20]).count(), 0);
        assert_eq!(members(&[0x0a]).count(), 0);
    }
}
