//! The dialects that begin with a method called `login`: CryptoNote (Monero and its kin), Grin, Beam.
//!
//! The word alone says nothing. The client's login is proof with a password and one of: a mining
//! program's agent, a list of proof-of-work algorithms, a long wallet for a login, the mode
//! "self-select"; without a password, or where the wallet is short, with two of them. Otherwise the
//! server has to complete the proof.

use super::Dialect;
use super::message::{Message, Sign, Step, Weight};
use super::shape::{contains, has_hex, is_algorithm, is_miner, is_name, is_wallet};
use crate::parse::json::Value;

pub(super) fn read<'a>(message: &Message<'a>) -> Option<Sign<'a>> {
    match message.method.as_str() {
        "" => read_result(message),
        "login" if message.params.is_some() => read_login(message),
        "login" => read_beam_login(message),
        "submit" => read_submit(message),
        "solution" => {
            // Beam: 104 bytes of solution.
            let fits = has_hex(message.root.get("nonce"), 8) && has_hex(message.root.get("output"), 100);
            fits.then(|| {
                Sign::miner(Dialect::Beam, Step::Share, Weight::Unmistakable, "solution").coin("beam")
            })
        }
        "job" if message.params.is_some() => read_job(message.params?),
        "job" => {
            let fits = has_hex(message.root.get("input"), 64) && message.root.get("difficulty").is_some();
            fits.then(|| Sign::pool(Dialect::Beam, Step::Job, Weight::Strong, "job").coin("beam"))
        }
        // The answer to Beam's login and to its solutions.
        "result" => {
            let fits = message.root.get("nonceprefix").is_some();
            let weight = if fits { Weight::Strong } else { Weight::Hint };
            let answer =
                fits || (message.root.get("code").is_some() && message.root.get("description").is_some());
            answer.then(|| Sign::pool(Dialect::Beam, Step::Authorisation, weight, "result"))
        }
        "keepalived" => {
            let sign = Sign::miner(Dialect::CryptoNote, Step::Authorisation, Weight::Hint, "keepalived");
            message.param("id").map(|_| sign)
        }
        "keepalive" if message.id.is_some() => {
            Some(Sign::miner(Dialect::Grin, Step::Authorisation, Weight::Hint, "keepalive"))
        }
        // Grin's answers repeat the method.
        "getjobtemplate" if message.result.is_some() => read_job(message.result?),
        "getjobtemplate" => Some(Sign::miner(Dialect::Grin, Step::Job, Weight::Hint, "getjobtemplate")),
        "block_template" => {
            let fits = has_hex(message.param("blob"), 100) && message.param("job_id").is_some();
            let sign = Sign::miner(Dialect::SelfSelect, Step::Job, Weight::Unmistakable, "block_template");
            fits.then_some(sign)
        }
        _ => None,
    }
}

/// CryptoNote: `{"login","pass","agent","rigid","algo"}`; Grin: the first three.
fn read_login<'a>(message: &Message<'a>) -> Option<Sign<'a>> {
    let login = message.param("login").filter(|login| login.is_string())?;
    let pass = message.param("pass").is_some_and(Value::is_string);
    let agent = message.param("agent");
    let by_miner = agent.is_some_and(|agent| agent.holds(is_miner));
    let algorithms = message.param("algo").filter(|list| list.items().any(is_algorithm));
    let self_select = message.param("mode").is_some_and(|mode| mode.is("self-select"));
    let wallet = login.holds(is_wallet);
    let marks = [by_miner, algorithms.is_some(), wallet, self_select];
    // A key to a service may look like a short address, but not like one of CryptoNote's.
    let short = wallet && login.bytes().len() < CRYPTONOTE_ADDRESS;
    let weight = match (marks.into_iter().filter(|mark| *mark).count(), pass) {
        (0, _) => Weight::Hint,
        (1, _) if short => Weight::Hint,
        (1, false) => Weight::Strong,
        _ => Weight::Unmistakable,
    };
    // Grin's own miner and node number their messages "0", "1", ... or "Stratum".
    let grin = agent.is_some_and(|agent| agent.holds(|text| contains(text, "grin")))
        || (algorithms.is_none() && message.id.is_some_and(|id| id.is("0") || id.is("Stratum")));
    let dialect = match (self_select, grin) {
        (true, _) => Dialect::SelfSelect,
        (_, true) => Dialect::Grin,
        _ => Dialect::CryptoNote,
    };
    let sign = Sign::miner(dialect, Step::Authorisation, weight, "login").agent(agent).wallet(Some(login));
    // The first algorithm of the list is the one that XMRig is set to.
    Some(sign.algorithm(algorithms.and_then(|list| list.item(0)).filter(|first| is_algorithm(*first))))
}

/// Beam has the key of the account at the top, and `"id":"login"`.
fn read_beam_login<'a>(message: &Message<'a>) -> Option<Sign<'a>> {
    let key = message.root.get("api_key").filter(|key| key.is_string())?;
    let bare = message.root.members().all(|(name, _)| {
        ["method", "api_key", "id", "jsonrpc", "minerid", "agent", "worker", "pass"]
            .iter()
            .any(|key| name.is(key))
    });
    let marked = message.id.is_some_and(|id| id.is("login")) || has_hex(Some(key), 60);
    let weight = if bare && marked { Weight::Unmistakable } else { Weight::Hint };
    let sign = Sign::miner(Dialect::Beam, Step::Authorisation, weight, "login with api_key");
    Some(sign.wallet(Some(key)).agent(message.root.get("agent")))
}

/// CryptoNote: job, nonce and hash. Grin: job, nonce and a cycle of 32 or 42 edges.
fn read_submit<'a>(message: &Message<'a>) -> Option<Sign<'a>> {
    message.param("job_id").filter(|job| is_name(*job))?;
    let nonce = message.param("nonce").filter(|nonce| is_name(*nonce))?;
    if message.param("edge_bits").is_some() && message.param("pow").is_some_and(|pow| pow.len() >= 20) {
        return Some(Sign::miner(Dialect::Grin, Step::Share, Weight::Unmistakable, "submit"));
    }
    let fits = has_hex(Some(nonce), 8) && has_hex(message.param("result"), 64);
    let weight = if fits { Weight::Unmistakable } else { Weight::Hint };
    let sign = Sign::miner(Dialect::CryptoNote, Step::Share, weight, "submit");
    Some(sign.algorithm(message.param("algo").filter(|algo| is_algorithm(*algo))))
}

/// A job: a blob or what stands in its place, an identifier and a target.
fn read_job(job: Value<'_>) -> Option<Sign<'_>> {
    job.get("job_id").filter(|id| is_name(*id))?;
    let target = has_hex(job.get("target"), 8);
    let sign = |dialect| Some(Sign::pool(dialect, Step::Job, Weight::Strong, "job"));
    if target && has_hex(job.get("blob"), 76) {
        // A job tells its algorithm; a height and a seed without one are RandomX.
        let algorithm = job.get("algo").filter(|algo| is_algorithm(*algo));
        return Some(sign(Dialect::CryptoNote)?.algorithm(algorithm));
    }
    if target && (job.get("pool_wallet").is_some() || has_hex(job.get("extra_nonce"), 4)) {
        return sign(Dialect::SelfSelect);
    }
    if has_hex(job.get("pre_pow"), 100) && job.get("height").is_some() {
        return Some(sign(Dialect::Grin)?.coin("grin"));
    }
    None
}

/// The answer to a login, a keepalive or a request for a job.
fn read_result<'a>(message: &Message<'a>) -> Option<Sign<'a>> {
    let Some(result) = message.result else { return read_error(message) };
    if result.get("status").is_some_and(|status| status.is("KEEPALIVED")) {
        let sign = Sign::pool(Dialect::CryptoNote, Step::Authorisation, Weight::Strong, "KEEPALIVED");
        return Some(sign);
    }
    let Some(job) = result.get("job") else { return read_job(result) };
    let sign = read_job(job).or_else(|| read_bytom_job(result, job))?;
    // P2Pool: 32-bit session in hexadecimal, a counter for a job, one extension.
    let p2pool = result.get("id").is_some_and(|id| id.holds(|text| text.len() == 8))
        && job.get("job_id").is_some_and(|id| id.holds(|text| text.iter().all(u8::is_ascii_digit)))
        && result.get("extensions").is_some_and(|list| list.len() == 1);
    let dialect = if p2pool { Dialect::P2pool } else { sign.dialect };
    Some(Sign { dialect, said: "login answered with a job", ..sign })
}

/// Bytom and its kin have the fields of a header in place of the blob.
fn read_bytom_job<'a>(result: Value<'a>, job: Value<'a>) -> Option<Sign<'a>> {
    let fits = job.get("job_id").is_some_and(is_name)
        && has_hex(job.get("target"), 8)
        && (has_hex(job.get("seed"), 64) || has_hex(job.get("previous_block_hash"), 64))
        && result.get("id").is_some();
    fits.then(|| Sign::pool(Dialect::CryptoNote, Step::Job, Weight::Strong, "job"))
}

/// A pool's refusals name what it deals in.
fn read_error<'a>(message: &Message<'a>) -> Option<Sign<'a>> {
    let text = message.root.get("error")?.get("message")?;
    let refusals =
        ["payment address", "low difficulty share", "duplicate share", "block expired", "unauthenticated"];
    let refused = text.holds(|text| refusals.iter().any(|words| contains(text, words)));
    refused.then(|| Sign::pool(Dialect::CryptoNote, Step::Authorisation, Weight::Hint, "refusal"))
}

/// Letters of the shortest address of CryptoNote's: two public keys of 32 bytes in Base58 are 87, Tari's
/// have 90, Monero's 95.
const CRYPTONOTE_ADDRESS: usize = 87;
