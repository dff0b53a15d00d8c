//! Which memory a kernel has, found out by having it check a rule.

use std::io::Write;
use std::process::{Command, Stdio};

use super::Memory;

impl Memory {
    /// The best memory of the kernel that this runs on. `nft -c` has the kernel look at the rules without taking
    /// them; where it can't be run, the mark is what every kernel has.
    pub fn of_this_kernel() -> Self {
        if takes(LABELS) { Memory::Labels } else { Memory::Mark }
    }
}

/// Rules that a kernel without labels refuses.
const LABELS: &str = "table inet minewall_test { chain c { ct label set 127; }; }\n";

fn takes(rules: &str) -> bool {
    let child = Command::new("nft")
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .args(["-c", "-f", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let Ok(mut child) = child else { return false };
    let is_written = child.stdin.take().is_some_and(|mut stdin| stdin.write_all(rules.as_bytes()).is_ok());
    child.wait().is_ok_and(|status| status.success()) && is_written
}
