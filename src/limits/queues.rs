//! Capacities and deadlines of several queues, and of their threads.

use core::time::Duration;

/// Queues that the kernel may divide packets among, each with a packet loop, a flow table and pools of its own.
pub const QUEUES_MAX: usize = 16;
/// Queues by default: as many as the router has cores, see [`QUEUES_BY_CORES`].
pub const QUEUES_DEFAULT: u32 = 0;
/// Queues where the configuration leaves the number to the router: one a core, at most so many.
pub const QUEUES_BY_CORES: usize = 4;
/// Stack of the thread of a queue.
pub const QUEUE_STACK_BYTES: usize = 512 * 1_024;
/// Findings of all queues but the first that wait for the main thread.
pub const FINDINGS_WAITING: usize = 256;
/// Time that a packet loop waits for room among them.
pub const FINDING_PATIENCE: Duration = Duration::from_millis(20);
/// Facts that wait for the engine of a queue, 32 bytes each.
pub const PEER_INBOX: usize = 1_024;
/// Answers of name servers over TCP and hardware addresses that an engine tells the others in a second.
pub const PEER_FACTS_PER_SECOND: u32 = 128;
/// Clients whose shares of them are counted.
pub const PEER_CLIENTS: usize = 64;
