//! Things of a smart house, by the rhythms and sizes that public captures of them show.

use super::blocks::{asks, hears, hello, pings, tells};
use crate::lab::train::generate::script::{Rhythm, Script, Size};
use crate::lab::train::rng::Rng;

/// Locks and hubs: one small pair by the clock, from either side or from both, and a report now and then.
pub(crate) fn keepalive(s: &mut Script, rng: &mut Rng) {
    let at = hello(s, rng);
    let rhythm =
        Rhythm::Periodic { period: rng.log_uniform(5.0, 240.0), jitter: rng.log_uniform(0.001, 0.03) };
    let size = Size::fixed(rng, 2, 120, 0);
    match rng.range(0, 2) {
        0 => asks(s, rng, at, rhythm, size, size),
        1 => hears(s, rng, at, rhythm, size, Some(size)),
        _ => {
            asks(s, rng, at, rhythm, size, size);
            let rhythm = Rhythm::periodic(rng, 30.0, 240.0);
            hears(s, rng, at, rhythm, size, Some(size));
        }
    }
    if rng.chance(0.5) {
        let (rhythm, report, ack) =
            (Rhythm::random(rng, 60.0, 1_800.0), Size::any(rng, 80, 1_400), Size::fixed(rng, 2, 60, 1));
        asks(s, rng, at, rhythm, report, ack);
    }
}

/// A camera or sensor that reports motion: small messages of one size at random, each answered by a smaller one, and a
/// ping of another size by the clock. No innocent session is closer to a miner's.
pub(crate) fn motion(s: &mut Script, rng: &mut Rng) {
    let at = hello(s, rng);
    let (report, ack) = (Size::fixed(rng, 60, 400, 1), Size::fixed(rng, 20, 100, 0));
    let rhythm = match rng.range(0, 2) {
        // The sensor is held back for some seconds after each report.
        0 => Rhythm::Periodic { period: rng.log_uniform(6.0, 30.0), jitter: rng.uniform(0.1, 0.5) },
        1 => Rhythm::Human { mean: rng.log_uniform(5.0, 20.0), pause: 300.0 },
        _ => Rhythm::random(rng, 5.0, 60.0),
    };
    asks(s, rng, at, rhythm, report, ack);
    let ping = Rhythm::periodic(rng, 10.0, 60.0);
    let size = Size::fixed(rng, 2, 60, 0);
    asks(s, rng, at, ping, size, size);
    if rng.chance(0.6) {
        let (rhythm, query, status) =
            (Rhythm::random(rng, 30.0, 400.0), Size::fixed(rng, 30, 400, 4), Size::any(rng, 100, 900));
        hears(s, rng, at, rhythm, query, Some(status));
    }
}

/// A hub that reads and sets its devices: commands in spells, reports of their states behind them.
pub(crate) fn hub(s: &mut Script, rng: &mut Rng) {
    let at = hello(s, rng);
    let (command, state, ack) =
        (Size::fixed(rng, 60, 300, 3), Size::fixed(rng, 80, 400, 32), Size::fixed(rng, 20, 70, 0));
    let spells = Rhythm::Human { mean: rng.log_uniform(0.5, 10.0), pause: rng.log_uniform(10.0, 120.0) };
    s.every(rng, at, spells, |s, rng, at| {
        let size = command.sample(rng);
        s.down(at, size);
        let mut at = at + rng.exponential(0.05);
        for _ in 0..rng.range(1, 3) {
            at += rng.exponential(0.5);
            let (up, down) = (state.sample(rng), ack.sample(rng));
            at = s.exchange(rng, at, up, down);
        }
    });
    pings(s, rng, at, 10.0, 90.0);
}

/// A plug or meter that its cloud polls by the clock: the server asks, the device answers at length.
pub(crate) fn polled(s: &mut Script, rng: &mut Rng) {
    let at = hello(s, rng);
    let rhythm = Rhythm::Periodic { period: rng.log_uniform(3.0, 60.0), jitter: rng.log_uniform(0.005, 0.3) };
    let (query, status) = (Size::fixed(rng, 40, 1_100, 2), Size::fixed(rng, 60, 1_100, 3));
    hears(s, rng, at, rhythm, query, Some(status));
    if rng.chance(0.3) {
        let (rhythm, note) = (Rhythm::random(rng, 30.0, 300.0), Size::any(rng, 60, 900));
        tells(s, rng, at, rhythm, note);
    }
}

/// A voice assistant: silent but for tiny pings, then a question in full or equal segments and an answer.
pub(crate) fn voice(s: &mut Script, rng: &mut Rng) {
    let at = hello(s, rng);
    let ping = Rhythm::periodic(rng, 20.0, 300.0);
    let tiny = Size::fixed(rng, 2, 40, 0);
    asks(s, rng, at, ping, tiny, tiny);
    let sample = Size::fixed(rng, 200, 900, 2);
    let (answer, state) = (Size::text(rng, 60.0, 3_000.0), Size::text(rng, 300.0, 2_500.0));
    let questions = Rhythm::Human { mean: rng.log_uniform(10.0, 200.0), pause: 600.0 };
    s.every(rng, at, questions, |s, rng, at| {
        let mut at = at;
        for _ in 0..rng.range(5, 60) {
            at += rng.uniform(0.005, 0.12);
            let bytes = if rng.chance(0.1) { state.sample(rng) } else { sample.sample(rng) };
            s.up(at, bytes);
            if rng.chance(0.08) {
                let bytes = rng.range(30, 180);
                s.down(at + s.path.rtt, bytes);
            }
        }
        for _ in 0..rng.range(1, 8) {
            at += rng.exponential(0.3);
            let bytes = answer.sample(rng);
            s.down(at, bytes);
        }
    });
}

/// A doorbell or camera that is silent for minutes, then sends a picture or a minute of video.
pub(crate) fn doorbell(s: &mut Script, rng: &mut Rng) {
    let at = hello(s, rng);
    pings(s, rng, at, 10.0, 60.0);
    let alarm = Rhythm::random(rng, 40.0, 900.0);
    let (block, ack) = (Size::text(rng, 2_000.0, 30_000.0), Size::fixed(rng, 20, 200, 4));
    s.every(rng, at, alarm, |s, rng, at| {
        let mut at = at;
        for _ in 0..rng.range(1, 12) {
            let (up, down) = (block.sample(rng), ack.sample(rng));
            at = s.exchange(rng, at, up, down) + rng.exponential(0.2);
        }
    });
}

/// Casting and remote controls: a heartbeat of one size both ways every few seconds, states now and then.
pub(crate) fn cast(s: &mut Script, rng: &mut Rng) {
    let at = hello(s, rng);
    let size = Size::fixed(rng, 60, 200, 0);
    let beat = Rhythm::periodic(rng, 2.0, 15.0);
    asks(s, rng, at, beat, size, size);
    let (rhythm, state) = (Rhythm::any(rng, 5.0, 200.0), Size::any(rng, 100, 1_200));
    hears(s, rng, at, rhythm, state, None);
    if rng.chance(0.4) {
        let (rhythm, up, down) =
            (Rhythm::any(rng, 5.0, 200.0), Size::any(rng, 100, 500), Size::any(rng, 100, 1_200));
        asks(s, rng, at, rhythm, up, down);
    }
}

/// A phone's push channel: heartbeats of minutes, notes of any length that are acknowledged in few bytes.
pub(crate) fn push_channel(s: &mut Script, rng: &mut Rng) {
    let at = hello(s, rng);
    let beat = Rhythm::periodic(rng, 60.0, 900.0);
    let (ping, pong) = (Size::fixed(rng, 2, 40, 1), Size::fixed(rng, 2, 40, 1));
    asks(s, rng, at, beat, ping, pong);
    let notes = match rng.range(0, 1) {
        0 => Rhythm::random(rng, 10.0, 300.0),
        _ => Rhythm::Human { mean: rng.log_uniform(1.0, 30.0), pause: rng.log_uniform(60.0, 900.0) },
    };
    let median = rng.log_uniform(200.0, 900.0);
    let (note, ack) = (Size::Text { median, sigma: rng.uniform(0.15, 0.8) }, Size::fixed(rng, 8, 60, 1));
    hears(s, rng, at, notes, note, Some(ack));
}

/// A tunnel over TCP that carries other connections: their data, and their acknowledgements as messages of their own.
pub(crate) fn tunnel(s: &mut Script, rng: &mut Rng) {
    let at = hello(s, rng);
    let beat = Rhythm::periodic(rng, 5.0, 60.0);
    let size = Size::fixed(rng, 16, 80, 0);
    tells(s, rng, at, beat, size);
    hears(s, rng, at, beat, size, None);
    let header = rng.range(40, 90);
    for _ in 0..rng.range(1, 4) {
        let inner = Rhythm::any(rng, 0.5, 60.0);
        let (up, down) = (Size::any(rng, 60, 900), Size::any(rng, 60, 1_400));
        s.every(rng, at, inner, |s, rng, at| {
            let (up, down) = (up.sample(rng) + header, down.sample(rng) + header);
            let answered = s.exchange(rng, at, up, down);
            s.up(answered + rng.exponential(0.02), header);
        });
    }
}
