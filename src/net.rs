//! Step 1: packets, endpoints and addresses, without any knowledge of mining.

pub mod client_id;
pub mod direction;
pub mod endpoint;
pub mod five_tuple;
pub mod host_name;
pub mod neighbours;
pub mod packet;
