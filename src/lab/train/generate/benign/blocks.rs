//! Building blocks of every session.

use crate::lab::train::generate::script::{Rhythm, Script, Size};
use crate::lab::train::rng::Rng;

/// Sign-on: one to four exchanges.
pub(crate) fn hello(s: &mut Script, rng: &mut Rng) -> f64 {
    let mut at = 0.001;
    for _ in 0..rng.range(1, 4) {
        let (up, down) = (rng.log_uniform(20.0, 900.0) as u32, rng.log_uniform(10.0, 3_000.0) as u32);
        at = s.exchange(rng, at, up, down) + rng.exponential(0.005);
    }
    at
}

/// The client asks and is answered.
pub(crate) fn asks(s: &mut Script, rng: &mut Rng, from: f64, rhythm: Rhythm, up: Size, down: Size) {
    s.every(rng, from, rhythm, |s, rng, at| {
        let (up, down) = (up.sample(rng), down.sample(rng));
        s.exchange(rng, at, up, down);
    });
}

/// The client speaks and is not answered.
pub(crate) fn tells(s: &mut Script, rng: &mut Rng, from: f64, rhythm: Rhythm, up: Size) {
    s.every(rng, from, rhythm, |s, rng, at| {
        let up = up.sample(rng);
        s.up(at, up);
    });
}

/// The server speaks unasked, and is acknowledged (`ack`) or not.
pub(crate) fn hears(s: &mut Script, rng: &mut Rng, from: f64, rhythm: Rhythm, down: Size, ack: Option<Size>) {
    let lag = rng.log_uniform(0.000_5, 0.02);
    s.every(rng, from, rhythm, |s, rng, at| {
        let down = down.sample(rng);
        s.down(at, down);
        if let Some(ack) = ack {
            let (at, ack) = (at + rng.exponential(lag), ack.sample(rng));
            s.up(at, ack);
        }
    });
}

/// A small keepalive, from one side or the other, or none.
pub(crate) fn pings(s: &mut Script, rng: &mut Rng, from: f64, low: f64, high: f64) {
    let rhythm = Rhythm::periodic(rng, low, high);
    let (ping, pong) = (Size::fixed(rng, 1, 60, 0), Size::fixed(rng, 1, 60, 0));
    match rng.range(0, 3) {
        0 => asks(s, rng, from, rhythm, ping, pong),
        1 | 2 => hears(s, rng, from, rhythm, ping, Some(pong)),
        _ => {}
    }
}
