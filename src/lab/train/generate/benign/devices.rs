//! Traffic of machines by themselves.

use super::blocks::{asks, hears, hello, pings, tells};
use crate::lab::train::generate::script::{Rhythm, Script, Size};
use crate::lab::train::rng::Rng;

pub(crate) fn iot_report(s: &mut Script, rng: &mut Rng) {
    let at = hello(s, rng);
    let rhythm = Rhythm::any(rng, 1.0, 120.0);
    let (report, ack) = (Size::any(rng, 40, 900), Size::any(rng, 2, 120));
    asks(s, rng, at, rhythm, report, ack);
    if rng.chance(0.5) {
        pings(s, rng, at, 10.0, 120.0);
    }
}

pub(crate) fn iot_command(s: &mut Script, rng: &mut Rng) {
    let at = hello(s, rng);
    let rhythm = Rhythm::any(rng, 5.0, 200.0);
    let (command, done) = (Size::any(rng, 40, 500), Size::any(rng, 20, 300));
    hears(s, rng, at, rhythm, command, Some(done));
    if rng.chance(0.5) {
        let rhythm = Rhythm::periodic(rng, 10.0, 120.0);
        let state = Size::any(rng, 60, 700);
        tells(s, rng, at, rhythm, state);
    }
    pings(s, rng, at, 15.0, 120.0);
}

/// Reports by the clock, acknowledged, and commands at random: JSON lines as a miner's, but for the
/// clock.
pub(crate) fn device(s: &mut Script, rng: &mut Rng) {
    let at = hello(s, rng);
    let period = rng.log_uniform(1.0, 90.0);
    let jitter = rng.log_uniform(0.001, 0.08);
    let (report, ack) = (Size::fixed(rng, 40, 600, 3), Size::fixed(rng, 8, 120, 1));
    asks(s, rng, at, Rhythm::Periodic { period, jitter }, report, ack);
    let rhythm = Rhythm::random(rng, 10.0, 400.0);
    let (command, done) = (Size::any(rng, 40, 500), Size::fixed(rng, 10, 300, 2));
    let done = rng.chance(0.3).then_some(done);
    hears(s, rng, at, rhythm, command, done);
}

/// Several things by the clock at once.
pub(crate) fn clockwork(s: &mut Script, rng: &mut Rng) {
    let at = hello(s, rng);
    for _ in 0..rng.range(1, 3) {
        let (rhythm, up, down) =
            (Rhythm::periodic(rng, 1.0, 120.0), Size::any(rng, 10, 900), Size::any(rng, 4, 2_000));
        asks(s, rng, at, rhythm, up, down);
    }
    for _ in 0..rng.range(0, 2) {
        let (rhythm, down) = (Rhythm::periodic(rng, 1.0, 120.0), Size::any(rng, 10, 1_500));
        hears(s, rng, at, rhythm, down, None);
    }
}

pub(crate) fn mqtt_publish(s: &mut Script, rng: &mut Rng) {
    let at = s.exchange(rng, 0.001, 60, 4);
    let rhythm = Rhythm::any(rng, 0.5, 90.0);
    let body = Size::any(rng, 20, 800);
    if rng.chance(0.5) {
        tells(s, rng, at, rhythm, body);
    } else {
        asks(s, rng, at, rhythm, body, Size::Fixed { base: 4, spread: 0 });
    }
    // MQTT 3.1.1 section 3.12: PINGREQ and PINGRESP are two bytes.
    let keepalive = Rhythm::periodic(rng, 15.0, 120.0);
    asks(s, rng, at, keepalive, Size::Fixed { base: 2, spread: 0 }, Size::Fixed { base: 2, spread: 0 });
}

pub(crate) fn mqtt_subscribe(s: &mut Script, rng: &mut Rng) {
    let at = s.exchange(rng, 0.001, 60, 4);
    let at = s.exchange(rng, at, 40, 5);
    let ack = rng.chance(0.4).then_some(Size::Fixed { base: 4, spread: 0 });
    for _ in 0..rng.range(1, 4) {
        let rhythm = Rhythm::any(rng, 0.5, 120.0);
        let body = Size::any(rng, 20, 800);
        hears(s, rng, at, rhythm, body, ack);
    }
    let keepalive = Rhythm::periodic(rng, 15.0, 120.0);
    asks(s, rng, at, keepalive, Size::Fixed { base: 2, spread: 0 }, Size::Fixed { base: 2, spread: 0 });
}

pub(crate) fn dns(s: &mut Script, rng: &mut Rng) {
    let rhythm = Rhythm::Human { mean: rng.log_uniform(0.2, 8.0), pause: 20.0 };
    // RFC 8467: queries padded to 128, replies to 468; many pad neither.
    let (query, answer) = if rng.chance(0.5) {
        (Size::Fixed { base: 130, spread: 0 }, Size::Fixed { base: 470, spread: 0 })
    } else {
        (Size::text(rng, 35.0, 60.0), Size::text(rng, 60.0, 250.0))
    };
    asks(s, rng, 0.001, rhythm, query, answer);
}

pub(crate) fn syslog(s: &mut Script, rng: &mut Rng) {
    let (rhythm, line) = (Rhythm::any(rng, 0.3, 30.0), Size::text(rng, 80.0, 300.0));
    s.down(0.5, 4);
    tells(s, rng, 0.001, rhythm, line);
}

pub(crate) fn scrape(s: &mut Script, rng: &mut Rng) {
    let rhythm = Rhythm::periodic(rng, 5.0, 60.0);
    let (request, pages) = (Size::fixed(rng, 120, 400, 0), Size::fixed(rng, 1_000, 40_000, 60));
    asks(s, rng, 0.001, rhythm, request, pages);
}

pub(crate) fn vpn(s: &mut Script, rng: &mut Rng) {
    let at = hello(s, rng);
    let keepalive = Rhythm::periodic(rng, 5.0, 30.0);
    let size = Size::fixed(rng, 16, 70, 0);
    tells(s, rng, at, keepalive, size);
    hears(s, rng, at, keepalive, size, None);
    for _ in 0..rng.range(1, 4) {
        let (rhythm, up, down) =
            (Rhythm::any(rng, 0.2, 40.0), Size::any(rng, 60, 700), Size::text(rng, 60.0, 2_000.0));
        asks(s, rng, at, rhythm, up, down);
    }
}

pub(crate) fn heartbeat(s: &mut Script, rng: &mut Rng) {
    let at = hello(s, rng);
    let (rhythm, beat, reply) =
        (Rhythm::periodic(rng, 2.0, 60.0), Size::fixed(rng, 2, 250, 2), Size::fixed(rng, 2, 250, 2));
    if rng.chance(0.5) {
        asks(s, rng, at, rhythm, beat, reply);
    } else {
        hears(s, rng, at, rhythm, beat, Some(reply));
    }
    if rng.chance(0.5) {
        let (rhythm, status) = (Rhythm::random(rng, 20.0, 300.0), Size::text(rng, 80.0, 900.0));
        hears(s, rng, at, rhythm, status, None);
    }
}

/// Endpoint agents, monitors, build runners: reports up, jobs down.
pub(crate) fn agent(s: &mut Script, rng: &mut Rng) {
    let at = hello(s, rng);
    let (rhythm, report, ack) =
        (Rhythm::periodic(rng, 5.0, 120.0), Size::text(rng, 200.0, 4_000.0), Size::any(rng, 10, 300));
    asks(s, rng, at, rhythm, report, ack);
    let (rhythm, job) = (Rhythm::random(rng, 20.0, 400.0), Size::text(rng, 150.0, 3_000.0));
    let done = Size::any(rng, 20, 200);
    hears(s, rng, at, rhythm, job, Some(done));
    pings(s, rng, at, 10.0, 60.0);
}

/// Location and fitness trackers, chargers (OCPP), meters: calls and results both ways.
pub(crate) fn tracker(s: &mut Script, rng: &mut Rng) {
    let at = hello(s, rng);
    let (rhythm, sample, ack) =
        (Rhythm::periodic(rng, 3.0, 120.0), Size::fixed(rng, 60, 600, 12), Size::fixed(rng, 4, 120, 2));
    asks(s, rng, at, rhythm, sample, ack);
    let (rhythm, beat, reply) =
        (Rhythm::periodic(rng, 30.0, 300.0), Size::fixed(rng, 20, 80, 1), Size::fixed(rng, 20, 90, 1));
    asks(s, rng, at, rhythm, beat, reply);
}

/// Anything with anything.
pub(crate) fn mixture(s: &mut Script, rng: &mut Rng) {
    let at = hello(s, rng);
    for _ in 0..rng.range(1, 3) {
        match rng.range(0, 3) {
            0 => {
                let (rhythm, up, down) =
                    (Rhythm::any(rng, 0.5, 120.0), Size::any(rng, 10, 1_200), Size::any(rng, 4, 2_500));
                asks(s, rng, at, rhythm, up, down);
            }
            1 => {
                let (rhythm, down) = (Rhythm::any(rng, 0.5, 120.0), Size::text(rng, 40.0, 2_500.0));
                hears(s, rng, at, rhythm, down, None);
            }
            2 => {
                let (rhythm, up) = (Rhythm::any(rng, 0.5, 120.0), Size::any(rng, 10, 1_200));
                tells(s, rng, at, rhythm, up);
            }
            _ => {
                let (rhythm, down, ack) =
                    (Rhythm::any(rng, 1.0, 120.0), Size::text(rng, 40.0, 1_200.0), Size::any(rng, 4, 100));
                hears(s, rng, at, rhythm, down, Some(ack));
            }
        }
    }
    pings(s, rng, at, 10.0, 120.0);
}
