//! Other routers that were heard over the broker: when, and how much of what they said was taken.
//!
//! The broker's rights say which router may write under which name; a name is worth no more than that. What is kept is
//! bounded, and ends with the daemon.

use super::control::RequestOutcome;
use crate::limits::{FLEET_NAME_BYTES, FLEET_ROUTERS, FLEET_SIGN_OF_LIFE};
use crate::util::calendar::rfc3339;
use crate::util::json_object::JsonObject;
use crate::util::time::Instant;
use crate::util::wall_clock::unix_seconds;

/// A router that was heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Router {
    /// Name below the topic.
    pub router: String,
    /// Time of its latest message, RFC 3339 in UTC.
    pub last_time: String,
    /// Messages of it.
    pub messages: u32,
    /// Entries of it that were taken.
    pub taken: u32,
    /// Entries of it that were not: known better, or refused.
    pub refused: u32,
}

impl Router {
    pub(super) fn to_json(&self) -> String {
        let mut object = JsonObject::default();
        object.text("router", &self.router);
        object.text("last_time", &self.last_time);
        object.numbers(&[
            ("messages", self.messages.into()),
            ("taken", self.taken.into()),
            ("refused", self.refused.into()),
        ]);
        object.finish()
    }
}

/// The routers, and when the others were told last that this one is there.
#[derive(Debug, Default)]
pub(super) struct Fleet {
    /// The latest last.
    routers: Vec<Router>,
    told_at: Option<Instant>,
}

impl Fleet {
    /// Notes a message of `router`, with the outcome of the entry in it.
    pub(super) fn heard(&mut self, router: &str, outcome: Option<RequestOutcome>) {
        let known = self.routers.iter().position(|known| known.router == router);
        let mut entry = match known {
            Some(at) => self.routers.remove(at),
            None => {
                Router { router: router.into(), last_time: String::new(), messages: 0, taken: 0, refused: 0 }
            }
        };
        entry.last_time = rfc3339(unix_seconds());
        entry.messages = entry.messages.saturating_add(1);
        match outcome {
            Some(RequestOutcome::Done) => entry.taken = entry.taken.saturating_add(1),
            Some(_) => entry.refused = entry.refused.saturating_add(1),
            None => {}
        }
        // The one that has been silent for longest makes room.
        if self.routers.len() >= FLEET_ROUTERS {
            self.routers.remove(0);
        }
        self.routers.push(entry);
    }

    /// The routers, the latest last.
    pub(super) fn routers(&self) -> &[Router] {
        &self.routers
    }

    /// The line that tells others that this router is there, if it is time to.
    pub(super) fn poll_sign_of_life(&mut self, now: Instant) -> Option<String> {
        if self.told_at.is_some_and(|told| now < told.after(FLEET_SIGN_OF_LIFE)) {
            return None;
        }
        self.told_at = Some(now);
        Some(format!("{{\"event\":\"router\",\"time\":\"{}\"}}", rfc3339(unix_seconds())))
    }
}

/// Whether `name` may stand for a router: letters, digits, and of `.`, `_`, `-`.
pub fn is_router_name(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    (1..=FLEET_NAME_BYTES).contains(&name.len()) && name.bytes().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_router_that_was_silent_for_longest_makes_room() {
        let mut fleet = Fleet::default();
        for number in 0..FLEET_ROUTERS {
            fleet.heard(&format!("router{number}"), None);
        }
        fleet.heard("router0", Some(RequestOutcome::Done));
        fleet.heard("router0", Some(RequestOutcome::Refused));
        fleet.heard("another", Some(RequestOutcome::Nothing));
        let routers = fleet.routers();
        assert_eq!(routers.len(), FLEET_ROUTERS);
        assert!(routers.iter().all(|known| known.router != "router1"));
        let zero = routers.iter().find(|known| known.router == "router0").expect("it was heard");
        assert_eq!((zero.messages, zero.taken, zero.refused), (3, 1, 1));
        assert_eq!(routers.last().map(|last| (&last.router[..], last.refused)), Some(("another", 1)));
    }

    #[test]
    fn others_are_told_now_and_then() {
        let mut fleet = Fleet::default();
        let at = |seconds: u64| Instant::from_micros(seconds * 1_000_000);
        assert!(fleet.poll_sign_of_life(at(1)).is_some_and(|line| line.contains("\"event\":\"router\"")));
        assert_eq!(fleet.poll_sign_of_life(at(2)), None);
        assert!(fleet.poll_sign_of_life(at(1 + FLEET_SIGN_OF_LIFE.as_secs())).is_some());
    }

    #[test]
    fn names_are_plain_words() {
        assert!(["router1", "a.b-c_d"].into_iter().all(is_router_name));
        assert!(!["", "a b", "a/b", "+", "\"", &"x".repeat(33)].into_iter().any(is_router_name));
    }
}
