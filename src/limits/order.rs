//! The begin and the order of what a client sends.

/// Segments of a client further ahead than bytes are held ([`ASSEMBLY_BYTES`](super::ASSEMBLY_BYTES)) that are refused
/// before what comes before them is given up; twice as many for each time that it has come. A single one comes again four
/// times within 3 s (RFC 6298 section 5).
pub const EARLY_REFUSED: u8 = 2;
/// Times that it has come, behind which it is given up no more.
pub const EARLY_FILLED: u8 = 3;

/// Handshakes of which the kernel keeps at a time what the server has answered. One takes some 300 bytes in two sets, and ends
/// within milliseconds: a host at home acknowledges at once.
pub const HANDSHAKES: u32 = 2_048;
/// Time that an unfinished one is kept, in seconds. The server answers again after 1, 2, 4 and 8 seconds.
pub const HANDSHAKE_SECONDS: u32 = 10;
/// Time that the kernel keeps a connection whose handshake lacks its last packet, in seconds (the default of
/// `nf_conntrack_tcp_timeout_syn_recv`; a connection whose client has ended its side has 120).
pub const SYN_RECEIVED_SECONDS: u32 = 60;
