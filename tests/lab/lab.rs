//! The other side of the demonstration and of the benchmark: a small pool, a small miner, a small
//! web server and its visitor. Standard library only; not installed anywhere.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

const USAGE: &str = "\
usage:
  lab pool ADDR:PORT                 a CryptoNote pool; prints what miners tell it
  lab miner ADDR:PORT                logs in, prints what became of it
  lab web ADDR:PORT                  a web server: GET /N answers N megabytes; connections are kept if asked
  lab fetch ADDR:PORT MEGABYTES      downloads, prints the rate in Mbit/s
  lab visit ADDR:PORT SECONDS        a connection a request; prints connections a second, and the microseconds from
                                     the first packet to the answer (median, 99th percentile)
  lab kept ADDR:PORT SECONDS         requests on one connection; prints the same of requests
  lab names ADDR:PORT                a name server that knows one address
  lab resolve ADDR:PORT SECONDS      asks it; prints the same of questions
  lab echo ADDR:PORT                 repeats what it is told
  lab ping ADDR:PORT SECONDS         short questions to that; prints the microseconds until the answer (median,
                                     99th and 99.9th percentile), the number of questions, and the longest
  lab crowd ADDR:PORT COUNT          so many connections, each with the beginning of a miner's message
  lab suspects ADDR:PORT SECONDS     every second, short encrypted sessions with the next port, until stage
                                     one has reason to suspect them
";

/// How long any one step may take.
const PATIENCE: Duration = Duration::from_secs(60);

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments[..] {
        ["pool", addr] => serve(addr, pool),
        ["miner", addr] => miner(addr),
        ["web", addr] => serve(addr, web),
        ["fetch", addr, megabytes] => fetch(addr, megabytes),
        ["visit", addr, seconds] => visit(addr, seconds),
        ["kept", addr, seconds] => kept(addr, seconds),
        ["names", addr] => names(addr),
        ["resolve", addr, seconds] => resolve(addr, seconds),
        ["echo", addr] => serve(addr, echo),
        ["ping", addr, seconds] => ping(addr, seconds),
        ["crowd", addr, count] => crowd(addr, count),
        ["suspects", addr, seconds] => suspects(addr, seconds),
        _ => Err(io::Error::other(USAGE)),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("lab: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Accepts until it is ended; every connection has a thread.
fn serve(addr: &str, session: fn(TcpStream, SocketAddr) -> io::Result<()>) -> io::Result<()> {
    let listener = TcpListener::bind(addr)?;
    println!("listening on {addr}");
    loop {
        let (stream, peer) = listener.accept()?;
        thread::spawn(move || match session(stream, peer) {
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => println!("a client was reset"),
            _ => {}
        });
    }
}

/// `peer` as `accept` told it: a connection that is reset by now has no peer to ask for any more.
fn pool(stream: TcpStream, peer: SocketAddr) -> io::Result<()> {
    println!("a client connects from {}", peer.ip());
    for line in BufReader::new(stream.try_clone()?).lines() {
        println!("the pool hears: {}", line?);
        (&stream).write_all(JOB)?;
    }
    Ok(())
}

fn miner(addr: &str) -> io::Result<()> {
    let stream = connect(addr)?;
    (&stream).write_all(LOGIN)?;
    let mut answer = String::new();
    match BufReader::new(&stream).read_line(&mut answer) {
        Ok(0) => println!("the pool closed the connection"),
        Ok(_) => println!("a job! {}", answer.trim_end()),
        Err(error) if error.kind() == io::ErrorKind::ConnectionReset => println!("connection reset"),
        Err(error) => println!("no answer: {error}"),
    }
    Ok(())
}

fn web(mut stream: TcpStream, _: SocketAddr) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream.try_clone()?);
    loop {
        let mut request = String::new();
        if reader.read_line(&mut request)? == 0 {
            return Ok(());
        }
        let (mut header, mut is_kept) = (String::new(), false);
        while reader.read_line(&mut header)? > 2 {
            is_kept |= header.trim_end() == "Connection: keep-alive";
            header.clear();
        }
        let megabytes = request.split([' ', '/']).find_map(|word| word.parse::<usize>().ok()).unwrap_or(0);
        let len = megabytes << 20;
        let connection = if is_kept { "keep-alive" } else { "close" };
        // In one piece, as programs write heads.
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {len}\r\nConnection: {connection}\r\n\r\n");
        stream.write_all(head.as_bytes())?;
        let block = [b'.'; 1 << 16];
        for _ in 0..len / block.len() {
            stream.write_all(&block)?;
        }
        if !is_kept {
            return Ok(());
        }
    }
}

fn fetch(addr: &str, megabytes: &str) -> io::Result<()> {
    let start = Instant::now();
    let received = request(addr, megabytes)?;
    println!("{:.0}", received as f64 * 8.0 / 1e6 / start.elapsed().as_secs_f64());
    Ok(())
}

fn visit(addr: &str, seconds: &str) -> io::Result<()> {
    timed(seconds, || request(addr, "0").map(drop))
}

fn kept(addr: &str, seconds: &str) -> io::Result<()> {
    let mut stream = connect(addr)?;
    let mut reader = BufReader::new(stream.try_clone()?);
    timed(seconds, || {
        let asked =
            b"GET /0 HTTP/1.1\r\nHost: web.example\r\nUser-Agent: lab\r\nConnection: keep-alive\r\n\r\n";
        stream.write_all(asked)?;
        let mut line = String::new();
        while reader.read_line(&mut line)? > 2 {
            line.clear();
        }
        Ok(())
    })
}

/// Answers every question with 203.0.113.80.
fn names(addr: &str) -> io::Result<()> {
    let socket = UdpSocket::bind(addr)?;
    println!("listening on {addr}");
    let mut buffer = [0; 512];
    loop {
        let (len, from) = socket.recv_from(&mut buffer)?;
        let mut answer = buffer[..len].to_vec();
        // A response with one answer (RFC 1035 section 4.1): a pointer to the question's name, A, IN, a minute.
        answer[2..4].copy_from_slice(&[0x81, 0x80]);
        answer[7] = 1;
        answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 203, 0, 113, 80]);
        socket.send_to(&answer, from)?;
    }
}

fn resolve(addr: &str, seconds: &str) -> io::Result<()> {
    const QUESTION: &[u8] =
        b"\x00\x07\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x03www\x07example\x00\x00\x01\x00\x01";
    timed(seconds, || {
        // A port for each question, as resolvers have it.
        let socket = UdpSocket::bind("0.0.0.0:0")?;
        socket.set_read_timeout(Some(PATIENCE))?;
        socket.send_to(QUESTION, addr)?;
        socket.recv(&mut [0; 512]).map(drop)
    })
}

/// Does `once` again and again for `seconds`; prints times a second, and median and 99th percentile in microseconds.
fn timed(seconds: &str, mut once: impl FnMut() -> io::Result<()>) -> io::Result<()> {
    let limit = Duration::from_secs(seconds.parse().map_err(io::Error::other)?);
    let start = Instant::now();
    let mut micros = Vec::new();
    while start.elapsed() < limit {
        let begin = Instant::now();
        once()?;
        micros.push(begin.elapsed().as_micros());
    }
    let rate = micros.len() as f64 / start.elapsed().as_secs_f64();
    micros.sort_unstable();
    let at = |hundredth: usize| micros[(micros.len() - 1) * hundredth / 100];
    println!("{rate:.0} {} {}", at(50), at(99));
    Ok(())
}

fn echo(mut stream: TcpStream, _: SocketAddr) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = [0; 64];
    loop {
        match stream.read(&mut buffer)? {
            0 => return Ok(()),
            len => stream.write_all(&buffer[..len])?,
        }
    }
}

fn ping(addr: &str, seconds: &str) -> io::Result<()> {
    let limit = Duration::from_secs(seconds.parse().map_err(io::Error::other)?);
    let start = Instant::now();
    let mut micros = Vec::new();
    while start.elapsed() < limit {
        let mut stream = connect(addr)?;
        // So few that nothing is decided of the connection, and every packet goes through the queue.
        for _ in 0..3 {
            let asked = Instant::now();
            stream.write_all(b"ping")?;
            stream.read_exact(&mut [0; 4])?;
            micros.push(asked.elapsed().as_micros());
            thread::sleep(Duration::from_micros(200));
        }
    }
    micros.sort_unstable();
    let at = |thousandth: usize| micros[(micros.len() - 1) * thousandth / 1_000];
    println!("{} {} {} {} {}", at(500), at(990), at(999), micros.len(), at(1_000));
    Ok(())
}

fn crowd(addr: &str, count: &str) -> io::Result<()> {
    for _ in 0..count.parse().map_err(io::Error::other)? {
        let mut stream = connect(addr)?;
        stream.write_all(b"{\"id\":1,\"method\":\"mining.subscribe\",\"params\":[\"cpuminer/2.5.1\",")?;
        // Repeated by the server: it has passed the queue.
        stream.read_exact(&mut [0; 16])?;
    }
    Ok(())
}

fn suspects(addr: &str, seconds: &str) -> io::Result<()> {
    /// More than it takes to look like a miner that asks for work again and again.
    const SESSIONS: usize = 28;
    let first: SocketAddr = addr.parse().map_err(io::Error::other)?;
    let start = Instant::now();
    for second in 0..seconds.parse().map_err(io::Error::other)? {
        let mut server = first;
        server.set_port(first.port() + second);
        for _ in 0..SESSIONS {
            connect(&server.to_string())?.write_all(CLIENT_HELLO)?;
            thread::sleep(Duration::from_millis(2));
        }
        thread::sleep(Duration::from_secs(1 + u64::from(second)).saturating_sub(start.elapsed()));
    }
    Ok(())
}

fn request(addr: &str, path: &str) -> io::Result<usize> {
    let mut stream = connect(addr)?;
    // In one piece, as programs write requests.
    let request = format!("GET /{path} HTTP/1.1\r\nHost: web.example\r\nUser-Agent: lab\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut received = 0;
    let mut block = vec![0; 1 << 17];
    loop {
        match stream.read(&mut block)? {
            0 => break,
            len => received += len,
        }
    }
    stream.shutdown(Shutdown::Both).ok();
    Ok(received)
}

fn connect(addr: &str) -> io::Result<TcpStream> {
    let addr: SocketAddr = addr.parse().map_err(io::Error::other)?;
    let stream = TcpStream::connect_timeout(&addr, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// As XMRig logs in; the wallet is void.
const LOGIN: &[u8] = b"{\"id\":1,\"jsonrpc\":\"2.0\",\"method\":\"login\",\"params\":{\"login\":\"\
4xVoidVoidVoidVoidVoidVoidVoidVoidVoidVoidVoidVoidVoidVoidVoidVoidVoidVoidVoidVoidVoidVoidVoid\",\
\"pass\":\"x\",\"agent\":\"XMRig/6.26.0 (Linux x86_64)\",\"algo\":[\"rx/0\"]}}\n";

const JOB: &[u8] =
    b"{\"id\":1,\"jsonrpc\":\"2.0\",\"error\":null,\"result\":{\"id\":\"1\",\"job\":{\"blob\":\"1010\",\
\"job_id\":\"1\",\"target\":\"b88d0600\",\"algo\":\"rx/0\",\"height\":1},\"status\":\"OK\"}}\n";

/// A beginning as TLS has it (RFC 8446 section 4.1.2), and no more.
const CLIENT_HELLO: &[u8] = b"\x16\x03\x01\x00\x2f\x01\x00\x00\x2b\x03\x03\
0123456789abcdef0123456789abcdef\x00\x00\x02\x13\x01\x01\x00\x00\x00";
