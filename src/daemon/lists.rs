//! Lists from files to the engine: read and built by a thread of their own, swapped in whole.
//!
//! At the start it is done before there are any packets. A reload begins a thread that reads, builds and
//! ends; packets go on being compared with the old lists until the new ones are there.

use std::fs::{self, File};
use std::io::{BufReader, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use super::problems::{Code, Problems};
use crate::config::Config;
use crate::intel::entry::Policy;
use crate::intel::list::{BadList, ListReport};
use crate::intel::{Builder, Intel, builtin};
use crate::util::background::{self, Task};

/// The lists to read, as the configuration has them.
#[derive(Clone, Debug, PartialEq, Eq)]
struct ListSettings {
    enabled: bool,
    builtin: Option<Policy>,
    directories: Vec<PathBuf>,
    memory: usize,
}

impl From<&Config> for ListSettings {
    fn from(config: &Config) -> Self {
        ListSettings {
            enabled: config.intel,
            builtin: config.intel_builtin,
            directories: config.intel_lists.clone(),
            memory: config.intel_memory,
        }
    }
}

/// The lists in force, and the thread that reads others.
#[derive(Debug)]
pub(crate) struct Lists {
    current: Option<Arc<Intel>>,
    /// The thread at work.
    reading: Option<Task<Option<Intel>>>,
    /// The request to start once this one has ended.
    next: Option<ListSettings>,
    problems: Problems,
}

impl Lists {
    /// Reads what `config` names, and waits for it.
    pub(crate) fn start(config: &Config, problems: &Problems) -> Self {
        let current = read(&ListSettings::from(config), None, problems).map(Arc::new);
        Lists { current, reading: None, next: None, problems: problems.clone() }
    }

    /// The lists in force; `None` if lists are turned off.
    pub(crate) fn current(&self) -> Option<Arc<Intel>> {
        self.current.clone()
    }

    /// Begins to read what `config` names.
    pub(crate) fn reload(&mut self, config: &Config) {
        self.next = Some(ListSettings::from(config));
        self.begin();
    }

    /// Takes over what has been read meanwhile, and answers whether there is anything new. To be called
    /// once in a while.
    pub(crate) fn collect(&mut self) -> bool {
        let Some(task) = self.reading.take_if(|task| task.is_finished()) else { return false };
        match task.join() {
            Some(intel) => self.current = intel.map(Arc::new),
            None => log::error!("the thread that reads lists has ended without any; the old ones stay"),
        }
        self.begin();
        true
    }

    fn begin(&mut self) {
        if self.reading.is_some() {
            return;
        }
        let (Some(settings), old) = (self.next.take(), self.current.clone()) else { return };
        let problems = self.problems.clone();
        let work = move || {
            background::give_way();
            read(&settings, old.as_deref(), &problems)
        };
        match Task::start(THREAD_NAME, work) {
            Ok(task) => self.reading = Some(task),
            Err(error) => log::error!("nobody reads the lists, the old ones stay: {error}"),
        }
    }
}

/// The lists that `config` names, for a look without a daemon.
pub(super) fn of_files(config: &Config) -> Option<Intel> {
    read(&ListSettings::from(config), None, &Problems::default())
}

/// Reads all lists. One that is refused is replaced by what `old` has of it, and is a problem.
fn read(settings: &ListSettings, old: Option<&Intel>, problems: &Problems) -> Option<Intel> {
    problems.resolve(Code::List);
    problems.resolve(Code::ListName);
    if !settings.enabled {
        return None;
    }
    let started = Instant::now();
    let mut builder = Builder::new(settings.memory);
    if let Some(at_most) = settings.builtin
        && let Err(error) = builtin::add(&mut builder, at_most)
    {
        log::error!("the built-in list is left out: {error}");
    }
    let mut files = 0;
    for (path, policy) in settings.directories.iter().flat_map(|directory| files_of(directory, problems)) {
        files += 1;
        let source = path.file_name().unwrap_or_default().to_string_lossy();
        match open(&path).and_then(|file| builder.add_text(&source, policy, file)) {
            Ok(report) => tell(&path, &report),
            Err(why) => {
                let keeps = old.is_some_and(|old| old.sources().any(|known| known == source));
                let rest = if keeps { "; its earlier entries stay" } else { "" };
                let subject = path.to_string_lossy();
                problems.report(Code::List, &subject, format!("list {subject} is refused: {why}{rest}"));
                if let Some(old) = old.filter(|_| keeps)
                    && let Err(error) = builder.keep(old, &source)
                {
                    log::error!("{}: {error}", path.display());
                }
            }
        }
    }
    let (intel, left_out) = builder.build();
    if left_out > 0 {
        log::warn!(
            "entries left out, since there are too many for one and the same name or prefix: {left_out}"
        );
    }
    log::info!(
        "{} entries of the built-in list and {files} more in {} KiB, read in {} ms",
        intel.len(),
        intel.bytes().div_ceil(1_024),
        started.elapsed().as_millis() as u64
    );
    Some(intel)
}

fn open(path: &Path) -> Result<BufReader<File>, BadList> {
    File::open(path).map(BufReader::new).map_err(BadList::Unreadable)
}

/// The lists in `directory`, in the order of their names, each with the policy that its name ends in. Other
/// files are none: what an editor or a download leaves behind must not become a list.
fn files_of(directory: &Path, problems: &Problems) -> Vec<(PathBuf, Policy)> {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Vec::new(),
        Err(error) => {
            let subject = directory.to_string_lossy();
            problems.report(Code::List, &subject, format!("the lists in {subject} can't be read: {error}"));
            return Vec::new();
        }
    };
    let list = |path: PathBuf| {
        let name = path.file_name()?.to_string_lossy().into_owned();
        match path.extension().and_then(|end| end.to_str()?.parse().ok()) {
            _ if name.starts_with('.') => None,
            Some(policy) => Some((path, policy)),
            None => {
                // Signatures of feeds stand in the same folder.
                let is_leftover = ["~", ".tmp", ".new", ".sig"].iter().any(|end| name.ends_with(end));
                if !is_leftover && !name.starts_with("README") {
                    let text = format!("{} is no list: its name does not end in a policy", path.display());
                    problems.report(Code::ListName, &path.to_string_lossy(), text);
                }
                None
            }
        }
    };
    let mut files: Vec<_> = entries.filter_map(|entry| list(entry.ok()?.path())).collect();
    files.sort_unstable();
    files
}

fn tell(path: &Path, report: &ListReport) {
    for warning in &report.warnings {
        log::warn!("{}:{}: {}", path.display(), warning.line, warning.why);
    }
    let untold = report.bad_lines as usize - report.warnings.len();
    if untold > 0 {
        log::warn!("{}: lines that make no sense, beside these: {untold}", path.display());
    }
}

const THREAD_NAME: &str = "minewall-lists";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::host_name::HostName;
    use tempfile::TempDir;

    /// A directory of the test's own, and settings for what is in it.
    fn directory() -> (TempDir, ListSettings) {
        let directory = tempfile::tempdir().unwrap();
        let directories = vec![directory.path().to_owned()];
        (directory, ListSettings { enabled: true, builtin: None, directories, memory: 1 << 20 })
    }

    fn policy(intel: &Intel, name: &str) -> Option<Policy> {
        let name = HostName::parse(name.as_bytes()).unwrap();
        intel.by_name(&name, None, 0).map(|found| found.policy)
    }

    #[test]
    fn a_file_s_name_says_what_its_entries_are_worth() {
        let (directory, settings) = directory();
        for (file, text) in [
            ("a.block", "a.test\n"),
            ("b.suspect", "b.test\nc.test\nb.test block\n"),
            ("c.allow", "d.test\n"),
            (".hidden.block", "e.test\n"),
            ("a.block~", "e.test\n"),
            ("readme", "e.test\n"),
            ("x.block.tmp", "e.test\n"),
        ] {
            fs::write(directory.path().join(file), text).unwrap();
        }
        let problems = Problems::default();
        let intel = read(&settings, None, &problems).unwrap();
        let told = problems.all();
        assert!(matches!(&told[..], [one] if one.code == "list_name" && one.text.contains("readme")));
        let policies = ["a.test", "b.test", "c.test", "d.test", "e.test"].map(|name| policy(&intel, name));
        use Policy::{Allow, Block, Suspect};
        assert_eq!(policies, [Some(Block), Some(Suspect), Some(Suspect), Some(Allow), None]);
        assert_eq!(intel.sources().collect::<Vec<_>>(), ["a.block", "b.suspect", "c.allow"]);
        assert!(read(&ListSettings { enabled: false, ..settings }, None, &Problems::default()).is_none());
    }

    #[test]
    fn a_bad_file_leaves_what_it_held() {
        let (directory, settings) = directory();
        let files = ["a.block", "b.block", "c.block"].map(|file| directory.path().join(file));
        files.iter().for_each(|file| fs::write(file, "a.test\n").unwrap());
        fs::write(&files[1], "b.test\n").unwrap();
        let problems = Problems::default();
        let old = read(&settings, None, &problems).unwrap();
        fs::write(&files[0], "c.test\n").unwrap();
        fs::write(&files[1], "<html>\n<body>\nNot Found\n").unwrap();
        fs::remove_file(&files[2]).unwrap();
        let new = read(&settings, Some(&old), &problems).unwrap();
        assert_eq!(
            ["a.test", "b.test", "c.test"].map(|name| policy(&new, name).is_some()),
            [false, true, true]
        );
        let told: Vec<_> = problems.all().into_iter().map(|problem| (problem.code, problem.text)).collect();
        assert!(matches!(&told[..], [("list", text)] if text.contains("b.block")), "{told:?}");
        // Too large for the memory there is.
        let settings = ListSettings { memory: 64 * 1_024, ..settings };
        let many: String = (0..40_000).map(|number| format!("n{number}.test\n")).collect();
        fs::write(&files[0], many).unwrap();
        let newer = read(&settings, Some(&new), &problems).unwrap();
        assert!(policy(&newer, "c.test").is_some() && policy(&newer, "n1.test").is_none());
        // Without an old one there is nothing to keep.
        assert!(policy(&read(&settings, None, &Problems::default()).unwrap(), "b.test").is_none());
    }

    #[test]
    fn a_reload_happens_elsewhere_and_the_last_wish_counts() {
        let (_directory, settings) = directory();
        let mut lists = Lists { current: None, reading: None, next: None, problems: Problems::default() };
        for builtin in [None, Some(Policy::Suspect), Some(Policy::Block)] {
            lists.next = Some(ListSettings { builtin, ..settings.clone() });
            lists.begin();
        }
        let started = Instant::now();
        while lists.reading.is_some() || lists.next.is_some() {
            lists.collect();
            assert!(started.elapsed().as_secs() < 60, "waited in vain");
            std::thread::yield_now();
        }
        assert!(lists.current().unwrap().entries().any(|(entry, _)| entry.policy == Policy::Block));
    }
}
