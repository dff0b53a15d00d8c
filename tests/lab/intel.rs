//! What lists cost: memory, building, look-ups; beside a map of the standard library with the same entries, in the
//! same run.
//!
//! Prints a table for 1,000, 10,000 and 100,000 entries, three quarters names and one quarter addresses. Each
//! look-up of a name is of one under a listed name, or under none; times are the best of several rounds.

use std::collections::HashMap;
use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Instant;

use minewall::intel::entry::Policy;
use minewall::intel::{Builder, Intel};
use minewall::net::host_name::HostName;

fn main() {
    println!("entries  bytes/entry  build ms  name ns (hit, miss)  of map  address ns (hit, miss)  of map");
    for entries in [1_000, 10_000, 100_000] {
        measure(entries);
    }
}

fn measure(entries: usize) {
    let names: Vec<String> = (0..entries * 3 / 4).map(name).collect();
    let addrs: Vec<Ipv4Addr> = (0..entries / 4).map(addr).collect();
    let text: String = names
        .iter()
        .cloned()
        .chain(addrs.iter().map(|addr| addr.to_string()))
        .map(|line| line + "\n")
        .collect();
    let mut built = None;
    let build_ms = best(5, || {
        let mut builder = Builder::new(64 << 20);
        builder.add_text("bench", Policy::Block, text.as_bytes()).expect("good entries");
        built = Some(builder.build().0);
    }) / 1e6;
    let intel: Intel = built.expect("it was built");
    let map: HashMap<&str, Policy> = names.iter().map(|name| (&name[..], Policy::Block)).collect();
    let addr_map: HashMap<IpAddr, Policy> =
        addrs.iter().map(|addr| ((*addr).into(), Policy::Block)).collect();

    let host = |text: String| HostName::parse(text.as_bytes()).expect("a name");
    // Strided, so that neighbours in the list are not neighbours in time.
    let strided = |count: usize| (0..ROUNDS).map(move |round| round * 7_919 % count);
    let hits: Vec<HostName> = strided(names.len()).map(|at| host(format!("eu.{}", name(at)))).collect();
    let misses: Vec<HostName> =
        strided(names.len()).map(|at| host(format!("www.site{at}.example"))).collect();
    let addr_hits: Vec<IpAddr> = strided(addrs.len()).map(|at| addr(at).into()).collect();
    let addr_misses: Vec<IpAddr> =
        strided(addrs.len()).map(|at| IpAddr::from(addr(at).octets().map(|byte| byte ^ 0x40))).collect();

    let by_name =
        |names: &[HostName]| per_look_up(names, |name| intel.by_name(name, Some(3_333), 0).is_some());
    let by_map = |names: &[HostName]| {
        per_look_up(names, |name| name.domains().filter_map(|domain| map.get(domain)).max().is_some())
    };
    let by_addr =
        |addrs: &[IpAddr]| per_look_up(addrs, |addr| intel.by_addr(*addr, Some(3_333), 0).is_some());
    let by_addr_map = |addrs: &[IpAddr]| per_look_up(addrs, |addr| addr_map.contains_key(addr));
    let (name_hit, name_miss) = (by_name(&hits), by_name(&misses));
    let (addr_hit, addr_miss) = (by_addr(&addr_hits), by_addr(&addr_misses));
    println!(
        "{entries:7}  {:11.1}  {build_ms:8.1}  {name_hit:10.0} {name_miss:8.0}  {:6.2}  {addr_hit:13.0} {addr_miss:8.0}  {:6.2}",
        intel.bytes() as f64 / intel.len() as f64,
        (name_hit + name_miss) / (by_map(&hits) + by_map(&misses)),
        (addr_hit + addr_miss) / (by_addr_map(&addr_hits) + by_addr_map(&addr_misses)),
    );
}

/// As long as those of pools are: 20 to 26 letters.
fn name(number: usize) -> String {
    format!("stratum-{:x}.pool{number}.test", number.wrapping_mul(2_654_435_761) & 0xffff)
}

fn addr(number: usize) -> Ipv4Addr {
    Ipv4Addr::from_bits(0x5000_0000 | (number as u32).wrapping_mul(40_503) & 0x0fff_ffff)
}

/// Nanoseconds a look-up. Each few hundred are timed by themselves and the best of several times counts, so that a
/// busy machine doesn't.
fn per_look_up<T>(all: &[T], look_up: impl Fn(&T) -> bool) -> f64 {
    let part = |part: &[T]| {
        best(9, || {
            let found = part.iter().filter(|each| look_up(black_box(each))).count();
            black_box(found);
        })
    };
    all.chunks(256).map(part).sum::<f64>() / all.len() as f64
}

/// Nanoseconds of the best of several rounds.
fn best(rounds: usize, mut run: impl FnMut()) -> f64 {
    let time = |_| {
        let start = Instant::now();
        run();
        start.elapsed().as_nanos() as f64
    };
    (0..rounds).map(time).fold(f64::INFINITY, f64::min)
}

const ROUNDS: usize = 50_000;
