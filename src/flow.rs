//! Step 2: the segment joins its flow.
//!
//! [`connection`] tells client from server, [`table`] holds the records of flows in fixed memory, [`tcp`] tells new
//! payload from retransmissions, gaps and reordering, and [`reassembly_pool`] holds bytes that wait for others.

pub(crate) mod connection;
pub(crate) mod reassembly_pool;
pub(crate) mod table;
pub(crate) mod tcp;
