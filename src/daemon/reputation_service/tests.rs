use super::*;
use crate::daemon::control::Outcome as Word;
use crate::dpi::dialect::Dialect;
use crate::dpi::finding::Finding;
use crate::engine::Settings;
use crate::hmm::model::Model;
use crate::limits::{BOOK_ENTRIES, BOOK_FLEET_WRITE_WAIT, BOOK_RENEWAL_WRITE_WAIT, UNCONFIRMED};
use crate::probe::Transport;
use crate::util::random::Random;
use std::hash::{BuildHasherDefault, DefaultHasher};
use std::net::IpAddr;
use std::path::Path;

type TestEngine = Engine<BuildHasherDefault<DefaultHasher>>;

/// A keeper and its engine, with a file of their own and no `nft`.
struct Bench {
    keeper: Keeper,
    engine: TestEngine,
    config: Config,
    now: Instant,
}

impl Bench {
    fn new(name: &str, options: &str) -> Self {
        let file = std::env::temp_dir().join(format!("minewall-keeper-{name}-{}", std::process::id()));
        let _ = std::fs::remove_file(&file);
        Bench::open(&file, options)
    }

    fn open(file: &Path, options: &str) -> Self {
        let text = format!(
            "config minewall\noption learn_file '{}'\noption kernel_block 0\n{options}",
            file.display()
        );
        let config = crate::config::parse(Path::new("test"), text.as_bytes()).expect("good options").config;
        let model = Model::embedded().expect("it is part of the program");
        let mut engine = Engine::new(Settings::from(&config), model, 64, BuildHasherDefault::default());
        let keeper = Keeper::start(&config, &mut engine, Instant::default());
        Bench { keeper, engine, config, now: Instant::default() }
    }

    fn read(&mut self, server: Endpoint) -> Lore {
        let detection = Detection { server, ..detection() };
        self.keeper.learn(&detection, &mut self.engine, self.now)
    }

    fn offer(&mut self, text: &str, policy: Policy, origin: Origin) -> Answer {
        let subject = text.parse().expect(text);
        let offer = Offer { subject, policy, origin, seconds: None, dialect: None };
        self.keeper.offer(&offer, &mut self.engine, self.now)
    }

    fn asked(&mut self, server: Endpoint, verdict: Verdict) {
        let outcome = Outcome::new(verdict, None, Some(Transport::Tls), &[b"said so"]);
        // As the prober does.
        let until = self.now.after(Duration::from_secs(1_000));
        match verdict {
            Verdict::Pool => self.engine.learn(server, Lesson::Pool(None), until),
            Verdict::NotPool => self.engine.learn(server, Lesson::NotPool, until),
            Verdict::Inconclusive => {}
        }
        self.keeper.asked(&mut self.engine, server, &outcome, 1_000, self.now);
    }

    fn lesson(&self, server: &Endpoint) -> Option<Lesson> {
        self.engine.lesson(server)
    }
}

fn detection() -> Detection {
    Detection {
        at: Instant::default(),
        client: (std::net::Ipv4Addr::new(192, 168, 1, 50), 40_000).into(),
        hw_addr: None,
        server: server(9, 3333),
        server_name: Default::default(),
        tls: None,
        finding: Finding::of(Some(Dialect::CryptoNote), "login from the client"),
        points_to: None,
        wire: Default::default(),
        source: Source::Dpi,
        suspicion: None,
        server_is_pool: true,
        payload_packets: 1,
        blocked: true,
    }
}

fn server(number: u8, port: u16) -> Endpoint {
    Endpoint::new(IpAddr::from([203, 0, 113, number]), port)
}

#[test]
fn only_what_can_mean_nobody_else_is_learnt_from_reading() {
    let mut bench = Bench::new("reading", "list allow_endpoint 203.0.113.7\n");
    for (source, is_pool) in
        [(Source::Dpi, false), (Source::Intel, true), (Source::Hmm, true), (Source::Probe, true)]
    {
        let other = Detection { source, server_is_pool: is_pool, ..detection() };
        assert_eq!(bench.keeper.learn(&other, &mut bench.engine, bench.now), Lore::Settled);
    }
    assert_eq!(bench.read(server(9, SERVICE_PORTS)), Lore::AskServer);
    assert_eq!(bench.read(server(7, 3333)), Lore::Settled, "exempt");
    // An address that many sites have (a content delivery network's).
    let shared = Endpoint::new("104.16.0.1".parse().expect("one"), 3333);
    assert_eq!(bench.read(shared), Lore::AskServer);
    assert!(bench.keeper.book().entries().is_empty());

    assert_eq!(bench.read(server(9, SERVICE_PORTS + 1)), Lore::AskServer, "it is entered, and asked as well");
    assert_eq!(bench.read(server(9, SERVICE_PORTS + 1)), Lore::Settled);
    let lesson = bench.lesson(&server(9, SERVICE_PORTS + 1));
    assert_eq!(lesson, Some(Lesson::Known(Origin::Dpi, Some(Dialect::CryptoNote))));
    let line = bench.keeper.poll_shared().expect("news");
    assert!(line.contains("\"entry\":\"203.0.113.9:1024\"") && bench.keeper.poll_shared().is_none());
    assert_eq!(bench.keeper.shared(), line + "\n");
}

#[test]
fn who_reads_everything_as_mining_teaches_only_so_much() {
    let mut bench = Bench::new("ration", "");
    let learn = |bench: &mut Bench, from: u32| {
        for number in from..from + 2 * LESSONS_PER_HOUR {
            bench.read(server((number % 250) as u8, 2_000 + number as u16));
        }
    };
    let mut told = 0;
    learn(&mut bench, 0);
    while bench.keeper.poll_shared().is_some() {
        told += 1;
    }
    assert_eq!(told, LESSONS_PER_HOUR.min(LINES_PENDING as u32));
    bench.now = bench.now.after(Duration::from_secs(3_601));
    learn(&mut bench, 10_000);
    assert!(bench.keeper.poll_shared().is_some());
    assert!(bench.keeper.book().entries().len() <= BOOK_ENTRIES);
}

#[test]
fn the_server_s_own_answer_goes_before_what_was_read() {
    let mut bench = Bench::new("asked", "");
    let (liar, pool) = (server(1, 8443), server(2, 3333));
    bench.read(liar);
    bench.read(pool);
    assert_eq!(bench.offer("203.0.113.3:3333", Policy::Block, Origin::Fleet).outcome, Word::Done);
    for told in [liar, server(3, 3333)] {
        bench.asked(told, Verdict::NotPool);
        assert_eq!(bench.lesson(&told), Some(Lesson::NotPool), "{told}");
    }
    bench.asked(pool, Verdict::Inconclusive);
    assert!(matches!(bench.lesson(&pool), Some(Lesson::Known(Origin::Dpi, _))));
    bench.asked(pool, Verdict::Pool);
    assert!(matches!(bench.lesson(&pool), Some(Lesson::Pool(_))));
    let [left] = bench.keeper.book().entries() else { panic!("{:?}", bench.keeper.book()) };
    assert_eq!((left.subject.as_endpoint(), left.origin), (Some(pool), Origin::Probe));
    // A person knows better.
    assert_eq!(bench.offer("203.0.113.1:8443", Policy::Block, Origin::Operator).outcome, Word::Done);
    bench.asked(liar, Verdict::NotPool);
    assert!(matches!(bench.lesson(&liar), Some(Lesson::Known(Origin::Operator, _))));
}

#[test]
fn other_routers_are_taken_at_their_word_within_bounds() {
    let mut bench = Bench::new("fleet", "list allow_endpoint 203.0.113.7\noption learn_hours 1\n");
    for text in [
        "203.0.113.7:3333",
        "192.168.1.1:443",
        "10.0.0.1:3333",
        "[fd00::1]:3333",
        "203.0.113.9",
        "203.0.113.0/24:3333",
        "203.0.113.9:nonweb",
        "bank.example",
    ] {
        let answer = bench.offer(text, Policy::Block, Origin::Fleet);
        assert_eq!(answer.outcome, Word::Refused, "{text}: {}", answer.text);
    }
    assert_eq!(bench.offer("203.0.113.9:3333", Policy::Allow, Origin::Fleet).outcome, Word::Refused);
    assert_eq!(bench.offer("203.0.113.9:3333", Policy::Block, Origin::Dpi).outcome, Word::Refused);
    assert!(bench.keeper.book().entries().is_empty());

    for text in ["203.0.113.9:3333", "pool.example:3333"] {
        assert_eq!(bench.offer(text, Policy::Block, Origin::Fleet).outcome, Word::Done, "{text}");
    }
    assert_eq!(bench.offer("other.example", Policy::Suspect, Origin::Fleet).outcome, Word::Done);
    assert!(bench.keeper.book().entries().iter().all(|entry| entry.until - entry.since == 3_600));
    assert!(
        bench.keeper.poll_shared().is_none() && bench.keeper.shared().is_empty(),
        "it doesn't go out again"
    );

    bench.offer("203.0.113.9:3333", Policy::Allow, Origin::Operator);
    assert_eq!(bench.offer("203.0.113.9:3333", Policy::Block, Origin::Fleet).outcome, Word::Refused);
    assert_eq!(bench.lesson(&server(9, 3333)), None);
    for number in 0..FLEET_ENTRIES_PER_MINUTE {
        bench.offer(&format!("203.0.113.1:{}", 1_000 + number), Policy::Suspect, Origin::Fleet);
    }
    let answer = bench.offer("203.0.113.2:3333", Policy::Suspect, Origin::Fleet);
    assert!(answer.outcome == Word::Refused && answer.text.contains("too many"), "{}", answer.text);
    assert!(
        Bench::new("fleet-off", "option learn_hours 0\n")
            .offer("203.0.113.2:3333", Policy::Suspect, Origin::Fleet)
            .outcome
            == Word::Refused
    );
}

#[test]
fn what_a_person_says_is_on_disk_at_once_and_the_rest_when_it_stops() {
    let mut bench = Bench::new("disk", "");
    let file = bench.config.learn_file.clone();
    bench.offer("203.0.113.1:3333", Policy::Block, Origin::Operator);
    bench.keeper.tick(&mut bench.engine, bench.now);
    let start = std::time::Instant::now();
    while Book::load(&file).entries().is_empty() {
        assert!(start.elapsed() < Duration::from_secs(60), "nothing is written");
        std::thread::sleep(Duration::from_millis(2));
    }
    bench.read(server(2, 3333));
    bench.keeper.tick(&mut bench.engine, bench.now);
    bench.keeper.stop();
    // It waits no longer than a service may take to end; on a busy machine the thread may take longer.
    while Book::load(&file).entries().len() < 2 {
        assert!(start.elapsed() < Duration::from_secs(60), "the rest is not written");
        std::thread::sleep(Duration::from_millis(2));
    }
    let again = Bench::open(&file, "");
    assert_eq!(again.keeper.book().entries().len(), 2);
    assert!(matches!(again.lesson(&server(1, 3333)), Some(Lesson::Known(Origin::Operator, _))));
    assert!(matches!(again.lesson(&server(2, 3333)), Some(Lesson::Known(Origin::Dpi, _))));
    std::fs::remove_file(&file).expect("it was there");
}

/// Whoever finds a port that the router forwards could else have the house's own server blocked for everybody.
#[test]
fn nobody_on_the_internet_teaches_of_servers_of_the_house() {
    let mut bench = Bench::new("inbound", "");
    for (client, server) in
        [("198.51.100.7:40000", "192.168.1.10:8123"), ("[2001:db8::7]:40000", "[fd00::10]:32400")]
    {
        let [client, server] = [client, server].map(|text| {
            let at: std::net::SocketAddr = text.parse().expect(text);
            Endpoint::new(at.ip(), at.port())
        });
        let inbound = Detection { client, server, ..detection() };
        assert_eq!(bench.keeper.learn(&inbound, &mut bench.engine, bench.now), Lore::Settled);
    }
    assert!(bench.keeper.book().entries().is_empty());
}

/// What one session has taught and nobody has borne out: a server that can't be asked, or doesn't say, may be
/// anybody's.
#[test]
fn one_host_s_word_alone_does_not_hold_for_long() {
    let mut bench = Bench::new("unconfirmed", "");
    // A second may pass in between.
    let lives = |bench: &Bench| -> Vec<u64> {
        bench.keeper.book().entries().iter().map(|entry| (entry.until - entry.since) / 100 * 100).collect()
    };
    bench.read(server(1, 3333));
    assert!(bench.keeper.is_unsure_of(&server(1, 3333)) && !bench.keeper.is_unsure_of(&server(2, 3333)));
    bench.asked(server(1, 3333), Verdict::Inconclusive);
    assert_eq!(lives(&bench), [UNCONFIRMED.as_secs()]);
    bench.asked(server(1, 3333), Verdict::Pool);
    assert!(!bench.keeper.is_unsure_of(&server(1, 3333)));
    assert_eq!(lives(&bench), [1_000], "as long as its answer");
    // Two who say the same are believed no less than one.
    bench.offer("203.0.113.2:3333", Policy::Block, Origin::Fleet);
    bench.read(server(2, 3333));
    assert_eq!(lives(&bench), [1_000, 604_800]);
    for (options, seconds) in [("option probe 0\n", 604_800), ("option learn_hours 0\n", 0)] {
        let mut bench = Bench::new("unasked", options);
        bench.read(server(1, 3333));
        assert_eq!(lives(&bench).iter().sum::<u64>(), seconds, "{options}");
    }
}

/// Neither a host that says so again, nor another router, has it cut off again.
#[test]
fn a_server_that_was_asked_and_is_no_pool_is_not_learnt_from_others() {
    let mut bench = Bench::new("asked-before", "");
    bench.engine.learn(server(1, 3333), Lesson::NotPool, bench.now.after(Duration::from_secs(9)));
    assert_eq!(bench.read(server(1, 3333)), Lore::Settled);
    for policy in [Policy::Block, Policy::Suspect] {
        let answer = bench.offer("203.0.113.1:3333", policy, Origin::Fleet);
        assert_eq!(answer.outcome, Word::Nothing, "{}", answer.text);
    }
    assert!(bench.keeper.book().entries().is_empty());
    assert_eq!(bench.lesson(&server(1, 3333)), Some(Lesson::NotPool));
    assert_eq!(bench.offer("203.0.113.1:3333", Policy::Block, Origin::Operator).outcome, Word::Done);
}

/// Routers that reconnect to their broker say again what they have said.
#[test]
fn what_is_only_said_again_is_seldom_written() {
    let mut bench = Bench::new("renewed", "");
    bench.offer("203.0.113.1:3333", Policy::Block, Origin::Fleet);
    assert_eq!(bench.keeper.write_at, Some(bench.now.after(BOOK_FLEET_WRITE_WAIT)));
    bench.keeper.write_at = None;
    bench.offer("203.0.113.1:3333", Policy::Block, Origin::Fleet);
    assert_eq!(bench.keeper.write_at, Some(bench.now.after(BOOK_RENEWAL_WRITE_WAIT)));
    bench.offer("203.0.113.2:3333", Policy::Block, Origin::Fleet);
    assert_eq!(bench.keeper.write_at, Some(bench.now.after(BOOK_FLEET_WRITE_WAIT)));
}

/// The clock may be set forwards after the lesson was learnt, by its own clock.
#[test]
fn what_ends_in_the_book_ends_in_the_engine() {
    let mut bench = Bench::new("ends", "");
    bench.offer("203.0.113.1:3333", Policy::Block, Origin::Operator);
    let now = unix_seconds();
    let ended = Entry { since: now - 9, until: now - 1, ..bench.keeper.book().entries()[0].clone() };
    bench.keeper.book.enter(ended);
    bench.keeper.tick(&mut bench.engine, bench.now);
    assert!(bench.keeper.book().entries().is_empty());
    assert_eq!(bench.lesson(&server(1, 3333)), None);
}

#[test]
fn the_kernel_gets_single_servers_that_nobody_shares_or_is_exempt() {
    let mut bench = Bench::new("kernel", "list allow_endpoint 203.0.113.7\noption kernel_block 1\n");
    for text in
        ["203.0.113.1:3333", "203.0.113.0/24:5555", "203.0.113.2", "pool.example:3333", "[2001:db8::1]:443"]
    {
        bench.offer(text, Policy::Block, Origin::Operator);
    }
    bench.offer("203.0.113.4:3333", Policy::Suspect, Origin::Operator);
    bench.offer("104.16.0.1:3333", Policy::Block, Origin::Fleet);
    let elements = bench.keeper.elements(&bench.engine, bench.now);
    assert_eq!(
        elements,
        "add element inet minewall pools4 { 203.0.113.1 . 3333 timeout 3600s }\n\
         add element inet minewall pools6 { 2001:db8::1 . 443 timeout 3600s }\n"
    );
    bench.offer("203.0.113.0/28", Policy::Allow, Origin::Operator);
    assert!(!bench.keeper.elements(&bench.engine, bench.now).contains("203.0.113.1"));
    let monitor = Bench::open(&bench.config.learn_file, "option kernel_block 1\noption mode monitor\n");
    assert_eq!(monitor.keeper.elements(&monitor.engine, monitor.now), "");
}

/// Whatever happens in whatever order, the engine cuts off exactly what the book blocks.
#[test]
fn engine_and_book_agree() {
    let mut bench = Bench::new("agree", "");
    let mut random = Random::new(3);
    for _ in 0..3_000 {
        let server = server(random.below(6) as u8, 3333);
        let text = server.to_string();
        match random.below(6) {
            0 => drop(bench.read(server)),
            1 => bench.asked(
                server,
                [Verdict::Pool, Verdict::NotPool, Verdict::Inconclusive][random.below(3) as usize],
            ),
            2 => drop(bench.offer(&text, Policy::ALL[random.below(3) as usize], Origin::Operator)),
            3 => drop(bench.offer(&text, Policy::ALL[random.below(2) as usize], Origin::Fleet)),
            4 => drop(bench.keeper.remove(&Pattern::of(&server), &mut bench.engine, bench.now)),
            _ => bench.now = bench.now.after(Duration::from_secs(600)),
        }
        let known = bench.keeper.book().of_server(&server).map(|entry| entry.policy);
        let cuts = matches!(bench.lesson(&server), Some(Lesson::Known(..) | Lesson::Pool(_)));
        assert_eq!(cuts, known == Some(Policy::Block), "{server}: {known:?}, {:?}", bench.lesson(&server));
        assert_eq!(bench.engine.exempts(&server, bench.now), known == Some(Policy::Allow));
    }
}
