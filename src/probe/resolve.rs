//! The address of a name, for the person who probes by hand: the hosts file, then the name servers of
//! resolv.conf, one question in one UDP datagram (RFC 1035).
//!
//! libc's resolver reads and does a great deal more, and is 30 KB of the program on MIPS; on a router
//! either way ends at dnsmasq.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use super::random;
use crate::limits::{RESOLVE_ANSWER_BYTES, RESOLVE_NAME_BYTES, RESOLVE_SERVERS, RESOLVE_TRIES, RESOLVE_WAIT};
use crate::net::socket::connected_udp;
use crate::parse::dns::{NoAddress, Resolution};
use crate::util::bounded_read::system_text;
use crate::util::io_error::in_words;

/// The first address of `name`, of IPv4 if it has one.
///
/// # Errors
/// The name has none, or no name server answers; the text says which.
pub fn address(name: &str) -> Result<IpAddr, String> {
    if let Some(addr) = system_text(HOSTS).ok().and_then(|text| in_hosts(&text, name)) {
        return Ok(addr);
    }
    let servers = name_servers(&system_text(RESOLV_CONF).unwrap_or_default());
    let mut failure = "no name server answers".to_owned();
    for _ in 0..RESOLVE_TRIES {
        for &server in &servers {
            match ask(SocketAddr::new(server, PORT), name, RESOLVE_WAIT) {
                Ok(Some(addr)) => return Ok(addr),
                Ok(None) => return Err("it has no address".into()),
                Err(error) => failure = format!("name server {server}: {error}"),
            }
        }
    }
    Err(failure)
}

/// Asks for an IPv4 address, then for one of IPv6, and waits for each answer. `None`: there is neither.
fn ask(server: SocketAddr, name: &str, wait: Duration) -> io::Result<Option<IpAddr>> {
    // Only this server is heard.
    let socket = connected_udp(server)?;
    for kind in [QueryType::A, QueryType::Aaaa] {
        let mut id = [0; 2];
        random(&mut id)?;
        let invalid = || io::Error::from(io::ErrorKind::InvalidInput);
        socket.send(&question(id, name, kind).ok_or_else(invalid)?)?;
        let start = Instant::now();
        let mut bytes = [0; RESOLVE_ANSWER_BYTES];
        loop {
            let left = wait.checked_sub(start.elapsed()).filter(|left| !left.is_zero());
            socket.set_read_timeout(Some(left.ok_or(io::ErrorKind::TimedOut)?))?;
            let len = socket.recv(&mut bytes)?;
            match answer(bytes.get(..len).unwrap_or_default(), id, kind) {
                DatagramContent::Address(addr) => return Ok(Some(addr)),
                DatagramContent::None => break,
                DatagramContent::Failed => return Err(in_words(io::ErrorKind::Other, "it fails")),
                DatagramContent::Foreign => {}
            }
        }
    }
    Ok(None)
}

/// A record's type (RFC 1035 section 3.2.2, RFC 3596 section 2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum QueryType {
    A = 1,
    Aaaa = 28,
}

/// Content of a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum DatagramContent {
    Address(IpAddr),
    /// The name has none of this kind.
    None,
    /// The server can't say.
    Failed,
    /// The datagram answers no question of ours.
    Foreign,
}

/// RFC 1035 section 4.1; `None` where `name` can't be one.
fn question(id: [u8; 2], name: &str, kind: QueryType) -> Option<Vec<u8>> {
    let name = name.strip_suffix('.').unwrap_or(name);
    let is_label = |label: &str| (1..=63).contains(&label.len());
    if name.len() > RESOLVE_NAME_BYTES || !name.split('.').all(is_label) {
        return None;
    }
    let mut bytes = vec![id[0], id[1], RECURSION_DESIRED, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in name.split('.') {
        bytes.push(label.len() as u8);
        bytes.extend_from_slice(label.as_bytes());
    }
    bytes.extend_from_slice(&[0, 0, kind as u8, 0, INTERNET]);
    Some(bytes)
}

fn answer(bytes: &[u8], id: [u8; 2], kind: QueryType) -> DatagramContent {
    if !bytes.starts_with(&id) {
        return DatagramContent::Foreign;
    }
    match Resolution::read(bytes) {
        Ok(resolution) => {
            let is_asked_for = |addr: &&IpAddr| addr.is_ipv4() == (kind == QueryType::A);
            resolution
                .addrs
                .iter()
                .find(is_asked_for)
                .map_or(DatagramContent::None, |addr| DatagramContent::Address(*addr))
        }
        Err(NoAddress::Empty) => DatagramContent::None,
        Err(NoAddress::Foreign) => DatagramContent::Foreign,
        Err(NoAddress::Failed | NoAddress::Broken) => DatagramContent::Failed,
    }
}

/// The address of `name` in a hosts file.
fn in_hosts(text: &str, name: &str) -> Option<IpAddr> {
    text.lines().find_map(|line| {
        let mut words = line.split('#').next()?.split_whitespace();
        let addr = words.next()?.parse().ok()?;
        words.any(|word| word.eq_ignore_ascii_case(name)).then_some(addr)
    })
}

/// The servers that a resolv.conf names; this machine's own without one (resolv.conf(5)).
fn name_servers(text: &str) -> Vec<IpAddr> {
    let named = text.lines().filter_map(|line| line.strip_prefix("nameserver")?.trim().parse().ok());
    let mut servers: Vec<IpAddr> = named.take(RESOLVE_SERVERS).collect();
    if servers.is_empty() {
        servers.push(Ipv4Addr::LOCALHOST.into());
    }
    servers
}

const HOSTS: &str = "/etc/hosts";
const RESOLV_CONF: &str = "/etc/resolv.conf";
const PORT: u16 = 53;
/// A flag of the header (RFC 1035 section 4.1.1).
const RECURSION_DESIRED: u8 = 1;
/// The only class in use.
const INTERNET: u8 = 1;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::util::random::Random;
    use std::net::UdpSocket;

    const RESPONSE: u8 = 0x80;
    const NO_SUCH_NAME: u8 = 3;
    const ID: [u8; 2] = [0xbe, 0xef];

    /// A server's response: the question, an alias, and records of `kind` with `data`.
    fn reply(kind: QueryType, code: u8, data: &[&[u8]]) -> Vec<u8> {
        let mut bytes = question(ID, "pool.example", kind).expect("a name");
        bytes[2] |= RESPONSE;
        bytes[3] = 0x80 | code;
        bytes[7] = 1 + data.len() as u8;
        let alias = [&[0xc0, 12, 0, 5, 0, 1, 0, 0, 0, 60, 0, 4, 1, b'x', 0xc0, 17][..]];
        for record in alias {
            bytes.extend_from_slice(record);
        }
        for data in data {
            bytes.extend_from_slice(&[0xc0, 12, 0, kind as u8, 0, 1, 0, 0, 0, 60, 0, data.len() as u8]);
            bytes.extend_from_slice(data);
        }
        bytes
    }

    #[test]
    fn a_question_is_asked_as_it_should_be() {
        let bytes = question(ID, "a.bc.", QueryType::Aaaa).expect("a name");
        assert_eq!(bytes, b"\xbe\xef\x01\0\0\x01\0\0\0\0\0\0\x01a\x02bc\0\0\x1c\0\x01");
        for name in ["", ".", "a..b", &"x".repeat(64), &"x.".repeat(200)] {
            assert_eq!(question(ID, name, QueryType::A), None, "{name}");
        }
    }

    #[test]
    fn the_first_address_behind_aliases_counts() {
        let v4 = reply(QueryType::A, 0, &[&[192, 0, 2, 1], &[192, 0, 2, 2]]);
        assert_eq!(answer(&v4, ID, QueryType::A), DatagramContent::Address([192, 0, 2, 1].into()));
        let v6 = reply(QueryType::Aaaa, 0, &[&[0x20; 16]]);
        assert_eq!(answer(&v6, ID, QueryType::Aaaa), DatagramContent::Address([0x20; 16].into()));
        assert_eq!(answer(&v6, ID, QueryType::A), DatagramContent::None);
        assert_eq!(answer(&reply(QueryType::A, 0, &[]), ID, QueryType::A), DatagramContent::None);
        assert_eq!(answer(&reply(QueryType::A, NO_SUCH_NAME, &[]), ID, QueryType::A), DatagramContent::None);
        assert_eq!(answer(&reply(QueryType::A, 2, &[]), ID, QueryType::A), DatagramContent::Failed);
        assert_eq!(answer(&reply(QueryType::A, 0, &[&[1, 2, 3]]), ID, QueryType::A), DatagramContent::Failed);
        assert_eq!(answer(&v4, [0, 0], QueryType::A), DatagramContent::Foreign);
        assert_eq!(
            answer(&question(ID, "pool.example", QueryType::A).expect("a name"), ID, QueryType::A),
            DatagramContent::Foreign
        );
    }

    /// A host has IPv6 alone, and the server's first datagram answers another client.
    #[test]
    fn a_server_is_asked_for_both_kinds() {
        let server = UdpSocket::bind("127.0.0.1:0").expect("a port");
        let addr = server.local_addr().expect("an address");
        let asked = std::thread::spawn(move || {
            for (kind, data) in [(QueryType::A, None), (QueryType::Aaaa, Some([0x20; 16]))] {
                let mut bytes = [0; RESOLVE_ANSWER_BYTES];
                let (len, from) = server.recv_from(&mut bytes).expect("a question");
                let id = [bytes[0], bytes[1]];
                assert_eq!(Some(&bytes[..len]), question(id, "pool.example", kind).as_deref());
                let records: Vec<&[u8]> = data.iter().map(|data| &data[..]).collect();
                let mut whole = reply(kind, 0, &records);
                for foreign in [true, false] {
                    whole[..2].copy_from_slice(&if foreign { id.map(|byte| !byte) } else { id });
                    server.send_to(&whole, from).expect("it is sent");
                }
            }
        });
        let found = ask(addr, "pool.example", Duration::from_secs(60));
        assert_eq!(found.ok(), Some(Some([0x20; 16].into())));
        asked.join().expect("both questions");
    }

    /// Cut at every place and with random bytes: never an address that isn't there, never a panic.
    #[test]
    fn a_damaged_answer_is_none() {
        let whole = reply(QueryType::A, 0, &[&[192, 0, 2, 1]]);
        for end in 0..whole.len() {
            assert!(
                matches!(
                    answer(&whole[..end], ID, QueryType::A),
                    DatagramContent::Failed | DatagramContent::Foreign
                ),
                "{end}"
            );
        }
        let mut random = Random::new(3);
        for _ in 0..20_000 {
            let mut bytes = whole.clone();
            for _ in 0..random.below(8) {
                let at = random.below(bytes.len() as u32) as usize;
                bytes[at] = random.bits() as u8;
            }
            answer(&bytes, ID, QueryType::A);
        }
    }

    #[test]
    fn the_files_are_read_as_they_are_written() {
        let hosts = "127.0.0.1 localhost\n# 10.0.0.1 pool\n10.0.0.2\tother Pool.lan # pool\nfd00::1 pool\n";
        assert_eq!(in_hosts(hosts, "pool"), Some("fd00::1".parse().expect("an address")));
        assert_eq!(in_hosts(hosts, "pool.LAN"), Some([10, 0, 0, 2].into()));
        assert_eq!(in_hosts(hosts, "10.0.0.2"), None);
        let servers = name_servers("search lan\nnameserver 10.0.0.1\n nameserver 10.0.0.9\nnameserver ::1\n");
        assert_eq!(servers, [IpAddr::from([10, 0, 0, 1]), "::1".parse().expect("an address")]);
        assert_eq!(name_servers(""), [IpAddr::from([127, 0, 0, 1])]);
    }
}
