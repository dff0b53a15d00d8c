//! Proof, and the words in which a finding tells it.

use super::phase_bit;
use crate::dpi::Said;
use crate::dpi::finding::{Finding, push_escaped, push_shortened};
use crate::dpi::signatures::compile::program::{Phase, Role};
use crate::dpi::signatures::matcher::{Match, Message};
use crate::dpi::signatures::{Dialect, shape, word};
use crate::net::direction::Direction;
use crate::parse::tree::Value;

/// Enough evidence, before it is put into words: few bytes, as most messages prove nothing.
pub(super) struct Proof<'s> {
    pub dialect: Dialect,
    pub found: Option<Match<'s>>,
    pub direction: Direction,
    /// The facts that were known before the message and count.
    pub earlier: u32,
    pub server_answered: bool,
    pub is_suspicion: bool,
}

impl Proof<'_> {
    /// The finding that `message` completes.
    pub(super) fn said(&self, message: &Message<'_>) -> Said<'static> {
        let mut finding = Finding { dialect: Some(self.dialect), ..Finding::default() };
        finding.server_answered = self.server_answered;
        describe(&mut finding, message, self.found);
        say(&mut finding, self.found, self.direction, self.earlier);
        if self.is_suspicion { Said::Suspicion(finding) } else { Said::Proof(finding) }
    }
}

/// Fills in who mines what with which program.
fn describe(finding: &mut Finding, message: &Message<'_>, found: Option<Match<'_>>) {
    let Finding { coin, agent, wallet, .. } = finding;
    let Some(found) = found else { return };
    let Match { rule, program, .. } = found;
    let algorithm = program.place(rule.algorithm, message).filter(|name| !name.is_empty());
    match algorithm {
        Some(name) => push_escaped(coin, name),
        None => push_escaped(coin, program.text(rule.coin)),
    }
    let head = message
        .http
        .filter(|_| rule.role == Role::Miner)
        .and_then(|head| head.member(word::AGENT))
        .map(Value::bytes);
    let mut known = None;
    if let Some(name) = program.place(rule.agent, message).or(head) {
        push_escaped(agent, name);
        known = shape::coin_of(name);
    }
    if let Some(name) = program.place(rule.wallet, message) {
        push_shortened(wallet, name);
        known = known.or(shape::coin_of(name));
    }
    if let (Some(name), true) = (known, coin.is_empty()) {
        push_escaped(coin, name.as_bytes());
    }
}

/// Says what was seen; `earlier` are the facts that were known before.
fn say(finding: &mut Finding, found: Option<Match<'_>>, direction: Direction, earlier: u32) {
    let evidence = &mut finding.evidence;
    push_escaped(evidence, found.map_or(b"success", |found| found.program.text(found.rule.said)));
    push_escaped(
        evidence,
        match direction {
            Direction::ToServer => b" from the client",
            Direction::ToClient => b" from the server",
        },
    );
    let known = [
        (Phase::Share, " after a share"),
        (Phase::Job, " after a job"),
        (Phase::Login, " after a login"),
        (Phase::Greeting, " after a greeting"),
    ];
    if let Some((_, said)) = known.iter().find(|(phase, _)| earlier & phase_bit(*phase) != 0) {
        push_escaped(evidence, said.as_bytes());
    }
}
