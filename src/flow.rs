//! Step 2: the segment joins its flow.
//!
//! [`connection`] tells client from server, [`table`] holds the records of flows in fixed memory, [`tcp`] tells new
//! payload from retransmissions, gaps and reordering, and [`reassembly_pool`] holds bytes that wait for others.

pub mod connection;
pub mod reassembly_pool;
pub mod table;
pub mod tcp;
