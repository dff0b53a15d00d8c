//! minewall: a cryptomining firewall that runs on the router itself.
//!
//! The modules stand in the order in which a packet meets them:
//!
//! 1. [`packet`]: the bytes of an IP packet become a TCP segment.
//! 2. [`flow`]: the segment joins its flow, and its payload finds its place in the stream.
//! 3. [`stream`]: bytes that wait for the rest of their message, in bounded memory.
//! 4. [`dpi`]: what the bytes say.
//! 5. [`hmm`]: what sizes and times say, where the bytes can't be read.
//! 6. [`verdict`]: what the kernel is told.
//!
//! An answer of a name server is read by [`dns`] instead.
//!
//! Captures go the same way: `replay` (a desk's, behind the feature `host`).
//!
//! [`engine`] strings them together; [`limits`] holds every capacity; [`time`] is an argument everywhere.
//! [`intel`] is what is known of servers beforehand, by address or by [`name`]; [`neighbours`] tells the MAC of
//! a host, and [`event`] is what people are told.
//! [`config`] is what the user wishes, [`allow`] whom he exempts, [`rules`] what the kernel is told of it.
//! [`probe`] asks a server that stage one suspects whether it is a pool, in a thread of its own.
//! [`book`] is what was learnt of servers, here and by other routers.
//! [`run`] is the shell around the engine on a router.

pub mod limits;
pub mod time;
pub mod name;

pub mod packet;
pub mod dns;
pub mod flow;
pub mod stream;
pub mod dpi;
pub mod hmm;
pub mod verdict;

pub mod intel;
pub mod allow;
pub mod neighbours;
pub mod event;
pub mod engine;

pub mod probe;
pub mod book;
mod durable;

pub mod config;
pub mod rules;
pub mod run;
#[cfg(feature = "host")]
pub mod replay;
#[cfg(feature = "host")]
pub mod train;
#[cfg(feature = "host")]
pub mod evaluate;

#[cfg(any(test, feature = "host"))]
mod random;
