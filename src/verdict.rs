//! The verdict on a packet, and how it travels to the kernel and back.
//!
//! Three bits of the packet mark carry both: to the daemon the [`Reason`] why a packet was queued, back to the
//! kernel the [`FlowMark`]. The rule set keeps the latter with the connection, so that a decided flow passes or
//! is cut off without the daemon, and clears the bits before the packet leaves.

pub(crate) mod fast_open;
pub(crate) mod mark;
pub(crate) mod reset;
pub(crate) mod trim;

pub use reset::Reset;

/// Why the rules have queued a packet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reason {
    /// Payload of a connection that is not decided, or data in a SYN.
    #[default]
    Payload,
    /// The client's first packet behind its answered SYN, with or without payload: the client's stream begins at
    /// its sequence number, the server's at its acknowledgement. The rules send it once a connection.
    Start,
    /// A sample of a connection that was decided as benign.
    Again,
    /// A SYN to a server of the kernel's sets, or payload of a connection that the kernel does not know, or has forgotten.
    Attempt,
}

/// State of a flow for the kernel, as a value of the three mark bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum FlowMark {
    /// Never seen by the daemon, or decided by a rule set that has been replaced.
    Unseen = 0,
    /// Keep queueing it.
    Undecided = 1,
    /// The flow bypasses the queue.
    Benign = 2,
    /// Drop it, or reset its ends.
    Blocked = 3,
}

/// The answer to the kernel for a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Let it pass; the mark tells the kernel about the rest of the flow.
    Accept(FlowMark),
    /// Let it pass and tell the kernel nothing: it belongs to no flow of ours.
    Ignore,
    /// Let the SYN pass without the data in it ([`fast_open`]).
    WithoutData,
    /// Let it pass without the first bytes of its payload ([`trim`]): the receiver must not hear another version of them.
    Trim {
        /// Their number.
        skip: u32,
    },
    /// The packet is discarded; its connection is not decided.
    Drop,
    /// The packet is discarded: a reset goes to its receiver in its place, and one back to its sender.
    Reset(Reset),
}
