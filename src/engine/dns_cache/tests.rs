use super::*;
use crate::util::random::Random;
use std::collections::HashMap;
use std::hash::RandomState;

fn client(number: u8) -> IpAddr {
    IpAddr::from([192, 168, 1, number])
}

fn receiver(number: u8) -> AnswerReceiver {
    AnswerReceiver::new(client(number), number.into())
}

fn addr(number: u8) -> IpAddr {
    IpAddr::from([203, 0, 113, number])
}

fn resolution(addrs: &[IpAddr], ttl: u32) -> Resolution {
    Resolution { names: Default::default(), addrs: addrs.iter().copied().collect(), ttl }
}

fn name(text: &str) -> HostName {
    HostName::parse(text.as_bytes()).unwrap()
}

#[test]
fn an_answer_is_that_of_its_client_and_ends() {
    let mut cache = DnsCache::new(RandomState::new());
    cache.learn(receiver(1), &resolution(&[addr(1), addr(2)], 1), Some(&name("pool.test")), 100);
    let find = |cache: &DnsCache<_>, of, addr, now| -> Vec<(String, bool)> {
        cache.find(of, addr, now).map(|known| (known.name.to_owned(), known.own)).collect()
    };
    let known = |own| vec![("pool.test".to_owned(), own)];
    assert_eq!(find(&cache, receiver(1), addr(2), 100), known(true));
    assert_eq!(find(&cache, receiver(2), addr(1), 100), known(false));
    assert_eq!(find(&cache, receiver(1), addr(3), 100), []);
    assert_eq!(find(&cache, receiver(1), addr(1), 99 + DNS_TTL_MIN_SECONDS), known(true));
    assert_eq!(find(&cache, receiver(1), addr(1), 100 + DNS_TTL_MIN_SECONDS), []);
    cache.learn(receiver(1), &resolution(&[addr(1)], u32::MAX), Some(&name("pool.test")), 100);
    assert_eq!(find(&cache, receiver(1), addr(1), 100 + DNS_TTL_MAX_SECONDS), []);
    let long = ["a".repeat(60), "b".repeat(60), "test".into()].join(".");
    cache.learn(receiver(1), &resolution(&[addr(9)], 1), Some(&name(&long)), 100);
    assert_eq!(find(&cache, receiver(1), addr(9), 100), []);
    assert!(!cache.is_other(addr(9), 100));
}

/// A host asks under another's address: what is answered counts for neither.
#[test]
fn an_answer_to_a_question_of_another_is_not_that_of_its_client() {
    let mut cache = DnsCache::new(RandomState::new());
    let spoofed = AnswerReceiver::new(client(1), 2);
    cache.learn(spoofed, &resolution(&[addr(1)], 1), Some(&name("pool.test")), 100);
    assert!(cache.find(receiver(1), addr(1), 100).all(|known| !known.own));
    assert!(cache.find(receiver(2), addr(1), 100).all(|known| !known.own));
    cache.learn(receiver(1), &resolution(&[addr(1)], 1), Some(&name("pool.test")), 100);
    cache.learn(spoofed, &resolution(&[addr(1)], 1), Some(&name("other.test")), 100);
    let own = cache.find(receiver(1), addr(1), 100).filter(|known| known.own);
    assert_eq!(own.map(|known| known.name).collect::<Vec<_>>(), ["pool.test"]);
}

#[test]
fn other_names_are_told_apart_until_they_end() {
    let mut cache = DnsCache::new(RandomState::new());
    cache.learn(receiver(1), &resolution(&[addr(1)], 3_600), None, 0);
    cache.learn(receiver(2), &resolution(&[addr(1)], 900), None, 0);
    assert!(cache.is_other(addr(1), 3_599) && !cache.is_other(addr(1), 3_600));
    assert!(!cache.is_other(addr(2), 0));
}

#[test]
fn an_address_carries_others_if_another_name_led_to_it() {
    let mut resolved = DnsCache::new(RandomState::new());
    let answer = |text: &str| {
        let mut answer = resolution(&[addr(1)], 600);
        answer.names.push(name(text)).expect("room");
        answer
    };
    let [pool, shop, third] = ["pool.test", "shop.test", "third.test"].map(name);
    assert!(!resolved.carries_others(addr(1), &[], 0), "nothing is known");
    resolved.learn(receiver(1), &answer("pool.test"), None, 0);
    assert!(!resolved.carries_others(addr(1), &[&pool], 0) && !resolved.carries_several(addr(1), 0));
    assert!(resolved.carries_others(addr(1), &[&shop], 0) && resolved.carries_others(addr(1), &[], 0));
    resolved.learn(receiver(2), &answer("shop.test"), None, 0);
    resolved.learn(receiver(2), &answer("pool.test"), None, 0);
    assert!(resolved.carries_others(addr(1), &[&pool], 0));
    assert!(!resolved.carries_others(addr(1), &[&pool, &shop], 0) && resolved.carries_several(addr(1), 0));
    resolved.learn(receiver(2), &answer("third.test"), None, 0);
    assert!(resolved.carries_others(addr(1), &[&pool, &shop, &third], 0), "more than are counted");
    assert!(!resolved.carries_others(addr(1), &[&pool], 600), "it ends");
}

/// An entry that is found is the one learnt last; of one set, the one that ends first goes.
#[test]
fn agrees_with_a_map() {
    let (mut cache, mut reference) = (DnsCache::new(RandomState::new()), HashMap::new());
    let mut random = Random::new(2);
    for now in 0..20_000 {
        let (of, to) = (client(random.below(3) as u8), addr(random.below(40) as u8));
        let text = name(&format!("n{}.test", random.below(100)));
        let ttl = 600 + random.below(5_000);
        cache.learn(
            AnswerReceiver { client: of, asker: 7, owner: random.below(3) },
            &resolution(&[to], ttl),
            Some(&text),
            now,
        );
        reference.insert((of, to), (text.clone(), now + ttl));
        let (of, to) = (client(random.below(3) as u8), addr(random.below(40) as u8));
        for known in cache.find(AnswerReceiver::new(of, 7), to, now).filter(|known| known.own) {
            let (expected, until) = &reference[&(of, to)];
            assert_eq!(known.name, expected.as_str());
            assert!(*until > now);
        }
    }
}

/// One client looks up more names than there is room for, listed ones and others; what another was told stays.
#[test]
fn one_client_displaces_no_other_s_answers() {
    let mut cache = DnsCache::new(RandomState::new());
    cache.learn(receiver(1), &resolution(&[addr(1)], 600), Some(&name("pool.test")), 0);
    cache.learn(receiver(1), &resolution(&[addr(2)], 600), None, 0);
    for number in 0..8 * RESOLVED_OTHERS as u32 {
        let flood = resolution(&[IpAddr::from(number.to_be_bytes())], u32::MAX);
        cache.learn(receiver(2), &flood, Some(&name("other.test")), 1);
        cache.learn(receiver(2), &flood, None, 1);
    }
    assert_eq!(cache.find(receiver(1), addr(1), 2).filter(|known| known.own).count(), 1);
    assert!(cache.is_other(addr(2), 2));
}

#[test]
fn the_kernel_hears_of_what_is_new_to_it() {
    let mut cache = DnsCache::new(RandomState::new());
    let pool = name("pool.test");
    let answer = resolution(&[addr(1)], DNS_TTL_MIN_SECONDS);
    assert!(cache.learn(receiver(1), &answer, Some(&pool), 0));
    assert!(!cache.learn(receiver(1), &answer, Some(&pool), 1), "it is known, and holds for long");
    assert!(cache.learn(receiver(1), &answer, Some(&pool), DNS_TTL_MIN_SECONDS - 10), "it would end soon");
    assert!(cache.learn(receiver(2), &answer, Some(&pool), DNS_TTL_MIN_SECONDS - 10), "another client");
    assert!(cache.learn(receiver(2), &answer, None, DNS_TTL_MIN_SECONDS), "it is shared");
    assert!(!cache.learn(receiver(2), &answer, None, DNS_TTL_MIN_SECONDS + 1));
}

/// The same through the router's resolver, which is told of every name before its client.
#[test]
fn one_client_of_the_resolver_displaces_no_other_s_answers() {
    let mut cache = DnsCache::new(RandomState::new());
    let router = AnswerReceiver { client: addr(254), asker: 254, owner: ROUTER };
    let mut resolve = |by: AnswerReceiver, addr: IpAddr| {
        for receiver in [router, by] {
            cache.learn(receiver, &resolution(&[addr], 86_400), None, 0);
        }
    };
    resolve(receiver(1), addr(2));
    for number in 0..8 * RESOLVED_OTHERS as u32 {
        resolve(receiver(2), IpAddr::from(number.to_be_bytes()));
    }
    assert!(cache.is_other(addr(2), 2));
}
