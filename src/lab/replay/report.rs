//! What a replay prints: JSON lines for programs, a table for people.

use std::io::{self, Write};
use std::path::Path;

use serde::{Serialize, Serializer};

use super::account::{Flow, FlowVerdict};
use crate::net::endpoint::Endpoint;

/// How a report looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A JSON object a line: one for each flow, the last one for the summary.
    Json,
    /// A table for each capture, and a sentence at the end.
    Table,
}

/// Everything counted, over all captures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename = "summary")]
pub struct Summary {
    /// Captured packets.
    pub packets: u64,
    /// TCP flows that carried payload.
    pub flows: u64,
    /// Flows proven to mine.
    pub mining: u64,
    /// Flows that stage one suspects.
    pub suspect: u64,
    /// Flows let go.
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

impl Summary {
    /// Counts the flows of one capture.
    pub fn count<'a>(&mut self, flows: impl Iterator<Item = &'a Flow>) {
        for flow in flows {
            self.flows += 1;
            *match flow.judgement.verdict {
                FlowVerdict::Mining => &mut self.mining,
                FlowVerdict::Suspect => &mut self.suspect,
                FlowVerdict::Benign => &mut self.benign,
                FlowVerdict::Undecided => &mut self.undecided,
            } += 1;
        }
    }
}

/// Where the report goes.
#[derive(Debug)]
pub struct Report<W> {
    out: W,
    format: Format,
    /// One line of JSON.
    line: Vec<u8>,
}

impl<W: Write> Report<W> {
    /// A report in `format`.
    pub fn new(out: W, format: Format) -> Self {
        Report { out, format, line: vec![0; LINE_BYTES] }
    }

    /// Prints the flows of the capture at `path`.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn capture<'a>(
        &mut self,
        path: &Path,
        flows: impl Iterator<Item = &'a Flow> + Clone,
    ) -> io::Result<()> {
        let capture = printable(path);
        match self.format {
            Format::Json => {
                for flow in flows {
                    self.json(&FlowLine::new(&capture, flow))?;
                }
                Ok(())
            }
            Format::Table => self.table(&capture, flows),
        }
    }

    /// Prints the last line.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn summary(&mut self, summary: &Summary) -> io::Result<()> {
        match self.format {
            Format::Json => self.json(summary)?,
            Format::Table => {
                let Summary { captures, packets, flows, mining, suspect, benign, undecided, .. } = summary;
                let Summary { malformed, unsupported, .. } = summary;
                write!(
                    self.out,
                    "{flows} flows in {packets} packets of {captures} captures: {mining} mining, {suspect} suspect, \
                     {benign} benign, {undecided} undecided; {malformed} packets malformed"
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
        let len = serde_json_core::to_slice(value, &mut self.line).map_err(io::Error::other)?;
        self.out.write_all(self.line.get(..len).unwrap_or_default())?;
        self.out.write_all(b"\n")
    }

    fn table<'a>(&mut self, capture: &str, flows: impl Iterator<Item = &'a Flow> + Clone) -> io::Result<()> {
        writeln!(self.out, "{capture}")?;
        let width = |end: fn(&Flow) -> Endpoint, title: &str| {
            flows.clone().map(|flow| end(flow).to_string().len()).max().unwrap_or(0).max(title.len())
        };
        let client_width = width(|flow| flow.client, "client");
        let server_width = width(|flow| flow.server, "server");
        if flows.clone().next().is_some() {
            writeln!(
                self.out,
                "  {:client_width$}  {:server_width$}  {:9}  {:8}  {:22}  {:>10}  {:>11}  {:>7}  {:>9}",
                "client",
                "server",
                "verdict",
                "evidence",
                "dialect",
                "at packet",
                "after",
                "packets",
                "duration"
            )?;
        }
        for flow in flows {
            let (at, after) = match flow.decided {
                Some(decided) => (decided.payload_packet.to_string(), seconds(decided.after_ms)),
                None => ("-".into(), "-".into()),
            };
            writeln!(
                self.out,
                "  {:client_width$}  {:server_width$}  {:9}  {:8}  {:22}  {at:>10}  {after:>11}  {:>7}  {:>9}",
                flow.client.to_string(),
                flow.server.to_string(),
                flow.judgement.verdict.name(),
                flow.judgement.evidence.unwrap_or("-"),
                flow.judgement.dialect.unwrap_or("-"),
                flow.payload_packets,
                seconds(flow.duration_ms()),
            )?;
        }
        writeln!(self.out)
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
    evidence: Option<&'static str>,
    dialect: Option<&'static str>,
    decided_at_payload_packet: Option<u64>,
    decided_after_ms: Option<u64>,
    payload_packets: u64,
    duration_ms: u64,
}

impl<'a> FlowLine<'a> {
    fn new(capture: &'a str, flow: &Flow) -> Self {
        FlowLine {
            capture,
            client: Shown(flow.client),
            server: Shown(flow.server),
            verdict: flow.judgement.verdict.name(),
            evidence: flow.judgement.evidence,
            dialect: flow.judgement.dialect,
            decided_at_payload_packet: flow.decided.map(|decided| decided.payload_packet),
            decided_after_ms: flow.decided.map(|decided| decided.after_ms),
            payload_packets: flow.payload_packets,
            duration_ms: flow.duration_ms(),
        }
    }
}

/// An endpoint as text.
struct Shown(Endpoint);

impl Serialize for Shown {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// A path of 4 KB (`PATH_MAX`), every byte escaped with six, and the other fields.
const LINE_BYTES: usize = 32 * 1024;
