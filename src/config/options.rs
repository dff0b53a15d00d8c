//! The options, each declared once.
//!
//! From a declaration come the field of [`Config`], its default, the range and the message of a refusal, the
//! default file and its help, the validation of the init script, the settings page of LuCI, and the table of
//! `openwrt/OPTIONS.md`. To add an option is to add an entry here and to use its field; the files in `openwrt/`
//! are then written by `MINEWALL_BLESS=1 cargo test --test openwrt`.
//!
//! An entry reads: help, name in the file (earlier names in brackets), field and type, tab and title of the
//! settings page, kind with default and range.

use core::time::Duration;
use std::path::PathBuf;

use super::collector::{Collector, CollectorFormat, Fingerprint};
use super::declaration::{options, page};
use super::device_name::DeviceName;
use super::kind::{AbsolutePath, Choice, Flag, Form, List, Number, One, OptionSpec, Read, Tab, path};
use super::{InconclusiveAction, Mode, NoticeScope};
use crate::hmm::threshold::Sensitivity;
use crate::intel::entry::Policy;
use crate::intel::exemptions::{ExemptHost, Server};
use crate::limits;
use crate::verdict::mark::MarkPosition;

options! {
    /// Whether the service starts at all.
    "enabled" enabled: bool = General "Enabled" Flag { default: true };

    /// Action on proven mining: block cuts the connection off and reports it, monitor only reports it.
    /// A suspicion alone never blocks.
    "mode" mode: Mode = General "Miners are" Choice {
        words: &[
            ("block", Mode::Block, page!("blocked: cut off and reported")),
            ("monitor", Mode::Monitor, page!("reported only")),
        ],
        default: 0,
    };

    /// Hosts that may mine: an address, a prefix like 192.168.1.0/24, or a MAC like 02:00:5e:10:00:01.
    "allow_host" exempt_hosts: Vec<ExemptHost> = General "Hosts that may mine" List {
        form: Form::Host,
        default: &[],
        read: |text| text.parse::<ExemptHost>().ok(),
    };

    /// Servers that every host may mine at: an address or a prefix, with a port like 192.0.2.1:3333 or
    /// [2001:db8::1]:3333 if one is meant.
    "allow_endpoint" exempt_servers: Vec<Server> = General "Servers to mine at" List {
        form: Form::Endpoint,
        default: &[],
        read: |text| text.parse::<Server>().ok(),
    };

    /// Zones of the firewall that are watched; with none, nor any in watch_interfaces, all networks and the
    /// router itself.
    "watch_zones" watch_zones: Vec<DeviceName> = General "Zones to watch" List {
        form: Form::Name,
        default: &[],
        read: |text| text.parse::<DeviceName>().ok(),
    };

    /// Network devices that are watched, like br-guest or eth0.3.
    "watch_interfaces" watch_interfaces: Vec<DeviceName> = General "Devices to watch" List {
        form: Form::Name,
        default: &[],
        read: |text| text.parse::<DeviceName>().ok(),
    };

    /// How easily an encrypted session is suspected of mining by its sizes and times. adaptive: as easily
    /// as the house allows, so that no more than suspects_per_day servers are newly asked. cautious,
    /// balanced and eager suspect about 1, 10 and 50 of 1,000 long harmless sessions of real houses. A
    /// suspect is reported, not blocked: its server is asked first.
    "sensitivity" sensitivity: Option<Sensitivity> = Encrypted "Suspect" Choice {
        words: &[
            ("off", None, page!("nothing")),
            ("cautious", Some(Sensitivity::Cautious), page!("cautiously: 1 of 1,000 long harmless sessions")),
            ("balanced", Some(Sensitivity::Balanced), page!("in between: 10 of 1,000")),
            ("eager", Some(Sensitivity::Eager), page!("eagerly: 50 of 1,000")),
            ("adaptive", Some(Sensitivity::Adaptive), page!("as the house allows")),
        ],
        default: 4,
    };

    /// Servers that may newly become suspects in a day, where sensitivity is adaptive.
    "suspects_per_day" suspects_per_day: u32 = Encrypted "Servers suspected a day" Number {
        min: 1,
        max: 10_000,
        default: limits::SUSPECTS_PER_DAY_DEFAULT,
        unit: "servers",
        to: |servers| servers,
    };

    /// Model file for encrypted sessions, as 'minewall train' writes it; if empty, the built-in model.
    "model" model: PathBuf = Encrypted "Model file" AbsolutePath { default: "" };

    /// Whether the router asks suspected servers if they are pools, in a connection of its own.
    "probe" probe: bool = Probe "Ask servers" Flag { default: true };

    /// Only log which servers would be asked.
    "probe_dry_run" probe_dry_run: bool = Probe "Dry run" Flag { default: false };

    /// Action where stage one is as good as sure and the server does not say what it is when asked: alert
    /// reports it, block cuts off the suspected host's sessions with that server.
    "probe_inconclusive" probe_inconclusive: InconclusiveAction = Probe "No clear answer" Choice {
        words: &[
            ("alert", InconclusiveAction::Alert, page!("reported")),
            ("block", InconclusiveAction::Block, page!("cut off")),
        ],
        default: 0,
    };

    /// Servers that are asked in an hour; further suspects wait.
    "probes_per_hour" probes_per_hour: u32 = Probe "Servers asked" Number {
        min: 1,
        max: 3_600,
        default: limits::PROBES_PER_HOUR_DEFAULT,
        unit: "probes/hour",
        to: |probes| probes,
    };

    /// Of them, in one network: a /24, or a /48 of IPv6.
    "probes_per_block" probes_per_block: u32 = Probe "Of them, in one network" Number {
        min: 1,
        max: 3_600,
        default: limits::PROBES_PER_BLOCK_DEFAULT,
        unit: "probes/hour",
        to: |probes| probes,
    };

    /// How long a server that proved to be a pool is taken for one.
    "probe_pool_hours" probe_pool_seconds: u32 = Probe "A pool stays one for" Number {
        min: 1, max: 8_760, default: limits::POOL_HOURS_DEFAULT, unit: "hours", to: |hours| hours * 3_600,
    };

    /// How long a server that proved to be something else is no suspect.
    "probe_not_pool_hours" probe_not_pool_seconds: u32 = Probe "Another server is clear for" Number {
        min: 1, max: 8_760, default: limits::NOT_POOL_HOURS_DEFAULT, unit: "hours", to: |hours| hours * 3_600,
    };

    /// How long after an inconclusive answer a server is asked again.
    "probe_inconclusive_minutes" probe_inconclusive_seconds: u32 = Probe "Ask again after" Number {
        min: 1,
        max: 10_080,
        default: limits::INCONCLUSIVE_MINUTES_DEFAULT,
        unit: "minutes",
        to: |minutes| minutes * 60,
    };

    /// File of an earlier version with results of probes: read once, then removed.
    "probe_cache" probe_cache: PathBuf = Probe "Earlier memory of answers" AbsolutePath { default: "/etc/minewall/probes" };

    /// Whether lists of known pools, and answers of name servers, are used.
    "intel" intel: bool = Known "Lists and names" Flag { default: true };

    /// The built-in list: block cuts off connections to hosts that exist only for mining, at other ports
    /// than the web's, and makes the rest suspects; suspect makes suspects of all.
    "intel_builtin" intel_builtin: Option<Policy> = Known "Built-in list" Choice {
        words: &[
            ("off", None, page!("not used")),
            ("suspect", Some(Policy::Suspect), page!("makes suspects")),
            ("block", Some(Policy::Block), page!("blocks")),
        ],
        default: 2,
    };

    /// A listed address that other sites share (CDN, shared host): suspect asks its server, block cuts
    /// off the other sites with it.
    "intel_shared" intel_blocks_shared: bool = Known "Shared addresses" Choice {
        words: &[
            ("suspect", false, page!("make suspects")),
            ("block", true, page!("are blocked")),
        ],
        default: 0,
    };

    /// Directories of lists. The end of a file's name is the policy of its entries: .block, .suspect or
    /// .allow. Names, addresses, prefixes, host:port; hosts, adblock and dnsmasq files, too.
    "intel_lists" intel_lists: Vec<PathBuf> = Known "Folders of lists" List {
        form: Form::Path,
        default: &["/etc/minewall/lists", "/var/lib/minewall/feeds"],
        read: path,
    };

    /// Folders of signatures of mining dialects (*.sig), read beside the built-in ones. What files that end in
    /// .suspect.sig find is worth no more than a suspicion.
    "signatures" signatures: Vec<PathBuf> = Known "Folders of signatures" List {
        form: Form::Path,
        default: &["/etc/minewall/signatures", "/var/lib/minewall/feeds"],
        read: path,
    };

    /// Memory of all lists together, about 30 bytes an entry, and three times as much for a moment while
    /// they are read. A list that does not fit is refused.
    "intel_memory" intel_memory: usize = Known "Memory for lists" Number {
        min: 64, max: 65_536, default: limits::INTEL_KIB_DEFAULT, unit: "KiB", to: |kib| kib as usize * 1_024,
    };

    /// How long a server that proved to be a pool, here or to another router, is blocked from the first
    /// packet on; 0 learns nothing.
    "learn_hours" learn: Duration = Known "Learned pools are blocked for" Number {
        min: 0,
        max: 8_760,
        default: limits::LEARN_HOURS_DEFAULT,
        unit: "hours",
        to: |hours| Duration::from_secs(u64::from(hours) * 3_600),
    };

    /// File of the reputation of servers, kept across restarts; written rarely, and whole or not at all.
    "reputation_file" ("learn_file") reputation_file: PathBuf = Known "Reputation of servers" AbsolutePath { default: "/etc/minewall/reputation" };

    /// Whether the kernel itself refuses connections to learned pools; needs nftables.
    "kernel_block" kernel_block: bool = Known "Refusal by the kernel" Flag { default: true };

    /// Least important messages that reach the system log.
    "log_level" log_level: log::LevelFilter = Reports "System log" Choice {
        words: &[
            ("error", log::LevelFilter::Error, page!("errors")),
            ("warn", log::LevelFilter::Warn, page!("and warnings")),
            ("info", log::LevelFilter::Info, page!("and what happens")),
            ("debug", log::LevelFilter::Debug, page!("and details")),
            ("trace", log::LevelFilter::Trace, page!("everything")),
        ],
        default: 2,
    };

    /// File of detections as JSON lines. /var/log is RAM on OpenWrt; on flash every event wears it.
    "event_log" event_log: PathBuf = Reports "Event log" AbsolutePath { default: "/var/log/minewall/events.jsonl" };

    /// Size at which the event log is rotated; 0 writes none.
    "event_log_size" event_log_bytes: u64 = Reports "Size of the event log" Number {
        min: 0,
        max: 65_536,
        default: limits::EVENT_LOG_KIB_DEFAULT,
        unit: "KiB",
        to: |kib| u64::from(kib) * 1_024,
    };

    /// Rotated event logs that are kept.
    "event_log_rotations" event_log_rotations: u32 = Reports "Older event logs" Number {
        min: 0, max: 16, default: limits::EVENT_LOG_ROTATIONS_DEFAULT, unit: "files", to: |files| files,
    };

    /// Collector that gets each event as JSON: udp://HOST:PORT, tcp://HOST:PORT, tls://HOST:PORT, or syslog for
    /// the router's own log.
    "collector" collector: Option<Collector> = Reports "Collector of events" One {
        form: Form::Collector,
        read: |text| text.parse::<Collector>().ok(),
    };

    /// Form of what is sent: syslog puts a header of RFC 5424 before the JSON, json sends lines of JSON.
    "collector_format" collector_format: CollectorFormat = Reports "Its form" Choice {
        words: &[
            ("syslog", CollectorFormat::Syslog, page!("syslog (RFC 5424)")),
            ("json", CollectorFormat::Json, page!("lines of JSON")),
        ],
        default: 0,
    };

    /// SHA-256 fingerprint of the collector's certificate, which has an ECDSA key of P-256. With tls:// nothing
    /// is sent to a collector that has another one.
    "collector_certificate" collector_certificate: Option<Fingerprint> = Reports "Its certificate" One {
        form: Form::Fingerprint,
        read: |text| text.parse::<Fingerprint>().ok(),
    };

    /// Events of one host that are reported in an hour; further ones are only counted.
    "host_events" host_events_per_hour: u32 = Reports "Events of one host" Number {
        min: 1,
        max: 3_600,
        default: limits::HOST_EVENTS_PER_HOUR_DEFAULT,
        unit: "events/hour",
        to: |events| events,
    };

    /// Hosts with detections that are remembered; further ones take the place of the one silent for longest.
    "hosts_remembered" hosts_remembered: usize = Reports "Hosts remembered" Number {
        min: 1,
        max: limits::HOSTS_MAX as u32,
        default: limits::HOSTS_REMEMBERED_DEFAULT,
        unit: "hosts",
        to: |hosts| hosts as usize,
    };

    /// File of those hosts, kept across restarts; written rarely, and whole or not at all.
    "hosts_file" hosts_file: PathBuf = Reports "Memory of hosts" AbsolutePath { default: "/etc/minewall/hosts" };

    /// DHCP leases in dnsmasq's or odhcpd's format, for the names of hosts.
    "leases_file" leases_files: Vec<PathBuf> = Reports "DHCP leases" List {
        form: Form::Path,
        default: &["/tmp/dhcp.leases", "/tmp/hosts/odhcpd"],
        read: path,
    };

    /// Events for which the hooks in /etc/minewall/hooks.d are run; all includes suspicions.
    "notices" notices: NoticeScope = Notices "Tell of" Choice {
        words: &[
            ("off", NoticeScope::Nothing, page!("nothing")),
            ("proven", NoticeScope::Proven, page!("proven miners")),
            ("all", NoticeScope::All, page!("suspicions, too")),
        ],
        default: 1,
    };

    /// Runs of the hooks in an hour; further events are counted and told with the next.
    "notices_per_hour" notices_per_hour: u32 = Notices "At most" Number {
        min: 1,
        max: 3_600,
        default: limits::NOTICES_PER_HOUR_DEFAULT,
        unit: "notices/hour",
        to: |notices| notices,
    };

    /// Time between two runs of the hooks for the same host.
    "notice_interval" notice_interval: Duration = Notices "Pause" Number {
        min: 0,
        max: 10_080,
        default: limits::NOTICE_INTERVAL_MINUTES_DEFAULT,
        unit: "minutes",
        to: |minutes| Duration::from_secs(60 * u64::from(minutes)),
    };

    /// Connections that are followed at once, in all queues together, 128 bytes of memory each.
    "max_flows" max_flows: usize = Resources "Connections followed" Number {
        min: limits::FLOWS_MIN as u32,
        max: limits::FLOWS_MAX as u32,
        default: limits::FLOWS_DEFAULT as u32,
        unit: "flows",
        to: |flows| flows as usize,
    };

    /// Time without a packet after which a connection is forgotten.
    "flow_idle" flow_idle: Duration = Resources "Idle connections" Number {
        min: 60, max: 86_400, default: limits::FLOW_IDLE.as_secs() as u32, unit: "seconds",
        to: |seconds| Duration::from_secs(u64::from(seconds)),
    };

    /// Packets with payload after which a fast connection that shows no mining is bypassed.
    "budget_packets" budget_packets: u16 = Resources "Packets to look at" Number {
        min: 4, max: u16::MAX as u32, default: limits::BUDGET_PACKETS as u32, unit: "packets",
        to: |packets| packets as u16,
    };

    /// Bytes of payload after which such a connection is bypassed.
    "budget_bytes" budget_bytes: u32 = Resources "Bytes to look at" Number {
        min: 4_096, max: 16 * 1_024 * 1_024, default: limits::BUDGET_BYTES, unit: "bytes", to: |bytes| bytes,
    };

    /// Connections slower than this are never bypassed: a miner moves 2 to 100 bytes/s.
    "low_rate" low_rate_bytes_per_second: u32 = Resources "Slow connections" Number {
        min: 0, max: 1_048_576, default: limits::LOW_RATE_BYTES_PER_SECOND, unit: "bytes/s", to: |rate| rate,
    };

    /// Number of the first netfilter queue; no other program may have the same.
    "queue" queue: u16 = Resources "Netfilter queue" Number {
        min: 0, max: u16::MAX as u32, default: limits::QUEUE_NUMBER_DEFAULT as u32, unit: "",
        to: |number| number as u16,
    };

    /// Queues, each with a thread of its own, at the numbers from option queue on; 0: one for each core, at
    /// most 4. The packets between two hosts are always in one queue; max_flows is divided among the queues.
    "queues" queues: usize = Resources "Queues" Number {
        min: 0, max: limits::QUEUES_MAX as u32, default: limits::QUEUES_DEFAULT, unit: "queues",
        to: |queues| queues as usize,
    };

    /// Packets that may wait in each queue; excess packets are accepted without inspection.
    "queue_length" queue_length: u32 = Resources "Length of the queue" Number {
        min: 16, max: 65_536, default: limits::QUEUE_LENGTH_DEFAULT, unit: "packets", to: |packets| packets,
    };

    /// Bytes of each packet that are inspected.
    "copy_range" copy_range: u16 = Resources "Bytes of a packet" Number {
        min: 128, max: 65_531, default: limits::COPY_RANGE_DEFAULT as u32, unit: "bytes",
        to: |bytes| bytes as u16,
    };

    /// Lowest of the three bits of the packet and conntrack mark that hold the verdict; move them where
    /// mwan3, pbr or another program uses the same.
    "mark_bit" mark: MarkPosition = Resources "Mark bit" Number {
        min: 0,
        max: limits::MARK_BIT_MAX as u32,
        default: limits::MARK_BIT_DEFAULT as u32,
        unit: "",
        to: |bit| MarkPosition::new(bit as u8).unwrap_or_default(),
    };

    /// Unix socket that 'minewall status' and the pages of LuCI ask.
    "control_socket" control_socket: PathBuf = Resources "Control socket" AbsolutePath {
        default: "/var/run/minewall/control.sock",
    };
}

#[cfg(test)]
mod tests;
