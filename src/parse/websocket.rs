//! WebSocket framing (RFC 6455 section 5).

/// A frame's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WebSocketFrame {
    /// Length of the header.
    pub header: usize,
    /// Length of the payload.
    pub payload: u32,
    /// Kind of the payload.
    pub kind: Opcode,
    /// The last frame of its message.
    pub fin: bool,
    /// The payload is compressed (RFC 7692) or changed by another extension.
    pub opaque: bool,
    /// Mask of the payload; zeros if it isn't masked.
    pub mask: [u8; 4],
}

/// A frame's opcode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opcode {
    /// The first frame of a message, text or binary.
    Data,
    /// A further frame of a message.
    Continuation,
    /// Ping, pong or close.
    Control,
}

/// A header, or why there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ParsedFrame {
    /// A whole header.
    Frame(WebSocketFrame),
    /// More bytes are needed.
    NeedMore,
    /// This is no frame, or one whose end will not be seen (4 GB and more).
    Invalid,
}

/// Reads the header that `bytes` begin with.
pub(crate) fn frame(bytes: &[u8]) -> ParsedFrame {
    let Some(&first) = bytes.first() else { return ParsedFrame::NeedMore };
    let kind = match first & 0x0f {
        0 => Opcode::Continuation,
        1 | 2 => Opcode::Data,
        // Control frames aren't fragmented (section 5.5).
        8..=10 if first & 0x80 != 0 => Opcode::Control,
        _ => return ParsedFrame::Invalid,
    };
    let (fin, opaque) = (first & 0x80 != 0, first & 0x70 != 0);
    let Some(&second) = bytes.get(1) else { return ParsedFrame::NeedMore };
    let masked = second & 0x80 != 0;
    let (extended, short) = match second & 0x7f {
        126 => (2, 0),
        127 => (8, 0),
        len => (0, u32::from(len)),
    };
    if kind == Opcode::Control && extended != 0 {
        return ParsedFrame::Invalid;
    }
    let header = 2 + extended + if masked { 4 } else { 0 };
    let Some(rest) = bytes.get(2..header) else { return ParsedFrame::NeedMore };
    let (length, mask) = rest.split_at_checked(extended).unwrap_or_default();
    let long = length.iter().fold(0u64, |value, &byte| value << 8 | u64::from(byte));
    let Ok(long) = u32::try_from(long) else { return ParsedFrame::Invalid };
    let payload = if extended == 0 { short } else { long };
    let mask = mask.try_into().unwrap_or_default();
    ParsedFrame::Frame(WebSocketFrame { header, payload, kind, fin, opaque, mask })
}

impl WebSocketFrame {
    /// The payload in clear, as far as it is in `bytes`, which begin with the frame.
    pub(crate) fn unmasked(&self, bytes: &[u8]) -> impl Iterator<Item = u8> {
        let len = usize::try_from(self.payload).unwrap_or(usize::MAX);
        let payload = bytes.get(self.header..).unwrap_or_default();
        payload.iter().take(len).zip(self.mask.iter().cycle()).map(|(byte, key)| byte ^ key)
    }

    /// Length of the whole frame if all of it is in `bytes`.
    pub(crate) fn end_in(&self, bytes: &[u8]) -> Option<usize> {
        let end = self.header.checked_add(usize::try_from(self.payload).ok()?)?;
        (end <= bytes.len()).then_some(end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(bytes: &[u8]) -> WebSocketFrame {
        match frame(bytes) {
            ParsedFrame::Frame(frame) => frame,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn reads_the_examples_of_the_rfc() {
        let masked = b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58";
        let hello = whole(masked);
        assert_eq!((hello.header, hello.payload, hello.kind, hello.fin), (6, 5, Opcode::Data, true));
        assert!(hello.unmasked(masked).eq(*b"Hello"));
        assert_eq!(hello.end_in(masked), Some(11));
        assert_eq!(hello.end_in(&masked[..10]), None);
        let fragment = b"\x01\x03\x48\x65\x6c";
        assert!(!whole(fragment).fin);
        assert!(whole(fragment).unmasked(fragment).eq(*b"Hel"));
        assert_eq!(whole(b"\x82\x7e\x01\x00").payload, 256);
        assert_eq!(whole(b"\x82\x7f\0\0\0\0\0\x01\0\0").payload, 65_536);
        assert!(whole(b"\xc1\x00").opaque);
    }

    #[test]
    fn every_part_of_a_header_asks_for_more() {
        let header = b"\x82\xff\0\0\0\0\0\x01\0\0\x01\x02\x03\x04";
        for end in 0..header.len() {
            assert_eq!(frame(&header[..end]), ParsedFrame::NeedMore, "{end}");
        }
        assert_eq!(whole(header).header, 14);
    }

    #[test]
    fn no_frame_is_endless() {
        for invalid in [
            &b"\x82\x7f\x80\0\0\0\0\0\0\0"[..],
            b"\x82\x7f\0\0\0\x01\0\0\0\0",
            b"\x83\x00",
            b"\x89\x7e",
            b"\x09\x00",
        ] {
            assert_eq!(frame(invalid), ParsedFrame::Invalid, "{}", invalid.escape_ascii());
        }
    }
}
