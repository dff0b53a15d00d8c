//! Entries of lists: a pattern, and the worth of a match.

use core::fmt;
use core::str::FromStr;

use crate::net::cidr::Cidr;
use crate::net::host_name::HostName;
use crate::net::host_port;
use crate::util::calendar;
use crate::util::decimal::decimal;
use crate::util::named::named;

named! {
    /// Worth of a match. The order is that of precedence: of several that match, the greatest decides.
    #[derive(PartialOrd, Ord)]
    pub enum Policy {
        /// The session is a suspect, and its server is asked.
        Suspect = "suspect",
        /// The first packet is dropped.
        Block = "block",
        /// No list has any say.
        Allow = "allow",
    }
}

impl Policy {
    /// Whether a list that is worth this may have an entry that is worth `entry`: less, but never more. A feed
    /// that suspects can't be made one that blocks, and none that isn't meant to can open a way for miners.
    pub fn grants(self, entry: Policy) -> bool {
        if self == Policy::Allow { entry == Policy::Allow } else { entry <= self }
    }
}

impl FromStr for Policy {
    type Err = BadEntry;

    fn from_str(text: &str) -> Result<Self, BadEntry> {
        Policy::from_name(text).ok_or(BadEntry::Word)
    }
}

/// Which ports of a server are meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ports {
    /// Every port.
    #[default]
    Any,
    /// A single port.
    One(u16),
    /// Every port but those of the web (80, 443, 8080, 8443), where pools have their pages.
    NonWeb,
}

impl Ports {
    /// The port, if it is a single one.
    pub fn one(self) -> Option<u16> {
        match self {
            Ports::One(port) => Some(port),
            Ports::Any | Ports::NonWeb => None,
        }
    }

    /// Whether `port` is one of them; an unknown one might be.
    pub fn contain(self, port: Option<u16>) -> bool {
        match (self, port) {
            (Ports::Any, _) | (_, None) => true,
            (Ports::One(one), Some(port)) => one == port,
            (Ports::NonWeb, Some(port)) => !WEB_PORTS.contains(&port),
        }
    }
}

/// `http`, `https` and their usual alternates.
pub(crate) const WEB_PORTS: [u16; 4] = [80, 443, 8_080, 8_443];

/// The servers that an entry names, at any port.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "it lives on the stack, and a packet allocates nothing")]
pub enum What {
    /// A name, and all names under it.
    Name(HostName),
    /// Addresses.
    Net(Cidr),
}

/// The servers and ports that are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    /// Names or addresses.
    pub what: What,
    /// Ports.
    pub ports: Ports,
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.what, self.ports) {
            (What::Name(name), _) => name.fmt(f)?,
            (What::Net(net), ports) if net.addr().is_ipv6() && ports != Ports::Any => write!(f, "[{net}]")?,
            (What::Net(net), _) => net.fmt(f)?,
        }
        match self.ports {
            Ports::Any => Ok(()),
            Ports::One(port) => write!(f, ":{port}"),
            Ports::NonWeb => write!(f, ":{NON_WEB}"),
        }
    }
}

impl FromStr for Pattern {
    type Err = BadEntry;

    /// `pool.example`, `*.pool.example`, `192.0.2.1`, `192.0.2.0/24`, `2001:db8::1`, and each with a port:
    /// `pool.example:3333`, `pool.example:nonweb`, `[2001:db8::1]:3333`. A name means those under it, too.
    fn from_str(text: &str) -> Result<Self, BadEntry> {
        // Behind the brackets there is a port or nothing.
        let (what, port) = host_port::split(text)
            .map_err(|_| if text.contains(']') { BadEntry::Port } else { BadEntry::What })?;
        let ports = match port {
            None => Ports::Any,
            Some(NON_WEB) => Ports::NonWeb,
            Some(port) => {
                decimal(port.as_bytes()).filter(|&port| port != 0).map(Ports::One).ok_or(BadEntry::Port)?
            }
        };
        Ok(Pattern { what: what.parse()?, ports })
    }
}

impl FromStr for What {
    type Err = BadEntry;

    fn from_str(text: &str) -> Result<Self, BadEntry> {
        if let Ok(net) = text.parse::<Cidr>() {
            // What is no server's address, or so many addresses that it must be a mistake.
            let is_too_wide = net.prefix_len() < if net.addr().is_ipv4() { 8 } else { 16 };
            if is_too_wide
                || net.addr().is_unspecified()
                || net.addr().is_loopback()
                || net.addr().is_multicast()
            {
                return Err(BadEntry::TooWide);
            }
            return Ok(What::Net(net));
        }
        let name = text.strip_prefix("*.").or_else(|| text.strip_prefix('.')).unwrap_or(text);
        let name = HostName::parse(name.as_bytes()).ok_or(BadEntry::What)?;
        // A whole top-level domain, or a name of this side.
        if name.as_str().contains('.') { Ok(What::Name(name)) } else { Err(BadEntry::TooWide) }
    }
}

/// The word for [`Ports::NonWeb`].
const NON_WEB: &str = "nonweb";

/// An entry of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListEntry {
    /// Pattern that is matched.
    pub pattern: Pattern,
    /// Worth of a match.
    pub policy: Policy,
    /// End of validity, in seconds since 1970; without, the entry does not end.
    pub expires: Option<u32>,
}

impl ListEntry {
    /// Reads `PATTERN [POLICY] [until=DATE]`, as lists have it; `policy` is that of an entry which names none.
    ///
    /// # Errors
    /// [`BadEntry`], by the word that makes no sense.
    pub fn parse(text: &str, policy: Policy) -> Result<Self, BadEntry> {
        let mut words = text.split_ascii_whitespace();
        let pattern = words.next().ok_or(BadEntry::What)?.parse()?;
        let mut entry = ListEntry { pattern, policy, expires: None };
        for word in words {
            match word.strip_prefix("until=") {
                Some(until) => entry.expires = Some(calendar::seconds_of(until).ok_or(BadEntry::Date)?),
                None => entry.policy = word.parse()?,
            }
        }
        Ok(entry)
    }
}

impl fmt::Display for ListEntry {
    /// Writes the form that [`ListEntry::parse`] reads.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.pattern, self.policy.name())?;
        match self.expires {
            Some(expires) => write!(f, " until=@{expires}"),
            None => Ok(()),
        }
    }
}

/// Why a text is no entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadEntry {
    /// Neither a host name in A-label form nor an address or prefix.
    What,
    /// No port, from 1 to 65535 or `nonweb`.
    Port,
    /// Neither a policy nor `until=`.
    Word,
    /// No date that can be read.
    Date,
    /// A top-level domain, a prefix of less than 8 (IPv6: 16) bits, or no server's address.
    TooWide,
    /// A line of a hosts file that sends a name somewhere: it blocks nothing.
    NoSink,
    /// A rule for parts of a site.
    PartOfSite,
    /// The policy exceeds that of its list.
    TooMuch,
}

impl fmt::Display for BadEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            BadEntry::What => "neither a host name (IDN as xn--) nor an address or prefix",
            BadEntry::Port => "the port is no number from 1 to 65535, nor 'nonweb'",
            BadEntry::Word => "behind an entry stand block, suspect or allow, and until=DATE",
            BadEntry::Date => "a date is 2026-12-31, 2026-12-31T23:59:59Z or @SECONDS",
            BadEntry::TooWide => {
                "a top-level domain, a prefix shorter than /8 (IPv6: /16), or no server's address"
            }
            BadEntry::NoSink => {
                "a hosts line that doesn't lead to 0.0.0.0, 127.0.0.1, :: or ::1 blocks nothing"
            }
            BadEntry::PartOfSite => "a rule for parts of a site",
            BadEntry::TooMuch => {
                "more than its list is worth: only a list that blocks has block, one that allows has allow"
            }
        })
    }
}

impl std::error::Error for BadEntry {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_written_as_they_are_read() {
        for text in [
            "pool.example",
            "pool.example:3333",
            "pool.example:nonweb",
            "192.0.2.1",
            "192.0.2.1:3333",
            "192.0.2.0/24",
            "192.0.2.0/24:nonweb",
            "2001:db8::1",
            "2001:db8::/32",
            "[2001:db8::1]:3333",
            "[2001:db8::/32]:3333",
        ] {
            assert_eq!(text.parse::<Pattern>().map(|pattern| pattern.to_string()).as_deref(), Ok(text));
        }
        for (text, form) in [
            ("*.Pool.Example.", "pool.example"),
            (".pool.example", "pool.example"),
            ("192.0.2.9/24", "192.0.2.0/24"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
            ("::ffff:192.0.2.1/120", "192.0.2.0/24"),
        ] {
            assert_eq!(
                text.parse::<Pattern>().map(|pattern| pattern.to_string()).as_deref(),
                Ok(form),
                "{text}"
            );
        }
    }

    #[test]
    fn other_texts_are_refused() {
        use BadEntry::{Port, TooWide, What};
        for (text, why) in [
            ("", What),
            ("a b", What),
            ("https://pool.example/", Port),
            ("münchen.example", What),
            ("*", What),
            ("pool.example:", Port),
            ("pool.example:0", Port),
            ("pool.example:65536", Port),
            ("pool.example:+80", Port),
            ("[2001:db8::1]3333", Port),
            ("192.0.2.1/33", What),
            ("1.2.3", What),
            ("com", TooWide),
            ("*.com", TooWide),
            ("0.0.0.0", TooWide),
            ("127.0.0.1:80", TooWide),
            ("10.0.0.0/7", TooWide),
            ("::/0", TooWide),
            ("224.0.0.1", TooWide),
        ] {
            assert_eq!(text.parse::<Pattern>().err(), Some(why), "{text}");
        }
    }

    #[test]
    fn entries_have_policies_and_ends() {
        let parse = |text: &str| ListEntry::parse(text, Policy::Suspect).map(|entry| entry.to_string());
        assert_eq!(parse("pool.example").as_deref(), Ok("pool.example suspect"));
        assert_eq!(parse("pool.example:1  block").as_deref(), Ok("pool.example:1 block"));
        let dated = parse("192.0.2.1 until=2026-11-22T00:00:10Z allow").unwrap();
        assert_eq!(dated, "192.0.2.1 allow until=@1795305610");
        assert_eq!(parse(&dated), Ok(dated.clone()));
        assert_eq!(parse("pool.example deny"), Err(BadEntry::Word));
        assert_eq!(parse("pool.example until=tomorrow"), Err(BadEntry::Date));
    }

    #[test]
    fn an_entry_is_worth_less_than_its_list_or_the_same() {
        use Policy::{Allow, Block, Suspect};
        let granted = |list: Policy| Policy::ALL.map(|entry| list.grants(entry));
        assert_eq!(
            [Suspect, Block, Allow].map(granted),
            [[true, false, false], [true, true, false], [false, false, true]]
        );
    }

    #[test]
    fn ports_of_the_web_are_not_those_of_pools() {
        assert!(Ports::NonWeb.contain(Some(3333)) && !Ports::NonWeb.contain(Some(443)));
        assert!(
            Ports::NonWeb.contain(None) && Ports::One(1).contain(None) && !Ports::One(1).contain(Some(2))
        );
    }
}
