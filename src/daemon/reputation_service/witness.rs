//! Facts that follow from responses to a probe, and the reach of each.
//!
//! | what was shown | fact | reaches |
//! |---|---|---|
//! | a pool, asked by a name | `Pool` of that name at the address | sessions that tell this name |
//! | a pool also without a name, asked twice; or by a line over TCP, which tells none | `Pool` of the endpoint | sessions that tell no name; all, if nothing else is known at the address (`effects`) |
//! | something else | `NotPool` of the name that was told | sessions that tell the same |
//! | neither | `Inconclusive` | no session; it is a reason not to ask again soon |
//! | neither, and stage one is as good as sure | `StronglySuspected`, too | the suspected client, where `probe_inconclusive` is `block` |

use crate::config::Config;
use crate::intel::reputation::{Entry, EvidenceText, Fact, Origin, Reach, Subject};
use crate::net::host_name::HostName;
use crate::probe::worker::{Probed, Suspect};
use crate::probe::{Outcome, ProbeVerdict, Transport};

/// Seconds for which outcomes of probes hold.
pub(super) struct Lifetimes {
    /// A pool is one.
    pub pool: u32,
    /// A server that is no pool stays so for this long.
    pub not_pool: u32,
    /// A server that did not say is not asked again.
    pub inconclusive: u32,
}

impl From<&Config> for Lifetimes {
    fn from(config: &Config) -> Self {
        Lifetimes {
            pool: config.probe_pool_seconds,
            not_pool: config.probe_not_pool_seconds,
            inconclusive: config.probe_inconclusive_seconds,
        }
    }
}

/// Facts that `probed` shows about the server of `suspect` at `now`.
pub(super) fn facts(suspect: &Suspect, probed: &Probed, lifetimes: &Lifetimes, now: u64) -> Vec<Entry> {
    let Suspect { server, name, .. } = suspect;
    let Probed { outcome, is_pool_without_name } = probed;
    let entry = |name: Option<&HostName>, fact, reach, seconds: u32| Entry {
        subject: Subject::server(server, name),
        fact,
        origin: Origin::Probe,
        reach,
        dialect: outcome.dialect,
        evidence: evidence(outcome),
        since: now,
        until: now.saturating_add(seconds.into()),
    };
    let named = name.as_ref();
    match outcome.verdict {
        ProbeVerdict::Pool => {
            let by_name = named.map(|name| entry(Some(name), Fact::Pool, Reach::House, lifetimes.pool));
            let without = is_pool_without_name.then(|| entry(None, Fact::Pool, Reach::House, lifetimes.pool));
            // A pool that was asked without a name, and not twice, is a pool for its client only.
            let first = (by_name.is_none() && without.is_none())
                .then(|| entry(None, Fact::Inconclusive, Reach::House, lifetimes.inconclusive));
            by_name.into_iter().chain(without).chain(first).collect()
        }
        ProbeVerdict::NotPool => vec![entry(named, Fact::NotPool, Reach::House, lifetimes.not_pool)],
        ProbeVerdict::Inconclusive => {
            let open = entry(named, Fact::Inconclusive, Reach::House, lifetimes.inconclusive);
            let strong = strong(suspect, &open);
            core::iter::once(open).chain(strong).collect()
        }
    }
}

/// The further fact about a server whose answer was `inconclusive`, where stage one is as good as sure of the session.
pub(super) fn strong(suspect: &Suspect, inconclusive: &Entry) -> Option<Entry> {
    let client = suspect.client.filter(|_| suspect.is_strong())?;
    let reach = Reach::Client(client.addr());
    Some(Entry { fact: Fact::StronglySuspected, reach, ..inconclusive.clone() })
}

/// `tls: login refused`.
fn evidence(outcome: &Outcome) -> EvidenceText {
    let mut evidence = EvidenceText::new();
    let transport = outcome.transport.map(Transport::name);
    let parts =
        [transport.unwrap_or_default(), if transport.is_some() { ": " } else { "" }, &outcome.evidence];
    for letter in parts.into_iter().flat_map(str::chars) {
        // What doesn't fit is cut off.
        let _ = evidence.push(letter);
    }
    evidence
}
