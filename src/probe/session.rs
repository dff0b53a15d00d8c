//! The conversation with one server: bytes in, bytes out, time as an argument.
//!
//! 1. [`ProbeSession::poll`] says what to do: connect, send, wait, or that it is over.
//! 2. Events enter through [`ProbeSession::connected`], [`ProbeSession::handle_input`] and
//!    [`ProbeSession::handle_failure`]; time passes with the next `poll`.
//!
//! Every connection has a deadline and so has the whole; bytes sent and read are counted over all
//! connections of the probe. A server can make it shorter, never longer.

use super::classifier::{Response, ResponseClassifier};
use super::question::{Encoding, HostHeader, Question};
use super::strategy::{Failure, Strategy};
use super::{Outcome, ProbeVerdict, Target};
use crate::dpi::Dpi;
use crate::dpi::signatures::Dialect;
use crate::limits::{
    PROBE_ANSWER_WAIT, PROBE_CONNECT_WAIT, PROBE_CONNECTIONS, PROBE_HANDSHAKE_WAIT, PROBE_LINGER,
    PROBE_PATIENCE, PROBE_READ_BYTES, PROBE_SEND_BYTES, PROBE_TOTAL_WAIT,
};
use crate::util::time::Instant;
use core::time::Duration;

/// Next step of the session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// A fresh connection in place of the one there may be, through TLS or not.
    Connect {
        /// Through TLS.
        tls: bool,
    },
    /// These bytes to be sent.
    Transmit(Vec<u8>),
    /// Input, or the time.
    Wait(Instant),
    /// Nothing more; this is what was found.
    Done(Outcome),
}

/// The probe of one server.
#[derive(Debug)]
pub(crate) struct ProbeSession {
    strategy: Strategy,
    state: SessionState,
    dpi: Dpi,
    host: HostHeader,
    key: [u8; 64],
    deadline: Instant,
    /// Time limit for the response to the first question.
    patience: Duration,
    /// The server has thought about a question for longer than [`PROBE_ANSWER_WAIT`].
    is_slow: bool,
    connections: usize,
    sent: usize,
    read: usize,
}

#[derive(Debug)]
enum SessionState {
    /// The next question needs a connection.
    Idle,
    Connecting {
        question: Question,
        tls: bool,
        until: Instant,
    },
    Asking(Asking),
    Done(Outcome),
}

#[derive(Debug)]
struct Asking {
    question: Question,
    step: usize,
    classifier: ResponseClassifier,
    outbox: Option<Vec<u8>>,
    since: Instant,
    until: Instant,
}

impl ProbeSession {
    /// A probe of `target`, begun at `now`. `key` is random, for Stratum V2 and WebSocket's masks.
    pub(crate) fn new(target: &Target, mut key: [u8; 64], now: Instant) -> Self {
        // Neither JSON nor HTTP, SOCKS, TLS or a version of anything.
        key[0] |= 0x80;
        ProbeSession {
            strategy: Strategy::new(target),
            state: SessionState::Idle,
            dpi: Dpi::default(),
            host: HostHeader::new(target.sni.as_deref(), &target.server),
            key,
            deadline: now.after(PROBE_TOTAL_WAIT),
            patience: PROBE_ANSWER_WAIT,
            is_slow: false,
            connections: 0,
            sent: 0,
            read: 0,
        }
    }

    /// Lets the server think about the first question, the one a miner would begin with, for [`PROBE_PATIENCE`]: some
    /// pools take 5 to 20 seconds for a stranger.
    pub(crate) fn be_patient(&mut self) {
        self.patience = PROBE_PATIENCE;
        self.deadline = self.deadline.after(PROBE_PATIENCE);
    }

    /// The next step at `now`.
    pub(crate) fn poll(&mut self, now: Instant) -> Action {
        loop {
            if now >= self.deadline {
                self.conclude();
            }
            match &mut self.state {
                SessionState::Done(outcome) => return Action::Done(outcome.clone()),
                SessionState::Idle => match self.strategy.next() {
                    // The next one may be shorter.
                    Some((question, _)) if !self.may_send(question.payload(0, &self.host, &self.key)) => {
                        self.strategy.skip();
                    }
                    Some((question, tls)) if self.connections < PROBE_CONNECTIONS => {
                        self.connections += 1;
                        let sure = self.strategy.is_sure_of_tls();
                        let wait = if sure { PROBE_HANDSHAKE_WAIT } else { PROBE_CONNECT_WAIT };
                        let until = now.after(wait).min(self.deadline);
                        self.state = SessionState::Connecting { question, tls, until };
                        return Action::Connect { tls };
                    }
                    _ => self.conclude(),
                },
                SessionState::Connecting { until, .. } if now < *until => return Action::Wait(*until),
                // The connection itself would have been refused sooner: this is a handshake without end.
                SessionState::Connecting { tls: true, .. } => self.handle_failure(Failure::NoTls, now),
                SessionState::Connecting { .. } => self.handle_failure(Failure::Unreachable, now),
                SessionState::Asking(asking) => {
                    if let Some(payload) = asking.outbox.take() {
                        return Action::Transmit(payload);
                    }
                    if now < asking.until {
                        return Action::Wait(asking.until);
                    }
                    self.settle(None, now);
                }
            }
        }
    }

    /// Whether it is the server's turn.
    pub(crate) fn is_waiting(&self) -> bool {
        match &self.state {
            SessionState::Connecting { .. } => true,
            SessionState::Asking(asking) => asking.outbox.is_none(),
            SessionState::Idle | SessionState::Done(_) => false,
        }
    }

    /// The connection stands, the TLS handshake included.
    pub(crate) fn connected(&mut self, tls: bool, now: Instant) {
        if tls {
            self.strategy.speaks_tls();
        }
        if let SessionState::Connecting { question, .. } = self.state {
            let classifier = ResponseClassifier::new(question);
            self.send_payload(
                Asking { question, step: 0, classifier, outbox: None, since: now, until: now },
                now,
            );
        }
    }

    /// The server said `bytes`.
    pub(crate) fn handle_input(&mut self, bytes: &[u8], now: Instant) {
        let SessionState::Asking(asking) = &mut self.state else { return };
        let room = PROBE_READ_BYTES.saturating_sub(self.read);
        let taken = bytes.get(..room).unwrap_or(bytes);
        self.read += taken.len();
        self.is_slow |= now > asking.since.after(PROBE_ANSWER_WAIT);
        let response = asking.classifier.receive(&mut self.dpi, taken);
        let (question, transport) = (asking.question, self.strategy.transport(asking.question));
        let outcome = match response {
            Response::Pool(dialect, evidence) => {
                let mut outcome = Outcome::new(ProbeVerdict::Pool, Some(*dialect), Some(transport), &[]);
                outcome.evidence.clone_from(evidence);
                outcome
            }
            Response::OtherService(evidence) => {
                let mut outcome = Outcome::new(ProbeVerdict::NotPool, None, Some(transport), &[]);
                outcome.evidence.clone_from(evidence);
                outcome
            }
            Response::Claim(dialect, evidence) => {
                self.strategy.claim(*dialect, evidence);
                self.state = SessionState::Idle;
                return self.take_confirmation();
            }
            // More may stand in the next segment.
            Response::Nothing => return self.check_cap(now),
            Response::Refused(..) | Response::WantsTls if question.encoding() != Encoding::WebSocket => {
                return self.settle(None, now);
            }
            // Of a page, its body may follow; here the first line says it all.
            Response::WebPage(_) if question.encoding() == Encoding::Lines => return self.settle(None, now),
            _ => {
                asking.until = asking.until.min(now.after(PROBE_LINGER));
                return self.check_cap(now);
            }
        };
        self.state = SessionState::Done(outcome);
    }

    /// The connection ended, or none came about.
    pub(crate) fn handle_failure(&mut self, failure: Failure, now: Instant) {
        match self.state {
            SessionState::Asking(_) => self.settle(Some(failure), now),
            SessionState::Connecting { .. } => self.give_up_question(failure),
            SessionState::Idle | SessionState::Done(_) => {}
        }
    }

    /// Bytes of ours that went out, over all connections.
    #[cfg(any(test, feature = "host"))]
    pub(crate) fn bytes_sent(&self) -> usize {
        self.sent
    }

    fn check_cap(&mut self, now: Instant) {
        if self.read >= PROBE_READ_BYTES {
            self.settle(Some(Failure::Closed), now);
            self.conclude();
        }
    }

    /// The connection has nothing more to say on what was said last.
    fn settle(&mut self, ended: Option<Failure>, now: Instant) {
        let SessionState::Asking(mut asking) = core::mem::replace(&mut self.state, SessionState::Idle) else {
            return;
        };
        let is_websocket = asking.question.encoding() == Encoding::WebSocket;
        match asking.classifier.response() {
            Response::Key if asking.question == Question::StratumV2Again => {
                let parts: [&[u8]; 1] = [b"64 random bytes answered with 234, twice"];
                let transport = self.strategy.transport(asking.question);
                let dialect = Some(Dialect::StratumV2);
                self.state =
                    SessionState::Done(Outcome::new(ProbeVerdict::Pool, dialect, Some(transport), &parts));
            }
            Response::Nothing if !asking.classifier.has_received() => {
                self.give_up_question(ended.unwrap_or(Failure::Silent));
            }
            response => {
                let may_follow = match response {
                    Response::Inconclusive | Response::Taken => true,
                    Response::Nothing | Response::Refused(..) | Response::Unreadable => is_websocket,
                    _ => false,
                };
                let next = asking.step + 1;
                if may_follow
                    && ended.is_none()
                    && self.may_send(asking.question.payload(next, &self.host, &self.key))
                {
                    asking.step = next;
                    self.send_payload(asking, now);
                } else {
                    let response = match response {
                        Response::Nothing => &Response::Unreadable,
                        response => response,
                    };
                    self.strategy.note_response(response);
                    self.take_confirmation();
                }
            }
        }
    }

    /// Says the words of the step at hand.
    fn send_payload(&mut self, mut asking: Asking, now: Instant) {
        let Some(words) = asking.question.payload(asking.step, &self.host, &self.key) else { return };
        self.sent += words.len();
        asking.classifier.note_sent(&mut self.dpi, &words);
        asking.outbox = Some(words);
        let is_first = self.connections == 1 && asking.step == 0;
        // A slow server that took the first words of a miner is as slow with the next, and its job is the proof.
        let goes_on = asking.step > 0 && self.is_slow && asking.question.encoding() == Encoding::Lines;
        let wait = match asking.question {
            _ if is_first => self.patience,
            question if goes_on || self.strategy.is_patient(question, self.is_slow) => PROBE_PATIENCE,
            _ => PROBE_ANSWER_WAIT,
        };
        asking.since = now;
        asking.until = now.after(wait).min(self.deadline);
        self.state = SessionState::Asking(asking);
    }

    /// Whether there are such words, and room for them.
    fn may_send(&self, words: Option<Vec<u8>>) -> bool {
        words.is_some_and(|words| self.sent + words.len() <= PROBE_SEND_BYTES)
    }

    fn give_up_question(&mut self, failure: Failure) {
        self.state = SessionState::Idle;
        if !self.strategy.note_failure(failure) {
            self.conclude();
        }
        self.take_confirmation();
    }

    fn take_confirmation(&mut self) {
        if let Some(outcome) = self.strategy.confirmed() {
            self.state = SessionState::Done(outcome);
        }
    }

    fn conclude(&mut self) {
        if !matches!(self.state, SessionState::Done(_)) {
            self.state = SessionState::Done(self.strategy.conclusion());
        }
    }
}

#[cfg(test)]
mod tests;
