//! The dialects whose lines aren't JSON: Duino-Coin and Xatum.
//!
//! Duino-Coin: the server greets with its version, the client asks `JOB,user,difficulty,...`, the
//! answer is two SHA-1 hashes and a number. A request with one of the known difficulties is proof
//! after the greeting; without it, it could be a line of any queue of jobs.
//!
//! Xatum: `method~json`. The client's `shake~` with an address, and an agent or algorithms, is proof.

use super::Dialect;
use super::message::{Sign, Step, Weight};
use super::shape::{has_hex, hex};
use crate::parse::json::{Tape, Value};

pub(super) fn read<'a>(tape: &'a mut Tape, line: &'a [u8]) -> Option<Sign<'a>> {
    let line = line.trim_ascii();
    let mut parts = line.splitn(2, |&byte| byte == b'~');
    match (parts.next()?, parts.next()) {
        (method, Some(json)) => read_xatum(method, tape.index(json)?),
        (line, None) => read_duino(line),
    }
}

fn read_xatum<'a>(method: &[u8], body: Value<'a>) -> Option<Sign<'a>> {
    let has = |key| body.get(key).is_some();
    let dialect = Dialect::Xatum;
    match method {
        b"shake" => {
            let fits = has("addr") && (has("algos") || has("agent"));
            let weight = if fits { Weight::Unmistakable } else { Weight::Hint };
            let sign = Sign::miner(dialect, Step::Authorisation, weight, "shake");
            let algorithm = body.get("algos").and_then(|list| list.item(0));
            Some(sign.agent(body.get("agent")).wallet(body.get("addr")).algorithm(algorithm))
        }
        b"submit" if has_hex(body.get("hash"), 64) && body.get("data").is_some_and(Value::is_string) => {
            Some(Sign::miner(dialect, Step::Share, Weight::Unmistakable, "submit"))
        }
        b"job" if body.get("blob").is_some_and(Value::is_string) && has("diff") => {
            Some(Sign::pool(dialect, Step::Job, Weight::Strong, "job").algorithm(body.get("algo")))
        }
        b"print" | b"success" | b"ping" | b"pong" => {
            Some(Sign::pool(dialect, Step::Greeting, Weight::Hint, "a message"))
        }
        _ => None,
    }
}

fn read_duino(line: &[u8]) -> Option<Sign<'_>> {
    let field = |index| line.split(|&byte| byte == b',').nth(index);
    let pool =
        |step, weight, said| Some(Sign::pool(Dialect::DuinoCoin, step, weight, said).coin("duino-coin"));
    let miner =
        |step, weight, said| Some(Sign::miner(Dialect::DuinoCoin, step, weight, said).coin("duino-coin"));
    match (field(0)?, field(1), field(2)) {
        (b"JOB" | b"JOBXX", Some(user), difficulty) => {
            let known =
                difficulty.is_some_and(|name| DIFFICULTIES.iter().any(|known| name.starts_with(known)));
            let weight = if known { Weight::Strong } else { Weight::Hint };
            Some(miner(Step::Job, weight, "JOB request")?.user(user))
        }
        (last, Some(expected), Some(difficulty))
            if hex(last, 40) && hex(expected, 40) && is_decimal(difficulty) =>
        {
            pool(Step::Job, Weight::Strong, "job of two hashes")
        }
        (nonce, Some(hash_rate), _) if is_decimal(nonce) && is_decimal(hash_rate) => {
            miner(Step::Share, Weight::Hint, "share")
        }
        (b"GOOD" | b"BAD" | b"BLOCK", ..) => pool(Step::Share, Weight::Hint, "feedback"),
        (version, None, None) if version.len() <= 5 && version.contains(&b'.') && is_decimal(version) => {
            pool(Step::Greeting, Weight::Hint, "version")
        }
        _ => None,
    }
}

fn is_decimal(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.')
}

/// What the names of Duino-Coin's starting difficulties begin with.
const DIFFICULTIES: [&[u8]; 10] =
    [b"LOW", b"MEDIUM", b"NET", b"EXTREME", b"AVR", b"ESP", b"DUE", b"MEGA", b"ARM", b"RPI"];
