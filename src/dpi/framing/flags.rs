//! Facts about a flow, a bit each ([`Framing::flags`](super::Framing)).

use crate::limits::PROXY_DEPTH;

/// The bits of `Framing::flags` that count proxies.
pub(super) const DEPTH: u32 = 3;
/// Part of the flow has not been seen.
pub(super) const MIDWAY: u32 = 1 << 2;
/// The client has sent a ClientHello, and the server nothing that contradicts it.
pub(super) const TLS: u32 = 1 << 3;
/// HTTP was spoken, or TLS whose client offers it.
pub(super) const WEB: u32 = 1 << 4;
pub(super) const WEBSOCKET: u32 = 1 << 5;
pub(super) const SERVER_FIRST: u32 = 1 << 6;
pub(super) const NOISE: u32 = 1 << 7;
pub(super) const GRPC: u32 = 1 << 8;
/// Flags of each direction: not all of it was seen, or not all of it made sense.
pub(super) const BROKEN: [u32; 2] = [1 << 9, 1 << 10];
/// The latest bytes made no sense.
pub(super) const UNREADABLE: [u32; 2] = [1 << 11, 1 << 12];
/// The end has spoken since the other one did.
pub(super) const SPOKE: [u32; 2] = [1 << 13, 1 << 14];
/// The next bytes are the rest of something whose beginning was not seen.
pub(super) const REST: [u32; 2] = [1 << 15, 1 << 16];
/// The first bytes that the end says since the other one spoke are being collected.
pub(super) const TURN: [u32; 2] = [1 << 19, 1 << 20];
/// The client has asked a proxy for another server.
pub(super) const TARGET: u32 = 1 << 21;
/// A message of HTTP has begun.
pub(super) const HTTP: [u32; 2] = [1 << 17, 1 << 18];

/// The bits that hold a [`TlsClient`](crate::dpi::TlsClient).
pub(super) const CLIENT: u32 = 3 << CLIENT_SHIFT;
pub(super) const CLIENT_SHIFT: u32 = 22;

const _: () = assert!(PROXY_DEPTH as u32 <= DEPTH);
