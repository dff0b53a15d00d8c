//! The history of hosts on disk, written rarely and whole by a thread of its own.

use std::path::{Path, PathBuf};
use std::thread::JoinHandle;

use super::hosts::{HEAD, Hosts};
use super::problems::{Code, Problems};
use crate::limits::{HOSTS_NEW_WRITE_WAIT, HOSTS_WRITE_WAIT};
use crate::util::time::Instant;
use crate::util::{atomic_file, background};

/// Due time of the next write of the history, and the thread that writes it.
#[derive(Debug)]
pub(super) struct HistoryFile {
    pub(super) path: PathBuf,
    problems: Problems,
    /// Deadline for the present change to be on disk; none without a change.
    due: Option<Instant>,
    writing: Option<JoinHandle<()>>,
}

impl HistoryFile {
    pub(super) fn new(path: &Path, problems: &Problems) -> Self {
        HistoryFile { path: path.into(), problems: problems.clone(), due: None, writing: None }
    }

    /// The history has changed at `now`; a new host waits for seconds, another detection for minutes.
    pub(super) fn changed(&mut self, is_new_host: bool, now: Instant) {
        let due = now.after(if is_new_host { HOSTS_NEW_WRITE_WAIT } else { HOSTS_WRITE_WAIT });
        self.due = Some(self.due.map_or(due, |earlier| earlier.min(due)));
    }

    /// Begins to write `hosts` when it is time to.
    pub(super) fn tick(&mut self, hosts: &Hosts, now: Instant) {
        let is_writing = self.writing.as_ref().is_some_and(|thread| !thread.is_finished());
        if is_writing || self.due.is_none_or(|due| now < due) {
            return;
        }
        self.due = None;
        let (path, problems, text) = (self.path.clone(), self.problems.clone(), hosts.to_text());
        let work = move || save(&path, &text, &problems);
        match background::spawn("minewall-hosts", None, Box::new(work)) {
            Ok(thread) => self.writing = Some(thread),
            Err(error) => {
                // Without memory for a thread the next change tries again.
                log::warn!("the history of hosts is not written: {error}");
            }
        }
    }

    /// Waits for the thread, and writes the change at hand.
    pub(super) fn stop(&mut self, hosts: &Hosts) {
        if let Some(Err(_)) = self.writing.take().map(JoinHandle::join) {
            log::error!("the thread that writes the history of hosts has panicked");
        }
        if self.due.take().is_some() {
            save(&self.path, &hosts.to_text(), &self.problems);
        }
    }
}

fn save(path: &Path, text: &str, problems: &Problems) {
    match atomic_file::save(path, HEAD, text) {
        Ok(()) => problems.resolve_of(Code::File, SUBJECT),
        Err(error) => {
            let text = format!("the history of hosts is not kept in {}: {error}", path.display());
            problems.report(Code::File, SUBJECT, text);
        }
    }
}

/// The history among the files that can't be written.
const SUBJECT: &str = "hosts";
