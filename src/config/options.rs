//! The table of options: the one source of parsing, validation, defaults and the default file.

use core::time::Duration;

use super::kind::{Kind, OptionSpec, all, parse_all, path};
use super::{Doubt, Mode, Noticed};
use crate::hmm::threshold::Sensitivity;
use crate::intel::entry::Policy;
use crate::intel::exemptions::{Host, Server};
use crate::limits;
use crate::verdict::mark::MarkPosition;

/// Every option, in the order of the default file.
pub const OPTIONS: &[OptionSpec] = &[
    OptionSpec {
        name: "enabled",
        kind: Kind::Bool { default: true, set: |config, yes| config.enabled = yes },
        help: &["Whether the service starts at all."],
    },
    OptionSpec {
        name: "mode",
        kind: Kind::Choice {
            words: &["block", "monitor"],
            default: 0,
            set: |config, index| config.mode = if index == 0 { Mode::Block } else { Mode::Monitor },
        },
        help: &["block: proven miners are cut off. monitor: they are only reported."],
    },
    OptionSpec {
        name: "sensitivity",
        kind: Kind::Choice {
            words: &["off", "cautious", "balanced", "eager", "adaptive"],
            default: 4,
            set: |config, index| {
                let level = index.checked_sub(1);
                config.sensitivity = level.and_then(|level| Sensitivity::ALL.get(level).copied());
            },
        },
        help: &[
            "Encrypted sessions: how easily one is suspected of mining by its sizes and times.",
            "Of 100 mining sessions of programs that were new to it, 47 (cautious), 76 (balanced) or 90",
            "(eager) were found; of 1,000 long harmless ones, 2, 19 or 78 were suspected, nearly all",
            "look-alikes. A suspect is reported, not blocked: its server is asked first.",
        ],
    },
    OptionSpec {
        name: "model",
        kind: Kind::Path { default: "", set: |config, path| config.model = path },
        help: &["Model file for that, as 'minewall train' writes it; without, the one built in."],
    },
    OptionSpec {
        name: "allow_host",
        kind: Kind::List {
            default: &[],
            form: "an address, a prefix like 192.168.1.0/24, or a MAC like 02:00:5e:10:00:01",
            set: |config, values| {
                config.allow.hosts = parse_all::<Host>(values)?;
                Ok(())
            },
        },
        help: &["Hosts that may mine: address, prefix or MAC, one a line."],
    },
    OptionSpec {
        name: "allow_endpoint",
        kind: Kind::List {
            default: &[],
            form: "an address or prefix, with a port like 192.0.2.1:3333 or [2001:db8::1]:3333 if one is meant",
            set: |config, values| {
                config.allow.servers = parse_all::<Server>(values)?;
                Ok(())
            },
        },
        help: &[
            "Servers that every host may mine at: address[:port] or prefix[:port], IPv6 with a",
            "port in brackets.",
        ],
    },
    OptionSpec {
        name: "log_level",
        kind: Kind::Choice {
            words: &["error", "warn", "info", "debug", "trace"],
            default: 2,
            set: |config, index| {
                use log::LevelFilter::{Debug, Error, Info, Trace, Warn};
                config.log_level = [Error, Warn, Info, Debug, Trace].get(index).copied().unwrap_or(Info);
            },
        },
        help: &["How much the daemon tells the system log."],
    },
    OptionSpec {
        name: "event_log",
        kind: Kind::Path {
            default: "/var/log/minewall/events.jsonl",
            set: |config, path| config.event_log = path,
        },
        help: &["Detections as JSON lines. /var/log is RAM on OpenWrt; on flash every event wears it."],
    },
    OptionSpec {
        name: "event_log_size",
        kind: Kind::Integer {
            min: 0,
            max: 65_536,
            default: limits::EVENT_LOG_KIB_DEFAULT,
            unit: "KiB",
            set: |config, kib| config.event_log_bytes = u64::from(kib) * 1_024,
        },
        help: &["Size at which that file is rotated; 0 writes none."],
    },
    OptionSpec {
        name: "event_log_rotations",
        kind: Kind::Integer {
            min: 0,
            max: 16,
            default: limits::EVENT_LOG_ROTATIONS_DEFAULT,
            unit: "files",
            set: |config, files| config.event_log_rotations = files,
        },
        help: &["Rotated files that are kept beside it."],
    },
    OptionSpec {
        name: "host_events",
        kind: Kind::Integer {
            min: 1,
            max: 3_600,
            default: limits::HOST_EVENTS_PER_HOUR_DEFAULT,
            unit: "events/hour",
            set: |config, events| config.host_events_per_hour = events,
        },
        help: &["Events that one host may cause; what is more is only counted."],
    },
    OptionSpec {
        name: "notices",
        kind: Kind::Choice {
            words: &["off", "proven", "all"],
            default: 1,
            set: |config, index| {
                config.notices = match index {
                    0 => Noticed::Nothing,
                    1 => Noticed::Proven,
                    _ => Noticed::All,
                };
            },
        },
        help: &["Which events the programs in /etc/minewall/hooks.d are run for; all has suspicions, too."],
    },
    OptionSpec {
        name: "notices_per_hour",
        kind: Kind::Integer {
            min: 1,
            max: 3_600,
            default: limits::NOTICES_PER_HOUR_DEFAULT,
            unit: "notices/hour",
            set: |config, notices| config.notices_per_hour = notices,
        },
        help: &["How often they are run; what is more is counted and told with the next."],
    },
    OptionSpec {
        name: "notice_interval",
        kind: Kind::Integer {
            min: 0,
            max: 10_080,
            default: limits::NOTICE_INTERVAL_MINUTES_DEFAULT,
            unit: "minutes",
            set: |config, minutes| config.notice_interval = Duration::from_secs(60 * u64::from(minutes)),
        },
        help: &["How long they hear nothing more of the same host."],
    },
    OptionSpec {
        name: "leases_file",
        kind: Kind::List {
            default: &["/tmp/dhcp.leases"],
            form: "an absolute path",
            set: |config, values| {
                config.leases_files = all(values, path)?;
                Ok(())
            },
        },
        help: &["DHCP leases in dnsmasq's format, for the names of hosts."],
    },
    OptionSpec {
        name: "control_socket",
        kind: Kind::Path {
            default: "/var/run/minewall/control.sock",
            set: |config, path| config.control_socket = path,
        },
        help: &["Unix socket that 'minewall status' asks."],
    },
    OptionSpec {
        name: "max_flows",
        kind: Kind::Integer {
            min: limits::FLOWS_MIN as u32,
            max: limits::FLOWS_MAX as u32,
            default: limits::FLOWS_DEFAULT as u32,
            unit: "flows",
            set: |config, flows| config.max_flows = flows as usize,
        },
        help: &["Connections that are followed at once, 128 bytes each."],
    },
    OptionSpec {
        name: "flow_idle",
        kind: Kind::Integer {
            min: 60,
            max: 86_400,
            default: limits::FLOW_IDLE.as_secs() as u32,
            unit: "seconds",
            set: |config, seconds| config.flow_idle = Duration::from_secs(seconds.into()),
        },
        help: &["A connection without a packet for this long is forgotten."],
    },
    OptionSpec {
        name: "budget_packets",
        kind: Kind::Integer {
            min: 4,
            max: u16::MAX as u32,
            default: limits::BUDGET_PACKETS as u32,
            unit: "packets",
            set: |config, packets| config.budget_packets = packets as u16,
        },
        help: &["Payload packets after which a fast connection that shows no mining is let go."],
    },
    OptionSpec {
        name: "budget_bytes",
        kind: Kind::Integer {
            min: 4_096,
            max: 16 * 1_024 * 1_024,
            default: limits::BUDGET_BYTES,
            unit: "bytes",
            set: |config, bytes| config.budget_bytes = bytes,
        },
        help: &["Payload bytes after which it is let go."],
    },
    OptionSpec {
        name: "low_rate",
        kind: Kind::Integer {
            min: 0,
            max: 1_048_576,
            default: limits::LOW_RATE_BYTES_PER_SECOND,
            unit: "bytes/s",
            set: |config, rate| config.low_rate_bytes_per_second = rate,
        },
        help: &["Connections slower than this are not let go: a miner moves 2 to 100 bytes/s."],
    },
    OptionSpec {
        name: "queue",
        kind: Kind::Integer {
            min: 0,
            max: u16::MAX as u32,
            default: limits::QUEUE_NUMBER_DEFAULT as u32,
            unit: "",
            set: |config, number| config.queue = number as u16,
        },
        help: &["Number of the netfilter queue; no other program may have the same."],
    },
    OptionSpec {
        name: "queue_length",
        kind: Kind::Integer {
            min: 16,
            max: 65_536,
            default: limits::QUEUE_LENGTH_DEFAULT,
            unit: "packets",
            set: |config, packets| config.queue_length = packets,
        },
        help: &["Packets that may wait in it; what is more passes unseen."],
    },
    OptionSpec {
        name: "copy_range",
        kind: Kind::Integer {
            min: 128,
            max: 65_531,
            default: limits::COPY_RANGE_DEFAULT as u32,
            unit: "bytes",
            set: |config, bytes| config.copy_range = bytes as u16,
        },
        help: &["Bytes of each packet that are looked at."],
    },
    OptionSpec {
        name: "mark_bit",
        kind: Kind::Integer {
            min: 0,
            max: limits::MARK_BIT_MAX as u32,
            default: limits::MARK_BIT_DEFAULT as u32,
            unit: "",
            set: |config, bit| {
                if let Some(mark) = MarkPosition::new(bit as u8) {
                    config.mark = mark;
                }
            },
        },
        help: &[
            "Lowest of the three bits of the packet and conntrack mark that hold the verdict; move",
            "them where mwan3, pbr or another program uses the same.",
        ],
    },
    OptionSpec {
        name: "probe",
        kind: Kind::Bool { default: true, set: |config, yes| config.probe = yes },
        help: &["Whether servers that a host's traffic makes suspect are asked if they are pools."],
    },
    OptionSpec {
        name: "probe_dry_run",
        kind: Kind::Bool { default: false, set: |config, yes| config.probe_dry_run = yes },
        help: &["Only say in the log which servers would be asked."],
    },
    OptionSpec {
        name: "probe_inconclusive",
        kind: Kind::Choice {
            words: &["alert", "block"],
            default: 0,
            set: |config, index| {
                config.probe_inconclusive = if index == 0 { Doubt::Alert } else { Doubt::Block };
            },
        },
        help: &["What a suspect is whose server doesn't say: alert reports it, block cuts it off."],
    },
    OptionSpec {
        name: "probes_per_hour",
        kind: Kind::Integer {
            min: 1,
            max: 3_600,
            default: limits::PROBES_PER_HOUR_DEFAULT,
            unit: "probes/hour",
            set: |config, probes| config.probes_per_hour = probes,
        },
        help: &["Servers that are asked; what is more waits."],
    },
    OptionSpec {
        name: "probes_per_block",
        kind: Kind::Integer {
            min: 1,
            max: 3_600,
            default: limits::PROBES_PER_BLOCK_DEFAULT,
            unit: "probes/hour",
            set: |config, probes| config.probes_per_block = probes,
        },
        help: &["Of them, in one network (/24, or /48 of IPv6)."],
    },
    OptionSpec {
        name: "probe_pool_hours",
        kind: Kind::Integer {
            min: 1,
            max: 8_760,
            default: limits::POOL_HOURS_DEFAULT,
            unit: "hours",
            set: |config, hours| config.probe_lifetimes.pool = hours * 3_600,
        },
        help: &["How long a server that has proved to be a pool is taken for one."],
    },
    OptionSpec {
        name: "probe_not_pool_hours",
        kind: Kind::Integer {
            min: 1,
            max: 8_760,
            default: limits::NOT_POOL_HOURS_DEFAULT,
            unit: "hours",
            set: |config, hours| config.probe_lifetimes.not_pool = hours * 3_600,
        },
        help: &["How long one that has proved to be something else is no suspect."],
    },
    OptionSpec {
        name: "probe_inconclusive_minutes",
        kind: Kind::Integer {
            min: 1,
            max: 10_080,
            default: limits::INCONCLUSIVE_MINUTES_DEFAULT,
            unit: "minutes",
            set: |config, minutes| config.probe_lifetimes.inconclusive = minutes * 60,
        },
        help: &["After how long one that didn't say is asked again."],
    },
    OptionSpec {
        name: "probe_cache",
        kind: Kind::Path { default: "/etc/minewall/probes", set: |config, path| config.probe_cache = path },
        help: &["What probes have found, kept across restarts; written rarely, and whole or not at all."],
    },
    OptionSpec {
        name: "learn_hours",
        kind: Kind::Integer {
            min: 0,
            max: 8_760,
            default: limits::LEARN_HOURS_DEFAULT,
            unit: "hours",
            set: |config, hours| config.learn = Duration::from_secs(u64::from(hours) * 3_600),
        },
        help: &[
            "How long a server that has proved to be a pool, here or to another router, is blocked",
            "from the first packet on; 0 learns nothing.",
        ],
    },
    OptionSpec {
        name: "learn_file",
        kind: Kind::Path { default: "/etc/minewall/learned", set: |config, path| config.learn_file = path },
        help: &["What was learnt, kept across restarts; written rarely, and whole or not at all."],
    },
    OptionSpec {
        name: "kernel_block",
        kind: Kind::Bool { default: true, set: |config, yes| config.kernel_block = yes },
        help: &["Whether the kernel itself refuses connections to such servers, which takes nft."],
    },
    OptionSpec {
        name: "intel",
        kind: Kind::Bool { default: true, set: |config, yes| config.intel = yes },
        help: &["Whether lists of known pools, and answers of name servers, have any say."],
    },
    OptionSpec {
        name: "intel_builtin",
        kind: Kind::Choice {
            words: &["off", "suspect", "block"],
            default: 2,
            set: |config, index| {
                config.intel_builtin =
                    [None, Some(Policy::Suspect), Some(Policy::Block)].get(index).copied().flatten();
            },
        },
        help: &[
            "The list that is part of the program: block cuts off connections to hosts that are only",
            "there for mining, at other ports than the web's, and makes the rest suspects; suspect makes",
            "suspects of all.",
        ],
    },
    OptionSpec {
        name: "intel_shared",
        kind: Kind::Choice {
            words: &["suspect", "block"],
            default: 0,
            set: |config, index| config.intel_blocks_shared = index == 1,
        },
        help: &[
            "What a listed address is worth that other sites have, too (CDN, shared host): suspect asks",
            "its server, block cuts off the others with it.",
        ],
    },
    OptionSpec {
        name: "intel_lists",
        kind: Kind::List {
            default: &["/etc/minewall/lists", "/var/lib/minewall/feeds"],
            form: "an absolute path",
            set: |config, values| {
                config.intel_lists = all(values, path)?;
                Ok(())
            },
        },
        help: &[
            "Directories of lists. A file's name ends in what its entries are worth: .block, .suspect,",
            ".allow. Names, addresses, prefixes, host:port; hosts, adblock and dnsmasq files, too.",
        ],
    },
    OptionSpec {
        name: "intel_memory",
        kind: Kind::Integer {
            min: 64,
            max: 65_536,
            default: limits::INTEL_KIB_DEFAULT,
            unit: "KiB",
            set: |config, kib| config.intel_memory = kib as usize * 1_024,
        },
        help: &[
            "Memory that all lists together may take, about 30 bytes an entry; three times as much for",
            "a moment while they are read. A list that doesn't fit is refused.",
        ],
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn every_default_is_acceptable_and_every_name_is_one_of_its_own() {
        for (index, option) in OPTIONS.iter().enumerate() {
            let mut config = Config::default();
            assert_eq!(option.set(&mut config, &option.default_values()), Ok(()), "{}", option.name);
            assert_eq!(config, Config::default(), "{}", option.name);
            assert!(OPTIONS[..index].iter().all(|other| other.name != option.name), "{}", option.name);
        }
    }

    /// Each option sets a field, and no two the same: all pairs of changes can be told apart.
    #[test]
    fn every_option_has_a_field_of_its_own() {
        let other_value = |option: &OptionSpec| match option.kind {
            Kind::Bool { default, .. } => u8::from(!default).to_string(),
            Kind::Integer { min, max, default, .. } => if default == max { min } else { max }.to_string(),
            Kind::Choice { words, default, .. } => words[(default + 1) % words.len()].to_string(),
            Kind::Path { .. } => "/elsewhere".into(),
            Kind::List { .. } if matches!(option.name, "leases_file" | "intel_lists") => "/elsewhere".into(),
            Kind::List { .. } => "192.0.2.1".into(),
        };
        let changed = |options: &[&OptionSpec]| {
            let mut config = Config::default();
            for option in options {
                option.set(&mut config, &[other_value(option)]).expect(option.name);
            }
            config
        };
        for one in OPTIONS {
            assert_ne!(changed(&[one]), Config::default(), "{}", one.name);
            for other in OPTIONS.iter().filter(|other| other.name != one.name) {
                assert_ne!(changed(&[one, other]), changed(&[other]), "{} and {}", one.name, other.name);
            }
        }
    }

    #[test]
    fn ranges_end_where_they_say() {
        for option in OPTIONS {
            let Kind::Integer { min, max, .. } = option.kind else { continue };
            let takes = |value: u64| option.set(&mut Config::default(), &[value.to_string()]).is_ok();
            assert!(takes(min.into()) && takes(max.into()) && !takes(u64::from(max) + 1), "{}", option.name);
            assert!(min == 0 || !takes(u64::from(min) - 1), "{}", option.name);
        }
    }
}
