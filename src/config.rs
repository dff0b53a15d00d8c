//! The configuration: a file in UCI syntax becomes a [`Config`].
//!
//! A value that can't be is an error, and the whole file is refused: half a configuration is nobody's
//! wish. What we don't know is a warning, so that a file written for a newer version still starts.

mod given;
pub mod kind;
pub mod options;
pub mod service;
pub mod uci;
#[cfg(any(test, feature = "host"))]
pub mod validation;

use core::fmt;
use core::time::Duration;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::hmm::threshold::Sensitivity;
use crate::intel::entry::Policy;
use crate::intel::exemptions::AllowList;
use crate::limits;
use crate::probe::cache::Lifetimes;
use crate::verdict::mark::MarkPosition;
use given::{Given, shown};
use kind::Kind;
use options::OPTIONS;
use uci::{Statement, Statements};

/// Where the file is, if nobody says otherwise.
pub const DEFAULT_PATH: &str = "/etc/config/minewall";

/// What a proof of mining leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The flow is cut off.
    Block,
    /// The flow is reported.
    Monitor,
}

/// Whether servers are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Probing {
    /// No suspect is handed to the worker.
    Off,
    /// It is said what would be asked.
    Dry,
    /// They are.
    On,
}

/// What a suspect is whose server doesn't say what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// It stays a suspect: reported, and let pass.
    Alert,
    /// It is treated as proven.
    Block,
}

/// Which events the hooks hear of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Noticed {
    /// None.
    Nothing,
    /// Proof of mining.
    Proven,
    /// Suspicions, too.
    All,
}

/// The configuration. Each field is an option of [`options::OPTIONS`], in its range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Whether the service starts.
    pub enabled: bool,
    /// What a proof leads to.
    pub mode: Mode,
    /// Exempt hosts and servers.
    pub allow: AllowList,
    /// How much is logged.
    pub log_level: log::LevelFilter,
    /// Event log file.
    pub event_log: PathBuf,
    /// Size of the event log at which it is rotated; 0 for no file.
    pub event_log_bytes: u64,
    /// Rotated event logs that are kept.
    pub event_log_rotations: u32,
    /// Events an hour that are reported of one host.
    pub host_events_per_hour: u32,
    /// Which events the hooks hear of.
    pub notices: Noticed,
    /// Notices an hour.
    pub notices_per_hour: u32,
    /// Time between two notices of one host.
    pub notice_interval: Duration,
    /// DHCP leases files, in the order in which they are asked.
    pub leases_files: Vec<PathBuf>,
    /// Control socket.
    pub control_socket: PathBuf,
    /// Capacity of the flow table.
    pub max_flows: usize,
    /// A flow without a packet for this long is over.
    pub flow_idle: Duration,
    /// Payload packets after which a fast undecided flow is let go.
    pub budget_packets: u16,
    /// Payload bytes after which a fast undecided flow is let go.
    pub budget_bytes: u32,
    /// Flows below this average are not let go.
    pub low_rate_bytes_per_second: u32,
    /// How much suspicion stage one may have; none turns it off.
    pub sensitivity: Option<Sensitivity>,
    /// Model file for stage one; empty for the one that is part of the program.
    pub model: PathBuf,
    /// Number of the netfilter queue.
    pub queue: u16,
    /// Packets that may wait in it.
    pub queue_length: u32,
    /// Bytes of a packet that are copied to us.
    pub copy_range: u16,
    /// Position of our bits in the marks.
    pub mark: MarkPosition,
    /// Whether suspects' servers are asked.
    pub probe: bool,
    /// Whether that is only said, not done.
    pub probe_dry_run: bool,
    /// What an inconclusive probe leads to.
    pub probe_inconclusive: Doubt,
    /// Probes an hour.
    pub probes_per_hour: u32,
    /// Probes an hour of one /24 or /48.
    pub probes_per_block: u32,
    /// How long outcomes hold.
    pub probe_lifetimes: Lifetimes,
    /// File of outcomes.
    pub probe_cache: PathBuf,
    /// How long what was proven of a server holds; zero learns nothing.
    pub learn: Duration,
    /// File of what was learnt.
    pub learn_file: PathBuf,
    /// Whether the kernel is to refuse known pools by itself.
    pub kernel_block: bool,
    /// Whether lists have any say.
    pub intel: bool,
    /// What the built-in list's entries are worth at most; none leaves it out.
    pub intel_builtin: Option<Policy>,
    /// Whether an address that many sites share is blocked by its address alone.
    pub intel_blocks_shared: bool,
    /// Directories of lists.
    pub intel_lists: Vec<PathBuf>,
    /// Bytes that all lists together may take.
    pub intel_memory: usize,
}

impl Config {
    /// What the two switches of the probe amount to.
    pub fn probing(&self) -> Probing {
        match (self.probe, self.probe_dry_run) {
            (false, _) => Probing::Off,
            (true, true) => Probing::Dry,
            (true, false) => Probing::On,
        }
    }
}

impl Default for Config {
    /// Every option at the default that the table says.
    fn default() -> Self {
        const ANY_MARK: MarkPosition = match MarkPosition::new(limits::MARK_BIT_DEFAULT) {
            Some(mark) => mark,
            None => panic!("the default position of the mark is out of range"),
        };
        let mut config = Config {
            enabled: false,
            mode: Mode::Monitor,
            allow: AllowList::default(),
            log_level: log::LevelFilter::Off,
            event_log: PathBuf::new(),
            event_log_bytes: 0,
            event_log_rotations: 0,
            host_events_per_hour: 0,
            notices: Noticed::Nothing,
            notices_per_hour: 0,
            notice_interval: Duration::ZERO,
            leases_files: Vec::new(),
            control_socket: PathBuf::new(),
            max_flows: 0,
            flow_idle: Duration::ZERO,
            budget_packets: 0,
            budget_bytes: 0,
            low_rate_bytes_per_second: 0,
            sensitivity: None,
            model: PathBuf::new(),
            queue: 0,
            queue_length: 0,
            copy_range: 0,
            mark: ANY_MARK,
            probe: false,
            probe_dry_run: false,
            probe_inconclusive: Doubt::Alert,
            probes_per_hour: 0,
            probes_per_block: 0,
            probe_lifetimes: Lifetimes { pool: 0, not_pool: 0, inconclusive: 0 },
            probe_cache: PathBuf::new(),
            learn: Duration::ZERO,
            learn_file: PathBuf::new(),
            kernel_block: false,
            intel: false,
            intel_builtin: None,
            intel_blocks_shared: false,
            intel_lists: Vec::new(),
            intel_memory: 0,
        };
        for option in OPTIONS {
            option.set_default(&mut config);
        }
        config
    }
}

/// A configuration, and what in its file was passed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// Warnings, in the order of the file.
    pub warnings: Vec<Complaint>,
}

/// Something to say about a configuration file: `/etc/config/minewall:12: option …`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Complaint {
    /// The file.
    pub file: PathBuf,
    /// Line, from 1; none if it is about the whole file.
    pub line: Option<u32>,
    /// What is wrong, and what would be right.
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

impl std::error::Error for Complaint {}

/// Reads the configuration file at `path`.
///
/// # Errors
/// The first thing that is wrong: the file can't be read, is too large, is no UCI, or has a bad value.
pub fn load(path: &Path) -> Result<Loaded, Complaint> {
    let whole_file = |text| Complaint { file: path.into(), line: None, text };
    let mut bytes = Vec::new();
    let limit = limits::CONFIG_FILE_BYTES as u64 + 1;
    File::open(path)
        .and_then(|file| file.take(limit).read_to_end(&mut bytes))
        .map_err(|error| whole_file(format!("can't be read: {error}")))?;
    parse(path, &bytes)
}

/// Reads the configuration in `bytes`, which came from `path`.
///
/// # Errors
/// As [`load`].
pub fn parse(path: &Path, bytes: &[u8]) -> Result<Loaded, Complaint> {
    let complaint = |line, text| Complaint { file: path.into(), line, text };
    if bytes.len() > limits::CONFIG_FILE_BYTES {
        return Err(complaint(None, format!("larger than {} bytes", limits::CONFIG_FILE_BYTES)));
    }
    let mut warnings = Vec::new();
    let mut given: Vec<Given> = OPTIONS.iter().map(Given::nothing).collect();
    let mut section = Section::None;
    let mut main: Option<Option<String>> = None;
    for (line, statement) in Statements::new(bytes) {
        let (name, value, is_list) = match statement {
            Err(fault) => return Err(complaint(Some(line), fault.to_string())),
            Ok(Statement::Section { kind, name }) => {
                section = if SCRIPT_SECTIONS.contains(&&kind[..]) {
                    Section::Foreign
                } else if kind != SECTION_KIND {
                    warnings
                        .push(complaint(Some(line), format!("unknown section {} is ignored", shown(&kind))));
                    Section::Foreign
                } else if *main.get_or_insert_with(|| name.clone()) == name {
                    Section::Ours
                } else {
                    let text = "a second section of type 'minewall' is ignored".into();
                    warnings.push(complaint(Some(line), text));
                    Section::Foreign
                };
                continue;
            }
            Ok(Statement::Option { name, value }) => (name, value, false),
            Ok(Statement::List { name, value }) => (name, value, true),
        };
        match section {
            Section::None => {
                return Err(complaint(Some(line), "an option before the first 'config' line".into()));
            }
            Section::Foreign => continue,
            Section::Ours => {}
        }
        match given.iter_mut().find(|given| given.spec.name == name) {
            None => {
                warnings.push(complaint(Some(line), format!("unknown option {} is ignored", shown(&name))))
            }
            Some(given) if is_list => given.append(line, value),
            Some(given) => given.replace(line, value),
        }
    }
    let mut config = Config::default();
    for given in given.iter().filter(|given| !given.is_unset()) {
        given.apply(&mut config).map_err(|(line, text)| complaint(Some(line), text))?;
    }
    Ok(Loaded { config, warnings })
}

/// The default file: every option with its help, unit, range and default. All but the first two are
/// commented out.
pub fn default_file() -> String {
    let mut text = format!("config {SECTION_KIND} 'main'\n");
    for option in OPTIONS {
        for line in option.help {
            text += &format!("\t# {line}\n");
        }
        let (keyword, comment) = match option.kind {
            Kind::List { .. } => ("list", "#"),
            Kind::Bool { .. } | Kind::Integer { .. } | Kind::Choice { .. } | Kind::Path { .. } => {
                ("option", if ["enabled", "mode"].contains(&option.name) { "" } else { "#" })
            }
        };
        if matches!(option.kind, Kind::Integer { .. } | Kind::Choice { .. }) {
            text += &format!("\t# {}\n", option.kind);
        }
        let mut values = option.default_values();
        if values.is_empty() {
            values.push(String::new());
        }
        for value in values {
            text += &format!("\t{comment}{keyword} {} '{value}'\n", option.name);
        }
        text.push('\n');
    }
    text + FEED_EXAMPLE
}

/// Type of our section.
const SECTION_KIND: &str = "minewall";
/// Types of sections that scripts of the package read.
const SCRIPT_SECTIONS: [&str; 2] = ["feed", "fleet"];
/// How a feed is entered.
const FEED_EXAMPLE: &str = "\
# Lists from elsewhere: minewall-update-lists, run by cron, fetches them and checks them before they count.
# 'policy' is suspect, block or allow; 'interval' is in hours, 'max_size' in KiB; a feed that has lost more than
# 'max_loss' per cent of its entries is refused.
#config feed 'pools'
#	option url 'https://lists.example/pools.txt'
#	option policy 'suspect'
#	option interval '24'
#	option max_size '2048'
#	option max_loss '50'
";

/// The section that the statements at hand belong to.
#[derive(Clone, Copy, Debug)]
enum Section {
    None,
    Foreign,
    Ours,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Loaded, String> {
        parse(Path::new("minewall.conf"), text.as_bytes()).map_err(|complaint| complaint.to_string())
    }

    fn refused(option_line: &str) -> String {
        read(&format!("config minewall 'main'\n{option_line}\n")).expect_err(option_line)
    }

    #[test]
    fn the_default_file_says_the_defaults() {
        let text = default_file();
        let bare = text.replace("\t#option", "\toption").replace("\t#list", "\tlist");
        assert_ne!(text, bare);
        for text in ["", &text, &bare] {
            assert_eq!(read(text), Ok(Loaded { config: Config::default(), warnings: vec![] }), "{text}");
        }
    }

    #[test]
    fn values_reach_their_fields() {
        let loaded = read(
            "config minewall\n option enabled no\n option mode 'monitor'\n option max_flows 256\n option mark_bit 8\n\
             list allow_host 192.168.1.0/24\n list allow_host '02:00:5e:10:00:01'\n\
             option leases_file '/a /b'\n option flow_idle 60\n option flow_idle 120\n option queue ''\n",
        )
        .expect("a good file");
        let config = loaded.config;
        assert!(!config.enabled);
        assert_eq!((config.mode, config.max_flows), (Mode::Monitor, 256));
        assert_eq!(config.mark.mask(), 0x700);
        assert_eq!(config.allow.hosts.len(), 2);
        assert_eq!(config.leases_files, [Path::new("/a"), Path::new("/b")]);
        assert_eq!(config.flow_idle, Duration::from_secs(120));
        assert_eq!(config.queue, limits::QUEUE_NUMBER_DEFAULT);
        assert_eq!(loaded.warnings, []);
    }

    #[test]
    fn a_refusal_names_file_line_option_and_range() {
        for (line, complaint) in [
            ("option max_flows '99'", "option 'max_flows': '99' is out of range 256..524288 flows"),
            ("option max_flows 'many'", "option 'max_flows': 'many' is not 256..524288 flows"),
            ("option queue -1", "option 'queue': '-1' is not 0..65535"),
            ("option mode 'drop'", "option 'mode': 'drop' is not block|monitor"),
            ("option enabled 2", "option 'enabled': '2' is not 0 or 1"),
            ("list mode block", "option 'mode' takes one value, not a list: block|monitor"),
            (
                "option event_log \"a\tb\"",
                "option 'event_log': 'a\\tb' is not an absolute path of at most 107 bytes",
            ),
        ] {
            assert_eq!(refused(line), format!("minewall.conf:2: {complaint}"));
        }
        assert!(
            refused("list allow_host ::/0\nlist allow_host pool")
                .starts_with("minewall.conf:3: option 'allow_host'")
        );
        assert!(refused("list allow_host a\n").contains("02:00:5e:10:00:01"));
        assert!(refused(&"list allow_host ::1\n".repeat(257)).contains("more than 256 entries"));
        assert!(refused("option mode 'a").starts_with("minewall.conf:2: this quote is never closed"));
        assert!(read("option mode block").expect_err("no section").starts_with("minewall.conf:1: "));
        assert!(read(&"#".repeat(70_000)).expect_err("too large").starts_with("minewall.conf: larger"));
        assert!(refused(&format!("option mode {}", "é".repeat(999))).len() < 250);
    }

    #[test]
    fn sections_for_scripts_are_theirs() {
        let text = "config feed x\n option url y\nconfig minewall main\n option mode monitor\nconfig fleet z\n option host w\n";
        let loaded = read(text).expect("good");
        assert_eq!((loaded.warnings, loaded.config.mode), (vec![], Mode::Monitor));
    }

    #[test]
    fn what_is_unknown_is_a_warning() {
        let text = "config other\n option mode 3\nconfig fleet\n option host x\nconfig minewall main\n option colour red\nconfig minewall two\n option \
                    mode x\nconfig minewall main\n option mode monitor\n";
        let loaded = read(text).expect("only warnings");
        let warnings: Vec<String> = loaded.warnings.iter().map(ToString::to_string).collect();
        assert_eq!(
            warnings,
            [
                "minewall.conf:1: unknown section 'other' is ignored",
                "minewall.conf:6: unknown option 'colour' is ignored",
                "minewall.conf:7: a second section of type 'minewall' is ignored",
            ]
        );
        assert_eq!(loaded.config.mode, Mode::Monitor);
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let complaint = load(Path::new("/nonexistent/minewall")).expect_err("no such file").to_string();
        assert!(complaint.starts_with("/nonexistent/minewall: can't be read"), "{complaint}");
    }

    /// Whatever the bytes, the answer is a configuration in range or a complaint with a line of the file.
    #[test]
    fn no_bytes_upset_it() {
        let good = default_file().replace("\t#option", "\toption").replace("\t#list", "\tlist");
        let mut source = crate::util::random::Random::new(7);
        let mut random = |below: usize| source.below(below as u32) as usize;
        let (mut accepted, mut refused) = (0, 0);
        for _ in 0..4_000 {
            let mut bytes = good.clone().into_bytes();
            for _ in 0..=random(6) {
                let at = random(bytes.len());
                match random(4) {
                    0 => bytes[at] = random(256) as u8,
                    1 => bytes[at] = b"'\"\\;#\n \0"[random(8)],
                    2 => drop(bytes.drain(at..(at + random(40)).min(bytes.len()))),
                    _ => {
                        let piece = bytes[at..(at + random(40)).min(bytes.len())].to_vec();
                        let to = random(bytes.len());
                        bytes.splice(to..to, piece);
                    }
                }
            }
            let lines = 1 + bytes.iter().filter(|&&byte| byte == b'\n').count();
            match parse(Path::new("f"), &bytes) {
                Ok(loaded) => {
                    accepted += 1;
                    assert!((limits::FLOWS_MIN..=limits::FLOWS_MAX).contains(&loaded.config.max_flows));
                }
                Err(complaint) => {
                    refused += 1;
                    let line = complaint.line.expect("small files are refused at a line") as usize;
                    assert!((1..=lines).contains(&line), "{complaint}");
                    assert!(!complaint.text.contains(char::is_control), "{complaint}");
                }
            }
        }
        assert!(accepted > 100 && refused > 100, "{accepted} accepted, {refused} refused: no test of both");
    }
}
