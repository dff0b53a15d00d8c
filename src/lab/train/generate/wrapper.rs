//! Programs that disguise what others say: messages held back, merged, or added.

use super::script::ScriptedMessage;
use crate::lab::train::rng::Rng;
use crate::net::direction::Direction;

/// A program in front of each end that disguises what the two say.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Wrapper {
    /// Directions that are held back or merged: to the server, to the client. The others pass as they are.
    pub sides: [bool; 2],
    /// Each message waits for up to so many seconds; 0 for none.
    pub delay: f64,
    /// Messages of up to so many seconds are sent as one; 0 for none.
    pub merge: f64,
    /// Mean seconds between messages without content, and the bounds of their lengths; 0 for none.
    pub cover: (f64, u32, u32),
}

impl Wrapper {
    /// The messages as they leave the wrappers.
    pub(crate) fn disguise(&self, rng: &mut Rng, messages: &[ScriptedMessage]) -> Vec<ScriptedMessage> {
        let end = messages.last().map_or(0.0, |last| last.at);
        let mut out = Vec::with_capacity(messages.len());
        for direction in [Direction::ToServer, Direction::ToClient] {
            let [delay, merge] =
                [self.delay, self.merge].map(|seconds| f64::from(self.sides[direction as usize]) * seconds);
            let mut waiting: Option<ScriptedMessage> = None;
            let mut free = 0.0f64;
            for message in messages.iter().filter(|m| m.direction == direction) {
                if let Some(held) = &mut waiting
                    && message.at <= held.at
                {
                    held.bytes += message.bytes;
                    continue;
                }
                out.extend(waiting.take());
                // The wrapper takes up a message when the one before it is on its way.
                let from = message.at.max(free);
                let mut at = from + if delay > 0.0 { rng.uniform(0.0, delay) } else { 0.0 };
                if merge > 0.0 {
                    at += rng.uniform(0.2, 1.0) * merge;
                }
                free = at;
                waiting = Some(ScriptedMessage { at, bytes: message.bytes + FRAME_HEADER, ..*message });
            }
            out.extend(waiting);
            let (mean, low, high) = self.cover;
            let mut at = if mean > 0.0 { rng.exponential(mean) } else { f64::INFINITY };
            while at < end && out.len() < MAX_COVERED {
                out.push(ScriptedMessage { at, direction, bytes: rng.range(low, high) });
                at += rng.exponential(mean);
            }
        }
        out.sort_by(|a, b| a.at.total_cmp(&b.at));
        out
    }
}

/// Header of a wrapper's frame: the lengths of content and padding.
const FRAME_HEADER: u32 = 4;
/// More than any sequence keeps.
const MAX_COVERED: usize = 4_000;
