//! The statements of the file become options.

use std::path::Path;

use super::given::{Given, shown};
use super::options::{Config, OPTIONS};
use super::uci::{Statement, Statements};
use super::{Complaint, Loaded, Rejected, SECTION_KIND};
use crate::limits;

/// Reads the configuration in `bytes`, which came from `path`.
///
/// # Errors
/// Every mistake, as [`super::load`].
pub fn parse(path: &Path, bytes: &[u8]) -> Result<Loaded, Rejected> {
    let complaint = |line, text| Complaint { file: path.into(), line, text };
    if bytes.len() > limits::CONFIG_FILE_BYTES {
        let text = format!("larger than {} bytes", limits::CONFIG_FILE_BYTES);
        return Err(Rejected(vec![complaint(None, text)]));
    }
    let mut reader = Reader::new();
    // An editor may have put a byte order mark before the first statement.
    for (line, statement) in Statements::new(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)) {
        match statement {
            Err(fault) => reader.error(line, fault.to_string()),
            Ok(statement) => reader.take(line, statement),
        }
    }
    let mut config = Config::default();
    for given in reader.given.iter().filter(|given| !given.is_unset()) {
        if let Err((line, text)) = given.apply(&mut config) {
            reader.errors.push((Some(line), text));
        }
    }
    if reader.main.is_none() && reader.errors.is_empty() {
        let text = format!("no section 'config {SECTION_KIND}'; an empty file does not mean the defaults");
        reader.errors.push((None, text));
    }
    let complaints = |found: Vec<(Option<u32>, String)>| -> Vec<Complaint> {
        found.into_iter().map(|(line, text)| complaint(line, text)).collect()
    };
    if reader.errors.is_empty() {
        return Ok(Loaded { config, warnings: complaints(reader.warnings) });
    }
    reader.errors.sort_by_key(|(line, _)| *line);
    // The owner mends all at once; where there is no room for all, errors matter more.
    reader.errors.append(&mut reader.warnings);
    reader.errors.truncate(limits::CONFIG_COMPLAINTS);
    reader.errors.sort_by_key(|(line, _)| *line);
    Err(Rejected(complaints(reader.errors)))
}

/// The file as far as it has been read.
struct Reader {
    given: Vec<Given>,
    section: Section,
    /// Name of our section, once there was one.
    main: Option<Option<String>>,
    warnings: Vec<(Option<u32>, String)>,
    errors: Vec<(Option<u32>, String)>,
}

/// The section that the statements at hand belong to.
#[derive(Clone, Copy, Debug)]
enum Section {
    None,
    /// A section that is not read here, with the options that its readers know; none where nothing is known of them.
    Foreign(&'static [&'static str]),
    Ours,
}

impl Reader {
    fn new() -> Self {
        Reader {
            given: OPTIONS.iter().map(Given::nothing).collect(),
            section: Section::None,
            main: None,
            warnings: Vec::new(),
            errors: Vec::new(),
        }
    }

    fn error(&mut self, line: u32, text: String) {
        self.errors.push((Some(line), text));
    }

    fn take(&mut self, line: u32, statement: Statement) {
        match statement {
            Statement::Section { kind, name } => self.open_section(line, &kind, name),
            Statement::Option { name, value } => self.option(line, &name, value, false),
            Statement::List { name, value } => self.option(line, &name, value, true),
        }
    }

    fn open_section(&mut self, line: u32, kind: &str, name: Option<String>) {
        self.section = Section::Foreign(&[]);
        if let Some((_, options)) = SCRIPT_SECTIONS.iter().find(|(script, _)| *script == kind) {
            self.section = Section::Foreign(options);
            return;
        }
        if kind != SECTION_KIND {
            let mut known = SCRIPT_SECTIONS.into_iter().map(|(script, _)| script).chain([SECTION_KIND]);
            let text = format!("unknown section {} is ignored{}", shown(kind), suggestion(kind, &mut known));
            self.warnings.push((Some(line), text));
        } else if *self.main.get_or_insert_with(|| name.clone()) == name {
            self.section = Section::Ours;
        } else {
            self.warnings.push((Some(line), "a second section of type 'minewall' is ignored".into()));
        }
    }

    fn option(&mut self, line: u32, name: &str, value: String, is_list: bool) {
        match self.section {
            Section::None => {
                return self.error(line, "an option before the first 'config' line".into());
            }
            Section::Foreign(known) => {
                if !known.is_empty() && !known.contains(&name) {
                    self.unknown_option(line, name, &mut known.iter().copied());
                }
                return;
            }
            Section::Ours => {}
        }
        let is_it = |given: &&mut Given| given.spec.name == name || given.spec.aliases.contains(&name);
        match self.given.iter_mut().find(is_it) {
            None => self.unknown_option(line, name, &mut OPTIONS.iter().map(|option| option.name)),
            Some(given) if is_list => given.append(line, value),
            Some(given) => given.replace(line, value),
        }
    }

    fn unknown_option(&mut self, line: u32, name: &str, known: &mut dyn Iterator<Item = &'static str>) {
        let text = format!("unknown option {} is ignored{}", shown(name), suggestion(name, known));
        self.warnings.push((Some(line), text));
    }
}

/// The known name that `word` probably means, in words; nothing if none is close.
fn suggestion(word: &str, known: &mut dyn Iterator<Item = &'static str>) -> String {
    let closest = known.map(|name| (distance(word, name), name)).min();
    match closest {
        Some((typos, name)) if typos <= 2 && typos < word.len() => format!("; '{name}' is probably meant"),
        _ => String::new(),
    }
}

/// Characters to insert, delete or change until `a` is `b` (Levenshtein, 1965).
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.bytes().enumerate().take(limits::PATH_BYTES) {
        let mut diagonal = i;
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
        for (j, to) in b.bytes().enumerate() {
            let change = diagonal + usize::from(from != to);
            diagonal = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(row[j + 1] + 1);
        }
    }
    row.last().copied().unwrap_or_default()
}

/// Types of sections that scripts of the package read, with their options. A test of `openwrt/` holds them against the
/// scripts.
const SCRIPT_SECTIONS: [(&str, &[&str]); 3] = [
    ("feed", &["enabled", "interval", "kind", "max_loss", "max_size", "policy", "url"]),
    (
        "fleet",
        &[
            "cafile",
            "enabled",
            "host",
            "hours",
            "node",
            "password",
            "policy",
            "port",
            "publish",
            "subscribe",
            "tls",
            "topic",
            "username",
        ],
    ),
    (
        "notifier",
        &[
            "cafile", "chat", "enabled", "from", "password", "port", "report", "server", "tls", "to",
            "token", "topic", "type", "url", "username",
        ],
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typing_errors_are_recognised() {
        let names = || OPTIONS.iter().map(|option| option.name);
        for (word, meant) in [("max_flow", "max_flows"), ("alow_host", "allow_host"), ("moed", "mode")] {
            assert_eq!(suggestion(word, &mut names()), format!("; '{meant}' is probably meant"));
        }
        for word in ["colour", "x", "", "something_else"] {
            assert_eq!(suggestion(word, &mut names()), "", "{word}");
        }
        assert_eq!((distance("abc", "abc"), distance("", "ab"), distance("kitten", "sitting")), (0, 2, 3));
    }
}
