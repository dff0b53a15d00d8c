//! Work asked of a node: getwork, getblocktemplate (BIP 22, BIP 23), Monero's daemon, and the work
//! that Dero's and Xelis's nodes push.
//!
//! Nodes answer wallets, explorers and monitors by the same door, so the method name is no proof.
//! It takes one of: a miner's name or `X-Mining-Extensions` in the head; what only a miner puts in
//! the parameters (capabilities, a long poll identifier, a wallet with room for a nonce, a block
//! header); a template that was given and is asked for again, or answered with a block; `get_miner_data`
//! with its answer.

use super::message::{Message, Sign, Step, Weight};
use super::shape::{has_hex, is_hex, is_miner, is_wallet};
use super::{Dialect, HttpHead};
use crate::parse::json::Value;

pub(super) fn read<'a>(message: &Message<'a>) -> Option<Sign<'a>> {
    let marked = message.is_by_miner();
    let ask = |dialect, step, said, weight| {
        let weight = if marked { Weight::Unmistakable } else { weight };
        Some(Sign::miner(dialect, step, weight, said))
    };
    match message.method.as_str() {
        "" => message.result.map_or_else(|| read_push(message.root), read_result),
        // 128 bytes of padded header, solved.
        "getwork" if has_hex(message.param_at(0), 160) => {
            ask(Dialect::Getwork, Step::Share, "getwork with a solution", Weight::Unmistakable)
        }
        // A word that any queue of tasks may use; the work given tells.
        "getwork" => ask(Dialect::Getwork, Step::Job, "getwork", Weight::Hint),
        "getblocktemplate" | "get_block_template" => read_template_request(message),
        // P2Pool builds its templates of what this gives; wallets and explorers have no use for it.
        "get_miner_data" => ask(Dialect::MoneroDaemon, Step::Job, "get_miner_data", Weight::Hint),
        "submitblock" | "submit_block" if has_hex(message.param_at(0), 160) => {
            ask(Dialect::GetBlockTemplate, Step::Share, "submitblock", Weight::Strong)
        }
        _ => None,
    }
}

fn read_template_request<'a>(message: &Message<'a>) -> Option<Sign<'a>> {
    let ask = |dialect, fits| {
        let weight = if fits || message.is_by_miner() { Weight::Unmistakable } else { Weight::Hint };
        Sign::miner(dialect, Step::Job, weight, "getblocktemplate")
    };
    // Monero: who is paid, and room for the miner's nonce.
    if let Some(wallet) = message.param("wallet_address") {
        let room = message.param("reserve_size").is_some() || message.param("extra_nonce").is_some();
        return Some(ask(Dialect::MoneroDaemon, room && wallet.holds(is_wallet)).wallet(Some(wallet)));
    }
    let request = message.param_at(0);
    let has = |key| request.and_then(|request| request.get(key));
    let capable = has("capabilities").is_some_and(|list| {
        let of_miners = ["coinbasetxn", "workid", "coinbase/append", "longpoll", "coinbasevalue"];
        list.items().filter(|item| of_miners.iter().any(|name| item.is(name))).count() >= 2
    });
    let sign = ask(Dialect::GetBlockTemplate, capable || has("longpollid").is_some());
    // A proposal (BIP 23) checks a block of one's own: not a request for work.
    let proposal = has("mode").is_some_and(|mode| mode.is("proposal"));
    (!proposal || sign.weight > Weight::Hint).then_some(sign)
}

fn read_result(result: Value<'_>) -> Option<Sign<'_>> {
    let hex = |key, digits| has_hex(result.get(key), digits);
    let has = |key| result.get(key).is_some();
    if result.get("data").is_some_and(|data| is_hex(data, 160)) && hex("target", 64) {
        return Some(Sign::pool(Dialect::Getwork, Step::Job, Weight::Strong, "getwork data"));
    }
    // Both are hints: an explorer may look at a template, too.
    if hex("previousblockhash", 64) && (has("coinbasevalue") || has("coinbasetxn") || has("transactions")) {
        return Some(Sign::pool(Dialect::GetBlockTemplate, Step::Job, Weight::Hint, "block template"));
    }
    if hex("seed_hash", 64) && has("median_weight") && has("tx_backlog") {
        return Some(Sign::pool(Dialect::MoneroDaemon, Step::Job, Weight::Strong, "miner data"));
    }
    let blob = hex("blocktemplate_blob", 100) || hex("blockhashing_blob", 100);
    blob.then(|| Sign::pool(Dialect::MoneroDaemon, Step::Job, Weight::Hint, "block template"))
}

/// Dero's and Xelis's nodes have the wallet in the address of a WebSocket and need no words: they push
/// work, and the miner sends it back solved.
fn read_push(root: Value<'_>) -> Option<Sign<'_>> {
    let dialect = Dialect::GetworkWebSocket;
    let hex = |value: Option<Value<'_>>| has_hex(value, 96);
    let job = root.get("new_job").unwrap_or(root);
    let work = ["blockhashing_blob", "miner_work", "template"].iter().any(|key| hex(job.get(key)));
    if work && job.get("difficulty").is_some() && job.get("height").is_some() {
        let algorithm = job.get("algorithm").filter(|name| name.is_string());
        return Some(Sign::pool(dialect, Step::Job, Weight::Strong, "work").algorithm(algorithm));
    }
    let share = hex(root.get("miner_work")) || (hex(root.get("mbl_blob")) && root.get("jobid").is_some());
    share.then(|| Sign::miner(dialect, Step::Share, Weight::Strong, "solved work"))
}

/// A request without a body: solo miners ask Monero's daemon for its height, over and over.
pub(super) fn read_head<'a>(head: &HttpHead<'a>) -> Option<Sign<'a>> {
    let path = head.target.split(|&byte| byte == b'?').next().unwrap_or_default();
    let asks_height = matches!(path, b"/getheight" | b"/get_height" | b"/getinfo" | b"/get_info");
    let by_miner = asks_height && is_miner(head.agent);
    by_miner.then(|| {
        Sign::miner(Dialect::MoneroDaemon, Step::Job, Weight::Unmistakable, "chain height asked by a miner")
    })
}
