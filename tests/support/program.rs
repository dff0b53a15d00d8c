//! Programs that tests write.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// Writes `text` to `path`, to be run by its owner.
///
/// Another process does it: a program that anybody has open for writing can't be run (execve(2), `ETXTBSY`), and
/// whatever process a test beside this one starts has for a moment what is open here.
pub fn write_program(path: &Path, text: &str) {
    let mut writer = Command::new("sh")
        .args(["-c", "cat >\"$1\" && chmod 700 \"$1\"", "sh"])
        .arg(path)
        .stdin(Stdio::piped())
        .spawn()
        .expect("sh starts");
    writer.stdin.take().expect("piped").write_all(text.as_bytes()).expect("it reads its input");
    assert!(writer.wait().expect("it ends").success(), "{}", path.display());
}
