//! Elements of nftables' sets over netlink.
//!
//! A process of `nft` costs milliseconds and a megabyte each time, too much for what is said twice a second. The
//! messages are few and fixed: `nfnetlink` batches (linux/netfilter/nfnetlink.h) of `NFT_MSG_NEWSETELEM` and
//! `NFT_MSG_DELSETELEM` (linux/netfilter/nf_tables.h). By hand they take 4 KB of flash; the crates for nftables
//! bind C libraries, or bring all of its objects.

use std::io;
use std::os::fd::OwnedFd;

use rustix::net::netlink::{self, SocketAddrNetlink};
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, bind, recv, sendto, socket_with,
};

/// A socket to nftables.
#[derive(Debug)]
pub(super) struct NftSocket {
    socket: OwnedFd,
    sequence: u32,
}

impl NftSocket {
    /// Opens one.
    ///
    /// # Errors
    /// Those of socket(2) and bind(2).
    pub(super) fn open() -> io::Result<Self> {
        Ok(NftSocket { socket: netfilter_socket(0)?, sequence: 0 })
    }

    /// Has `elements`, keys of one byte, stand in `set` of our table for the set's own timeout from now on.
    ///
    /// # Errors
    /// `NotFound` where there is no such table or set; `PermissionDenied` without CAP_NET_ADMIN; others of
    /// nf_tables.
    pub(super) fn renew(&mut self, set: &str, elements: &[u8]) -> io::Result<()> {
        let mut batch = Batch::new(self.sequence);
        // An element that is there keeps its end when it is added. Added it can be deleted, however, whether it was
        // there or not, and then added anew, all in one transaction.
        for kind in [NFT_MSG_NEWSETELEM, NFT_MSG_DELSETELEM, NFT_MSG_NEWSETELEM] {
            batch.elements(kind, set, elements);
        }
        let (bytes, sequence) = batch.finish();
        self.sequence = sequence;
        sendto(&self.socket, &bytes, SendFlags::empty(), &SocketAddrNetlink::new(0, 0))?;
        self.outcome()
    }

    /// The kernel has answered by the time that a batch is sent: an acknowledgement, or an error for each message.
    fn outcome(&self) -> io::Result<()> {
        let mut outcome = Ok(());
        let mut buffer = [0; 4_096];
        loop {
            let length = match recv(&self.socket, &mut buffer[..], RecvFlags::DONTWAIT) {
                Ok((length, _)) => length,
                Err(rustix::io::Errno::AGAIN) => return outcome,
                Err(error) => return Err(error.into()),
            };
            for error in errors(buffer.get(..length).unwrap_or_default()) {
                if error != 0 && outcome.is_ok() {
                    outcome = Err(io::Error::from_raw_os_error(error));
                }
            }
        }
    }
}

/// A socket to netfilter that hears the multicast `groups`, a bit each.
///
/// # Errors
/// Those of socket(2) and bind(2).
pub(super) fn netfilter_socket(groups: u32) -> io::Result<OwnedFd> {
    let socket =
        socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, Some(netlink::NETFILTER))?;
    bind(&socket, &SocketAddrNetlink::new(0, groups))?;
    Ok(socket)
}

/// The error numbers in answers of the kernel; 0 is an acknowledgement (netlink(7), `NLMSG_ERROR`).
fn errors(answers: &[u8]) -> impl Iterator<Item = i32> {
    messages(answers)
        .filter(|(kind, _)| *kind == NLMSG_ERROR)
        .map_while(|(_, body)| Some(i32::from_ne_bytes(*body.first_chunk()?).wrapping_neg()))
}

/// Kind and body of each whole message (netlink(7), `struct nlmsghdr`).
pub(super) fn messages(mut bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    core::iter::from_fn(move || {
        let length = u32::from_ne_bytes(*bytes.first_chunk()?) as usize;
        let message = bytes.get(..length)?;
        bytes = bytes.get(align(length)..).unwrap_or_default();
        let kind = u16::from_ne_bytes(*message.get(4..)?.first_chunk()?);
        Some((kind, message.get(NLMSG_HEADER_BYTES..)?))
    })
}

/// Messages of one transaction.
struct Batch {
    bytes: Vec<u8>,
    sequence: u32,
}

impl Batch {
    fn new(sequence: u32) -> Self {
        let mut batch = Batch { bytes: Vec::with_capacity(512), sequence };
        batch.message(NFNL_MSG_BATCH_BEGIN, NLM_F_REQUEST, AF_UNSPEC, NFNL_SUBSYS_NFTABLES, |_| {});
        batch
    }

    fn elements(&mut self, kind: u16, set: &str, elements: &[u8]) {
        let flags = NLM_F_REQUEST
            | match kind {
                NFT_MSG_NEWSETELEM => NLM_F_CREATE | NLM_F_ACK,
                _ => 0,
            };
        self.message(NFNL_SUBSYS_NFTABLES << 8 | kind, flags, NFPROTO_INET, 0, |bytes| {
            string(bytes, NFTA_SET_ELEM_LIST_TABLE, "minewall");
            string(bytes, NFTA_SET_ELEM_LIST_SET, set);
            nested(bytes, NFTA_SET_ELEM_LIST_ELEMENTS, |bytes| {
                for element in elements {
                    nested(bytes, NFTA_LIST_ELEM, |bytes| {
                        nested(bytes, NFTA_SET_ELEM_KEY, |bytes| {
                            attribute(bytes, NFTA_DATA_VALUE, &[*element]);
                        });
                    });
                }
            });
        });
    }

    /// A message: `struct nlmsghdr`, `struct nfgenmsg`, and the attributes that `body` appends.
    fn message(&mut self, kind: u16, flags: u16, family: u8, resource: u16, body: impl FnOnce(&mut Vec<u8>)) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&[0; 4]);
        self.bytes.extend_from_slice(&kind.to_ne_bytes());
        self.bytes.extend_from_slice(&flags.to_ne_bytes());
        self.bytes.extend_from_slice(&self.sequence.to_ne_bytes());
        self.bytes.extend_from_slice(&[0; 4]);
        self.bytes.extend_from_slice(&[family, NFNETLINK_V0]);
        self.bytes.extend_from_slice(&resource.to_be_bytes());
        body(&mut self.bytes);
        let length = (self.bytes.len() - start) as u32;
        self.bytes[start..start + 4].copy_from_slice(&length.to_ne_bytes());
        self.sequence = self.sequence.wrapping_add(1);
    }

    fn finish(mut self) -> (Vec<u8>, u32) {
        self.message(NFNL_MSG_BATCH_END, NLM_F_REQUEST, AF_UNSPEC, NFNL_SUBSYS_NFTABLES, |_| {});
        (self.bytes, self.sequence)
    }
}

/// Appends an attribute (`struct nlattr`), padded to four bytes.
fn attribute(bytes: &mut Vec<u8>, kind: u16, value: &[u8]) {
    bytes.extend_from_slice(&((NLA_HEADER_BYTES + value.len()) as u16).to_ne_bytes());
    bytes.extend_from_slice(&kind.to_ne_bytes());
    bytes.extend_from_slice(value);
    bytes.resize(align(bytes.len()), 0);
}

/// Appends a string with its terminating zero.
fn string(bytes: &mut Vec<u8>, kind: u16, value: &str) {
    attribute(bytes, kind, &[value.as_bytes(), b"\0"].concat());
}

/// Appends an attribute that consists of those that `body` appends.
fn nested(bytes: &mut Vec<u8>, kind: u16, body: impl FnOnce(&mut Vec<u8>)) {
    let start = bytes.len();
    attribute(bytes, kind | NLA_F_NESTED, &[]);
    body(bytes);
    let length = (bytes.len() - start) as u16;
    bytes[start..start + 2].copy_from_slice(&length.to_ne_bytes());
}

/// The next multiple of four, to which messages and attributes are padded.
const fn align(length: usize) -> usize {
    (length + 3) & !3
}

// linux/netlink.h
const NLMSG_HEADER_BYTES: usize = 16;
const NLMSG_ERROR: u16 = 2;
const NLM_F_REQUEST: u16 = 1;
const NLM_F_ACK: u16 = 4;
const NLM_F_CREATE: u16 = 0x400;
const NLA_HEADER_BYTES: usize = 4;
const NLA_F_NESTED: u16 = 1 << 15;
// linux/netfilter/nfnetlink.h
const NFNETLINK_V0: u8 = 0;
pub(super) const NFNL_SUBSYS_NFTABLES: u16 = 10;
const NFNL_MSG_BATCH_BEGIN: u16 = 0x10;
const NFNL_MSG_BATCH_END: u16 = 0x11;
// linux/netfilter.h
const AF_UNSPEC: u8 = 0;
const NFPROTO_INET: u8 = 1;
// linux/netfilter/nf_tables.h
const NFT_MSG_NEWSETELEM: u16 = 12;
const NFT_MSG_DELSETELEM: u16 = 14;
const NFTA_SET_ELEM_LIST_TABLE: u16 = 1;
const NFTA_SET_ELEM_LIST_SET: u16 = 2;
const NFTA_SET_ELEM_LIST_ELEMENTS: u16 = 3;
const NFTA_LIST_ELEM: u16 = 1;
const NFTA_SET_ELEM_KEY: u16 = 1;
const NFTA_DATA_VALUE: u16 = 1;

#[cfg(test)]
mod tests {
    use super::*;

    /// Every message and attribute begins at a multiple of four and has the length that it says.
    #[test]
    fn a_batch_is_well_formed() {
        let mut batch = Batch::new(7);
        batch.elements(NFT_MSG_NEWSETELEM, "alive", &[6, 17]);
        let (bytes, sequence) = batch.finish();
        assert_eq!(sequence, 10);
        let (mut rest, mut kinds) = (&bytes[..], Vec::new());
        while let Some(length) = rest.first_chunk() {
            let length = u32::from_ne_bytes(*length) as usize;
            assert_eq!(length % 4, 0);
            kinds.push(u16::from_ne_bytes([rest[4], rest[5]]));
            rest = &rest[length..];
        }
        assert_eq!(kinds, [NFNL_MSG_BATCH_BEGIN, 10 << 8 | NFT_MSG_NEWSETELEM, NFNL_MSG_BATCH_END]);
        assert!(rest.is_empty());
    }

    #[test]
    fn errors_are_found_among_answers() {
        let answer = |kind: u16, error: i32| {
            let mut bytes = Vec::from(20_u32.to_ne_bytes());
            bytes.extend_from_slice(&kind.to_ne_bytes());
            bytes.extend_from_slice(&[0; 10]);
            bytes.extend_from_slice(&error.to_ne_bytes());
            bytes
        };
        let answers = [answer(NLMSG_ERROR, 0), answer(9, -1), answer(NLMSG_ERROR, -2)].concat();
        assert_eq!(errors(&answers).collect::<Vec<_>>(), [0, 2]);
        for length in 0..answers.len() {
            let _ = errors(&answers[..length]).count();
        }
        assert_eq!(errors(&[0; 64]).count(), 0);
    }
}
