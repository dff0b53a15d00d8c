//! Miners in web pages: CoinHive and its copies, webminerpool and its kin, Nimiq. All of them speak
//! JSON in WebSocket messages, with the kind of the message in a key of their own.
//!
//! Proof from the client is a greeting with the site's key and a goal in hashes, or one with the pool,
//! its login and password, or a share with nonce and hash; from the server, a job with its blob is strong.

use super::Dialect;
use super::message::{Message, Sign, Step, Weight};
use super::shape::{has_hex, is_name};
use crate::parse::json::Value;

pub(super) fn read<'a>(message: &Message<'a>) -> Option<Sign<'a>> {
    let kind = |key| message.root.get(key).filter(|kind| kind.is_string());
    if let Some(kind) = kind("identifier") {
        return read_web_miner_pool(message.root, kind);
    }
    if let (Some(kind), Some(params)) = (kind("type"), message.params) {
        return read_coin_hive(kind, params);
    }
    if let Some(kind) = kind("message") {
        return read_nimiq(message.root, kind);
    }
    read_start(message.root)
}

/// The miners in web pages that speak through Socket.IO tell their server which pool to connect to.
fn read_start(root: Value<'_>) -> Option<Sign<'_>> {
    let stratum = root.get("stratum").filter(|pool| pool.get("port").is_some_and(is_name))?;
    let worker = stratum.get("worker").filter(|worker| worker.is_string())?;
    let fits = stratum.get("server").is_some_and(Value::is_string) && root.get("algo").is_some();
    let weight = if fits { Weight::Unmistakable } else { Weight::Hint };
    let sign = Sign::miner(Dialect::WebMinerPool, Step::Authorisation, weight, "start");
    Some(sign.wallet(Some(worker)).algorithm(root.get("algo").filter(|algo| algo.is_string())))
}

fn read_web_miner_pool<'a>(root: Value<'a>, kind: Value<'a>) -> Option<Sign<'a>> {
    let dialect = Dialect::WebMinerPool;
    if kind.is("handshake") {
        let login = root.get("login").filter(|login| login.is_string());
        let fits = login.is_some() && root.get("pool").is_some_and(Value::is_string);
        let weight = match (fits, root.get("password").is_some_and(Value::is_string)) {
            (true, true) => Weight::Unmistakable,
            (true, false) => Weight::Strong,
            (false, _) => Weight::Hint,
        };
        return Some(Sign::miner(dialect, Step::Authorisation, weight, "handshake").wallet(login));
    }
    if kind.is("job") {
        return is_job(root).then(|| {
            Sign::pool(dialect, Step::Job, Weight::Strong, "job")
                .algorithm(root.get("algo").filter(|v| v.is_string()))
        });
    }
    if kind.is("solved") {
        return is_share(root).then(|| Sign::miner(dialect, Step::Share, Weight::Unmistakable, "solved"));
    }
    kind.is("hashsolved").then(|| Sign::pool(dialect, Step::Share, Weight::Hint, "hashsolved"))
}

fn read_coin_hive<'a>(kind: Value<'a>, params: Value<'a>) -> Option<Sign<'a>> {
    let dialect = Dialect::CoinHive;
    if kind.is("auth") {
        let key = params.get("site_key").filter(|key| key.is_string())?;
        let account = params
            .get("type")
            .is_some_and(|kind| ["anonymous", "user", "token"].iter().any(|name| kind.is(name)));
        // Others may log in with a site's key; a goal in hashes only miners have.
        let weight = match (params.get("goal").is_some(), account) {
            (true, _) => Weight::Unmistakable,
            (false, true) => Weight::Strong,
            (false, false) => Weight::Hint,
        };
        return Some(
            Sign::miner(dialect, Step::Authorisation, weight, "auth with site_key").wallet(Some(key)),
        );
    }
    if kind.is("job") {
        return is_job(params).then(|| {
            Sign::pool(dialect, Step::Job, Weight::Strong, "job")
                .algorithm(params.get("algo").filter(|v| v.is_string()))
        });
    }
    if kind.is("submit") {
        return is_share(params).then(|| Sign::miner(dialect, Step::Share, Weight::Unmistakable, "submit"));
    }
    let authed = kind.is("authed") && params.get("hashes").is_some();
    let accepted = kind.is("hash_accepted") && params.get("hashes").is_some();
    (authed || accepted).then(|| Sign::pool(dialect, Step::Authorisation, Weight::Strong, "hashes credited"))
}

fn read_nimiq<'a>(root: Value<'a>, kind: Value<'a>) -> Option<Sign<'a>> {
    let has = |key| root.get(key).is_some();
    let sign = if kind.is("register") {
        // An address of Nimiq is an IBAN of the country "NQ".
        let address = root.get("address").filter(|address| address.holds(|text| text.starts_with(b"NQ")));
        let fits = address.is_some() && (has("deviceId") || has("genesisHash"));
        let weight = if fits { Weight::Unmistakable } else { Weight::Hint };
        let sign = Sign::miner(Dialect::Nimiq, Step::Authorisation, weight, "register");
        sign.wallet(address).agent(root.get("deviceName"))
    } else if kind.is("share") && (has("block") || has("blockHeader")) {
        Sign::miner(Dialect::Nimiq, Step::Share, Weight::Strong, "share")
    } else if kind.is("settings") && has("extraData") && (has("target") || has("targetCompact")) {
        Sign::pool(Dialect::Nimiq, Step::Job, Weight::Strong, "settings")
    } else if kind.is("new-block") && has("blockHeader") {
        Sign::pool(Dialect::Nimiq, Step::Job, Weight::Strong, "new-block")
    } else {
        return None;
    };
    Some(sign.coin("nimiq"))
}

fn is_job(job: Value<'_>) -> bool {
    job.get("job_id").is_some_and(is_name) && has_hex(job.get("blob"), 76) && has_hex(job.get("target"), 8)
}

fn is_share(share: Value<'_>) -> bool {
    share.get("job_id").is_some_and(is_name)
        && has_hex(share.get("nonce"), 8)
        && has_hex(share.get("result"), 64)
}
