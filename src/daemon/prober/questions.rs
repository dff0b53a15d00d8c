//! Questions that wait for their turn: a bounded queue, divided by client.

use core::cmp::Reverse;

use crate::limits::PROBE_QUESTIONS;
use crate::net::client_id::ClientId;
use crate::probe::worker::Suspect;
use crate::util::time::Instant;

/// A server that is to be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PendingQuestion {
    /// Server, and what is known beforehand.
    pub suspect: Suspect,
    /// Client whose share the question takes; none for another router's word.
    pub client: Option<ClientId>,
    /// Earliest time of the question.
    pub due: Instant,
}

impl PendingQuestion {
    /// The question about `suspect` once more, at `due`.
    pub(crate) fn again(suspect: &Suspect, due: Instant) -> Self {
        let client = suspect.client.map(|client| ClientId::of(client.addr(), suspect.client_mac));
        PendingQuestion { suspect: suspect.clone(), client, due }
    }
}

/// The queue.
#[derive(Debug, Default)]
pub(super) struct Questions {
    waiting: Vec<PendingQuestion>,
    /// Clients in the order in which they were served, the latest last.
    served: Vec<Option<ClientId>>,
}

impl Questions {
    /// Enters `question`, in place of one about the same server and name. With no room left the client that has the
    /// most loses its least: a confirmation before a suspicion, the least suspicious, the one due last. Answers with
    /// what had to go.
    pub(super) fn enter(&mut self, question: PendingQuestion) -> Option<PendingQuestion> {
        if let Some(known) =
            self.waiting.iter_mut().find(|known| known.suspect.is_same_question(&question.suspect))
        {
            let due = known.due.min(question.due);
            if question.suspect.purpose <= known.suspect.purpose {
                *known = question;
            }
            known.due = due;
            return None;
        }
        self.waiting.push(question);
        if self.waiting.len() <= PROBE_QUESTIONS {
            return None;
        }
        let count = |client| self.waiting.iter().filter(|other| other.client == client).count();
        let rank = |question: &PendingQuestion| {
            let PendingQuestion { suspect, client, due } = question;
            (count(*client), suspect.purpose, Reverse(suspect.sum()), *due)
        };
        let victim = self.waiting.iter().enumerate().max_by_key(|(_, question)| rank(question));
        victim.map(|(at, _)| at).map(|at| self.waiting.swap_remove(at))
    }

    /// Everything that waits.
    #[cfg(test)]
    pub(super) fn waiting(&self) -> impl Iterator<Item = &PendingQuestion> {
        self.waiting.iter()
    }

    /// Takes out questions that are not to be kept.
    pub(super) fn retain(&mut self, keep: impl Fn(&PendingQuestion) -> bool) {
        self.waiting.retain(keep);
    }

    /// Offers the questions that are due at `now` to `take`, which answers whether it took one: those of the client
    /// that was served longest ago first, suspicions before others, the most suspicious first, then in the order of
    /// their times.
    pub(super) fn serve(&mut self, now: Instant, mut take: impl FnMut(&PendingQuestion) -> bool) {
        let last_served =
            |client| self.served.iter().position(|served| *served == client).map_or(0, |at| at + 1);
        let mut due: Vec<(_, usize)> = (self.waiting.iter().enumerate())
            .filter(|(_, question)| question.due <= now)
            .map(|(at, question)| {
                let PendingQuestion { suspect, client, due } = question;
                ((last_served(*client), suspect.purpose, Reverse(suspect.sum()), *due), at)
            })
            .collect();
        due.sort_unstable();
        let mut taken = Vec::new();
        for (_, at) in due {
            let Some(question) = self.waiting.get(at) else { continue };
            if take(question) {
                taken.push(at);
                let client = question.client;
                self.served.retain(|served| *served != client);
                self.served.push(client);
            }
        }
        if self.served.len() > PROBE_QUESTIONS {
            self.served.drain(..self.served.len() - PROBE_QUESTIONS);
        }
        taken.sort_unstable();
        for at in taken.into_iter().rev() {
            self.waiting.swap_remove(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hmm::suspicion::Suspicion;
    use crate::net::endpoint::Endpoint;
    use crate::probe::guard::Purpose;

    fn question(client: u8, server: u8, due: u64) -> PendingQuestion {
        let suspect = Suspect {
            server: Endpoint::new([192, 0, 2, server].into(), 3333),
            via: None,
            client: Some(Endpoint::new([192, 168, 1, client].into(), 40_000)),
            client_mac: None,
            tls: None,
            purpose: Purpose::Suspicion,
            suspicion: None,
            name: None,
            hints: Default::default(),
        };
        PendingQuestion::again(&suspect, at(due))
    }

    fn at(seconds: u64) -> Instant {
        Instant::from_micros(seconds * 1_000_000)
    }

    fn served(questions: &mut Questions, now: u64, most: usize) -> Vec<PendingQuestion> {
        let mut taken = Vec::new();
        questions.serve(at(now), |question| {
            let takes = taken.len() < most;
            if takes {
                taken.push(question.clone());
            }
            takes
        });
        taken
    }

    #[test]
    fn each_server_has_its_turn_once_and_at_its_time() {
        let mut questions = Questions::default();
        for (server, due) in [(1, 5), (2, 60), (1, 10)] {
            assert_eq!(questions.enter(question(1, server, due)), None);
        }
        assert_eq!(served(&mut questions, 4, 9), []);
        assert_eq!(served(&mut questions, 5, 9), [question(1, 1, 5)]);
        assert_eq!(served(&mut questions, 3_600, 9), [question(1, 2, 60)]);
        assert_eq!(served(&mut questions, 3_600, 9), []);
    }

    /// A client has a hundred questions; another's single one is the next that is asked.
    #[test]
    fn the_client_that_was_served_longest_ago_comes_first() {
        let mut questions = Questions::default();
        for server in 0..100 {
            questions.enter(question(1, server, 0));
        }
        assert_eq!(served(&mut questions, 1, 1).len(), 1);
        let other = question(2, 200, 1);
        questions.enter(other.clone());
        assert!(questions.waiting.contains(&other), "its room is taken from the one with the most");
        assert_eq!(served(&mut questions, 2, 1), [other]);
    }

    #[test]
    fn of_one_client_s_suspects_the_most_suspicious_is_asked_first() {
        let mut questions = Questions::default();
        let of_sum = |server, sum| {
            let mut question = question(1, server, u64::from(server));
            question.suspect.suspicion =
                Some(Suspicion { sum, threshold: 900, probability: 80, is_strong: false });
            question
        };
        for (server, sum) in [(1, 1_000), (2, 3_000), (3, 2_000)] {
            questions.enter(of_sum(server, sum));
        }
        let all: Vec<PendingQuestion> = (0..3).flat_map(|_| served(&mut questions, 9, 1)).collect();
        assert_eq!(all, [of_sum(2, 3_000), of_sum(3, 2_000), of_sum(1, 1_000)]);
    }

    #[test]
    fn full_the_greediest_client_loses_its_least() {
        let mut questions = Questions::default();
        for number in 0..PROBE_QUESTIONS as u8 - 1 {
            questions.enter(question(1, number, 20 + u64::from(number)));
        }
        questions.enter(question(2, 200, 900));
        let mut confirmation = question(1, 201, 0);
        confirmation.suspect.purpose = Purpose::Confirmation;
        assert_eq!(questions.enter(confirmation.clone()), Some(confirmation));
        let last = question(1, PROBE_QUESTIONS as u8 - 2, 20 + PROBE_QUESTIONS as u64 - 2);
        assert_eq!(questions.enter(question(2, 202, 901)), Some(last));
        assert_eq!(questions.waiting.len(), PROBE_QUESTIONS);
    }
}
