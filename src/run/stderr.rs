//! The log on standard error, for whoever runs the daemon by hand.

use std::io::{self, Write};

use log::{Log, Metadata, Record, SetLoggerError};

/// A logger that writes a line to standard error in one piece.
#[derive(Clone, Copy, Debug)]
pub struct Stderr;

impl Stderr {
    /// Makes it the program's logger.
    ///
    /// # Errors
    /// There is another one already.
    pub fn install(self) -> Result<(), SetLoggerError> {
        log::set_boxed_logger(Box::new(self))
    }
}

impl Log for Stderr {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        // Nobody is left to be told of a failure.
        let _ = io::stderr().write_all(line(record).as_bytes());
    }

    fn flush(&self) {}
}

fn line(record: &Record<'_>) -> String {
    format!("[{:<5} {}] {}\n", record.level(), record.target(), record.args())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_how_grave_it_is_and_where_it_comes_from() {
        let record = |level| Record::builder().level(level).target("here").args(format_args!("text")).build();
        assert_eq!(line(&record(log::Level::Warn)), "[WARN  here] text\n");
        assert_eq!(line(&record(log::Level::Error)), "[ERROR here] text\n");
    }
}
