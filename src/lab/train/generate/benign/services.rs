//! Requests of programs to servers, and their responses.

use super::blocks::{asks, hears, hello, pings, tells};
use crate::lab::train::generate::script::{Rhythm, Script, Size};
use crate::lab::train::rng::Rng;

pub(crate) fn ticker(s: &mut Script, rng: &mut Rng) {
    let at = hello(s, rng);
    for _ in 0..rng.range(1, 3) {
        let (rhythm, quote) = (Rhythm::any(rng, 0.2, 20.0), Size::any(rng, 60, 700));
        hears(s, rng, at, rhythm, quote, None);
    }
    pings(s, rng, at, 10.0, 60.0);
}

/// FIX: a heartbeat each way, orders and their reports.
pub(crate) fn market_orders(s: &mut Script, rng: &mut Rng) {
    let at = hello(s, rng);
    let beat = Rhythm::periodic(rng, 10.0, 60.0);
    let size = Size::fixed(rng, 70, 120, 2);
    hears(s, rng, at, beat, size, None);
    tells(s, rng, at, beat, size);
    let (rhythm, order, report) =
        (Rhythm::any(rng, 1.0, 60.0), Size::fixed(rng, 130, 300, 12), Size::text(rng, 180.0, 420.0));
    asks(s, rng, at, rhythm, order, report);
}

pub(crate) fn new_heads(s: &mut Script, rng: &mut Rng) {
    let at = hello(s, rng);
    let rhythm =
        if rng.chance(0.5) { Rhythm::random(rng, 1.0, 60.0) } else { Rhythm::periodic(rng, 2.0, 15.0) };
    let head = Size::any(rng, 200, 1_800);
    hears(s, rng, at, rhythm, head, None);
    if rng.chance(0.5) {
        let (rhythm, call, result) =
            (Rhythm::any(rng, 3.0, 60.0), Size::any(rng, 60, 250), Size::any(rng, 40, 900));
        asks(s, rng, at, rhythm, call, result);
    }
    pings(s, rng, at, 15.0, 60.0);
}

pub(crate) fn dashboard(s: &mut Script, rng: &mut Rng) {
    let at = hello(s, rng);
    for _ in 0..rng.range(1, 5) {
        let (rhythm, panel) = (Rhythm::periodic(rng, 1.0, 60.0), Size::any(rng, 80, 4_000));
        hears(s, rng, at, rhythm, panel, None);
    }
    pings(s, rng, at, 10.0, 60.0);
}

pub(crate) fn poll(s: &mut Script, rng: &mut Rng) {
    let rhythm = if rng.chance(0.7) { Rhythm::periodic(rng, 0.8, 90.0) } else { Rhythm::any(rng, 1.0, 60.0) };
    for _ in 0..rng.range(1, 3) {
        let (request, response) = (Size::any(rng, 60, 900), Size::any(rng, 100, 4_000));
        asks(s, rng, 0.001, rhythm, request, response);
    }
}

pub(crate) fn long_poll(s: &mut Script, rng: &mut Rng) {
    let (request, response) = (Size::fixed(rng, 80, 700, 2), Size::any(rng, 60, 2_500));
    let wait = Rhythm::any(rng, 2.0, 60.0);
    let mut at = 0.001;
    while at < s.end {
        let up = request.sample(rng);
        s.up(at, up);
        at += wait.next(rng).clamp(s.path.rtt, 60.0);
        let down = response.sample(rng);
        s.down(at, down);
        at += rng.exponential(0.01);
    }
}

pub(crate) fn events(s: &mut Script, rng: &mut Rng) {
    let at = hello(s, rng);
    for _ in 0..rng.range(1, 3) {
        let (rhythm, event) = (Rhythm::any(rng, 0.5, 90.0), Size::any(rng, 30, 1_500));
        hears(s, rng, at, rhythm, event, None);
    }
    let comment = Rhythm::periodic(rng, 10.0, 60.0);
    hears(s, rng, at, comment, Size::Fixed { base: 14, spread: 0 }, None);
}

/// Wallets: subscriptions, new headers, pings; JSON lines as a miner's.
pub(crate) fn electrum(s: &mut Script, rng: &mut Rng) {
    let mut at = hello(s, rng);
    let (subscribe, status) =
        (Size::fixed(rng, 110, 170, 2), Size::Few { of: [42, 100, 100, 102], spread: 2 });
    for _ in 0..rng.range(2, 40) {
        let (up, down) = (subscribe.sample(rng), status.sample(rng));
        at = s.exchange(rng, at, up, down).min(at + rng.exponential(0.05));
    }
    let (blocks, header) = (Rhythm::random(rng, 30.0, 600.0), Size::fixed(rng, 230, 330, 2));
    hears(s, rng, at, blocks, header, None);
    let ping = Rhythm::periodic(rng, 30.0, 120.0);
    let (up, down) = (Size::fixed(rng, 45, 80, 2), Size::fixed(rng, 36, 60, 2));
    asks(s, rng, at, ping, up, down);
    let (rhythm, call, result) =
        (Rhythm::any(rng, 5.0, 200.0), Size::any(rng, 70, 200), Size::text(rng, 60.0, 900.0));
    asks(s, rng, at, rhythm, call, result);
}

pub(crate) fn database(s: &mut Script, rng: &mut Rng) {
    let at = hello(s, rng);
    for _ in 0..rng.range(1, 5) {
        let (rhythm, query, rows) =
            (Rhythm::any(rng, 0.3, 40.0), Size::any(rng, 30, 500), Size::any(rng, 20, 5_000));
        asks(s, rng, at, rhythm, query, rows);
    }
}

pub(crate) fn cache(s: &mut Script, rng: &mut Rng) {
    let rhythm = Rhythm::any(rng, 0.2, 30.0);
    let (get, value) = (Size::any(rng, 20, 120), Size::any(rng, 5, 900));
    asks(s, rng, 0.001, rhythm, get, value);
    if rng.chance(0.4) {
        let (rhythm, set) = (Rhythm::any(rng, 1.0, 30.0), Size::any(rng, 40, 700));
        asks(s, rng, 0.001, rhythm, set, Size::Fixed { base: 5, spread: 0 });
    }
}

pub(crate) fn rpc(s: &mut Script, rng: &mut Rng) {
    for _ in 0..rng.range(1, 3) {
        let (rhythm, call, result) =
            (Rhythm::any(rng, 0.5, 40.0), Size::any(rng, 40, 600), Size::any(rng, 40, 1_500));
        asks(s, rng, 0.001, rhythm, call, result);
    }
    pings(s, rng, 0.1, 10.0, 60.0);
}

/// Nodes of peer-to-peer networks, cryptocurrency's among them.
pub(crate) fn peer(s: &mut Script, rng: &mut Rng) {
    let at = hello(s, rng);
    for _ in 0..rng.range(1, 3) {
        let (rhythm, body) = (Rhythm::any(rng, 0.4, 60.0), Size::any(rng, 24, 1_200));
        hears(s, rng, at, rhythm, body, None);
        let (rhythm, body) = (Rhythm::any(rng, 0.4, 60.0), Size::any(rng, 24, 1_200));
        tells(s, rng, at, rhythm, body);
    }
    let (rhythm, want, piece) =
        (Rhythm::any(rng, 1.0, 60.0), Size::any(rng, 24, 200), Size::text(rng, 200.0, 20_000.0));
    asks(s, rng, at, rhythm, want, piece);
    pings(s, rng, at, 30.0, 120.0);
}

/// Message brokers: fetches that wait for news, and heartbeats.
pub(crate) fn broker(s: &mut Script, rng: &mut Rng) {
    long_poll(s, rng);
    let (rhythm, beat, reply) =
        (Rhythm::periodic(rng, 3.0, 30.0), Size::fixed(rng, 8, 140, 0), Size::fixed(rng, 6, 60, 0));
    asks(s, rng, 0.1, rhythm, beat, reply);
}
