//! A connection and which of its ends opened it.

use crate::net::direction::Direction;
use crate::net::endpoint::Endpoint;
use crate::net::five_tuple::FiveTuple;
use crate::net::local_networks::LocalNetworks;
use crate::net::packet::Segment;

/// Both ends of a TCP connection and their roles.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Connection {
    key: FiveTuple,
    client_is_high: bool,
}

impl Connection {
    /// The connection that `client` opened to `server`.
    pub(crate) fn new(client: Endpoint, server: Endpoint) -> Self {
        let key = FiveTuple::new(client, server);
        Connection { key, client_is_high: key.high() == client }
    }

    /// The connection of `segment`, of which no handshake was seen: the client is the end in one of `networks`, those of
    /// this side; where they don't tell, the end with a private address, else the one with the higher port. A SYN or its
    /// answer tells the roles by itself.
    pub(crate) fn of(segment: &Segment<'_>, networks: &LocalNetworks) -> Self {
        let (src, dst) = (segment.src, segment.dst);
        let only = |src: bool, dst: bool| (src != dst).then_some(src);
        let src_is_client = if segment.syn {
            !segment.has_ack
        } else {
            only(networks.contains(src.addr()), networks.contains(dst.addr()))
                .or_else(|| only(src.is_local(), dst.is_local()))
                .unwrap_or(src.port() >= dst.port())
        };
        if src_is_client { Connection::new(src, dst) } else { Connection::new(dst, src) }
    }

    /// The key of both directions.
    pub(crate) fn key(&self) -> &FiveTuple {
        &self.key
    }

    /// The end that opened the connection.
    pub(crate) fn client(&self) -> Endpoint {
        if self.client_is_high { self.key.high() } else { self.key.low() }
    }

    /// The end that was called.
    pub(crate) fn server(&self) -> Endpoint {
        if self.client_is_high { self.key.low() } else { self.key.high() }
    }

    /// The direction of a segment that `src` sends.
    pub(crate) fn direction_from(&self, src: &Endpoint) -> Direction {
        let [low, high] = self.key.ends();
        let client = if self.client_is_high { high } else { low };
        if src == client { Direction::ToServer } else { Direction::ToClient }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(text: &str) -> Endpoint {
        let at: std::net::SocketAddr = text.parse().expect(text);
        Endpoint::new(at.ip(), at.port())
    }

    fn segment(src: &str, dst: &str) -> Segment<'static> {
        Segment {
            src: end(src),
            dst: end(dst),
            seq: 1,
            ack: 1,
            syn: false,
            has_ack: true,
            fin: false,
            rst: false,
            urg: false,
            payload: b"",
            payload_len: 0,
        }
    }

    #[test]
    fn a_handshake_tells_the_client_whatever_addresses_and_ports_say() {
        let networks = LocalNetworks::of(&["10.0.0.0/8"]);
        let (outside, home) = ("203.0.113.9:80", "10.0.0.7:40000");
        let syn = Segment { syn: true, has_ack: false, ..segment(outside, home) };
        assert_eq!(Connection::of(&syn, &networks).client(), end(outside));
        let answer = Segment { syn: true, ..segment(home, outside) };
        assert_eq!(Connection::of(&answer, &networks).client(), end(outside));
        assert_eq!(Connection::of(&segment(home, outside), &networks).client(), end(home));
    }

    /// A host of the house with a global address and a low port, joined midway.
    #[test]
    fn the_client_is_the_end_of_this_side() {
        let networks = LocalNetworks::of(&["2001:db8:1::/48", "10.0.0.0/8"]);
        let client =
            |src, dst, networks: &LocalNetworks| Connection::of(&segment(src, dst), networks).client();
        let (home, pool) = ("[2001:db8:1::5]:1000", "[2001:db8:9::9]:3333");
        assert_eq!(client(home, pool, &networks), end(home));
        assert_eq!(client(pool, home, &networks), end(home));
        assert_eq!(
            client(home, pool, &LocalNetworks::default()),
            end(pool),
            "by the port, with nothing better"
        );
        let (private, shared) = ("10.0.0.7:80", "192.168.1.5:40000");
        assert_eq!(
            client(shared, private, &networks),
            end(private),
            "a provider's network may be private, too"
        );
        assert_eq!(client("192.168.1.5:80", "203.0.113.9:40000", &networks), end("192.168.1.5:80"));
    }
}
