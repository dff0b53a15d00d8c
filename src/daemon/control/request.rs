//! Requests, and their text form: words with a space between.

use core::fmt;
use core::mem::discriminant;
use core::str::FromStr;

use crate::daemon::fleet::is_router_name;
use crate::dpi::signatures::Dialect;
use crate::intel::entry::Policy;
use crate::intel::reputation::{Origin, Subject};

/// A request of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// The state of the daemon, for a person.
    Status,
    /// The status as JSON.
    StatusJson,
    /// The status in Prometheus's format.
    StatusPrometheus,
    /// The hosts as JSON.
    HostsJson,
    /// Events, as they come: a stream.
    Follow,
    /// Findings of this router, then further ones as they arise, for other routers: a stream.
    FollowShared,
    /// The reputation store, for a person.
    List,
    /// The entries, a line of JSON each.
    ListJson,
    /// Enters something into the store.
    Add(Offer),
    /// A message of another router, by its name, that has no entry.
    Heard(String),
    /// Strikes it out.
    Remove(Subject),
    /// Knowledge of a subject, and its effect, for a person.
    Check(Subject),
    /// The check as JSON.
    CheckJson(Subject),
    /// Forgets all that is known of it.
    Unblock(Subject),
    /// Elements that the kernel's sets are to hold, in nft's syntax.
    Elements,
    /// The part of a self-test that only the daemon can answer: lines of a word and its value.
    SelfTest,
}

/// An entry that a person or another router offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// Server or servers.
    pub subject: Subject,
    /// Policy that it is to have.
    pub policy: Policy,
    /// Source of the entry.
    pub origin: Origin,
    /// For how many seconds it is to hold; as long as the daemon's configuration says without.
    pub seconds: Option<u32>,
    /// The dialect spoken there, if known.
    pub dialect: Option<Dialect>,
    /// Name of the router that tells it.
    pub router: Option<String>,
}

/// Makes a request. A table of requests themselves would be built on the stack, for they may own text.
type MakeRequest = fn() -> Request;

/// Requests that are a word and nothing else.
const WORDS: [(&str, MakeRequest); 10] = [
    ("status", || Request::Status),
    ("status-json", || Request::StatusJson),
    ("status-prometheus", || Request::StatusPrometheus),
    ("hosts-json", || Request::HostsJson),
    ("follow", || Request::Follow),
    ("follow-shared", || Request::FollowShared),
    ("list", || Request::List),
    ("list-json", || Request::ListJson),
    ("elements", || Request::Elements),
    ("selftest", || Request::SelfTest),
];

/// The line makes no request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownRequest;

impl FromStr for Request {
    type Err = UnknownRequest;

    fn from_str(line: &str) -> Result<Self, UnknownRequest> {
        if let Some((_, request)) = WORDS.iter().find(|(word, _)| *word == line) {
            return Ok(request());
        }
        let mut words = line.split(' ');
        let mut next = || words.next().ok_or(UnknownRequest);
        let request = match next()? {
            "add" => Request::Add(Offer {
                origin: Origin::from_name(next()?).ok_or(UnknownRequest)?,
                policy: next()?.parse().map_err(|_| UnknownRequest)?,
                seconds: match next()? {
                    "-" => None,
                    seconds => Some(seconds.parse().map_err(|_| UnknownRequest)?),
                },
                // One that a newer version knows is none.
                dialect: Some(next()?).and_then(Dialect::of_name),
                subject: subject(next()?)?,
                router: next().ok().map(router).transpose()?,
            }),
            "heard" => Request::Heard(router(next()?)?),
            "remove" => Request::Remove(subject(next()?)?),
            "check" => Request::Check(subject(next()?)?),
            "check-json" => Request::CheckJson(subject(next()?)?),
            "unblock" => Request::Unblock(subject(next()?)?),
            _ => return Err(UnknownRequest),
        };
        if next().is_ok() { Err(UnknownRequest) } else { Ok(request) }
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Request::Add(offer) => {
                write!(f, "add {} {} ", offer.origin.name(), offer.policy.name())?;
                match offer.seconds {
                    Some(seconds) => write!(f, "{seconds} ")?,
                    None => f.write_str("- ")?,
                }
                write!(f, "{} {}", offer.dialect.map_or("-", Dialect::name), offer.subject)?;
                offer.router.as_ref().map_or(Ok(()), |router| write!(f, " {router}"))
            }
            Request::Heard(router) => write!(f, "heard {router}"),
            Request::Remove(subject) => write!(f, "remove {subject}"),
            Request::Check(subject) => write!(f, "check {subject}"),
            Request::CheckJson(subject) => write!(f, "check-json {subject}"),
            Request::Unblock(subject) => write!(f, "unblock {subject}"),
            other => {
                let word = WORDS.iter().find(|(_, request)| discriminant(&request()) == discriminant(other));
                f.write_str(word.map_or("", |(word, _)| word))
            }
        }
    }
}

fn router(text: &str) -> Result<String, UnknownRequest> {
    is_router_name(text).then(|| text.into()).ok_or(UnknownRequest)
}

fn subject(text: &str) -> Result<Subject, UnknownRequest> {
    text.parse().map_err(|_| UnknownRequest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::CONTROL_REQUEST_BYTES;

    #[test]
    fn every_request_is_read_as_it_is_written() {
        let longest = format!("{}.example:65535", "long-label".repeat(6) + &".label".repeat(28));
        for text in [
            "203.0.113.9:3333",
            "[2001:db8::1]:443",
            "10.0.0.0/8",
            "pool.example",
            "pool.example@203.0.113.9:443",
            &longest,
        ] {
            let subject: Subject = text.parse().expect(text);
            let offer = Offer {
                subject: subject.clone(),
                policy: Policy::Suspect,
                origin: Origin::Fleet,
                seconds: Some(u32::MAX),
                dialect: Some(Dialect::CryptoNote),
                router: Some("router-1.lan_".into()),
            };
            let plain = Offer { seconds: None, dialect: None, router: None, ..offer.clone() };
            for request in [
                Request::Add(offer),
                Request::Add(plain),
                Request::Heard("router".into()),
                Request::Remove(subject.clone()),
                Request::Check(subject.clone()),
                Request::CheckJson(subject.clone()),
                Request::Unblock(subject),
            ] {
                let line = request.to_string();
                assert!(line.len() < CONTROL_REQUEST_BYTES, "{line}");
                assert_eq!(line.parse(), Ok(request), "{line}");
            }
        }
        for (word, request) in WORDS {
            assert_eq!((word.parse(), request().to_string().as_str()), (Ok(request()), word));
        }
    }

    #[test]
    fn other_lines_are_no_requests() {
        for line in [
            "",
            "Status",
            "status ",
            "status now",
            "add",
            "add fleet block - - ",
            "add fleet block x - 192.0.2.1",
            "add nobody block - - 192.0.2.1",
            "heard",
            "heard a/b",
            "add fleet block - - 192.0.2.1 a/b",
            "add fleet block - - 192.0.2.1 a b",
            "unblock",
            "unblock 192.0.2.1 192.0.2.2",
            "unblock 192.0.2.1;reboot",
            "check ../../etc/passwd",
        ] {
            assert_eq!(line.parse::<Request>(), Err(UnknownRequest), "{line:?}");
        }
    }
}
