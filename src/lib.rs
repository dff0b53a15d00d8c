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
//! [`config`] reads the options; [`engine`] runs these steps for each packet; [`limits`] holds every capacity; time
//! is an argument everywhere. [`probe`] asks a suspected server whether it is a pool, in a thread of its own.
//! [`rules`] writes the kernel's rules, [`daemon`] is the shell around the engine on a router. Captures go the
//! same way as live packets: `lab` (replay, training, evaluation) is the desk's part, behind the feature `host`.
//! A module imports nothing from the modules declared below it; `tests/layout.rs` checks that.
//!
//! # The way of a packet
//!
//! 1. The kernel's rules ([`rules`]) queue the payload packets of undecided connections.
//! 2. [`daemon`] receives one and calls [`engine::Engine::handle`] with the time.
//! 3. [`net::packet`] reads the headers; what is no TCP or DNS packet is accepted.
//! 4. [`flow`] finds the connection, and puts payload that came out of order into the reassembly pool.
//! 5. [`intel`] is asked for exemptions, listed servers and known pools.
//! 6. [`dpi`] matches the messages that are complete; a proof ends the inspection.
//! 7. [`hmm`] takes sizes and times of a connection that can't be read; too much evidence makes it a suspect.
//! 8. [`verdict`] becomes the answer to the kernel, and an event goes to log, file and hooks.
//!
//! # The way of a suspicion
//!
//! 1. The event of a suspect reaches the reputation service of [`daemon`].
//! 2. The guard of [`probe`] refuses private, own and exempt servers, and keeps the rate.
//! 3. The probe's thread connects, asks in the order of the hints, and classifies the responses.
//! 4. The result enters the reputation store of [`intel`] with its reach and its end.
//! 5. The engine takes over a new view of the store; the kernel's sets follow.
//! 6. The next packet of a session with a proven pool is cut off at step 5 above.

// A name that no other crate can reach is `pub(crate)`, so that the compiler finds what is dead.
#![warn(unreachable_pub)]

pub mod limits;
pub mod util;

pub mod net;
pub(crate) mod flow;
pub mod parse;
pub mod dpi;
pub mod hmm;
pub mod intel;
pub mod verdict;
pub mod config;
pub mod engine;

pub mod probe;
pub mod rules;
pub mod daemon;
#[cfg(feature = "host")]
pub mod lab;
