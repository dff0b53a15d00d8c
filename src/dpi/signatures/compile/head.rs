//! What a file says of its dialect before and beside the messages: names, hints, questions of the probe.

use super::lexer::Token;
use super::program::{DialectEntry, QUESTION_CARRIERS, QuestionEntry};
use super::{Compiler, expression};

impl Compiler {
    pub(super) fn begin_dialect(&mut self, rest: &[Token]) -> Result<u8, String> {
        let name = match rest {
            [Token::Bare(name)] if is_name(name) => name,
            _ => {
                return Err(format!(
                    "a dialect's name is of small letters, digits and -, at most {NAME_BYTES}"
                ));
            }
        };
        let name = self.expressions.text(name.as_bytes())?;
        if self.dialects.iter().any(|known| known.name == name) {
            return Err("another file has this dialect".into());
        }
        let index = u8::try_from(self.dialects.len()).map_err(|_| "there are too many dialects")?;
        self.dialects.push(DialectEntry { name, about: 0, family: name, generic: false });
        Ok(index)
    }

    pub(super) fn dialect_line(&mut self, index: u8, keyword: &str, rest: &[Token]) -> Result<(), String> {
        match (keyword, rest) {
            ("generic", []) => self.dialects[usize::from(index)].generic = true,
            ("describe", [Token::Text(_)]) => {
                self.dialects[usize::from(index)].about = self.one_text(rest)?
            }
            ("family", [Token::Bare(_)]) => self.dialects[usize::from(index)].family = self.one_text(rest)?,
            ("ask", questions) => {
                for question in questions {
                    let name = self.one_text(core::slice::from_ref(question))?;
                    self.asks.push((name, index));
                }
            }
            ("hint", [Token::Bare(kind), hints @ ..]) if !hints.is_empty() => {
                for hint in hints {
                    self.hint(index, kind, hint)?;
                }
            }
            _ => return Err(format!("`{keyword}` is nothing that a dialect has, or not in this form")),
        }
        Ok(())
    }

    fn hint(&mut self, index: u8, kind: &str, hint: &Token) -> Result<(), String> {
        match (kind, hint) {
            ("name" | "part", Token::Bare(word)) => {
                let text = self.expressions.text(word.as_bytes())?;
                self.names.push((text, kind == "part", index));
            }
            ("port", Token::Bare(range)) => {
                let (from, to) = expression::range(range, u32::from(u16::MAX))?;
                self.ports.push((from as u16, to as u16, index));
            }
            _ => return Err("hints are `hint name`, `hint part` or `hint port`".into()),
        }
        Ok(())
    }

    pub(super) fn begin_question(&mut self, rest: &[Token], dialect: u8) -> Result<(), String> {
        let [Token::Bare(name), Token::Bare(word), Token::Bare(over)] = rest else {
            return Err("a question is `question NAME over CARRIER`".into());
        };
        let over = QUESTION_CARRIERS.iter().position(|known| known == over).filter(|_| word == "over");
        let over = over.ok_or(format!("a question goes over one of {}", QUESTION_CARRIERS.join(", ")))? as u8;
        let name = self.expressions.text(name.as_bytes())?;
        if self.questions.iter().any(|known| known.name == name) {
            return Err("there is a question of this name".into());
        }
        let at = self.sends.len() as u16;
        self.questions.push(QuestionEntry {
            name,
            dialect,
            over,
            method: 0,
            path: 0,
            field: 0,
            sends: (at, at),
        });
        Ok(())
    }

    pub(super) fn question_line(&mut self, keyword: &str, rest: &[Token]) -> Result<(), String> {
        let text = self.one_text(rest)?;
        let question = self.questions.last_mut().ok_or("there is no question")?;
        match keyword {
            "method" => question.method = text,
            "path" if has_head(question) => question.path = text,
            "field" if has_head(question) => question.field = text,
            "send" => {
                self.sends.push(text);
                question.sends.1 = self.sends.len() as u16;
            }
            _ => {
                return Err(format!(
                    "`{keyword}` is nothing that such a question has: method, send; path and field over HTTP"
                ));
            }
        }
        Ok(())
    }
}

/// Whether a question begins with a head of HTTP.
fn has_head(question: &QuestionEntry) -> bool {
    matches!(QUESTION_CARRIERS.get(usize::from(question.over)), Some(&("http" | "websocket")))
}

fn is_name(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    name.len() <= NAME_BYTES
        && name.bytes().all(fits)
        && name.bytes().next().is_some_and(|first| first != b'-')
}

/// Bytes of a dialect's name: it stands in events and in the reputation's file.
const NAME_BYTES: usize = 32;
