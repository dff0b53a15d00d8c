//! Fuzz entry: any packets, of a few flows, in any order, at any time.

use core::time::Duration;

use etherparse::TcpHeader;

use super::wire::{CONNECTIONS, ip_packet};
use crate::engine::Packet;
use crate::lab::replay;
use crate::limits::{FLOW_IDLE, FLOWS_MIN};
use crate::util::time::Instant;
use crate::verdict::Reason;

/// Plays `script` to an engine: commands of a kind, a connection, a displacement and a length, each
/// with so many bytes of payload (or, of one kind, with a whole packet).
///
/// # Panics
/// If the engine does, or if it still holds memory for flows that have expired.
pub(super) fn packets(script: &[u8]) {
    let mut engine = replay::engine(FLOWS_MIN);
    let mut now = Instant::from_micros(1 << 40);
    let mut next = [[u32::MAX - 200; 2]; CONNECTIONS];
    let mut script = script;
    while let [kind, connection, displacement, len, rest @ ..] = script {
        let (payload, rest) = rest.split_at(rest.len().min(usize::from(*len)));
        script = rest;
        now = now.after(Duration::from_millis(1 << (connection >> 4)));
        if *kind == WHOLE_PACKET {
            let _ = engine.handle(
                &Packet { bytes: payload, hw_addr: None, reason: Reason::Payload, turns_back: false },
                now,
            );
            continue;
        }
        let connection = usize::from(*connection) % CONNECTIONS;
        let from = usize::from(kind & 1);
        // Most payload comes in order; some again, some early, some from far away.
        let expected = next[connection][from];
        let seq = match kind >> 6 {
            0 | 1 => expected,
            2 => expected.wrapping_add_signed(i32::from(*displacement as i8)),
            _ => expected.wrapping_add(u32::from(*displacement) << 24),
        };
        let mut tcp = TcpHeader::new(0, 0, seq, 64_240);
        (tcp.syn, tcp.fin, tcp.rst) = (kind & 2 != 0, kind & 4 != 0, kind & 8 != 0);
        tcp.ack = from == 1 || !tcp.syn;
        tcp.acknowledgment_number = next[connection][1 - from];
        let mut bytes = ip_packet(connection, from, tcp, payload);
        if kind & 32 != 0 {
            // Cut by a snap length, headers and all.
            bytes.truncate(bytes.len().saturating_sub(usize::from(*displacement)));
        }
        let _ = engine.handle(
            &Packet { bytes: &bytes, hw_addr: Some([2; 6]), reason: Reason::Payload, turns_back: false },
            now,
        );
        if kind >> 6 < 2 {
            let sent = payload.len() as u32 + u32::from(tcp_takes_number(*kind));
            next[connection][from] = expected.wrapping_add(sent);
        }
        assert!(engine.reassembly().in_use() <= engine.reassembly().capacity());
    }
    engine.sweep(FLOWS_MIN, now.after(2 * FLOW_IDLE));
    assert_eq!((engine.flows().len(), engine.reassembly().in_use()), (0, 0));
}

/// SYN and FIN take a sequence number each (RFC 9293 section 3.4); together they are nonsense.
fn tcp_takes_number(kind: u8) -> bool {
    kind & 6 != 0
}

const WHOLE_PACKET: u8 = 0xff;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::util::random::Random;

    #[test]
    fn random_scripts_leave_nothing_behind() {
        let words: [&[u8]; 6] = [
            b"{\"id\":1,\"method\":\"mining.subscribe\",\"params\":[]}\n",
            b"{\"id\":1,\"jsonrpc\":\"2.0\",\"method\":\"login\",\"params\":{\"login\":\"",
            b"GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n{",
            b"\x05\x01\x00",
            b"CONNECT a:1 HTTP/1.1\r\n\r\n",
        ];
        for seed in 0..400 {
            let mut random = Random::new(seed);
            let mut script = Vec::new();
            for _ in 0..60 {
                let payload = match random.bits() % 8 {
                    chosen @ 0..6 => words[chosen as usize].to_vec(),
                    _ => random.bits().to_be_bytes().repeat(3),
                };
                // Kinds without the flags that end a connection are the likelier ones.
                let kind = random.bits() as u8 & if random.bits().is_multiple_of(4) { 0xff } else { 0xc1 };
                script.extend([kind, random.bits() as u8 & 0x3f, random.bits() as u8, payload.len() as u8]);
                script.extend(payload);
            }
            packets(&script);
        }
    }
}
