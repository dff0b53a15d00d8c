//! Patterns in their relations to servers and to each other.

use crate::intel::entry::{Pattern, Ports, What};
use crate::net::cidr::Cidr;
use crate::net::endpoint::Endpoint;
use crate::net::host_name::HostName;

impl Pattern {
    /// That of one server.
    pub fn of(server: &Endpoint) -> Self {
        Pattern { what: What::Net(Cidr::host(server.addr())), ports: Ports::One(server.port()) }
    }

    /// The server, if it is a single one.
    pub fn as_endpoint(&self) -> Option<Endpoint> {
        match (&self.what, self.ports) {
            (What::Net(net), Ports::One(port)) if net.is_host() => Some(Endpoint::new(net.addr(), port)),
            _ => None,
        }
    }

    /// Whether it is `other` or means all that `other` does.
    pub fn covers(&self, other: &Pattern) -> bool {
        self.ports.cover(other.ports)
            && match (&self.what, &other.what) {
                (What::Net(net), What::Net(other)) => net.covers(other),
                (What::Name(name), What::Name(other)) => is_under(other, name),
                _ => false,
            }
    }

    /// Whether what is said of it matters to somebody who asks about `other`.
    pub fn concerns(&self, other: &Pattern) -> bool {
        (self.ports.cover(other.ports) || other.ports.cover(self.ports))
            && match (&self.what, &other.what) {
                (What::Net(net), What::Net(other)) => net.covers(other) || other.covers(net),
                (What::Name(name), What::Name(other)) => is_under(other, name),
                _ => false,
            }
    }

    /// Whether `server` is meant.
    pub fn includes(&self, server: &Endpoint) -> bool {
        matches!(&self.what, What::Net(net) if net.contains(server.addr()))
            && self.ports.contain(Some(server.port()))
    }
}

impl Ports {
    /// Whether all of `other` are among them.
    pub fn cover(self, other: Ports) -> bool {
        match (self, other) {
            (Ports::Any, _) => true,
            (Ports::NonWeb, Ports::One(port)) => self.contain(Some(port)),
            (own, other) => own == other,
        }
    }
}

/// Whether `name` is `domain` or lies under it.
fn is_under(name: &HostName, domain: &HostName) -> bool {
    name.domains().any(|suffix| suffix == domain.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> Pattern {
        text.parse().expect(text)
    }

    #[test]
    fn what_covers_what() {
        for (wide, narrow) in [
            ("203.0.113.9", "203.0.113.9:3333"),
            ("203.0.113.0/24", "203.0.113.9"),
            ("203.0.113.0/24:3333", "203.0.113.9:3333"),
            ("203.0.113.9:nonweb", "203.0.113.9:3333"),
            ("2001:db8::/32", "[2001:db8::1]:443"),
            ("pool.example", "eu.pool.example:3333"),
            ("pool.example", "pool.example"),
        ] {
            assert!(pattern(wide).covers(&pattern(narrow)), "{wide} {narrow}");
            assert!(pattern(wide).concerns(&pattern(narrow)), "{wide} {narrow}");
            assert!(wide == narrow || !pattern(narrow).covers(&pattern(wide)), "{narrow} {wide}");
        }
        for (one, other) in [
            ("203.0.113.9:3333", "203.0.113.9:3334"),
            ("203.0.113.9:nonweb", "203.0.113.9:443"),
            ("203.0.113.0/24", "203.0.112.9"),
            ("pool.example", "notpool.example"),
            ("pool.example", "203.0.113.9"),
            ("pool.example:1", "eu.pool.example:2"),
        ] {
            assert!(
                !pattern(one).covers(&pattern(other)) && !pattern(one).concerns(&pattern(other)),
                "{one} {other}"
            );
        }
        assert!(pattern("203.0.113.9:3333").concerns(&pattern("203.0.113.9")));
    }

    #[test]
    fn only_a_single_server_is_an_endpoint() {
        for text in ["203.0.113.9:3333", "[2001:db8::1]:443"] {
            let server = pattern(text).as_endpoint().expect(text);
            assert_eq!(server.to_string(), text);
            assert_eq!(Pattern::of(&server), pattern(text));
            assert!(pattern(text).includes(&server));
        }
        for text in ["203.0.113.9", "203.0.113.9:nonweb", "203.0.113.0/24:3333", "pool.example:1"] {
            assert_eq!(pattern(text).as_endpoint(), None, "{text}");
        }
    }
}
