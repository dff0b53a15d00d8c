//! Capacities and patience of the probe.

use core::time::Duration;

/// Bytes of the evidence of a probe, one line.
pub const PROBE_EVIDENCE_BYTES: usize = 96;
/// Connections of one probe.
pub const PROBE_CONNECTIONS: usize = 12;
/// Bytes that one probe says, over all its connections and before TLS; the usual one says 50 to 300. A handshake
/// of TLS is 300 to 500 more for each connection.
pub const PROBE_SEND_BYTES: usize = 640;
/// Dialects that a server is thought to speak before it is asked.
pub const PROBE_HINTS: usize = 4;
/// Bytes of answers that one probe reads.
pub const PROBE_READ_BYTES: usize = 4 * 1_024;
/// Bytes that one connection takes off the wire: the answers, and up to 24 KB of certificates.
pub const PROBE_WIRE_BYTES: usize = 32 * 1_024;
/// Time limit for a connection attempt.
pub const PROBE_CONNECT_WAIT: Duration = Duration::from_secs(4);
/// Time limit with a TLS handshake, where the server is known to speak it: a slow router at work takes its time.
pub const PROBE_HANDSHAKE_WAIT: Duration = Duration::from_secs(8);
/// Time limit for a response: six times the round trip to the other side of the world.
pub const PROBE_ANSWER_WAIT: Duration = Duration::from_secs(2);
/// And how long for the first question of the daemon's probes, and for answers that decide about what a slow server or
/// one with Stratum's errors has said before: pools answer strangers after up to 20 seconds.
pub const PROBE_PATIENCE: Duration = Duration::from_secs(22);
/// Wait for a second message after an inconclusive one: pools push a job after `true`.
pub const PROBE_LINGER: Duration = Duration::from_millis(500);
/// Time limit of a probe: twelve questions to a server that never answers.
pub const PROBE_TOTAL_WAIT: Duration = Duration::from_secs(30);

/// Probes that are under way at once: some may wait for servers that never answer.
pub const PROBES_AT_ONCE: usize = 4;
/// Suspects that may wait for the probe, and answers that may wait to be collected.
pub const PROBE_QUEUE: usize = 16;
/// Questions that wait for the probe, about 420 bytes each.
pub const PROBE_QUESTIONS: usize = if cfg!(test) { 8 } else { 48 };
/// After how long a probe is tried again that this router could not make.
pub const PROBE_FAILURE_WAIT: Duration = Duration::from_secs(60);
/// Answers as a pool without a name that make a pool of the address.
pub const PROBE_NAMELESS_ANSWERS: u8 = 2;
/// Bytes of a server's name that a client sent; longer ones (a name may have 253) are taken as none.
pub const PROBE_SNI_BYTES: usize = 128;
/// Stack of the probing thread: rustls's handshake takes the most of it.
pub const PROBE_STACK_BYTES: usize = 256 * 1_024;

/// Longest name that is looked up (RFC 1035 section 2.3.4).
pub const RESOLVE_NAME_BYTES: usize = 253;
/// Longest answer of a name server without EDNS (RFC 1035 section 2.3.4).
pub const RESOLVE_ANSWER_BYTES: usize = 512;
/// Name servers that are asked, as many as libc asks (resolv.conf(5)).
pub const RESOLVE_SERVERS: usize = 3;
/// Times that each is asked.
pub const RESOLVE_TRIES: usize = 2;
/// Time limit for each name server.
pub const RESOLVE_WAIT: Duration = Duration::from_secs(3);
/// Probes that may follow one another at once.
pub const PROBE_BURST: u32 = 6;
/// Burst of probes to one block of addresses, the last of which is kept for clients that have had none there lately.
pub const PROBE_BLOCK_BURST: u32 = 3;
/// Probes of the burst kept for clients that have had none lately.
pub const PROBE_RESERVE: u32 = PROBE_BURST / 2;
/// Clients whose share of probes is counted (24 bytes each).
pub const PROBE_CLIENTS: usize = if cfg!(test) { 8 } else { 64 };
/// Blocks of addresses with a bucket of their own (40 bytes each).
pub const PROBE_BLOCKS: usize = if cfg!(test) { 8 } else { 128 };
/// Probes an hour.
pub const PROBES_PER_HOUR_DEFAULT: u32 = 60;
/// Probes an hour of one /24 or /48.
pub const PROBES_PER_BLOCK_DEFAULT: u32 = 6;
/// Probes an hour, beside those, of servers whose pool's words were read in a session.
pub const CONFIRMATIONS_PER_HOUR: u32 = 12;
/// Probes an hour, beside those, of servers that other routers report.
pub const HEARSAY_PER_HOUR: u32 = 12;
/// Validity of a proven pool: pools move, and addresses are handed on.
pub const POOL_HOURS_DEFAULT: u32 = 7 * 24;
/// Validity of the finding that a server is no pool.
pub const NOT_POOL_HOURS_DEFAULT: u32 = 7 * 24;
/// After how long a server that didn't say is asked again.
pub const INCONCLUSIVE_MINUTES_DEFAULT: u32 = 60;
