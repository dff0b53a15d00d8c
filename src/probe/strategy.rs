//! Which question comes next, and what all the answers amount to.

mod follow_up;
pub(super) mod plan;

use super::classifier::{ErrorForm, EvidenceLine, Response};
use super::hint::Hints;
use super::question::{Encoding, Question};
use super::{Outcome, ProbeVerdict, Target, TlsChoice, Transport};
use crate::dpi::signatures::Dialect;
use crate::limits::PROBE_EVIDENCE_BYTES;

/// The way a connection ended without an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The server took the words and said nothing in time.
    Silent,
    /// The server closed or reset the connection.
    Closed,
    /// No connection came about.
    Unreachable,
    /// The server sent no TLS, or refused ours.
    NoTls,
}

/// A refusal that speaks for a pool, unless the server says the same to [`CONTROL`].
#[derive(Clone, Debug)]
struct Claim {
    question: Question,
    outcome: Outcome,
    holds: bool,
}

/// A question that means nothing to a pool.
const CONTROL: Question = Question::Electrum;

/// The plan of one probe.
#[derive(Clone, Debug)]
pub(crate) struct Strategy {
    ahead: heapless::Vec<Question, PLAN>,
    /// Questions asked in the present layer.
    asked: heapless::Vec<Question, PLAN>,
    hints: Hints,
    port: u16,
    /// Through TLS from now on.
    tls: bool,
    /// Which layers may still be tried instead of the one at hand.
    other_layer: bool,
    /// The server has spoken TLS, or has answered without it.
    layer_is_known: bool,
    /// The server answered a line with HTTP, or showed a page.
    web: Option<EvidenceLine>,
    speaks_json: bool,
    /// The server's refusal of an unknown method, without the method's name, and its form.
    unknown: Option<(String, ErrorForm)>,
    /// The server has refused something in Stratum's form: it may be a pool that was asked for another's dialect.
    refuses_as_stratum: bool,
    /// The server has answered a subscription: a result, an error or anything else.
    heard_subscription: bool,
    /// The server took a subscription and the login behind it, and said nothing more.
    takes_subscription: bool,
    /// The server took a WebSocket, and sent no known message there.
    speaks_websocket: bool,
    refused: Option<EvidenceLine>,
    /// A refusal as pools give it, and whether the control has borne it out.
    claim: Option<Claim>,
    latest_failure: Option<Failure>,
    /// Answers in no protocol known here.
    unreadable: u8,
    asked_over_http: bool,
}

impl Strategy {
    /// The plan for `target`.
    pub(crate) fn new(target: &Target) -> Self {
        let likely_tls = target.server.port() == HTTPS_PORT || target.sni.is_some();
        let mut strategy = Strategy {
            ahead: heapless::Vec::new(),
            asked: heapless::Vec::new(),
            hints: target.hints.clone(),
            port: target.server.port(),
            tls: target.layer == TlsChoice::Tls || (target.layer == TlsChoice::Auto && likely_tls),
            other_layer: target.layer == TlsChoice::Auto,
            layer_is_known: false,
            web: None,
            speaks_json: false,
            unknown: None,
            refuses_as_stratum: false,
            heard_subscription: false,
            takes_subscription: false,
            speaks_websocket: false,
            refused: None,
            claim: None,
            latest_failure: None,
            unreadable: 0,
            asked_over_http: false,
        };
        strategy.plan();
        strategy
    }

    /// The question at hand, and whether it goes through TLS.
    pub(crate) fn next(&self) -> Option<(Question, bool)> {
        self.ahead.first().map(|question| (*question, self.tls))
    }

    /// The transport of `question` as things stand.
    pub(crate) fn transport(&self, question: Question) -> Transport {
        match (question.encoding(), self.tls) {
            (Encoding::Lines | Encoding::Opaque, false) => Transport::Tcp,
            (Encoding::Lines | Encoding::Opaque, true) => Transport::Tls,
            (Encoding::Http, false) => Transport::Http,
            (Encoding::Http, true) => Transport::Https,
            (Encoding::WebSocket, false) => Transport::Ws,
            (Encoding::WebSocket, true) => Transport::Wss,
        }
    }

    /// Whether it is known that the server speaks TLS, by the suspected session or by itself.
    pub(crate) fn is_sure_of_tls(&self) -> bool {
        self.tls && (self.layer_is_known || !self.other_layer)
    }

    /// A TLS handshake was completed.
    pub(crate) fn speaks_tls(&mut self) {
        self.layer_is_known = true;
    }

    /// The question at hand was refused as pools do, but others might.
    pub(crate) fn claim(&mut self, dialect: Dialect, words: &EvidenceLine) {
        let Some(question) = self.take() else { return };
        let transport = Some(self.transport(question));
        let mut outcome = Outcome::new(ProbeVerdict::Pool, Some(dialect), transport, &[]);
        outcome.evidence.clone_from(words);
        self.layer_is_known = true;
        self.heard_subscription |= question.is_subscription();
        match self.is_general_refusal(question, words) {
            // The server refuses every method in these words.
            Some(true) => {
                self.refused.get_or_insert(outcome.evidence);
            }
            Some(false) => self.claim = Some(Claim { question, outcome, holds: true }),
            None => {
                self.claim = Some(Claim { question, outcome, holds: false });
                self.first(CONTROL);
            }
        }
    }

    /// The pool, if a claim has been borne out.
    pub(crate) fn confirmed(&self) -> Option<Outcome> {
        self.claim.as_ref().filter(|claim| claim.holds).map(|claim| claim.outcome.clone())
    }

    /// Takes the question at hand off the plan unasked: it says more than may be said yet.
    pub(crate) fn skip(&mut self) {
        self.take();
    }

    /// Takes the question at hand off the plan; the server left it open in the way `finding` says.
    pub(crate) fn note_response(&mut self, response: &Response) {
        let Some(question) = self.take() else { return };
        if question == CONTROL {
            self.weigh_claim(response);
        }
        self.heard_subscription |= question.is_subscription();
        if !matches!(response, Response::WantsTls | Response::Nothing) {
            self.layer_is_known = true;
        }
        match response {
            Response::WebPage(line) => {
                self.web.get_or_insert_with(|| line.clone());
                self.after_http(question, line);
            }
            Response::WantsTls if !self.tls && self.other_layer => self.change_layer(),
            Response::Inconclusive | Response::Refused(..) | Response::Unreadable
                if question.encoding() == Encoding::WebSocket =>
            {
                self.speaks_websocket = true;
            }
            Response::Inconclusive | Response::Refused(..) if question.encoding() == Encoding::Http => {
                if question != Question::NodeHttp {
                    self.first(Question::NodeHttp);
                }
            }
            Response::Inconclusive | Response::Taken => {
                self.takes_subscription |= *response == Response::Taken;
                self.after_json(question);
                self.after_acceptance(question);
            }
            Response::Refused(words, form) => {
                self.refused.get_or_insert_with(|| words.clone());
                self.after_json(question);
                self.after_refusal(question, words);
                if *form == ErrorForm::Stratum {
                    self.after_stratum_refusal();
                }
            }
            Response::Key => self.first(Question::StratumV2Again),
            Response::Unreadable => self.after_unreadable(question),
            Response::WantsTls
            | Response::Nothing
            | Response::Pool(..)
            | Response::Claim(..)
            | Response::OtherService(_) => {}
        }
        self.weigh_subscription(question);
    }

    /// Whether `response`, to the control, bears the claim out.
    fn weigh_claim(&mut self, response: &Response) {
        if let Response::Refused(words, form) = response {
            self.unknown = Some((words.replace(CONTROL.method(), ""), *form));
        }
        let Some(claim) = &self.claim else { return };
        let is_refused = matches!(response, Response::Refused(..));
        if is_refused && self.is_general_refusal(claim.question, &claim.outcome.evidence) == Some(true) {
            self.claim = None;
        } else if let Some(claim) = &mut self.claim {
            claim.holds = true;
        }
    }

    /// A server that takes subscription and login, and refuses in Stratum's form what means nothing to a pool, knows
    /// one from the other: each alone could be a server that treats all methods alike.
    fn weigh_subscription(&mut self, question: Question) {
        let Some((words, ErrorForm::Stratum)) = &self.unknown else { return };
        if self.takes_subscription && self.claim.is_none() {
            let parts = [b"mining.subscribe taken, not all else: ", bare_words(words).as_bytes()];
            let transport = Some(self.transport(question));
            let outcome = Outcome::new(ProbeVerdict::Pool, Some(Dialect::StratumV1), transport, &parts);
            self.claim = Some(Claim { question, outcome, holds: true });
        }
    }

    /// Whether the server may think about `question` for as long as about the first one, since the answer decides.
    /// `is_slow`: it has thought for longer than usual before.
    pub(crate) fn is_patient(&self, question: Question, is_slow: bool) -> bool {
        match question {
            // Silence of a server that takes its time would bear any claim out.
            CONTROL => is_slow && (self.claim.is_some() || self.takes_subscription),
            _ => question.is_subscription() && self.refuses_as_stratum,
        }
    }

    /// The question at hand went without an answer. Whether it makes sense to go on.
    pub(crate) fn note_failure(&mut self, failure: Failure) -> bool {
        let is_first = self.latest_failure.is_none() && !self.layer_is_known;
        self.latest_failure = Some(failure);
        if let (Some((CONTROL, _)), Some(claim), Failure::Silent | Failure::Closed) =
            (self.next(), &mut self.claim, failure)
        {
            claim.holds = true;
        }
        match failure {
            // No server there; or, later on, one that takes no more connections of ours.
            Failure::Unreachable => return false,
            Failure::NoTls if self.other_layer => self.change_layer(),
            Failure::NoTls => return false,
            Failure::Silent | Failure::Closed if is_first && self.other_layer && !self.tls => {
                self.change_layer();
            }
            Failure::Silent | Failure::Closed => {
                self.take();
            }
        }
        true
    }

    /// The result of all responses when there is nothing left to ask.
    pub(crate) fn conclusion(&self) -> Outcome {
        let transport = if self.tls { Transport::Tls } else { Transport::Tcp };
        if let Some(claim) = &self.claim {
            // Its control was never answered, nor left unanswered.
            return Outcome { verdict: ProbeVerdict::Inconclusive, dialect: None, ..claim.outcome.clone() };
        }
        if let (Some(line), false) = (&self.web, self.speaks_json || self.speaks_websocket) {
            let transport = if self.tls { Transport::Https } else { Transport::Http };
            let mut outcome = Outcome::new(ProbeVerdict::NotPool, None, Some(transport), &[]);
            outcome.evidence = line.clone();
            return outcome;
        }
        if let Some(words) = &self.refused {
            let mut outcome = Outcome::inconclusive(Some(transport), "");
            outcome.evidence = words.clone();
            return outcome;
        }
        let why = match self.latest_failure {
            _ if self.speaks_websocket => "a WebSocket without a word of mining",
            _ if self.speaks_json => "JSON-RPC without a word of mining",
            _ if self.unreadable > 0 => "answers in no protocol known here",
            Some(Failure::Unreachable) => return Outcome::inconclusive(None, "no connection"),
            Some(Failure::NoTls) => "no TLS handshake",
            Some(Failure::Closed) => "closes the connection without an answer",
            Some(Failure::Silent) | None => "no answer",
        };
        Outcome::inconclusive(Some(transport), why)
    }

    /// Starts over in the other layer.
    fn change_layer(&mut self) {
        self.tls = !self.tls;
        self.other_layer = !self.tls && !self.layer_is_known && self.other_layer;
        if self.latest_failure == Some(Failure::NoTls) {
            self.other_layer = false;
        } else if self.tls {
            // Back again if there is no TLS.
            self.other_layer = true;
        }
        self.plan();
    }

    /// Only the first long HTTP request among the hints is planned at once: a wrong hint must leave room for the
    /// rest, and the miner influences hints. The others follow where HTTP is spoken.
    fn plan(&mut self) {
        self.ahead.clear();
        self.asked.clear();
        let planned = plan::usual_at(self.port).into_iter().chain(plan::hinted_at(&self.hints));
        let planned: heapless::Vec<Question, PLAN> = planned.chain(plan::CORE).take(PLAN).collect();
        for question in planned {
            if !(question.is_long_http() && self.ahead.iter().any(|ahead| ahead.is_long_http())) {
                self.append(question);
            }
        }
        if self.tls {
            // It is encrypted by itself.
            self.keep(|ahead| ahead != Question::StratumV2);
        }
    }

    fn take(&mut self) -> Option<Question> {
        let question = (!self.ahead.is_empty()).then(|| self.ahead.remove(0))?;
        // There is room for more than the connections of one probe.
        let _ = self.asked.push(question);
        Some(question)
    }

    fn keep(&mut self, test: impl Fn(Question) -> bool) {
        self.ahead.retain(|question| test(*question));
    }

    /// Adds a question behind all others, unless it was asked; with no room left there are more than time for.
    #[inline(never)]
    fn append(&mut self, question: Question) {
        if !self.ahead.contains(&question) && !self.asked.contains(&question) {
            let _ = self.ahead.push(question);
        }
    }

    fn first(&mut self, question: Question) {
        self.keep(|ahead| ahead != question);
        if self.ahead.is_full() {
            self.ahead.pop();
        }
        let _ = self.ahead.insert(0, question);
    }

    /// Asks `question` next, if it is to be asked at all.
    fn bring_forward(&mut self, question: Question) {
        if self.ahead.contains(&question) {
            self.first(question);
        }
    }
}

/// Whether two refusals are the same but for their prefix. Their ends may have been cut off.
fn is_same_refusal(one: &str, other: &str) -> bool {
    let [one, other] = [one, other].map(bare_words);
    let len = one.len().min(other.len());
    one == other || (len >= COMPARED_BYTES && one.get(..len) == other.get(..len))
}

/// The words of a refusal without their prefix, and without the space that a method's name leaves behind.
fn bare_words(words: &str) -> &str {
    words.split_once(": ").map_or(words, |(_, words)| words).trim()
}

/// Refusals that begin with as many bytes alike, and don't end before, are the same: evidence has room for more.
const COMPARED_BYTES: usize = PROBE_EVIDENCE_BYTES * 2 / 3;
/// More than are ever planned at once.
const PLAN: usize = 32;
const HTTPS_PORT: u16 = 443;
