//! A network namespace of a test's own: under a name of its own, gone when dropped.

use std::io::Write;
use std::os::fd::AsFd;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

/// A network namespace.
pub struct Namespace {
    name: String,
}

impl Namespace {
    /// A fresh one, or why this machine can't have any.
    pub fn new(role: &str) -> Result<Self, String> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        for tool in ["ip", "nft", "iptables-nft", "ip6tables-nft"] {
            if Command::new(tool).arg("-V").stdout(Stdio::null()).stderr(Stdio::null()).status().is_err() {
                return Err(format!("no '{tool}' on this machine"));
            }
        }
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("mw-{}-{number}-{role}", std::process::id());
        let made =
            Command::new("ip").args(["netns", "add", &name]).output().map_err(|error| error.to_string())?;
        if !made.status.success() {
            return Err(format!("no network namespace: {}", String::from_utf8_lossy(&made.stderr).trim()));
        }
        let namespace = Namespace { name };
        namespace.run(&["ip", "link", "set", "lo", "up"]);
        Ok(namespace)
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A command to run inside.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name, program]);
        command
    }

    /// Runs a command inside; its output. Panics with the whole story if it fails.
    pub fn run(&self, command: &[&str]) -> String {
        let [program, arguments @ ..] = command else { panic!("no program") };
        let output = self.command(program).args(arguments).output().expect("ip(8) starts");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: {command:?}: {errors}", self.name);
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Packets of the first counter in what nft lists of `object`: a table, a chain, or a counter with a name.
    pub fn counted(&self, object: &[&str]) -> u64 {
        let text = self.run(&[&["nft", "list"], object].concat());
        let number = text.split("packets ").nth(1).and_then(|rest| rest.split(' ').next());
        number.and_then(|number| number.parse().ok()).expect("a counter")
    }

    /// Gives `device` an address, written with the length of its network. It is one to bind at once: the kernel
    /// calls an IPv6 address tentative until a worker of its own has looked at it, even where it detects no
    /// duplicates.
    pub fn add_address(&self, device: &str, address: &str) {
        let no_detection: &[&str] = if address.contains(':') { &["nodad"] } else { &[] };
        self.run(&[&["ip", "address", "add", address, "dev", device], no_detection].concat());
    }

    /// Runs a shell script inside; panics if it fails.
    pub fn script(&self, text: &str) {
        let (success, errors) = feed(self.command("sh").arg("-s"), text);
        assert!(success, "{}: {errors}\n{text}", self.name);
    }

    /// Runs `body` on a thread of its own inside: sockets it opens stand here, wherever they are
    /// used later, and `/proc/thread-self/net` is this namespace's. Panics where `body` does.
    pub fn inside<T: Send>(&self, body: impl FnOnce() -> T + Send) -> T {
        let file = std::fs::File::open(format!("/run/netns/{}", self.name)).expect("it has a file");
        std::thread::scope(|scope| {
            let enter_and_run = || {
                move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network)).expect("setns(2)");
                body()
            };
            scope.spawn(enter_and_run).join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    /// Whether nft accepts `text` inside.
    pub fn try_nft(&self, text: &str) -> bool {
        feed(self.command("nft").args(["-f", "-"]), text).0
    }

    /// Whether `program`, inside, is content with `text` on its standard input.
    pub fn accepts(&self, program: &str, text: &str) -> bool {
        feed(&mut self.command(program), text).0
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        // Its devices, rules and connections go with it. Processes inside are their owners' to end.
        let _ = Command::new("ip").args(["netns", "del", &self.name]).status();
    }
}

fn feed(command: &mut Command, text: &str) -> (bool, String) {
    let mut child: Child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("ip(8) starts");
    child.stdin.take().expect("piped").write_all(text.as_bytes()).expect("it reads its input");
    let output = child.wait_with_output().expect("it ends");
    (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
}
