//! Signatures out of files, while the program runs.

use std::fmt;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::compile::{Compiler, Fault};
use super::{Added, Dialect, Signatures, WORDS};
use crate::limits::{SIGNATURE_FILE_BYTES, SIGNATURE_FILES};
use crate::util::bounded_read;

/// A file of signatures.
#[derive(Clone, Debug)]
pub struct SignatureFile {
    /// Path of the file, for messages.
    pub path: PathBuf,
    /// Text of the file.
    pub text: String,
    /// A match is worth no more than a suspicion: the file's name ends in `.suspect.sig`, as those of feeds do.
    pub suspects: bool,
}

/// Why a file is refused.
#[derive(Debug)]
pub struct FileRefusal {
    /// The file.
    pub path: PathBuf,
    /// The line that makes no sense; 0 if the file can't be read at all.
    pub line: usize,
    /// The reason.
    pub reason: String,
}

impl fmt::Display for FileRefusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(formatter, "{}: {}", self.path.display(), self.reason),
            line => write!(formatter, "{}:{line}: {}", self.path.display(), self.reason),
        }
    }
}

impl SignatureFile {
    /// Reads the file at `path`, up to [`SIGNATURE_FILE_BYTES`].
    ///
    /// # Errors
    /// A file that can't be read, or is too long, or no text.
    pub fn read(path: &Path) -> Result<Self, FileRefusal> {
        let refuse = |reason: String| FileRefusal { path: path.to_owned(), line: 0, reason };
        let text =
            bounded_read::text(path, SIGNATURE_FILE_BYTES + 1).map_err(|error| refuse(error.to_string()))?;
        if text.len() as u64 > SIGNATURE_FILE_BYTES {
            return Err(refuse(format!("longer than {} KiB", SIGNATURE_FILE_BYTES / 1_024)));
        }
        let suspects = path.to_string_lossy().ends_with(SUSPECTS);
        Ok(SignatureFile { path: path.to_owned(), text, suspects })
    }

    /// Reads all `*.sig` of `folders`, in the order of their names; a folder that is missing is empty, and one that is
    /// a file is that file.
    ///
    /// # Errors
    /// The first that can't be read, or more than [`SIGNATURE_FILES`].
    pub fn read_folders(folders: &[PathBuf]) -> Result<Vec<Self>, FileRefusal> {
        let mut files = Vec::new();
        for folder in folders {
            let refuse = |reason: String| FileRefusal { path: folder.clone(), line: 0, reason };
            if folder.is_file() {
                files.push(SignatureFile::read(folder)?);
                continue;
            }
            let entries = match fs::read_dir(folder) {
                Ok(entries) => entries,
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                Err(error) => return Err(refuse(error.to_string())),
            };
            let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
            paths.retain(|path| path.extension().is_some_and(|extension| extension == "sig"));
            paths.sort_unstable();
            if files.len() + paths.len() > SIGNATURE_FILES {
                return Err(refuse(format!("more than {SIGNATURE_FILES} files of signatures")));
            }
            for path in &paths {
                files.push(SignatureFile::read(path)?);
            }
        }
        Ok(files)
    }
}

impl Signatures {
    /// The built-in signatures and those of `files`.
    ///
    /// # Errors
    /// The first line of them that makes no sense.
    pub fn with_files(files: &[SignatureFile]) -> Result<Signatures, FileRefusal> {
        if files.is_empty() {
            return Ok(Signatures::default());
        }
        let refuse =
            |file: &SignatureFile, line, reason| FileRefusal { path: file.path.clone(), line, reason };
        let mut compiler = Compiler::new(Some(&WORDS));
        for file in files {
            compiler.add(&file.text).map_err(|Fault { line, reason }| refuse(file, line, reason))?;
        }
        let (program, words) = compiler.build();
        let mut dialects = Vec::with_capacity(files.len());
        for (entry, file) in program.dialects.iter().zip(files) {
            let (name, family) = (program.str(entry.name), program.str(entry.family));
            let dialect = Dialect::name_later(name, family, entry.generic);
            dialects.push(dialect.map_err(|reason| refuse(file, 0, reason))?);
        }
        let suspects = files.iter().map(|file| file.suspects).collect();
        Ok(Signatures { added: Some(Arc::new(Added { words, program, dialects, suspects })) })
    }

    /// Name of each dialect, what it is, how many messages it has, and whether it came from a file; and whether
    /// what it finds is no more than a suspicion.
    pub fn list(&self) -> Vec<Listed<'_>> {
        let mut list = Vec::new();
        let added = self.added.as_ref();
        let programs =
            [Some((&super::PROGRAM, None)), added.map(|added| (&added.program, Some(&added.suspects)))];
        for (program, suspects) in programs.into_iter().flatten() {
            for (index, entry) in program.dialects.iter().enumerate() {
                let messages = program.rules.iter().filter(|rule| usize::from(rule.dialect) == index).count();
                let worth =
                    suspects.map(|suspects: &Vec<bool>| suspects.get(index).copied().unwrap_or(false));
                let (name, about) = (program.str(entry.name), program.str(entry.about));
                list.push(Listed { name, about, messages, worth });
            }
        }
        list
    }
}

/// A dialect, for people.
#[derive(Clone, Copy, Debug)]
pub struct Listed<'a> {
    /// Name of the dialect.
    pub name: &'a str,
    /// Description of the dialect.
    pub about: &'a str,
    /// Kinds of messages.
    pub messages: usize,
    /// Whether it finds suspects only; none if it is built in.
    pub worth: Option<bool>,
}

/// End of the names of files that make suspects only.
const SUSPECTS: &str = ".suspect.sig";

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str, text: &str) -> SignatureFile {
        SignatureFile { path: name.into(), text: text.into(), suspects: name.ends_with(SUSPECTS) }
    }

    const NEW: &str = r#"
        dialect test-coin-load
        describe "A coin of tomorrow"
        message "tomorrow.login" from miner
            phase login
            where method is "tomorrow.login" and params.purse string
            proof if params.purse begins "tm1"
            hint
            wallet params.purse
    "#;

    #[test]
    fn a_file_brings_a_dialect_that_the_program_lacks() {
        use crate::dpi::{Dpi, Inspection, Said};
        use crate::net::direction::Direction;
        let login = b"{\"id\":1,\"method\":\"tomorrow.login\",\"params\":{\"purse\":\"tm1qqqqq\"}}\n";
        for (name, proves) in [("new.sig", true), ("new.suspect.sig", false)] {
            let mut dpi = Dpi::default();
            let said = |dpi: &mut Dpi| Inspection::begin(true).read(dpi, 1, Direction::ToServer, login).said;
            assert!(matches!(said(&mut dpi), Said::Nothing));
            dpi.replace_signatures(Signatures::with_files(&[file(name, NEW)]).expect("a good file"));
            match said(&mut dpi) {
                Said::Proof(finding) if proves => {
                    assert_eq!(finding.dialect.map(Dialect::name), Some("test-coin-load"));
                    assert_eq!(finding.wallet, "tm1qqqqq");
                }
                Said::Suspicion(finding) if !proves => assert_eq!(finding.wallet, "tm1qqqqq"),
                other => panic!("{name}: {other:?}"),
            }
        }
    }

    /// A feed that copies a built-in message, with more conditions, or answers to it, weakens no proof.
    #[test]
    fn a_feed_can_not_stand_before_the_built_in_signatures() {
        use crate::dpi::{Dpi, Inspection, Said};
        use crate::net::direction::Direction;
        let shadow = r#"
            dialect shadow
            message "mining.subscribe" from miner
                phase login
                where method is "mining.subscribe" and id present and id number and params array and params[0] string
                proof
            message "anything" from pool
                phase job
                where id present and result present
                strong
        "#;
        let mut dpi = Dpi::default();
        dpi.replace_signatures(
            Signatures::with_files(&[file("shadow.suspect.sig", shadow)]).expect("a good file"),
        );
        let mut flow = Inspection::begin(true);
        let subscribe = b"{\"id\":1,\"method\":\"mining.subscribe\",\"params\":[\"x\"]}\n";
        assert!(matches!(flow.read(&mut dpi, 1, Direction::ToServer, subscribe).said, Said::Proof(_)));
        // Midway a strong request, and the pool's consent.
        let mut flow = Inspection::begin(false);
        let authorize = b"{\"id\":2,\"method\":\"mining.authorize\",\"params\":[\"w\",\"x\"]}\n";
        assert!(matches!(flow.read(&mut dpi, 1, Direction::ToServer, authorize).said, Said::Nothing));
        let consent = b"{\"id\":2,\"result\":true,\"error\":null}\n";
        assert!(matches!(flow.read(&mut dpi, 1, Direction::ToClient, consent).said, Said::Proof(_)));
    }

    #[test]
    fn a_bad_file_is_refused_with_its_line() {
        for (text, line) in [
            ("", 1),
            ("message \"x\" from miner", 1),
            ("dialect a b", 1),
            ("dialect x\nmessage \"m\" from miner\nphase login\nwhere method is \"a\"\n", 2),
            ("dialect x\nmessage \"m\" from miner\nphase login\nhint\n", 2),
            ("dialect x\nmessage \"m\" from miner\nphase later\n", 3),
            ("dialect x\n\nmessage \"m\" from miner\nwhere method is\n", 4),
            ("dialect x\nmessage \"m\" from miner\nwhere a string b\n", 3),
            ("dialect x\nmessage \"m\" from miner\nwhere (a string\n", 3),
            ("dialect x\nmessage \"m\" from miner\nwhere a hex 9..8\n", 3),
            ("dialect x\nmessage \"m\" from miner\nwhere a is \"\\q\"\n", 3),
            ("dialect x\nmessage \"m\" from miner\nover pigeon\n", 3),
        ] {
            let refusal = Signatures::with_files(&[file("bad.sig", text)]).expect_err(text);
            assert_eq!(refusal.line, line, "{text}: {refusal}");
            assert!(!refusal.reason.is_empty());
        }
        let deep = format!(
            "dialect x\nmessage \"m\" from miner\nwhere {}a string{}\n",
            "(".repeat(99),
            ")".repeat(99)
        );
        assert!(Signatures::with_files(&[file("deep.sig", &deep)]).is_err());
    }
}
