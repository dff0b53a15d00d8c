//! Questions to name servers that wait for their answers.
//!
//! An answer is believed if the same question was seen here: from the same client and port to the same server, with the
//! same number and name (RFC 5452 section 9). A sender that has not seen the question would have to guess all of that.
//! A host can ask under another's address, and have its own server answer the other: so the one who has asked is told by
//! the question's hardware address, and the answer counts for connections of that alone.

use core::hash::BuildHasher;

use super::dns_cache::AnswerReceiver;
use crate::limits::{DNS_ANSWER_SECONDS, DNS_QUESTIONS};
use crate::net::endpoint::Endpoint;
use crate::util::bounded_cache::BoundedCache;

/// The latest questions, of fixed size. In a full set the client with the most makes room.
#[derive(Debug)]
pub(super) struct DnsQuestions<S> {
    /// By a keyed hash of all that the answer has to repeat.
    asked: BoundedCache<u64, Asked, S>,
    hasher: S,
}

#[derive(Clone, Copy, Debug)]
struct Asked {
    /// Keyed hash of the client that has asked.
    owner: u32,
    /// Second of the engine's time.
    at: u32,
}

impl<S: BuildHasher + Clone> DnsQuestions<S> {
    /// A memory without content.
    pub(super) fn new(hasher: S) -> Self {
        DnsQuestions { asked: BoundedCache::with_sets(DNS_QUESTIONS / WAYS, WAYS, hasher.clone()), hasher }
    }

    /// `receiver` has asked `server` from `port` at second `now`.
    pub(super) fn note(
        &mut self,
        receiver: AnswerReceiver,
        port: u16,
        server: &Endpoint,
        message: &[u8],
        now: u32,
    ) {
        if let Some(key) = self.key(&Endpoint::new(receiver.client, port), server, message) {
            let asked = Asked { owner: receiver.owner, at: now };
            self.asked.insert_fairly(key, asked, |_, asked| asked.owner, |_, asked| asked.at);
        }
    }

    /// The keyed hash of the client whose question `message` of `server` answers, if it was seen.
    pub(super) fn owner(
        &self,
        client: &Endpoint,
        server: &Endpoint,
        message: &[u8],
        now: u32,
    ) -> Option<u32> {
        let asked = self.asked.get(&self.key(client, server, message)?)?;
        (now.saturating_sub(asked.at) <= DNS_ANSWER_SECONDS).then_some(asked.owner)
    }

    fn key(&self, client: &Endpoint, server: &Endpoint, message: &[u8]) -> Option<u64> {
        let question = message.get(HEADER_BYTES..)?;
        let end = question.iter().position(|&byte| byte == 0)? + 1 + TYPE_AND_CLASS_BYTES;
        let mut lower = [0; QUESTION_MAX_BYTES];
        let lower = lower.get_mut(..end)?;
        lower.copy_from_slice(question.get(..end)?);
        // Some servers repeat a name in other letters than it was asked in.
        lower.make_ascii_lowercase();
        Some(self.hasher.hash_one((client, server, message.first_chunk::<2>()?, &*lower)))
    }
}

/// Places of a set.
const WAYS: usize = 8;
// RFC 1035 sections 4.1.1 and 4.1.2; a name takes 255 bytes at most.
const HEADER_BYTES: usize = 12;
const TYPE_AND_CLASS_BYTES: usize = 4;
const QUESTION_MAX_BYTES: usize = 255 + TYPE_AND_CLASS_BYTES;

#[cfg(test)]
mod tests {
    use super::*;
    use core::net::IpAddr;
    use std::hash::RandomState;

    const QUESTION: &[u8] = b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x04pool\x04test\0\0\x01\0\x01";

    fn client(number: u8) -> AnswerReceiver {
        AnswerReceiver::new(IpAddr::from([192, 168, 1, number]), number.into())
    }

    fn at(number: u8, port: u16) -> Endpoint {
        Endpoint::new(client(number).client, port)
    }

    #[test]
    fn an_answer_repeats_everything_of_its_question() {
        let mut questions = DnsQuestions::new(RandomState::new());
        let server = Endpoint::new(IpAddr::from([9, 9, 9, 9]), 53);
        questions.note(client(1), 4_000, &server, QUESTION, 100);
        let mut answer = [QUESTION, b"and records"].concat();
        answer[2] |= 0x80;
        assert_eq!(questions.owner(&at(1, 4_000), &server, &answer, 100 + DNS_ANSWER_SECONDS), Some(1));
        answer[13] = b'P';
        assert_eq!(questions.owner(&at(1, 4_000), &server, &answer, 100), Some(1), "in other letters");
        assert_eq!(questions.owner(&at(1, 4_001), &server, &answer, 100), None, "another port");
        assert_eq!(questions.owner(&at(2, 4_000), &server, &answer, 100), None, "another client");
        let other = Endpoint::new(IpAddr::from([8, 8, 8, 8]), 53);
        assert_eq!(questions.owner(&at(1, 4_000), &other, &answer, 100), None, "another server");
        assert_eq!(questions.owner(&at(1, 4_000), &server, &answer, 101 + DNS_ANSWER_SECONDS), None, "late");
        for at_byte in [0, 1, 13, 18, 24, 26] {
            let mut forged = answer.clone();
            forged[at_byte] ^= 1;
            assert_eq!(questions.owner(&at(1, 4_000), &server, &forged, 100), None, "byte {at_byte}");
        }
        for len in 0..QUESTION.len() {
            assert_eq!(questions.owner(&at(1, 4_000), &server, &answer[..len], 100), None, "{len} bytes");
        }
    }

    #[test]
    fn one_client_s_questions_displace_no_other_s() {
        let mut questions = DnsQuestions::new(RandomState::new());
        let server = Endpoint::new(IpAddr::from([9, 9, 9, 9]), 53);
        questions.note(client(1), 4_000, &server, QUESTION, 0);
        (0..10_000).for_each(|port| questions.note(client(2), port, &server, QUESTION, 1));
        assert_eq!(questions.owner(&at(1, 4_000), &server, QUESTION, 2), Some(1));
    }
}
