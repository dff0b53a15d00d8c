mod clients;
mod conversations;
mod look_alikes;
mod nodes;
mod quotations;

use super::*;
use crate::dpi::finding::Finding;
use crate::dpi::{Answer, Dpi, Inspection, Said};

/// A hash.
const H64: &str = "4adf702bfa06ce7aca402261eee1fbe13619bf69ec5b52dbc4144fd3cda1250a";

/// Both ends of a flow that is listened to.
struct Talk {
    inspection: Inspection,
    dpi: Dpi,
    finding: Finding,
    websocket: bool,
}

impl Talk {
    fn from_start() -> Self {
        Talk {
            inspection: Inspection::begin(true),
            dpi: Dpi::default(),
            finding: Finding::default(),
            websocket: false,
        }
    }

    fn midway() -> Self {
        Talk { inspection: Inspection::begin(false), ..Talk::from_start() }
    }

    fn over_websocket() -> Self {
        let mut talk = Talk::from_start();
        talk.hear(Direction::ToServer, b"GET /ws HTTP/1.1\r\nUpgrade: websocket\r\n\r\n");
        talk.hear(Direction::ToClient, b"HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\n\r\n");
        talk.websocket = true;
        talk
    }

    /// Reads a segment.
    fn hear(&mut self, direction: Direction, bytes: &[u8]) -> Answer {
        let mut rest = bytes;
        loop {
            let reading = self.inspection.read(&mut self.dpi, 7, direction, rest);
            rest = &rest[reading.consumed..];
            match reading.said {
                Said::Nothing => return Answer::NeedMore,
                Said::Proof(finding) => {
                    self.finding = finding;
                    return Answer::Match;
                }
                _ => {}
            }
        }
    }

    fn say(&mut self, direction: Direction, message: &str) -> Answer {
        if !self.websocket {
            return self.hear(direction, format!("{message}\n").as_bytes());
        }
        let len = message.len() as u16;
        self.hear(direction, &[&[0x81, 126][..], &len.to_be_bytes(), message.as_bytes()].concat())
    }

    fn client(&mut self, message: &str) -> Answer {
        self.say(Direction::ToServer, message)
    }

    fn server(&mut self, message: &str) -> Answer {
        self.say(Direction::ToClient, message)
    }

    fn request(&mut self, target: &str, agent: &str, body: &str) -> Answer {
        let head = format!(
            "POST {target} HTTP/1.1\r\nUser-Agent: {agent}\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        self.hear(Direction::ToServer, head.as_bytes())
    }

    fn response(&mut self, body: &str) -> Answer {
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        self.hear(Direction::ToClient, head.as_bytes())
    }

    /// Hears lines that begin with `> ` (from the client) or `< `; the first answer but NeedMore.
    fn script(&mut self, script: &str) -> (usize, Answer) {
        for (at, line) in script.lines().map(str::trim).filter(|line| !line.is_empty()).enumerate() {
            let answer = match line.split_at(2) {
                ("> ", message) => self.client(message),
                ("< ", message) => self.server(message),
                _ => panic!("{line}"),
            };
            if answer != Answer::NeedMore {
                return (at, answer);
            }
        }
        (usize::MAX, Answer::NeedMore)
    }
}

/// Hears `script`, in which `<H>` is a hash: proven by message `at`, counted from 0.
#[track_caller]
fn proven(mut talk: Talk, at: usize, dialect: &str, script: &str) -> Talk {
    let (proven_at, answer) = talk.script(&script.replace("<H>", H64));
    assert_eq!((proven_at, answer), (at, Answer::Match), "{script}");
    assert_eq!(talk.finding.dialect.map(Dialect::name), Some(dialect), "{script}");
    talk
}

#[test]
fn every_dialect_has_a_name_and_a_code_of_its_own() {
    let all: Vec<_> = Dialect::all().collect();
    for (at, dialect) in all.iter().enumerate() {
        assert_eq!(Dialect::of_name(dialect.name()), Some(*dialect));
        assert!(
            dialect.name().bytes().all(|byte| byte.is_ascii_lowercase() || b"-0123456789".contains(&byte))
        );
        assert!(all[..at].iter().all(|other| other.name() != dialect.name()));
    }
    assert_eq!(Dialect::of_name("none"), None);
}

#[test]
fn facts_do_not_overlap() {
    let mut seen = 0_u32;
    for role in [Role::Miner, Role::Pool] {
        for direction in [Direction::ToServer, Direction::ToClient] {
            for confidence in [Confidence::Hint, Confidence::Strong] {
                assert_eq!(seen & fact(role, direction, confidence), 0);
                seen |= fact(role, direction, confidence);
            }
        }
    }
    assert_eq!(seen, SIGNS);
    for phase in [Phase::Greeting, Phase::Login, Phase::Job, Phase::Share] {
        assert_eq!(phase_bit(phase) & !PHASES, 0);
    }
    let asked = asked(Direction::ToServer) | asked(Direction::ToClient);
    let all = [SIGNS, PHASES, asked, 0xf << ORDER_AT, TALKS_OF_OTHER_THINGS];
    assert_eq!(
        all.iter().map(|bits| bits.count_ones()).sum::<u32>(),
        all.iter().fold(0, |all, bits| all | bits).count_ones()
    );
}

#[test]
fn no_mutation_of_a_mining_message_makes_it_panic() {
    let noise = b"{}[]\",:\\u0~\x00\xff";
    let mut state = 0x9e37_79b9_u32;
    let mut roll = |sides: usize| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state as usize % sides
    };
    let mut talk = Talk::from_start();
    let messages: Vec<String> = clients::first_messages().map(|(_, message)| message).collect();
    assert!(messages.len() >= 80, "{}", messages.len());
    for _ in 0..200 {
        for message in &messages {
            let mut bytes = message.as_bytes().to_vec();
            for _ in 0..=roll(3) {
                let at = roll(bytes.len());
                bytes[at] = noise[roll(noise.len())];
            }
            bytes.truncate(roll(bytes.len() * 2).max(1));
            let direction = if roll(2) == 0 { Direction::ToServer } else { Direction::ToClient };
            if roll(5) == 0 {
                talk = [Talk::from_start(), Talk::midway(), Talk::over_websocket()]
                    .into_iter()
                    .nth(roll(3))
                    .unwrap();
            }
            talk.hear(direction, &bytes);
        }
    }
}
