//! Reports of a replay: JSON lines for programs, a table for people.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use comfy_table::{ContentArrangement, Table, presets};
use serde::{Serialize, Serializer};

use super::account::{FlowAccount, FlowVerdict};
use super::finding::FlowFinding;
use crate::engine::event::Detection;
use crate::net::endpoint::Endpoint;
use crate::util::calendar::rfc3339;
use crate::util::text::one_or_many;
use crate::util::time::Instant;

/// Format of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A JSON object a line: one for each flow (of a pipe, for each finding), the last one for the summary.
    Json,
    /// A table with a line for each finding, and a sentence at the end.
    Table,
    /// A table with a line for each flow.
    TableOfAll,
}

/// Everything counted, over all captures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename = "summary")]
pub struct ReplaySummary {
    /// Captured packets.
    pub packets: u64,
    /// TCP flows that carried payload.
    pub flows: u64,
    /// Flows proven to mine.
    pub mining: u64,
    /// Flows that stage one suspects.
    pub suspect: u64,
    /// Flows bypassed.
    pub benign: u64,
    /// Flows of which nothing was decided.
    pub undecided: u64,
    /// Packets with a header that contradicts itself or ends early.
    pub malformed: u64,
    /// Capture files that were read, whole or in part.
    pub captures: u64,
    /// Packets of a kind of link that we can't read.
    pub unsupported: u64,
}

impl ReplaySummary {
    /// Counts the flows of one capture.
    pub fn count<'a>(&mut self, flows: impl Iterator<Item = &'a FlowAccount>) {
        for flow in flows {
            self.flows += 1;
            *match flow.verdict {
                FlowVerdict::Mining => &mut self.mining,
                FlowVerdict::Suspect => &mut self.suspect,
                FlowVerdict::Benign => &mut self.benign,
                FlowVerdict::Undecided => &mut self.undecided,
            } += 1;
        }
    }
}

/// Output of the report.
#[derive(Debug)]
pub struct Report<W> {
    out: W,
    format: Format,
}

impl<W: Write> Report<W> {
    /// A report in `format`.
    pub fn new(out: W, format: Format) -> Self {
        Report { out, format }
    }

    /// Prints the flows of the capture at `path`; in a table only those with a finding, unless all are wished
    /// for.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn capture<'a>(
        &mut self,
        path: &Path,
        flows: impl Iterator<Item = &'a FlowAccount>,
    ) -> io::Result<()> {
        let capture = printable(path);
        match self.format {
            Format::Json => {
                for flow in flows {
                    self.json(&FlowLine::new(&capture, flow))?;
                }
                Ok(())
            }
            Format::Table => self.table(&capture, flows.filter(|flow| flow.finding.is_some())),
            Format::TableOfAll => self.table(&capture, flows),
        }
    }

    /// Prints a finding at the moment it is made.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn event(&mut self, path: &Path, detection: &Detection, leases: &[PathBuf]) -> io::Result<()> {
        let finding = FlowFinding::new(detection, leases);
        match self.format {
            Format::Json => {
                let event = if finding.is_proof { "detection" } else { "suspicion" };
                let (capture, time) = (printable(path), time(detection.at));
                self.json(&ReplayEventLine {
                    event,
                    time: &time,
                    capture: &capture,
                    client: Shown(detection.client),
                    server: Shown(detection.server),
                    dialect: finding.dialect,
                    finding: &finding,
                    payload_packets: detection.payload_packets,
                })?;
            }
            Format::Table | Format::TableOfAll => {
                let server = finding.target.as_deref().or(finding.server_name.as_deref()).unwrap_or_default();
                writeln!(
                    self.out,
                    "{}  {} -> {} {server}  {}: {}",
                    time(detection.at),
                    detection.client,
                    detection.server,
                    what(Some(&finding)),
                    finding.evidence
                )?;
            }
        }
        self.out.flush()
    }

    /// Prints the last line.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn summary(&mut self, summary: &ReplaySummary) -> io::Result<()> {
        match self.format {
            Format::Json => self.json(summary)?,
            Format::Table | Format::TableOfAll => {
                let ReplaySummary { captures, packets, flows, mining, suspect, benign, undecided, .. } =
                    summary;
                let ReplaySummary { malformed, unsupported, .. } = summary;
                write!(
                    self.out,
                    "{flows} {} in {packets} {} of {captures} {}: {mining} mining, {suspect} suspect, \
                     {benign} benign, {undecided} undecided; {malformed} {} malformed",
                    one_or_many(*flows, "flow", "flows"),
                    one_or_many(*packets, "packet", "packets"),
                    one_or_many(*captures, "capture", "captures"),
                    one_or_many(*malformed, "packet", "packets"),
                )?;
                if *unsupported > 0 {
                    write!(self.out, ", {unsupported} of an unsupported link")?;
                }
                writeln!(self.out)?;
            }
        }
        self.out.flush()
    }

    fn json(&mut self, value: &impl Serialize) -> io::Result<()> {
        serde_json::to_writer(&mut self.out, value).map_err(io::Error::from)?;
        self.out.write_all(b"\n")
    }

    fn table<'a>(&mut self, capture: &str, flows: impl Iterator<Item = &'a FlowAccount>) -> io::Result<()> {
        let mut table = Table::new();
        table.load_preset(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
        table.set_header(["time", "client", "server", "verdict", "coin", "agent", "wallet", "after"]);
        for flow in flows {
            let of = |value: fn(&FlowFinding) -> &Option<String>| {
                flow.finding.as_ref().and_then(|finding| value(finding).clone()).unwrap_or_else(|| "-".into())
            };
            let called = |finding: &FlowFinding| finding.target.clone().or(finding.server_name.clone());
            let server = match flow.finding.as_ref().and_then(called) {
                Some(name) => format!("{} ({name})", flow.server),
                None => flow.server.to_string(),
            };
            let client = match flow.finding.as_ref().and_then(|finding| finding.host.as_ref()) {
                Some(host) => format!("{} ({host})", flow.client),
                None => flow.client.to_string(),
            };
            let verdict = match flow.verdict {
                FlowVerdict::Mining | FlowVerdict::Suspect => what(flow.finding.as_ref()),
                _ if flow.finding.is_some() => what(flow.finding.as_ref()),
                verdict => verdict.name().into(),
            };
            let after = flow.decided.map_or_else(
                || "-".into(),
                |decided| format!("{} (packet {})", seconds(decided.after_ms), decided.payload_packet),
            );
            let (coin, agent, wallet) =
                (of(|finding| &finding.coin), of(|finding| &finding.agent), of(|finding| &finding.wallet));
            table.add_row([time(flow.first()), client, server, verdict, coin, agent, wallet, after]);
        }
        writeln!(self.out, "{capture}")?;
        if table.is_empty() {
            writeln!(self.out, "  no findings\n")
        } else {
            writeln!(self.out, "{}\n", table.trim_fmt())
        }
    }
}

/// `mining cryptonote` or `suspect`.
fn what(finding: Option<&FlowFinding>) -> String {
    match finding {
        Some(FlowFinding { is_proof: true, dialect, .. }) => {
            format!("mining {}", dialect.unwrap_or_default()).trim_end().to_owned()
        }
        _ => FlowVerdict::Suspect.name().into(),
    }
}

/// `path` as text; bytes that aren't UTF-8 as `\xNN`.
pub fn printable(path: &Path) -> String {
    let mut text = String::new();
    for chunk in path.as_os_str().as_encoded_bytes().utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            text.push_str(&format!("\\x{byte:02x}"));
        }
    }
    text
}

/// The time of capture, RFC 3339 in UTC.
fn time(at: Instant) -> String {
    rfc3339(at.micros() / 1_000_000)
}

fn seconds(millis: u64) -> String {
    format!("{}.{:03} s", millis / 1_000, millis % 1_000)
}

/// The line of a flow.
#[derive(Serialize)]
#[serde(tag = "event", rename = "flow")]
struct FlowLine<'a> {
    capture: &'a str,
    client: Shown,
    server: Shown,
    verdict: &'static str,
    /// The finding's source.
    evidence: Option<&'static str>,
    dialect: Option<&'static str>,
    #[serde(flatten)]
    finding: Option<&'a FlowFinding>,
    decided_at_payload_packet: Option<u64>,
    decided_after_ms: Option<u64>,
    payload_packets: u64,
    duration_ms: u64,
}

impl<'a> FlowLine<'a> {
    fn new(capture: &'a str, flow: &'a FlowAccount) -> Self {
        let finding = flow.finding.as_ref();
        FlowLine {
            capture,
            client: Shown(flow.client),
            server: Shown(flow.server),
            verdict: flow.verdict.name(),
            evidence: finding.map(|finding| finding.source),
            dialect: finding.and_then(|finding| finding.dialect),
            finding,
            decided_at_payload_packet: flow.decided.map(|decided| decided.payload_packet),
            decided_after_ms: flow.decided.map(|decided| decided.after_ms),
            payload_packets: flow.payload_packets,
            duration_ms: flow.duration_ms(),
        }
    }
}

/// The line of a finding, with the members of a live event.
#[derive(Serialize)]
struct ReplayEventLine<'a> {
    event: &'static str,
    time: &'a str,
    capture: &'a str,
    client: Shown,
    server: Shown,
    dialect: Option<&'static str>,
    #[serde(flatten)]
    finding: &'a FlowFinding,
    payload_packets: u16,
}

/// An endpoint as text.
struct Shown(Endpoint);

impl Serialize for Shown {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}
