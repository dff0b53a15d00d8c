//! Servers that are known as pools: by the daemon, by the kernel, and no longer.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};

use rustix::process::{Pid, Signal, kill_process};

use crate::daemon::Daemon;
use crate::mining::LOGIN;
use crate::net::{HOME, Net, PATIENCE, SERVERS, connect_from, ip, wait_for, wait_up_to};
use crate::run::WEB;
use crate::session::{Session, is_reset};
use crate::tls::serve;

/// Addresses that a probe may ask, one of each family.
const POOLS: [&str; 2] = ["203.0.113.9", "2001:db8:9::9"];

/// A pool on the internet that listens at one port for as long as the test lasts, and answers every line as a pool
/// does that knows no such miner.
struct Pool {
    at: SocketAddr,
}

impl Pool {
    fn open(net: &Net, server: &str) -> Self {
        let listener = net.internet.inside(|| TcpListener::bind((ip(server), 0))).expect("a port");
        let at = listener.local_addr().expect("an address");
        serve(listener, |stream| {
            let mut writer = stream.try_clone().expect("a descriptor");
            for _ in BufReader::new(stream).lines().map_while(Result::ok) {
                let answer =
                    "{\"id\":1,\"jsonrpc\":\"2.0\",\"error\":null,\"result\":{\"status\":\"KEEPALIVED\"}}\n";
                if writer.write_all(answer.as_bytes()).is_err() {
                    return;
                }
            }
        });
        Pool { at }
    }

    /// One of each family, at addresses that a probe may ask.
    fn both(net: &Net) -> [Self; 2] {
        POOLS.map(|address| {
            net.publish(ip(address));
            Pool::open(net, address)
        })
    }

    /// Connects from home.
    fn connect(&self, net: &Net) -> TcpStream {
        let stream = net.home.inside(|| TcpStream::connect_timeout(&self.at, PATIENCE)).expect("a way there");
        stream.set_read_timeout(Some(PATIENCE)).expect("SO_RCVTIMEO");
        stream
    }

    /// Whether a connection from home is refused, or cut before the pool hears anything.
    fn is_refused(&self, net: &Net) -> bool {
        let Ok(mut client) = net.home.inside(|| TcpStream::connect_timeout(&self.at, PATIENCE)) else {
            return true;
        };
        client.set_read_timeout(Some(PATIENCE)).expect("SO_RCVTIMEO");
        let answered = client.write_all(b"?\n").and_then(|()| client.read(&mut [0; 8]));
        !matches!(answered, Ok(1..))
    }

    /// Mines there, and is cut off for it.
    fn mine(&self, net: &Net) {
        let miner = self.connect(net);
        (&miner).write_all(LOGIN.as_bytes()).expect("it leaves the miner");
        assert!(is_reset(&miner), "{}", self.at);
    }

    /// Mines there, and has it known by that.
    fn be_known(&self, net: &Net) {
        self.mine(net);
        wait_for("the kernel's set", || self.is_in_the_set(net));
    }

    /// Whether the kernel's set has it.
    fn is_in_the_set(&self, net: &Net) -> bool {
        let set = if self.at.is_ipv4() { "pools4" } else { "pools6" };
        let elements = net.router.run(&["nft", "list", "set", "inet", "minewall", set]);
        elements.contains(&format!("{} . {} ", self.at.ip(), self.at.port()))
    }
}

/// A pool that was mined at in the clear, and that answers as one when asked, is refused from then on: the next
/// connection, and by the kernel while there is no daemon. Everything else goes on.
#[test]
fn a_pool_is_known_from_its_first_miner_on() {
    let Some(net) = Net::new() else { return };
    let mut daemon = Daemon::start(&net, "option mode block\n");
    let pools = Pool::both(&net);
    for (pool, home) in pools.iter().zip(HOME) {
        pool.be_known(&net);
        assert!(pool.is_refused(&net), "{}: refused at once", pool.at);
        // The kernel may refuse the second before the engine has the new view; it is told of a later one.
        wait_for("the event of a refusal", || {
            assert!(pool.is_refused(&net), "{}: refused from then on", pool.at);
            daemon.events().lines().any(|line| line.contains(home) && line.contains("\"source\":\"probe\""))
        });
    }
    let list = daemon.command(&["intel", "list", "--json"], "").output;
    assert_eq!(list.lines().count(), 2, "{list}");
    for pool in &pools {
        let entry = format!(
            "\"entry\":\"{}\",\"policy\":\"block\",\"source\":\"probe\",\"dialect\":\"cryptonote\"",
            pool.at
        );
        assert!(list.contains(&entry), "{list}");
    }

    daemon.signal(Signal::KILL);
    daemon.wait();
    for pool in &pools {
        // More than the daemon would have been told of.
        for _ in 0..10 * minewall::limits::KERNEL_TOLD_PER_MINUTE {
            assert!(pool.is_refused(&net), "{}: the kernel refuses without us", pool.at);
        }
    }
    for server in SERVERS {
        Session::open(&net.home, &net.internet, ip(server)).exchange(WEB);
    }
}

/// The file outlives the daemon, the elements the rules.
#[test]
fn a_restart_forgets_nothing() {
    let Some(net) = Net::new() else { return };
    let mut daemon = Daemon::start(&net, "option kernel_block 0\n");
    let pools = Pool::both(&net);
    for pool in &pools {
        pool.mine(&net);
        let entry = format!("{}: block", pool.at);
        wait_for("its answer", || daemon.command(&["intel", "list"], "").output.contains(&entry));
    }
    daemon.restart(&net, Signal::TERM);
    for pool in &pools {
        assert!(pool.is_refused(&net), "{}: by the daemon alone", pool.at);
    }
    daemon.configure("option kernel_block 1\n");
    daemon.signal(Signal::HUP);
    wait_for("the reload", || daemon.log().contains("configuration reloaded"));
    for _ in 0..2 {
        // The service does this whenever the firewall has been loaded anew.
        daemon.load_rules(&net);
        for pool in &pools {
            assert!(pool.is_in_the_set(&net), "{}: it comes with the rules", pool.at);
        }
    }
    // What the kernel refuses is counted, and still told of now and then.
    for _ in 0..10 * minewall::limits::KERNEL_TOLD_PER_MINUTE {
        assert!(pools[0].is_refused(&net));
    }
    wait_for("the count", || {
        let status = daemon.status();
        let count = status.split("\"refused_by_kernel\":").nth(1).and_then(|rest| rest.split('}').next());
        count
            .and_then(|count| count.parse().ok())
            .is_some_and(|count: u32| count >= minewall::limits::KERNEL_TOLD_PER_MINUTE)
    });
    daemon.configure("option mode monitor\n");
    daemon.signal(Signal::HUP);
    wait_for("nothing is refused any more", || pools.iter().all(|pool| !pool.is_in_the_set(&net)));
}

#[test]
fn what_is_unblocked_is_free_at_once() {
    let Some(net) = Net::new() else { return };
    let daemon = Daemon::start(&net, "");
    for pool in Pool::both(&net) {
        pool.be_known(&net);
        let at = pool.at.to_string();
        let check = daemon.command(&["intel", "check", &at], "");
        assert!(
            check.status == 0 && check.output.contains("block, a pool by its own answer"),
            "{}",
            check.output
        );
        assert_eq!(daemon.command(&["unblock", &at], "").status, 0);
        wait_for("the kernel's set", || !pool.is_in_the_set(&net));
        assert!(!pool.is_refused(&net), "{at}");
        assert_eq!(daemon.command(&["intel", "check", &at], "").status, 3);
        assert_eq!(daemon.command(&["unblock", &at], "").status, 3, "nothing is left to forget");
        // Forgotten, not exempt.
        pool.mine(&net);
    }
}

/// An exempt host mines wherever it likes, also where others have been cut off; and a server that the
/// operator exempts is never entered.
#[test]
fn what_is_allowed_goes_before_what_is_known() {
    let Some(net) = Net::new() else { return };
    let daemon = Daemon::start(&net, "");
    let pools = Pool::both(&net);
    for pool in &pools {
        pool.be_known(&net);
    }
    daemon.configure("list allow_host 10.7.1.2\nlist allow_host fd07:1::/64\n");
    daemon.signal(Signal::HUP);
    wait_for("the reload", || daemon.log().contains("configuration reloaded"));
    daemon.load_rules(&net);
    for pool in &pools {
        assert!(pool.is_in_the_set(&net), "{}: else nothing is shown", pool.at);
        let mut miner = pool.connect(&net);
        miner.write_all(LOGIN.as_bytes()).expect("it may");
        let (at, exempt) = (pool.at.to_string(), format!("list allow_endpoint '{}'\n", pool.at));
        daemon.configure(&exempt);
        daemon.signal(Signal::HUP);
        wait_for("it is out of the set", || !pool.is_in_the_set(&net));
        assert!(!pool.is_refused(&net), "{at}");
        let check = daemon.command(&["intel", "check", &at], "").output;
        assert!(check.starts_with(&format!("{at}: allow\n")), "{check}");
        assert_eq!(daemon.command(&["intel", "add", &at], "").status, 4);
        daemon.configure("list allow_host 10.7.1.2\nlist allow_host fd07:1::/64\n");
        daemon.signal(Signal::HUP);
        wait_for("it is back in the set", || pool.is_in_the_set(&net));
    }
}

/// Through a proxy a miner proves nothing about the server that it talks to.
#[test]
fn a_proxy_is_not_taken_for_the_pool() {
    let Some(net) = Net::new() else { return };
    let daemon = Daemon::start(&net, "");
    for (server, home) in SERVERS.into_iter().zip(HOME) {
        let listener = net.internet.inside(|| TcpListener::bind((ip(server), 0))).expect("a port");
        let at = listener.local_addr().expect("an address");
        let others = listener.try_clone().expect("a handle");
        let answering = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("the miner");
            let len = stream.read(&mut [0; 512]).expect("the request");
            stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").expect("it is heard");
            (len, stream)
        });
        let mut miner = net.home.inside(|| TcpStream::connect_timeout(&at, PATIENCE)).expect("a way there");
        miner.set_read_timeout(Some(PATIENCE)).expect("SO_RCVTIMEO");
        miner
            .write_all(b"CONNECT pool.example:3333 HTTP/1.1\r\nHost: pool.example:3333\r\n\r\n")
            .expect("asked");
        let mut answer = [0; 39];
        miner.read_exact(&mut answer).expect("the proxy's answer");
        miner.write_all(LOGIN.as_bytes()).expect("it leaves the miner");
        assert!(is_reset(&miner), "{server}: the session is cut off");
        drop(answering.join().expect("the proxy"));
        wait_for("the event", || daemon.events().contains(home));
        let events = daemon.events();
        assert!(events.contains("\"server_is_pool\":false"), "{events}");
        net.home.inside(|| TcpStream::connect_timeout(&at, PATIENCE)).expect("others use it");
        drop(others);
    }
    assert_eq!(daemon.command(&["intel", "list"], "").output, "nothing is known of any server\n");
}

/// One host says a pool's words to servers that are none: a web server, one that says nothing, one that repeats what
/// it hears, and a private one. It is cut off itself; no other connection is refused, at any time.
#[test]
fn what_one_host_says_blocks_a_server_for_no_other() {
    let Some(net) = Net::new() else { return };
    net.publish(ip("203.0.113.9"));
    let daemon = Daemon::start(&net, "");
    type Answer = fn(&[u8]) -> Vec<u8>;
    let kinds: [(&str, u16, Answer); 6] = [
        ("203.0.113.9", 443, |_| b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n".to_vec()),
        ("203.0.113.9", 5228, |_| Vec::new()),
        ("203.0.113.9", 25565, <[u8]>::to_vec),
        ("203.0.113.9", 3389, |_| b"\x03\0\0\x0b\x06\xd0\0\0\x12\x34\0".to_vec()),
        ("203.0.113.9", 1883, |_| b"\x20\x02\0\x05".to_vec()),
        (SERVERS[0], 8123, |_| Vec::new()),
    ];
    for (server, port, answer) in kinds {
        let at = SocketAddr::new(ip(server), port);
        let listener = net.internet.inside(|| TcpListener::bind(at)).expect("nothing else listens there");
        serve(listener, move |mut stream| {
            let mut heard = [0; 512];
            while let Ok(len @ 1..) = stream.read(&mut heard) {
                if stream.write_all(&answer(&heard[..len])).is_err() {
                    return;
                }
            }
        });
        // The kernel remembers a connection that was cut off for minutes: no other may have its port.
        let from = SocketAddr::new(ip(HOME[0]), 1_700);
        let liar = net.home.inside(|| connect_from(from, at));
        (&liar).write_all(LOGIN.as_bytes()).expect("it leaves the host");
        assert!(is_reset(&liar), "{at}: the session is cut off");
    }
    let asked = || daemon.log().matches("suspected by 10.7.1.2").count();
    // Two of a network at once, and then one after the other.
    wait_up_to(PATIENCE * 6, "two probes", || {
        for (server, port, _) in kinds {
            let at = SocketAddr::new(ip(server), port);
            let other = net.home.inside(|| TcpStream::connect_timeout(&at, PATIENCE));
            assert!(other.is_ok(), "{at} is refused, {:?}: {}", other.err(), daemon.log());
        }
        // Each connection is a descriptor of this process at both ends, for a while.
        std::thread::sleep(std::time::Duration::from_millis(200));
        asked() >= 2
    });
    assert_eq!(daemon.command(&["intel", "list"], "").output, "nothing is known of any server\n");
    assert!(!daemon.log().contains(&format!("probe of {}", SERVERS[0])), "a private server is never asked");
}

/// Another router's suspicion is a reason to ask and to tell; it is blocked for its own answer.
#[test]
fn a_suspect_of_others_is_told_of_and_let_pass() {
    let Some(net) = Net::new() else { return };
    let daemon = Daemon::start(&net, "");
    net.internet.add_address("eth0", "203.0.113.9/24");
    net.router.run(&["ip", "route", "add", "203.0.113.0/24", "via", "10.7.2.2"]);
    let pool = Pool::open(&net, "203.0.113.9");
    let line = format!("{{\"event\":\"intel\",\"entry\":\"{}\",\"policy\":\"block\"}}\n", pool.at);
    assert_eq!(daemon.command(&["intel", "add", "--fleet", "-"], &line).status, 0);
    assert!(!pool.is_refused(&net), "{}", pool.at);
    wait_for("the event", || daemon.events().contains("\"event\":\"suspicion\""));
    let events = daemon.events();
    assert!(events.contains("\"source\":\"intel\"") && events.contains("list fleet"), "{events}");
    // It is asked for that, and then it is no hearsay any more.
    wait_for("its own answer", || pool.is_in_the_set(&net));
}

/// Input may come from everyone who has the broker's password.
#[test]
fn what_others_say_is_taken_as_far_as_it_makes_sense() {
    let Some(net) = Net::new() else { return };
    let daemon = Daemon::start(&net, "list allow_endpoint 203.0.113.7\n");
    let lines = "{\"event\":\"intel\",\"entry\":\"203.0.113.9:3333\",\"policy\":\"block\",\"dialect\":\"cryptonote\"}\n\
        {\"event\":\"detection\",\"server\":\"203.0.113.8:3333\",\"server_is_pool\":true}\n\
        {\"event\":\"detection\",\"server\":\"203.0.113.6:3333\",\"server_is_pool\":false}\n\
        # a comment\n\n\
        {\"event\":\"intel\",\"entry\":\"203.0.113.7:3333\"}\n\
        {\"event\":\"intel\",\"entry\":\"192.168.1.1:443\"}\n\
        {\"event\":\"intel\",\"entry\":\"$(reboot)\"}\n\
        {{{{{{{{\n\
        \u{0}\u{1}\u{2} garbage \u{fffd}\n\
        {\"event\":\"intel\",\"entry\":\"203.0.113.5:3333\",\"policy\":\"allow\"}\n";
    let long = format!("{lines}{}\n203.0.113.4:3333", "x".repeat(100_000));
    let said = daemon.command(&["intel", "add", "--fleet", "--policy", "block", "-"], &long);
    assert_eq!(said.status, 4, "{}", said.errors);
    let list = daemon.command(&["intel", "list", "--json"], "").output;
    let mut entries: Vec<&str> = list
        .lines()
        .map(|line| line.split("\"entry\":\"").nth(1).and_then(|rest| rest.split('"').next()).expect(line))
        .collect();
    entries.sort_unstable();
    assert_eq!(entries, ["203.0.113.4:3333", "203.0.113.5:3333", "203.0.113.8:3333", "203.0.113.9:3333"]);
    assert_eq!(list.matches("\"policy\":\"suspect\",\"source\":\"fleet\"").count(), 4, "{list}");
    assert!(
        said.errors
            .contains("line 6 is passed over: 203.0.113.7:3333: exempt, by the configuration or a list"),
        "{}",
        said.errors
    );
    assert!(
        said.errors.contains("line 7 is passed over: 192.168.1.1:443: no address of the internet"),
        "{}",
        said.errors
    );
    assert!(said.errors.contains("line 12 is passed over: longer than"), "{}", said.errors);
    assert_eq!(daemon.command(&["intel", "remove", "203.0.113.0/24"], "").status, 0);
    assert_eq!(daemon.command(&["intel", "list"], "").output, "nothing is known of any server\n");
}

/// Names are blocked at every address, until they are unblocked.
#[test]
fn a_name_entered_by_hand_is_blocked_until_it_is_unblocked() {
    let Some(net) = Net::new() else { return };
    let mut daemon = Daemon::start(&net, "");
    let ask = |name: &str| {
        let session = Session::open(&net.home, &net.internet, ip(SERVERS[0]));
        let request = format!("GET /news HTTP/1.1\r\nHost: {name}\r\nAccept: text/html\r\n\r\n");
        (&session.client).write_all(request.as_bytes()).expect("it leaves the client");
        let mut heard = vec![0; request.len()];
        (&session.server).read_exact(&mut heard).is_ok()
    };
    assert!(ask("eu.pool.example"));
    assert_eq!(daemon.command(&["intel", "add", "pool.example", "192.0.2.0/24:3333"], "").status, 0);
    assert!(!ask("eu.pool.example") && ask("notpool.example"));
    daemon.restart(&net, Signal::TERM);
    assert!(!ask("pool.example"), "after a restart, too");
    assert_eq!(daemon.command(&["intel", "check", "www.pool.example:80"], "").status, 0);
    assert_eq!(daemon.command(&["intel", "check", "192.0.2.77:3333"], "").status, 0);
    assert_eq!(daemon.command(&["intel", "check", "192.0.2.77:3334"], "").status, 3);
    assert_eq!(daemon.command(&["unblock", "pool.example"], "").status, 0);
    assert!(ask("eu.pool.example"));
    let list = daemon.command(&["intel", "list"], "").output;
    assert!(
        list.starts_with("192.0.2.0/24:3333: block, entered by hand") && list.lines().count() == 1,
        "{list}"
    );
}

/// What a list says is no lesson that could be forgotten, but a person's word goes before it.
#[test]
fn what_a_list_blocks_takes_an_exemption() {
    let Some(net) = Net::new() else { return };
    let daemon = Daemon::start(&net, "");
    const NAME: &str = "pool.supportxmr.com:3333";
    let check = || daemon.command(&["intel", "check", NAME], "").output;
    wait_for("the built-in list", || check().contains("list 'builtin'"));
    assert!(check().starts_with(&format!("{NAME}: block\n")), "{}", check());
    let said = daemon.command(&["unblock", NAME], "");
    assert!(said.status == 4 && said.errors.contains("intel add --policy allow"), "{}", said.errors);
    assert_eq!(daemon.command(&["intel", "add", "--policy", "allow", NAME], "").status, 0);
    assert!(check().starts_with(&format!("{NAME}: allow\n")), "{}", check());
    let json = daemon.command(&["intel", "check", "--json", NAME], "").output;
    assert!(
        json.starts_with(&format!("{{\"subject\":\"{NAME}\",\"policy\":\"allow\",\"reasons\":[")),
        "{json}"
    );
}

/// A file that makes no sense is set aside with one line in the log, and replaced in time.
#[test]
fn a_damaged_file_is_no_obstacle() {
    let Some(net) = Net::new() else { return };
    let mut daemon = Daemon::start(&net, "");
    assert_eq!(daemon.command(&["intel", "add", "203.0.113.1:3333"], "").status, 0);
    let file = daemon.config().reputation_file;
    let text = || std::fs::read_to_string(&file).unwrap_or_default();
    wait_for("the file", || text().contains("203.0.113.1"));
    let text = text();
    std::fs::write(&file, text.replace("203.0.113.1", "203.0.113.2")).expect("written");
    daemon.restart(&net, Signal::KILL);
    assert_eq!(daemon.command(&["intel", "list"], "").output, "nothing is known of any server\n");
    assert_eq!(daemon.log().matches("it is set aside").count(), 1, "{}", daemon.log());
    assert_eq!(daemon.command(&["intel", "add", "203.0.113.3:3333"], "").status, 0);
    wait_for("another file", || {
        std::fs::read_to_string(&file).is_ok_and(|text| text.contains("203.0.113.3"))
    });
}

/// A thousand entries, and a program that follows them and doesn't read: packets don't wait.
#[test]
fn a_flood_of_entries_holds_up_nobody() {
    let Some(net) = Net::new() else { return };
    let daemon = Daemon::start(&net, "");
    let mut sleeper = daemon.start_command(&["events", "--follow", "--share"]);
    let lines: String =
        (1..1_000).map(|number| format!("pool{number}.example:3333\n203.0.113.9:{number}\n")).collect();
    std::thread::scope(|scope| {
        let flood = scope.spawn(|| daemon.command(&["intel", "add", "-"], &lines));
        let mut session = Session::open(&net.home, &net.internet, ip(SERVERS[0]));
        let mut exchanges = 0;
        while !flood.is_finished() || exchanges < 100 {
            session.exchange(b"hello");
            exchanges += 1;
        }
        let said = flood.join().expect("it ends");
        assert_eq!((said.status, said.output.lines().count()), (0, 2 * 999), "{}", said.errors);
    });
    let list = daemon.command(&["intel", "list", "--json"], "").output;
    assert_eq!(list.lines().count(), minewall::limits::REPUTATION_ENTRIES);
    sleeper.kill().expect("it is there");
    sleeper.wait().expect("its end");
}

/// Events and pools are told as they come, to each who follows; the end of the daemon is the end of that.
#[test]
fn who_follows_hears_of_it() {
    let Some(net) = Net::new() else { return };
    let mut daemon = Daemon::start(&net, "");
    let pools = Pool::both(&net);
    pools[0].be_known(&net);
    wait_for("the event", || daemon.events().contains(HOME[0]));
    let mut children = [&["events", "--follow", "--last", "1"][..], &["events", "--follow", "--share"]]
        .map(|arguments| daemon.start_command(arguments));
    let mut streams =
        children.each_mut().map(|child| BufReader::new(child.stdout.take().expect("piped")).lines());
    let mut next = |stream: usize| streams[stream].next().expect("a line").expect("UTF-8");
    assert!(next(0).contains(&format!("\"server\":\"{}\"", pools[0].at)), "the last of the log");
    assert!(next(1).contains(&format!("\"entry\":\"{}\"", pools[0].at)), "what is known already");
    pools[1].mine(&net);
    let event = next(0);
    assert!(event.contains("\"event\":\"detection\"") && event.contains(HOME[1]), "{event}");
    let pool = next(1);
    assert!(pool.contains(&format!("\"entry\":\"{}\"", pools[1].at)), "{pool}");
    for private in ["client", "host", "mac", "wallet", HOME[1], "gaming-pc"] {
        assert!(!pool.contains(private), "{private} is private: {pool}");
    }
    // Someone who has seen enough.
    for signal in [Signal::INT, Signal::TERM] {
        let mut child = daemon.start_command(&["events", "--follow", "--last", "1"]);
        let mut stream = BufReader::new(child.stdout.take().expect("piped")).lines();
        assert!(stream.next().is_some_and(|line| line.is_ok()), "it follows");
        let number = i32::try_from(child.id()).ok().and_then(Pid::from_raw).expect("a process number");
        kill_process(number, signal).expect("it is there");
        let ended = child.wait_with_output().expect("its end");
        assert_eq!((ended.status.code(), &ended.stderr[..]), (Some(0), &b""[..]), "{signal:?}");
    }
    daemon.signal(Signal::KILL);
    daemon.wait();
    for child in children {
        let ended = child.wait_with_output().expect("its end");
        assert_eq!(ended.status.code(), Some(1));
        let said = String::from_utf8_lossy(&ended.stderr);
        assert!(said.contains("the daemon has ended"), "{said}");
    }
    assert_eq!(daemon.command(&["events", "--last", "1"], "").output.lines().count(), 1, "without a daemon");
}
