//! Every capacity and protocol constant in one place, with its cost in memory: here those of the packet path and of
//! the daemon, in further files those of the probe, of the reputation store and of what leaves the router.
//!
//! The defaults fit a router with 64 MB of RAM: the flow table, the assembly slots and the events
//! together stay below 3 MB. Under `cfg(test)` the sizes of the pools are tiny, so that eviction
//! really runs in the unit tests.

mod collector;
mod order;
mod probe;
mod queues;
mod reputation;

pub use collector::*;
pub use order::*;
pub use probe::*;
pub use queues::*;
pub use reputation::*;

use core::time::Duration;

/// Bytes a flow may take, including what the DPI and the hidden Markov model keep of it.
pub const FLOW_RECORD_MAX_BYTES: usize = 176;

/// Bytes of a flow record that belong to stage one: sizes by role, the latest symbols, a candidate's ticket.
pub const HMM_STATE_BYTES: usize = 44;
/// Payload packets of the shortest session that stage one may call suspect.
pub const HMM_MIN_PACKETS: u16 = 12;
/// And its age.
pub const HMM_MIN_AGE: Duration = Duration::from_secs(30);
/// Members of the panel at most: 7.5 KB of flash and 15 KB of memory each.
pub const HMM_PANEL: usize = 3;
/// Servers that stage one may newly suspect in a day.
pub const SUSPECTS_PER_DAY_DEFAULT: u32 = 50;
/// The histogram of the house is written so often at most, to spare the flash.
pub const HOUSE_WRITE_WAIT: Duration = Duration::from_secs(6 * 3_600);
/// Longest part of its file that is read.
pub const HOUSE_FILE_BYTES: u64 = 1_024;
/// Latest symbols that a flow record keeps for the screening, two bytes each.
pub const HMM_RECENT: usize = 8;
/// Screenings in a row without a result, after which a flow bypasses the queue for a while.
pub const HMM_FAILED_SCREENINGS: u8 = 4;
/// Bytes of a candidate: forward vectors of the whole panel, and what earlier connections brought.
pub const HMM_CANDIDATE_BYTES: usize = 160;
/// Flows that the whole panel watches at once, 160 bytes each: a house has some twenty long flows at a time, of
/// which one in five looks like mining for a while.
pub const CANDIDATES_DEFAULT: u16 = if cfg!(test) { 8 } else { 512 };
/// A candidate gives up its place after so many symbols without evidence.
pub const HMM_COLD_SYMBOLS: u8 = 32;
/// The place of a candidate that has been silent for so long is free: as long as a flow lives.
pub const HMM_CANDIDATE_IDLE: Duration = FLOW_IDLE;
/// Evidence of a connection that has ended counts half for the next one after so long. Miners come back within
/// seconds, or after the minutes that their configuration says.
pub const HMM_CARRY_HALVES: Duration = Duration::from_secs(5 * 60);
/// A flow may enter the pool before it is long enough to be suspect, but not in the burst of its beginning.
pub const HMM_ENTRY_AGE: Duration = Duration::from_secs(5);
/// A candidate stays under watch while it averages less than this: Alephium's jobs make 16 KB every second or so.
pub const CANDIDATE_BYTES_PER_SECOND: u32 = 16 * 1_024;

/// Interval of lines in the log that the table is full.
pub const FULL_TABLE_TOLD_EVERY: Duration = Duration::from_secs(60);
/// Flows in one set of the table. A set's tags fill one cache line of a 24Kc (32 bytes).
pub const FLOW_WAYS: usize = if cfg!(test) { 4 } else { 16 };

/// Flow table capacity: 8,192 flows of 128 bytes are 1 MB.
pub const FLOWS_DEFAULT: usize = 8_192;
/// Smallest configurable flow table.
pub const FLOWS_MIN: usize = 256;
/// Largest configurable flow table (64 MB): a router with memory to spare.
pub const FLOWS_MAX: usize = 524_288;

/// A flow without a packet for this long is over: longer than the TCP keepalive of any miner seen
/// (XMRig: 60 s) and than the job interval of the slowest pools.
pub const FLOW_IDLE: Duration = Duration::from_secs(30 * 60);
/// A connection that never carried payload is forgotten sooner.
pub const FLOW_OPENING_IDLE: Duration = Duration::from_secs(60);
/// Protected records (suspects, and flows with evidence) of one client in a set of the table that stay while
/// others need room.
pub const PROTECTED_OF_CLIENT: usize = FLOW_WAYS / 4;
/// Protected flows of all clients together: a quarter of a set is always open to newcomers.
pub const PROTECTED_IN_SET: usize = FLOW_WAYS * 3 / 4;
/// The kernel has a decision on a flow this long after the engine has made it; packets that were queued before are
/// through by then.
pub const MARK_LATENCY: Duration = Duration::from_secs(2);

/// A suspect, or a flow with evidence of mining, is spared by eviction until it has been idle for
/// this long: miners send a share, a keepalive or get a job well within it.
pub const SUSPECT_IDLE: Duration = Duration::from_secs(10 * 60);

/// Bytes of one direction that can wait for the rest of their message. The largest first message
/// of a client seen is 1.1 KB (XMRig's login with all algorithms), the largest share 2.8 KB
/// (Equihash), a job of Stratum V1 with 12 merkle branches and a large coinbase 3.5 KB.
pub const ASSEMBLY_BYTES: usize = 4_096;
/// Directions that can have such bytes waiting at once: 64 slots of 4 KB are 264 KB.
pub const ASSEMBLY_SLOTS: usize = if cfg!(test) { 4 } else { 64 };
/// Slots of each queue, however many queues there are.
pub const ASSEMBLY_SLOTS_MIN: usize = if cfg!(test) { 1 } else { 16 };
/// Separate runs of bytes that one slot keeps track of while segments arrive out of order.
pub const ASSEMBLY_RUNS: usize = 12;
/// Bytes of a wide slot, for what comes early of an upload: more than there is before it bypasses the queue.
pub const WIDE_SLOT_BYTES: usize = 48 * 1_024;
/// One wide slot for so many others: 8 of 48 KB are 384 KB, which are taken when they are needed.
pub const WIDE_SLOT_SHARE: usize = if cfg!(test) { 16 } else { 8 };
/// A wide slot in which nothing has happened for so long is given to the next: a lost segment comes again sooner.
pub const WIDE_SLOT_IDLE: Duration = Duration::from_secs(10);

/// Nesting of JSON that is read at all. Jobs nest three deep, Alephium's four.
pub const JSON_DEPTH: usize = 8;
/// Nesting of JSON that is passed over unread below [`JSON_DEPTH`]; deeper still is no message. One
/// bit a level.
pub const JSON_NESTING: usize = 64;
/// Values of one JSON message that are indexed, 12 bytes each, once for all flows; what follows is
/// not looked at.
pub const JSON_NODES: usize = 96;
/// Bytes that are kept of a line of text, of a form, of a message of gRPC.
pub const LINE_BYTES: usize = 512;
/// The longest line of an HTTP head; servers take 8 to 64 KB.
pub const HTTP_LINE_MAX: u32 = 64 * 1024;
/// Half-read messages, about 3 KB each; a message that begins in one segment and ends in another takes one.
pub const DRAFTS: usize = if cfg!(test) { 4 } else { 64 };
/// Files of signatures, and bytes of each.
pub const SIGNATURE_FILES: usize = 64;
/// See [`SIGNATURE_FILES`].
pub const SIGNATURE_FILE_BYTES: u64 = 64 * 1_024;
/// Text that is kept of one message, and of one string of it: the longest wallets and agents known have 130.
pub const JSON_TEXT_BYTES: usize = 1_280;
/// See [`JSON_TEXT_BYTES`].
pub const JSON_STRING_BYTES: usize = 200;
/// Items of an array that are kept; the others are counted.
pub const JSON_ITEMS: u16 = 32;
/// Longest JSON string with escapes in it that is decoded, on the stack; a longer one reads as empty.
pub const JSON_DECODED_BYTES: usize = 256;
/// JSON messages without a sign of mining in each direction, after which a flow speaks another
/// protocol. A miner may try a method or two that the pool doesn't know, and greet twice where pages speak.
pub const FOREIGN_MESSAGES: u8 = 3;
/// Messages where only one direction speaks JSON.
pub const FOREIGN_MESSAGES_ONE_WAY: u8 = 16;

/// Proxies (SOCKS, `CONNECT`) that are followed inside one another; longer chains in the clear are unknown.
pub const PROXY_DEPTH: u8 = 3;
/// Pipelined HTTP requests whose kind is remembered until their responses come, two bits each.
pub const HTTP_PIPELINE: usize = 4;

/// First flight of a Stratum V2 client: one ElligatorSwift public key (SV2 specification, 4.5.1).
pub const SV2_CLIENT_HELLO: usize = 64;
/// The server's answer: its own ElligatorSwift key (64), its encrypted static key (64 + 16) and the
/// encrypted signature message (74 + 16). The specification's text still says 170, from before
/// ElligatorSwift; the reference implementation sends 234.
pub const SV2_SERVER_HELLO: usize = 234;
/// The shortest first message of a Stratum V2 client: an encrypted frame header (6 + 16) and a
/// `SetupConnection` with five empty strings (16 + 16).
pub const SV2_SETUP_MIN: usize = 54;
/// The server's answer to that (SV2 specification, 6.2.2): two encrypted parts of 6 bytes each.
pub const SV2_SETUP_SUCCESS: usize = 44;

/// Longest host name in its text form, without the closing dot (RFC 1035 section 2.3.4: 255 octets on the
/// wire, of which the first length and the root take two).
pub const NAME_BYTES: usize = 253;

/// Payload packets after which an undecided flow that moves fast is bypassed.
pub const BUDGET_PACKETS: u16 = 32;
/// Payload bytes after which an undecided flow that moves fast is bypassed.
pub const BUDGET_BYTES: u32 = 64 * 1024;
/// Payload bytes before which HTTP is not bypassed, however slow it is.
pub const BUDGET_HTTP_BYTES: u32 = 2 * 1024;
/// An undecided flow stays under observation while it averages less than this, also past its other
/// limits. A miner moves 2 to 100 B/s; a download moves thousands.
pub const LOW_RATE_BYTES_PER_SECOND: u32 = 1_024;

/// A younger flow's average rate is taken as if it were this old: a handshake and the first shares of
/// an easy difficulty come in a burst, and 30 KB of them are no bulk transfer yet.
pub const RATE_WINDOW_SECONDS: u32 = 30;
/// Time that a bypassed flow must have been out of sight before its rate in that time shows that it
/// has become slow.
pub const SLOW_AFTER_SECONDS: u32 = 5;

/// LAN hosts whose hardware address is remembered (24 bytes each).
pub const NEIGHBOURS: usize = 256;
/// Clients and servers whose short sessions are counted together; 64 are 5 KB.
pub const BEACON_PAIRS: usize = if cfg!(test) { 8 } else { 64 };
/// Candidates in one set.
pub const BEACON_WAYS: usize = 4;
/// Payload packets, both ways, up to which a session counts for that: a TLS handshake, a question and
/// a block template.
pub const BEACON_SESSION_PACKETS: u16 = 40;
/// Short sessions of one length that make a beacon.
pub const BEACON_SESSIONS: i16 = 24;
/// A beacon whose next session takes longer is over: getwork miners ask every 1 to 10 s.
pub const BEACON_GAP: Duration = Duration::from_secs(60);

/// Bytes of a packet that the kernel copies to us: all of them, for fragments are put together before the queue, and
/// jumbo frames are longer than others. The kernel takes no larger number (nfnetlink_queue.c, `0xffff - NLA_HDRLEN`).
pub const COPY_RANGE_DEFAULT: u16 = 65_531;
/// Packets that may wait in the kernel's queue before it fails open.
pub const QUEUE_LENGTH_DEFAULT: u32 = 1_024;

/// Queue number: none that zapret (200), youtubeUnblock (537) or snort3 (4 to 7) use.
pub const QUEUE_NUMBER_DEFAULT: u16 = 1_330;

/// Lowest of the three bits of a verdict in the packet and conntrack mark: above those of mwan3
/// (8 to 13), pbr (16 to 23) and below those of zapret (29, 30).
pub const MARK_BIT_DEFAULT: u8 = 24;
/// Highest such position; the three and the rule set's own fourth fit in 32 bits.
pub const MARK_BIT_MAX: u8 = 28;

/// Bytes of a configuration file that are read at all.
pub const CONFIG_FILE_BYTES: usize = 64 * 1_024;
/// Problems that last and are told at once, about 200 bytes each.
pub const PROBLEMS: usize = 32;
/// Mistakes of a configuration file that are reported.
pub const CONFIG_COMPLAINTS: usize = 20;
/// Entries of each list of the configuration. An allowlist entry takes 20 bytes.
pub const CONFIG_LIST_ENTRIES: usize = 256;
/// Bytes of a path: `sun_path` of a unix socket less its terminating zero (unix(7)).
pub const PATH_BYTES: usize = 107;

/// Size at which the event log is rotated; `/var/log` is RAM on OpenWrt.
pub const EVENT_LOG_KIB_DEFAULT: u32 = 128;
/// Rotated event logs that are kept.
pub const EVENT_LOG_ROTATIONS_DEFAULT: u32 = 1;
/// Events an hour that one host may cause before they are only counted. A miner that is cut off
/// and reconnects every 5 s would write 720.
pub const HOST_EVENTS_PER_HOUR_DEFAULT: u32 = 60;

/// Notices in an hour, of all hosts together.
pub const NOTICES_PER_HOUR_DEFAULT: u32 = 12;
/// Minutes between two notices of one host.
pub const NOTICE_INTERVAL_MINUTES_DEFAULT: u32 = 60;
/// Hosts whose latest notice is remembered.
pub const NOTICE_HOSTS: usize = 64;
/// Notices that may wait for the hooks of another.
pub const NOTICES_WAITING: usize = 16;
/// Bytes of a value in a hook's environment.
pub const NOTICE_VALUE_BYTES: usize = 256;
/// Time limit of a hook: a mail over a slow line.
pub const HOOK_PATIENCE: Duration = Duration::from_secs(60);

/// Socket buffer in which the kernel hands packets over; beyond it the queue fails open.
pub const RECEIVE_BUFFER_BYTES: usize = 512 * 1_024;
/// Packets handled before signals and the control socket get a turn.
pub const PACKETS_PER_TURN: usize = 64;
/// Time after which they get one in any case, if packets keep coming.
pub const PACKETS_TURN: Duration = Duration::from_millis(20);
/// The wait for a packet behind another one; the kernel rounds it up to its own ticks, 4 or 10 ms.
pub const PACKET_WAIT: Duration = Duration::from_millis(4);
/// Sets of the flow table that are swept in each idle second: all 512 of the default table in 16 s.
pub const SWEEP_SETS_PER_SECOND: usize = 32;

/// Hosts whose detections `minewall status` lists.
pub const HOSTS_IN_STATUS: usize = 32;
/// Hosts whose detections are remembered, about 300 bytes each.
pub const HOSTS_REMEMBERED_DEFAULT: u32 = 256;
/// The most that can be chosen.
pub const HOSTS_MAX: usize = 1_024;
/// The longest host as JSON.
pub const HOST_JSON_BYTES: usize = 512;
/// Delay before a change of the history is written: the flash wears.
pub const HOSTS_WRITE_WAIT: Duration = Duration::from_secs(15 * 60);
/// Delay before a host that is new in the history is written.
pub const HOSTS_NEW_WRITE_WAIT: Duration = Duration::from_secs(10);
/// New findings (a client and a server not told lately) of one client that are told in an hour beside its share of
/// reports, and of all clients in a minute.
pub const NEWS_PER_HOUR_OF_CLIENT: u32 = 12;
/// See [`NEWS_PER_HOUR_OF_CLIENT`].
pub const NEWS_PER_MINUTE: u32 = 30;
/// After this time a finding is new again.
pub const NEWS_REPEAT: Duration = Duration::from_secs(24 * 3_600);
/// Findings told lately that are remembered, about 60 bytes each.
pub const NEWS_TOLD: usize = 256;
/// Clients with a budget of new findings of their own.
pub const NEWS_CLIENTS: usize = 256;
/// Reports an hour of clients that are not of this side, all together.
pub const FOREIGN_REPORTS_PER_HOUR: u32 = 6;
/// Detections reported one by one in a minute, of all hosts together.
pub const REPORTS_PER_MINUTE: u32 = 60;
/// Clients whose shares of them are counted, 40 bytes each.
pub const REPORT_CLIENTS: usize = 64;
/// The longest status: [`HOSTS_IN_STATUS`] hosts of up to 460 bytes and the counters.
pub const STATUS_MAX_BYTES: usize = 16 * 1_024;
/// The longest event line.
pub const EVENT_LINE_MAX_BYTES: usize = 1_024;
/// The longest line in the system log; logd cuts at 1,024 bytes, its own words included.
pub const LOG_LINE_MAX_BYTES: usize = 960;
/// Leases files are read up to this length.
pub const LEASES_FILE_MAX_BYTES: u64 = 1_024 * 1_024;
/// Bytes that are read of a file of the system, such as /etc/hosts.
pub const SYSTEM_FILE_BYTES: u64 = 1_024 * 1_024;

/// Programs that may talk to the control socket at once.
pub const CONTROL_CLIENTS: usize = 12;
/// Followers of streams among the clients; the other places are for questions.
pub const CONTROL_FOLLOWERS: usize = 6;
/// The longest request on it: a word or five and a host's name (253 bytes, RFC 1035 section 2.3.4).
pub const CONTROL_REQUEST_BYTES: usize = 384;
/// The longest answer: the history of hosts, or the reputation store as lines of JSON.
pub const CONTROL_ANSWER_BYTES: usize = {
    let (hosts, reputation) = (HOSTS_MAX * HOST_JSON_BYTES, REPUTATION_ENTRIES * REPUTATION_LINE_BYTES);
    if hosts > reputation { hosts } else { reputation }
};
/// Unread bytes of a follower before it is dropped; a new follower gets the reputation store's share of it.
pub const CONTROL_STREAM_BYTES: usize = REPUTATION_ENTRIES * REPUTATION_LINE_BYTES + 32 * 1_024;
/// Seconds in which a request must have arrived.
pub const CONTROL_PATIENCE: Duration = Duration::from_secs(5);
/// A packet of a benign flow from this size on is not looked at again: what a miner says fits in
/// less, and a bulk transfer is nearly all full frames.
pub const SECOND_LOOK_MAX_PACKET_BYTES: u32 = 1_000;
/// Up to this many packets of a flow (both directions, acknowledgements too), those counted while
/// [`SECOND_LOOK_EARLY_BITS`] are zero are looked at again.
pub const SECOND_LOOK_EARLY_PACKETS: u32 = 4_096;
/// 16 packets of every 64: at a miner's 4 to 12 packets a minute, the wait is 4 to 12 minutes at most.
pub const SECOND_LOOK_EARLY_BITS: u32 = 0x30;
/// After that, 16 packets of every 16,384, without regard to other traffic.
pub const SECOND_LOOK_LATE_BITS: u32 = 0x3ff0;
/// Small packets of all benign flows together, in each direction, that are looked at beyond these: unless its own
/// others use up its share, a client's miner that starts late is seen at once.
pub const SECOND_LOOK_PACKETS_PER_SECOND: u32 = 64;
/// The same of one client.
pub const SECOND_LOOK_OF_CLIENT: u32 = 16;
/// SYNs with data that are looked at; the data of more would be too much work to take off. Few programs send any.
pub const FAST_OPEN_PER_SECOND: u32 = 50;
/// The same of one client.
pub const FAST_OPEN_OF_CLIENT: u32 = 20;
/// Clients that are counted apart for that, for their share of the decided connections, and by name servers.
pub const COUNTED_CLIENTS: u32 = 1_024;
/// Time without a sign of life after which the kernel stops queueing: a connection that begins right after the last
/// one stalls until TCP repeats its packet for the fourth time, 3.0 s after the first (RFC 6298: 0.2 s, doubled).
pub const ALIVE_TIMEOUT_MILLIS: u64 = 2_500;
/// Interval of those signs of life.
pub const ALIVE_EVERY: Duration = Duration::from_millis(500);
/// The longest wait of the packet loop for something to do: it has to turn between two signs of life.
pub const TURN_WAIT: Duration = Duration::from_millis(400);
/// Queued packets of decided connections, in each of so many windows in a row, that mean that another program
/// overwrites the kernel's memory of them.
pub const CONFLICT_PACKETS: u64 = 64;
/// Length of such a window.
pub const CONFLICT_WINDOW: Duration = Duration::from_secs(5);
/// So many windows.
pub const CONFLICT_WINDOWS: u32 = 3;
/// Interval at which the loss of the kernel's connection marks is reported again.
pub const CONFLICT_RENEWAL: Duration = Duration::from_secs(1_200);
/// Stack of the thread that gives them.
pub const ALIVE_STACK_BYTES: usize = 64 * 1_024;
/// Benign connections of each family that the kernel keeps in a set, where it has no other memory of them; about
/// 100 bytes each, 150 with IPv6.
pub const DECIDED_CONNECTIONS: u32 = 4_096;
/// After how long such a connection is inspected anew.
pub const DECIDED_SECONDS: u32 = 3_600;
/// Connections that one client adds to them at once, and in an hour: so it has a fourth of the places at most.
pub const DECIDED_OF_CLIENT: u32 = DECIDED_CONNECTIONS / 8;

/// Sessions whose server's name is remembered, about 180 bytes each: for the probe, and for people.
pub const NAMED_SESSIONS: usize = if cfg!(test) { 16 } else { 512 };
/// Entries in one set of the cache.
pub const NAMED_WAYS: usize = 4;
/// Tunnels through proxies whose targets are remembered (about 240 bytes each), in sets of [`TUNNEL_WAYS`].
pub const TUNNELS: usize = if cfg!(test) { 16 } else { 64 };
/// See [`TUNNELS`].
pub const TUNNEL_WAYS: usize = 4;
/// Lists that may be in force at once; an entry names its own by a byte.
pub const INTEL_SOURCES: usize = 64;
/// Longest line of a list.
pub const INTEL_LINE_BYTES: usize = 1_024;
/// Bad lines of one list that are reported one by one.
pub const INTEL_WARNINGS: usize = 8;

/// Questions of one client to name servers, and answers to it, that are read in a second.
pub const DNS_OF_CLIENT: u32 = 50;
/// Questions to name servers, and answers, that are read in a second; what is more passes unread.
pub const DNS_PER_SECOND: u32 = 200;
/// Questions to name servers that are remembered, 24 bytes each.
pub const DNS_QUESTIONS: usize = if cfg!(test) { 32 } else { 512 };
/// Seconds in which the answer to a question counts.
pub const DNS_ANSWER_SECONDS: u32 = 10;
/// Names of one DNS answer: the one in question and its aliases. Chains of more than four are rare.
pub const DNS_CHAIN: usize = 8;
/// Pointers of one compressed name that are followed; servers need one or two.
pub const DNS_POINTERS: u8 = 16;
/// Addresses of one DNS answer that are remembered.
pub const DNS_ADDRESSES: usize = 16;
/// Records of one DNS answer that are looked at.
pub const DNS_RECORDS: u16 = 48;
/// Shortest validity of a remembered DNS answer: clients go on using an address.
pub const DNS_TTL_MIN_SECONDS: u32 = 600;
/// And at most.
pub const DNS_TTL_MAX_SECONDS: u32 = 86_400;
/// Addresses of listed names that are remembered, 112 bytes each.
pub const RESOLVED_NAMES: usize = if cfg!(test) { 32 } else { 512 };
/// Addresses in one set.
pub const RESOLVED_WAYS: usize = 8;
/// Longest listed name that is remembered with its address; those of pools have up to 50 bytes.
pub const RESOLVED_NAME_BYTES: usize = 64;
/// Addresses of names on no list, 20 bytes each.
pub const RESOLVED_OTHERS: usize = 4_096;
/// Endpoints whose suspicion by a list has been told lately, 40 bytes each.
pub const HINTS_TOLD: usize = 64;
/// Interval before such a suspicion is reported again.
pub const HINT_REPEAT: Duration = Duration::from_secs(600);
/// Bytes that all lists together may take.
pub const INTEL_KIB_DEFAULT: u32 = 2_048;
