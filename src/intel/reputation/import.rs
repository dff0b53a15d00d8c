//! Files of earlier versions, which kept what was learnt and what probes had found apart.
//!
//! | first word | a line |
//! |---|---|
//! | `minewall-learned` | `SUBJECT SINCE UNTIL POLICY ORIGIN DIALECT` |
//! | `minewall-probes` | `SERVER UNTIL VERDICT DIALECT TRANSPORT EVIDENCE` |

use std::io;
use std::path::Path;

use super::file::{dialect, evidence};
use super::{Entry, EvidenceText, Fact, Origin, Reach, Subject};
use crate::intel::entry::Policy;
use crate::limits::{REPUTATION_ENTRIES, REPUTATION_FILE_BYTES};
use crate::util::atomic_file;

/// Reads either file at `path`. Servers that were entered for a client's words alone are left out, and other
/// routers' words are suspicions.
///
/// # Errors
/// There is no file, it can't be read, or it is neither.
pub(super) fn read(path: &Path, now: u64) -> io::Result<Vec<Entry>> {
    if let Ok(body) = atomic_file::load(path, LEARNED, REPUTATION_FILE_BYTES) {
        return Ok(body.lines().take(REPUTATION_ENTRIES).filter_map(parse_learned).collect());
    }
    let body = atomic_file::load(path, PROBES, REPUTATION_FILE_BYTES)?;
    Ok(body.lines().take(REPUTATION_ENTRIES).filter_map(|line| parse_probed(line, now)).collect())
}

fn parse_learned(line: &str) -> Option<Entry> {
    let mut words = line.split(' ');
    let mut next = || words.next();
    let (subject, since, until): (Subject, _, _) =
        (next()?.parse().ok()?, next()?.parse().ok()?, next()?.parse().ok()?);
    let policy: Policy = next()?.parse().ok()?;
    let origin = Origin::from_name(next()?)?;
    let fact = match origin {
        Origin::Fleet => Fact::Suspect,
        Origin::Probe | Origin::Operator => Fact::of_policy(policy),
    };
    let dialect = dialect(next()?);
    Some(Entry {
        subject,
        fact,
        origin,
        reach: Reach::House,
        dialect,
        evidence: EvidenceText::new(),
        since,
        until,
    })
}

fn parse_probed(line: &str, now: u64) -> Option<Entry> {
    let mut words = line.splitn(6, ' ');
    let mut next = || words.next();
    let subject: Subject = next()?.parse().ok()?;
    let until: u64 = next()?.parse().ok()?;
    let fact = Fact::from_name(next()?)?;
    let dialect = dialect(next()?);
    let (transport, found) = (next()?, next()?);
    let text = if transport == "-" { found.to_owned() } else { format!("{transport}: {found}") };
    // The transport takes room that the evidence had for itself.
    let text = text.get(..text.len().min(crate::limits::PROBE_EVIDENCE_BYTES)).unwrap_or_default();
    // When it was found is not in the file.
    let since = now.min(until);
    let evidence = evidence(text)?;
    subject.endpoint()?;
    Some(Entry { subject, fact, origin: Origin::Probe, reach: Reach::House, dialect, evidence, since, until })
}

const LEARNED: &str = "minewall-learned 1 ";
const PROBES: &str = "minewall-probes 1 ";
