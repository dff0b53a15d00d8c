//! The model of stage one: the file of option `model`, or the built-in one.

use std::path::Path;

use super::problems::{Code, Problems};
use crate::config::Config;
use crate::hmm::model::{self, Model};
use crate::util::{bounded_read, regular_file};

/// The model that `config` names. Without a sound file the built-in model protects the network, and the
/// problem says why.
///
/// # Errors
/// The built-in model is broken, which a test excludes.
pub(super) fn load_or_builtin(config: &Config, problems: &Problems) -> Result<Box<Model>, String> {
    problems.resolve(Code::Model);
    load(config).or_else(|why| {
        problems.report(Code::Model, "", format!("{why}; the built-in model is used"));
        builtin()
    })
}

/// The model that `config` names.
///
/// # Errors
/// The file can't be read, or holds no model; the cause in words.
pub fn load(config: &Config) -> Result<Box<Model>, String> {
    if config.model.as_os_str().is_empty() {
        return builtin();
    }
    read(&config.model).map_err(|why| format!("option 'model': {}: {why}", config.model.display()))
}

fn builtin() -> Result<Box<Model>, String> {
    Model::embedded().map_err(|error| error.to_string())
}

fn read(path: &Path) -> Result<Box<Model>, String> {
    let bytes = regular_file::open(path)
        .and_then(|file| bounded_read::all(file, model::LENGTH_MAX as u64 + 1))
        .map_err(|error| error.to_string())?;
    Model::decode(&bytes).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::process::Command;

    /// Missing, empty, cut, of another kind, a FIFO: protection goes on, and each has its reason.
    #[test]
    fn a_bad_file_leaves_the_builtin_model() {
        let scratch = tempfile::tempdir().unwrap();
        let directory = scratch.path().to_owned();
        let path = |name: &str| directory.join(name);
        fs::write(path("empty"), "").unwrap();
        fs::write(path("text"), "a text\n".repeat(999)).unwrap();
        fs::create_dir_all(path("directory")).unwrap();
        assert!(Command::new("mkfifo").arg(path("fifo")).status().unwrap().success());
        for name in ["missing", "empty", "text", "directory", "fifo"] {
            let config = Config { model: path(name), ..Config::default() };
            let problems = Problems::default();
            let model = load_or_builtin(&config, &problems).unwrap();
            assert_eq!(format!("{model:?}"), format!("{:?}", Model::embedded().unwrap()), "{name}");
            let told = problems.all();
            assert_eq!(told.iter().map(|problem| problem.code).collect::<Vec<_>>(), ["model"], "{name}");
            assert!(told[0].text.contains(name) && told[0].text.contains("built-in"), "{}", told[0].text);
            assert!(load(&config).is_err(), "{name}");
            load_or_builtin(&Config::default(), &problems).unwrap();
            assert!(problems.all().is_empty() && load(&Config::default()).is_ok());
        }
    }
}
