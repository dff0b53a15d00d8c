//! The command line of the desk's tools: `--name VALUE...`.

use std::path::PathBuf;
use std::str::FromStr;

use super::Error;
use super::generate;
use super::progress::Progress;
use super::sequence::{Label, Sequence};
use super::source;

/// Options and their values.
#[derive(Clone, Debug, Default)]
pub(crate) struct Arguments(Vec<(String, Vec<String>)>);

impl Arguments {
    /// Splits `words`; every option must be one of `known`.
    ///
    /// # Errors
    /// An unknown option, or a value that belongs to none.
    pub(crate) fn parse(words: impl IntoIterator<Item = String>, known: &[&str]) -> Result<Self, Error> {
        let mut options: Vec<(String, Vec<String>)> = Vec::new();
        for word in words {
            if let Some(name) = word.strip_prefix("--") {
                if !known.contains(&name) {
                    return Err(Error::from(format!(
                        "unknown option '--{name}'; there are: --{}",
                        known.join(", --")
                    )));
                }
                options.push((name.to_owned(), Vec::new()));
            } else if let Some((_, values)) = options.last_mut() {
                values.push(word);
            } else {
                return Err(Error::from(format!("unknown argument '{word}'")));
            }
        }
        Ok(Arguments(options))
    }

    /// All values of `name`.
    pub(crate) fn values(&self, name: &str) -> Vec<&str> {
        let of_name = self.0.iter().filter(|(option, _)| option == name);
        of_name.flat_map(|(_, values)| values.iter().map(String::as_str)).collect()
    }

    /// The value of `name` as a path, if it was given.
    pub(crate) fn path(&self, name: &str) -> Option<PathBuf> {
        self.values(name).last().map(PathBuf::from)
    }

    /// The value of `name`, or `default`.
    ///
    /// # Errors
    /// It can't be read as a `T`.
    pub(crate) fn value<T: FromStr>(&self, name: &str, default: T) -> Result<T, Error> {
        match self.values(name).last() {
            None => Ok(default),
            Some(text) => text.parse().map_err(|_| Error::from(format!("--{name} {text}: not understood"))),
        }
    }

    /// The sequences that `--mining`, `--benign` and `--scripted` name, less the dialects of
    /// `--leave-out`.
    ///
    /// # Errors
    /// No sessions are named, or a file can't be read.
    pub(crate) fn sequences(&self, seed: u64, scripted: u32) -> Result<Vec<Sequence>, Error> {
        if ["mining", "benign", "scripted"].iter().all(|name| self.values(name).is_empty()) {
            return Err(Error::from("no sessions: name captures or sequences with --mining and --benign"));
        }
        let labels = [("mining", Label::Mining), ("benign", Label::Benign)];
        let sources = || {
            labels
                .into_iter()
                .flat_map(|(name, label)| self.values(name).into_iter().map(move |path| (path, label)))
        };
        // A name that is wrong is told before the first hour of reading.
        sources().try_for_each(|(path, _)| source::readable(path.as_ref()))?;
        let mut progress = Progress::new("reading", sources().count() as u32);
        let mut sequences = Vec::new();
        for (path, label) in sources() {
            sequences.extend(source::read(path.as_ref(), label)?);
            progress.step();
        }
        progress.finish();
        let scripted = self.value("scripted", scripted)?;
        sequences.extend(generate::mining(seed, scripted, PACKETS_KEPT));
        sequences.extend(generate::benign(seed, scripted.saturating_mul(2), PACKETS_KEPT));
        let left_out = self.values("leave-out");
        sequences.retain(|s| !left_out.contains(&s.dialect.as_str()));
        Ok(sequences)
    }
}

/// Packets of a sequence that are kept: more than stage one looks at.
pub(crate) const PACKETS_KEPT: usize = 320;

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Arguments, Error> {
        Arguments::parse(line.split(' ').map(str::to_owned), &["mining", "seed"])
    }

    #[test]
    fn an_option_takes_the_words_up_to_the_next() {
        let arguments = parse("--mining a b --seed 7 --mining c").expect("well-formed");
        assert_eq!(arguments.values("mining"), ["a", "b", "c"]);
        assert_eq!(arguments.value("seed", 1), Ok(7));
        assert_eq!(arguments.value("other", 1), Ok(1));
        assert!(parse("--mining a --seed x").expect("well-formed").value("seed", 1).is_err());
        assert!(parse("--unknown").is_err());
        assert!(parse("stray --seed 1").is_err());
    }

    #[test]
    fn nothing_to_read_is_an_error() {
        let error = parse("--seed 1").expect("well-formed").sequences(1, 9_000).expect_err("no sessions");
        assert!(error.to_string().contains("--mining"), "{error}");
    }
}
