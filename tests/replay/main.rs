//! Replay: every format gives the same flows, damage is survived and told, golden traces hold.

#[path = "../support/file.rs"]
mod file;
#[path = "../support/random.rs"]
mod random;
#[path = "../support/wire.rs"]
mod wire;

mod command;
mod damage;
mod formats;
mod golden;
mod inputs;
mod queues;
mod session;
mod signatures;
