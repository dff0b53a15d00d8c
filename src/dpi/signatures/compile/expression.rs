//! Conditions: from the words of a line to code.

use super::lexer::Token;
use super::program::{Phase, op, path, shape};
use crate_words::{WORD_BYTES, WordsBuilder};

use super::super::words as crate_words;

/// State shared by all conditions: words, texts and the code itself.
#[derive(Debug)]
pub(super) struct Expressions {
    pub(super) words: WordsBuilder,
    pub(super) code: Vec<u16>,
    pub(super) texts: Vec<Vec<u8>>,
}

impl Expressions {
    pub(super) fn new(words: WordsBuilder) -> Self {
        // Place 0 means none.
        Expressions { words, code: vec![0], texts: Vec::new() }
    }

    /// The number of a text, which is added if it is new.
    pub(super) fn text(&mut self, text: &[u8]) -> Result<u16, String> {
        if text.len() > TEXT_BYTES {
            return Err(format!("a text has at most {TEXT_BYTES} bytes"));
        }
        if let Some(at) = self.texts.iter().position(|known| known == text) {
            return Ok(at as u16 + 1);
        }
        if self.texts.iter().map(Vec::len).sum::<usize>() + text.len() > usize::from(u16::MAX) {
            return Err("there is too much text".into());
        }
        self.texts.push(text.to_vec());
        u16::try_from(self.texts.len()).map_err(|_| "there are too many texts".into())
    }

    /// The number among the words of the text with number `id`.
    pub(super) fn word_of_text(&mut self, id: u16) -> u16 {
        let text = self.texts.get(usize::from(id).saturating_sub(1)).cloned().unwrap_or_default();
        self.words.add(&text)
    }

    /// Adds code that does not stand anywhere yet; answers where it stands.
    pub(super) fn append(&mut self, code: &[u16]) -> Result<(u16, u16), String> {
        // Place 0 means none.
        let known = self.code.windows(code.len()).skip(1).position(|known| known == code).map(|at| at + 1);
        let start = known.unwrap_or(self.code.len());
        let place = u16::try_from(start).ok().zip(u16::try_from(start + code.len()).ok());
        if known.is_none() {
            self.code.extend_from_slice(code);
        }
        place.ok_or("there are too many conditions".into())
    }

    /// Place of a value for the event: code of one path after the other.
    pub(super) fn places(&mut self, tokens: &[Token]) -> Result<u16, String> {
        let mut code = vec![tokens.len() as u16];
        for token in tokens {
            let Token::Bare(text) = token else { return Err("a path stands here".into()) };
            let steps = self.path(text)?;
            code.push(steps.len() as u16);
            code.extend(steps);
        }
        if tokens.is_empty() { Err("a path is missing".into()) } else { Ok(self.append(&code)?.0) }
    }

    /// The terms of a line that are joined by `and` at its top, each as code.
    pub(super) fn terms(&mut self, tokens: &[Token]) -> Result<Vec<Vec<u16>>, String> {
        let mut parser = Parser { tokens, at: 0, depth: 0, expressions: self };
        let alternatives = parser.alternatives()?;
        if parser.at < tokens.len() {
            return Err(format!("{} is not expected here", describe(tokens.get(parser.at))));
        }
        Ok(match <[Vec<Vec<u16>>; 1]>::try_from(alternatives) {
            Ok([terms]) => terms,
            Err(alternatives) => vec![any(alternatives)],
        })
    }

    fn path(&mut self, text: &str) -> Result<Vec<u16>, String> {
        let end = text.find(['.', '[']).unwrap_or(text.len());
        let (base, mut rest) = text.split_at(end);
        let mut steps = Vec::new();
        match base {
            "root" | "field" => steps.push(path::ROOT),
            "http" => steps.push(path::HTTP),
            "method" => steps.push(path::METHOD),
            "data" if rest.is_empty() || rest.contains("..") => steps.push(path::DATA),
            "proto" => steps.push(path::PROTO),
            _ => steps.extend([path::ROOT, self.key(base)?]),
        }
        while let Some(first) = rest.chars().next() {
            if first == '.' {
                let end = rest[1..].find(['.', '[']).map_or(rest.len(), |end| end + 1);
                let name = rest[1..end].replace('\u{0}', ".");
                let number = name.parse::<u16>().ok().filter(|number| *number < path::INDEX);
                match number.filter(|_| base == "proto") {
                    Some(number) => steps.push(path::INDEX | number),
                    // Fields of a head stand beside what the start line says.
                    None if base == "http" && name == "header" => {}
                    None => steps.push(self.key(&name)?),
                }
                rest = &rest[end..];
            } else {
                let end = rest.find(']').ok_or("a `[` is not closed")?;
                self.index(&rest[1..end], &mut steps)?;
                rest = &rest[end + 1..];
            }
        }
        if steps.len() > PATH_STEPS { Err("the path is too long".into()) } else { Ok(steps) }
    }

    fn index(&mut self, index: &str, steps: &mut Vec<u16>) -> Result<(), String> {
        match index {
            "*" => steps.push(path::SOME),
            "all" => steps.push(path::EVERY),
            _ if steps.first() == Some(&path::DATA) => {
                let (from, to) = index.split_once("..").ok_or("bytes are given as [FROM..TO]")?;
                for end in [from, if to.is_empty() { "16383" } else { to }] {
                    let end: u16 = end.parse().map_err(|_| format!("`{end}` is no number of a byte"))?;
                    steps.push(path::INDEX | end.min(path::INDEX - 1));
                }
            }
            _ => {
                let index: u16 = index.parse().map_err(|_| format!("`{index}` is no index"))?;
                steps.push(path::INDEX | index.min(path::INDEX - 1));
            }
        }
        Ok(())
    }

    fn key(&mut self, name: &str) -> Result<u16, String> {
        if name.is_empty() || name.len() > WORD_BYTES {
            return Err(format!("a member's name has 1 to {WORD_BYTES} bytes"));
        }
        let word = self.words.add(name.as_bytes());
        if word < path::INDEX { Ok(word) } else { Err("there are too many names".into()) }
    }
}

/// The phase with this name.
pub(super) fn phase(name: &str) -> Result<Phase, String> {
    Ok(match name {
        "greeting" => Phase::Greeting,
        "login" => Phase::Login,
        "job" => Phase::Job,
        "share" => Phase::Share,
        _ => return Err(format!("`{name}` is no phase: greeting, login, job, share")),
    })
}

/// `8` (just that), `8..`, `8..64`, `..64`.
pub(super) fn range(text: &str, most: u32) -> Result<(u32, u32), String> {
    let number = |digits: &str, otherwise: u32| match digits {
        "" => Ok(otherwise),
        digits => digits.parse().map_err(|_| format!("`{text}` is no range of numbers")),
    };
    let (from, to) = match text.split_once("..") {
        Some((from, to)) => (number(from, 0)?, number(to, most)?),
        None => {
            let only = text.parse().map_err(|_| format!("`{text}` is no number or range"))?;
            (only, only)
        }
    };
    if from <= to && to <= most {
        Ok((from, to))
    } else {
        Err(format!("`{text}` is an empty range, or too much"))
    }
}

/// Reads one line.
struct Parser<'a> {
    tokens: &'a [Token],
    at: usize,
    depth: usize,
    expressions: &'a mut Expressions,
}

impl Parser<'_> {
    /// Terms joined by `and`, joined by `or`.
    fn alternatives(&mut self) -> Result<Vec<Vec<Vec<u16>>>, String> {
        self.depth += 1;
        if self.depth > NESTING {
            return Err("conditions are nested too deep".into());
        }
        let mut alternatives = vec![vec![self.term()?]];
        loop {
            if self.take_word("and") {
                let term = self.term()?;
                alternatives.last_mut().ok_or("")?.push(term);
            } else if self.take_word("or") {
                alternatives.push(vec![self.term()?]);
            } else {
                self.depth -= 1;
                return Ok(alternatives);
            }
        }
    }

    fn term(&mut self) -> Result<Vec<u16>, String> {
        if self.take_word("not") {
            let inside = self.term()?;
            return Ok(node(op::NOT, &inside));
        }
        if self.take_mark('(') {
            let alternatives = self.alternatives()?;
            self.expect_mark(')')?;
            return Ok(any(alternatives));
        }
        if self.take_word("at") {
            return self.at_least();
        }
        if self.take_word("answers") {
            return if self.take_word("request") {
                Ok(node(op::ANSWERS, &[]))
            } else {
                Err("`answers request`".into())
            };
        }
        if self.take_word("asked") {
            let mut names = Vec::new();
            while let Some(Token::Bare(word)) = self.tokens.get(self.at) {
                if matches!(word.as_str(), "and" | "or") {
                    break;
                }
                names.push(self.expressions.text(word.as_bytes())?);
                self.at += 1;
            }
            return if names.is_empty() {
                Err("`asked NAME` names a question".into())
            } else {
                Ok(node(op::ASKED, &names))
            };
        }
        if self.take_word("after") {
            let name = self.bare()?;
            return Ok(node(op::AFTER, &[phase(&name)? as u16]));
        }
        self.test()
    }

    fn at_least(&mut self) -> Result<Vec<u16>, String> {
        let fits = self.take_word("least");
        let count: u16 = self.bare()?.parse().map_err(|_| "`at least NUMBER of ( ... )`")?;
        if !fits || !self.take_word("of") {
            return Err("`at least NUMBER of ( ... )`".into());
        }
        self.expect_mark('(')?;
        let mut inside = vec![count];
        loop {
            let alternatives = self.alternatives()?;
            inside.extend(any(alternatives));
            if self.take_mark(')') {
                return Ok(node(op::AT_LEAST, &inside));
            }
            self.expect_mark(',')?;
        }
    }

    /// A path and the shapes of its value.
    fn test(&mut self) -> Result<Vec<u16>, String> {
        let text = self.bare()?;
        let steps = self.expressions.path(&text)?;
        let mut inside = vec![steps.len() as u16];
        inside.extend(steps);
        let mut groups = 0;
        while let Some(Token::Bare(word)) = self.tokens.get(self.at) {
            if matches!(word.as_str(), "and" | "or") {
                break;
            }
            let mut alternatives = vec![self.shape()?];
            while self.take_mark('|') {
                alternatives.push(self.shape()?);
            }
            inside.push(alternatives.len() as u16);
            inside.extend(alternatives.concat());
            groups += 1;
        }
        if groups == 0 {
            Err(format!("`{text}` has no shape behind it"))
        } else {
            Ok(node(op::TEST, &inside))
        }
    }

    fn shape(&mut self) -> Result<Vec<u16>, String> {
        let name = self.bare()?;
        if let Some(at) = PLAIN.iter().position(|known| *known == name) {
            return Ok(vec![at as u16 + 1]);
        }
        if let Some(at) = OF_TEXTS.iter().position(|known| *known == name) {
            let mut code = vec![shape::IS + at as u16, 0];
            while let Some(Token::Text(text)) = self.tokens.get(self.at) {
                code.push(self.expressions.text(text)?);
                if name == "only" {
                    self.expressions.words.add(text);
                }
                self.at += 1;
            }
            code[1] = code.len() as u16 - 2;
            return if code[1] > 0 { Ok(code) } else { Err(format!("`{name}` wants a text behind it")) };
        }
        if let Some(at) = OF_RANGES.iter().position(|known| *known == name) {
            let (from, to) = range(&self.bare()?, u32::from(u16::MAX))?;
            return Ok(vec![shape::HEX + at as u16, from as u16, to as u16]);
        }
        if let Some(at) = OF_NUMBERS.iter().position(|known| *known == name) {
            let (from, to) = range(&self.bare()?, u32::MAX)?;
            let half = |number: u32| [(number >> 16) as u16, number as u16];
            return Ok([&[shape::INTEGER + at as u16][..], &half(from), &half(to)].concat());
        }
        Err(format!("`{name}` is no shape"))
    }

    fn bare(&mut self) -> Result<String, String> {
        match self.tokens.get(self.at) {
            Some(Token::Bare(word)) => {
                self.at += 1;
                Ok(word.clone())
            }
            other => Err(format!("{} stands where a word should", describe(other))),
        }
    }

    fn take_word(&mut self, word: &str) -> bool {
        let is_it = matches!(self.tokens.get(self.at), Some(Token::Bare(found)) if found == word);
        self.at += usize::from(is_it);
        is_it
    }

    fn take_mark(&mut self, mark: char) -> bool {
        let is_it = self.tokens.get(self.at) == Some(&Token::Mark(mark));
        self.at += usize::from(is_it);
        is_it
    }

    fn expect_mark(&mut self, mark: char) -> Result<(), String> {
        if self.take_mark(mark) { Ok(()) } else { Err(format!("a `{mark}` is missing")) }
    }
}

fn node(operation: u16, inside: &[u16]) -> Vec<u16> {
    [&[operation, inside.len() as u16][..], inside].concat()
}

/// A single operation for alternatives of terms.
fn any(mut alternatives: Vec<Vec<Vec<u16>>>) -> Vec<u16> {
    let all = |mut terms: Vec<Vec<u16>>| match terms.len() {
        1 => terms.remove(0),
        _ => node(op::ALL, &terms.concat()),
    };
    match alternatives.len() {
        1 => all(alternatives.remove(0)),
        _ => node(op::ANY, &alternatives.into_iter().map(all).collect::<Vec<_>>().concat()),
    }
}

fn describe(token: Option<&Token>) -> String {
    match token {
        None => "the end of the line".into(),
        Some(Token::Bare(word)) => format!("`{word}`"),
        Some(Token::Text(text)) => format!("\"{}\"", text.escape_ascii()),
        Some(Token::Mark(mark)) => format!("`{mark}`"),
    }
}

/// The shapes in the order of their numbers, by what follows them.
const PLAIN: [&str; shape::LAST_PLAIN as usize] = [
    "string",
    "number",
    "bool",
    "true",
    "false",
    "null",
    "object",
    "array",
    "name",
    "present",
    "absent",
    "wallet",
    "miner",
    "algorithm",
];
const OF_TEXTS: [&str; 5] = ["is", "begins", "ends", "has", "only"];
const OF_RANGES: [&str; 9] =
    ["hex", "decimal", "digits", "base58", "base64", "upper", "lower", "length", "items"];
const OF_NUMBERS: [&str; 3] = ["integer", "little", "big"];

/// Steps of one path, and nesting of conditions: what the matcher goes through without a bound of its own.
const PATH_STEPS: usize = 10;
const NESTING: usize = 8;
/// Bytes of one text.
const TEXT_BYTES: usize = 200;
