//! Changes of the plan after an inconclusive response.

use super::{CONTROL, Strategy, is_same_refusal, plan};
use crate::dpi::signatures::Dialect;
use crate::probe::question::{Encoding, Question};

impl Strategy {
    /// HTTP in answer to `question`, with `line` at its head.
    pub(super) fn after_http(&mut self, question: Question, line: &str) {
        for hinted in plan::hinted_at(&self.hints.clone()).filter(|hinted| hinted.is_long_http()) {
            self.append(hinted);
        }
        match question {
            // A server that shows a page may still listen to lines: it has closed the connection on one so far.
            Question::Page => self.keep(|ahead| {
                matches!(ahead, Question::Subscribe | Question::Login)
                    || matches!(ahead.encoding(), Encoding::Http | Encoding::WebSocket)
            }),
            // A server that answers a line of JSON with HTTP speaks nothing else, and has no page for miners.
            _ if matches!(question.encoding(), Encoding::Lines | Encoding::Opaque) => {
                self.keep(|ahead| {
                    ahead != Question::Page
                        && matches!(ahead.encoding(), Encoding::Http | Encoding::WebSocket)
                });
            }
            // A path that exists ("404" does not), and may want a WebSocket before it looks at the wallet.
            Question::Work | Question::XelisWork
                if [" 400", " 426"].iter().any(|code| line.contains(code)) =>
            {
                self.append(match question {
                    Question::Work => Question::WebSocketWork,
                    _ => Question::WebSocketXelis,
                });
                return;
            }
            _ => return,
        }
        if !self.asked_over_http {
            self.asked_over_http = true;
            for question in plan::over_http(self.port) {
                self.append(*question);
            }
        }
    }

    pub(super) fn after_unreadable(&mut self, question: Question) {
        // Stratum V2 takes any 64 bytes for a key.
        self.bring_forward(Question::StratumV2);
        self.unreadable = self.unreadable.saturating_add(1);
        if question.encoding() != Encoding::Lines || self.speaks_json {
            return;
        }
        if self.unreadable == 1 {
            // The version that Duino-Coin's server begins with is no JSON, either.
            if !self.asked.contains(&Question::DuinoCoin) {
                self.first(Question::DuinoCoin);
            }
        } else {
            // A server that speaks JSON answers it in JSON.
            self.keep(|ahead| ahead.encoding() != Encoding::Lines || ahead == Question::Xatum);
        }
    }

    pub(super) fn after_json(&mut self, question: Question) {
        let first = !self.speaks_json;
        self.speaks_json = true;
        self.keep(|ahead| ahead.encoding() == Encoding::Lines && ahead != Question::Xatum);
        if first && question != CONTROL {
            // Harmless, and settles the most frequent innocent.
            self.first(CONTROL);
        }
    }

    /// JSON-RPC that took `question` for something, or says nothing to the point.
    pub(super) fn after_acceptance(&mut self, question: Question) {
        match question {
            // The server takes every method. Servers of other dialects refuse unknown ones.
            CONTROL => self.keep(|ahead| {
                matches!(ahead, Question::Subscribe | Question::Login)
                    || ahead.dialect() == Some(Dialect::EthProxy)
            }),
            Question::HelloShort => self.first(Question::Hello),
            _ => {}
        }
    }

    /// JSON-RPC that refused `question` with `words`.
    pub(super) fn after_refusal(&mut self, question: Question, words: &str) {
        let is_unknown = self.is_general_refusal(question, words) == Some(true);
        match question {
            CONTROL => {
                if self.ahead.contains(&Question::Subscribe) {
                    // In the place that it had.
                    for ahead in self.ahead.iter_mut().filter(|ahead| **ahead == Question::Subscribe) {
                        *ahead = Question::SubscribeShort;
                    }
                }
                for question in plan::OF_REFUSERS {
                    self.append(question);
                }
            }
            // The two have a method's name in common.
            Question::Login if is_unknown => self.keep(|ahead| ahead != Question::Beam),
            Question::EthProxy if !is_unknown => self.first(Question::EthProxyWallet),
            Question::HelloShort if !is_unknown => self.first(Question::Hello),
            // CryptoNote's pools answer any other first method than `login` so.
            _ if words.contains("nvalid method") => self.bring_forward(Question::Login),
            _ => {}
        }
    }

    /// JSON-RPC that refused a question as Stratum's servers refuse what they don't know. It proves nothing, but a pool
    /// that refuses the other dialects so answers its own: the subscription comes next, also where it was given up
    /// as unanswered, and may take its time ([`Self::is_patient`]).
    pub(super) fn after_stratum_refusal(&mut self) {
        self.refuses_as_stratum = true;
        if !self.heard_subscription && !self.asked.contains(&Question::SubscribeShort) {
            self.keep(|ahead| ahead != Question::Subscribe);
            self.first(Question::SubscribeShort);
        }
    }

    /// Whether the server refuses `question` with the `words` that it has for a method which means nothing to
    /// it; `None` while those are not known. It may quote the method, or have its name for a word of its own.
    pub(super) fn is_general_refusal(&self, question: Question, words: &str) -> Option<bool> {
        let (unknown, _) = self.unknown.as_ref()?;
        let bare = words.replace(question.method(), "");
        Some(is_same_refusal(unknown, words) || is_same_refusal(unknown, &bare))
    }
}
