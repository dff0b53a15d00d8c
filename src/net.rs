//! Step 1: packets, endpoints and addresses, without any knowledge of mining.

pub(crate) mod authority;
pub(crate) mod cidr;
pub(crate) mod client_id;
pub mod direction;
pub mod endpoint;
pub mod five_tuple;
pub mod host_name;
pub(crate) mod host_port;
pub mod local_networks;
pub(crate) mod neighbours;
pub mod packet;
pub(crate) mod scope;
pub(crate) mod socket;
