//! Step 3: readers of carriers, from bytes to values. None of them knows mining.

pub(crate) mod client_hello;
pub(crate) mod dns;
pub(crate) mod fit;
pub(crate) mod grpc;
pub(crate) mod http;
pub mod json;
pub(crate) mod lines;
pub(crate) mod scanner;
pub(crate) mod socks;
pub(crate) mod tree;
pub(crate) mod websocket;
pub(crate) mod words;
