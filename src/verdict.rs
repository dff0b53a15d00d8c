//! Step 5: the verdict, and how it travels to the kernel and back.
//!
//! A verdict is three bits of the packet mark; the rule set copies them to the conntrack mark, so
//! that the kernel remembers the decision and a decided flow never comes to us again.

pub mod mark;
pub mod reset;

pub use reset::Reset;

/// What the kernel is told of the flow, as a value of the three mark bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum FlowMark {
    /// Never seen by the daemon, or decided by a rule set that has been replaced.
    Unseen = 0,
    /// Keep queueing it.
    Undecided = 1,
    /// It bypasses the queue.
    Benign = 2,
    /// Drop it, or reset its ends.
    Blocked = 3,
}

/// What to do with a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Let it pass; the mark tells the kernel about the rest of the flow.
    Accept(FlowMark),
    /// Let it pass and tell the kernel nothing: it belongs to no flow of ours.
    Ignore,
    /// It must not reach its receiver: a reset goes there in its place, and one back to its sender.
    Reset(Reset),
}
