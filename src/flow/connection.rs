//! A connection and which of its ends opened it.

use crate::net::direction::Direction;
use crate::net::endpoint::Endpoint;
use crate::net::five_tuple::FiveTuple;
use crate::net::packet::Segment;

/// Both ends of a TCP connection and their roles.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Connection {
    key: FiveTuple,
    client_is_high: bool,
}

impl Connection {
    /// The connection that `client` opened to `server`.
    pub fn new(client: Endpoint, server: Endpoint) -> Self {
        let key = FiveTuple::new(client, server);
        Connection { key, client_is_high: key.high() == client }
    }

    /// The connection of `segment`, of which no handshake was seen: the client is the end with a local address,
    /// else the one with the higher port. A SYN or its answer tells the roles by itself.
    pub fn of(segment: &Segment<'_>) -> Self {
        let src_is_client = if segment.syn {
            !segment.has_ack
        } else {
            match (segment.src.is_local(), segment.dst.is_local()) {
                (true, false) => true,
                (false, true) => false,
                _ => segment.src.port() >= segment.dst.port(),
            }
        };
        if src_is_client {
            Connection::new(segment.src, segment.dst)
        } else {
            Connection::new(segment.dst, segment.src)
        }
    }

    /// The key of both directions.
    pub fn key(&self) -> &FiveTuple {
        &self.key
    }

    /// The end that opened the connection.
    pub fn client(&self) -> Endpoint {
        if self.client_is_high { self.key.high() } else { self.key.low() }
    }

    /// The end that was called.
    pub fn server(&self) -> Endpoint {
        if self.client_is_high { self.key.low() } else { self.key.high() }
    }

    /// The direction of a segment that `src` sends.
    pub fn direction_from(&self, src: Endpoint) -> Direction {
        if src == self.client() { Direction::ToServer } else { Direction::ToClient }
    }
}
