//! The configuration: a file in UCI syntax becomes a [`Config`].
//!
//! Any invalid value rejects the whole file, and all of them are reported at once. An unknown name is a warning,
//! so that a file written for a newer version still starts. A file without our section is rejected as well: the
//! defaults of an empty file would silently turn monitoring into blocking and drop the exemptions.

pub(crate) mod collector;
mod declaration;
mod default_file;
pub(crate) mod device_name;
mod given;
pub(crate) mod kind;
pub mod options;
mod parser;
#[cfg(any(test, feature = "host"))]
pub mod schema;
pub mod service;
pub(crate) mod uci;

use core::fmt;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use crate::intel::exemptions::AllowList;
use crate::intel::reputation::file::Files;
use crate::limits;
use crate::util::bounded_read;
use crate::util::named::named;
pub use default_file::default_file;
pub use options::Config;
pub use parser::parse;

/// The usual path of the file.
pub const DEFAULT_PATH: &str = "/etc/config/minewall";

named! {
    /// Action on proven mining.
    pub enum Mode {
        /// The flow is cut off and reported.
        Block = "block",
        /// The flow is reported.
        Monitor = "monitor",
    }
}

/// Whether suspected servers are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Probing {
    /// No suspect is handed to the worker.
    Off,
    /// The log says which servers would be asked.
    Dry,
    /// Servers are asked.
    On,
}

/// Action when the probe of a strongly suspected server is inconclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InconclusiveAction {
    /// The suspicion is reported, and its sessions pass.
    Alert,
    /// Sessions of the suspected client with that server are cut off.
    Block,
}

/// Events for which the hooks are run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoticeScope {
    /// No event.
    Nothing,
    /// Proof of mining.
    Proven,
    /// Proof of mining and suspicions.
    All,
}

impl Config {
    /// The meaning of the two switches of the probe together.
    pub fn probing(&self) -> Probing {
        match (self.probe, self.probe_dry_run) {
            (false, _) => Probing::Off,
            (true, true) => Probing::Dry,
            (true, false) => Probing::On,
        }
    }

    /// Files of the reputation store, those of earlier versions included.
    pub fn reputation_files(&self) -> Files {
        let learned = self.reputation_file.with_file_name("learned");
        Files { path: self.reputation_file.clone(), earlier: vec![learned, self.probe_cache.clone()] }
    }

    /// Zones and network devices that are watched; none where all networks are.
    pub fn watched(&self) -> impl Iterator<Item = &device_name::DeviceName> {
        self.watch_zones.iter().chain(&self.watch_interfaces)
    }

    /// Numbers of the queues, as many as the configuration wants or as this machine has cores. Beyond the last number
    /// that there is, there is none.
    pub fn queue_numbers(&self) -> RangeInclusive<u16> {
        let queues = match self.queues {
            0 => cores().min(limits::QUEUES_BY_CORES),
            queues => queues,
        };
        self.queue..=self.queue.saturating_add(queues.saturating_sub(1) as u16)
    }

    /// Hosts and servers that are exempt.
    pub fn exemptions(&self) -> AllowList {
        AllowList { hosts: self.exempt_hosts.clone(), servers: self.exempt_servers.clone() }
    }
}

/// A configuration, and the warnings about its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// Warnings, in the order of the file.
    pub warnings: Vec<Complaint>,
}

/// A mistake in a configuration file: `/etc/config/minewall:12: option …`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Complaint {
    /// The file.
    pub file: PathBuf,
    /// Line, from 1; none if it is about the whole file.
    pub line: Option<u32>,
    /// The mistake, and the accepted form.
    pub text: String,
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.file.display())?;
        if let Some(line) = self.line {
            write!(f, "{line}:")?;
        }
        write!(f, " {}", self.text)
    }
}

/// All mistakes of a configuration file, at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected(pub Vec<Complaint>);

impl fmt::Display for Rejected {
    /// A mistake a line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, complaint) in self.0.iter().enumerate() {
            let line_end = if index == 0 { "" } else { "\n" };
            write!(f, "{line_end}{complaint}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Rejected {}

/// Reads the configuration file at `path`.
///
/// # Errors
/// Every mistake: the file can't be read, is too large, is no UCI, has no section of ours, or has bad values.
pub fn load(path: &Path) -> Result<Loaded, Rejected> {
    let bytes = bounded_read::bytes(path, limits::CONFIG_FILE_BYTES as u64 + 1).map_err(|error| {
        Rejected(vec![Complaint { file: path.into(), line: None, text: format!("can't be read: {error}") }])
    })?;
    parse(path, &bytes)
}

/// Cores of the machine that are online: by a file that the daemon reads in its jail as the program that makes the rules
/// does outside. How many of them a process may use does not count.
fn cores() -> usize {
    cores_in(&bounded_read::system_text("/proc/stat").unwrap_or_default())
}

/// Cores of which `/proc/stat` has a line (`cpu0 ...`), one at least.
fn cores_in(stat: &str) -> usize {
    let of_core = |line: &&str| {
        line.strip_prefix("cpu").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    };
    stat.lines().filter(of_core).count().max(1)
}

/// Type of our section.
const SECTION_KIND: &str = "minewall";

#[cfg(test)]
mod tests;
