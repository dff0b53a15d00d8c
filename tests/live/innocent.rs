//! Connections of a network that loses, overtakes and reloads: they go on as without minewall.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};

use etherparse::TcpHeader;

use crate::attacks::raw::{FORGED_PORT, ForgedConnection, ForgedEnds};
use crate::daemon::Daemon;
use crate::net::{HOME, Net, PATIENCE, SERVERS, ip, once_free, wait_for};

/// What a client says first, long enough to be counted where it arrives.
const FIRST: &[u8] = &[b'x'; 200];

/// Panics unless FIRST arrives of a connection over each family, which begins in this `way`.
fn arrives(port: u16, way: impl Fn(&Net, &Daemon, &ForgedEnds, ForgedConnection)) {
    let Some(net) = Net::new() else { return };
    let daemon = Daemon::start(&net, "");
    let ends = ForgedEnds::new(&net.home, &net.internet);
    for ((home, server), count) in HOME.into_iter().zip(SERVERS).zip(1..) {
        let it = ForgedConnection::new(home, port, SocketAddr::new(ip(server), FORGED_PORT));
        way(&net, &daemon, &ends, it);
        wait_for("its first bytes arrive", || {
            ends.say(it, 0, FIRST, |_| {});
            ForgedEnds::heard(&net.internet) >= count
        });
    }
    assert_eq!(daemon.events(), "");
}

/// The rules are loaded anew between the server's answer and the end of the handshake.
#[test]
fn a_handshake_over_which_the_rules_are_loaded_anew_goes_on() {
    arrives(1_801, |net, daemon, ends, it| {
        ends.open(it);
        wait_for("the answer has passed", || {
            net.connection([it.client.port(), FORGED_PORT]).is_some_and(|it| it.packets >= 2)
        });
        net.load_rules(&daemon.config());
        ends.say(it, 0, b"", |_| {});
    });
}

/// A short message whose packet is lost, together with the handshake's end: the client's end comes first.
#[test]
fn a_message_behind_its_end_arrives() {
    arrives(1_802, |net, _, ends, it| {
        ends.open(it);
        ends.say(it, FIRST.len() as u32, b"", |tcp: &mut TcpHeader| tcp.fin = true);
        wait_for("the end has passed", || {
            net.connection([it.client.port(), FORGED_PORT]).is_some_and(|it| it.packets >= 3)
        });
        // The server says what it misses.
        ends.answer(it, [0, 0], b"", 64_240);
    });
}

/// Many systems ask whether the other end is there with any byte in the place of the last one. The server has said that it
/// has that, and no more than that.
#[test]
fn a_keep_alive_with_another_byte_arrives() {
    arrives(1_803, |net, _, ends, it| {
        let count = "table inet asked { counter asked { }
            chain in { type filter hook prerouting priority -401;
                tcp dport 40000 tcp flags psh meta length < 100 counter name asked; }; }";
        assert!(net.internet.try_nft(&format!("table inet asked\ndelete table inet asked\n{count}")));
        ends.open(it);
        ends.say(it, 0, b"", |_| {});
        let end = FIRST.len() as u32;
        ends.say(it, 0, FIRST, |_| {});
        wait_for("the byte arrives", || {
            ends.answer(it, [0, end], b"", 64_240);
            ends.say(it, end - 1, b"\0", |tcp: &mut TcpHeader| tcp.psh = true);
            net.internet.counted(&["counter", "inet", "asked", "asked"]) > 0
        });
    });
}

/// Uploads over a wireless network that loses a packet in seventeen on its way to the router: what is behind it comes early,
/// and passes, whatever is sent.
#[test]
fn an_upload_over_a_network_that_loses_packets_loses_none_to_the_router() {
    const BYTES: usize = 300_000;
    let Some(net) = Net::new() else { return };
    net.send_single_segments();
    let lossy = "table inet lossy {
        counter come { }
        counter gone { }
        chain in { type filter hook prerouting priority -400;
            iifname lan0 tcp dport 9000 meta length > 500 numgen inc mod 17 == 0 drop
            iifname lan0 tcp dport 9000 meta length > 500 counter name come; };
        chain out { type filter hook postrouting priority 400;
            oifname wan0 tcp dport 9000 meta length > 500 counter name gone; }; }";
    assert!(net.router.try_nft(lossy));
    let daemon = Daemon::start(&net, "");
    let http = b"POST /up HTTP/1.1\r\nHost: example.org\r\nContent-Length: 299000\r\n\r\n";
    let uploads: [(&[u8], &[u8]); 3] = [(http, b"{"), (b"", b"a line of text\n"), (b"\0\x01\x02", b"\xa5")];
    for (number, server) in SERVERS.into_iter().cycle().take(12).enumerate() {
        let at = SocketAddr::new(ip(server), 9_000);
        let (first, rest) = uploads[number % uploads.len()];
        let upload: Vec<u8> = first.iter().chain(rest.iter().cycle()).copied().take(BYTES).collect();
        let listener = net.internet.inside(|| once_free(|| TcpListener::bind(at)));
        let mut client = net.home.inside(|| TcpStream::connect_timeout(&at, PATIENCE)).expect("a way there");
        let (mut server, _) = listener.accept().expect("it has connected");
        server.set_read_timeout(Some(PATIENCE)).expect("SO_RCVTIMEO");
        std::thread::scope(|scope| {
            scope.spawn(|| client.write_all(&upload).expect("the upload goes on"));
            server.read_exact(&mut vec![0; BYTES]).expect("all of it arrives");
        });
    }
    let packets = |name: &str| net.router.counted(&["counter", "inet", "lossy", name]);
    wait_for("all that has come to the router has gone on", || packets("gone") >= packets("come"));
    assert_eq!(daemon.events(), "");
}
