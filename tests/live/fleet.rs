//! Two routers and a broker between them: a pool that is found at one house is blocked at the other.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::daemon::Daemon;
use crate::mining::LOGIN;
use crate::namespace::Namespace;
use crate::net::{Net, PATIENCE, or_skip, wait_for};
use crate::program::write_program;
use crate::session::is_reset;
use crate::tls::serve;

/// An address that means the same everywhere, unlike those of the houses.
const POOL: &str = "203.0.113.9:3333";

/// mosquitto, with TLS and passwords, and a link to each house.
struct Broker {
    _namespace: Namespace,
    process: Child,
    directory: PathBuf,
}

impl Broker {
    /// Starts it, where it is installed.
    fn start(houses: [&Net; 2]) -> Option<Self> {
        for tool in ["mosquitto", "mosquitto_pub", "mosquitto_sub", "mosquitto_passwd", "openssl", "busybox"]
        {
            let found = Command::new("sh").args(["-c", &format!("command -v {tool}")]).output();
            if !found.is_ok_and(|found| found.status.success()) {
                return or_skip(Err(format!("no '{tool}' on this machine")));
            }
        }
        let namespace = or_skip(Namespace::new("broker"))?;
        for (number, house) in houses.into_iter().enumerate() {
            let (device, subnet) = (format!("house{number}"), format!("10.8.{number}"));
            let peer = ["type", "veth", "peer", "name", "broker0", "netns", house.router.name()];
            namespace.run(&[&["ip", "link", "add", &device][..], &peer[..]].concat());
            namespace.add_address(&device, &format!("{subnet}.1/24"));
            namespace.run(&["ip", "link", "set", &device, "up"]);
            house.router.add_address("broker0", &format!("{subnet}.2/24"));
            house.router.run(&["ip", "link", "set", "broker0", "up"]);
        }
        let directory = std::env::temp_dir().join(format!("minewall-broker-{}", std::process::id()));
        fs::create_dir_all(&directory).expect("a directory of our own");
        let at = |name: &str| directory.join(name).display().to_string();
        let script = format!(
            "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=broker \
             -addext subjectAltName=IP:10.8.0.1,IP:10.8.1.1 -keyout {key} -out {cert} && \
             mosquitto_passwd -c -b {passwords} house0 'se cret\"0' && mosquitto_passwd -b {passwords} house1 pass1",
            key = at("key"),
            cert = at("cert"),
            passwords = at("passwords")
        );
        namespace.script(&script);
        let rights = "user house0\ntopic write minewall/house0\ntopic read minewall/+\n\
                      user house1\ntopic write minewall/house1\ntopic read minewall/+\n";
        fs::write(directory.join("rights"), rights).expect("written");
        let config = format!(
            "listener 8883\ncertfile {}\nkeyfile {}\nallow_anonymous false\npassword_file {}\nacl_file {}\nuser root\nlog_type all\n",
            at("cert"),
            at("key"),
            at("passwords"),
            at("rights")
        );
        fs::write(directory.join("config"), config).expect("written");
        let log = fs::File::create(directory.join("log")).expect("a log file");
        let process = namespace
            .command("mosquitto")
            .args(["-c", &at("config")])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("ip(8) starts");
        let address: SocketAddr = "10.8.0.1:8883".parse().expect("an address");
        let broker = Broker { _namespace: namespace, process, directory };
        wait_for("the broker listens", || {
            houses[0]
                .router
                .inside(|| TcpStream::connect_timeout(&address, Duration::from_millis(200)))
                .is_ok()
        });
        Some(broker)
    }

    fn log(&self) -> String {
        fs::read_to_string(self.directory.join("log")).unwrap_or_default()
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// `minewall-fleet` as the service starts it, one process each way.
struct Glue {
    processes: Vec<Child>,
}

impl Glue {
    /// Starts it at `house`, whose section 'fleet' has `options`.
    fn start(house: &Net, daemon: &Daemon, directory: &Path, options: &str) -> Self {
        fs::create_dir_all(directory).expect("a directory of our own");
        fs::write(directory.join("options"), options).expect("written");
        let executable = |name: &str, text: String| write_program(&directory.join(name), &text);
        let options = directory.join("options").display().to_string();
        executable("uci", format!("#!/bin/sh\nsed -n \"s/^${{3##*.}} //p\" {options} | grep .\n"));
        let (program, config) = (env!("CARGO_BIN_EXE_minewall"), daemon.config_path());
        executable("minewall", format!("#!/bin/sh\nexec {program} \"$@\" --config {}\n", config.display()));
        let _ = symlink("/usr/bin/busybox", directory.join("sh"));
        let glue = concat!(env!("CARGO_MANIFEST_DIR"), "/openwrt/minewall/files/fleet/minewall-fleet");
        let path = format!("{}:{}", directory.display(), std::env::var("PATH").expect("a path"));
        let processes = ["publish", "subscribe"].map(|way| {
            let log = fs::File::create(directory.join(way)).expect("a log file");
            let mut command = house.router.command("busybox");
            command
                .args(["sh", glue, way])
                .env("PATH", &path)
                .env("MINEWALL_FLEET_DIR", directory.join("run"));
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().expect("ip(8) starts")
        });
        Glue { processes: processes.into() }
    }
}

impl Drop for Glue {
    fn drop(&mut self) {
        for process in &mut self.processes {
            // As procd does; the script takes its programs along.
            let number = i32::try_from(process.id()).ok().and_then(Pid::from_raw).expect("a process number");
            let _ = kill_process(number, Signal::TERM);
            let _ = process.wait();
        }
    }
}

/// Puts the pool on the internet behind `house`. It answers all that it hears as a pool does.
fn pool_behind(house: &Net) {
    let address = format!("{}/24", POOL.split(':').next().expect("an address"));
    house.internet.add_address("eth0", &address);
    house.router.run(&["ip", "route", "add", "203.0.113.0/24", "via", "10.7.2.2"]);
    let listener = house.internet.inside(|| TcpListener::bind(POOL)).expect("the address is free");
    serve(listener, |mut stream| {
        let answer = "{\"id\":1,\"jsonrpc\":\"2.0\",\"error\":null,\"result\":{\"status\":\"KEEPALIVED\"}}\n";
        while stream.read(&mut [0; 512]).is_ok_and(|len| len > 0) {
            let _ = stream.write_all(answer.as_bytes());
        }
    });
}

/// Whether a host at home is refused there, or cut before the pool hears anything.
fn is_refused(house: &Net) -> bool {
    let address = POOL.parse().expect("an address");
    let Ok(mut client) = house.home.inside(|| TcpStream::connect_timeout(&address, PATIENCE)) else {
        return true;
    };
    client.set_read_timeout(Some(PATIENCE)).expect("SO_RCVTIMEO");
    let answered = client.write_all(b"?").and_then(|()| client.read(&mut [0; 8]));
    !matches!(answered, Ok(1..))
}

#[test]
fn a_pool_found_at_one_house_is_blocked_at_the_other() {
    let (Some(one), Some(other)) = (Net::new(), Net::new()) else { return };
    let Some(broker) = Broker::start([&one, &other]) else { return };
    let daemons = [&one, &other].map(|house| Daemon::start(house, "option mode block\n"));
    [&one, &other].into_iter().for_each(pool_behind);
    let cert = broker.directory.join("cert");
    let directories = [0, 1].map(|number| broker.directory.join(format!("house{number}")));
    let options = |number: usize, password: &str| {
        format!(
            "host 10.8.{number}.1\nusername house{number}\npassword {password}\nnode house{number}\ncafile {}\npolicy block\n",
            cert.display()
        )
    };
    let _glue = [
        Glue::start(&one, &daemons[0], &directories[0], &options(0, "se cret\"0")),
        Glue::start(&other, &daemons[1], &directories[1], &options(1, "pass1")),
    ];
    wait_for("both listen to the broker", || {
        let log = broker.log();
        let publishes = |house: &str| log.contains(&format!(" as minewall-{house}-pub "));
        let listens = |house: &str| log.contains(&format!("minewall-{house}-sub 1 minewall/+"));
        ["house0", "house1"].iter().all(|house| publishes(house) && listens(house))
    });
    assert!(!is_refused(&other), "the pool is not known yet");

    let address: SocketAddr = POOL.parse().expect("an address");
    let miner = one.home.inside(|| TcpStream::connect_timeout(&address, PATIENCE)).expect("a way there");
    miner.set_read_timeout(Some(PATIENCE)).expect("SO_RCVTIMEO");
    let start = Instant::now();
    (&miner).write_all(LOGIN.as_bytes()).expect("it leaves the miner");
    assert!(is_reset(&miner), "the first house");
    wait_for("the second house", || is_refused(&other));
    println!("found at one house, blocked at the other {} ms later", start.elapsed().as_millis());

    let list = |house: usize| daemons[house].command(&["intel", "list", "--json"], "").output;
    let entry = |source: &str| {
        format!(
            "\"entry\":\"{POOL}\",\"policy\":\"block\",\"source\":\"{source}\",\"dialect\":\"cryptonote\""
        )
    };
    assert!(list(0).contains(&entry("probe")) && list(0).lines().count() == 1, "{}", list(0));
    // What the first house says makes a suspect; the pool's own answer to the second makes a pool.
    assert!(list(1).contains(&entry("probe")), "{}", list(1));
    // The second house knows by whom it was told, and that the first is there.
    wait_for("the first house is heard", || {
        daemons[1].status().contains("\"fleet\":[{\"router\":\"house0\"")
    });
    let status = daemons[1].command(&["status"], "").output;
    assert!(status.contains("router     house0: last heard 20"), "{status}");
    let lines = "minewall/cabin {\"event\":\"intel\",\"entry\":\"198.51.100.9:3333\"}\nminewall/cabin {\"event\":\"router\"}\n";
    let said = daemons[1].command(&["intel", "add", "--fleet", "--topics", "-"], lines);
    assert_eq!(said.status, 0, "{}", said.errors);
    let listed = daemons[1].command(&["intel", "list"], "").output;
    assert!(listed.contains("198.51.100.9:3333") && listed.contains("told by cabin"), "{listed}");
    let cabin = "\"messages\":2,\"taken\":1,\"refused\":0";
    assert!(daemons[1].status().contains(cabin), "{}", daemons[1].status());
    // The broker's word ends where the household's begins.
    assert_eq!(daemons[1].command(&["intel", "add", "--policy", "allow", POOL], "").status, 0);
    assert!(!is_refused(&other));
    let again = format!("{{\"event\":\"intel\",\"entry\":\"{POOL}\"}}\n");
    let said = daemons[1].command(&["intel", "add", "--fleet", "--policy", "block", "-"], &again);
    assert!(said.status == 4 && said.errors.contains("exempt"), "{}", said.errors);
    assert!(!is_refused(&other));
    let secrets = fs::metadata(directories[0].join("run/mosquitto_pub")).expect("the client's options");
    assert_eq!(secrets.permissions().mode() & 0o077, 0, "the password is private");
}
