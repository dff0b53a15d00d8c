//! Conversations as readable text, for golden traces.
//!
//! ```text
//! # A comment.
//! --- option: value
//! > a line from the client, with LF
//! < a line from the server, with LF
//!
//! >crlf a line with CRLF
//! >raw bytes as they are: \x05\x01\0
//! >hex 050100
//! >random 64
//! >repeat 5000 \x20
//! <frame {"id":1}
//! ```
//!
//! Lines of one direction that follow one another are one turn (sent at once); an empty line or the
//! other direction begins the next. `frame` makes a WebSocket text frame, masked from the client.
//! Escapes: `\n`, `\r`, `\t`, `\0`, `\\`, `\xHH`.

/// Bytes that one end sends at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    /// From the end that opened the connection.
    pub from_client: bool,
    /// What it sends.
    pub bytes: Vec<u8>,
}

/// A conversation.
#[derive(Clone, Debug, Default)]
pub struct Dialogue {
    /// The `---` lines, in order.
    pub options: Vec<(String, String)>,
    /// What is said, in order.
    pub turns: Vec<Turn>,
}

impl Dialogue {
    /// Reads a dialogue; panics with the number of a line that makes no sense.
    pub fn parse(text: &str) -> Dialogue {
        let mut dialogue = Dialogue::default();
        let mut turn_ended = true;
        for (number, line) in (1u64..).zip(text.lines()) {
            if let Some(option) = line.strip_prefix("--- ") {
                let (name, value) = option.split_once(": ").unwrap_or_else(|| nonsense(number, line));
                dialogue.options.push((name.to_owned(), value.to_owned()));
                continue;
            }
            let from_client = match line.chars().next() {
                Some('#') => continue,
                Some('>') => true,
                Some('<') => false,
                Some(_) => nonsense(number, line),
                None => {
                    turn_ended = true;
                    continue;
                }
            };
            let (verb, rest) = line[1..].split_once(' ').unwrap_or((&line[1..], ""));
            let bytes = match verb {
                "" => [&unescape(rest)[..], b"\n"].concat(),
                "crlf" => [&unescape(rest)[..], b"\r\n"].concat(),
                "raw" => unescape(rest),
                "hex" => hex(rest),
                "random" => random(rest.parse().unwrap_or_else(|_| nonsense(number, line)), number),
                "repeat" => {
                    let (count, text) = rest.split_once(' ').unwrap_or_else(|| nonsense(number, line));
                    unescape(text).repeat(count.parse().unwrap_or_else(|_| nonsense(number, line)))
                }
                "frame" => frame(0x81, &unescape(rest), from_client),
                _ => nonsense(number, line),
            };
            match dialogue.turns.last_mut() {
                Some(turn) if !turn_ended && turn.from_client == from_client => turn.bytes.extend(bytes),
                _ => dialogue.turns.push(Turn { from_client, bytes }),
            }
            turn_ended = false;
        }
        dialogue
    }

    /// The value of an option, if it is there.
    pub fn option(&self, name: &str) -> Option<&str> {
        self.options.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The same conversation with each turn cut into pieces of at most `len` bytes.
    pub fn in_pieces_of(&self, len: usize) -> Dialogue {
        self.cut(|turn| turn.chunks(len).map(<[u8]>::to_vec).collect())
    }

    /// The same conversation with each turn cut in two behind its first `at` bytes.
    pub fn cut_at(&self, at: usize) -> Dialogue {
        self.cut(|turn| {
            let (head, tail) = turn.split_at(at.min(turn.len()));
            vec![head.to_vec(), tail.to_vec()]
        })
    }

    /// The same conversation with the consecutive turns of each end made one.
    pub fn merged(&self) -> Dialogue {
        let mut merged = Dialogue { options: self.options.clone(), turns: Vec::new() };
        for turn in &self.turns {
            match merged.turns.last_mut() {
                Some(last) if last.from_client == turn.from_client => last.bytes.extend(&turn.bytes),
                _ => merged.turns.push(turn.clone()),
            }
        }
        merged
    }

    /// Length of the longest turn.
    pub fn longest_turn(&self) -> usize {
        self.turns.iter().map(|turn| turn.bytes.len()).max().unwrap_or(0)
    }

    fn cut(&self, pieces: impl Fn(&[u8]) -> Vec<Vec<u8>>) -> Dialogue {
        let piece = |from_client, bytes: Vec<u8>| Turn { from_client, bytes };
        let turns = self.turns.iter().flat_map(|turn| {
            pieces(&turn.bytes).into_iter().map(move |bytes| piece(turn.from_client, bytes))
        });
        let turns = turns.filter(|turn| !turn.bytes.is_empty()).collect();
        Dialogue { options: self.options.clone(), turns }
    }
}

/// One WebSocket frame; `first` holds its flags and opcode.
pub fn frame(first: u8, payload: &[u8], masked: bool) -> Vec<u8> {
    let mask = if masked { 0x80 } else { 0 };
    let mut frame = vec![first];
    match payload.len() {
        len @ 0..126 => frame.push(mask | len as u8),
        len @ 126..65_536 => {
            frame.push(mask | 126);
            frame.extend((len as u16).to_be_bytes());
        }
        len => {
            frame.push(mask | 127);
            frame.extend((len as u64).to_be_bytes());
        }
    }
    let key: &[u8] = if masked { &[0x37, 0xfa, 0x21, 0x3d] } else { &[0] };
    if masked {
        frame.extend(key);
    }
    frame.extend(payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key));
    frame
}

/// Pseudo-random bytes, the same for the same seed.
pub fn random(len: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 56) as u8
    };
    (0..32 + len).map(|_| next()).skip(32).collect()
}

fn nonsense(number: u64, line: &str) -> ! {
    panic!("line {number} makes no sense: {line}")
}

fn hex(digits: &str) -> Vec<u8> {
    let byte = |at| u8::from_str_radix(&digits[at..at + 2], 16).expect("hexadecimal digits");
    (0..digits.len()).step_by(2).map(byte).collect()
}

fn unescape(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        (rest, _) = (tail, bytes.push(*first));
        if *first != b'\\' {
            continue;
        }
        bytes.pop();
        let (byte, tail) = match tail {
            [b'n', tail @ ..] => (b'\n', tail),
            [b'r', tail @ ..] => (b'\r', tail),
            [b't', tail @ ..] => (b'\t', tail),
            [b'0', tail @ ..] => (0, tail),
            [b'\\', tail @ ..] => (b'\\', tail),
            [b'x', high, low, tail @ ..] => {
                let digit = |byte: u8| char::from(byte).to_digit(16).expect("hexadecimal digit") as u8;
                (digit(*high) << 4 | digit(*low), tail)
            }
            _ => panic!("unknown escape in {text}"),
        };
        bytes.push(byte);
        rest = tail;
    }
    bytes
}
