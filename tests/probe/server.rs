//! A server that answers by a table.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Instant as Clock;

use minewall::net::endpoint::Endpoint;
use minewall::probe::transport::Dialler;
use minewall::probe::{Outcome, Target, TlsChoice};
use minewall::util::time::Instant;

/// A server as its answers to what is in a request, the first that fits.
#[derive(Clone, Copy, Debug)]
pub struct Model {
    /// The software.
    pub name: &'static str,
    /// The dialect it must be confirmed with; nothing for what is no pool.
    pub dialect: &'static str,
    /// What it says before it is asked.
    pub greeting: &'static str,
    /// Part of a request, and the answer. `<H>` is a hash; `CLOSE` ends the connection, `BAN` for good;
    /// `ECHO` repeats the request, `KEY` is Stratum V2's;
    /// `WS:` begins a WebSocket message, `HTTP:` the body of a response; nothing is silence.
    pub answers: &'static [(&'static str, &'static str)],
    /// The answer to everything else.
    pub otherwise: &'static str,
}

impl Model {
    /// The bytes of the answer to `request`.
    pub fn answer(&self, request: &[u8]) -> String {
        let text = String::from_utf8_lossy(&unmasked(request)).into_owned();
        let fits = self.answers.iter().find(|(part, _)| text.contains(part));
        fits.map_or(self.otherwise, |(_, answer)| answer).replace("<H>", HASH)
    }
}

/// A running server; it ends when dropped.
pub struct Server {
    pub addr: SocketAddr,
    stop: Arc<AtomicBool>,
    connections: Arc<AtomicUsize>,
    told: Arc<AtomicUsize>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Serves `model`.
    pub fn of(model: Model) -> Self {
        let banned = Arc::new(AtomicBool::new(false));
        let told = Arc::new(AtomicUsize::new(0));
        let count = told.clone();
        let mut server = Server::start(move |stream| {
            if !banned.load(Ordering::Relaxed) && serve(model, stream, &count).is_none() {
                banned.store(true, Ordering::Relaxed);
            }
        });
        server.told = told;
        server
    }

    /// Hands every connection to `serve`, in a thread of its own.
    pub fn start(serve: impl Fn(TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let addr = listener.local_addr().expect("an address");
        let (stop, connections) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let (stopped, count, serve) = (stop.clone(), connections.clone(), Arc::new(serve));
        let thread = thread::spawn(move || {
            for stream in listener.incoming() {
                if stopped.load(Ordering::Relaxed) {
                    return;
                }
                count.fetch_add(1, Ordering::Relaxed);
                let serve = serve.clone();
                // Ends when the probe closes the connection.
                thread::spawn(move || serve(stream.expect("a connection")));
            }
        });
        Server { addr, stop, connections, told: Arc::default(), thread: Some(thread) }
    }

    /// Bytes that a model was told so far.
    pub fn told(&self) -> usize {
        self.told.load(Ordering::Relaxed)
    }

    /// Connections so far.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(self.addr);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Probes `addr`, on a clock that runs slowly: on a busy machine a server that answers takes longer than a probe waits,
/// and what these tests are about is its answer.
pub fn probe(addr: SocketAddr, layer: TlsChoice) -> Outcome {
    const SLOWER: u128 = 3;
    probe_by(addr, layer, SLOWER)
}

/// Probes `addr` in real time.
pub fn probe_in_time(addr: SocketAddr, layer: TlsChoice) -> Outcome {
    probe_by(addr, layer, 1)
}

fn probe_by(addr: SocketAddr, layer: TlsChoice, slower: u128) -> Outcome {
    let target = Target {
        server: Endpoint::new(addr.ip(), addr.port()),
        layer,
        sni: None,
        hints: minewall::probe::hint::Hints::default(),
    };
    let start = Clock::now();
    Dialler::new(0).probe(&target, || Instant::from_micros((start.elapsed().as_micros() / slower) as u64))
}

/// `None` if the client is never to be served again.
fn serve(model: Model, mut stream: TcpStream, told: &AtomicUsize) -> Option<()> {
    let mut buffer = [0; 4_096];
    if !model.greeting.is_empty() {
        say(&mut stream, model.greeting);
    }
    while let Ok(len @ 1..) = stream.read(&mut buffer) {
        told.fetch_add(len, Ordering::Relaxed);
        match model.answer(&buffer[..len]).as_str() {
            "CLOSE" => break,
            "ECHO" => drop(stream.write_all(&buffer[..len])),
            "BAN" => return None,
            "KEY" => {
                let mut key = [0; 234];
                minewall::probe::random(&mut key).expect("random bytes");
                let _ = stream.write_all(&key);
            }
            answer => say(&mut stream, answer),
        }
    }
    Some(())
}

fn say(stream: &mut TcpStream, answer: &str) {
    let message = match answer.strip_prefix("WS:") {
        Some(text) => {
            let mut frame = vec![0x81];
            if text.len() < 126 {
                frame.push(text.len() as u8);
            } else {
                frame.push(126);
                frame.extend((text.len() as u16).to_be_bytes());
            }
            frame.extend(text.bytes());
            frame
        }
        None => match answer.strip_prefix("HTTP:") {
            Some(body) => format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len()),
            None => answer.to_owned(),
        }
        .into_bytes(),
    };
    // The client may have heard enough.
    let _ = stream.write_all(&message);
}

/// The text of a masked WebSocket frame; anything else as it is.
fn unmasked(request: &[u8]) -> Vec<u8> {
    match request {
        [0x81, len, mask @ ..] if *len >= 0x80 && mask.len() >= 4 => {
            let (mask, text) = mask.split_at(4);
            text.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask).collect()
        }
        _ => request.to_vec(),
    }
}

const HASH: &str = "4adf702bfa06ce7aca402261eee1fbe13619bf69ec5b52dbc4144fd3cda1250a";
