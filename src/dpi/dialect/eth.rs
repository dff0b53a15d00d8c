//! The dialects of Ethereum's miners, and CKB's, which copies them.
//!
//! `eth_submitLogin`, `eth_submitWork`, `eth_submitHashrate`, `ckb_*` with fitting parameters are
//! proof from the client, and so is `eth_getWork`, in bare TCP. Over HTTP, where any tool may ask a node
//! anything, it takes a miner's name in the head, or work or consent in the answer. The other `eth_*` methods
//! (`eth_mining`, `eth_hashrate`, `eth_syncing`, ...) are what wallets and monitors ask, and nothing.

use super::Dialect;
use super::message::{Message, Sign, Step, Weight};
use super::shape::{contains, has_hex, is_hex};
use crate::parse::json::Value;

pub(super) fn read<'a>(message: &Message<'a>) -> Option<Sign<'a>> {
    let dialect = if message.http.is_some() { Dialect::EthGetWork } else { Dialect::EthProxy };
    // What a miner's name is not on may be a tool that asks a node, or a paste.
    let named = message.http.is_none_or(|head| {
        head.is_of_miner() || contains(head.target, "miner=") || contains(head.target, "/0x")
    });
    let ask = |step, said, fits: bool| {
        let weight = match (fits, named) {
            (true, true) => Weight::Unmistakable,
            (true, false) => Weight::Strong,
            (false, _) => Weight::Hint,
        };
        Some(Sign::miner(dialect, step, weight, said).wallet(message.root.get("worker")))
    };
    let hex = |index, digits| has_hex(message.param_at(index), digits);
    match message.method.as_str() {
        "" => read_result(message, dialect),
        "eth_login" => ask(Step::Authorisation, "eth_login", hex(0, 40)),
        "eth_getWork" => {
            let empty = message.params.is_none_or(|params| params.is_null() || params.is_empty());
            ask(Step::Job, "eth_getWork", empty)
        }
        // Nonce (8 bytes), header and mix digest (32 bytes each).
        "eth_submitWork" => ask(Step::Share, "eth_submitWork", hex(0, 16) && hex(1, 64) && hex(2, 64)),
        "eth_submitHashrate" => ask(Step::Share, "eth_submitHashrate", hex(0, 1) && hex(1, 16)),
        "alph_submitHashrate" => {
            let sign = ask(Step::Share, "alph_submitHashrate", message.params.is_some_and(Value::is_array))?;
            Some(Sign { dialect: Dialect::Alephium, ..sign }.coin("alephium"))
        }
        "ckb_submitLogin" | "ckb_submitWork" | "ckb_submitHashrate" | "ckb_getWork" => {
            let (step, said) = match message.method.as_str() {
                "ckb_submitLogin" => (Step::Authorisation, "ckb_submitLogin"),
                "ckb_submitWork" => (Step::Share, "ckb_submitWork"),
                "ckb_submitHashrate" => (Step::Share, "ckb_submitHashrate"),
                _ => (Step::Job, "ckb_getWork"),
            };
            let fits = step == Step::Job
                || message
                    .params
                    .is_some_and(|value| value.is_object() || !value.is_empty() || is_hex(value, 1));
            let login = message.param("login").or(message.param_at(0));
            let sign = ask(step, said, fits)?.wallet(login).agent(message.param("agent"));
            Some(Sign { dialect: Dialect::Ckb, ..sign }.coin("ckb"))
        }
        // Ethereum's own, and its copies with another coin before the line.
        method if method.ends_with("_submitLogin") => {
            let user = message.param_at(0).or(message.param("login"));
            let fits = user.is_some_and(|user| user.is_string() && !user.bytes().is_empty());
            Some(ask(Step::Authorisation, "submitLogin", fits)?.wallet(user))
        }
        _ => None,
    }
}

fn read_result<'a>(message: &Message<'a>, dialect: Dialect) -> Option<Sign<'a>> {
    let result = message.result?;
    let has = |key| result.get(key).is_some();
    if (has("nonce_pre") && has("nonce_bytes")) || (has("pow_hash") && has("target")) {
        return Some(Sign::pool(Dialect::Ckb, Step::Job, Weight::Strong, "work").coin("ckb"));
    }
    // Header, seed and target. A hint only: a node's list of block hashes looks alike.
    let work = (3..=5).contains(&result.len()) && result.items().take(3).all(|item| is_hex(item, 64));
    work.then(|| Sign::pool(dialect, Step::Job, Weight::Hint, "work"))
}
