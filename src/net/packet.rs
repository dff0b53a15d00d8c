//! Step 1: the bytes of an IP packet become a TCP segment.
//!
//! Lengths are checked here, once; a [`Segment`] cannot be malformed. What is not a TCP segment is
//! told apart by [`Unreadable`], and each kind has a defined verdict (accept) and counter.

use etherparse::{LaxIpSlice, TcpSlice, ip_number};

use super::endpoint::Endpoint;

/// A TCP segment, as the flow tracker needs it.
#[derive(Clone, Copy, Debug)]
pub struct Segment<'a> {
    /// Sender.
    pub src: Endpoint,
    /// Receiver.
    pub dst: Endpoint,
    /// Sequence number of the first payload byte (of the SYN itself, if set).
    pub seq: u32,
    /// Acknowledgement number.
    pub ack: u32,
    /// Connection attempt or its answer.
    pub syn: bool,
    /// The acknowledgement number is valid.
    pub has_ack: bool,
    /// The sender will send no more.
    pub fin: bool,
    /// The connection is torn down.
    pub rst: bool,
    /// Most receivers leave out the byte that the urgent pointer marks (RFC 6093 section 3.2).
    pub urg: bool,
    /// Payload bytes at hand.
    pub payload: &'a [u8],
    /// Payload bytes on the wire; more than `payload.len()` where the copy was cut short.
    pub payload_len: u32,
}

/// Why a packet is not a TCP segment we can follow. All of them are accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// The packet carries another transport protocol.
    NotTcp,
    /// A fragment; conntrack reassembles before the queue, so only captures hold these.
    Fragment,
    /// A header that contradicts itself or ends early: damaged, or cut by a capture's snap length.
    Malformed,
}

/// Reads the IP packet `bytes`, which may be cut short.
///
/// # Errors
/// [`Unreadable`], by what the packet is instead of a TCP segment.
pub fn parse(bytes: &[u8]) -> Result<Segment<'_>, Unreadable> {
    let (ip, _) = LaxIpSlice::from_slice(bytes).map_err(|_| Unreadable::Malformed)?;
    if ip.is_fragmenting_payload() {
        return Err(Unreadable::Fragment);
    }
    if ip.payload_ip_number() != ip_number::TCP {
        return Err(Unreadable::NotTcp);
    }
    let transport = ip.payload().payload;
    let tcp = TcpSlice::from_slice(transport).map_err(|_| Unreadable::Malformed)?;
    let total_len = match &ip {
        LaxIpSlice::Ipv4(v4) => usize::from(v4.header().total_len()),
        LaxIpSlice::Ipv6(v6) => IPV6_HEADER_LEN + usize::from(v6.header().payload_length()),
    };
    let headers_len = (transport.as_ptr() as usize - bytes.as_ptr() as usize) + tcp.header_slice().len();
    Ok(Segment {
        src: Endpoint::new(ip.source_addr(), tcp.source_port()),
        dst: Endpoint::new(ip.destination_addr(), tcp.destination_port()),
        seq: tcp.sequence_number(),
        ack: tcp.acknowledgment_number(),
        syn: tcp.syn(),
        has_ack: tcp.ack(),
        fin: tcp.fin(),
        rst: tcp.rst(),
        urg: tcp.urg(),
        payload: tcp.payload(),
        // A total length of zero is a packet that the card had yet to segment when it was captured.
        payload_len: total_len.saturating_sub(headers_len).max(tcp.payload().len()) as u32,
    })
}

/// A UDP datagram.
#[derive(Clone, Copy, Debug)]
pub struct Datagram<'a> {
    /// Sender.
    pub src: Endpoint,
    /// Receiver.
    pub dst: Endpoint,
    /// Payload at hand, which may be cut short.
    pub payload: &'a [u8],
}

/// Reads the UDP datagram (RFC 768) in the IP packet `bytes`; `None` for anything else.
pub fn datagram(bytes: &[u8]) -> Option<Datagram<'_>> {
    let (ip, _) = LaxIpSlice::from_slice(bytes).ok()?;
    if ip.is_fragmenting_payload() || ip.payload_ip_number() != ip_number::UDP {
        return None;
    }
    let (header, payload) = ip.payload().payload.split_first_chunk::<UDP_HEADER_LEN>()?;
    let [src_high, src_low, dst_high, dst_low, len_high, len_low, ..] = *header;
    let len = usize::from(u16::from_be_bytes([len_high, len_low])).checked_sub(UDP_HEADER_LEN)?;
    Some(Datagram {
        src: Endpoint::new(ip.source_addr(), u16::from_be_bytes([src_high, src_low])),
        dst: Endpoint::new(ip.destination_addr(), u16::from_be_bytes([dst_high, dst_low])),
        payload: payload.get(..len).unwrap_or(payload),
    })
}

const UDP_HEADER_LEN: usize = 8;
/// RFC 8200 section 3.
const IPV6_HEADER_LEN: usize = 40;
