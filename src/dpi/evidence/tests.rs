mod clients;
mod conversations;
mod look_alikes;
mod nodes;
mod quotations;

use super::*;
use crate::dpi::dialect::{Context, Dialogue, HttpHead};
use crate::dpi::{Answer, Dpi};

/// A hash.
const H64: &str = "4adf702bfa06ce7aca402261eee1fbe13619bf69ec5b52dbc4144fd3cda1250a";

/// Both ends of a flow that is listened to.
struct Talk {
    dialogue: Dialogue,
    dpi: Dpi,
    from_start: bool,
    websocket: bool,
}

impl Talk {
    fn from_start() -> Self {
        Talk { dialogue: Dialogue::default(), dpi: Dpi::default(), from_start: true, websocket: false }
    }

    fn midway() -> Self {
        Talk { from_start: false, ..Talk::from_start() }
    }

    fn over_websocket() -> Self {
        Talk { websocket: true, ..Talk::from_start() }
    }

    fn hear(&mut self, direction: Direction, http: Option<HttpHead<'_>>, message: &str) -> Answer {
        let context =
            Context { direction, from_start: self.from_start, http, websocket: self.websocket, grpc: false };
        self.dialogue.read(&mut self.dpi, &context, message.as_bytes())
    }

    fn client(&mut self, message: &str) -> Answer {
        self.hear(Direction::ToServer, None, message)
    }

    fn server(&mut self, message: &str) -> Answer {
        self.hear(Direction::ToClient, None, message)
    }

    fn request(&mut self, target: &str, agent: &str, body: &str) -> Answer {
        let head = HttpHead { target: target.as_bytes(), agent: agent.as_bytes(), mining_extensions: false };
        self.hear(Direction::ToServer, Some(head), body)
    }

    fn response(&mut self, body: &str) -> Answer {
        self.hear(Direction::ToClient, Some(HttpHead::default()), body)
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
    assert_eq!(talk.dpi.finding.dialect.map(Dialect::name), Some(dialect), "{script}");
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
    assert_eq!(all.iter().map(|bits| bits.count_ones()).sum::<u32>(), all.iter().fold(0, |all, bits| all | bits).count_ones());
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
    for round in 0..200 {
        for (_, message) in clients::FIRST_MESSAGES {
            let mut bytes = message.as_bytes().to_vec();
            for _ in 0..=roll(3) {
                let at = roll(bytes.len());
                bytes[at] = noise[roll(noise.len())];
            }
            bytes.truncate(roll(bytes.len() * 2).max(1));
            let direction = if roll(2) == 0 { Direction::ToServer } else { Direction::ToClient };
            let http = (roll(3) == 0).then(HttpHead::default);
            let context = Context {
                direction,
                from_start: round % 2 == 0,
                http,
                websocket: round % 3 == 0,
                grpc: round % 5 == 0,
            };
            talk.dialogue.read(&mut talk.dpi, &context, &bytes);
        }
    }
}
