//! Engines of several queues: what one learns that counts for all.

use super::lists::listing;
use super::*;
use crate::engine::peers::Peers;
use crate::hmm::house::House;
use crate::limits::{PEER_FACTS_PER_SECOND, PEER_INBOX};

/// A bench for each of `queues`, with one list.
fn benches(queues: usize, list: &str) -> Vec<Bench> {
    let model = Model::embedded().unwrap();
    let engines = Engine::for_queues(queues, &settings(""), &model, 256, &BuildHasherDefault::default());
    engines
        .into_iter()
        .map(|mut engine| {
            engine.replace_intel(Some(listing(list)));
            Bench { engine, ..Bench::new("") }
        })
        .collect()
}

/// The client asks on one queue and calls the server on another: its first packet is cut off there.
#[test]
fn an_answer_counts_on_every_queue() {
    for asked in 0..3 {
        let mut benches = benches(3, "pool.example\n");
        benches[asked].resolve(HOST, &["pool.example"], POOL);
        for (queue, bench) in benches.iter_mut().enumerate() {
            let (is_cut, _) = bench.attempt();
            assert!(is_cut, "asked on {asked}, called on {queue}");
        }
        let answers: u32 = benches.iter().map(|bench| bench.engine.counters().dns_answers).sum();
        assert_eq!(answers, 1, "counted once");
    }
}

/// The same over TCP, where the answer is payload of a connection.
#[test]
fn an_answer_over_tcp_counts_on_every_queue() {
    let mut benches = benches(2, "pool.example\n");
    benches[0].server_port = 53;
    benches[0].attempt();
    benches[0].answer_over_tcp("pool.example", POOL);
    assert!(benches[1].attempt().0);
}

/// What another host was told is believed of its own connections alone, on every queue.
#[test]
fn an_answer_is_its_asker_s_on_every_queue() {
    let mut benches = benches(2, "pool.example\n");
    benches[0].resolve(Ipv4Addr::new(192, 168, 1, 51), &["pool.example"], POOL);
    assert!(!benches[1].attempt().0);
}

/// The kernel refuses what was answered to a client that is known to send from the address, wherever it was seen.
#[test]
fn a_hardware_address_counts_on_every_queue() {
    let mut benches = benches(2, "pool.example\n");
    benches[0].resolve(HOST, &["pool.example"], POOL);
    let now = |bench: &Bench| Instant::from_micros(bench.millis * 1_000);
    assert!(benches[0].engine.refused_answers(now(&benches[0])).is_empty(), "it may be another's");
    benches[1].port += 1;
    benches[1].attempt();
    let at = now(&benches[0]);
    benches[0].engine.hear_peers(at);
    assert_eq!(benches[0].engine.refused_answers(at).len(), 1);
    assert!(benches[0].engine.take_kernel_news());
}

/// One histogram and one budget of suspects, not one for each queue.
#[test]
fn the_house_is_one() {
    let mut benches = benches(2, "");
    let learned = "77 1 2 3".to_owned() + &" 0".repeat(45) + "\n";
    benches[0].engine.restore_house(House::from_line(&learned).expect("a line"));
    assert_eq!(benches[1].engine.house().to_line(), learned);
}

/// All engines together take the flows of one, and a client's share is told alike.
#[test]
fn stores_are_divided() {
    for queues in [1, 2, 3, 4] {
        let benches = benches(queues, "");
        let flows: usize = benches.iter().map(|bench| bench.engine.flows().capacity()).sum();
        let slots: usize = benches.iter().map(|bench| bench.engine.reassembly().capacity()).sum();
        assert!(flows <= 256 && flows > 128, "{queues} queues: {flows} flows");
        assert!(slots <= 4 + queues, "{queues} queues: {slots} slots");
        let owner = |bench: &Bench| bench.engine.pipeline.owner_of(HOST.into());
        assert!(benches.iter().all(|bench| owner(bench) == owner(&benches[0])));
    }
}

/// A client that floods its own name server over TCP doesn't keep another's answer from the other queues, and a queue
/// that takes nothing for a while loses no more than what its inbox can't hold.
#[test]
fn a_flood_of_facts_is_bounded() {
    let mut benches = benches(2, "pool.example\n");
    benches[0].server_port = 53;
    benches[0].attempt();
    for _ in 0..2 * PEER_FACTS_PER_SECOND {
        benches[0].answer_over_tcp("other.example", Ipv4Addr::new(198, 51, 100, 1));
        benches[0].millis -= 20;
    }
    assert!(benches[0].engine.facts_lost() > 0, "beyond its share");
    benches[0].resolve(HOST, &["pool.example"], POOL);
    assert!(benches[1].attempt().0, "an answer that the rules limit has room");
    for number in 0..2 * PEER_INBOX as u32 {
        let (other, addr) = (Ipv4Addr::new(192, 168, 1, 51), Ipv4Addr::from(0xc633_6400 + number));
        benches[0].resolve(other, &["pool.example"], addr);
    }
    assert!(benches[0].engine.facts_lost() as usize >= PEER_INBOX);
    assert!(benches[1].attempt().0, "what it knew stays");
}

#[test]
fn one_engine_has_no_peers() {
    assert!(benches(1, "")[0].engine.pipeline.peers.is_none());
    assert_eq!(Peers::all(3).len(), 3);
}
