//! Packets that the router's kernel, the daemon and the server take each in its own way.

use std::net::SocketAddr;

use etherparse::TcpHeader;

use super::raw::{
    CLIENT_SEQ, FORGED_PORT, ForgedConnection, ForgedEnds, SERVER_SEQ, dying, fragments, with_extension,
    with_options, with_wrong_checksum,
};
use super::{House, OTHER};
use crate::daemon::Daemon;
use crate::mining::LOGIN;
use crate::net::{HOME, SERVERS, ip, wait_for};

/// A way in which a login comes to the server.
type Way<'a> = &'a dyn Fn(&ForgedEnds, ForgedConnection);

/// The client's first packet behind the handshake.
fn begin(ends: &ForgedEnds, it: ForgedConnection) {
    ends.open(it);
    ends.say(it, 0, b"", |_| {});
}

/// Panics unless a login on its `way` over each family is cut before the pool hears it, and told.
fn is_not_heard(port: u16, way: Way<'_>) {
    is_not_heard_behind(port, "1", way);
}

/// The same of a router whose kernel verifies checksums, or does not.
fn is_not_heard_behind(port: u16, checks: &str, way: Way<'_>) {
    never_arrives(port, checks, way, |house, daemon, home| {
        wait_for("the event", || {
            let events = daemon.events();
            events.lines().any(|line| line.contains(home) && line.contains("\"dpi\""))
        });
        assert_eq!(ForgedEnds::heard(&house.net.internet), 0, "{home}");
    });
}

/// Panics unless nothing that is long arrives on its `way` over each family; `then` looks further, from each address of
/// the first host.
fn never_arrives(port: u16, checks: &str, way: Way<'_>, then: impl Fn(&House, &Daemon, &str)) {
    let Some(house) = House::new() else { return };
    let switch = format!("net.netfilter.nf_conntrack_checksum={checks}");
    house.net.router.run(&["sysctl", "-qw", &switch]);
    let daemon = Daemon::start(&house.net, "");
    let ends = ForgedEnds::new(&house.net.home, &house.net.internet);
    for (home, server) in HOME.into_iter().zip(SERVERS) {
        let it = ForgedConnection::new(home, port, SocketAddr::new(ip(server), FORGED_PORT));
        way(&ends, it);
        // What comes over the same way afterwards has everything before it behind itself.
        assert!(crate::mining::is_cut_from(&house.other, &house.net.internet, server));
        assert_eq!(ForgedEnds::heard(&house.net.internet), 0, "{server}");
        then(&house, &daemon, home);
    }
}

/// The server's window is far larger than the kernel takes it for, so that it calls what comes behind that invalid.
#[test]
fn a_login_beyond_the_window_that_the_kernel_knows_is_not_heard() {
    is_not_heard(1601, &|ends, it| {
        ends.open_with(it, |tcp: &mut TcpHeader| tcp.window_size = 50);
        ends.say(it, 0, &[b'\n'; 60], |_| {});
        ends.say(it, 60, LOGIN.as_bytes(), |_| {});
    });
}

/// The client ends its connection by a packet that dies on its way, and begins another by one that dies, too.
#[test]
fn a_login_behind_a_forged_end_and_a_forged_beginning_is_not_heard() {
    is_not_heard(1602, &|ends, it| {
        begin(ends, it);
        ends.send(it, &dying(it.packet(0, b"", |tcp| (tcp.rst, tcp.ack) = (true, false))));
        let again = |tcp: &mut TcpHeader| {
            (tcp.syn, tcp.ack, tcp.sequence_number) = (true, false, 700_000_000);
            tcp.acknowledgment_number = 0;
        };
        ends.send(it, &dying(it.packet(0, b"", again)));
        ends.say(it, 0, LOGIN.as_bytes(), |_| {});
    });
}

/// The client's first packet behind the answered SYN is a reset that dies on its way: the kernel takes the connection for
/// closed, and never calls it assured. What comes behind it is dropped.
#[test]
fn a_login_behind_a_forged_end_of_the_handshake_never_arrives() {
    let way = |ends: &ForgedEnds, it: ForgedConnection| {
        ends.open(it);
        ends.send(it, &dying(it.packet(0, b"", |tcp| (tcp.rst, tcp.ack) = (true, false))));
        ends.say(it, 0, LOGIN.as_bytes(), |_| {});
    };
    never_arrives(1690, "1", &way, |_, _, _| {});
}

/// The server discards what lies before the client's first byte, and the handshake's end may have said another one.
#[test]
fn a_login_behind_bytes_before_the_first_is_not_heard() {
    for (port, garbage) in [
        (1_651, &b"q"[..]),
        (1_652, b"{"),
        (1_653, &[b'q'; 80]),
        (1_654, &[b'{'; 80]),
        (1_655, b"{\"id\":1,"),
    ] {
        is_not_heard(port, &|ends, it| {
            begin(ends, it);
            ends.say(it, 0u32.wrapping_sub(garbage.len() as u32), garbage, |_| {});
            let (first, last) = LOGIN.as_bytes().split_at(60);
            ends.say(it, 0, first, |_| {});
            ends.say(it, 60, last, |_| {});
        });
    }
}

/// A host begins a connection under another's address, which is silent there, and goes on without having seen the
/// server's answer: the kernel takes half of all acknowledgements for old ones, and lets them pass. Nobody is accused.
#[test]
fn a_handshake_that_is_not_finished_accuses_nobody() {
    let Some(house) = House::new() else { return };
    let daemon = Daemon::start(&house.net, "");
    let ends = ForgedEnds::new(&house.net.home, &house.net.internet);
    for (home, server) in HOME.into_iter().zip(SERVERS) {
        let at = SocketAddr::new(ip(server), FORGED_PORT);
        for (port, guess) in (1_691..).zip([100_000, 1 << 20, 1 << 30, 1 << 31, 3 << 30]) {
            let it = ForgedConnection::new(home, port, at);
            let unseen = |tcp: &mut TcpHeader| {
                tcp.acknowledgment_number = tcp.acknowledgment_number.wrapping_sub(guess);
            };
            ends.open(it);
            if port % 2 == 0 {
                ends.say(it, 0, b"", unseen);
            }
            ends.say(it, 0, LOGIN.as_bytes(), unseen);
            ends.say(it, 0, LOGIN.as_bytes(), |tcp| {
                unseen(tcp);
                tcp.fin = true;
            });
        }
    }
    // What comes over the same way afterwards has everything before it behind itself.
    house.catches_miners(2, "beside it");
    wait_for("the miners' events", || OTHER.iter().all(|miner| daemon.events().contains(miner)));
    let events = daemon.events();
    assert!(
        events.lines().all(|line| HOME.iter().all(|home| !line.contains(&format!("\"{home}\"")))),
        "{events}"
    );
}

/// In fragments as small as the kernel takes them (of IPv6, RFC 8200 section 5: 1,280 bytes), and as large as a wire does,
/// behind bytes that make the packet larger than any frame.
#[test]
fn a_login_in_fragments_is_not_heard() {
    is_not_heard(1603, &|ends, it| {
        begin(ends, it);
        let is_v4 = it.server.is_ipv4();
        let long = [&vec![b'\n'; if is_v4 { 0 } else { 1_400 }][..], LOGIN.as_bytes()].concat();
        let size = if is_v4 { 8 } else { 1_232 };
        fragments(&it.packet(0, &long, |_| {}), size).iter().for_each(|fragment| ends.send(it, fragment));
    });
    is_not_heard(1604, &|ends, it| {
        begin(ends, it);
        let long = [&[b'\n'; 7_000], LOGIN.as_bytes()].concat();
        fragments(&it.packet(0, &long, |_| {}), 1_440).iter().for_each(|fragment| ends.send(it, fragment));
    });
}

const DESTINATION: u8 = 60;
const FRAGMENT: u8 = 44;

/// An extension header of the given length that says nothing (RFC 8200 section 4.2).
fn padding(len: u8) -> Vec<u8> {
    [&[0, (len - 8) / 8, 1, len - 4][..], &vec![0; usize::from(len) - 4]].concat()
}

/// Extension headers of IPv6 (RFC 8200 section 4) in front of it: one, five, many bytes of them, and a fragment's where
/// there is but one; options of IPv4 (RFC 791). Receivers pass over all of them.
#[test]
fn a_login_behind_headers_of_the_network_is_not_heard() {
    for (port, len, count) in [(1611, 8, 1), (1612, 8, 5), (1613, 248, 1), (1614, 128, 4)] {
        is_not_heard(port, &|ends, it| {
            begin(ends, it);
            let mut packet = it.packet(0, LOGIN.as_bytes(), |_| {});
            if it.server.is_ipv4() {
                packet = with_options(&packet, &[&[1; 36][..], &[0; 4]].concat());
            } else {
                (0..count).for_each(|_| packet = with_extension(&packet, DESTINATION, &padding(len)));
                packet = with_extension(&packet, FRAGMENT, &[0, 0, 0, 0, 0, 0, 7, 9]);
            }
            ends.send(it, &packet);
        });
    }
}

/// A SYN with data behind more headers than are kept, which can't be taken off: the client comes again without.
#[test]
fn a_login_in_a_syn_behind_long_headers_is_not_heard() {
    let way = |ends: &ForgedEnds, it: ForgedConnection| {
        let change = |tcp: &mut TcpHeader| {
            (tcp.syn, tcp.ack, tcp.sequence_number) = (true, false, CLIENT_SEQ - 1);
        };
        let packet = it.packet(0, LOGIN.as_bytes(), change);
        let long = if it.server.is_ipv4() {
            with_options(&packet, &[1; 40])
        } else {
            with_extension(&packet, DESTINATION, &padding(248))
        };
        ends.send(it, &long);
    };
    never_arrives(1615, "1", &way, |_, _, _| {});
}

/// Both ends call each other at the same time (RFC 9293 section 3.5, figure 7).
#[test]
fn a_login_behind_a_simultaneous_opening_is_not_heard() {
    is_not_heard(1605, &|ends, it| {
        ends.say(it, 0, b"", |tcp| (tcp.syn, tcp.ack, tcp.sequence_number) = (true, false, CLIENT_SEQ - 1));
        ends.answer_with(it, [0, 0], b"", |tcp| {
            (tcp.syn, tcp.ack, tcp.sequence_number) = (true, false, SERVER_SEQ - 1)
        });
        ends.say(it, 0, b"", |tcp| (tcp.syn, tcp.sequence_number) = (true, CLIENT_SEQ - 1));
        ends.answer_with(it, [0, 0], b"", |tcp| (tcp.syn, tcp.sequence_number) = (true, SERVER_SEQ - 1));
        ends.say(it, 0, LOGIN.as_bytes(), |_| {});
    });
}

/// The server speaks before the last packet of the handshake, and the client's first packet is its login.
#[test]
fn a_login_behind_a_banner_within_the_handshake_is_not_heard() {
    is_not_heard(1606, &|ends, it| {
        ends.open(it);
        ends.answer(it, [0, 0], b"220 welcome\r\n", 64_240);
        ends.say(it, 0, LOGIN.as_bytes(), |tcp| tcp.acknowledgment_number += 13);
    });
}

/// The server has no room; the client probes with a byte that is not the one which follows (RFC 9293 section 3.8.6.1),
/// and keeps the connection alive by another (RFC 9293 section 3.8.4).
#[test]
fn a_login_behind_probes_with_other_bytes_is_not_heard() {
    is_not_heard(1607, &|ends, it| {
        begin(ends, it);
        ends.answer(it, [0, 0], b"", 0);
        for offset in [0, u32::MAX, 0, u32::MAX] {
            ends.say(it, offset, b"x", |_| {});
        }
        ends.answer(it, [0, 0], b"", 64_240);
        ends.say(it, 0, LOGIN.as_bytes(), |_| {});
    });
    is_not_heard(1608, &|ends, it| {
        begin(ends, it);
        let (first, last) = LOGIN.as_bytes().split_at(60);
        ends.say(it, 0, first, |_| {});
        ends.answer(it, [0, 60], b"", 0);
        ends.say(it, 59, b"x", |_| {});
        ends.say(it, 60, b"x", |_| {});
        ends.answer(it, [0, 60], b"", 64_240);
        ends.say(it, 60, last, |_| {});
    });
}

/// Packets that the server never takes go before each half of the login, in its place: they die on the way, their
/// checksum is wrong, they end the connection. One place has one content, so that the half does not arrive.
#[test]
fn a_login_in_the_place_of_packets_that_no_server_takes_is_not_heard() {
    for (port, kind) in (1631..).zip(0..4) {
        let way = |ends: &ForgedEnds, it: ForgedConnection| {
            begin(ends, it);
            for (offset, half) in [(0, &LOGIN[..160]), (160, &LOGIN[160..])] {
                let decoy = |change: fn(&mut TcpHeader)| it.packet(offset, &[b'q'; 80], change);
                ends.send(
                    it,
                    &match kind {
                        0 => dying(decoy(|_| {})),
                        1 => with_wrong_checksum(decoy(|_| {})),
                        2 => dying(decoy(|tcp| tcp.fin = true)),
                        _ => dying(decoy(|tcp| tcp.rst = true)),
                    },
                );
                ends.say(it, offset, half.as_bytes(), |_| {});
            }
        };
        never_arrives(port, "0", &way, |_, _, _| {});
    }
}

/// The same, and the login is whole: both contents of the place are read.
#[test]
fn a_login_behind_a_packet_that_no_server_takes_is_not_heard() {
    // Routers with OpenWrt verify no checksums.
    for (port, checks) in [(1641, "1"), (1642, "0")] {
        let way = |ends: &ForgedEnds, it: ForgedConnection| {
            begin(ends, it);
            ends.send(it, &dying(it.packet(0, &[b'q'; 80], |_| {})));
            ends.send(it, &with_wrong_checksum(it.packet(0, &[b'r'; 80], |_| {})));
            ends.say(it, 0, &[b's'; 80], |tcp| tcp.acknowledgment_number += 100_000);
            ends.say(it, 0, LOGIN.as_bytes(), |_| {});
        };
        is_not_heard_behind(port, checks, &way);
    }
}

/// Headers that contradict themselves, in front of a login: options without an end (RFC 9293 section 3.1), as they are
/// and behind a timestamp.
#[test]
fn a_login_behind_broken_options_is_not_heard() {
    for (port, options) in
        [(1621, &[3, 0, 0, 0][..]), (1622, &[8, 200, 1, 2]), (1623, &[2, 1, 5, 5, 253, 1, 0, 0])]
    {
        is_not_heard(port, &|ends, it| {
            begin(ends, it);
            ends.say(it, 0, LOGIN.as_bytes(), |tcp| tcp.set_options_raw(options).expect("they fit"));
        });
    }
}

/// An IPv6 header speaks of fewer bytes than the packet has: what lies behind is no payload, and hides none.
#[test]
fn a_login_beside_a_wrong_length_is_not_heard() {
    is_not_heard(1610, &|ends, it| {
        begin(ends, it);
        let mut packet = it.packet(0, &LOGIN.as_bytes()[..60], |_| {});
        if it.server.is_ipv6() {
            packet.extend([b'q'; 40]);
        }
        ends.send(it, &packet);
        ends.say(it, 60, &LOGIN.as_bytes()[60..], |_| {});
    });
}

/// The login comes first, further ahead than bytes are held here and within the server's window; what comes before it
/// follows.
#[test]
fn a_login_before_its_turn_is_not_heard() {
    is_not_heard(1616, &|ends, it| {
        ends.open(it);
        let blanks = [b'\n'; 80];
        ends.say(it, 6_000, LOGIN.as_bytes(), |_| {});
        (0..6_000).step_by(80).for_each(|offset| ends.say(it, offset, &blanks, |_| {}));
        ends.say(it, 6_000, LOGIN.as_bytes(), |_| {});
    });
}

/// A packet in place of the handshake's end begins before the client's first byte: the server takes what is behind that.
#[test]
fn a_login_that_begins_before_the_first_byte_never_arrives() {
    let way = |ends: &ForgedEnds, it: ForgedConnection| {
        ends.open(it);
        ends.say(it, 0u32.wrapping_sub(1), format!("q{LOGIN}").as_bytes(), |_| {});
    };
    never_arrives(1_666, "1", &way, |_, _, _| {});
}

/// A login in three parts behind a decoy that never arrives, the last part first: the server puts them together.
#[test]
fn a_login_whose_parts_come_in_another_order_is_not_heard() {
    for (port, order) in [(1_660, [2, 0, 1]), (1_661, [2, 1, 0]), (1_662, [0, 2, 1])] {
        is_not_heard(port, &|ends, it| {
            let cuts = [0, 40, LOGIN.len() - 40, LOGIN.len()];
            // The part that makes it whole has to be long.
            let cuts =
                if order[2] == 0 { [0, LOGIN.len() - 60, LOGIN.len() - 30, LOGIN.len()] } else { cuts };
            begin(ends, it);
            ends.send(it, &dying(it.packet(20_000, b"decoy", |_| {})));
            for at in order {
                ends.say(it, cuts[at] as u32, &LOGIN.as_bytes()[cuts[at]..cuts[at + 1]], |_| {});
            }
        });
    }
}

/// Parts of a login come far ahead of their turn, behind a decoy that comes even earlier. They wait here and at the server
/// for what comes before them: that is what must not arrive, and is the only packet that is long.
#[test]
fn a_login_in_parts_before_their_turn_is_not_heard() {
    for (port, is_backwards) in [(1_663, false), (1_664, true)] {
        is_not_heard(port, &|ends, it| {
            begin(ends, it);
            ends.say(it, 0, b"\n", |_| {});
            ends.say(it, 20_000, b"decoy", |_| {});
            let mut parts: Vec<_> = (6_001..).step_by(80).zip(LOGIN.as_bytes().chunks(80)).collect();
            if is_backwards {
                parts.reverse();
            }
            parts.into_iter().for_each(|(offset, part)| ends.say(it, offset, part, |_| {}));
            (1..5_841).step_by(80).for_each(|offset| ends.say(it, offset, &[b'\n'; 80], |_| {}));
            ends.say(it, 5_841, &[b'\n'; 160], |_| {});
        });
    }
}
