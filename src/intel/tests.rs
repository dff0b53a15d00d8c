use super::*;
use crate::util::random::Random;
use core::net::Ipv4Addr;

fn intel(text: &str) -> Intel {
    let mut builder = Builder::new(1 << 20);
    let (allow, other): (Vec<&str>, Vec<&str>) = text.lines().partition(|line| line.contains(" allow"));
    builder.add_text("test", Policy::Block, other.join("\n").as_bytes()).unwrap();
    builder.add_text("allow", Policy::Allow, allow.join("\n").as_bytes()).unwrap();
    builder.build().0
}

fn name(text: &str) -> HostName {
    HostName::parse(text.as_bytes()).unwrap()
}

fn policy_of(intel: &Intel, text: &str, port: u16) -> Option<Policy> {
    match text.parse::<IpAddr>() {
        Ok(addr) => intel.by_addr(addr, Some(port), 0).map(|found| found.policy),
        Err(_) => intel.by_name(&name(text), Some(port), 0).map(|found| found.policy),
    }
}

#[test]
fn names_match_by_whole_labels() {
    let intel = intel("xmrpool.example\ndeep.pool.test:3333\n");
    for text in ["xmrpool.example", "eu.xmrpool.example", "a.b.c.xmrpool.example"] {
        assert_eq!(policy_of(&intel, text, 1), Some(Policy::Block), "{text}");
    }
    for text in ["notxmrpool.example", "xmrpool.example.org", "example", "pool.test", "shallow.pool.test"] {
        assert_eq!(policy_of(&intel, text, 3333), None, "{text}");
    }
    assert_eq!(policy_of(&intel, "x.deep.pool.test", 3333), Some(Policy::Block));
    assert_eq!(policy_of(&intel, "x.deep.pool.test", 3334), None);
    assert!(intel.by_name(&name("deep.pool.test"), None, 0).is_some());
}

#[test]
fn addresses_match_by_prefix_and_port() {
    let intel = intel(
        "198.51.100.0/24\n192.0.2.1:3333\n2001:db8::/33\n[2001:db8:8000::1]:443\n192.0.2.0/23 suspect\n",
    );
    for (text, port, expected) in [
        ("198.51.100.9", 1, Some(Policy::Block)),
        ("::ffff:198.51.100.9", 1, Some(Policy::Block)),
        ("198.51.101.9", 1, None),
        ("192.0.2.1", 3333, Some(Policy::Block)),
        ("192.0.2.1", 443, Some(Policy::Suspect)),
        ("192.0.3.1", 443, Some(Policy::Suspect)),
        ("2001:db8:7fff::1", 1, Some(Policy::Block)),
        ("2001:db8:8000::1", 443, Some(Policy::Block)),
        ("2001:db8:8000::1", 444, None),
        ("2001:db8:8000::2", 443, None),
    ] {
        assert_eq!(policy_of(&intel, text, port), expected, "{text} {port}");
    }
}

#[test]
fn allow_beats_block_and_block_beats_suspect() {
    let intel =
        intel("pool.test suspect\neu.pool.test block\nmine.eu.pool.test allow\neu.pool.test:443 suspect\n");
    assert_eq!(policy_of(&intel, "us.pool.test", 1), Some(Policy::Suspect));
    assert_eq!(policy_of(&intel, "eu.pool.test", 443), Some(Policy::Block));
    assert_eq!(policy_of(&intel, "mine.eu.pool.test", 443), Some(Policy::Allow));
    let found =
        intel.by_name(&name("x.mine.eu.pool.test").clone(), Some(443), 0).map(|found| found.by.to_string());
    assert_eq!(found.as_deref(), Some("mine.eu.pool.test"));
}

#[test]
fn an_entry_ends() {
    let intel = intel("pool.test until=@1000\npool.test suspect until=@2000\n");
    let at = |now| intel.by_name(&name("pool.test"), None, now).map(|found| found.policy);
    assert_eq!(
        [at(0), at(999), at(1000), at(1999), at(2000)],
        [Some(Policy::Block), Some(Policy::Block), Some(Policy::Suspect), Some(Policy::Suspect), None]
    );
}

#[test]
fn it_explains_itself() {
    let mut builder = Builder::new(1 << 20);
    builder.add_text("builtin", Policy::Block, &b"pool.test suspect\nx.pool.test:9\n"[..]).unwrap();
    builder.add_text("mine", Policy::Allow, &b"eu.pool.test\n"[..]).unwrap();
    builder.add_text("old", Policy::Block, &b"pool.test until=@5\n"[..]).unwrap();
    let intel = builder.build().0;
    let explained: Vec<String> = intel
        .explain(&"eu.pool.test".parse().unwrap(), Some(3333), 10)
        .iter()
        .map(|each| format!("{} of {} {} {}", each.entry, each.source, each.holds, each.decides))
        .collect();
    assert_eq!(
        explained,
        [
            "eu.pool.test allow of mine true true",
            "pool.test suspect of builtin true false",
            "pool.test block until=@5 of old false false",
        ]
    );
    assert_eq!(intel.explain(&"192.0.2.1".parse().unwrap(), None, 0), []);
    let mut entries: Vec<String> =
        intel.entries().map(|(entry, source)| format!("{entry} of {source}")).collect();
    entries.sort();
    assert_eq!(entries.len(), 4);
    assert_eq!(entries[0], "eu.pool.test allow of mine");
}

#[test]
fn what_is_there_twice_is_kept_once() {
    let mut builder = Builder::new(1 << 20);
    for _ in 0..3 {
        builder.add(&ListEntry::parse("pool.test:1", Policy::Block).unwrap()).unwrap();
    }
    for port in 2..=40 {
        builder.add(&ListEntry::parse(&format!("pool.test:{port}"), Policy::Block).unwrap()).unwrap();
    }
    let (intel, left_out) = builder.build();
    assert_eq!((intel.len(), left_out), (table::RULES_OF_A_KEY, 40 - table::RULES_OF_A_KEY as u32));
}

#[test]
fn a_bad_list_leaves_the_old_one_in_force() {
    let old = intel("a.pool.test\nb.pool.test until=@9\n");
    let mut builder = Builder::new(1 << 20);
    builder.add_text("other", Policy::Suspect, &b"c.pool.test\n"[..]).unwrap();
    let garbage = builder.add_text("test", Policy::Block, &b"<html>\n<body>\n404\na.example\n"[..]);
    assert!(matches!(garbage, Err(list::BadList::Garbage(_))), "{garbage:?}");
    builder.keep(&old, "test").unwrap();
    let new = builder.build().0;
    assert_eq!(new.sources().collect::<Vec<_>>(), ["other", "test"]);
    let of_test: Vec<_> =
        new.entries().filter(|(_, source)| *source == "test").map(|(entry, _)| entry.to_string()).collect();
    assert_eq!(of_test.len(), 2);
    assert_eq!(policy_of(&new, "b.pool.test", 1), Some(Policy::Block));
    assert_eq!(policy_of(&new, "a.example", 1), None);
}

#[test]
fn memory_is_capped() {
    let mut builder = Builder::new(64 * 1_024);
    let text: String = (0..20_000).map(|number| format!("n{number}.pool.test\n")).collect();
    let refused = builder.add_text("huge", Policy::Block, text.as_bytes()).unwrap_err().to_string();
    assert!(refused.contains("more than the 64 KiB") && refused.contains("intel_memory"), "{refused}");
    // With as much as it says it is enough, and with a little less it is not.
    let needed: usize = refused.split(' ').find_map(|word| word.parse().ok()).unwrap();
    let fits =
        |kib: usize| Builder::new(kib * 1_024).add_text("huge", Policy::Block, text.as_bytes()).is_ok();
    assert!(fits(needed) && !fits(needed - 2), "{refused}");
    assert!(builder.is_empty() && builder.records.len() < 64 * 1_024);
    builder.add_text("small", Policy::Block, &b"pool.test\n"[..]).unwrap();
    assert_eq!(builder.build().0.len(), 1);
}

/// A name of few labels, so that names nest.
fn random_host(random: &mut Random) -> String {
    let mut label = || ["a", "b", "ab", "pool", "x1"][random.below(5) as usize];
    let labels: Vec<_> = (0..4).map(|_| label()).collect();
    labels[..1 + random.below(4) as usize].join(".") + ".test"
}

/// An address of few distinct bits, so that prefixes nest.
fn random_addr(random: &mut Random) -> IpAddr {
    let bits = random.bits() as u32 & 0x0301_8103;
    if random.below(2) == 0 {
        Ipv4Addr::from(0xc000_0200 ^ bits).into()
    } else {
        core::net::Ipv6Addr::from((0x2001_0db8 << 96) | u128::from(bits) << 40 | u128::from(bits)).into()
    }
}

fn random_entry(random: &mut Random) -> ListEntry {
    const PORTS: [entry::Ports; 4] =
        [entry::Ports::Any, entry::Ports::One(1), entry::Ports::One(443), entry::Ports::NonWeb];
    let what = if random.below(2) == 0 {
        random_host(random)
    } else {
        let addr = random_addr(random);
        let len = if addr.is_ipv4() { 8 + random.below(25) } else { 16 + random.below(113) };
        format!("{addr}/{len}")
    };
    let mut pattern: Pattern = what.parse().unwrap();
    pattern.ports = PORTS[random.below(4) as usize];
    let expires = (random.below(3) == 0).then(|| random.below(4));
    ListEntry { pattern, policy: Policy::ALL[random.below(3) as usize], expires }
}

/// The policy that `intel` has for a random server, and the test for entries that match it.
fn random_look_up(
    intel: &Intel,
    port: Option<u16>,
    now: u64,
    random: &mut Random,
) -> (Option<Policy>, MatchRule) {
    if random.below(2) == 0 {
        let name = name(&random_host(random));
        let found = intel.by_name(&name, port, now).map(|found| found.policy);
        let is_under = move |what: &What| match what {
            What::Name(domain) => name == *domain || name.as_str().ends_with(&format!(".{domain}")),
            What::Net(_) => false,
        };
        (found, Box::new(is_under))
    } else {
        let addr = random_addr(random);
        let found = intel.by_addr(addr, port, now).map(|found| found.policy);
        let is_in = move |what: &What| match what {
            What::Net(net) => Cidr::new(addr, net.prefix_len()) == Some(*net),
            What::Name(_) => false,
        };
        (found, Box::new(is_in))
    }
}

type MatchRule = Box<dyn Fn(&What) -> bool>;

/// The reference goes through all entries, one by one.
#[test]
fn agrees_with_a_naive_reference() {
    let mut random = Random::new(11);
    for round in 0..30 {
        let entries: Vec<_> = (0..random.below(300)).map(|_| random_entry(&mut random)).collect();
        let mut builder = Builder::new(1 << 20);
        builder.begin("test").unwrap();
        entries.iter().for_each(|entry| builder.add(entry).unwrap());
        let (intel, left_out) = builder.build();
        let unique = entries.iter().enumerate().filter(|(at, entry)| !entries[..*at].contains(entry)).count();
        assert_eq!(intel.len() + left_out as usize, unique, "round {round}");
        for _ in 0..300 {
            let port = [None, Some(1), Some(443), Some(3333)][random.below(4) as usize];
            let now = u64::from(random.below(5));
            let (found, matches) = random_look_up(&intel, port, now, &mut random);
            let in_force = entries.iter().filter(|entry| {
                matches(&entry.pattern.what)
                    && entry.pattern.ports.contain(port)
                    && entry.expires.is_none_or(|end| u64::from(end) > now)
            });
            // With rules left out the fewer can only say less.
            let expected = in_force.map(|entry| entry.policy).max();
            assert!(
                found == expected || left_out > 0 && found < expected,
                "round {round}: {found:?} {expected:?}"
            );
        }
    }
}

/// Entries without room must not let a server pass: other routers may say much of one name.
#[test]
fn an_exemption_is_the_last_to_be_left_out() {
    let mut builder = Builder::new(1 << 20);
    builder.begin("test").unwrap();
    for subject in ["bank.example", "203.0.113.9"] {
        for port in 400..500 {
            builder.add(&ListEntry::parse(&format!("{subject}:{port}"), Policy::Block).unwrap()).unwrap();
        }
        builder.add(&ListEntry::parse(&format!("{subject}:443"), Policy::Allow).unwrap()).unwrap();
        builder.add(&ListEntry::parse(&format!("{subject}:1"), Policy::Suspect).unwrap()).unwrap();
    }
    let (intel, left_out) = builder.build();
    assert!(left_out > 100);
    let name = HostName::parse(b"bank.example").unwrap();
    assert_eq!(intel.by_name(&name, Some(443), 0).map(|found| found.policy), Some(Policy::Allow));
    assert_eq!(intel.by_name(&name, Some(400), 0).map(|found| found.policy), Some(Policy::Block));
    assert_eq!(intel.by_name(&name, Some(1), 0), None);
    let addr = "203.0.113.9".parse().unwrap();
    assert_eq!(intel.by_addr(addr, Some(443), 0).map(|found| found.policy), Some(Policy::Allow));
}
