//! SOCKS in the clear: version 4 and 4a (their memoranda), version 5 (RFC 1928), user and password
//! (RFC 1929). Only `CONNECT` with an outcome of success leads to a tunnel.

use core::net::{Ipv4Addr, Ipv6Addr};

use crate::net::authority::{Authority, AuthorityHost};

/// State at the head of one direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Socks {
    /// A step of the handshake, so many bytes long.
    Step(usize),
    /// The last step, so many bytes long: the tunnel begins behind it.
    Tunnel(usize),
    /// More bytes are needed.
    NeedMore,
    /// Something else, or a refusal.
    Foreign,
}

/// The first message of a SOCKS 5 client: version, number of methods, methods.
///
/// The count and the methods are held to what RFC 1928 section 3 and IANA assign, so that a random
/// key passes for a greeting less than once in 10,000.
pub(crate) fn greeting(bytes: &[u8]) -> Socks {
    let [VERSION_5, rest @ ..] = bytes else { return missing(bytes) };
    let [count @ 1..=8, rest @ ..] = rest else { return missing(rest) };
    let methods = rest.get(..usize::from(*count));
    if !methods.unwrap_or(rest).iter().all(|method| matches!(method, 0..=9 | 0x80..=0xfe)) {
        return Socks::Foreign;
    }
    methods.map_or(Socks::NeedMore, |methods| Socks::Step(2 + methods.len()))
}

/// Next message of a SOCKS 5 client: its user and password, or its request.
pub(crate) fn request(bytes: &[u8]) -> Socks {
    match bytes {
        [] => Socks::NeedMore,
        [1, ..] => {
            let user = bytes.get(1).map(|&len| 2 + usize::from(len));
            let password = user.and_then(|at| Some(at + 1 + usize::from(*bytes.get(at)?)));
            password.filter(|&end| end <= bytes.len()).map_or(Socks::NeedMore, Socks::Step)
        }
        [VERSION_5] | [VERSION_5, CONNECT] => Socks::NeedMore,
        [VERSION_5, CONNECT, 0, rest @ ..] => address(3, rest),
        _ => Socks::Foreign,
    }
}

/// Target of a whole request of version 5.
pub(crate) fn target(bytes: &[u8]) -> Option<Authority> {
    let [VERSION_5, CONNECT, 0, rest @ ..] = bytes else { return None };
    let (host, port) = match rest {
        [1, rest @ ..] => {
            let (addr, rest) = rest.split_first_chunk::<4>()?;
            (AuthorityHost::Addr(Ipv4Addr::from(*addr).into()), rest)
        }
        [3, len, rest @ ..] => {
            let (name, rest) = rest.split_at_checked(usize::from(*len))?;
            (AuthorityHost::parse(name)?, rest)
        }
        [4, rest @ ..] => {
            let (addr, rest) = rest.split_first_chunk::<16>()?;
            (AuthorityHost::Addr(Ipv6Addr::from(*addr).into()), rest)
        }
        _ => return None,
    };
    Some(Authority { host, port: Some(u16::from_be_bytes(*port.first_chunk()?)) })
}

/// Target of a whole request of version 4 or 4a.
pub(crate) fn target_4(bytes: &[u8]) -> Option<Authority> {
    let [VERSION_4, CONNECT, high, low, addr @ ..] = bytes else { return None };
    let (addr, rest) = addr.split_first_chunk::<4>()?;
    let user = name(rest).ok()?;
    let host = match addr {
        [0, 0, 0, last] if *last != 0 => {
            let rest = rest.get(user..)?;
            AuthorityHost::parse(rest.get(..name(rest).ok()?.checked_sub(1)?)?)?
        }
        _ => AuthorityHost::Addr(Ipv4Addr::from(*addr).into()),
    };
    Some(Authority { host, port: Some(u16::from_be_bytes([*high, *low])) })
}

/// The method a SOCKS 5 server chooses.
pub(crate) fn method(bytes: &[u8]) -> Socks {
    match bytes {
        [] | [VERSION_5] => Socks::NeedMore,
        [VERSION_5, 0 | 2, ..] => Socks::Step(2),
        _ => Socks::Foreign,
    }
}

/// Next message of a SOCKS 5 server: acceptance of the password, or the result of the request.
pub(crate) fn reply(bytes: &[u8]) -> Socks {
    match bytes {
        [] | [1] | [VERSION_5] | [VERSION_5, 0] => Socks::NeedMore,
        [1, 0, ..] => Socks::Step(2),
        [VERSION_5, 0, 0, rest @ ..] => address(3, rest),
        _ => Socks::Foreign,
    }
}

/// A SOCKS 4 or 4a request: version, command, port, address, user, and for addresses 0.0.0.x a name.
pub(crate) fn request_4(bytes: &[u8]) -> Socks {
    let [VERSION_4, rest @ ..] = bytes else { return missing(bytes) };
    let [CONNECT, rest @ ..] = rest else { return missing(rest) };
    let [_, _, a, b, c, d, rest @ ..] = rest else { return Socks::NeedMore };
    let user = match name(rest) {
        Ok(len) => len,
        Err(otherwise) => return otherwise,
    };
    if [*a, *b, *c] != [0, 0, 0] || *d == 0 {
        return Socks::Tunnel(8 + user);
    }
    match name(rest.get(user..).unwrap_or_default()) {
        Ok(len) => Socks::Tunnel(8 + user + len),
        Err(otherwise) => otherwise,
    }
}

/// The answer to a SOCKS 4 request: a zero, 90 for success, port and address.
pub(crate) fn reply_4(bytes: &[u8]) -> Socks {
    match bytes {
        [0, 90, _, _, _, _, _, _, ..] => Socks::Tunnel(8),
        [] | [0] => Socks::NeedMore,
        [0, 90, ..] => Socks::NeedMore,
        _ => Socks::Foreign,
    }
}

fn missing(rest: &[u8]) -> Socks {
    if rest.is_empty() { Socks::NeedMore } else { Socks::Foreign }
}

/// Address and port, `before` bytes into the message.
fn address(before: usize, bytes: &[u8]) -> Socks {
    let len = match bytes {
        [] | [3] => return Socks::NeedMore,
        [1, ..] => 1 + 4 + 2,
        [3, len, ..] => 2 + usize::from(*len) + 2,
        [4, ..] => 1 + 16 + 2,
        _ => return Socks::Foreign,
    };
    if bytes.len() < len { Socks::NeedMore } else { Socks::Tunnel(before + len) }
}

/// Length of a printable string with its closing zero.
fn name(bytes: &[u8]) -> Result<usize, Socks> {
    let len = bytes.iter().take_while(|byte| byte.is_ascii_graphic()).take(NAME_MAX).count();
    match bytes.get(len) {
        Some(0) => Ok(len + 1),
        None if len < NAME_MAX => Err(Socks::NeedMore),
        _ => Err(Socks::Foreign),
    }
}

const VERSION_4: u8 = 4;
const VERSION_5: u8 = 5;
const CONNECT: u8 = 1;
/// A host name's length (RFC 1035 section 2.3.4); user names are shorter.
const NAME_MAX: usize = 255;

#[cfg(test)]
mod tests {
    use super::*;

    /// Every proper prefix asks for more, and what follows a message doesn't change it.
    fn read_in_any_portion(read: fn(&[u8]) -> Socks, message: &[u8], expected: fn(usize) -> Socks) {
        for end in 0..message.len() {
            assert_eq!(read(&message[..end]), Socks::NeedMore, "{}", message[..end].escape_ascii());
        }
        assert_eq!(read(message), expected(message.len()));
        let more = [message, b"{\"id\":1}"].concat();
        assert_eq!(read(&more), expected(message.len()));
    }

    #[test]
    fn reads_version_5() {
        read_in_any_portion(greeting, b"\x05\x02\x00\x02", Socks::Step);
        read_in_any_portion(request, b"\x01\x02me\x03pwd", Socks::Step);
        read_in_any_portion(request, b"\x05\x01\x00\x01\x01\x02\x03\x04\x0d\x05", Socks::Tunnel);
        read_in_any_portion(request, b"\x05\x01\x00\x03\x04pool\x0d\x05", Socks::Tunnel);
        read_in_any_portion(
            request,
            b"\x05\x01\x00\x04\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\x0d\x05",
            Socks::Tunnel,
        );
        read_in_any_portion(method, b"\x05\x00", Socks::Step);
        read_in_any_portion(reply, b"\x01\x00", Socks::Step);
        read_in_any_portion(reply, b"\x05\x00\x00\x01\0\0\0\0\0\0", Socks::Tunnel);
    }

    #[test]
    fn reads_version_4_and_4a() {
        read_in_any_portion(request_4, b"\x04\x01\x0d\x05\x0a\x01\x02\x03me\0", Socks::Tunnel);
        read_in_any_portion(request_4, b"\x04\x01\x0d\x05\0\0\0\x01\0pool.example\0", Socks::Tunnel);
        read_in_any_portion(reply_4, b"\x00\x5a\0\0\0\0\0\0", Socks::Tunnel);
    }

    #[test]
    fn a_request_says_whom_it_is_for() {
        let parse = |text: &[u8]| Authority::parse(text);
        let v6 = b"\x05\x01\x00\x04\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\x0d\x05";
        assert_eq!(target(b"\x05\x01\x00\x01\x01\x02\x03\x04\x0d\x05"), parse(b"1.2.3.4:3333"));
        assert_eq!(target(b"\x05\x01\x00\x03\x04Pool\x0d\x05"), parse(b"pool:3333"));
        assert_eq!(target(b"\x05\x01\x00\x03\x071.2.3.4\x0d\x05"), parse(b"1.2.3.4:3333"));
        assert_eq!(target(v6), parse(b"[2001:db8::1]:3333"));
        assert_eq!(target_4(b"\x04\x01\x0d\x05\x0a\x01\x02\x03me\0"), parse(b"10.1.2.3:3333"));
        assert_eq!(target_4(b"\x04\x01\x0d\x05\0\0\0\x01\0pool.example\0"), parse(b"pool.example:3333"));
        for end in 0..v6.len() {
            assert_eq!(target(&v6[..end]), None);
        }
        assert_eq!(target(b"\x01\x02me\x03pwd"), None, "a password");
        assert_eq!(target_4(b"\x04\x01\x0d\x05\0\0\0\x01\0pool"), None);
    }

    #[test]
    fn a_refusal_opens_no_tunnel() {
        assert_eq!(method(b"\x05\xff"), Socks::Foreign);
        assert_eq!(reply(b"\x01\x01"), Socks::Foreign);
        assert_eq!(reply(b"\x05\x05\x00"), Socks::Foreign);
        assert_eq!(reply_4(b"\x00\x5b"), Socks::Foreign);
        assert_eq!(request(b"\x05\x03\x00\x01"), Socks::Foreign, "UDP ASSOCIATE");
    }

    #[test]
    fn other_binary_is_foreign() {
        assert_eq!(greeting(b"\x05\x40"), Socks::Foreign);
        assert_eq!(greeting(b"\x05\x02\x00\x7f"), Socks::Foreign);
        assert_eq!(request_4(b"\x04\x01\x0d\x05\x0a\x01\x02\x03\x80"), Socks::Foreign);
    }
}
