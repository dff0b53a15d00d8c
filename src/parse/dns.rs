//! DNS answers (RFC 1035 section 4): which names led to which addresses, and for how long.
//!
//! Answers may come from any sender, so nothing is believed that doesn't follow from the question:
//! an address counts if its owner is the name that was asked for, or that name's alias at the end of a
//! chain of CNAMEs. A name is compressed by few pointers, and backwards only, so reading it ends soon.

use core::net::IpAddr;

use heapless::Vec;

use crate::limits::{DNS_ADDRESSES, DNS_CHAIN, DNS_POINTERS, DNS_RECORDS, NAME_BYTES};
use crate::net::host_name::HostName;
use crate::parse::fit::Fit;

/// Names, and the addresses that they lead to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Resolution {
    /// The name that was asked for, and its aliases in the order of the chain.
    pub names: Vec<HostName, DNS_CHAIN>,
    /// Addresses of the last of them.
    pub addrs: Vec<IpAddr, DNS_ADDRESSES>,
    /// Seconds for which that may be remembered: the shortest time to live of all records used.
    pub ttl: u32,
}

/// Why a message gives no address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoAddress {
    /// The message is no answer to one question.
    Foreign,
    /// There is no such name, or it has none of the addresses that were asked for.
    Empty,
    /// The server can't say, or won't.
    Failed,
    /// The message contradicts itself, or was cut short before any address.
    Broken,
}

impl Resolution {
    /// Reads a message as it stands in a UDP datagram, which may be cut short.
    ///
    /// # Errors
    /// It doesn't answer one question with an address; the variant says why.
    pub(crate) fn read(message: &[u8]) -> Result<Self, NoAddress> {
        let header = message.first_chunk::<HEADER_BYTES>();
        let Some([_, _, flags, code, 0, 1, answers @ .., _, _, _, _]) = header else {
            return Err(NoAddress::Foreign);
        };
        match (flags & (RESPONSE | OPCODE), code & RCODE) {
            (RESPONSE, NO_ERROR) => {}
            (RESPONSE, NO_SUCH_NAME) => return Err(NoAddress::Empty),
            (RESPONSE, _) => return Err(NoAddress::Failed),
            _ => return Err(NoAddress::Foreign),
        }
        let (question, at) = name(message, HEADER_BYTES).ok_or(NoAddress::Broken)?;
        // Its type and class.
        let records = Records { message, at: at + 4, left: u16::from_be_bytes(*answers).min(DNS_RECORDS) };
        let mut resolution = Resolution { names: Vec::new(), addrs: Vec::new(), ttl: u32::MAX };
        // What is no host name has no address to connect to.
        let mut tail = question.ok_or(NoAddress::Empty)?;
        loop {
            let mut alias = None;
            for record in records.clone().filter(|record| record.owner.as_ref() == Some(&tail)) {
                let addr = match (record.kind, record.data) {
                    (CNAME, _) => {
                        alias = name(message, record.data_at)
                            .and_then(|(name, _)| name)
                            .map(|name| (name, record.ttl));
                        continue;
                    }
                    (A, data) => <[u8; 4]>::try_from(data).ok().map(IpAddr::from),
                    (AAAA, data) => <[u8; 16]>::try_from(data).ok().map(IpAddr::from),
                    _ => None,
                };
                if let Some(addr) = addr.filter(|addr| !resolution.addrs.contains(addr)) {
                    resolution.ttl = resolution.ttl.min(record.ttl);
                    // What is beyond the room is not known.
                    let _ = resolution.addrs.push(addr);
                }
            }
            let is_over = resolution.names.contains(&tail) || resolution.names.push(tail).is_err();
            match alias {
                Some((name, ttl)) if !is_over && resolution.addrs.is_empty() => {
                    resolution.ttl = resolution.ttl.min(ttl);
                    tail = name;
                }
                _ if !resolution.addrs.is_empty() => return Ok(resolution),
                _ if flags & TRUNCATED == 0 && records.is_whole() => return Err(NoAddress::Empty),
                _ => return Err(NoAddress::Broken),
            }
        }
    }
}

/// Whether `bytes` begin a query over TCP: its length, and a header that asks one question (RFC 1035
/// section 4.2.2).
pub(crate) fn opens_query(bytes: &[u8]) -> Fit {
    let fits = |at: usize, byte: u8| match at {
        // A name server is asked in less than 512 bytes.
        0 => byte < 2,
        4 => byte & (RESPONSE | OPCODE | TRUNCATED) == 0,
        5 => byte & RCODE == 0,
        6 | 8 | 9 | 10 | 11 | 12 => byte == 0,
        7 => byte == 1,
        // Extensions (RFC 6891) and a signature.
        13 => byte <= 2,
        _ => true,
    };
    match bytes.iter().take(14).enumerate().all(|(at, &byte)| fits(at, byte)) {
        true if bytes.len() < 14 => Fit::Maybe,
        true => Fit::Yes,
        false => Fit::No,
    }
}

/// A resource record.
#[derive(Debug)]
struct ResourceRecord<'a> {
    owner: Option<HostName>,
    kind: u16,
    ttl: u32,
    data: &'a [u8],
    data_at: usize,
}

#[derive(Clone)]
struct Records<'a> {
    message: &'a [u8],
    at: usize,
    left: u16,
}

impl Records<'_> {
    /// Whether all that are announced are there, and addresses have the length of one.
    fn is_whole(&self) -> bool {
        let is_sound = |record: &ResourceRecord<'_>| match record.kind {
            A => record.data.len() == 4,
            AAAA => record.data.len() == 16,
            _ => true,
        };
        self.clone().take_while(is_sound).count() == usize::from(self.left)
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = ResourceRecord<'a>;

    fn next(&mut self) -> Option<ResourceRecord<'a>> {
        self.left = self.left.checked_sub(1)?;
        let (owner, at) = name(self.message, self.at)?;
        let fields = self.message.get(at..)?.first_chunk::<10>()?;
        let [kind_high, kind_low, _, _, ttl @ .., len_high, len_low] = fields;
        let len = usize::from(u16::from_be_bytes([*len_high, *len_low]));
        let data_at = at + fields.len();
        let data = self.message.get(data_at..data_at + len)?;
        self.at = data_at + len;
        // RFC 2181 section 8: a time to live with the highest bit set is zero.
        let ttl = u32::from_be_bytes(*ttl);
        let ttl = if ttl > i32::MAX as u32 { 0 } else { ttl };
        Some(ResourceRecord { owner, kind: u16::from_be_bytes([*kind_high, *kind_low]), ttl, data, data_at })
    }
}

/// The name at `at` of `message`, if it is a host name, and where what follows it begins; `None` if it
/// is broken.
fn name(message: &[u8], at: usize) -> Option<(Option<HostName>, usize)> {
    let mut text = Vec::<u8, { NAME_BYTES + 1 }>::new();
    let mut fits = true;
    let (mut at, mut from, mut end) = (at, at, None);
    let mut pointers = 0;
    loop {
        if let (false, Some(end)) = (fits, end) {
            return Some((None, end));
        }
        match *message.get(at)? {
            0 => break,
            len @ 1..=63 => {
                let label = message.get(at + 1..at + 1 + usize::from(len))?;
                // A dot inside a label would pass for two labels.
                fits &= !label.contains(&b'.')
                    && text.extend_from_slice(label).is_ok()
                    && text.push(b'.').is_ok();
                at += 1 + label.len();
            }
            high @ 0xc0.. => {
                let to = usize::from(u16::from_be_bytes([high & 0x3f, *message.get(at + 1)?]));
                end = end.or(Some(at + 2));
                pointers += 1;
                if to >= from || pointers > DNS_POINTERS {
                    return None;
                }
                (at, from) = (to, to);
            }
            // RFC 6891 section 5: other kinds of labels are obsolete.
            _ => return None,
        }
    }
    Some((if fits { HostName::parse(&text) } else { None }, end.unwrap_or(at + 1)))
}

const HEADER_BYTES: usize = 12;
/// Flag in the first byte (RFC 1035 section 4.1.1).
const RESPONSE: u8 = 0x80;
const OPCODE: u8 = 0x78;
const TRUNCATED: u8 = 0x02;
/// Mask of the response code in the second byte.
const RCODE: u8 = 0x0f;
const NO_ERROR: u8 = 0;
const NO_SUCH_NAME: u8 = 3;
const A: u16 = 1;
const CNAME: u16 = 5;
const AAAA: u16 = 28;

#[cfg(test)]
mod tests;
