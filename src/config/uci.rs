//! UCI syntax: the bytes of a configuration file become statements.
//!
//! The grammar is libuci's (`file.c`): one statement a line, or several with `;` between; a word is
//! a run of bare, `'single'` and `"double"` quoted pieces; a backslash takes the next character
//! literally outside single quotes and joins lines at the end of one; quoted text may span
//! lines; `#` begins a comment outside quotes.

use core::fmt;

/// A statement of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Statement {
    /// `config KIND ['NAME']`.
    Section {
        /// Type of the section.
        kind: String,
        /// Name of the section; anonymous without.
        name: Option<String>,
    },
    /// `option NAME 'VALUE'`; without a value it is empty, which UCI takes for *unset*.
    Option {
        /// Which.
        name: String,
        /// The new value.
        value: String,
    },
    /// `list NAME 'VALUE'`.
    List {
        /// Which.
        name: String,
        /// The value to append.
        value: String,
    },
}

/// Why the bytes are no UCI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SyntaxFault {
    /// The first word is none of config, option, list, package.
    UnknownCommand,
    /// A section without a type, an option without a name.
    MissingName,
    /// A name of other characters than letters, digits and `_`.
    BadName,
    /// Something follows the last word that the statement can have.
    TooManyWords,
    /// A quote that the file doesn't close; the line is that of its opening.
    OpenQuote,
    /// A word that is no text.
    NotUtf8,
    /// A zero byte.
    Nul,
}

impl fmt::Display for SyntaxFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SyntaxFault::UnknownCommand => {
                "not one of 'config', 'option', 'list' (is a quote missing above?)"
            }
            SyntaxFault::MissingName => "a name is missing",
            SyntaxFault::BadName => "a name can only have letters, digits and '_'",
            SyntaxFault::TooManyWords => "too many words (a value with spaces needs quotes)",
            SyntaxFault::OpenQuote => "this quote is never closed",
            SyntaxFault::NotUtf8 => "not UTF-8 text",
            SyntaxFault::Nul => "a zero byte; this is no configuration file",
        })
    }
}

/// The statements of a file, each with the number of its line, from 1. Behind a fault they go on with the next
/// line, but for an open quote or a zero byte, which end the file.
#[derive(Clone, Debug)]
pub(crate) struct Statements<'a> {
    rest: &'a [u8],
    line: u32,
}

impl<'a> Statements<'a> {
    /// Reads `file`.
    pub(crate) fn new(file: &'a [u8]) -> Self {
        Statements { rest: file, line: 1 }
    }

    fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    fn bump(&mut self) {
        if let Some((&byte, rest)) = self.rest.split_first() {
            self.rest = rest;
            self.line = self.line.saturating_add(u32::from(byte == b'\n'));
        }
    }

    /// Passes over a backslash and the line end behind it, if that is what comes next.
    fn skip_joint(&mut self) -> bool {
        let len = match self.rest {
            [b'\\', b'\n', ..] => 2,
            [b'\\', b'\r', b'\n', ..] => 3,
            _ => return false,
        };
        for _ in 0..len {
            self.bump();
        }
        true
    }

    fn skip_comment(&mut self) {
        while self.peek().is_some_and(|byte| byte != b'\n') {
            self.bump();
        }
    }

    /// Passes over what may stand between statements.
    fn skip_to_statement(&mut self) {
        loop {
            match self.peek() {
                Some(b'#') => self.skip_comment(),
                Some(byte) if is_space(byte) => self.bump(),
                _ => return,
            }
        }
    }

    /// The statement that begins here; `None` if it says nothing.
    fn statement(&mut self) -> Result<Option<Statement>, SyntaxFault> {
        let statement = match self.command() {
            b"config" | b"c" => {
                let kind = self.word()?.filter(|kind| !kind.is_empty()).ok_or(SyntaxFault::MissingName)?;
                if !kind.bytes().all(|byte| byte.is_ascii_graphic()) {
                    return Err(SyntaxFault::BadName);
                }
                let name = self.word()?.filter(|name| !name.is_empty()).map(checked_name).transpose()?;
                Some(Statement::Section { kind, name })
            }
            b"option" | b"o" => {
                let (name, value) = self.name_and_value()?;
                Some(Statement::Option { name, value })
            }
            b"list" | b"l" => {
                let (name, value) = self.name_and_value()?;
                Some(Statement::List { name, value })
            }
            // `uci export` begins with the package's name; in a file of its own it says nothing.
            b"package" | b"p" => {
                self.word()?;
                None
            }
            _ if self.peek() == Some(0) => return Err(SyntaxFault::Nul),
            _ => return Err(SyntaxFault::UnknownCommand),
        };
        if self.word()?.is_some() {
            return Err(SyntaxFault::TooManyWords);
        }
        if self.peek() == Some(b';') {
            self.bump();
        }
        Ok(statement)
    }

    /// The statement's first word, bare.
    fn command(&mut self) -> &'a [u8] {
        let len = self.rest.iter().take_while(|&&byte| byte.is_ascii_alphabetic()).count();
        let (command, rest) = self.rest.split_at(len);
        match rest.first() {
            Some(&byte) if !is_space(byte) && byte != b'\\' => b"",
            _ => {
                self.rest = rest;
                command
            }
        }
    }

    fn name_and_value(&mut self) -> Result<(String, String), SyntaxFault> {
        let name = self.word()?.filter(|name| !name.is_empty()).ok_or(SyntaxFault::MissingName)?;
        Ok((checked_name(name)?, self.word()?.unwrap_or_default()))
    }

    /// The next word of this statement. Leaves the `;`, line end or comment that ends the statement.
    fn word(&mut self) -> Result<Option<String>, SyntaxFault> {
        while self.skip_joint() || self.peek().is_some_and(|byte| byte != b'\n' && is_space(byte)) {
            if self.peek().is_some_and(|byte| byte != b'\n' && is_space(byte)) {
                self.bump();
            }
        }
        let mut word = Vec::new();
        let mut quoted = false;
        loop {
            if self.skip_joint() {
                continue;
            }
            match self.peek() {
                None | Some(b';') => break,
                Some(b'#') => {
                    self.skip_comment();
                    break;
                }
                Some(byte) if is_space(byte) => break,
                Some(quote @ (b'\'' | b'"')) => {
                    quoted = true;
                    self.quoted(quote, &mut word)?;
                }
                Some(_) => self.literal(&mut word)?,
            }
        }
        if word.is_empty() && !quoted {
            return Ok(None);
        }
        String::from_utf8(word).map(Some).map_err(|_| SyntaxFault::NotUtf8)
    }

    /// A quoted piece, from its opening quote to its closing one.
    fn quoted(&mut self, quote: u8, word: &mut Vec<u8>) -> Result<(), SyntaxFault> {
        let opened = self.line;
        self.bump();
        loop {
            match self.peek() {
                None => {
                    self.line = opened;
                    return Err(SyntaxFault::OpenQuote);
                }
                Some(byte) if byte == quote => {
                    self.bump();
                    return Ok(());
                }
                Some(b'\\') if quote == b'"' => {
                    if !self.skip_joint() {
                        self.literal(word)?;
                    }
                }
                Some(0) => return Err(SyntaxFault::Nul),
                Some(byte) => {
                    word.push(byte);
                    self.bump();
                }
            }
        }
    }

    /// Reads a character: after a backslash, the one behind it.
    fn literal(&mut self, word: &mut Vec<u8>) -> Result<(), SyntaxFault> {
        if self.peek() == Some(b'\\') {
            self.bump();
        }
        match self.peek() {
            None => {}
            Some(0) => return Err(SyntaxFault::Nul),
            Some(byte) => {
                word.push(byte);
                self.bump();
            }
        }
        Ok(())
    }
}

impl Iterator for Statements<'_> {
    type Item = (u32, Result<Statement, SyntaxFault>);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            self.skip_to_statement();
            self.peek()?;
            let line = self.line;
            match self.statement() {
                Ok(None) => {}
                Ok(Some(statement)) => return Some((line, Ok(statement))),
                Err(fault) => {
                    let line = if fault == SyntaxFault::OpenQuote { self.line } else { line };
                    if matches!(fault, SyntaxFault::OpenQuote | SyntaxFault::Nul) {
                        self.rest = &[];
                    }
                    self.skip_comment();
                    return Some((line, Err(fault)));
                }
            }
        }
    }
}

fn checked_name(name: String) -> Result<String, SyntaxFault> {
    let valid = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if valid { Ok(name) } else { Err(SyntaxFault::BadName) }
}

/// C's `isspace` in its own locale, which is libuci's.
fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn section(kind: &str, name: Option<&str>) -> Statement {
        Statement::Section { kind: kind.into(), name: name.map(Into::into) }
    }

    fn option(name: &str, value: &str) -> Statement {
        Statement::Option { name: name.into(), value: value.into() }
    }

    fn read(text: &[u8]) -> Vec<(u32, Result<Statement, SyntaxFault>)> {
        Statements::new(text).collect()
    }

    #[test]
    fn the_usual_file() {
        let text = b"package minewall\n\n# note\nconfig minewall 'main'\n\toption mode 'block'\r\n\tlist l \"a b\" # why\n";
        assert_eq!(
            read(text),
            [
                (4, Ok(section("minewall", Some("main")))),
                (5, Ok(option("mode", "block"))),
                (6, Ok(Statement::List { name: "l".into(), value: "a b".into() })),
            ]
        );
    }

    #[test]
    fn words_as_libuci_reads_them() {
        for (written, meant) in [
            (r"option a plain", "plain"),
            (r"o a plain", "plain"),
            (r"option a 'it'\''s'", "it's"),
            (r#"option a "a\"b\\c""#, r#"a"b\c"#),
            (r"option a 'a\b'", r"a\b"),
            (r#"option 'a' x'y'"z""#, "xyz"),
            (r"option a b\ c", "b c"),
            (r"option a b#c", "b"),
            (r"option a '#;'", "#;"),
            ("option a 'two\nlines'", "two\nlines"),
            ("option a one\\\nline", "oneline"),
            ("option a \\\n  joined", "joined"),
            ("option a \"joined \\\r\ntoo\"", "joined too"),
            ("option a", ""),
            ("option a ''", ""),
        ] {
            assert_eq!(read(written.as_bytes()), [(1, Ok(option("a", meant)))], "{written}");
        }
    }

    #[test]
    fn statements_share_a_line_and_lines_are_counted_through_quotes() {
        let text = b"config m; option a 1 ; option b '\n\n'\noption c 3";
        assert_eq!(
            read(text),
            [
                (1, Ok(section("m", None))),
                (1, Ok(option("a", "1"))),
                (1, Ok(option("b", "\n\n"))),
                (4, Ok(option("c", "3"))),
            ]
        );
    }

    #[test]
    fn faults_name_their_line() {
        for (text, line, fault) in [
            (&b"\nconfi m\noption a b"[..], 2, SyntaxFault::UnknownCommand),
            (b"config\n", 1, SyntaxFault::MissingName),
            (b"option ''", 1, SyntaxFault::MissingName),
            (b"option a-b c", 1, SyntaxFault::BadName),
            (b"config m 'two words'", 1, SyntaxFault::BadName),
            (b"option a b c", 1, SyntaxFault::TooManyWords),
            (b"\noption a\\\n 'b\n\n", 3, SyntaxFault::OpenQuote),
            (b"option a \"b\\", 1, SyntaxFault::OpenQuote),
            (b"option a '\xff'", 1, SyntaxFault::NotUtf8),
            (b"option a '\0'", 1, SyntaxFault::Nul),
            (b"\0", 1, SyntaxFault::Nul),
        ] {
            assert_eq!(read(text)[0], (line, Err(fault)), "{}", text.escape_ascii());
        }
    }
}
