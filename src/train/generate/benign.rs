//! Scripted long-lived sessions of the innocent, the look-alikes of mining foremost.

use super::Session;
use super::script::{Path, Rhythm, Script, Size};
use super::wire::Transport;
use crate::train::rng::Rng;

/// Fills a script.
type Play = fn(&mut Script, &mut Rng);

/// A service and what its sessions are like.
#[derive(Debug)]
pub struct Service {
    /// Its name.
    pub name: &'static str,
    play: Play,
    carrier: Carrier,
}

#[derive(Clone, Copy, Debug)]
enum Carrier {
    /// TLS, in all its wrappings.
    Any,
    WebSocket,
    Ssh,
}

use Carrier::{Any, Ssh, WebSocket};

/// All of them.
pub const SERVICES: &[Service] = &[
    Service { name: "iot-report", play: iot_report, carrier: Any },
    Service { name: "iot-command", play: iot_command, carrier: Any },
    Service { name: "device", play: device, carrier: Any },
    Service { name: "device-ws", play: device, carrier: WebSocket },
    Service { name: "mqtt-publish", play: mqtt_publish, carrier: Any },
    Service { name: "mqtt-subscribe", play: mqtt_subscribe, carrier: Any },
    Service { name: "push", play: push, carrier: Any },
    Service { name: "chat", play: chat, carrier: Any },
    Service { name: "chat-ws", play: chat, carrier: WebSocket },
    Service { name: "ssh-typing", play: typing, carrier: Ssh },
    Service { name: "remote-desktop", play: remote_desktop, carrier: Any },
    Service { name: "ticker", play: ticker, carrier: WebSocket },
    Service { name: "trading", play: trading, carrier: WebSocket },
    Service { name: "market-orders", play: market_orders, carrier: Any },
    Service { name: "new-heads", play: new_heads, carrier: WebSocket },
    Service { name: "dashboard", play: dashboard, carrier: WebSocket },
    Service { name: "mail-idle", play: mail_idle, carrier: Any },
    Service { name: "dns-over-tls", play: dns, carrier: Any },
    Service { name: "syslog", play: syslog, carrier: Any },
    Service { name: "scrape", play: scrape, carrier: Any },
    Service { name: "poll", play: poll, carrier: Any },
    Service { name: "long-poll", play: long_poll, carrier: Any },
    Service { name: "events", play: events, carrier: Any },
    Service { name: "electrum", play: electrum, carrier: Any },
    Service { name: "database", play: database, carrier: Any },
    Service { name: "cache", play: cache, carrier: Any },
    Service { name: "rpc", play: rpc, carrier: Any },
    Service { name: "sip", play: sip, carrier: Any },
    Service { name: "game", play: game, carrier: Any },
    Service { name: "vpn", play: vpn, carrier: Any },
    Service { name: "peer", play: peer, carrier: Any },
    Service { name: "broker-consumer", play: broker, carrier: Any },
    Service { name: "heartbeat", play: heartbeat, carrier: Any },
    Service { name: "agent", play: agent, carrier: Any },
    Service { name: "web", play: web, carrier: Any },
    Service { name: "transfer", play: transfer, carrier: Any },
    Service { name: "stream", play: stream, carrier: Any },
    Service { name: "assistant", play: assistant, carrier: Any },
    Service { name: "tracker", play: tracker, carrier: Any },
    Service { name: "mixture", play: mixture, carrier: Any },
    Service { name: "mixture-b", play: mixture, carrier: Any },
    Service { name: "mixture-c", play: mixture, carrier: Any },
    Service { name: "notifier", play: notifier, carrier: Any },
    Service { name: "notifier-ws", play: notifier, carrier: WebSocket },
    Service { name: "clockwork", play: clockwork, carrier: Any },
    Service { name: "mixture-ws", play: mixture, carrier: WebSocket },
];

/// One session of service number `kind`.
pub fn session(rng: &mut Rng, kind: usize) -> Session {
    let service = &SERVICES[kind];
    let mut script = Script::new(Path::sample(rng), rng.log_uniform(60.0, 5_400.0));
    (service.play)(&mut script, rng);
    let transport = Transport::sample(rng);
    let transport = match service.carrier {
        Any => transport,
        WebSocket => transport.with_web_socket(),
        Ssh => transport.over_ssh(),
    };
    (script, transport, service.name)
}

/// Sign-on: one to four exchanges.
fn hello(s: &mut Script, rng: &mut Rng) -> f64 {
    let mut at = 0.001;
    for _ in 0..rng.range(1, 4) {
        let (up, down) = (rng.log_uniform(20.0, 900.0) as u32, rng.log_uniform(10.0, 3_000.0) as u32);
        at = s.exchange(rng, at, up, down) + rng.exponential(0.005);
    }
    at
}

fn asks(s: &mut Script, rng: &mut Rng, from: f64, rhythm: Rhythm, up: Size, down: Size) {
    s.every(rng, from, rhythm, |s, rng, at| {
        let (up, down) = (up.sample(rng), down.sample(rng));
        s.exchange(rng, at, up, down);
    });
}

fn tells(s: &mut Script, rng: &mut Rng, from: f64, rhythm: Rhythm, up: Size) {
    s.every(rng, from, rhythm, |s, rng, at| {
        let up = up.sample(rng);
        s.up(at, up);
    });
}

/// The server speaks unasked, and is acknowledged (`ack`) or not.
fn hears(s: &mut Script, rng: &mut Rng, from: f64, rhythm: Rhythm, down: Size, ack: Option<Size>) {
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
fn pings(s: &mut Script, rng: &mut Rng, from: f64, low: f64, high: f64) {
    let rhythm = Rhythm::periodic(rng, low, high);
    let (ping, pong) = (Size::fixed(rng, 1, 60, 0), Size::fixed(rng, 1, 60, 0));
    match rng.range(0, 3) {
        0 => asks(s, rng, from, rhythm, ping, pong),
        1 | 2 => hears(s, rng, from, rhythm, ping, Some(pong)),
        _ => {}
    }
}

fn iot_report(s: &mut Script, rng: &mut Rng) {
    let at = hello(s, rng);
    let rhythm = Rhythm::any(rng, 1.0, 120.0);
    let (report, ack) = (Size::any(rng, 40, 900), Size::any(rng, 2, 120));
    asks(s, rng, at, rhythm, report, ack);
    if rng.chance(0.5) {
        pings(s, rng, at, 10.0, 120.0);
    }
}

fn iot_command(s: &mut Script, rng: &mut Rng) {
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
fn device(s: &mut Script, rng: &mut Rng) {
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

/// News of many lengths, now and then something asked.
fn notifier(s: &mut Script, rng: &mut Rng) {
    let at = hello(s, rng);
    let (rhythm, news) = (Rhythm::any(rng, 2.0, 200.0), Size::text(rng, 60.0, 2_000.0));
    hears(s, rng, at, rhythm, news, None);
    let (rhythm, ask, answer) = (Rhythm::any(rng, 5.0, 200.0), Size::any(rng, 30, 700), Size::text(rng, 30.0, 2_500.0));
    asks(s, rng, at, rhythm, ask, answer);
    pings(s, rng, at, 10.0, 90.0);
}

/// Several things by the clock at once.
fn clockwork(s: &mut Script, rng: &mut Rng) {
    let at = hello(s, rng);
    for _ in 0..rng.range(1, 3) {
        let (rhythm, up, down) = (Rhythm::periodic(rng, 1.0, 120.0), Size::any(rng, 10, 900), Size::any(rng, 4, 2_000));
        asks(s, rng, at, rhythm, up, down);
    }
    for _ in 0..rng.range(0, 2) {
        let (rhythm, down) = (Rhythm::periodic(rng, 1.0, 120.0), Size::any(rng, 10, 1_500));
        hears(s, rng, at, rhythm, down, None);
    }
}

fn mqtt_publish(s: &mut Script, rng: &mut Rng) {
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

fn mqtt_subscribe(s: &mut Script, rng: &mut Rng) {
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

fn push(s: &mut Script, rng: &mut Rng) {
    let at = hello(s, rng);
    let rhythm = Rhythm::any(rng, 10.0, 300.0);
    let note = if rng.chance(0.3) { Size::any(rng, 100, 1_500) } else { Size::text(rng, 150.0, 1_800.0) };
    let ack = rng.chance(0.7).then(|| Size::fixed(rng, 6, 90, 2));
    hears(s, rng, at, rhythm, note, ack);
    pings(s, rng, at, 20.0, 300.0);
}

fn chat(s: &mut Script, rng: &mut Rng) {
    let at = hello(s, rng);
    let (others, own) = (Rhythm::any(rng, 2.0, 90.0), Rhythm::Human { mean: rng.log_uniform(4.0, 60.0), pause: 120.0 });
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

fn typing(s: &mut Script, rng: &mut Rng) {
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

fn remote_desktop(s: &mut Script, rng: &mut Rng) {
    let at = hello(s, rng);
    let moves = Rhythm::Human { mean: rng.log_uniform(0.03, 0.5), pause: 15.0 };
    let input = Size::fixed(rng, 6, 40, 4);
    tells(s, rng, at, moves, input);
    let (frames, picture) = (Rhythm::any(rng, 0.1, 10.0), Size::text(rng, 60.0, 4_000.0));
    hears(s, rng, at, frames, picture, None);
}

fn ticker(s: &mut Script, rng: &mut Rng) {
    let at = hello(s, rng);
    for _ in 0..rng.range(1, 3) {
        let (rhythm, quote) = (Rhythm::any(rng, 0.2, 20.0), Size::any(rng, 60, 700));
        hears(s, rng, at, rhythm, quote, None);
    }
    pings(s, rng, at, 10.0, 60.0);
}

fn trading(s: &mut Script, rng: &mut Rng) {
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

/// FIX: a heartbeat each way, orders and their reports.
fn market_orders(s: &mut Script, rng: &mut Rng) {
    let at = hello(s, rng);
    let beat = Rhythm::periodic(rng, 10.0, 60.0);
    let size = Size::fixed(rng, 70, 120, 2);
    hears(s, rng, at, beat, size, None);
    tells(s, rng, at, beat, size);
    let (rhythm, order, report) =
        (Rhythm::any(rng, 1.0, 60.0), Size::fixed(rng, 130, 300, 12), Size::text(rng, 180.0, 420.0));
    asks(s, rng, at, rhythm, order, report);
}

fn new_heads(s: &mut Script, rng: &mut Rng) {
    let at = hello(s, rng);
    let rhythm = if rng.chance(0.5) { Rhythm::random(rng, 1.0, 60.0) } else { Rhythm::periodic(rng, 2.0, 15.0) };
    let head = Size::any(rng, 200, 1_800);
    hears(s, rng, at, rhythm, head, None);
    if rng.chance(0.5) {
        let (rhythm, call, result) = (Rhythm::any(rng, 3.0, 60.0), Size::any(rng, 60, 250), Size::any(rng, 40, 900));
        asks(s, rng, at, rhythm, call, result);
    }
    pings(s, rng, at, 15.0, 60.0);
}

fn dashboard(s: &mut Script, rng: &mut Rng) {
    let at = hello(s, rng);
    for _ in 0..rng.range(1, 5) {
        let (rhythm, panel) = (Rhythm::periodic(rng, 1.0, 60.0), Size::any(rng, 80, 4_000));
        hears(s, rng, at, rhythm, panel, None);
    }
    pings(s, rng, at, 10.0, 60.0);
}

fn mail_idle(s: &mut Script, rng: &mut Rng) {
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

fn dns(s: &mut Script, rng: &mut Rng) {
    let rhythm = Rhythm::Human { mean: rng.log_uniform(0.2, 8.0), pause: 20.0 };
    // RFC 8467: queries padded to 128, replies to 468; many pad neither.
    let (query, answer) = if rng.chance(0.5) {
        (Size::Fixed { base: 130, spread: 0 }, Size::Fixed { base: 470, spread: 0 })
    } else {
        (Size::text(rng, 35.0, 60.0), Size::text(rng, 60.0, 250.0))
    };
    asks(s, rng, 0.001, rhythm, query, answer);
}

fn syslog(s: &mut Script, rng: &mut Rng) {
    let (rhythm, line) = (Rhythm::any(rng, 0.3, 30.0), Size::text(rng, 80.0, 300.0));
    s.down(0.5, 4);
    tells(s, rng, 0.001, rhythm, line);
}

fn scrape(s: &mut Script, rng: &mut Rng) {
    let rhythm = Rhythm::periodic(rng, 5.0, 60.0);
    let (request, pages) = (Size::fixed(rng, 120, 400, 0), Size::fixed(rng, 1_000, 40_000, 60));
    asks(s, rng, 0.001, rhythm, request, pages);
}

fn poll(s: &mut Script, rng: &mut Rng) {
    let rhythm = if rng.chance(0.7) { Rhythm::periodic(rng, 0.8, 90.0) } else { Rhythm::any(rng, 1.0, 60.0) };
    for _ in 0..rng.range(1, 3) {
        let (request, response) = (Size::any(rng, 60, 900), Size::any(rng, 100, 4_000));
        asks(s, rng, 0.001, rhythm, request, response);
    }
}

fn long_poll(s: &mut Script, rng: &mut Rng) {
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

fn events(s: &mut Script, rng: &mut Rng) {
    let at = hello(s, rng);
    for _ in 0..rng.range(1, 3) {
        let (rhythm, event) = (Rhythm::any(rng, 0.5, 90.0), Size::any(rng, 30, 1_500));
        hears(s, rng, at, rhythm, event, None);
    }
    let comment = Rhythm::periodic(rng, 10.0, 60.0);
    hears(s, rng, at, comment, Size::Fixed { base: 14, spread: 0 }, None);
}

/// Wallets: subscriptions, new headers, pings; JSON lines as a miner's.
fn electrum(s: &mut Script, rng: &mut Rng) {
    let mut at = hello(s, rng);
    let (subscribe, status) = (Size::fixed(rng, 110, 170, 2), Size::Few { of: [42, 100, 100, 102], spread: 2 });
    for _ in 0..rng.range(2, 40) {
        let (up, down) = (subscribe.sample(rng), status.sample(rng));
        at = s.exchange(rng, at, up, down).min(at + rng.exponential(0.05));
    }
    let (blocks, header) = (Rhythm::random(rng, 30.0, 600.0), Size::fixed(rng, 230, 330, 2));
    hears(s, rng, at, blocks, header, None);
    let ping = Rhythm::periodic(rng, 30.0, 120.0);
    let (up, down) = (Size::fixed(rng, 45, 80, 2), Size::fixed(rng, 36, 60, 2));
    asks(s, rng, at, ping, up, down);
    let (rhythm, call, result) = (Rhythm::any(rng, 5.0, 200.0), Size::any(rng, 70, 200), Size::text(rng, 60.0, 900.0));
    asks(s, rng, at, rhythm, call, result);
}

fn database(s: &mut Script, rng: &mut Rng) {
    let at = hello(s, rng);
    for _ in 0..rng.range(1, 5) {
        let (rhythm, query, rows) = (Rhythm::any(rng, 0.3, 40.0), Size::any(rng, 30, 500), Size::any(rng, 20, 5_000));
        asks(s, rng, at, rhythm, query, rows);
    }
}

fn cache(s: &mut Script, rng: &mut Rng) {
    let rhythm = Rhythm::any(rng, 0.2, 30.0);
    let (get, value) = (Size::any(rng, 20, 120), Size::any(rng, 5, 900));
    asks(s, rng, 0.001, rhythm, get, value);
    if rng.chance(0.4) {
        let (rhythm, set) = (Rhythm::any(rng, 1.0, 30.0), Size::any(rng, 40, 700));
        asks(s, rng, 0.001, rhythm, set, Size::Fixed { base: 5, spread: 0 });
    }
}

fn rpc(s: &mut Script, rng: &mut Rng) {
    for _ in 0..rng.range(1, 3) {
        let (rhythm, call, result) = (Rhythm::any(rng, 0.5, 40.0), Size::any(rng, 40, 600), Size::any(rng, 40, 1_500));
        asks(s, rng, 0.001, rhythm, call, result);
    }
    pings(s, rng, 0.1, 10.0, 60.0);
}

/// SIP over TLS: registrations with a challenge (RFC 3261 section 22.2), OPTIONS, calls.
fn sip(s: &mut Script, rng: &mut Rng) {
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

fn game(s: &mut Script, rng: &mut Rng) {
    let at = hello(s, rng);
    let (tick, own) = (Rhythm::any(rng, 0.1, 4.0), Rhythm::any(rng, 0.3, 10.0));
    let (world, input) = (Size::text(rng, 30.0, 400.0), Size::any(rng, 10, 120));
    hears(s, rng, at, tick, world, None);
    tells(s, rng, at, own, input);
    pings(s, rng, at, 1.0, 30.0);
}

fn vpn(s: &mut Script, rng: &mut Rng) {
    let at = hello(s, rng);
    let keepalive = Rhythm::periodic(rng, 5.0, 30.0);
    let size = Size::fixed(rng, 16, 70, 0);
    tells(s, rng, at, keepalive, size);
    hears(s, rng, at, keepalive, size, None);
    for _ in 0..rng.range(1, 4) {
        let (rhythm, up, down) = (Rhythm::any(rng, 0.2, 40.0), Size::any(rng, 60, 700), Size::text(rng, 60.0, 2_000.0));
        asks(s, rng, at, rhythm, up, down);
    }
}

/// Nodes of peer-to-peer networks, cryptocurrency's among them.
fn peer(s: &mut Script, rng: &mut Rng) {
    let at = hello(s, rng);
    for _ in 0..rng.range(1, 3) {
        let (rhythm, body) = (Rhythm::any(rng, 0.4, 60.0), Size::any(rng, 24, 1_200));
        hears(s, rng, at, rhythm, body, None);
        let (rhythm, body) = (Rhythm::any(rng, 0.4, 60.0), Size::any(rng, 24, 1_200));
        tells(s, rng, at, rhythm, body);
    }
    let (rhythm, want, piece) = (Rhythm::any(rng, 1.0, 60.0), Size::any(rng, 24, 200), Size::text(rng, 200.0, 20_000.0));
    asks(s, rng, at, rhythm, want, piece);
    pings(s, rng, at, 30.0, 120.0);
}

/// Message brokers: fetches that wait for news, and heartbeats.
fn broker(s: &mut Script, rng: &mut Rng) {
    long_poll(s, rng);
    let (rhythm, beat, reply) = (Rhythm::periodic(rng, 3.0, 30.0), Size::fixed(rng, 8, 140, 0), Size::fixed(rng, 6, 60, 0));
    asks(s, rng, 0.1, rhythm, beat, reply);
}

fn heartbeat(s: &mut Script, rng: &mut Rng) {
    let at = hello(s, rng);
    let (rhythm, beat, reply) = (Rhythm::periodic(rng, 2.0, 60.0), Size::fixed(rng, 2, 250, 2), Size::fixed(rng, 2, 250, 2));
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
fn agent(s: &mut Script, rng: &mut Rng) {
    let at = hello(s, rng);
    let (rhythm, report, ack) = (Rhythm::periodic(rng, 5.0, 120.0), Size::text(rng, 200.0, 4_000.0), Size::any(rng, 10, 300));
    asks(s, rng, at, rhythm, report, ack);
    let (rhythm, job) = (Rhythm::random(rng, 20.0, 400.0), Size::text(rng, 150.0, 3_000.0));
    let done = Size::any(rng, 20, 200);
    hears(s, rng, at, rhythm, job, Some(done));
    pings(s, rng, at, 10.0, 60.0);
}

fn web(s: &mut Script, rng: &mut Rng) {
    let rhythm = Rhythm::Human { mean: rng.log_uniform(0.1, 8.0), pause: rng.log_uniform(10.0, 80.0) };
    let (request, page) = (Size::text(rng, 80.0, 700.0), Size::text(rng, 300.0, 15_000.0));
    asks(s, rng, 0.001, rhythm, request, page);
}

fn transfer(s: &mut Script, rng: &mut Rng) {
    let up = rng.chance(0.4);
    let (rhythm, block) = (Rhythm::random(rng, 0.1, 4.0), Size::text(rng, 1_000.0, 40_000.0));
    let ack = Size::any(rng, 10, 200);
    s.every(rng, 0.001, rhythm, |s, rng, at| {
        let (block, ack) = (block.sample(rng), ack.sample(rng));
        if up { s.exchange(rng, at, block, ack) } else { s.exchange(rng, at, ack, block) };
    });
}

fn stream(s: &mut Script, rng: &mut Rng) {
    let (rhythm, request, chunk) =
        (Rhythm::periodic(rng, 1.5, 12.0), Size::fixed(rng, 60, 500, 8), Size::text(rng, 4_000.0, 50_000.0));
    asks(s, rng, 0.001, rhythm, request, chunk);
}

/// Answers that come word by word.
fn assistant(s: &mut Script, rng: &mut Rng) {
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

/// Location and fitness trackers, chargers (OCPP), meters: calls and results both ways.
fn tracker(s: &mut Script, rng: &mut Rng) {
    let at = hello(s, rng);
    let (rhythm, sample, ack) = (Rhythm::periodic(rng, 3.0, 120.0), Size::fixed(rng, 60, 600, 12), Size::fixed(rng, 4, 120, 2));
    asks(s, rng, at, rhythm, sample, ack);
    let (rhythm, beat, reply) = (Rhythm::periodic(rng, 30.0, 300.0), Size::fixed(rng, 20, 80, 1), Size::fixed(rng, 20, 90, 1));
    asks(s, rng, at, rhythm, beat, reply);
}

/// Anything with anything.
fn mixture(s: &mut Script, rng: &mut Rng) {
    let at = hello(s, rng);
    for _ in 0..rng.range(1, 3) {
        match rng.range(0, 3) {
            0 => {
                let (rhythm, up, down) = (Rhythm::any(rng, 0.5, 120.0), Size::any(rng, 10, 1_200), Size::any(rng, 4, 2_500));
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
                let (rhythm, down, ack) = (Rhythm::any(rng, 1.0, 120.0), Size::text(rng, 40.0, 1_200.0), Size::any(rng, 4, 100));
                hears(s, rng, at, rhythm, down, Some(ack));
            }
        }
    }
    pings(s, rng, at, 10.0, 120.0);
}
