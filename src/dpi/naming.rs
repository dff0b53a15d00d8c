//! Names that clients give their servers on the wire.

use crate::net::authority::Authority;
use crate::net::host_name::HostName;

/// Ways in which a client names its server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Naming {
    /// In its ClientHello; or it sent one without a name.
    Tls(Option<HostName>),
    /// In the `Host` field of an HTTP request.
    Http(Authority),
    /// The far end that a proxy is asked for.
    Proxy(Authority),
}
