//! The file in which stage one's histogram of the house outlives a restart.

use core::time::Duration;
use std::path::{Path, PathBuf};

use crate::config::Config;
use crate::engine::Engine;
use crate::hmm::house::House;
use crate::limits::{HOUSE_FILE_BYTES, HOUSE_WRITE_WAIT};
use crate::util::time::Instant;
use crate::util::{atomic_file, background};
use core::hash::BuildHasher;
use std::io;

/// The file, beside the probe's memory.
#[derive(Debug)]
pub(crate) struct HouseFile {
    path: PathBuf,
    written: String,
    next: Instant,
}

impl HouseFile {
    /// Restores the histogram of an earlier run, if there is one; a damaged file is told of and replaced.
    pub(crate) fn start<S: BuildHasher + Clone>(
        config: &Config,
        engine: &mut Engine<S>,
        now: Instant,
    ) -> Self {
        let path = config.probe_cache.with_file_name("house");
        match load(&path) {
            Ok(house) => engine.restore_house(house),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => log::warn!("{}: {error}; the house is learned anew", path.display()),
        }
        HouseFile { path, written: engine.house().to_line(), next: now.after(HOUSE_WRITE_WAIT) }
    }

    /// Writes the histogram now and then if it has changed, in a thread of its own: flash may take its time.
    pub(crate) fn tick<S: BuildHasher + Clone>(&mut self, engine: &Engine<S>, now: Instant) {
        if now < self.next {
            return;
        }
        self.next = now.after(HOUSE_WRITE_WAIT);
        if let Some(line) = self.changed(engine) {
            let path = self.path.clone();
            let spawned = background::spawn("house", None, Box::new(move || write(&path, &line)));
            if let Err(error) = spawned {
                log::warn!("{}: {error}", self.path.display());
            }
        }
    }

    /// Writes it at the end, when no packet waits any more.
    pub(crate) fn stop<S: BuildHasher + Clone>(mut self, engine: &Engine<S>) {
        if let Some(line) = self.changed(engine) {
            write(&self.path, &line);
        }
    }

    fn changed<S: BuildHasher + Clone>(&mut self, engine: &Engine<S>) -> Option<String> {
        let line = engine.house().to_line();
        if line == self.written {
            return None;
        }
        self.written.clone_from(&line);
        Some(line)
    }
}

fn load(path: &Path) -> io::Result<House> {
    House::from_line(&atomic_file::load(path, HEAD, HOUSE_FILE_BYTES)?).ok_or_else(atomic_file::damaged)
}

fn write(path: &Path, line: &str) {
    if let Err(error) = atomic_file::save(path, HEAD, line) {
        log::warn!("{}: {error}", path.display());
    }
}

const HEAD: &str = "minewall-house 1 ";

const _: () = assert!(HOUSE_WRITE_WAIT.as_secs() >= Duration::from_secs(3_600).as_secs());

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Settings;
    use crate::hmm::model::Model;
    use crate::util::half_sip::TableKey;
    use std::fs;

    fn engine(config: &Config) -> Engine<TableKey> {
        let model = Model::embedded().expect("built in");
        Engine::new(Settings::from(config), model, 256, TableKey::new())
    }

    #[test]
    fn the_histogram_outlives_a_restart_and_a_damaged_file_does_not_stop_the_daemon() {
        let scratch = tempfile::tempdir().unwrap();
        let folder = scratch.path().join("house");
        let config = Config { probe_cache: folder.join("probes"), ..Config::default() };
        let now = Instant::from_micros(0);
        let learned = "77 1 2 3".to_owned() + &" 0".repeat(45) + "\n";
        let mut first = engine(&config);
        let file = HouseFile::start(&config, &mut first, now);
        first.restore_house(House::from_line(&learned).expect("a line"));
        file.stop(&first);
        let mut second = engine(&config);
        let file = HouseFile::start(&config, &mut second, now);
        assert_eq!(second.house().to_line(), learned);
        file.stop(&second);
        fs::write(folder.join("house"), "nonsense").expect("written");
        let mut third = engine(&config);
        HouseFile::start(&config, &mut third, now);
        assert_eq!(third.house().to_line(), House::default().to_line());
    }
}
