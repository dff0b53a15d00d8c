//! From messages to segments: wrappers, handshakes, record layers, TCP.

use super::script::{Path, ScriptedMessage};
use super::wrapper::Wrapper;
use crate::lab::train::rng::Rng;
use crate::lab::train::sequence::SequencePacket;
use crate::net::direction::Direction;

/// Wrapping of a session.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SessionWrapping {
    tunnel: Preamble,
    record: Encryption,
    framing: ContentFraming,
    /// Largest TCP payload, bytes.
    segment: u32,
    /// Treatment of messages written in quick succession.
    writes: Writes,
    /// Padding inside the record (RFC 8446 section 5.4) of each direction: often one end alone pads.
    padding: [Padding; 2],
    /// Changes of each direction's messages by a wrapper, `None` without one.
    wrapper: Option<Wrapper>,
    /// Seconds between the pings of each end, in WebSocket (RFC 6455 section 5.5.2) and SSH; 0 for none.
    pings: [f64; 2],
}

/// Padding that hides the length of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Padding {
    None,
    /// Padded to a multiple.
    Block(u32),
    /// Padded by a random number of bytes up to this.
    Random(u32),
    /// Padded to a random length between these, if it is not longer already.
    Between(u32, u32),
}

impl Padding {
    /// This padding of both directions, or of one alone.
    fn sides(self, rng: &mut Rng) -> [Padding; 2] {
        match rng.range(0, 5) {
            0 => [self, Padding::None],
            1 => [Padding::None, self],
            _ => [self; 2],
        }
    }
}

/// Protocol spoken before TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Preamble {
    None,
    Socks5,
    HttpConnect,
}

/// Encryption of the content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encryption {
    Plain,
    Tls12Gcm,
    Tls12Chacha,
    Tls12Cbc,
    Tls13,
    Noise,
    Ssh,
}

/// Framing between record and message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ContentFraming {
    None,
    WebSocket,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Writes {
    /// A segment each (TCP_NODELAY).
    Separate,
    /// A single record for all.
    Joined,
    /// The first at once, the others when it is acknowledged (RFC 9293 section 3.7.4).
    Nagle,
}

impl SessionWrapping {
    /// TLS in most cases, with everything that may surround it.
    pub(crate) fn sample(rng: &mut Rng) -> Self {
        let record = match rng.range(0, 99) {
            0..54 => Encryption::Tls13,
            54..70 => Encryption::Tls12Gcm,
            70..78 => Encryption::Tls12Chacha,
            78..86 => Encryption::Tls12Cbc,
            86..91 => Encryption::Ssh,
            91..95 => Encryption::Noise,
            _ => Encryption::Plain,
        };
        let tunnel = match rng.range(0, 19) {
            0 => Preamble::Socks5,
            1 => Preamble::HttpConnect,
            _ => Preamble::None,
        };
        SessionWrapping {
            tunnel,
            record,
            framing: if rng.chance(0.14) { ContentFraming::WebSocket } else { ContentFraming::None },
            segment: *rng.pick(&[1448, 1448, 1460, 1440, 1428, 1412, 1400, 1380, 1360, 1220]),
            writes: *rng.pick(&[Writes::Separate, Writes::Joined, Writes::Nagle]),
            padding: {
                let padding = match rng.range(0, 99) {
                    0..5 => Padding::Block(*rng.pick(&[16, 32, 64, 128, 256])),
                    5..9 => Padding::Random(*rng.pick(&[16, 32, 64, 128, 256])),
                    9..12 => Padding::Between(rng.range(100, 300), rng.range(400, 1_300)),
                    _ => Padding::None,
                };
                padding.sides(rng)
            },
            wrapper: None,
            pings: [0; 2].map(|_| {
                if rng.chance(0.5) { 0.0 } else { *rng.pick(&[10.0, 20.0, 25.0, 30.0, 45.0, 60.0]) }
            }),
        }
    }

    /// Wraps the session in Noise (Stratum V2).
    pub(crate) fn over_noise(mut self) -> Self {
        (self.record, self.framing) = (Encryption::Noise, ContentFraming::None);
        self
    }

    /// Wraps the session in SSH.
    pub(crate) fn over_ssh(mut self) -> Self {
        (self.record, self.framing) = (Encryption::Ssh, ContentFraming::None);
        self
    }

    /// Wraps the messages in WebSocket frames.
    pub(crate) fn with_web_socket(mut self) -> Self {
        self.framing = ContentFraming::WebSocket;
        self
    }

    /// Adds wrappers that pad, delay, merge or add messages.
    pub(crate) fn evasive(mut self, rng: &mut Rng) -> Self {
        let modes = rng.range(1, 15);
        let (low, high) = (rng.range(40, 400), rng.range(500, 1_400));
        let hold = rng.log_uniform(0.3, 5.0);
        if modes & 1 != 0 {
            self.padding = Padding::Between(low, high).sides(rng);
        }
        self.wrapper = Some(Wrapper {
            sides: *rng.pick(&[[true, true], [true, true], [true, false], [false, true]]),
            delay: if modes & 2 != 0 { hold } else { 0.0 },
            merge: if modes & 4 != 0 { hold } else { 0.0 },
            cover: if modes & 8 != 0 { (rng.log_uniform(2.0, 30.0), low, high) } else { (0.0, 0, 0) },
        });
        self
    }

    /// Name of the wrapping, as sequences carry it.
    pub(crate) fn name(&self) -> &'static str {
        match (self.record, self.framing) {
            (Encryption::Plain, ContentFraming::None) => "plain",
            (Encryption::Plain, ContentFraming::WebSocket) => "ws+plain",
            (Encryption::Tls13, ContentFraming::None) => "tls13",
            (Encryption::Tls13, ContentFraming::WebSocket) => "ws+tls13",
            (Encryption::Noise, _) => "noise",
            (Encryption::Ssh, _) => "ssh",
            (_, ContentFraming::None) => "tls12",
            (_, ContentFraming::WebSocket) => "ws+tls12",
        }
    }

    /// Whether it is TLS straight to the server, and neither end pads.
    #[cfg(test)]
    pub(crate) fn is_direct_tls(&self) -> bool {
        let is_tls = !matches!(self.record, Encryption::Plain | Encryption::Noise | Encryption::Ssh);
        is_tls && self.tunnel == Preamble::None && self.padding == [Padding::None; 2]
    }

    /// Bytes on the wire of one write of `bytes`.
    fn wrapped(&self, rng: &mut Rng, direction: Direction, bytes: u32) -> u32 {
        let framed = match self.framing {
            ContentFraming::None => bytes,
            // RFC 6455 section 5.2: two bytes, two more from 126 on; the client masks (four).
            ContentFraming::WebSocket => {
                bytes
                    + 2
                    + if bytes > 125 { 2 } else { 0 }
                    + if direction == Direction::ToServer { 4 } else { 0 }
            }
        };
        let padded = match self.padding[direction as usize] {
            Padding::None => framed,
            Padding::Block(block) => framed.next_multiple_of(block),
            Padding::Random(most) => framed + rng.range(0, most),
            Padding::Between(low, high) => framed.max(rng.range(low, high)),
        };
        let records = padded.div_ceil(16_384).max(1);
        match self.record {
            Encryption::Plain => framed,
            // RFC 8446 section 5.2: header 5, content type 1, tag 16.
            Encryption::Tls13 => padded + 22 * records,
            // RFC 5288: header 5, nonce 8, tag 16.
            Encryption::Tls12Gcm => padded + 29 * records,
            // RFC 7905: header 5, tag 16.
            Encryption::Tls12Chacha => padded + 21 * records,
            // RFC 5246 section 6.2.3.2 with HMAC-SHA1: header 5, IV 16, MAC 20, padding to 16.
            Encryption::Tls12Cbc => 21 + (padded + 21).next_multiple_of(16),
            // Stratum V2 specification, section 4.5: the header is sealed apart.
            Encryption::Noise => 22 + padded + 16,
            // RFC 4253 section 6, RFC 4254 section 5.2: channel data, padding to 16, MAC 16.
            Encryption::Ssh => 4 + (framed + 14).next_multiple_of(16) + 16,
        }
    }

    /// The packets of a session whose application says `messages`.
    pub(crate) fn carry(
        &self,
        rng: &mut Rng,
        path: &Path,
        messages: &[ScriptedMessage],
        limit: usize,
    ) -> Vec<SequencePacket> {
        let mut wire = TimedSegments { out: Vec::new(), segment: self.segment };
        let start = self.handshake(rng, path, &mut wire);
        let disguised = self.wrapper.map(|wrapper| wrapper.disguise(rng, messages));
        let messages = disguised.as_deref().unwrap_or(messages);
        self.ping(rng, path, &mut wire, start, messages.last().map_or(0.0, |last| last.at));
        // Not before the last message that went the same way.
        let mut floor = [start; 2];
        let mut at = 0;
        while let Some(first) = messages.get(at) {
            let side = first.direction as usize;
            let mut bytes = first.bytes;
            let run = messages[at + 1..]
                .iter()
                .take_while(|m| m.direction == first.direction && m.at - first.at < 0.003)
                .count();
            let time = (first.at + start).max(floor[side]);
            let mut then = 0;
            match self.writes {
                Writes::Joined => bytes += messages[at + 1..=at + run].iter().map(|m| m.bytes).sum::<u32>(),
                Writes::Nagle => then = messages[at + 1..=at + run].iter().map(|m| m.bytes).sum(),
                Writes::Separate => {}
            }
            let size = self.wrapped(rng, first.direction, bytes);
            wire.write(rng, time, first.direction, size);
            floor[side] = time + 0.000_1;
            if then > 0 {
                let time = time + path.rtt;
                let size = self.wrapped(rng, first.direction, then);
                wire.write(rng, time, first.direction, size);
                floor[side] = time + 0.000_1;
            }
            at += if self.writes == Writes::Separate { 1 } else { 1 + run };
            if wire.out.len() > limit + 64 {
                break;
            }
        }
        wire.finish(limit)
    }

    /// The pings of WebSocket and SSH, and their answers.
    fn ping(&self, rng: &mut Rng, path: &Path, wire: &mut TimedSegments, start: f64, end: f64) {
        let (asks, answers) = match (self.framing, self.record) {
            (ContentFraming::WebSocket, _) => {
                let body = if rng.chance(0.6) { 4 } else { 0 };
                (body, body)
            }
            // `keepalive@openssh.com` with its lengths, and the failure (RFC 4254 section 4).
            (ContentFraming::None, Encryption::Ssh) => (27, 1),
            (ContentFraming::None, _) => return,
        };
        for (from, period) in [Direction::ToServer, Direction::ToClient].into_iter().zip(self.pings) {
            let mut at = start + period;
            while period > 0.0 && at < end {
                let (ping, pong) =
                    (self.wrapped(rng, from, asks), self.wrapped(rng, from.reverse(), answers));
                wire.write(rng, at, from, ping);
                let answered = if from == Direction::ToServer {
                    path.reply(rng, at)
                } else {
                    at + rng.exponential(0.001)
                };
                wire.write(rng, answered, from.reverse(), pong);
                at = answered.max(at + period);
            }
        }
    }

    /// All that goes before the first message; returns when that may pass.
    fn handshake(&self, rng: &mut Rng, path: &Path, wire: &mut TimedSegments) -> f64 {
        use Direction::{ToClient, ToServer};
        let mut at = 0.0;
        let turn = |rng: &mut Rng, wire: &mut TimedSegments, at: f64, up: u32, down: u32| {
            wire.write(rng, at, ToServer, up);
            let answered = path.reply(rng, at);
            wire.write(rng, answered, ToClient, down);
            answered + rng.uniform(0.000_3, 0.004)
        };
        match self.tunnel {
            Preamble::None => {}
            Preamble::Socks5 => {
                at = turn(rng, wire, at, 3, 2);
                let host = rng.range(10, 34);
                at = turn(rng, wire, at, host, 10);
            }
            Preamble::HttpConnect => {
                let (head, status) = (rng.range(60, 220), rng.range(39, 120));
                at = turn(rng, wire, at, head, status);
            }
        }
        match self.record {
            Encryption::Plain => {}
            Encryption::Noise => at = turn(rng, wire, at, 64, 234),
            Encryption::Ssh => {
                at = turn(rng, wire, at, 41, 41);
                let (kex_up, kex_down) = (rng.range(900, 1600), rng.range(900, 1200));
                at = turn(rng, wire, at, kex_up, kex_down);
                at = turn(rng, wire, at, 48, 564);
                at = turn(rng, wire, at, 60, 44);
                at = turn(rng, wire, at, 500, 44);
            }
            Encryption::Tls13 | Encryption::Tls12Gcm | Encryption::Tls12Chacha | Encryption::Tls12Cbc => {
                let resumed = rng.chance(0.1);
                let hello = if rng.chance(0.6) { 517 } else { rng.range(180, 1_800) };
                let certificates = if resumed { rng.range(120, 260) } else { rng.range(700, 4_800) };
                at = turn(rng, wire, at, hello, certificates);
                if self.record == Encryption::Tls13 {
                    let finished = *rng.pick(&[64, 74, 80, 80, 58]);
                    wire.write(rng, at, ToServer, finished);
                    let tickets = at + path.rtt;
                    let size = rng.range(72, 290);
                    for _ in 0..rng.range(0, 2) {
                        wire.write(rng, tickets, ToClient, size);
                    }
                } else if !resumed {
                    let (key_exchange, finished) =
                        (rng.range(93, 330), *rng.pick(&[51, 59, 75, 226, 258, 274]));
                    at = turn(rng, wire, at, key_exchange, finished);
                }
            }
        }
        if self.framing == ContentFraming::WebSocket {
            let (upgrade, switching) = (rng.range(150, 620), rng.range(129, 420));
            let (upgrade, switching) =
                (self.wrapped(rng, ToServer, upgrade), self.wrapped(rng, ToClient, switching));
            at = turn(rng, wire, at, upgrade, switching);
        }
        at
    }
}

/// Segments with their times, before they are put in order.
struct TimedSegments {
    out: Vec<(f64, Direction, u32)>,
    segment: u32,
}

impl TimedSegments {
    fn write(&mut self, rng: &mut Rng, at: f64, direction: Direction, bytes: u32) {
        let mut left = bytes;
        let mut at = at;
        while left > 0 {
            let size = left.min(self.segment);
            self.out.push((at, direction, size));
            left -= size;
            at += rng.uniform(0.000_02, 0.001);
        }
    }

    fn finish(mut self, limit: usize) -> Vec<SequencePacket> {
        self.out.sort_by(|a, b| a.0.total_cmp(&b.0));
        self.out.truncate(limit);
        let mut last = self.out.first().map_or(0.0, |first| first.0);
        let mut packets = Vec::with_capacity(self.out.len());
        for (at, direction, size) in self.out {
            // Milliseconds of a clock, as the router has them.
            let gap_ms = ((at * 1_000.0).floor() - (last * 1_000.0).floor()) as u32;
            packets.push(SequencePacket { direction, size, gap_ms });
            last = at;
        }
        packets
    }
}
