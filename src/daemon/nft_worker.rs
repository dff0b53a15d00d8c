//! The thread that writes the reputation store, fills the kernel's sets and has flow offload wait: neither flash nor
//! `nft` may hold up a packet.
//!
//! `nft` is run for each change rather than netlink spoken: it is there wherever the rules are, knows the
//! kernel's encoding of sets, and its cost (some milliseconds, at the lowest priority) delays nothing.
//! Changes are rare, and each fills the sets anew in one transaction, so none depends on an earlier one.

use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::offload_watch::OffloadWatch;
use super::problems::{Code, Problems};
use crate::intel::reputation::Store;
use crate::limits::{
    NFT_LISTING_BYTES, NFT_PATIENCE, NFT_WORKER_LISTENS_EVERY, NFT_WORKER_ORDERS, NFT_WORKER_PATIENCE,
    NFT_WORKER_STACK_BYTES,
};
use crate::rules;
use crate::util::background;
use crate::util::bounded_read;
use crate::util::channel::{NotReceived, NotSent, Receiver, Sender, channel};
use crate::util::io_error::in_words;
use crate::verdict::mark::MarkPosition;

/// A task of the thread.
#[derive(Debug)]
pub(super) enum NftTask {
    /// Write this body of the reputation store to that file.
    Save(PathBuf, String),
    /// Have `nft` do this, which fills the sets.
    Fill(String),
    /// Ask the kernel how many connections it has refused without us.
    Count,
}

/// A handle of the thread that never waits.
#[derive(Debug)]
pub(super) struct NftWorker {
    tasks: Sender<NftTask>,
    refused: Arc<AtomicU32>,
    is_unfilled: Arc<AtomicBool>,
    is_unsaved: Arc<AtomicBool>,
    /// Tasks to write the store that have not succeeded so far.
    saves_pending: Arc<AtomicU32>,
    is_ending: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl NftWorker {
    /// Starts the thread, for rules with our bits at `mark`.
    ///
    /// # Errors
    /// There is no memory left for it.
    pub(super) fn start(mark: MarkPosition, problems: &Problems) -> io::Result<Self> {
        let (tasks, received) = channel(NFT_WORKER_ORDERS);
        let refused = Arc::new(AtomicU32::new(0));
        let [is_unfilled, is_unsaved, is_ending] = <[Arc<AtomicBool>; 3]>::default();
        let saves_pending = Arc::new(AtomicU32::new(0));
        let context = WorkerContext {
            problems: problems.clone(),
            refused: Arc::clone(&refused),
            saves_pending: Arc::clone(&saves_pending),
            is_unfilled: Arc::clone(&is_unfilled),
            is_unsaved: Arc::clone(&is_unsaved),
            is_ending: Arc::clone(&is_ending),
            offload: Some(OffloadWatch::start(mark)),
            ..WorkerContext::default()
        };
        let work = Box::new(move || context.work(&received));
        let thread = background::spawn(THREAD_NAME, Some(NFT_WORKER_STACK_BYTES), work)?;
        Ok(NftWorker { tasks, refused, is_unfilled, is_unsaved, saves_pending, is_ending, thread })
    }

    /// Hands a task over, without waiting; whether there was room.
    pub(super) fn submit(&self, task: NftTask) -> bool {
        let is_save = matches!(task, NftTask::Save(..));
        // Before the thread can be through with it.
        self.saves_pending.fetch_add(u32::from(is_save), Ordering::Relaxed);
        let is_taken = self.tasks.try_send(task).is_ok();
        if !is_taken {
            self.saves_pending.fetch_sub(u32::from(is_save), Ordering::Relaxed);
        }
        is_taken
    }

    /// Whether a task to write the store has not been carried out, or has failed.
    pub(super) fn has_unsaved(&self) -> bool {
        self.saves_pending.load(Ordering::Relaxed) > 0
    }

    /// Connection attempts that the kernel had refused when it was last asked.
    pub(super) fn refused(&self) -> u32 {
        self.refused.load(Ordering::Relaxed)
    }

    /// Whether the sets could not be filled when that was tried last; told once.
    pub(super) fn take_failure(&self) -> bool {
        self.is_unfilled.swap(false, Ordering::Relaxed)
    }

    /// Whether the store could not be written when that was tried last; told once.
    pub(super) fn take_save_failure(&self) -> bool {
        self.is_unsaved.swap(false, Ordering::Relaxed)
    }

    /// Lets the thread end once it is through with its tasks and the `last`, and waits for that, but not for ever.
    /// After half of the time `nft` is given up: what is still to be written must not wait for it.
    pub(super) fn stop(self, mut last: Option<NftTask>) {
        let mut tasks = Some(self.tasks);
        let start = Instant::now();
        while !self.thread.is_finished() && start.elapsed() < NFT_WORKER_PATIENCE {
            self.is_ending.store(start.elapsed() > NFT_WORKER_PATIENCE / 2, Ordering::Relaxed);
            last = last.and_then(|task| match tasks.as_ref()?.try_send(task) {
                Err(NotSent::Full(task)) => Some(task),
                Ok(()) | Err(NotSent::Closed(_)) => None,
            });
            if last.is_none() {
                tasks = None;
            }
            thread::sleep(GLANCE);
        }
    }
}

/// State of the thread.
#[derive(Debug, Default)]
struct WorkerContext {
    problems: Problems,
    refused: Arc<AtomicU32>,
    is_unfilled: Arc<AtomicBool>,
    is_unsaved: Arc<AtomicBool>,
    saves_pending: Arc<AtomicU32>,
    /// Of them, those that this thread has had.
    saves_open: u32,
    is_ending: Arc<AtomicBool>,
    /// Latest value of the kernel's counter. The counter begins anew with the rules.
    counted: u32,
    /// A failure has been logged, and none since has succeeded.
    has_failed_to_save: bool,
    has_failed_to_fill: bool,
    offload: Option<OffloadWatch>,
}

impl WorkerContext {
    fn work(mut self, tasks: &Receiver<NftTask>) {
        background::give_way();
        loop {
            self.catch_offload();
            let task = match tasks.recv_timeout(NFT_WORKER_LISTENS_EVERY) {
                Ok(task) => task,
                Err(NotReceived::Empty) => continue,
                Err(NotReceived::Closed) => return,
            };
            match task {
                NftTask::Save(path, body) => {
                    let saved = Store::save(&path, &body);
                    if let Err(error) = &saved
                        && !self.has_failed_to_save
                    {
                        let text =
                            format!("the reputation of servers is not kept in {}: {error}", path.display());
                        self.problems.report(Code::File, SUBJECT, text);
                    }
                    if saved.is_ok() {
                        self.problems.resolve_of(Code::File, SUBJECT);
                    }
                    self.saves_open += 1;
                    if saved.is_ok() {
                        // Each task has the whole store, so that earlier failures are made up for.
                        self.saves_pending.fetch_sub(self.saves_open, Ordering::Relaxed);
                        self.saves_open = 0;
                    }
                    self.has_failed_to_save = saved.is_err();
                    self.is_unsaved.store(saved.is_err(), Ordering::Relaxed);
                }
                NftTask::Fill(script) => {
                    let filled = self.nft(&["-f", "-"], &script);
                    match &filled {
                        Ok(_) => log::debug!("the kernel's sets are filled"),
                        // Without rules there are no sets; those that come bring the elements along.
                        Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
                            log::debug!("{error}");
                            continue;
                        }
                        Err(error) if !self.has_failed_to_fill => {
                            let text = format!("the kernel does not block known pools by itself: {error}");
                            self.problems.report(Code::KernelSets, "", text);
                        }
                        Err(_) => {}
                    }
                    if filled.is_ok() {
                        self.problems.resolve(Code::KernelSets);
                    }
                    self.has_failed_to_fill = filled.is_err();
                    self.is_unfilled.store(filled.is_err(), Ordering::Relaxed);
                }
                NftTask::Count => self.count(),
            }
        }
    }

    fn count(&mut self) {
        let listing = ["list", "chain", "inet", "minewall", rules::REFUSING_CHAIN];
        let Ok(text) = self.nft(&listing, "") else { return };
        let Some(counted) = counter(&text) else { return };
        let new = if counted >= self.counted { counted - self.counted } else { counted };
        self.counted = counted;
        self.refused.fetch_add(new, Ordering::Relaxed);
    }

    /// Has offload rules that another program has loaded meanwhile wait for the verdict.
    fn catch_offload(&mut self) {
        let Some(mark) =
            self.offload.as_mut().and_then(|watch| watch.is_due(Instant::now()).then_some(watch.mark))
        else {
            return;
        };
        let caught = self.nft(&["-a", "-t", "list", "ruleset"], "").and_then(|listing| {
            let script = rules::offload::catch(mark, rules::Memory::of_this_kernel, &listing);
            if script.is_empty() { Ok(false) } else { self.nft(&["-f", "-"], &script).map(|_| true) }
        });
        match caught {
            Ok(is_new) => {
                self.problems.resolve(Code::Offload);
                if is_new {
                    log::info!("flow offload that another program has loaded waits for verdicts now");
                }
            }
            Err(error) => {
                let text = format!("flow offload of another program may not wait for verdicts: {error}");
                self.problems.report(Code::Offload, "", text);
            }
        }
    }

    /// Runs nft with `input`; its output.
    fn nft(&self, arguments: &[&str], input: &str) -> io::Result<String> {
        let explain = |error: io::Error| in_words(error.kind(), format!("nft does not start: {error}"));
        let mut child = Command::new("nft")
            // A jail has none.
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(explain)?;
        if let Some(mut stdin) = child.stdin.take() {
            // One that reads nothing has its own complaint.
            let _ = stdin.write_all(input.as_bytes());
        }
        let start = Instant::now();
        let mut said = Vec::new();
        while child.try_wait()?.is_none() {
            let is_endless = said.len() > NFT_LISTING_BYTES || start.elapsed() > NFT_PATIENCE;
            if is_endless || self.is_ending.load(Ordering::Relaxed) {
                child.kill()?;
                child.wait()?;
                return Err(in_words(io::ErrorKind::Other, "nft did not end"));
            }
            // A pipe holds less than a listing may be.
            if !read_some(child.stdout.as_mut(), &mut said)? {
                thread::sleep(GLANCE);
            }
        }
        outcome(child, said)
    }
}

/// The first counter's packets in a listing of nft's.
fn counter(listing: &str) -> Option<u32> {
    let mut words = listing.split_ascii_whitespace().skip_while(|word| *word != "packets");
    words.nth(1)?.parse().ok()
}

/// Appends what a child has said, without waiting for more; whether there was anything.
fn read_some(stdout: Option<&mut ChildStdout>, said: &mut Vec<u8>) -> io::Result<bool> {
    let Some(stdout) = stdout else { return Ok(false) };
    let mut descriptors = [PollFd::new(&*stdout, PollFlags::IN)];
    let is_ready = poll(&mut descriptors, Some(&Timespec::default()))? > 0;
    let mut buffer = [0; 4_096];
    let length = if is_ready { stdout.read(&mut buffer)? } else { 0 };
    said.extend_from_slice(buffer.get(..length).unwrap_or_default());
    Ok(length > 0)
}

fn outcome(mut child: Child, mut said: Vec<u8>) -> io::Result<String> {
    let mut complaint = Vec::new();
    if let (Some(stdout), Some(stderr)) = (&mut child.stdout, &mut child.stderr) {
        said.append(&mut bounded_read::all(stdout, NFT_LISTING_BYTES as u64)?);
        complaint = bounded_read::all(stderr, NFT_LISTING_BYTES as u64)?;
    }
    if child.wait()?.success() {
        return Ok(String::from_utf8_lossy(&said).into_owned());
    }
    let complaint = String::from_utf8_lossy(&complaint);
    let first = complaint.lines().next().unwrap_or("nft failed").to_owned();
    let kind = if first.contains("No such file or directory") {
        io::ErrorKind::InvalidInput
    } else {
        io::ErrorKind::Other
    };
    Err(in_words(kind, first))
}

const THREAD_NAME: &str = "minewall-nft";
/// Interval at which the end of a child is checked.
const GLANCE: Duration = Duration::from_millis(5);
/// The store among the files that can't be written.
const SUBJECT: &str = "reputation";

#[cfg(test)]
mod tests {
    use super::*;

    /// Such a script fails with nft and without.
    #[test]
    fn a_failure_is_told_once() {
        let problems = Problems::default();
        let worker = NftWorker::start(MarkPosition::default(), &problems).unwrap();
        assert!(!worker.take_failure());
        assert!(worker.submit(NftTask::Fill("fill the sets, please".into())));
        let start = Instant::now();
        while !worker.take_failure() {
            assert!(start.elapsed() < 2 * NFT_PATIENCE, "the failure is not reported");
            thread::sleep(GLANCE);
        }
        assert!(!worker.take_failure());
        assert_eq!(problems.all()[0].code, "kernel_sets");
        worker.stop(None);
    }

    #[test]
    fn a_counter_is_found_in_its_chain() {
        let listing = "table inet minewall {\n\tchain refuse {\n\t\tip saddr 10.0.0.1 accept\n\t\tcounter packets 17 bytes 1020 reject with tcp reset\n\t}\n}\n";
        assert_eq!(counter(listing), Some(17));
        assert_eq!(counter("table inet minewall {\n}\n"), None);
    }
}
