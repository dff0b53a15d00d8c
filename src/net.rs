//! Step 1: packets, endpoints and addresses, without any knowledge of mining.

pub mod client_id;
pub mod host_name;
pub mod local_networks;
pub mod neighbours;
pub mod packet;
pub mod scope;
