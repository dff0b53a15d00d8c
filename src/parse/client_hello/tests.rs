use super::*;
use crate::util::random::Random;

/// A message as a client would send it: what stands before and behind the server name is up to the test.
struct HelloMessage<'a> {
    session: usize,
    ciphers: usize,
    before: &'a [(u16, usize)],
    name: Option<&'a str>,
    behind: &'a [(u16, usize)],
}

const PLAIN: HelloMessage<'_> =
    HelloMessage { session: 32, ciphers: 34, before: &[], name: Some("pool.example"), behind: &[] };

fn vector(width: usize, content: &[u8]) -> Vec<u8> {
    let len = (content.len() as u32).to_be_bytes();
    [&len[4 - width..], content].concat()
}

impl HelloMessage<'_> {
    fn message(&self) -> Vec<u8> {
        let mut extensions = Vec::new();
        let extension =
            |(kind, len): &(u16, usize)| [&kind.to_be_bytes()[..], &vector(2, &vec![7; *len])].concat();
        extensions.extend(self.before.iter().flat_map(extension));
        if let Some(name) = self.name {
            let entry = [&[HOST_NAME][..], &vector(2, name.as_bytes())].concat();
            extensions.extend([&[0, 0][..], &vector(2, &vector(2, &entry))].concat());
        }
        extensions.extend(self.behind.iter().flat_map(extension));
        let body = [
            &[3, 3][..],
            &[9; 32],
            &vector(1, &vec![5; self.session]),
            &vector(2, &vec![1; self.ciphers]),
            &vector(1, &[0]),
            &vector(2, &extensions),
        ]
        .concat();
        [&[CLIENT_HELLO][..], &vector(3, &body)].concat()
    }

    /// In records of at most `size` bytes.
    fn records(&self, size: usize) -> Vec<u8> {
        self.message().chunks(size).flat_map(|part| [&[22, 3, 1][..], &vector(2, part)].concat()).collect()
    }
}

fn named(name: &str) -> ParsedHello {
    ParsedHello::Hello(Hello { name: HostName::parse(name.as_bytes()), ..Hello::default() })
}

/// Of a client that sends values reserved for GREASE.
fn named_by_browser(name: &str) -> ParsedHello {
    ParsedHello::Hello(Hello { name: HostName::parse(name.as_bytes()), greases: true, ..Hello::default() })
}

#[test]
fn the_name_is_found_in_records_and_prefixes_of_any_size() {
    for size in [1, 2, 3, 7, 50, 16_384] {
        let bytes = HelloMessage { before: &[(0x0a0a, 0), (23, 0)], ..PLAIN }.records(size);
        let needed = (0..=bytes.len()).find(|&end| parse(&bytes[..end]) != ParsedHello::NeedMore);
        let needed = needed.expect("the whole is enough");
        for end in needed..=bytes.len() {
            assert_eq!(parse(&bytes[..end]), named_by_browser("pool.example"), "{size}, {end}");
        }
        assert_eq!(opens(&bytes), Fit::Yes);
        for end in 0..6 {
            assert_eq!(opens(&bytes[..end]), Fit::Maybe);
        }
    }
}

#[test]
fn grease_and_large_key_shares_are_passed_over() {
    // Chrome's order of the day: GREASE, X25519MLKEM768's share of 1,216 bytes, then the name.
    let before = [(0x1a1a, 0), (51, 1_263), (43, 7), (0xfe0d, 250)];
    let hello = HelloMessage { before: &before, behind: &[(0x5a5a, 1), (21, 40)], ..PLAIN };
    assert_eq!(parse(&hello.records(16_384)), named_by_browser("pool.example"));
    assert_eq!(
        parse(&HelloMessage { name: Some("POOL.Example"), ..hello }.records(16_384)),
        named_by_browser("pool.example")
    );
    let neither = HelloMessage { before: &[(0x1a2a, 0), (0x0b0b, 0)], ..PLAIN };
    assert_eq!(parse(&neither.records(16_384)), named("pool.example"));
}

#[test]
fn a_client_may_name_nobody_or_what_is_no_name() {
    let nobody = ParsedHello::Hello(Hello::default());
    assert_eq!(parse(&HelloMessage { name: None, behind: &[(51, 1_263)], ..PLAIN }.records(16_384)), nobody);
    assert_eq!(parse(&HelloMessage { name: Some("192.0.2.1"), ..PLAIN }.records(16_384)), nobody);
    assert_eq!(parse(&HelloMessage { name: Some(&"a".repeat(300)), ..PLAIN }.records(16_384)), nobody);
    let mut no_extensions = HelloMessage { name: None, ..PLAIN }.message();
    no_extensions.truncate(no_extensions.len() - 2);
    let len = (no_extensions.len() - 4) as u8;
    no_extensions[3] = len;
    assert_eq!(parse(&[&[22, 3, 1][..], &vector(2, &no_extensions)].concat()), nobody);
}

#[test]
fn what_contradicts_itself_is_none() {
    let good = PLAIN.records(16_384);
    // Version of the record, of the message, kind of either, and a name longer than its extension.
    let name_len = good.len() - "pool.example".len() - 1;
    for (at, value) in [(0, 23), (1, 2), (5, 2), (9, 2), (name_len, 200), (name_len - 3, 1)] {
        let mut bad = good.clone();
        bad[at] = value;
        assert_eq!(parse(&bad), ParsedHello::Invalid, "{at}");
    }
    let alert_between = [&PLAIN.records(20)[..25], &[21, 3, 1, 0, 2, 1, 0]].concat();
    assert_eq!(parse(&alert_between), ParsedHello::Invalid);
    assert_eq!(parse(&[22, 3, 1, 0, 0, 22, 3, 1]), ParsedHello::Invalid, "an empty record");
}

/// Before the name or behind it, cut into records or not; what comes behind the name isn't waited for.
#[test]
fn who_offers_http_is_a_web_client() {
    let offer = |protocols: &[&str]| {
        let list: Vec<u8> = protocols.iter().flat_map(|name| vector(1, name.as_bytes())).collect();
        [&(ALPN as u16).to_be_bytes()[..], &vector(2, &vector(2, &list))].concat()
    };
    let name = |text: &str| {
        let entry = [&[HOST_NAME][..], &vector(2, text.as_bytes())].concat();
        [&[0, 0][..], &vector(2, &vector(2, &entry))].concat()
    };
    let hello = |extensions: &[u8]| {
        let head = [&[3, 3][..], &[9; 32], &vector(1, &[]), &vector(2, &[1; 4]), &vector(1, &[0])].concat();
        let body = [&head[..], &vector(2, extensions)].concat();
        let message = [&[CLIENT_HELLO][..], &vector(3, &body)].concat();
        message.chunks(19).flat_map(|part| [&[22, 3, 1][..], &vector(2, part)].concat()).collect::<Vec<u8>>()
    };
    let expected = |negotiates, web| {
        ParsedHello::Hello(Hello { name: HostName::parse(b"a.example"), web, negotiates, greases: false })
    };
    for (protocols, web) in
        [(&["h2", "http/1.1"][..], true), (&["http/1.1"], true), (&["stratum"], false), (&["imap"], false)]
    {
        let (before, behind) =
            ([offer(protocols), name("a.example")].concat(), [name("a.example"), offer(protocols)].concat());
        assert_eq!(parse(&hello(&before)), expected(true, web), "{protocols:?}");
        let whole = hello(&behind);
        assert_eq!(parse(&whole), expected(true, web), "{protocols:?}");
        let parts: Vec<ParsedHello> = (0..whole.len()).map(|end| parse(&whole[..end])).collect();
        assert!(parts.is_sorted_by_key(|part| {
            [ParsedHello::NeedMore, expected(false, false), expected(true, web)]
                .iter()
                .position(|other| other == part)
                .expect("one of them")
        }));
        assert!(parts.contains(&expected(false, false)), "the name is enough");
    }
    let unasked = expected(false, false);
    assert_eq!(parse(&hello(&name("a.example"))), unasked);
    assert_eq!(parse(&hello(&[name("a.example"), name("b.example")].concat())), unasked, "the first");
    let unnamed = Hello { web: true, negotiates: true, ..Hello::default() };
    assert_eq!(parse(&hello(&offer(&["h2"]))), ParsedHello::Hello(unnamed));
}

/// The reference joins the records first and then reads slices; it reads whole messages only.
fn naive(bytes: &[u8]) -> Option<Option<String>> {
    let mut message = Vec::new();
    let mut rest = bytes;
    while let [22, 3, _, high, low, behind @ ..] = rest {
        let len = usize::from(u16::from_be_bytes([*high, *low]));
        message.extend(behind.get(..len)?);
        rest = &behind[len..];
    }
    let mut at = 4 + 2 + 32;
    at += 1 + usize::from(*message.get(at)?);
    let number =
        |at: usize| Some(usize::from(u16::from_be_bytes([*message.get(at)?, *message.get(at + 1)?])));
    at += 2 + number(at)?;
    at += 1 + usize::from(*message.get(at)?) + 2;
    while at < message.len() {
        let (kind, len) = (number(at)?, number(at + 2)?);
        if kind == 0 {
            let name = message.get(at + 9..at + 9 + number(at + 7)?)?;
            return Some(HostName::parse(name).map(|name| name.as_str().to_owned()));
        }
        at += 4 + len;
    }
    Some(None)
}

#[test]
fn agrees_with_a_naive_reference() {
    let mut random = Random::new(5);
    for _ in 0..2_000 {
        let mut extensions = || -> Vec<(u16, usize)> {
            (0..random.below(6))
                .map(|_| (1 + random.below(60_000) as u16, random.below(400) as usize))
                .collect()
        };
        let (before, behind) = (extensions(), extensions());
        let labels: Vec<String> =
            (0..1 + random.below(5)).map(|_| "x".repeat(1 + random.below(20) as usize)).collect();
        let name = labels.join(".");
        let hello = HelloMessage {
            session: random.below(33) as usize,
            ciphers: 2 * random.below(40) as usize,
            before: &before,
            name: (random.below(4) > 0).then_some(&name[..]),
            behind: &behind,
        };
        let bytes = hello.records(1 + random.below(600) as usize);
        let expected = naive(&bytes).expect("whole");
        let ParsedHello::Hello(found) = parse(&bytes) else { panic!("{bytes:?}") };
        assert_eq!(found.name.map(|name| name.as_str().to_owned()), expected);
    }
}

/// Reading a damaged message ends, and more bytes never take an answer back.
#[test]
fn damage_does_no_harm() {
    let mut random = Random::new(6);
    for _ in 0..20_000 {
        let mut bytes =
            HelloMessage { before: &[(0x0a0a, 3)], ..PLAIN }.records(1 + random.below(200) as usize);
        for _ in 0..1 + random.below(4) {
            let at = random.below(bytes.len() as u32) as usize;
            bytes[at] = random.bits() as u8;
        }
        let cut = random.below(bytes.len() as u32 + 1) as usize;
        // What stands behind the name isn't waited for.
        let parse = |bytes: &[u8]| match parse(bytes) {
            ParsedHello::Hello(Hello { name, .. }) => ParsedHello::Hello(Hello { name, ..Hello::default() }),
            other => other,
        };
        match parse(&bytes[..cut]) {
            ParsedHello::NeedMore => {}
            answer => assert_eq!(parse(&bytes), answer),
        }
    }
}
