//! Progress on stderr: a bar where a person sees it, a line now and then elsewhere.

use std::io::{IsTerminal, Write, stderr};
use std::time::{Duration, Instant};

/// Counts steps of a known number.
#[derive(Debug)]
pub(crate) struct Progress {
    label: String,
    total: u32,
    done: u32,
    begun: Instant,
    drawn: Instant,
    sink: Sink,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sink {
    Terminal,
    Lines,
    Nothing,
}

impl Progress {
    /// A bar of `total` steps.
    pub(crate) fn new(label: &str, total: u32) -> Self {
        let sink = if stderr().is_terminal() { Sink::Terminal } else { Sink::Lines };
        Progress { label: label.to_owned(), total, sink, ..Progress::silent() }
    }

    /// Draws nothing.
    pub(crate) fn silent() -> Self {
        let now = Instant::now();
        Progress { label: String::new(), total: 0, done: 0, begun: now, drawn: now, sink: Sink::Nothing }
    }

    /// Names the part of the work that begins.
    pub(crate) fn label(&mut self, label: &str) {
        label.clone_into(&mut self.label);
    }

    /// Counts a finished step.
    pub(crate) fn step(&mut self) {
        self.done += 1;
        let interval = match self.sink {
            Sink::Terminal => REDRAW,
            Sink::Lines => NEXT_LINE,
            Sink::Nothing => return,
        };
        if self.drawn.elapsed() < interval {
            return;
        }
        self.drawn = Instant::now();
        let share = f64::from(self.done.min(self.total)) / f64::from(self.total.max(1));
        let left = self.begun.elapsed().as_secs_f64() * (1.0 - share) / share.max(1e-6);
        let (label, percent) = (&self.label, share * 100.0);
        let written = if self.sink == Sink::Terminal {
            let filled = (WIDTH as f64 * share) as usize;
            let bar = "#".repeat(filled) + &"-".repeat(WIDTH - filled);
            write!(stderr(), "\r\x1b[K{label} [{bar}] {percent:.0} %, {left:.0} s left")
        } else {
            writeln!(stderr(), "{label}: {percent:.0} %, {left:.0} s left")
        };
        // A closed stderr is no reason to stop the work.
        drop(written);
    }

    /// Removes the bar.
    pub(crate) fn finish(self) {
        if self.sink == Sink::Terminal {
            drop(write!(stderr(), "\r\x1b[K"));
        }
    }
}

const REDRAW: Duration = Duration::from_millis(100);
const NEXT_LINE: Duration = Duration::from_secs(15);
const WIDTH: usize = 40;
