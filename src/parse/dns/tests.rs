use super::*;
use crate::limits::DNS_POINTERS;
use crate::util::random::Random;

/// Text form to labels; a word like `@12` at the end is a pointer.
fn wire(name: &str) -> Vec<u8, 300> {
    let mut bytes = Vec::new();
    for label in name.split('.') {
        if let Some(to) = label.strip_prefix('@') {
            bytes.extend((0xc000 | to.parse::<u16>().unwrap()).to_be_bytes());
            return bytes;
        }
        bytes.push(label.len() as u8).unwrap();
        bytes.extend(label.bytes());
    }
    bytes.push(0).unwrap();
    bytes
}

/// Owner, type, time to live, data.
type AnswerRecord<'a> = (&'a str, u16, u32, std::vec::Vec<u8>);

fn response(question: &str, answers: &[AnswerRecord<'_>]) -> std::vec::Vec<u8> {
    let mut message = vec![0x12, 0x34, 0x81, 0x80, 0, 1, 0, answers.len() as u8, 0, 0, 0, 0];
    message.extend(wire(question));
    message.extend([0, 1, 0, 1]);
    for (owner, kind, ttl, data) in answers {
        message.extend(wire(owner));
        message.extend(kind.to_be_bytes());
        message.extend([0, 1]);
        message.extend(ttl.to_be_bytes());
        message.extend((data.len() as u16).to_be_bytes());
        message.extend(data);
    }
    message
}

fn read(message: &[u8]) -> Option<(std::vec::Vec<String>, std::vec::Vec<String>, u32)> {
    let Resolution { names, addrs, ttl } = Resolution::read(message).ok()?;
    let names = names.iter().map(|name| name.as_str().to_owned()).collect();
    Some((names, addrs.iter().map(IpAddr::to_string).collect(), ttl))
}

/// Why there is no address.
fn reason(message: &[u8]) -> Option<NoAddress> {
    Resolution::read(message).err()
}

#[test]
fn what_is_empty_is_not_broken() {
    let address = ("@12", A, 60, vec![192, 0, 2, 1]);
    let good = response("pool.example", core::slice::from_ref(&address));
    assert_eq!(reason(&good), None);
    assert_eq!(reason(&response("pool.example", &[])), Some(NoAddress::Empty));
    assert_eq!(reason(&response("pool.example", &[("@12", 16, 60, vec![3])])), Some(NoAddress::Empty));
    assert_eq!(
        reason(&response("pool.example", &[("@12", CNAME, 60, alias("x.example"))])),
        Some(NoAddress::Empty)
    );
    assert_eq!(reason(&response("pool.example", &[("@12", A, 60, vec![1, 2, 3])])), Some(NoAddress::Broken));
    for (at, value, why) in [
        (2, 0x01, NoAddress::Foreign),
        (2, 0xa1, NoAddress::Foreign),
        (5, 2, NoAddress::Foreign),
        (3, 0x83, NoAddress::Empty),
        (3, 0x82, NoAddress::Failed),
        (3, 0x85, NoAddress::Failed),
        (12, 0xff, NoAddress::Broken),
    ] {
        let mut bad = good.clone();
        bad[at] = value;
        assert_eq!(reason(&bad), Some(why), "{at}, {value}");
    }
    // What a name server says that wants to be asked over TCP, or is asked too often.
    let mut cut = response("pool.example", &[]);
    cut[2] |= TRUNCATED;
    assert_eq!(reason(&cut), Some(NoAddress::Broken));
    for end in 0..good.len() {
        let why = if end < HEADER_BYTES { NoAddress::Foreign } else { NoAddress::Broken };
        assert_eq!(reason(&good[..end]), Some(why), "{end}");
    }
}

fn alias(to: &str) -> std::vec::Vec<u8> {
    wire(to).to_vec()
}

#[test]
fn addresses_of_the_name_in_question() {
    // Pointers to the question, as every server sends them.
    let message =
        response("Pool.Example", &[("@12", A, 300, vec![192, 0, 2, 1]), ("@12", A, 60, vec![192, 0, 2, 2])]);
    let expected =
        (vec!["pool.example".to_owned()], vec!["192.0.2.1".to_owned(), "192.0.2.2".to_owned()], 60);
    assert_eq!(read(&message), Some(expected));
    let mut v6 = vec![0x20, 1, 0xd, 0xb8];
    v6.resize(16, 1);
    let message = response("pool.example", &[("pool.example", AAAA, 0x8000_0000, v6)]);
    let expected = (vec!["pool.example".to_owned()], vec!["2001:db8:101:101:101:101:101:101".to_owned()], 0);
    assert_eq!(read(&message), Some(expected));
}

#[test]
fn chains_of_aliases_in_any_order() {
    let chain = [
        ("c.test", A, 500, vec![192, 0, 2, 1]),
        ("a.test", CNAME, 30, alias("b.test")),
        ("b.test", CNAME, 600, alias("c.test")),
    ];
    let names = ["a.test", "b.test", "c.test"].map(str::to_owned).to_vec();
    assert_eq!(read(&response("a.test", &chain)), Some((names, vec!["192.0.2.1".to_owned()], 30)));
    // Nothing that the question doesn't lead to.
    let strange = [("a.test", A, 500, vec![192, 0, 2, 1]), ("pool.test", A, 500, vec![192, 0, 2, 2])];
    assert_eq!(
        read(&response("a.test", &strange)).map(|(_, addrs, _)| addrs),
        Some(vec!["192.0.2.1".to_owned()])
    );
    let circle = [("a.test", CNAME, 9, alias("b.test")), ("b.test", CNAME, 9, alias("a.test"))];
    assert_eq!(read(&response("a.test", &circle)), None);
    let long: std::vec::Vec<_> =
        (0..2 * DNS_CHAIN).map(|n| (format!("n{n}.test"), alias(&format!("n{}.test", n + 1)))).collect();
    let mut long: std::vec::Vec<_> =
        long.iter().map(|(owner, to)| (&owner[..], CNAME, 9, to.clone())).collect();
    let end = format!("n{}.test", 2 * DNS_CHAIN);
    long.push((&end, A, 9, vec![1, 2, 3, 4]));
    assert_eq!(read(&response("n0.test", &long)), None, "longer than anybody's");
}

#[test]
fn what_is_no_answer_says_nothing() {
    let good = response("a.test", &[("@12", A, 9, vec![1, 2, 3, 4])]);
    assert!(read(&good).is_some());
    // A query; an update; a failure; two questions.
    for (at, value) in [(2, 0x01), (2, 0xa8), (3, 0x83), (5, 2)] {
        let mut bad = good.clone();
        bad[at] = value;
        assert_eq!(read(&bad), None, "{at}");
    }
    for end in 0..good.len() {
        assert_eq!(read(&good[..end]), None, "cut at {end}");
    }
    assert_eq!(
        read(&response("a.test", &[("@12", A, 9, vec![1, 2, 3])])),
        None,
        "three bytes are no address"
    );
}

#[test]
fn pointers_that_lead_nowhere_end_the_reading() {
    for pointer in ["@12", "@16", "@300", "x.@24", "x.@26"] {
        let message = response("a.test", &[(pointer, A, 9, vec![1, 2, 3, 4])]);
        let _ = read(&message);
    }
    // To itself, and forwards.
    let mut message = response("@12", &[]);
    message.extend([0; 40]);
    assert_eq!(read(&message), None);
    assert_eq!(name(&[0xc0, 2, 1, b'a', 0], 0), None);
    assert_eq!(name(&[1, b'a', 0xc0, 0], 0), None, "a loop");
    assert_eq!(name(&[1, b'a', 0, 0xc0, 0], 3).unwrap().1, 5);
    assert_eq!(name(&[3, b'a', b'.', b'b', 0], 0), Some((None, 5)), "a dot in a label");
    assert_eq!(name(&[0x41, 0], 0), None);
}

#[test]
fn queries_over_tcp_are_told_by_their_header() {
    let query = b"\x00\x1d\x12\x34\x01\x20\x00\x01\x00\x00\x00\x00\x00\x01\x04pool";
    assert_eq!(opens_query(query), Fit::Yes);
    assert_eq!(opens_query(&query[..13]), Fit::Maybe);
    for text in [&b"{\"id\":1"[..], b"GET / HTTP/1.1\r\n", b"\x00\x1d\x12\x34\x81", b"\x16\x03\x01\x00"] {
        assert_eq!(opens_query(text), Fit::No);
    }
}

#[test]
fn damage_does_no_harm() {
    let mut random = Random::new(8);
    let good = response("a.test", &[("@12", CNAME, 9, alias("b.@14")), ("b.@14", A, 9, vec![1, 2, 3, 4])]);
    let mut read_still = 0;
    for _ in 0..50_000 {
        let mut bad = good.clone();
        for _ in 0..1 + random.below(3) {
            let at = random.below(bad.len() as u32) as usize;
            bad[at] = random.bits() as u8;
        }
        read_still += u32::from(read(&bad).is_some());
    }
    assert!(read_still > 1_000);
}

/// A server that answers a query may make one datagram of pointers, each to the one before, in the hope that all of
/// them are followed for every record.
#[test]
fn a_name_that_jumps_about_is_given_up() {
    let chain = |pointers: u16| {
        let mut message = response("a", &[("b", 16, 0, vec![])]);
        let first = message.len() as u16;
        message.extend(wire("pool.example"));
        for number in 0..pointers {
            let before = message.len() as u16 - 2;
            let to = if number == 0 { first } else { before };
            message.extend((0xc000 | to).to_be_bytes());
        }
        name(&message, message.len() - 2).map(|(name, _)| name.map(|name| name.as_str().to_owned()))
    };
    assert_eq!(chain(DNS_POINTERS.into()), Some(Some("pool.example".into())));
    assert_eq!(chain(u16::from(DNS_POINTERS) + 1), None);
}

/// Behind a pointer nothing is left to be found but text, and there may only be so much of it.
#[test]
fn a_name_too_long_is_read_no_further_than_it_must_be() {
    let mut message = response("a", &[]);
    let first = message.len();
    for _ in 0..5 {
        message.push(63);
        message.extend([b'x'; 63]);
    }
    // Here the text is too long already, and what follows would be broken.
    message.push(0x80);
    let at = message.len();
    message.extend((0xc000 | first as u16).to_be_bytes());
    assert_eq!(name(&message, at), Some((None, at + 2)));
}
