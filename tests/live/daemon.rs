//! `minewall run` in the router of a live test.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use minewall::config::{self, Config};
use minewall::intel::reputation::Store;
use rustix::process::{Pid, Signal, kill_process};

use crate::net::{HOME, HOME_MAC, Net, wait_for};

/// The daemon, with a directory of its own for its files.
pub struct Daemon {
    process: Child,
    directory: Directory,
    environment: Environment,
}

/// Variables of its environment.
type Environment = Vec<(&'static str, String)>;

impl Daemon {
    /// Starts it with `options` (lines of the configuration), waits until it holds the queue, and
    /// loads the rules.
    pub fn start(net: &Net, options: &str) -> Self {
        Daemon::start_with(net, options, &Store::default())
    }

    /// The same, with `known` of earlier probes.
    pub fn start_with(net: &Net, options: &str, known: &Store) -> Self {
        Daemon::start_in(net, options, known, &[])
    }

    /// The same, in an environment with these variables.
    pub fn start_in(net: &Net, options: &str, known: &Store, environment: &[(&'static str, String)]) -> Self {
        let mut daemon = Daemon::launch(net, options, known, environment.to_vec());
        daemon.wait_until_ready(net);
        net.load_rules(&daemon.config());
        daemon
    }

    /// Waits until it has its queue and answers.
    pub fn wait_until_ready(&mut self, net: &Net) {
        wait_for("the daemon is ready", || {
            let ended = self.process.try_wait().expect("its own child");
            assert!(ended.is_none(), "the daemon ended: {}", self.log());
            self.holds_queue(net) && UnixStream::connect(self.directory.path("control")).is_ok()
        });
    }

    /// Whether the kernel hands it packets.
    pub fn holds_queue(&self, net: &Net) -> bool {
        self.queues(net) == self.config().queue_numbers().count()
    }

    /// Queues of its numbers that a program has bound.
    fn queues(&self, net: &Net) -> usize {
        let queues = "/proc/thread-self/net/netfilter/nfnetlink_queue";
        let queues = net.router.inside(|| fs::read_to_string(queues)).expect("the kernel's list of queues");
        let bound = |number: u16| {
            queues.lines().any(|line| line.split_whitespace().next() == Some(&number.to_string()))
        };
        self.config().queue_numbers().filter(|&number| bound(number)).count()
    }

    /// Ends it by `signal`, and starts another in its place, with the files that it has left. The rules stay.
    pub fn restart(&mut self, net: &Net, signal: Signal) {
        self.signal(signal);
        self.wait();
        self.restart_after_end(net);
    }

    /// Starts another in the place of one that has ended.
    pub fn restart_after_end(&mut self, net: &Net) {
        // The kernel takes its time to close a socket for a process that was killed.
        wait_for("the queues are free", || self.queues(net) == 0);
        self.process = spawn(net, &self.directory, &self.environment);
        self.wait_until_ready(net);
    }

    /// Starts it and waits for nothing.
    pub fn spawn(net: &Net, options: &str) -> Self {
        Daemon::launch(net, options, &Store::default(), Vec::new())
    }

    fn launch(net: &Net, options: &str, known: &Store, environment: Environment) -> Self {
        let directory = Directory::new();
        directory.configure(options);
        Store::save(&directory.path("learned"), &known.to_body()).expect("a file of the store");
        let process = spawn(net, &directory, &environment);
        Daemon { process, directory, environment }
    }

    /// A file of its own.
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path(name)
    }

    /// Its configuration, as the file has it now.
    pub fn config(&self) -> Config {
        config::load(&self.directory.path("config")).expect("a good configuration").config
    }

    /// Rewrites its configuration; it takes a SIGHUP to be read.
    pub fn configure(&self, options: &str) {
        self.directory.configure(options);
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_raw(self.process_number()).expect("not zero"), signal).expect("it is there");
    }

    /// Waits for its end.
    pub fn wait(&mut self) -> ExitStatus {
        let mut ended = None;
        wait_for("the daemon ends", || {
            ended = self.process.try_wait().expect("its own child");
            ended.is_some()
        });
        ended.expect("it has ended")
    }

    /// What it has said on stderr.
    pub fn log(&self) -> String {
        fs::read_to_string(self.directory.path("log")).expect("its log")
    }

    /// The event log, one JSON object a line.
    pub fn events(&self) -> String {
        fs::read_to_string(self.directory.path("events")).unwrap_or_default()
    }

    /// Its resident memory (proc(5), status, `VmRSS`).
    pub fn resident_kib(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id())).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("as proc(5) says");
        line.split_whitespace().next().and_then(|kib| kib.parse().ok()).expect("a number")
    }

    /// Its process number.
    pub fn process_number(&self) -> i32 {
        // ip(8) has become the daemon by exec(2), so the child's number is the daemon's.
        i32::try_from(self.process.id()).expect("a process number")
    }

    /// Processor time of all its threads, in clock ticks (proc(5), stat, `utime` and `stime`).
    pub fn processor_ticks(&self) -> u64 {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.process.id())).expect("it runs");
        let fields = stat.rsplit(')').next().expect("a name in parentheses").split_whitespace();
        fields.skip(11).take(2).map(|ticks| ticks.parse::<u64>().expect("a number")).sum()
    }

    /// `minewall status --json`.
    pub fn status(&self) -> String {
        let said = self.command(&["status", "--json"], "");
        assert_eq!(said.status, 0, "{}", said.errors);
        said.output
    }

    /// A configuration by which commands speak to this daemon.
    pub fn config_path(&self) -> PathBuf {
        self.directory.path("asking")
    }

    /// Runs `minewall` with `arguments`, which speaks to this daemon, and with `input`.
    pub fn command(&self, arguments: &[&str], input: &str) -> Said {
        let mut child = self.start_command(arguments);
        child.stdin.take().expect("piped").write_all(input.as_bytes()).expect("it reads its input");
        let output = child.wait_with_output().expect("it ends");
        Said {
            status: output.status.code().expect("no signal ends it"),
            output: String::from_utf8(output.stdout).expect("UTF-8"),
            errors: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Starts `minewall` with `arguments`, for as long as it lasts.
    pub fn start_command(&self, arguments: &[&str]) -> Child {
        // With a file of its own: the daemon's is bad in some tests.
        Command::new(MINEWALL)
            .args(arguments)
            .arg("--config")
            .arg(self.directory.path("asking"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("minewall starts")
    }

    /// Loads the rules as the service does, by the command.
    pub fn load_rules(&self, net: &Net) {
        let config = self.directory.path("config");
        let rules =
            Command::new(MINEWALL).args(["rules", "--variant", "iptables", "--config"]).arg(config).output();
        net.router.script(&String::from_utf8(rules.expect("minewall starts").stdout).expect("UTF-8"));
    }
}

/// Queues of a daemon whose test doesn't say how many: one, or as many as the environment says.
pub fn queues() -> usize {
    let number = std::env::var("MINEWALL_LIVE_QUEUES").ok();
    number.map_or(1, |number| number.parse().expect("MINEWALL_LIVE_QUEUES is a number"))
}

/// What a command has said.
pub struct Said {
    pub status: i32,
    pub output: String,
    pub errors: String,
}

fn spawn(net: &Net, directory: &Directory, environment: &Environment) -> Child {
    let log = File::options().create(true).append(true).open(directory.path("log")).expect("a log file");
    net.router
        .command(MINEWALL)
        .args(["run", "--config"])
        .arg(directory.path("config"))
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .expect("ip(8) starts")
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A directory of the test's own.
pub struct Directory(PathBuf);

impl Directory {
    pub fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("minewall-{}-{number}", std::process::id()));
        fs::create_dir(&path).expect("a directory of our own");
        Directory(path)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn configure(&self, options: &str) {
        let [control, events, leases, probes, learned, hosts] =
            ["control", "events", "leases", "probes", "learned", "hosts"].map(|name| self.path(name));
        let paths = format!(
            "config minewall 'main'\noption control_socket '{}'\noption event_log '{}'\nlist leases_file '{}'\noption probe_cache '{}'\noption learn_file '{}'\noption hosts_file '{}'\n",
            control.display(),
            events.display(),
            leases.display(),
            probes.display(),
            learned.display(),
            hosts.display()
        );
        // dnsmasq's: expiry, MAC, address, name, client id.
        let lease = format!("1790000000 {HOME_MAC} {} gaming-pc *\n", HOME[0]);
        fs::write(leases, lease).expect("a leases file");
        fs::write(self.path("asking"), &paths).expect("a configuration file");
        // At the end: some tests count lines.
        let queues = match options.contains("option queues") {
            true => String::new(),
            false => format!("option queues '{}'\n", queues()),
        };
        fs::write(self.path("config"), paths + options + &queues).expect("a configuration file");
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

const MINEWALL: &str = env!("CARGO_BIN_EXE_minewall");
