//! Progress through a long capture, on standard error.

use std::cell::Cell;
use std::io::{self, IsTerminal};
use std::rc::Rc;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::input::Opened;

/// Progress through one capture: a bar on a terminal, elsewhere a line now and then.
pub(super) struct ReplayProgress {
    name: String,
    length: u64,
    position: Rc<Cell<u64>>,
    begun: Instant,
    told: Instant,
    bar: Option<ProgressBar>,
}

impl ReplayProgress {
    /// Progress through `opened`; none for a pipe, whose end is not known.
    pub(super) fn through(name: &str, opened: &Opened) -> Option<Self> {
        let length = opened.length?;
        let now = Instant::now();
        let bar = io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::with_draw_target(Some(length), ProgressDrawTarget::stderr_with_hz(4));
            if let Ok(style) = ProgressStyle::with_template("{msg} {wide_bar} {percent:>3} %, {eta} left") {
                bar.set_style(style);
            }
            bar.set_message(name.to_owned());
            bar
        });
        Some(ReplayProgress {
            name: name.to_owned(),
            length,
            position: opened.position.clone(),
            begun: now,
            told: now,
            bar,
        })
    }

    /// Shows how far the capture has been read; to be called every few thousand packets.
    pub(super) fn show(&mut self) {
        if self.begun.elapsed() < QUIET {
            return;
        }
        let position = self.position.get();
        if let Some(bar) = &self.bar {
            bar.set_position(position);
        } else if self.told.elapsed() >= LINE_EVERY {
            self.told = Instant::now();
            let share = position as f64 / self.length.max(1) as f64;
            let left = self.begun.elapsed().as_secs_f64() * (1.0 - share) / share.max(f64::EPSILON);
            eprintln!("minewall: {}: {:.0} % read, {left:.0} s left", self.name, share * 100.0);
        }
    }

    /// Takes the bar away.
    pub(super) fn end(self) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }
}

/// A capture that is read sooner shows nothing.
const QUIET: Duration = Duration::from_secs(1);
const LINE_EVERY: Duration = Duration::from_secs(10);
