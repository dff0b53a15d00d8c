//! The compiler of signatures: text in, flat tables out. `openwrt/SIGNATURES.md` has the language.
//!
//! The build script compiles the built-in files with it, and the running program those of the operator and of
//! feeds. (A file called `mod.rs`, so that the build script finds its parts as the program does.)

mod expression;
mod head;
mod lexer;
mod needs;
mod pivot;
pub(crate) mod program;

use super::words::{Words, WordsBuilder};
use expression::Expressions;
use lexer::Token;
use needs::Needs;
use program::{Confidence, DialectEntry, Phase, Program, QuestionEntry, Role, Rule, carrier, op};

/// Why a file is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// The line, from 1 on.
    pub line: usize,
    /// The reason.
    pub reason: String,
}

/// Names that the program itself looks for in messages. They have the first numbers.
pub(crate) const ENGINE_WORDS: [&str; 7] = ["method", "params", "body", "id", "result", "error", "message"];

/// Names that readers look for by themselves: of heads, of requests and log lines, of what servers answer.
pub(crate) const WORDS_OF_READERS: [&str; 48] = [
    "verb",
    "target",
    "path",
    "agent",
    "status",
    "type",
    "length",
    "query",
    "host",
    "jsonrpc",
    "worker",
    "pass",
    "api_key",
    "nonce",
    "output",
    "minerid",
    "@timestamp",
    "timestamp",
    "time",
    "ts",
    "hostname",
    "level",
    "severity",
    "tag",
    "log",
    "msg",
    "logger",
    "pid",
    "src",
    "dst",
    "source",
    "service",
    "date",
    "event",
    "code",
    "reason",
    "description",
    "data",
    "hash",
    "name",
    "x-mining-extensions",
    "version",
    "server",
    "client",
    "file",
    "line",
    "facility",
    "client_id",
];

/// Compiles files into one [`Program`].
#[derive(Debug)]
pub(crate) struct Compiler {
    dialects: Vec<DialectEntry>,
    names: Vec<(u16, bool, u8)>,
    ports: Vec<(u16, u16, u8)>,
    asks: Vec<(u16, u8)>,
    questions: Vec<QuestionEntry>,
    sends: Vec<u16>,
    rules: Vec<(TermForm, Rule)>,
    expressions: Expressions,
}

/// Way to a message: by an exact method, by a part of one, without.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum TermForm {
    Exact,
    Pattern,
    Without,
}

/// A dialect or message block that is half read.
#[derive(Debug, Default)]
struct Block {
    line: usize,
    said: u16,
    role: Option<Role>,
    phase: Option<Phase>,
    over: u16,
    methods: Vec<u16>,
    form: Option<TermForm>,
    needs: Needs,
    /// As [`Rule::method`] has it: where a method is asked for, and where none is.
    edges: [u16; 2],
    rank: u8,
    /// Code of the conditions, and of the grades.
    conditions: Vec<u16>,
    grades: Vec<u16>,
    coin: u16,
    agent: u16,
    wallet: u16,
    algorithm: u16,
}

impl Compiler {
    /// A compiler whose files may use the words of `base`, and add to them.
    pub(crate) fn new(base: Option<&'static Words>) -> Self {
        let mut words = WordsBuilder::new(base);
        for word in ENGINE_WORDS {
            words.add(word.as_bytes());
        }
        Compiler {
            dialects: Vec::new(),
            names: Vec::new(),
            ports: Vec::new(),
            asks: Vec::new(),
            questions: Vec::new(),
            sends: Vec::new(),
            rules: Vec::new(),
            expressions: Expressions::new(words),
        }
    }

    /// Makes `words` known, for readers that ask for members by themselves.
    pub(crate) fn know(&mut self, words: &[&str]) {
        for word in words {
            self.expressions.words.add(word.as_bytes());
        }
    }

    /// Compiles one file.
    ///
    /// # Errors
    /// The first line that makes no sense; the compiler is of no use after that.
    pub(crate) fn add(&mut self, text: &str) -> Result<(), Fault> {
        let mut block: Option<Block> = None;
        let mut dialect = None;
        let mut default_coin = 0;
        let mut in_question = false;
        for (line, tokens) in lexer::lines(text)? {
            let fault = |reason: String| Fault { line, reason };
            let (keyword, rest) = match tokens.split_first() {
                Some((Token::Bare(keyword), rest)) => (keyword.as_str(), rest),
                _ => return Err(fault("a line begins with a keyword".into())),
            };
            match (keyword, dialect) {
                ("dialect", None) => dialect = Some(self.begin_dialect(rest).map_err(fault)?),
                ("dialect", Some(_)) => return Err(fault("a file has one dialect".into())),
                (_, None) => return Err(fault("a file begins with `dialect NAME`".into())),
                ("question", Some(dialect)) => {
                    self.end_message(block.take(), dialect, default_coin)?;
                    self.begin_question(rest, dialect).map_err(fault)?;
                    in_question = true;
                }
                ("message", Some(dialect)) => {
                    self.end_message(block.take(), dialect, default_coin)?;
                    in_question = false;
                    block = Some(self.begin_message(rest, line).map_err(fault)?);
                }
                (_, Some(_)) if in_question => self.question_line(keyword, rest).map_err(fault)?,
                (_, Some(dialect)) => match &mut block {
                    Some(block) => self.message_line(block, keyword, rest).map_err(fault)?,
                    None if keyword == "coin" => default_coin = self.one_text(rest).map_err(fault)?,
                    None => self.dialect_line(dialect, keyword, rest).map_err(fault)?,
                },
            }
        }
        let dialect = dialect.ok_or(Fault { line: 1, reason: "there is no `dialect NAME`".into() })?;
        self.end_message(block, dialect, default_coin)
    }

    /// The tables of all files.
    pub(crate) fn build(mut self) -> (Program, Words) {
        // The sort is stable: among equals the order of the files stands.
        self.rules
            .sort_by_key(|(form, rule)| (*form, if *form == TermForm::Exact { rule.method } else { 0 }));
        for (order, (_, rule)) in (0..).zip(&mut self.rules) {
            rule.order = order;
        }
        let count = |form| self.rules.iter().filter(|(of, _)| *of == form).count() as u16;
        let (with_method, with_pattern) = (count(TermForm::Exact), count(TermForm::Pattern));
        let pivots = pivot::sort(&mut self.rules[usize::from(with_method + with_pattern)..]);
        let rules: Vec<Rule> = self.rules.into_iter().map(|(_, rule)| rule).collect();
        let Expressions { words, code, texts } = self.expressions;
        let (mut text, mut ends) = (Vec::new(), Vec::new());
        for bytes in texts {
            text.extend_from_slice(&bytes);
            ends.push(text.len() as u16);
        }
        let program = Program {
            dialects: self.dialects.into(),
            rules: rules.into(),
            with_method,
            with_pattern,
            pivots: pivots.into(),
            code: code.into(),
            ends: ends.into(),
            text: text.into(),
            names: self.names.into(),
            ports: self.ports.into(),
            asks: self.asks.into(),
            questions: self.questions.into(),
            sends: self.sends.into(),
        };
        (program, words.build())
    }

    fn begin_message(&mut self, rest: &[Token], line: usize) -> Result<Block, String> {
        let [Token::Text(said), Token::Bare(from), Token::Bare(role)] = rest else {
            return Err("a message is `message \"WORDS\" from miner` or `from pool`".into());
        };
        let role = match (from.as_str(), role.as_str()) {
            ("from", "miner") => Role::Miner,
            ("from", "pool") => Role::Pool,
            _ => return Err("a message is from miner or from pool".into()),
        };
        let said = self.expressions.text(said)?;
        Ok(Block { line, said, role: Some(role), ..Block::default() })
    }

    fn message_line(&mut self, block: &mut Block, keyword: &str, rest: &[Token]) -> Result<(), String> {
        match keyword {
            "phase" => {
                block.phase = Some(match rest {
                    [Token::Bare(phase)] => expression::phase(phase)?,
                    _ => return Err("a phase is greeting, login, job or share".into()),
                });
            }
            "over" => {
                for token in rest {
                    let Token::Bare(name) = token else { return Err("carriers are words".into()) };
                    let at = carrier::NAMES.iter().position(|known| known == name);
                    let at = at.ok_or(format!("`{name}` is no carrier: {}", carrier::NAMES.join(", ")))?;
                    block.over |= 1 << at;
                }
            }
            "where" => self.condition(block, rest)?,
            "proof" => self.grade(block, Confidence::Proof, rest)?,
            "strong" => self.grade(block, Confidence::Strong, rest)?,
            "hint" => self.grade(block, Confidence::Hint, rest)?,
            "coin" => block.coin = self.one_text(rest)?,
            "agent" => block.agent = self.expressions.places(rest)?,
            "wallet" => block.wallet = self.expressions.places(rest)?,
            "algorithm" => block.algorithm = self.expressions.places(rest)?,
            _ => return Err(format!("`{keyword}` is nothing that a message has")),
        }
        Ok(())
    }

    fn condition(&mut self, block: &mut Block, rest: &[Token]) -> Result<(), String> {
        for term in self.expressions.terms(rest)? {
            block.rank = block.rank.saturating_add(1);
            if let Some(methods) = needs::exact_methods(&term) {
                if !block.methods.is_empty() {
                    return Err("a message has one `method is`".into());
                }
                for method in methods {
                    let word = self.expressions.word_of_text(*method);
                    block.methods.push(word);
                }
                block.form = Some(TermForm::Exact);
                continue;
            }
            if needs::tests_method(&term) {
                block.form = block.form.or(Some(TermForm::Pattern));
            }
            block.needs = block.needs.and(needs::of_term(&term));
            for (edge, of_path) in block.edges.iter_mut().zip([false, true]) {
                *edge = needs::more_telling(*edge, needs::edge_of(&term, &self.expressions.texts, of_path));
            }
            block.conditions.extend(term);
        }
        Ok(())
    }

    fn grade(&mut self, block: &mut Block, confidence: Confidence, rest: &[Token]) -> Result<(), String> {
        let inside = match rest.split_first() {
            None => Vec::new(),
            Some((Token::Bare(word), rest)) if word == "if" => self.expressions.terms(rest)?.concat(),
            Some(_) => return Err("a grade stands alone or before `if`".into()),
        };
        block.grades.extend([op::GRADE, inside.len() as u16 + 1, confidence as u16]);
        block.grades.extend(inside);
        Ok(())
    }

    fn end_message(&mut self, block: Option<Block>, dialect: u8, default_coin: u16) -> Result<(), Fault> {
        let Some(block) = block else { return Ok(()) };
        let fault = |reason: &str| Fault { line: block.line, reason: reason.into() };
        let (Some(role), Some(phase)) = (block.role, block.phase) else {
            return Err(fault("the message has no phase"));
        };
        if block.grades.is_empty() {
            return Err(fault("the message has no grade: proof, strong or hint"));
        }
        if block.rank == 0 {
            return Err(fault("the message has no condition"));
        }
        let needs = block.needs.and(needs::of_alternatives(&block.grades));
        let code = self.expressions.append(&[block.conditions, block.grades].concat());
        let code = code.map_err(|reason| fault(&reason))?;
        let [of_method, of_path] = block.edges;
        let rule = Rule {
            method: if block.form.is_some() { of_method } else { of_path },
            order: 0,
            dialect,
            role,
            phase,
            over: if block.over == 0 { (carrier::LINE | carrier::WEBSOCKET) as u8 } else { block.over as u8 },
            kinds: needs.kinds,
            rank: block.rank,
            needs: needs.members,
            code,
            said: block.said,
            coin: if block.coin == 0 { default_coin } else { block.coin },
            agent: block.agent,
            wallet: block.wallet,
            algorithm: block.algorithm,
        };
        match block.form.unwrap_or(TermForm::Without) {
            TermForm::Exact => {
                self.rules
                    .extend(block.methods.iter().map(|&method| (TermForm::Exact, Rule { method, ..rule })));
            }
            form => self.rules.push((form, rule)),
        }
        if self.rules.len() > RULES_MAX {
            return Err(fault("there are too many messages"));
        }
        Ok(())
    }

    fn one_text(&mut self, rest: &[Token]) -> Result<u16, String> {
        match rest {
            [Token::Text(text)] => self.expressions.text(text),
            [Token::Bare(word)] => self.expressions.text(word.as_bytes()),
            _ => Err("one word or text stands here".into()),
        }
    }
}

/// Messages of one set.
const RULES_MAX: usize = 2_000;
