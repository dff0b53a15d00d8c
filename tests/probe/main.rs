//! The active probe against servers on loopback: models of every pool software whose answers to a
//! stranger are known, models of servers that are no pool, and servers that mean harm.
//!
//! The models are scripted from the software's source and from recorded answers; they are no real
//! software. TLS is OpenSSL's own server in front of them. Real daemons are in `tests/probe/daemons.sh`.

mod command;
mod hostile;
mod order;
mod others;
mod pools;
mod server;
mod tls;
#[path = "../support/tls_end.rs"]
mod tls_end;
mod worker;
#[path = "../support/wire.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod wire;
