//! `minewall check-list`: whether files are lists, before they become some.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::process::ExitCode;

use minewall::config::Config;
use minewall::intel::Builder;
use minewall::intel::entry::Policy;
use minewall::util::text::one_or_many;
use pico_args::Arguments;

/// Reads every file that `arguments` name. The exit status is 0 if all of them are lists, and 1 if not.
pub fn run(mut arguments: Arguments) -> Result<ExitCode, String> {
    let config = super::config_path(&mut arguments)?;
    let counts_only = arguments.contains("--count");
    let files = super::operands(arguments)?;
    if files.is_empty() {
        return Err("check-list: no file given".into());
    }
    let memory = if config.exists() { super::load(&config)? } else { Config::default() }.intel_memory;
    let mut text = String::new();
    for path in files.iter().map(Path::new) {
        let file = File::open(path).map_err(|error| format!("{}: {error}", path.display()))?;
        let mut builder = Builder::new(memory);
        // What the entries are worth doesn't matter here.
        let report = builder
            .add_text("", Policy::Suspect, BufReader::new(file))
            .map_err(|why| format!("{}: {why}", path.display()))?;
        if counts_only {
            text += &format!("{}\n", report.entries);
            continue;
        }
        for warning in &report.warnings {
            text += &format!("{}:{}: {}\n", path.display(), warning.line, warning.why);
        }
        let intel = builder.build().0;
        text += &format!(
            "{}: {} {} in {} bytes, {} {} no sense\n",
            path.display(),
            intel.len(),
            one_or_many(intel.len() as u64, "entry", "entries"),
            intel.bytes(),
            report.bad_lines,
            one_or_many(report.bad_lines.into(), "line that makes", "lines that make"),
        );
    }
    super::show(&text)
}
