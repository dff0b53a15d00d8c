//! Sessions through proxies: events name the server behind the proxy, lists and the probe are about it, and its
//! miners are cut off while other sessions through the same proxy go on.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use crate::daemon::Daemon;
use crate::lists::Lists;
use crate::net::{Net, PATIENCE, wait_for, wait_up_to};
use crate::session::is_reset;
use crate::suspect::{ELECTRUM, POOL, ask, electrum, mine, pool};
use crate::tls::{TlsClient, TlsServer, serve};

/// Ways to ask a proxy for a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// SOCKS 5 (RFC 1928).
    Socks5,
    /// HTTP (RFC 9110 section 9.3.6).
    Connect,
}

const WAYS: [(Way, &str); 2] = [(Way::Socks5, "203.0.113.9:1080"), (Way::Connect, "203.0.113.9:8080")];

/// Passes on what either end says until both are done.
fn relay(one: TcpStream, other: TcpStream) {
    let (mut from_other, mut to_one) =
        (other.try_clone().expect("a descriptor"), one.try_clone().expect("a descriptor"));
    let back = thread::spawn(move || {
        let _ = io::copy(&mut from_other, &mut to_one);
        let _ = to_one.shutdown(Shutdown::Both);
    });
    let (mut from_one, mut to_other) = (one, other);
    let _ = io::copy(&mut from_one, &mut to_other);
    let _ = to_other.shutdown(Shutdown::Both);
    let _ = back.join();
}

/// A proxy for both ways, as far as the clients here go.
fn proxy(mut client: TcpStream) {
    client.set_nodelay(true).expect("TCP_NODELAY");
    let _ = proxied(&mut client).map(|server| relay(client, server));
}

fn proxied(client: &mut TcpStream) -> io::Result<TcpStream> {
    let mut head = [0; 3];
    client.read_exact(&mut head)?;
    if head[0] == 5 {
        client.write_all(b"\x05\x00")?;
        let mut request = [0; 10];
        client.read_exact(&mut request)?;
        let [_, _, _, _, a, b, c, d, high, low] = request;
        let server = connect(([a, b, c, d], u16::from_be_bytes([high, low])).into())?;
        client.write_all(b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00")?;
        return Ok(server);
    }
    let mut text = head.to_vec();
    while !text.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        client.read_exact(&mut byte)?;
        text.extend(byte);
    }
    let text = String::from_utf8_lossy(&text);
    let target = text.split(' ').nth(1).and_then(|target| target.parse().ok());
    let server = connect(target.ok_or(io::ErrorKind::InvalidData)?)?;
    client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")?;
    Ok(server)
}

fn connect(server: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&server, PATIENCE)?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Asks the proxy at `proxy` for `server`; the connection that leads there.
fn tunnel(way: Way, proxy: SocketAddr, server: SocketAddr) -> io::Result<TcpStream> {
    let mut stream = connect(proxy)?;
    match (way, server) {
        (Way::Socks5, SocketAddr::V4(server)) => {
            stream.write_all(b"\x05\x01\x00")?;
            stream.read_exact(&mut [0; 2])?;
            let addr = server.ip().octets();
            stream.write_all(&[&b"\x05\x01\x00\x01"[..], &addr, &server.port().to_be_bytes()].concat())?;
            stream.read_exact(&mut [0; 10])?;
        }
        _ => {
            write!(stream, "CONNECT {server} HTTP/1.1\r\nHost: {server}\r\n\r\n")?;
            let mut answer = Vec::new();
            while !answer.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                stream.read_exact(&mut byte)?;
                answer.extend(byte);
            }
        }
    }
    Ok(stream)
}

/// A door at home to `server`: what connects there goes through the proxy.
fn door(net: &Net, way: Way, proxy: SocketAddr, server: SocketAddr) -> SocketAddr {
    let listener = net.home.inside(|| TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).expect("a port");
    let addr = listener.local_addr().expect("an address");
    net.home.inside(|| {
        serve(listener, move |client| {
            client.set_nodelay(true).expect("TCP_NODELAY");
            let _ = tunnel(way, proxy, server).map(|tunnel| relay(client, tunnel));
        });
    });
    addr
}

/// Starts the proxies on the internet.
fn start_proxies(net: &Net) {
    for (number, (_, addr)) in WAYS.iter().enumerate() {
        let addr: SocketAddr = addr.parse().expect("an endpoint");
        if number == 0 {
            net.publish(addr.ip());
        }
        net.internet.inside(|| serve(TcpListener::bind(addr).expect("the port is free"), proxy));
    }
}

/// The pool's name stands on a list of suspects, and so does the wallet's server. Both are asked themselves, not the
/// proxy: the pool's tunnel is cut, and from then on each further one; the wallet goes on.
#[test]
fn a_miner_in_tls_behind_a_proxy_is_cut_and_a_wallet_is_not() {
    let Some(net) = Net::new() else { return };
    start_proxies(&net);
    let lists = Lists::new("proxies");
    lists.write("names.suspect", &format!("{POOL}\n{ELECTRUM}\n"));
    let options = format!("option mode block\noption probe_inconclusive_minutes 1\n{}", lists.options());
    let daemon = Daemon::start(&net, &options);
    let wallets: SocketAddr = "203.0.113.8:50002".parse().expect("an endpoint");
    net.publish(wallets.ip());
    let electrum = TlsServer::start(&net, wallets, ELECTRUM, electrum);
    for (number, (way, proxy)) in WAYS.into_iter().enumerate() {
        let proxy: SocketAddr = proxy.parse().expect("an endpoint");
        let pools: SocketAddr = format!("198.51.100.{}:3333", 7 + number).parse().expect("an endpoint");
        net.publish(pools.ip());
        let server = TlsServer::start(&net, pools, POOL, pool);
        let mut wallet = TlsClient::connect(&net.home, door(&net, way, proxy, electrum.addr), ELECTRUM);
        ask(&mut wallet, &["\"server.version\",\"params\":[\"4.5.8\",\"1.4\"]"]);
        let door = door(&net, way, proxy, server.addr);
        println!("{way:?}: cut off after {:?}", mine(TlsClient::connect(&net.home, door, POOL)));
        wait_up_to(PATIENCE * 6, "the events", || {
            let events = daemon.events();
            let of_target = events.lines().filter(|line| line.contains(&format!("\"target\":\"{pools}\"")));
            let sources: String = of_target.collect();
            sources.contains("\"source\":\"intel\"") && sources.contains("\"source\":\"probe\"")
        });
        assert!(daemon.log().contains(&format!("probe of {pools}")), "{}", daemon.log());
        assert!(!daemon.log().contains(&format!("probe of {proxy}")), "{}", daemon.log());
        // Known from now on: cut as soon as its target is told, or its name.
        let again = mine(TlsClient::connect(&net.home, door, POOL));
        println!("{way:?}: again after {again:?}");
        wait_up_to(PATIENCE * 3, "the wallet's server has answered", || {
            daemon.status().contains("\"not_pool\":1,")
        });
        ask(
            &mut wallet,
            &["\"server.ping\",\"params\":[]", "\"blockchain.headers.subscribe\",\"params\":[]"],
        );
        let list = daemon.command(&["intel", "list"], "").output;
        assert!(list.contains(&format!("{POOL}@{pools}: block")), "{list}");
        assert!(!list.contains(&proxy.to_string()), "{list}");
    }
}

/// In the clear the pool never hears the login, whichever way it comes, and the event names the pool.
#[test]
fn a_login_in_the_clear_behind_a_proxy_reaches_no_pool() {
    const LOGIN: &str = "{\"id\":1,\"jsonrpc\":\"2.0\",\"method\":\"login\",\"params\":{\"login\":\"w\",\"pass\":\"x\",\"agent\":\"XMRig/6.21.0\"}}\n";
    const HARMLESS: &str = "{\"id\":1,\"method\":\"server.ping\",\"params\":[]}\n";
    let Some(net) = Net::new() else { return };
    start_proxies(&net);
    let daemon = Daemon::start(&net, "option mode block\noption probe 0\n");
    let server: SocketAddr = "198.51.100.7:3333".parse().expect("an endpoint");
    net.publish(server.ip());
    let heard = Arc::new(Mutex::new(Vec::new()));
    let recorder = heard.clone();
    let listener = net.internet.inside(|| TcpListener::bind(server)).expect("the port is free");
    serve(listener, move |mut stream| {
        let mut lines = BufReader::new(stream.try_clone().expect("a descriptor")).lines();
        while let Some(Ok(line)) = lines.next() {
            recorder.lock().expect("no thread panics").push(line);
            let _ = stream.write_all(b"{\"id\":1,\"result\":null}\n");
        }
    });
    for (number, (way, proxy)) in WAYS.into_iter().enumerate() {
        let proxy = proxy.parse().expect("an endpoint");
        let open = || net.home.inside(|| tunnel(way, proxy, server)).expect("a tunnel");
        let mut wallet = open();
        let mut miner = open();
        miner.write_all(LOGIN.as_bytes()).expect("it is sent");
        miner.set_read_timeout(Some(PATIENCE)).expect("SO_RCVTIMEO");
        assert!(is_reset(&miner), "{way:?}");
        wait_for("the event", || {
            let events = daemon.events();
            let mut mining = events.lines().filter(|line| line.contains("\"source\":\"dpi\""));
            mining.clone().count() == number + 1
                && mining.all(|line| line.contains(&format!("\"target\":\"{server}\"")))
        });
        wallet.write_all(HARMLESS.as_bytes()).expect("it is sent");
        let mut answer = String::new();
        BufReader::new(&wallet).read_line(&mut answer).expect("it is not cut off");
        assert!(answer.contains("\"result\""), "{way:?}: {answer:?}");
        let heard = heard.lock().expect("no thread panics");
        assert!(!heard.is_empty() && heard.iter().all(|line| !line.contains("login")), "{heard:?}");
    }
}
