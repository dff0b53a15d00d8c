//! Live tests: real packets through a real kernel, in namespaces made for the purpose.
//!
//! They take root, network namespaces, nft, iptables-nft and NFQUEUE. Where something is missing
//! they print `skipped: why`; with `MINEWALL_LIVE=1` that is a failure.

mod beside;
mod bridge;
mod daemon;
mod stand_in;
mod namespace;
mod net;
#[path = "../support/program.rs"]
mod program;
mod session;
mod tls;
mod transparent;
#[path = "../support/tls_end.rs"]
mod tls_end;

mod attacks;
mod collector;
mod fleet;
mod hang;
mod innocent;
mod known;
mod lists;
mod memory;
mod mining;
mod notices;
mod probe;
mod proxies;
mod queues;
mod rules;
mod run;
mod selection;
mod signatures;
mod suspect;
