//! Subjects of entries: a pattern of servers, or what one server is called.

use core::fmt;
use core::str::FromStr;

use crate::intel::entry::{BadEntry, Pattern, Ports, What};
use crate::net::cidr::Cidr;
use crate::net::endpoint::Endpoint;
use crate::net::host_name::HostName;

/// Server or servers that an entry is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// Names or addresses. Said by a probe, the endpoint is the server that answers where no name is told.
    Pattern(Pattern),
    /// The server that answers to `name` at `at`: one address may carry many.
    NameAt {
        /// Name that clients tell it: SNI of TLS (RFC 6066 section 3), `Host` of HTTP.
        name: HostName,
        /// Address and port.
        at: Endpoint,
    },
}

impl Subject {
    /// The server at `at` that is called `name`, or is called nothing.
    pub fn server(at: &Endpoint, name: Option<&HostName>) -> Self {
        match name {
            Some(name) => Subject::NameAt { name: name.clone(), at: *at },
            None => Subject::Pattern(Pattern::of(at)),
        }
    }

    /// Address and port, if it is a single server.
    pub fn endpoint(&self) -> Option<Endpoint> {
        match self {
            Subject::Pattern(pattern) => pattern.as_endpoint(),
            Subject::NameAt { at, .. } => Some(*at),
        }
    }

    /// Name at the address, if the subject has one.
    pub fn name(&self) -> Option<&HostName> {
        match self {
            Subject::Pattern(_) => None,
            Subject::NameAt { name, .. } => Some(name),
        }
    }

    /// Whether it is the server at `at` called `name`.
    pub fn is_server(&self, at: &Endpoint, name: Option<&HostName>) -> bool {
        self.name() == name && self.endpoint().as_ref() == Some(at)
    }

    /// Whether it is `other` or means all that `other` does.
    pub fn covers(&self, other: &Subject) -> bool {
        match (self, other) {
            (Subject::Pattern(own), Subject::Pattern(other)) => own.covers(other),
            (Subject::Pattern(own), Subject::NameAt { name, at }) => {
                own.includes(at)
                    || own.covers(&Pattern { what: What::Name(name.clone()), ports: Ports::One(at.port()) })
            }
            (own, other) => own == other,
        }
    }

    /// Whether an entry about it matters to a question about `other`.
    pub fn concerns(&self, other: &Subject) -> bool {
        match (self, other) {
            (Subject::Pattern(own), Subject::Pattern(other)) => own.concerns(other),
            (own, other) => own.covers(other) || other.covers(own),
        }
    }
}

impl fmt::Display for Subject {
    /// `pool.example:3333`, `203.0.113.9:3333`, `pool.example@203.0.113.9:443`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Subject::Pattern(pattern) => pattern.fmt(f),
            Subject::NameAt { name, at } => write!(f, "{name}@{at}"),
        }
    }
}

impl FromStr for Subject {
    type Err = BadEntry;

    fn from_str(text: &str) -> Result<Self, BadEntry> {
        let Some((name, at)) = text.split_once('@') else {
            return text.parse().map(Subject::Pattern);
        };
        let name = HostName::parse(name.as_bytes()).ok_or(BadEntry::What)?;
        let at = at.parse::<Pattern>()?.as_endpoint().ok_or(BadEntry::Port)?;
        Ok(Subject::NameAt { name, at })
    }
}

impl From<Pattern> for Subject {
    fn from(pattern: Pattern) -> Self {
        Subject::Pattern(pattern)
    }
}

impl Pattern {
    /// Pattern of one server.
    pub fn of(server: &Endpoint) -> Self {
        Pattern { what: What::Net(Cidr::host(server.addr())), ports: Ports::One(server.port()) }
    }

    /// The server, if it is a single one.
    pub fn as_endpoint(&self) -> Option<Endpoint> {
        match (&self.what, self.ports) {
            (What::Net(net), Ports::One(port)) if Cidr::host(net.addr()) == *net => {
                Some(Endpoint::new(net.addr(), port))
            }
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

    /// Whether an entry about it matters to a question about `other`.
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

    fn subject(text: &str) -> Subject {
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
            ("203.0.113.9", "pool.example@203.0.113.9:443"),
            ("203.0.113.9:443", "pool.example@203.0.113.9:443"),
            ("pool.example", "eu.pool.example@203.0.113.9:443"),
            ("pool.example@203.0.113.9:443", "pool.example@203.0.113.9:443"),
        ] {
            assert!(subject(wide).covers(&subject(narrow)), "{wide} {narrow}");
            assert!(subject(wide).concerns(&subject(narrow)), "{wide} {narrow}");
            assert!(wide == narrow || !subject(narrow).covers(&subject(wide)), "{narrow} {wide}");
        }
        for (one, other) in [
            ("203.0.113.9:3333", "203.0.113.9:3334"),
            ("203.0.113.9:nonweb", "203.0.113.9:443"),
            ("203.0.113.0/24", "203.0.112.9"),
            ("pool.example", "notpool.example"),
            ("pool.example", "203.0.113.9"),
            ("pool.example:1", "eu.pool.example:2"),
            ("203.0.113.9:444", "pool.example@203.0.113.9:443"),
            ("pool.example:444", "pool.example@203.0.113.9:443"),
            ("other.example@203.0.113.9:443", "pool.example@203.0.113.9:443"),
        ] {
            assert!(
                !subject(one).covers(&subject(other)) && !subject(one).concerns(&subject(other)),
                "{one} {other}"
            );
        }
        assert!(subject("203.0.113.9:3333").concerns(&subject("203.0.113.9")));
    }

    #[test]
    fn only_a_single_server_is_an_endpoint() {
        for text in ["203.0.113.9:3333", "[2001:db8::1]:443"] {
            let server = subject(text).endpoint().expect(text);
            assert_eq!(server.to_string(), text);
            assert_eq!(Subject::server(&server, None), subject(text));
            assert!(subject(text).is_server(&server, None));
            let name = HostName::parse(b"pool.example").expect("a name");
            let named = Subject::server(&server, Some(&name));
            assert!(named.is_server(&server, Some(&name)) && !named.is_server(&server, None));
            assert_eq!(subject(&named.to_string()), named);
        }
        for text in ["203.0.113.9", "203.0.113.9:nonweb", "203.0.113.0/24:3333", "pool.example:1"] {
            assert_eq!(subject(text).endpoint(), None, "{text}");
        }
        for text in [
            "@203.0.113.9:443",
            "pool.example@203.0.113.9",
            "pool.example@",
            "a b@203.0.113.9:443",
            "x@y.example:1",
        ] {
            assert!(text.parse::<Subject>().is_err(), "{text}");
        }
    }
}
