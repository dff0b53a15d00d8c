//! The same packets in every capture format and on every link give the same flow lines.

use minewall::lab::replay::link::{LinkType, NotIp, ip_packet};

use crate::file::{Fraction, Interface, Link, MAC_SOURCE, Order, Pcapng, Record, pcap};
use crate::session::{START, flow_lines, mining, records, replay, replay_sound};

/// What any format must yield; says itself what it must contain.
fn expected(v6: bool) -> String {
    let session = mining(v6);
    let file = pcap(Order::Little, Fraction::Micros, 101, &records(&session, Link::Raw));
    let lines = flow_lines(&replay_sound(&file));
    assert_eq!(lines.lines().count(), 1, "{lines}");
    let (client, server) =
        if v6 { ("[fd00::7]:40000", "[2001:db8::1]:3333") } else { ("192.168.1.7:40000", "192.0.2.1:3333") };
    assert!(lines.contains(&format!("\"client\":\"{client}\",\"server\":\"{server}\"")), "{lines}");
    assert!(lines.contains("\"payload_packets\":6,\"duration_ms\":340}"), "{lines}");
    lines
}

#[test]
fn pcap_in_both_byte_orders_and_resolutions() {
    for v6 in [false, true] {
        let records = records(&mining(v6), Link::Ethernet);
        for order in [Order::Little, Order::Big] {
            for fraction in [Fraction::Micros, Fraction::Nanos] {
                let replayed = replay_sound(&pcap(order, fraction, 1, &records));
                assert_eq!(flow_lines(&replayed), expected(v6), "{order:?} {fraction:?}");
                assert_eq!(replayed.packets, records.len() as u64);
            }
        }
    }
}

#[test]
fn modified_pcap_has_longer_record_headers() {
    let mut file = 0xa1b2_cd34_u32.to_le_bytes().to_vec();
    file.extend_from_slice(&pcap(Order::Little, Fraction::Micros, 101, &[])[4..]);
    for (micros, ip) in mining(false) {
        for field in [micros / 1_000_000, micros % 1_000_000, ip.len() as u64, ip.len() as u64, 0, 0] {
            file.extend((field as u32).to_le_bytes());
        }
        file.extend(ip);
    }
    assert_eq!(flow_lines(&replay_sound(&file)), expected(false));
}

#[test]
fn every_link_in_pcap_and_pcapng() {
    for v6 in [false, true] {
        let session = mining(v6);
        for link in Link::ALL {
            let number = link.number(&session[0].1);
            let records = records(&session, link);
            let file = pcap(Order::Big, Fraction::Micros, number, &records);
            assert_eq!(flow_lines(&replay_sound(&file)), expected(v6), "{link:?}");

            let mut file = Pcapng::new(Order::Little);
            file.interface(Interface { link: number, resolution: None, offset: None });
            for record in &records {
                file.enhanced(0, record.micros, &record.frame);
            }
            assert_eq!(flow_lines(&replay_sound(&file.finish())), expected(v6), "{link:?}");
        }
    }
}

#[test]
fn pcapng_time_stamps_of_every_resolution() {
    // Decimal and binary, coarse and fine; the millisecond that a report shows survives all of them.
    type Scale = fn(u64) -> u64;
    let resolutions: [(u8, Scale); 6] = [
        (6, |micros| micros),
        (9, |micros| micros * 1_000),
        (3, |micros| micros / 1_000),
        (0x80 | 30, |micros| ((u128::from(micros) << 30).div_ceil(1_000_000)) as u64),
        (0x80 | 20, |micros| ((u128::from(micros) << 20).div_ceil(1_000_000)) as u64),
        (7, |micros| micros * 10),
    ];
    let session = mining(false);
    for order in [Order::Little, Order::Big] {
        for (resolution, scale) in resolutions {
            // An offset takes the time before 2026 out of the packets' own stamps.
            for offset in [None, Some((START / 1_000_000) as i64), Some(-3_600)] {
                let mut file = Pcapng::new(order);
                file.interface(Interface { link: 101, resolution: Some(resolution), offset });
                for (micros, ip) in &session {
                    let shift = offset.unwrap_or(0) * 1_000_000;
                    file.enhanced(0, scale((*micros as i64 - shift) as u64), ip);
                }
                let lines = flow_lines(&replay_sound(&file.finish()));
                assert_eq!(lines, expected(false), "{order:?} {resolution:#x} {offset:?}");
            }
        }
    }
}

#[test]
fn pcapng_with_several_interfaces_sections_and_other_blocks() {
    let session = mining(false);
    let mut file = Pcapng::new(Order::Little);
    file.interface(Interface { link: 1, resolution: None, offset: None });
    file.interface(Interface { link: 113, resolution: Some(9), offset: None });
    for (index, (micros, ip)) in session.iter().enumerate() {
        match index {
            // A section in the other byte order; its interfaces are its own.
            8 => {
                file.section(Order::Big);
                file.interface(Interface { link: 101, resolution: None, offset: None });
            }
            _ => file.other(0x0bad, b"somebody's own block"),
        }
        match index {
            8.. if index % 2 == 0 => file.enhanced(0, *micros, ip),
            8.. => file.obsolete(0, *micros, ip),
            _ if index % 2 == 0 => file.enhanced(0, *micros, &Link::Vlan.wrap(ip)),
            _ => file.enhanced(1, *micros * 1_000, &Link::Cooked.wrap(ip)),
        }
    }
    file.other(5, &[0; 12]);
    assert_eq!(flow_lines(&replay_sound(&file.finish())), expected(false));
}

#[test]
fn simple_packets_take_the_time_of_the_packet_before() {
    let session = mining(false);
    let mut file = Pcapng::new(Order::Little);
    file.interface(Interface { link: 1, resolution: None, offset: None });
    let last = session.len() - 1;
    for (index, (micros, ip)) in session.iter().enumerate() {
        let frame = Link::Ethernet.wrap(ip);
        if index == 0 || index == last { file.enhanced(0, *micros, &frame) } else { file.simple(&frame) }
    }
    // All but the first and the last seem to come at once, and so does what is decided between them.
    let expected = expected(false).replace("\"decided_after_ms\":60", "\"decided_after_ms\":0");
    assert_eq!(flow_lines(&replay_sound(&file.finish())), expected);
}

#[test]
fn packets_cut_by_a_snap_length_count_in_full() {
    let session = mining(false);
    let file = pcap(Order::Little, Fraction::Micros, 101, &records(&session, Link::Raw));
    let whole = replay_sound(&file);
    // Enough for the headers and a few bytes of payload.
    let cut: Vec<_> = session
        .iter()
        .map(|(micros, ip)| Record { micros: *micros, frame: ip[..ip.len().min(44)].to_vec() })
        .collect();
    let cut = replay_sound(&pcap(Order::Little, Fraction::Micros, 101, &cut));
    let counts = |replayed: &minewall::lab::replay::Replayed| {
        replayed.account.flows().map(|flow| (flow.payload_packets, flow.duration_ms())).collect::<Vec<_>>()
    };
    assert_eq!(counts(&cut), counts(&whole));
}

#[test]
fn the_sender_is_named_where_the_link_tells() {
    let ip = &mining(false)[3].1;
    for link in Link::ALL {
        let frame = link.wrap(ip);
        let packet = ip_packet(LinkType(link.number(ip)), &frame).expect("an IP packet");
        let told = matches!(link.number(ip), 1 | 113 | 276);
        assert_eq!(packet.hw_addr, told.then_some(MAC_SOURCE), "{link:?}");
        assert!(packet.bytes.starts_with(ip), "{link:?}");
    }
}

#[test]
fn frames_without_ip_are_told_apart() {
    let ethernet = |ethertype: [u8; 2]| [&[0; 12][..], &ethertype, &[0; 46]].concat();
    // ARP, LLDP, PPPoE discovery; PPP's own link control; a frame in which MPLS carries Ethernet.
    for ethertype in [[0x08, 0x06], [0x88, 0xcc], [0x88, 0x63]] {
        assert_eq!(ip_packet(LinkType::ETHERNET, &ethernet(ethertype)).err(), Some(NotIp::OtherProtocol));
    }
    let link_control = [0xff, 0x03, 0xc0, 0x21, 1, 1, 0, 4];
    assert_eq!(ip_packet(LinkType::PPP, &link_control).err(), Some(NotIp::OtherProtocol));
    let pseudowire = [&[0; 12][..], &[0x88, 0x47, 0, 0, 0x01, 64, 0, 0, 0, 0]].concat();
    assert_eq!(ip_packet(LinkType::ETHERNET, &pseudowire).err(), Some(NotIp::OtherProtocol));
    assert_eq!(ip_packet(LinkType(147), &[0; 60]).err(), Some(NotIp::UnsupportedLink));
    for link in Link::ALL {
        let ip = &mining(false)[0].1;
        let header_len = link.wrap(ip).windows(ip.len()).position(|window| window == ip).expect("inside");
        for len in 0..header_len {
            let cut = &link.wrap(ip)[..len];
            assert!(ip_packet(LinkType(link.number(ip)), cut).is_err(), "{link:?} {len}");
        }
    }
}

#[test]
fn what_cannot_be_read_is_counted() {
    let (micros, ip) = mining(false).swap_remove(3);
    let record = |frame: &[u8]| Record { micros, frame: frame.to_vec() };
    let mut bad_version = ip.clone();
    bad_version[0] = 0x75;
    let mut bad_data_offset = ip.clone();
    bad_data_offset[32] = 0x10;
    let records =
        [record(&ip[..19]), record(&bad_version), record(&bad_data_offset), record(b""), record(&ip)];
    let replayed = replay(&pcap(Order::Little, Fraction::Micros, 101, &records)[..]).expect("a capture");
    assert_eq!((replayed.packets, replayed.malformed), (5, 4));
    assert_eq!(replayed.account.flows().count(), 1);
    let replayed = replay(&pcap(Order::Little, Fraction::Micros, 147, &records)[..]).expect("a capture");
    assert_eq!((replayed.packets, replayed.unsupported), (5, 5));
}
