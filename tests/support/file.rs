//! Capture files and link-layer frames, written from the formats' own descriptions and not with the
//! library that reads them.

/// A packet to be written.
#[derive(Clone, Debug)]
pub struct Record {
    /// Microseconds since 1970.
    pub micros: u64,
    /// From the link layer on.
    pub frame: Vec<u8>,
}

/// Byte order of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    Little,
    Big,
}

/// Resolution of a pcap file's time stamps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fraction {
    Micros,
    Nanos,
}

/// A pcap file (draft-ietf-opsawg-pcap).
pub fn pcap(order: Order, fraction: Fraction, link: u16, records: &[Record]) -> Vec<u8> {
    let mut file = Bytes { order, bytes: Vec::new() };
    file.u32(if fraction == Fraction::Nanos { 0xa1b2_3c4d } else { 0xa1b2_c3d4 });
    file.u16(2);
    file.u16(4);
    file.u32(0);
    file.u32(0);
    file.u32(262_144);
    file.u32(u32::from(link));
    for record in records {
        let micros = (record.micros % 1_000_000) as u32;
        file.u32((record.micros / 1_000_000) as u32);
        file.u32(if fraction == Fraction::Nanos { micros * 1_000 + 999 } else { micros });
        file.u32(record.frame.len() as u32);
        file.u32(record.frame.len() as u32);
        file.bytes.extend(&record.frame);
    }
    file.bytes
}

/// An interface of a pcapng section.
#[derive(Clone, Copy, Debug)]
pub struct Interface {
    pub link: u16,
    /// `if_tsresol`, if the option is written.
    pub resolution: Option<u8>,
    /// `if_tsoffset` in seconds, if the option is written.
    pub offset: Option<i64>,
}

/// A pcapng file (draft-ietf-opsawg-pcapng) in the making.
pub struct Pcapng {
    out: Bytes,
}

impl Pcapng {
    /// A file with one section.
    pub fn new(order: Order) -> Self {
        let mut file = Pcapng { out: Bytes { order, bytes: Vec::new() } };
        file.section(order);
        file
    }

    /// Begins a section with no interfaces.
    pub fn section(&mut self, order: Order) {
        self.out.order = order;
        let mut body = self.body();
        body.u32(0x1a2b_3c4d);
        body.u16(1);
        body.u16(0);
        body.u32(u32::MAX);
        body.u32(u32::MAX);
        self.block(0x0a0d_0d0a, body);
    }

    /// Describes the section's next interface.
    pub fn interface(&mut self, interface: Interface) {
        let mut body = self.body();
        body.u16(interface.link);
        body.u16(0);
        body.u32(0);
        body.option(2, b"eth0");
        if let Some(resolution) = interface.resolution {
            body.option(9, &[resolution]);
        }
        if let Some(offset) = interface.offset {
            let bytes = if body.order == Order::Big { offset.to_be_bytes() } else { offset.to_le_bytes() };
            body.option(14, &bytes);
        }
        body.option(0, b"");
        self.block(1, body);
    }

    /// An enhanced packet block; `units` is the time in the interface's resolution.
    pub fn enhanced(&mut self, interface: u32, units: u64, frame: &[u8]) {
        let mut body = self.body();
        body.u32(interface);
        body.u32((units >> 32) as u32);
        body.u32(units as u32);
        body.u32(frame.len() as u32);
        body.u32(frame.len() as u32);
        body.padded(frame);
        body.option(1, b"a comment");
        body.option(0, b"");
        self.block(6, body);
    }

    /// A simple packet block, which has neither time nor interface.
    pub fn simple(&mut self, frame: &[u8]) {
        let mut body = self.body();
        body.u32(frame.len() as u32);
        body.padded(frame);
        self.block(3, body);
    }

    /// An obsolete packet block.
    pub fn obsolete(&mut self, interface: u16, units: u64, frame: &[u8]) {
        let mut body = self.body();
        body.u16(interface);
        body.u16(u16::MAX);
        body.u32((units >> 32) as u32);
        body.u32(units as u32);
        body.u32(frame.len() as u32);
        body.u32(frame.len() as u32);
        body.padded(frame);
        self.block(2, body);
    }

    /// A block of a kind that has no packet.
    pub fn other(&mut self, kind: u32, content: &[u8]) {
        let mut body = self.body();
        body.padded(content);
        self.block(kind, body);
    }

    /// The file.
    pub fn finish(self) -> Vec<u8> {
        self.out.bytes
    }

    fn body(&self) -> Bytes {
        Bytes { order: self.out.order, bytes: Vec::new() }
    }

    fn block(&mut self, kind: u32, body: Bytes) {
        let len = body.bytes.len() as u32 + 12;
        self.out.u32(kind);
        self.out.u32(len);
        self.out.bytes.extend(body.bytes);
        self.out.u32(len);
    }
}

struct Bytes {
    order: Order,
    bytes: Vec<u8>,
}

impl Bytes {
    fn u16(&mut self, value: u16) {
        let bytes = if self.order == Order::Big { value.to_be_bytes() } else { value.to_le_bytes() };
        self.bytes.extend(bytes);
    }

    fn u32(&mut self, value: u32) {
        let bytes = if self.order == Order::Big { value.to_be_bytes() } else { value.to_le_bytes() };
        self.bytes.extend(bytes);
    }

    fn padded(&mut self, content: &[u8]) {
        self.bytes.extend(content);
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }

    fn option(&mut self, code: u16, value: &[u8]) {
        self.u16(code);
        self.u16(value.len() as u16);
        self.padded(value);
    }
}

/// A way to wrap an IP packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    Ethernet,
    Vlan,
    QinQ,
    Pppoe,
    VlanPppoe,
    Mpls,
    Raw,
    RawDlt12,
    RawDlt14,
    IpOnly,
    Cooked,
    Cooked2,
    CookedVlan,
    NullLittle,
    NullBig,
    Loop,
    Ppp,
    PppHdlc,
    PppCompressed,
    PppEther,
}

impl Link {
    pub const ALL: [Link; 20] = [
        Link::Ethernet,
        Link::Vlan,
        Link::QinQ,
        Link::Pppoe,
        Link::VlanPppoe,
        Link::Mpls,
        Link::Raw,
        Link::RawDlt12,
        Link::RawDlt14,
        Link::IpOnly,
        Link::Cooked,
        Link::Cooked2,
        Link::CookedVlan,
        Link::NullLittle,
        Link::NullBig,
        Link::Loop,
        Link::Ppp,
        Link::PppHdlc,
        Link::PppCompressed,
        Link::PppEther,
    ];

    /// LINKTYPE_ value of frames that carry `ip`.
    pub fn number(self, ip: &[u8]) -> u16 {
        match self {
            Link::Ethernet | Link::Vlan | Link::QinQ | Link::Pppoe | Link::VlanPppoe | Link::Mpls => 1,
            Link::Raw => 101,
            Link::RawDlt12 => 12,
            Link::RawDlt14 => 14,
            Link::IpOnly if is_v6(ip) => 229,
            Link::IpOnly => 228,
            Link::Cooked | Link::CookedVlan => 113,
            Link::Cooked2 => 276,
            Link::NullLittle | Link::NullBig => 0,
            Link::Loop => 108,
            Link::Ppp | Link::PppCompressed => 9,
            Link::PppHdlc => 50,
            Link::PppEther => 51,
        }
    }

    /// `ip` in a frame, with the padding that a card adds to a short Ethernet frame.
    pub fn wrap(self, ip: &[u8]) -> Vec<u8> {
        let ethertype: [u8; 2] = if is_v6(ip) { [0x86, 0xdd] } else { [0x08, 0x00] };
        let ppp: [u8; 2] = if is_v6(ip) { [0x00, 0x57] } else { [0x00, 0x21] };
        let pppoe_len = (ip.len() as u16 + 2).to_be_bytes();
        let pppoe = [&[0x11, 0x00, 0x00, 0x2a], &pppoe_len[..], &ppp[..]].concat();
        let family: u32 = if is_v6(ip) { 30 } else { 2 };
        let cooked = [&[0, 4, 0, 1, 0, 6][..], &MAC_SOURCE, &[0, 0]].concat();
        let head: Vec<u8> = match self {
            Link::Ethernet => [&MACS[..], &ethertype].concat(),
            Link::Vlan => [&MACS[..], &[0x81, 0x00, 0x20, 0x07], &ethertype].concat(),
            Link::QinQ => [&MACS[..], &[0x88, 0xa8, 0x00, 0x64, 0x81, 0x00, 0x00, 0x07], &ethertype].concat(),
            Link::Pppoe => [&MACS[..], &[0x88, 0x64], &pppoe].concat(),
            Link::VlanPppoe => [&MACS[..], &[0x81, 0x00, 0x00, 0x07, 0x88, 0x64], &pppoe].concat(),
            // Two labels, the second with the bottom-of-stack bit.
            Link::Mpls => [&MACS[..], &[0x88, 0x47, 0, 1, 0, 64, 0, 2, 1, 64]].concat(),
            Link::Raw | Link::RawDlt12 | Link::RawDlt14 | Link::IpOnly => Vec::new(),
            Link::Cooked => [&cooked[..], &ethertype].concat(),
            Link::CookedVlan => [&cooked[..], &[0x81, 0x00, 0x00, 0x07], &ethertype].concat(),
            Link::Cooked2 => [&ethertype[..], &[0, 0, 0, 0, 0, 2, 0, 1, 4, 6], &MAC_SOURCE, &[0, 0]].concat(),
            Link::NullLittle => family.to_le_bytes().to_vec(),
            Link::NullBig | Link::Loop => family.to_be_bytes().to_vec(),
            Link::Ppp => ppp.to_vec(),
            Link::PppCompressed => vec![ppp[1]],
            Link::PppHdlc => [&[0xff, 0x03], &ppp[..]].concat(),
            Link::PppEther => pppoe,
        };
        let mut frame = [&head[..], ip].concat();
        if self.number(ip) == 1 {
            frame.resize(frame.len().max(60), 0x5a);
        }
        frame
    }
}

fn is_v6(ip: &[u8]) -> bool {
    ip.first().is_some_and(|first| first >> 4 == 6)
}

/// Link-layer source address of every frame that has one.
pub const MAC_SOURCE: [u8; 6] = [0x02, 0, 0, 0, 0, 0x0a];
/// Destination and source of an Ethernet frame.
const MACS: [u8; 12] = [0x02, 0, 0, 0, 0, 0x01, 0x02, 0, 0, 0, 0, 0x0a];
