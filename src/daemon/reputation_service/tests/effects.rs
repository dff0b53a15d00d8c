//! Effects of entries on engine, kernel, disk and fleet.

use super::*;

#[test]
fn what_a_probe_finds_is_news_to_others_and_on_disk_at_once() {
    let mut bench = ServiceBench::new("");
    let directory = bench.directory.clone();
    bench.answer(&server(1, 3333), "", ProbeVerdict::Pool, true);
    bench.answer(&server(2, 443), POOL, ProbeVerdict::NotPool, false);
    let line = bench.service.poll_shared().expect("news");
    assert!(
        line.contains("\"entry\":\"203.0.113.1:3333\"") && bench.service.poll_shared().is_none(),
        "{line}"
    );
    assert_eq!(bench.service.shared(), line + "\n");
    bench.service.tick(&bench.house, bench.now);
    let start = std::time::Instant::now();
    while Store::open(&configured(directory.path(), "").reputation_files(), unix_seconds())
        .holding(unix_seconds())
        .count()
        < 2
    {
        assert!(start.elapsed() < Duration::from_secs(60), "nothing is written");
        std::thread::sleep(Duration::from_millis(2));
    }
    let mut again = ServiceBench::open(&directory, "");
    assert!(again.cuts(&server(1, 3333), ""));
    assert_eq!(again.verdict(&server(2, 443), POOL), Some(EndpointVerdict::NotPool));
    // What is known is not asked again, nor after a restart.
    again.detect(Source::Hmm, &server(2, 443), POOL);
    assert!(again.waiting().is_empty() && again.service.probes().known == 1);
}

#[test]
fn what_is_struck_out_is_gone_from_every_view() {
    let mut bench = ServiceBench::new("option kernel_block 1\n");
    bench.answer(&server(1, 3333), POOL, ProbeVerdict::Pool, true);
    assert!(bench.cuts(&server(1, 3333), POOL) && !bench.service.elements(&bench.house).is_empty());
    let removed = bench.service.remove(&"203.0.113.1".parse().expect("a subject"), bench.now);
    assert_eq!(removed.len(), 2, "with and without its name");
    assert!(!bench.cuts(&server(1, 3333), POOL) && bench.service.elements(&bench.house).is_empty());
    assert!(bench.service.take_view(&bench.house).is_some());
    bench.detect(Source::Hmm, &server(1, 3333), POOL);
    assert_eq!(bench.waiting().len(), 1, "it may be asked again");
}

/// Routers that reconnect to their broker say again what they have said.
#[test]
fn what_is_only_said_again_is_seldom_written() {
    let mut bench = ServiceBench::new("");
    let offer = |bench: &mut ServiceBench, text: &str, wait| {
        bench.service.write_at = None;
        bench.offer(text, Policy::Suspect, Origin::Fleet);
        assert_eq!(bench.service.write_at, Some(bench.now.after(wait)), "{text}");
    };
    offer(&mut bench, "203.0.113.1:3333", REPUTATION_FLEET_WRITE_WAIT);
    offer(&mut bench, "203.0.113.1:3333", REPUTATION_RENEWAL_WRITE_WAIT);
    offer(&mut bench, "203.0.113.2:3333", REPUTATION_FLEET_WRITE_WAIT);
}

#[test]
fn the_kernel_gets_single_servers_that_are_pools_for_every_name() {
    let mut bench = ServiceBench::new("option kernel_block 1\n");
    for text in
        ["203.0.113.1:3333", "203.0.113.0/24:5555", "203.0.113.2", "pool.example:3333", "[2001:db8::1]:443"]
    {
        bench.offer(text, Policy::Block, Origin::Operator);
    }
    bench.offer("pool.example@203.0.113.3:443", Policy::Block, Origin::Operator);
    bench.offer("203.0.113.4:3333", Policy::Suspect, Origin::Operator);
    bench.offer("203.0.113.5:3333", Policy::Block, Origin::Fleet);
    assert_eq!(
        bench.service.elements(&bench.house),
        "add element inet minewall pools4 { 203.0.113.1 . 3333 timeout 3600s }\n\
         add element inet minewall pools6 { 2001:db8::1 . 443 timeout 3600s }\n"
    );
    bench.house.exempt.push(server(1, 3333));
    assert!(!bench.service.elements(&bench.house).contains("203.0.113.1"));
    let monitor = ServiceBench::open(&bench.directory, "option kernel_block 1\noption mode monitor\n");
    assert_eq!(monitor.service.elements(&monitor.house), "");
}

/// In any order of events: the engine cuts off every name at a server exactly where the kernel refuses the server.
#[test]
fn engine_and_kernel_agree() {
    let mut bench = ServiceBench::new("option kernel_block 1\n");
    let mut random = Random::new(3);
    for _ in 0..2_000 {
        let server = server(random.below(6) as u8, 3333);
        let text = server.to_string();
        let name = ["", POOL, "shop.example"][random.below(3) as usize];
        match random.below(6) {
            0 => bench.detect(Source::Dpi, &server, name),
            1 => {
                let verdict = [ProbeVerdict::Pool, ProbeVerdict::NotPool, ProbeVerdict::Inconclusive]
                    [random.below(3) as usize];
                bench.answer(&server, name, verdict, random.below(2) == 0);
            }
            2 => drop(bench.offer(&text, Policy::ALL[random.below(3) as usize], Origin::Operator)),
            3 => drop(bench.offer(&text, Policy::ALL[random.below(2) as usize], Origin::Fleet)),
            4 => drop(bench.service.remove(&Subject::server(&server, None), bench.now)),
            _ => bench.now = bench.now.after(Duration::from_secs(600)),
        }
        let in_kernel = bench.service.elements(&bench.house).contains(&format!("{} . 3333", server.addr()));
        let never_named = bench.cuts(&server, "never.seen.example");
        assert_eq!(never_named, in_kernel, "{server}: {:?}", bench.service.entries().collect::<Vec<_>>());
    }
}

/// A clock that is set 400 days ahead while the service runs, and back: nothing is lost.
#[test]
fn a_clock_that_jumps_loses_nothing() {
    let mut bench = ServiceBench::new("");
    bench.answer(&server(1, 3333), "", ProbeVerdict::Pool, true);
    const AHEAD: u64 = 400 * 86_400;
    let wall = unix_seconds();
    for (second, wall) in [(1, wall + 1), (2, wall + AHEAD), (3, wall + AHEAD + 1), (4, wall + 4)] {
        bench.service.follow_wall_clock(wall, Instant::from_micros(second * 1_000_000));
        assert!(bench.cuts(&server(1, 3333), ""), "second {second}");
    }
}

#[test]
fn followers_are_told_of_what_there_is_room_for() {
    let mut bench = ServiceBench::new("");
    for number in 0..2 * LINES_PENDING {
        bench.answer(&server(1, 1_000 + number as u16), "", ProbeVerdict::Pool, true);
    }
    let told = core::iter::from_fn(|| bench.service.poll_shared()).count();
    assert!((1..=LINES_PENDING).contains(&told), "{told}");
}

/// A pool that has a name is one by that name; one that has none is one if it answered twice.
#[test]
fn a_pool_that_was_asked_once_without_a_name_is_asked_again() {
    for (name, without_name, expected) in [
        ("", false, vec![Fact::Inconclusive]),
        ("", true, vec![Fact::Pool]),
        (POOL, false, vec![Fact::Pool]),
        (POOL, true, vec![Fact::Pool, Fact::Pool]),
    ] {
        let mut bench = ServiceBench::new("");
        bench.answer(&server(1, 3333), name, ProbeVerdict::Pool, without_name);
        let facts: Vec<Fact> = bench.service.entries().map(|entry| entry.fact).collect();
        assert_eq!(facts, expected, "{name} {without_name}");
    }
}
