//! From a captured frame to the IP packet in it.

use super::bytes::ByteOrder;
use crate::engine::Packet;
use crate::verdict::Reason;

/// Type of a captured frame's first header (a LINKTYPE_ value of draft-ietf-opsawg-pcaplinktype).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkType(pub u16);

/// Why a frame has no IP packet to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotIp {
    /// The frame carries another protocol: ARP, LLDP, PPP's own.
    OtherProtocol,
    /// The frame ends inside its link-layer header: damaged, or cut by a tiny snap length.
    Malformed,
    /// We can't read this kind of link.
    UnsupportedLink,
}

impl LinkType {
    /// LINKTYPE_NULL: BSD loopback, address family in the byte order of the capturing host.
    pub const NULL: LinkType = LinkType(0);
    /// LINKTYPE_ETHERNET.
    pub const ETHERNET: LinkType = LinkType(1);
    /// LINKTYPE_PPP: with or without HDLC-like framing (RFC 1662).
    pub const PPP: LinkType = LinkType(9);
    /// LINKTYPE_PPP_HDLC: with it.
    pub const PPP_HDLC: LinkType = LinkType(50);
    /// LINKTYPE_PPP_ETHER: from the PPPoE header on (RFC 2516).
    pub const PPP_ETHER: LinkType = LinkType(51);
    /// LINKTYPE_RAW: an IP packet of either version.
    pub const RAW: LinkType = LinkType(101);
    /// DLT_RAW as most systems number it, which some programs write into files.
    pub const DLT_RAW: LinkType = LinkType(12);
    /// DLT_RAW as OpenBSD numbers it.
    pub const DLT_RAW_OPENBSD: LinkType = LinkType(14);
    /// LINKTYPE_LOOP: like NULL, in network byte order.
    pub const LOOP: LinkType = LinkType(108);
    /// LINKTYPE_LINUX_SLL: Linux cooked, version 1.
    pub const LINUX_SLL: LinkType = LinkType(113);
    /// LINKTYPE_IPV4.
    pub const IPV4: LinkType = LinkType(228);
    /// LINKTYPE_IPV6.
    pub const IPV6: LinkType = LinkType(229);
    /// LINKTYPE_LINUX_SLL2: Linux cooked, version 2.
    pub const LINUX_SLL2: LinkType = LinkType(276);
}

/// An IP packet of a capture, which says nothing of the router's devices; the model of the kernel says why it is queued.
pub(super) fn captured(bytes: &[u8], hw_addr: Option<[u8; 6]>) -> Packet<'_> {
    Packet { bytes, hw_addr, reason: Reason::Payload, turns_back: false }
}

/// The IP packet in `frame`, and who sent the frame where the link tells.
///
/// # Errors
/// [`NotIp`].
pub fn ip_packet(link: LinkType, frame: &[u8]) -> Result<Packet<'_>, NotIp> {
    let ip = |bytes| Ok(captured(bytes, None));
    match link {
        LinkType::ETHERNET => {
            let hw_addr = frame.get(6..12).and_then(|source| source.first_chunk().copied());
            let bytes = ethertype_payload(be16(frame, 12)?, rest(frame, 14)?)?;
            Ok(captured(bytes, hw_addr))
        }
        LinkType::LINUX_SLL => {
            let hw_addr = ethernet_addr(be16(frame, 4)?, rest(frame, 6)?);
            let bytes = ethertype_payload(be16(frame, 14)?, rest(frame, 16)?)?;
            Ok(captured(bytes, hw_addr))
        }
        LinkType::LINUX_SLL2 => {
            let addr_len = *frame.get(11).ok_or(NotIp::Malformed)?;
            let hw_addr = ethernet_addr(u16::from(addr_len), rest(frame, 12)?);
            let bytes = ethertype_payload(be16(frame, 0)?, rest(frame, 20)?)?;
            Ok(captured(bytes, hw_addr))
        }
        LinkType::RAW | LinkType::DLT_RAW | LinkType::DLT_RAW_OPENBSD | LinkType::IPV4 | LinkType::IPV6 => {
            ip(frame)
        }
        // The family tells v4 from v6, with a value and a byte order that depend on the capturing
        // system; the packet tells it too.
        LinkType::NULL | LinkType::LOOP => ip(by_version(rest(frame, 4)?)?),
        LinkType::PPP | LinkType::PPP_HDLC => ip(ppp_payload(frame)?),
        LinkType::PPP_ETHER => ip(ethertype_payload(ETHERTYPE_PPPOE_SESSION, frame)?),
        _ => Err(NotIp::UnsupportedLink),
    }
}

/// The payload after an EtherType, past VLAN tags, MPLS labels and a PPPoE session header.
fn ethertype_payload(mut ethertype: u16, mut bytes: &[u8]) -> Result<&[u8], NotIp> {
    loop {
        match ethertype {
            ETHERTYPE_IPV4 | ETHERTYPE_IPV6 => return Ok(bytes),
            ETHERTYPE_VLAN | ETHERTYPE_SERVICE_VLAN | ETHERTYPE_OLD_SERVICE_VLAN => {
                ethertype = be16(bytes, 2)?;
                bytes = rest(bytes, 4)?;
            }
            // RFC 2516 section 4: version and type, code, session, length, then PPP.
            ETHERTYPE_PPPOE_SESSION => return ppp_payload(rest(bytes, 6)?),
            ETHERTYPE_MPLS | ETHERTYPE_MPLS_MULTICAST => {
                // RFC 3032 section 2.1: the lowest bit of the third byte marks the last label.
                let last_label = bytes.get(2).ok_or(NotIp::Malformed)? & 1 == 1;
                bytes = rest(bytes, 4)?;
                if last_label {
                    return by_version(bytes);
                }
            }
            _ => return Err(NotIp::OtherProtocol),
        }
    }
}

/// The payload after the PPP protocol field, itself after HDLC's address and control where they are kept.
fn ppp_payload(bytes: &[u8]) -> Result<&[u8], NotIp> {
    // RFC 1662 section 3.1.
    let bytes = bytes.strip_prefix(&[0xff, 0x03]).unwrap_or(bytes);
    // RFC 1661 sections 2 and 6.5: the field is one byte if that byte is odd.
    let first = *bytes.first().ok_or(NotIp::Malformed)?;
    let (protocol, payload) =
        if first & 1 == 1 { (u16::from(first), rest(bytes, 1)?) } else { (be16(bytes, 0)?, rest(bytes, 2)?) };
    match protocol {
        PPP_IPV4 | PPP_IPV6 => Ok(payload),
        _ => Err(NotIp::OtherProtocol),
    }
}

/// `bytes`, if they begin like an IP packet; where the link doesn't tell what it carries.
fn by_version(bytes: &[u8]) -> Result<&[u8], NotIp> {
    match bytes.first().ok_or(NotIp::Malformed)? >> 4 {
        4 | 6 => Ok(bytes),
        _ => Err(NotIp::OtherProtocol),
    }
}

fn ethernet_addr(addr_len: u16, field: &[u8]) -> Option<[u8; 6]> {
    if addr_len == 6 { field.first_chunk().copied() } else { None }
}

fn be16(bytes: &[u8], at: usize) -> Result<u16, NotIp> {
    ByteOrder::Big.u16(bytes, at).ok_or(NotIp::Malformed)
}

fn rest(bytes: &[u8], from: usize) -> Result<&[u8], NotIp> {
    bytes.get(from..).ok_or(NotIp::Malformed)
}

const ETHERTYPE_IPV4: u16 = 0x0800;
const ETHERTYPE_IPV6: u16 = 0x86dd;
/// IEEE 802.1Q.
const ETHERTYPE_VLAN: u16 = 0x8100;
/// IEEE 802.1ad.
const ETHERTYPE_SERVICE_VLAN: u16 = 0x88a8;
/// EtherType of service VLANs before IEEE 802.1ad.
const ETHERTYPE_OLD_SERVICE_VLAN: u16 = 0x9100;
const ETHERTYPE_MPLS: u16 = 0x8847;
const ETHERTYPE_MPLS_MULTICAST: u16 = 0x8848;
const ETHERTYPE_PPPOE_SESSION: u16 = 0x8864;
/// RFC 1332 section 2, RFC 5072 section 2.
const PPP_IPV4: u16 = 0x0021;
const PPP_IPV6: u16 = 0x0057;
