//! Step 3: readers of carriers, from bytes to values. None of them knows mining.

pub mod client_hello;
pub mod dns;
pub mod fit;
pub mod grpc;
pub mod http;
pub mod json;
pub mod lines;
pub mod scanner;
pub mod socks;
pub mod tree;
pub mod websocket;
pub mod words;
