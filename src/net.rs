//! Step 1: packets, endpoints and addresses, without any knowledge of mining.

pub mod host_name;
pub mod neighbours;
pub mod packet;
