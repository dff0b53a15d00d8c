//! Stratum V1 (`mining.*`) and the dialects that share its method names.
//!
//! A request of the client counts by its method and the shape of its parameters: `mining.subscribe`
//! with an array or nothing, `mining.authorize` with an array that begins with a user name, and so on. A bare
//! method name, or one with parameters of another shape, is a hint. Of the server's messages, those
//! with a difficulty, a target, an extranonce or a job (hexadecimal, or what stands in its place in
//! Alephium, IronFish and Kaspa) are strong.
//!
//! The relatives that differ in nothing but the layout of a job (Kadena, Decred, Ergo, Handshake,
//! Sia, Aion, Ravencoin, ...) are `stratum-v1`; the coin is told where the layout, the agent or
//! the wallet does.

use super::Dialect;
use super::message::{Message, Sign, Step, Weight};
use super::shape::{contains, has_hex, is_hex, is_name};
use crate::parse::json::Value;

pub(super) fn read<'a>(message: &Message<'a>) -> Option<Sign<'a>> {
    if message.method.is_empty() {
        return read_result(message.result?);
    }
    let name = message.method.as_str();
    if !name.starts_with("mining.") && !name.starts_with("client.") {
        return None;
    }
    // IronFish has `body` where the others have `params`.
    if let Some(body) = message.root.get("body").filter(|body| body.is_object()) {
        return read_iron_fish(name, body);
    }
    let params = message.params;
    let array = params.is_some_and(Value::is_array);
    let none = params.is_none_or(Value::is_null);
    let first_is_name = message.param_at(0).is_some_and(is_name);
    let ask = |step, said, fits| {
        // All miners number their requests; what doesn't could be a notification of anything.
        let weight = match (fits, message.id) {
            (true, Some(_)) => Weight::Unmistakable,
            (true, None) => Weight::Strong,
            (false, _) => Weight::Hint,
        };
        Some(Sign::miner(Dialect::StratumV1, step, weight, said))
    };
    let push = |step, said, fits| {
        let weight = if fits { Weight::Strong } else { Weight::Hint };
        Some(Sign::pool(Dialect::StratumV1, step, weight, said))
    };
    match name {
        "mining.subscribe" => {
            Some(read_subscribe(ask(Step::Greeting, "mining.subscribe", array || none)?, params))
        }
        // The short form is ckpool's and goPool's.
        "mining.authorize" | "mining.auth" => {
            let fits = first_is_name && params.is_some_and(|params| params.len() <= 4);
            let sign = ask(Step::Authorisation, "mining.authorize", fits)?.wallet(message.param_at(0));
            let conflux =
                message.param_at(0).is_some_and(|user| user.holds(|text| text.starts_with(b"cfx:")));
            Some(if conflux { Sign { dialect: Dialect::Conflux, ..sign } } else { sign })
        }
        "mining.configure" => {
            let fits = message.param_at(0).is_some_and(Value::is_array);
            ask(Step::Greeting, "mining.configure", fits)
        }
        "mining.extranonce.subscribe" => ask(Step::Greeting, "mining.extranonce.subscribe", array || none),
        "mining.capabilities" => {
            ask(Step::Greeting, "mining.capabilities", message.param_at(0).is_some_and(Value::is_object))
        }
        "mining.suggest_difficulty" => ask(Step::Greeting, "mining.suggest_difficulty", first_is_name),
        "mining.suggest_target" => {
            ask(Step::Greeting, "mining.suggest_target", has_hex(message.param_at(0), 8))
        }
        "mining.multi_version" => ask(Step::Greeting, "mining.multi_version", first_is_name),
        "mining.hello" => {
            let agent = message.param("agent");
            let proto =
                message.param("proto").is_some_and(|proto| proto.holds(|text| contains(text, "stratum")));
            let address = message.param("host").is_some() && message.param("port").is_some();
            let sign = ask(Step::Greeting, "mining.hello", proto || (agent.is_some() && address))?;
            Some(Sign { dialect: Dialect::EthereumStratum2, ..sign.agent(agent) })
        }
        "mining.submit" => read_submit(ask, params),
        "mining.hashrate" | "mining.noop" | "mining.bye" | "mining.ping" | "mining.pong" => {
            ask(Step::Greeting, "a mining.* message", false)
        }
        "mining.notify" => Some(read_notify(push(Step::Job, "mining.notify", false)?, params)),
        "mining.set_difficulty" => {
            push(Step::Job, "mining.set_difficulty", message.param_at(0).is_some_and(Value::is_number))
        }
        "mining.set_target" => push(Step::Job, "mining.set_target", has_hex(message.param_at(0), 16)),
        "mining.set_extranonce" => push(Step::Job, "mining.set_extranonce", has_hex(message.param_at(0), 2)),
        "mining.set_version_mask" => {
            push(Step::Job, "mining.set_version_mask", has_hex(message.param_at(0), 8))
        }
        "mining.set" => {
            let target = has_hex(message.param("target"), 16) || has_hex(message.param("extranonce"), 2);
            let sign = push(Step::Job, "mining.set", target)?.algorithm(message.param("algo"));
            Some(Sign { dialect: Dialect::EthereumStratum2, ..sign })
        }
        "client.reconnect" | "client.get_version" | "client.show_message" => {
            push(Step::Greeting, "a client.* message", false)
        }
        _ => None,
    }
}

/// `mining.subscribe`, whose parameters tell several dialects apart.
fn read_subscribe<'a>(sign: Sign<'a>, params: Option<Value<'a>>) -> Sign<'a> {
    let Some(params) = params else { return sign };
    let agent = params.item(0).filter(|agent| agent.is_string());
    let agent_has = |word| agent.is_some_and(|agent| agent.holds(|text| contains(text, word)));
    let sign = sign.agent(agent);
    let names = |word| params.items().any(|item| item.holds(|text| contains(text, word)));
    // nheqminer and its heirs: agent, session or null, host and port of the pool.
    let equihash = params.len() >= 4 && params.item(1).is_some_and(|item| item.is_null() || item.is_string());
    let dialect = if names("ethereumstratum/2") {
        Dialect::EthereumStratum2
    } else if names("ethereumstratum/") {
        Dialect::EthereumStratum1
    } else if agent_has("xmrig/") {
        Dialect::XmrigEthStratum
    } else if equihash || agent_has("nheqminer") || agent_has("ewbf") {
        Dialect::Equihash
    } else {
        sign.dialect
    };
    Sign { dialect, ..sign }
}

/// `mining.submit`: user, job, nonce and what a coin adds, nearly all of it hexadecimal.
fn read_submit<'a>(
    ask: impl Fn(Step, &'static str, bool) -> Option<Sign<'a>>,
    params: Option<Value<'a>>,
) -> Option<Sign<'a>> {
    let params = params?;
    let hex = params.items().filter(|item| is_hex(*item, 4)).count();
    let fits = params.len() >= 3 && hex >= 1 && params.items().all(|item| is_name(item) || item.is_null());
    let sign = ask(Step::Share, "mining.submit", fits)?.wallet(params.item(0));
    // The solution of Equihash is the only share of such a length (at least 100 bytes).
    let equihash = params.items().any(|item| item.is_string() && item.bytes().len() >= 200);
    Some(if equihash { Sign { dialect: Dialect::Equihash, ..sign } } else { sign })
}

/// `mining.notify`: the layout of a job tells coins apart.
fn read_notify<'a>(sign: Sign<'a>, params: Option<Value<'a>>) -> Sign<'a> {
    let Some(params) = params else { return sign };
    let at = |index| params.item(index);
    let hash = |index| has_hex(params.item(index), 64);
    let job = |dialect| Sign { dialect, weight: Weight::Strong, ..sign };
    if at(0).and_then(|job| job.get("headerBlob")).is_some()
        || at(0).and_then(|list| list.item(0)).and_then(|job| job.get("headerBlob")).is_some()
    {
        return job(Dialect::Alephium).coin("alephium");
    }
    if at(1).is_some_and(|words| words.len() >= 4 && words.items().all(Value::is_number)) {
        return job(Dialect::Kaspa).coin("kaspa");
    }
    match params.len() {
        8..=10 if has_hex(at(1), 8) && !hash(1) && hash(2) && hash(3) => job(Dialect::Equihash),
        9 if at(1).is_some_and(is_name) && hash(2) && at(6).is_some_and(is_name) && !hash(1) => {
            job(Dialect::StratumV1).coin("ergo")
        }
        6 | 7 if hash(1) && hash(2) && hash(3) => job(Dialect::StratumV1).coin("kawpow"),
        4 if hash(1) && hash(2) && at(3).is_some_and(Value::is_bool) => job(Dialect::EthereumStratum1),
        4 if hash(2) && hash(3) => job(Dialect::Conflux).coin("conflux"),
        2.. if params.items().any(|item| is_hex(item, 40)) => job(Dialect::StratumV1),
        _ => sign,
    }
}

/// IronFish: the method names of Stratum V1 with a `body` (FishHash specification).
fn read_iron_fish<'a>(name: &str, body: Value<'a>) -> Option<Sign<'a>> {
    let has = |key| body.get(key).is_some();
    let weight = |fits, full| if fits { full } else { Weight::Hint };
    let miner =
        |step, fits, said| Sign::miner(Dialect::IronFish, step, weight(fits, Weight::Unmistakable), said);
    let pool = |step, fits, said| Sign::pool(Dialect::IronFish, step, weight(fits, Weight::Strong), said);
    let sign = match name {
        "mining.subscribe" => {
            let fits = has("version") && (has("agent") || has("publicAddress"));
            let sign = miner(Step::Greeting, fits, "mining.subscribe");
            sign.agent(body.get("agent")).wallet(body.get("publicAddress"))
        }
        "mining.submit" => {
            let fits = has("miningRequestId") && (has("randomness") || has("graffiti"));
            miner(Step::Share, fits, "mining.submit")
        }
        "mining.subscribed" => pool(Step::Greeting, has("clientId"), "mining.subscribed"),
        "mining.notify" => pool(Step::Job, has("miningRequestId") && has("header"), "mining.notify"),
        "mining.set_target" => pool(Step::Job, has_hex(body.get("target"), 16), "mining.set_target"),
        _ => return None,
    };
    Some(sign.coin("ironfish"))
}

/// The answer to `mining.subscribe`, in its many forms: `mining.notify` in nested arrays, or the
/// name of the protocol.
fn read_result(result: Value<'_>) -> Option<Sign<'_>> {
    if result.get("proto").is_some_and(|proto| proto.holds(|text| contains(text, "ethereumstratum/"))) {
        return Some(Sign::pool(Dialect::EthereumStratum2, Step::Greeting, Weight::Strong, "subscription"));
    }
    let mut dialect = None;
    let mut look = |item: Value<'_>| {
        if item.is("mining.notify") || item.is("mining.set_difficulty") {
            dialect = dialect.or(Some(Dialect::StratumV1));
        } else if item.holds(|text| contains(text, "ethereumstratum/")) {
            dialect = Some(Dialect::EthereumStratum1);
        }
    };
    for item in result.items() {
        look(item);
        for item in item.items() {
            look(item);
            item.items().for_each(&mut look);
        }
    }
    Some(Sign::pool(dialect?, Step::Greeting, Weight::Strong, "subscription"))
}
