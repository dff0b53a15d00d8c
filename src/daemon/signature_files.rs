//! Signatures from files to the engine: read and compiled by a thread of their own, swapped in whole.
//!
//! A file that makes no sense is refused with its line: a feed's is left out, one of the operator's leaves the set that
//! is in force.

use std::path::PathBuf;

use super::problems::{Code, Problems};
use crate::config::Config;
use crate::dpi::signatures::{FileRefusal, SignatureFile, Signatures};
use crate::util::background::{self, Task};

/// The thread that reads signatures, while there is one.
#[derive(Debug)]
pub(crate) struct SignatureFiles {
    problems: Problems,
    reading: Option<Task<Option<Signatures>>>,
    /// Folders to read once it has ended.
    next: Option<Vec<PathBuf>>,
}

impl SignatureFiles {
    pub(crate) fn new(problems: &Problems) -> Self {
        SignatureFiles { problems: problems.clone(), reading: None, next: None }
    }

    /// Reads what `config` names, and waits for it. A bad file doesn't count; the others do.
    pub(crate) fn start(config: &Config, problems: &Problems) -> Signatures {
        read(&config.signatures, problems, |_| true).unwrap_or_default()
    }

    /// Begins to read what `config` names.
    pub(crate) fn reload(&mut self, config: &Config) {
        self.next = Some(config.signatures.clone());
        self.begin();
    }

    /// Signatures read meanwhile, if they are valid. To be called once in a while.
    pub(crate) fn collect(&mut self) -> Option<Signatures> {
        let task = self.reading.take_if(|task| task.is_finished())?;
        let signatures = task.join().flatten();
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
            background::give_way();
            // What a feed brings must not stand in the way of the operator's files.
            read(&folders, &problems, |file| file.suspects)
        };
        match Task::start("signatures", work) {
            Ok(task) => self.reading = Some(task),
            Err(error) => log::error!("signatures are not read, the old ones stay: {error}"),
        }
    }
}

/// Reads and compiles the files of `folders`. A bad one is left out if it is `dispensable`; otherwise there is nothing.
fn read(
    folders: &[PathBuf],
    problems: &Problems,
    dispensable: impl Fn(&SignatureFile) -> bool,
) -> Option<Signatures> {
    let keep_old = |refusal: FileRefusal| {
        problems.report(Code::Signatures, "", format!("{refusal}; the signatures that are in force stay"));
    };
    let mut files = SignatureFile::read_folders(folders).map_err(keep_old).ok()?;
    let mut left_out = None;
    loop {
        let refusal = match Signatures::with_files(&files) {
            Ok(signatures) => {
                match left_out {
                    None => problems.resolve(Code::Signatures),
                    Some(text) => problems.report(Code::Signatures, "", text),
                }
                if !files.is_empty() {
                    log::info!("files of signatures in force beside the built-in ones: {}", files.len());
                }
                return Some(signatures);
            }
            Err(refusal) => refusal,
        };
        let Some(at) = files.iter().position(|file| file.path == refusal.path && dispensable(file)) else {
            keep_old(refusal);
            return None;
        };
        left_out = Some(format!("{refusal}; the file does not count"));
        files.remove(at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str =
        "dialect NAME\nmessage \"x\" from miner\nphase login\nwhere method is \"x.NAME\"\nhint\n";

    /// A bad file of a feed never takes the operator's with it; a bad one of the operator's leaves what is in force.
    #[test]
    fn a_bad_file_of_a_feed_is_left_out() {
        let scratch = tempfile::tempdir().unwrap();
        let folder = scratch.path().to_owned();
        let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).expect("a file");
        let names = |signatures: Option<Signatures>| {
            let signatures = signatures?;
            let later = signatures.list().into_iter().filter(|listed| listed.worth.is_some());
            Some(later.map(|listed| listed.name.to_owned()).collect::<Vec<_>>())
        };
        let of_reload =
            || names(read(std::slice::from_ref(&folder), &Problems::default(), |file| file.suspects));
        write("a.sig", &GOOD.replace("NAME", "files-a"));
        write("b.suspect.sig", "dialect b\nnonsense\n");
        write("c.suspect.sig", &GOOD.replace("NAME", "files-c"));
        // The same dialect again, which would take the operator's away.
        write("d.suspect.sig", &GOOD.replace("NAME", "files-a"));
        assert_eq!(of_reload(), Some(vec!["files-a".to_owned(), "files-c".to_owned()]));
        write("e.sig", "dialect e\nnonsense\n");
        assert_eq!(of_reload(), None, "the operator's own mistake: the old set stays");
        let at_start = names(read(std::slice::from_ref(&folder), &Problems::default(), |_| true));
        assert_eq!(at_start, Some(vec!["files-a".to_owned(), "files-c".to_owned()]));
    }
}
