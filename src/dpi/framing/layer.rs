//! What a direction awaits.

/// States of a direction, named for what it awaits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Layer {
    /// The first bytes of a connection or a tunnel.
    #[default]
    FirstBytes,
    /// A JSON value, a line, an HTTP message; wherever one begins.
    Text,
    /// The next line of an HTTP head.
    HttpHead,
    /// More of an HTTP body.
    HttpBody,
    /// The size of a chunk of an HTTP body.
    HttpChunk,
    /// The blank line after the last chunk.
    HttpTrailer,
    /// A WebSocket frame.
    Frame,
    /// More of its payload.
    FrameData,
    /// An HTTP/2 frame, which may carry gRPC.
    Grpc,
    /// More of its payload.
    GrpcData,
    /// SOCKS 5: the client's password or request.
    Socks5Request,
    /// SOCKS 5: the server's choice of method.
    Socks5Method,
    /// SOCKS 5: the server's word on password or request.
    Socks5Reply,
    /// SOCKS 4: the server's word on the request.
    Socks4Reply,
    /// DNS: the length of a message, and the message.
    Dns,
    /// TLS: the rest of the ClientHello, as far as the server name.
    TlsHello,
    /// Stratum V2: the rest of the client's key.
    ClientHello,
    /// Stratum V2: the client's first frame.
    Setup,
    /// Stratum V2: the server has answered with its keys; the client's first frame is next.
    SetupReceived,
    /// Stratum V2: the server's consent.
    SetupSuccess,
    /// Bytes that can't be read.
    Opaque,
}
