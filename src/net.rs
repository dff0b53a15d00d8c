//! Step 1: packets, endpoints and addresses, without any knowledge of mining.

pub mod authority;
pub mod cidr;
pub mod client_id;
pub mod direction;
pub mod endpoint;
pub mod five_tuple;
pub mod host_name;
pub(crate) mod host_port;
pub mod local_networks;
pub mod neighbours;
pub mod packet;
pub mod scope;
