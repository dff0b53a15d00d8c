//! minewall: a cryptomining firewall that runs on the router itself.
//!
//! The modules stand in the order in which a packet meets them:
//!
//! 1. [`net`]: the bytes of an IP packet become a TCP segment between two endpoints at a time.
//! 2. [`flow`]: the segment joins its flow, its payload finds its place in the stream, and bytes that wait for
//!    the rest of their message stay in bounded memory.
//! 3. [`parse`]: bytes become the messages of carriers (JSON, HTTP, WebSocket, SOCKS, TLS, DNS).
//! 4. [`dpi`]: signatures of mining dialects recognise messages.
//! 5. [`hmm`]: hidden Markov models weigh sizes and times of sessions that can't be read.
//! 6. [`intel`]: lists, exemptions and the reputation of servers.
//! 7. [`verdict`]: accept, mark or reset.
//!
//! [`engine`] runs these steps for each packet; [`limits`] holds every capacity; time is an argument everywhere.
//! [`probe`] asks a suspected server whether it is a pool, in a thread of its own. [`config`] reads the options,
//! [`rules`] writes the kernel's rules, [`daemon`] is the shell around the engine on a router. Captures go the
//! same way as live packets: `lab` (replay, training, evaluation) is the desk's part, behind the feature `host`.

pub mod limits;
pub mod util;

pub mod net;
pub mod flow;
pub mod parse;
pub mod dpi;
pub mod hmm;
pub mod intel;
pub mod verdict;
pub mod engine;

pub mod probe;
pub mod config;
pub mod rules;
pub mod daemon;
#[cfg(feature = "host")]
pub mod lab;
