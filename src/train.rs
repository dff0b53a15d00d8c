//! Training of stage one, on a desk.

pub mod baum_welch;
pub mod capture;
pub mod experiment;
pub mod generate;
pub mod refine;
pub mod rng;
pub mod sequence;
pub mod source;

use std::fmt;
use std::path::Path;

/// Why a tool of the desk gave up: one sentence for its user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error(String);

impl Error {
    /// The same, of the file at `path`.
    pub fn at(self, path: &Path) -> Self {
        Error(format!("{}: {}", path.display(), self.0))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Error {}

impl From<&str> for Error {
    fn from(reason: &str) -> Self {
        Error(reason.to_owned())
    }
}

impl From<String> for Error {
    fn from(reason: String) -> Self {
        Error(reason)
    }
}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        Error(error.to_string())
    }
}
