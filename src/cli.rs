//! The command line: which command, with which options.
//!
//! Exit statuses: 0 for success, 1 for a command line that is wrong or a file that can't be read,
//! 2 for a capture that was damaged and read as far as it goes.

use std::ffi::OsString;
use std::process::ExitCode;

use pico_args::Arguments;

/// Runs the command that `arguments` ask for (without the program's name).
pub fn run(arguments: Vec<OsString>) -> ExitCode {
    let arguments = Arguments::from_vec(arguments);
    match dispatch(arguments) {
        Ok(status) => status,
        Err(error) => {
            eprintln!("minewall: {error}");
            ExitCode::from(STATUS_UNUSABLE)
        }
    }
}

fn dispatch(mut arguments: Arguments) -> Result<ExitCode, String> {
    if arguments.contains(["-h", "--help"]) {
        print!("{HELP}");
        return Ok(ExitCode::SUCCESS);
    }
    if arguments.contains(["-V", "--version"]) {
        println!("minewall {}", env!("CARGO_PKG_VERSION"));
        return Ok(ExitCode::SUCCESS);
    }
    let command = arguments.subcommand().map_err(|error| error.to_string())?;
    match command.as_deref() {
        #[cfg(feature = "host")]
        Some("replay") => replay(arguments),
        Some(other) => Err(format!("unknown command '{other}'; 'minewall --help' lists them")),
        None => Err(match arguments.finish().first() {
            Some(option) => format!("unknown option '{}'", option.display()),
            None => "no command; 'minewall --help' lists them".into(),
        }),
    }
}

#[cfg(feature = "host")]
fn replay(mut arguments: Arguments) -> Result<ExitCode, String> {
    use minewall::replay::Outcome;
    use minewall::replay::report::Format;
    use std::io;

    let format = if arguments.contains("--json") { Format::Json } else { Format::Table };
    let files = operands(arguments)?;
    if files.is_empty() {
        return Err("replay: no capture file given".into());
    }
    let out = io::BufWriter::new(io::stdout().lock());
    match minewall::replay::run(&files, format, out, io::stderr()) {
        Ok(Outcome::Complete) => Ok(ExitCode::SUCCESS),
        Ok(Outcome::Damaged) => Ok(ExitCode::from(STATUS_DAMAGED)),
        Ok(Outcome::Unreadable) => Ok(ExitCode::from(STATUS_UNUSABLE)),
        // The reader has seen enough, as `head` does.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(ExitCode::SUCCESS),
        Err(error) => Err(format!("replay: standard output: {error}")),
    }
}

/// What is left once the options have been taken; what still looks like an option is one we don't know.
#[cfg(feature = "host")]
fn operands(arguments: Arguments) -> Result<Vec<OsString>, String> {
    let mut operands = arguments.finish();
    let end = operands.iter().position(|operand| operand == "--");
    let looks_like_option = |operand: &&OsString| operand.as_encoded_bytes().starts_with(b"-");
    match operands.iter().take(end.unwrap_or(operands.len())).find(looks_like_option) {
        Some(option) => Err(format!("unknown option '{}'", option.display())),
        None => {
            if let Some(end) = end {
                operands.remove(end);
            }
            Ok(operands)
        }
    }
}

const STATUS_UNUSABLE: u8 = 1;
#[cfg(feature = "host")]
const STATUS_DAMAGED: u8 = 2;

#[cfg(feature = "host")]
const HELP: &str = "\
minewall: a cryptomining firewall that runs on the router itself

usage:
  minewall replay [--json] FILE...   judge every TCP flow of captures (pcap, pcapng)
  minewall --help | --version

exit status: 0 success; 1 wrong command line or unreadable file;
             2 damaged capture, read as far as it goes
";
#[cfg(not(feature = "host"))]
const HELP: &str = "\
minewall: a cryptomining firewall that runs on the router itself

usage:
  minewall --help | --version

exit status: 0 success; 1 wrong command line
";
