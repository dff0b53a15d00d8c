//! From text to the words of its lines.

use super::Fault;

/// A word of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// Anything without quotes: a keyword, a path, a range.
    Bare(String),
    /// A text in quotes, escapes decoded.
    Text(Vec<u8>),
    /// `(`, `)`, `,` or `|`.
    Mark(char),
}

/// The lines of a file that hold anything, with their numbers. A line whose brackets are open goes on in the next.
pub(super) fn lines(text: &str) -> Result<Vec<(usize, Vec<Token>)>, Fault> {
    let mut lines: Vec<(usize, Vec<Token>)> = Vec::new();
    let mut open = 0_usize;
    for (number, line) in (1..).zip(text.trim_start_matches('\u{feff}').lines()) {
        let tokens = tokens(line).map_err(|reason| Fault { line: number, reason })?;
        if tokens.is_empty() {
            continue;
        }
        let is_open = open > 0;
        for token in &tokens {
            match token {
                Token::Mark('(') => open += 1,
                Token::Mark(')') => open = open.saturating_sub(1),
                _ => {}
            }
        }
        match lines.last_mut() {
            Some((_, before)) if is_open => before.extend(tokens),
            _ => lines.push((number, tokens)),
        }
    }
    match lines.last() {
        Some((number, _)) if open > 0 => {
            Err(Fault { line: *number, reason: "a bracket is not closed".into() })
        }
        _ => Ok(lines),
    }
}

fn tokens(line: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = line;
    loop {
        rest = rest.trim_start();
        let Some(first) = rest.chars().next() else { return Ok(tokens) };
        match first {
            '#' => return Ok(tokens),
            '(' | ')' | ',' | '|' => {
                tokens.push(Token::Mark(first));
                rest = &rest[1..];
            }
            '"' => {
                let (text, behind) = quoted(rest)?;
                tokens.push(Token::Text(text));
                rest = behind;
            }
            _ => {
                let (bare, behind) = bare(rest)?;
                tokens.push(Token::Bare(bare));
                rest = behind;
            }
        }
    }
}

/// A word without quotes; a member's name in it may have some: `root."job-id"`.
fn bare(text: &str) -> Result<(String, &str), String> {
    let mut word = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if first == '"' && word.ends_with('.') {
            let (name, behind) = quoted(rest)?;
            let name = String::from_utf8(name).map_err(|_| "a member's name is no UTF-8")?;
            // A dot in the name is no step.
            word.push_str(&name.replace('.', "\u{0}"));
            rest = behind;
        } else if first.is_whitespace() || matches!(first, '(' | ')' | ',' | '|' | '"' | '#') {
            break;
        } else {
            word.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    if word.is_empty() { Err(format!("`{text}` makes no sense here")) } else { Ok((word, rest)) }
}

fn quoted(text: &str) -> Result<(Vec<u8>, &str), String> {
    let mut bytes = Vec::new();
    let mut chars = text.char_indices().skip(1);
    while let Some((at, char)) = chars.next() {
        match char {
            '"' => return Ok((bytes, &text[at + 1..])),
            '\\' => match chars.next().map(|(_, char)| char) {
                Some('x') => {
                    let digits: String = chars.by_ref().take(2).map(|(_, char)| char).collect();
                    bytes.push(u8::from_str_radix(&digits, 16).map_err(|_| "\\x wants two digits")?);
                }
                Some('n') => bytes.push(b'\n'),
                Some(escaped @ ('"' | '\\')) => bytes.push(escaped as u8),
                _ => return Err("escapes are \\\" \\\\ \\n and \\xHH".into()),
            },
            _ => bytes.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    Err("a text is not closed".into())
}
