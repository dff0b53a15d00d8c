//! Sessions in TLS across the network of a live test: socat at both ends.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::thread;

use crate::namespace::Namespace;
use crate::net::{Net, wait_for};
use crate::tls_end::{Certificate, TlsEnd};

/// Hands every connection of `listener` to `serve`, in a thread of its own, until the test's process ends.
pub fn serve(listener: TcpListener, serve: impl Fn(TcpStream) + Clone + Send + 'static) {
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let serve = serve.clone();
            thread::spawn(move || serve(stream));
        }
    });
}

/// Lets those through to `inner` who send `name` (RFC 6066 section 3), and nobody else: many servers at one
/// address are told apart like this.
fn doorman(name: &'static str, inner: SocketAddr) -> impl Fn(TcpStream) + Clone + Send + 'static {
    move |mut outer| {
        let mut hello = [0; 2_048];
        let Ok(len) = outer.peek(&mut hello) else { return };
        if !hello[..len].windows(name.len()).any(|part| part == name.as_bytes()) {
            return;
        }
        let mut server = TcpStream::connect(inner).expect("it listens");
        for end in [&outer, &server] {
            end.set_nodelay(true).expect("TCP_NODELAY");
        }
        let (mut from_server, mut to_client) =
            (server.try_clone().expect("a descriptor"), outer.try_clone().expect("a descriptor"));
        let back = thread::spawn(move || {
            let _ = io::copy(&mut from_server, &mut to_client);
            let _ = to_client.shutdown(Shutdown::Both);
        });
        let _ = io::copy(&mut outer, &mut server);
        let _ = server.shutdown(Shutdown::Both);
        let _ = back.join();
    }
}

/// A server in TLS on the internet.
pub struct TlsServer {
    /// Where it listens.
    pub addr: SocketAddr,
    _end: TlsEnd,
}

impl TlsServer {
    /// Serves those who ask for `name` at `addr`, with what `model` does to the words inside.
    pub fn start(
        net: &Net,
        addr: SocketAddr,
        name: &'static str,
        model: impl Fn(TcpStream) + Clone + Send + 'static,
    ) -> Self {
        static NUMBER: AtomicU16 = AtomicU16::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let certificate = Certificate::make(&format!("live-{number}"), &EC).expect("openssl starts");
        let inner = net.internet.inside(|| TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).expect("a port");
        let inner_addr = inner.local_addr().expect("an address");
        serve(inner, model);
        let door = net.internet.inside(|| TcpListener::bind(addr)).expect("the port is free");
        // Of a kind that the kernel hands to nobody: with one of its own choice, whoever looks whether anybody
        // listens there may be connected to itself.
        let wrapped = SocketAddr::from((Ipv4Addr::LOCALHOST, 5_000 + number));
        let socat = net.internet.command("socat");
        let mut end = TlsEnd::socat(socat, certificate, wrapped, inner_addr).expect("ip(8) starts");
        wait_for("the server listens", || {
            let ended = end.ended();
            assert!(ended.is_none(), "socat ended: {ended:?}");
            net.internet.inside(|| TcpStream::connect(wrapped)).is_ok()
        });
        // Threads stand where the one that made them does.
        net.internet.inside(|| serve(door, doorman(name, wrapped)));
        TlsServer { addr, _end: end }
    }
}

const EC: [&str; 3] = ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"];

/// A client's end of a session in TLS.
pub struct TlsClient {
    process: Child,
    say: ChildStdin,
    hear: BufReader<ChildStdout>,
}

impl TlsClient {
    /// Connects from `from` to the server called `name`.
    pub fn connect(from: &Namespace, to: SocketAddr, name: &str) -> Self {
        let mut process = from
            .command("socat")
            .args(["-", &format!("OPENSSL:{to},verify=0,nodelay,snihost={name}")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("ip(8) starts");
        let say = process.stdin.take().expect("piped");
        let hear = BufReader::new(process.stdout.take().expect("piped"));
        TlsClient { process, say, hear }
    }

    /// Says a line; `None` once the session is over.
    pub fn say(&mut self, line: &str) -> Option<()> {
        self.say.write_all(line.as_bytes()).and_then(|()| self.say.flush()).ok()
    }

    /// The next line of the server; `None` once the session is over.
    pub fn hear(&mut self) -> Option<String> {
        let mut line = String::new();
        self.hear.read_line(&mut line).ok().filter(|len| *len > 0).map(|_| line)
    }
}

impl Drop for TlsClient {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
