//! Signatures from files to the engine: read and compiled by a thread of their own, swapped in whole.
//!
//! A file that makes no sense is refused with its line; the set that is in force stays.

use std::path::PathBuf;
use std::thread::JoinHandle;

use super::problems::{Code, Problems};
use crate::config::Config;
use crate::dpi::signatures::{SignatureFile, Signatures};

/// The thread that reads signatures, while there is one.
#[derive(Debug)]
pub(crate) struct SignatureFiles {
    problems: Problems,
    reading: Option<JoinHandle<Option<Signatures>>>,
    /// Folders to read once it has ended.
    next: Option<Vec<PathBuf>>,
}

impl SignatureFiles {
    pub(crate) fn new(problems: &Problems) -> Self {
        SignatureFiles { problems: problems.clone(), reading: None, next: None }
    }

    /// Reads what `config` names, and waits for it. With a bad file, none of the files counts.
    pub(crate) fn start(config: &Config, problems: &Problems) -> Signatures {
        read(&config.signatures, problems).unwrap_or_default()
    }

    /// Begins to read what `config` names.
    pub(crate) fn reload(&mut self, config: &Config) {
        self.next = Some(config.signatures.clone());
        self.begin();
    }

    /// Signatures read meanwhile, if they are valid. To be called once in a while.
    pub(crate) fn collect(&mut self) -> Option<Signatures> {
        let thread = self.reading.take_if(|thread| thread.is_finished())?;
        let signatures = thread.join().ok().flatten();
        self.begin();
        signatures
    }

    fn begin(&mut self) {
        if self.reading.is_some() {
            return;
        }
        let Some(folders) = self.next.take() else { return };
        let problems = self.problems.clone();
        let work = move || {
            // Packets come first.
            let _ = rustix::process::nice(LOWEST);
            read(&folders, &problems)
        };
        match std::thread::Builder::new().name("signatures".into()).spawn(work) {
            Ok(thread) => self.reading = Some(thread),
            Err(error) => log::error!("signatures are not read, the old ones stay: {error}"),
        }
    }
}

fn read(folders: &[PathBuf], problems: &Problems) -> Option<Signatures> {
    let files = SignatureFile::read_folders(folders);
    match files.and_then(|files| Ok((files.len(), Signatures::with_files(&files)?))) {
        Ok((count, signatures)) => {
            problems.resolve(Code::Signatures);
            if count > 0 {
                log::info!("{count} files of signatures are in force beside the built-in ones");
            }
            Some(signatures)
        }
        Err(refusal) => {
            let text = format!("{refusal}; the signatures that are in force stay");
            problems.report(Code::Signatures, "", text);
            None
        }
    }
}

/// The lowest priority that there is (setpriority(2)).
const LOWEST: i32 = 19;
