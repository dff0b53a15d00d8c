//! A progress bar on stderr, when a person is there to see it.

use std::io::{IsTerminal, Write, stderr};
use std::time::{Duration, Instant};

/// Counts steps of a known number.
#[derive(Debug)]
pub struct Progress {
    label: String,
    total: u32,
    done: u32,
    drawn: Option<Instant>,
    visible: bool,
}

impl Progress {
    /// A bar of `total` steps.
    pub fn new(label: &str, total: u32) -> Self {
        Progress { label: label.to_owned(), total, done: 0, drawn: None, visible: stderr().is_terminal() }
    }

    /// Nothing is drawn.
    pub fn silent() -> Self {
        Progress { label: String::new(), total: 0, done: 0, drawn: None, visible: false }
    }

    /// One step is done.
    pub fn step(&mut self) {
        self.done += 1;
        if self.visible && self.drawn.is_none_or(|at| at.elapsed() > REDRAW) {
            self.drawn = Some(Instant::now());
            let filled = (u64::from(WIDTH) * u64::from(self.done.min(self.total))
                / u64::from(self.total.max(1))) as usize;
            let bar = "#".repeat(filled) + &"-".repeat(WIDTH as usize - filled);
            let _ = write!(stderr(), "\r{} [{bar}] {}/{} ", self.label, self.done, self.total);
        }
    }

    /// The bar goes away.
    pub fn finish(self) {
        if self.drawn.is_some() {
            let _ = write!(stderr(), "\r\x1b[K");
        }
    }
}

const REDRAW: Duration = Duration::from_millis(100);
const WIDTH: u32 = 40;
