//! Traffic of people: chat, mail, type, play, watch.

use super::blocks::{asks, hears, hello, pings, tells};
use super::services::ticker;
use crate::lab::train::generate::script::{Rhythm, Script, Size};
use crate::lab::train::rng::Rng;

/// News of many lengths, now and then something asked.
pub(crate) fn notifier(s: &mut Script, rng: &mut Rng) {
    let at = hello(s, rng);
    let (rhythm, news) = (Rhythm::any(rng, 2.0, 200.0), Size::text(rng, 60.0, 2_000.0));
    hears(s, rng, at, rhythm, news, None);
    let (rhythm, ask, answer) =
        (Rhythm::any(rng, 5.0, 200.0), Size::any(rng, 30, 700), Size::text(rng, 30.0, 2_500.0));
    asks(s, rng, at, rhythm, ask, answer);
    pings(s, rng, at, 10.0, 90.0);
}

pub(crate) fn push(s: &mut Script, rng: &mut Rng) {
    let at = hello(s, rng);
    let rhythm = Rhythm::any(rng, 10.0, 300.0);
    let note = if rng.chance(0.3) { Size::any(rng, 100, 1_500) } else { Size::text(rng, 150.0, 1_800.0) };
    let ack = rng.chance(0.7).then(|| Size::fixed(rng, 6, 90, 2));
    hears(s, rng, at, rhythm, note, ack);
    pings(s, rng, at, 20.0, 300.0);
}

pub(crate) fn chat(s: &mut Script, rng: &mut Rng) {
    let at = hello(s, rng);
    let (others, own) =
        (Rhythm::any(rng, 2.0, 90.0), Rhythm::Human { mean: rng.log_uniform(4.0, 60.0), pause: 120.0 });
    let overhead = rng.range(20, 500);
    let sigma = rng.uniform(0.3, 0.9);
    let said = Size::Text { median: f64::from(overhead) + rng.uniform(20.0, 120.0), sigma: sigma * 0.6 };
    hears(s, rng, at, others, said, None);
    let echo = if rng.chance(0.5) { Size::fixed(rng, 20, 200, 2) } else { said };
    asks(s, rng, at, own, said, echo);
    if rng.chance(0.5) {
        let (rhythm, typing) = (Rhythm::Human { mean: 5.0, pause: 60.0 }, Size::fixed(rng, 30, 160, 2));
        hears(s, rng, at, rhythm, typing, None);
    }
    pings(s, rng, at, 15.0, 180.0);
}

pub(crate) fn typing(s: &mut Script, rng: &mut Rng) {
    let at = hello(s, rng);
    let keys = Rhythm::Human { mean: rng.uniform(0.08, 0.4), pause: rng.log_uniform(2.0, 40.0) };
    let line = rng.range(6, 40);
    let mut typed = 0;
    let output = Size::text(rng, 100.0, 1_500.0);
    s.every(rng, at, keys, |s, rng, at| {
        let answered = s.exchange(rng, at, 4, 5);
        typed += 1;
        if typed % line == 0 {
            let mut at = answered;
            for _ in 0..rng.range(1, 5) {
                at += rng.exponential(0.03);
                let bytes = output.sample(rng);
                s.down(at, bytes);
            }
        }
    });
    pings(s, rng, at, 15.0, 120.0);
}

pub(crate) fn remote_desktop(s: &mut Script, rng: &mut Rng) {
    let at = hello(s, rng);
    let moves = Rhythm::Human { mean: rng.log_uniform(0.03, 0.5), pause: 15.0 };
    let input = Size::fixed(rng, 6, 40, 4);
    tells(s, rng, at, moves, input);
    let (frames, picture) = (Rhythm::any(rng, 0.1, 10.0), Size::text(rng, 60.0, 4_000.0));
    hears(s, rng, at, frames, picture, None);
}

pub(crate) fn trading(s: &mut Script, rng: &mut Rng) {
    ticker(s, rng);
    let rhythm = Rhythm::Human { mean: rng.log_uniform(2.0, 40.0), pause: 60.0 };
    let (order, fill) = (Size::any(rng, 80, 400), Size::text(rng, 150.0, 700.0));
    s.every(rng, 1.0, rhythm, |s, rng, at| {
        let (up, down) = (order.sample(rng), fill.sample(rng));
        let answered = s.exchange(rng, at, up, down);
        if rng.chance(0.6) {
            let (at, report) = (answered + rng.exponential(0.5), fill.sample(rng));
            s.down(at, report);
        }
    });
}

pub(crate) fn mail_idle(s: &mut Script, rng: &mut Rng) {
    let mut at = hello(s, rng);
    for _ in 0..rng.range(0, 20) {
        let (up, down) = (rng.range(12, 60), rng.log_uniform(30.0, 6_000.0) as u32);
        at = s.exchange(rng, at, up, down) + rng.exponential(0.02);
    }
    // RFC 2177: some servers say "still here" every two minutes.
    let still = Rhythm::periodic(rng, 60.0, 300.0);
    hears(s, rng, at, still, Size::Fixed { base: 15, spread: 3 }, None);
    let (arrivals, count) = (Rhythm::random(rng, 20.0, 400.0), Size::fixed(rng, 14, 40, 2));
    s.every(rng, at, arrivals, |s, rng, at| {
        let count = count.sample(rng);
        s.down(at, count);
        let mut at = at + 0.002;
        for _ in 0..rng.range(0, 4) {
            let (up, down) = (rng.range(6, 60), rng.log_uniform(40.0, 8_000.0) as u32);
            at = s.exchange(rng, at, up, down) + 0.001;
        }
    });
}

/// SIP over TLS: registrations with a challenge (RFC 3261 section 22.2), OPTIONS, calls.
pub(crate) fn sip(s: &mut Script, rng: &mut Rng) {
    let (register, challenge) = (Size::fixed(rng, 450, 700, 4), Size::fixed(rng, 380, 620, 4));
    let (signed, okay) = (Size::fixed(rng, 620, 950, 4), Size::fixed(rng, 400, 700, 4));
    let renewal = Rhythm::periodic(rng, 25.0, 300.0);
    s.every(rng, 0.001, renewal, |s, rng, at| {
        let (up, down) = (register.sample(rng), challenge.sample(rng));
        let at = s.exchange(rng, at, up, down) + 0.001;
        let (up, down) = (signed.sample(rng), okay.sample(rng));
        s.exchange(rng, at, up, down);
    });
    let (options, reply) = (Size::fixed(rng, 350, 500, 3), Size::fixed(rng, 350, 600, 3));
    let rhythm = Rhythm::periodic(rng, 20.0, 90.0);
    hears(s, rng, 0.1, rhythm, options, Some(reply));
}

pub(crate) fn game(s: &mut Script, rng: &mut Rng) {
    let at = hello(s, rng);
    let (tick, own) = (Rhythm::any(rng, 0.1, 4.0), Rhythm::any(rng, 0.3, 10.0));
    let (world, input) = (Size::text(rng, 30.0, 400.0), Size::any(rng, 10, 120));
    hears(s, rng, at, tick, world, None);
    tells(s, rng, at, own, input);
    pings(s, rng, at, 1.0, 30.0);
}

pub(crate) fn web(s: &mut Script, rng: &mut Rng) {
    let rhythm = Rhythm::Human { mean: rng.log_uniform(0.1, 8.0), pause: rng.log_uniform(10.0, 80.0) };
    let (request, page) = (Size::text(rng, 80.0, 700.0), Size::text(rng, 300.0, 15_000.0));
    asks(s, rng, 0.001, rhythm, request, page);
}

pub(crate) fn transfer(s: &mut Script, rng: &mut Rng) {
    let up = rng.chance(0.4);
    let (rhythm, block) = (Rhythm::random(rng, 0.1, 4.0), Size::text(rng, 1_000.0, 40_000.0));
    let ack = Size::any(rng, 10, 200);
    s.every(rng, 0.001, rhythm, |s, rng, at| {
        let (block, ack) = (block.sample(rng), ack.sample(rng));
        if up {
            s.exchange(rng, at, block, ack)
        } else {
            s.exchange(rng, at, ack, block)
        };
    });
}

pub(crate) fn stream(s: &mut Script, rng: &mut Rng) {
    let (rhythm, request, chunk) =
        (Rhythm::periodic(rng, 1.5, 12.0), Size::fixed(rng, 60, 500, 8), Size::text(rng, 4_000.0, 50_000.0));
    asks(s, rng, 0.001, rhythm, request, chunk);
}

/// Answers that come word by word.
pub(crate) fn assistant(s: &mut Script, rng: &mut Rng) {
    let rhythm = Rhythm::Human { mean: rng.log_uniform(10.0, 60.0), pause: 60.0 };
    let (question, word) = (Size::text(rng, 200.0, 3_000.0), Size::text(rng, 60.0, 250.0));
    s.every(rng, 0.001, rhythm, |s, rng, at| {
        let (up, down) = (question.sample(rng), word.sample(rng));
        let mut at = s.exchange(rng, at, up, down);
        for _ in 0..rng.range(5, 60) {
            at += rng.exponential(0.12);
            let bytes = word.sample(rng);
            s.down(at, bytes);
        }
    });
}
