//! Every capacity and protocol constant in one place, with its cost in memory.
//!
//! The defaults fit a router with 64 MB of RAM: the flow table, the assembly slots and the events
//! together stay below 3 MB. Under `cfg(test)` the sizes of the pools are tiny, so that eviction
//! really runs in the unit tests.

use core::time::Duration;

/// Bytes a flow may take, including what the DPI and the hidden Markov model keep of it.
pub const FLOW_RECORD_MAX_BYTES: usize = 128;

/// Bytes of a flow record that belong to the hidden Markov model (forward vectors of two models in
/// `u16`, the cumulative log-likelihood ratio, the last size in each direction).
pub const HMM_STATE_BYTES: usize = 44;
/// Payload packets of the shortest session that stage one may call suspect.
pub const HMM_MIN_PACKETS: u16 = 12;
/// And its age.
pub const HMM_MIN_AGE: Duration = Duration::from_secs(30);
/// Every so many payload packets stage one may call a session suspect.
pub const HMM_CHECK_PACKETS: u16 = 4;
/// Payload packets from which on stage one may be sure that a session is benign.
pub const HMM_SURE_PACKETS: u16 = 8;
/// Payload packets after which stage one lets an undecided session go.
pub const HMM_CAP_PACKETS: u16 = 256;

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
/// A connection attempt that never carried payload is forgotten sooner.
pub const FLOW_SYN_IDLE: Duration = Duration::from_secs(60);

/// Bytes of one direction that can wait for the rest of their message. The largest first message
/// of a client seen is 1.1 KB (XMRig's login with all algorithms), the largest share 2.8 KB
/// (Equihash), a job of Stratum V1 with 12 merkle branches and a large coinbase 3.5 KB.
pub const ASSEMBLY_BYTES: usize = 4_096;
/// Directions that can have such bytes waiting at once: 64 slots of 4 KB are 264 KB.
pub const ASSEMBLY_SLOTS: usize = if cfg!(test) { 4 } else { 64 };
/// Separate runs of bytes that one slot keeps track of while segments arrive out of order.
pub const ASSEMBLY_RUNS: usize = 4;

/// Nesting of JSON that is read at all. Jobs nest three deep, Alephium's four.
pub const JSON_DEPTH: usize = 8;
/// Values of one JSON message that are indexed; what follows is not looked at.
pub const JSON_NODES: usize = 96;

/// Payload packets after which an undecided flow that moves fast is let go.
pub const BUDGET_PACKETS: u16 = 32;
/// Payload bytes after which an undecided flow that moves fast is let go.
pub const BUDGET_BYTES: u32 = 64 * 1024;
/// An undecided flow stays under observation, whatever it has carried, while it averages less than
/// this. A miner moves 2 to 100 B/s; a download moves thousands.
pub const LOW_RATE_BYTES_PER_SECOND: u32 = 1_024;

/// Clients and servers whose short sessions are counted together; 64 are 5 KB.
pub const SWARM_SLOTS: usize = if cfg!(test) { 8 } else { 64 };
/// Short sessions of one length that make a swarm.
pub const SWARM_SESSIONS: i16 = 24;
/// A swarm whose next session takes longer is over: getwork miners ask every 1 to 10 s.
pub const SWARM_GAP: Duration = Duration::from_secs(60);

/// Bytes of a packet that the kernel copies to us: a whole Ethernet frame's worth.
pub const COPY_RANGE_DEFAULT: u16 = 1_600;
/// Packets that may wait in the kernel's queue before it fails open.
pub const QUEUE_LENGTH_DEFAULT: u32 = 1_024;
