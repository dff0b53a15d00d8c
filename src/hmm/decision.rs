//! Stage one's opinion of a flow, for the state machine of flows.

/// An opinion of stage one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// More packets are needed.
    Undecided,
    /// Looked at several times, and nothing speaks for mining: the flow may bypass the queue for a while.
    Unlikely,
    /// Probably mining: stage two has to prove it.
    Suspect,
}
