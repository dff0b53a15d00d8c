//! Scripted long-lived sessions of the innocent, the look-alikes of mining foremost.

mod blocks;
mod devices;
mod home;
mod people;
mod services;

use super::ScriptedSession;
use super::script::{Path, Script};
use super::wire::SessionWrapping;
use crate::lab::train::rng::Rng;

/// Fills a script.
type Play = fn(&mut Script, &mut Rng);

/// A service and what its sessions are like.
#[derive(Debug)]
pub(crate) struct Service {
    /// Name of the service.
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
pub(crate) const SERVICES: &[Service] = &[
    Service { name: "iot-report", play: devices::iot_report, carrier: Any },
    Service { name: "iot-command", play: devices::iot_command, carrier: Any },
    Service { name: "device", play: devices::device, carrier: Any },
    Service { name: "device-ws", play: devices::device, carrier: WebSocket },
    Service { name: "mqtt-publish", play: devices::mqtt_publish, carrier: Any },
    Service { name: "mqtt-subscribe", play: devices::mqtt_subscribe, carrier: Any },
    Service { name: "push", play: people::push, carrier: Any },
    Service { name: "chat", play: people::chat, carrier: Any },
    Service { name: "chat-ws", play: people::chat, carrier: WebSocket },
    Service { name: "ssh-typing", play: people::typing, carrier: Ssh },
    Service { name: "remote-desktop", play: people::remote_desktop, carrier: Any },
    Service { name: "ticker", play: services::ticker, carrier: WebSocket },
    Service { name: "trading", play: people::trading, carrier: WebSocket },
    Service { name: "market-orders", play: services::market_orders, carrier: Any },
    Service { name: "new-heads", play: services::new_heads, carrier: WebSocket },
    Service { name: "dashboard", play: services::dashboard, carrier: WebSocket },
    Service { name: "mail-idle", play: people::mail_idle, carrier: Any },
    Service { name: "dns-over-tls", play: devices::dns, carrier: Any },
    Service { name: "syslog", play: devices::syslog, carrier: Any },
    Service { name: "scrape", play: devices::scrape, carrier: Any },
    Service { name: "poll", play: services::poll, carrier: Any },
    Service { name: "long-poll", play: services::long_poll, carrier: Any },
    Service { name: "events", play: services::events, carrier: Any },
    Service { name: "electrum", play: services::electrum, carrier: Any },
    Service { name: "database", play: services::database, carrier: Any },
    Service { name: "cache", play: services::cache, carrier: Any },
    Service { name: "rpc", play: services::rpc, carrier: Any },
    Service { name: "sip", play: people::sip, carrier: Any },
    Service { name: "game", play: people::game, carrier: Any },
    Service { name: "vpn", play: devices::vpn, carrier: Any },
    Service { name: "peer", play: services::peer, carrier: Any },
    Service { name: "broker-consumer", play: services::broker, carrier: Any },
    Service { name: "heartbeat", play: devices::heartbeat, carrier: Any },
    Service { name: "agent", play: devices::agent, carrier: Any },
    Service { name: "web", play: people::web, carrier: Any },
    Service { name: "transfer", play: people::transfer, carrier: Any },
    Service { name: "stream", play: people::stream, carrier: Any },
    Service { name: "assistant", play: people::assistant, carrier: Any },
    Service { name: "tracker", play: devices::tracker, carrier: Any },
    Service { name: "mixture", play: devices::mixture, carrier: Any },
    Service { name: "mixture-b", play: devices::mixture, carrier: Any },
    Service { name: "mixture-c", play: devices::mixture, carrier: Any },
    Service { name: "notifier", play: people::notifier, carrier: Any },
    Service { name: "notifier-ws", play: people::notifier, carrier: WebSocket },
    Service { name: "clockwork", play: devices::clockwork, carrier: Any },
    Service { name: "home-keepalive", play: home::keepalive, carrier: Any },
    Service { name: "motion", play: home::motion, carrier: Any },
    Service { name: "hub", play: home::hub, carrier: Any },
    Service { name: "polled", play: home::polled, carrier: Any },
    Service { name: "voice", play: home::voice, carrier: Any },
    Service { name: "doorbell", play: home::doorbell, carrier: Any },
    Service { name: "cast", play: home::cast, carrier: Any },
    Service { name: "push-channel", play: home::push_channel, carrier: Any },
    Service { name: "vpn-tunnel", play: home::tunnel, carrier: Any },
    Service { name: "mixture-ws", play: devices::mixture, carrier: WebSocket },
];

/// A session of service number `kind`.
pub(crate) fn session(rng: &mut Rng, kind: usize) -> ScriptedSession {
    let service = &SERVICES[kind];
    let mut script = Script::new(Path::sample(rng), rng.log_uniform(60.0, 5_400.0));
    (service.play)(&mut script, rng);
    let transport = SessionWrapping::sample(rng);
    let transport = match service.carrier {
        Any => transport,
        WebSocket => transport.with_web_socket(),
        Ssh => transport.over_ssh(),
    };
    let transport = if rng.chance(EVASIVE) { transport.evasive(rng) } else { transport };
    (script, transport, service.name)
}

/// Share of the sessions that hold messages back, pad or add some: VPNs, browsers' proxies, privacy tools.
const EVASIVE: f64 = 0.06;
