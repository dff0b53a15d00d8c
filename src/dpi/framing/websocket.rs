//! WebSocket frames.

use super::{Desk, Framing, Layer, MIDWAY, Reader, Step};
use crate::net::direction::Direction;
use crate::parse::lines::{self, Line};
use crate::parse::websocket::{self, Frame, Kind};

impl Framing {
    /// Joins the payloads of data frames until they end where a JSON value ends: one value a
    /// message, several, or a value in several frames.
    ///
    /// A value too long to wait for is read as far as it goes. If its rest comes in further
    /// *messages* (a tunnel that cuts a byte stream anywhere), those look foreign.
    pub(super) fn frames<R: Reader>(&mut self, desk: &mut Desk<'_, R>, bytes: &[u8]) -> Step {
        let mut scratch = core::mem::take(desk.scratch);
        scratch.clear();
        let mut joint = Joint { window: bytes.get(..desk.limit).unwrap_or(bytes), at: 0, read: 0 };
        if self.layer(desk.direction) == Layer::FrameRest {
            joint.read = usize::try_from(self.pending(desk.direction)).unwrap_or(usize::MAX);
        }
        let step = self.join(desk, &mut joint, &mut scratch);
        *desk.scratch = scratch;
        step
    }

    fn join<R: Reader>(
        &mut self,
        desk: &mut Desk<'_, R>,
        joint: &mut Joint<'_>,
        scratch: &mut super::Scratch,
    ) -> Step {
        let direction = desk.direction;
        let full = joint.window.len() >= desk.limit;
        loop {
            let rest = joint.window.get(joint.at..).unwrap_or_default();
            let frame = match websocket::frame(rest) {
                websocket::Parsed::Frame(frame) => frame,
                websocket::Parsed::Invalid => return Step::Foreign,
                websocket::Parsed::NeedMore if full && joint.at > 0 => {
                    return self.cut_short(desk, scratch.bytes(), joint.read, joint.at, 0);
                }
                websocket::Parsed::NeedMore => return self.wait_for_frames(direction, joint.read),
            };
            let whole = frame.end_in(rest);
            if joint.at == 0 && passes_unread(&frame) {
                if frame.opaque {
                    self.flags |= MIDWAY;
                }
                self.set_pending(direction, frame.payload);
                return Step::Done(frame.header);
            }
            if frame.opaque {
                return Step::Foreign;
            }
            if frame.kind != Kind::Control {
                scratch.extend(frame.unmasked(rest));
            }
            let ends_message = whole.is_some() && frame.fin && frame.kind != Kind::Control;
            let unread = scratch.bytes().get(joint.read..).unwrap_or_default();
            let unread = unread.get(packet_type(unread)..).unwrap_or_default();
            // What is no value at its beginning won't become one.
            if !ends_message && lines::next_json(unread) == Line::Foreign {
                return Step::Foreign;
            }
            match whole {
                Some(len) => joint.at += len,
                None if full => {
                    let here = rest.len().saturating_sub(frame.header);
                    let missing = frame.payload.saturating_sub(u32::try_from(here).unwrap_or(u32::MAX));
                    return self.cut_short(desk, scratch.bytes(), joint.read, joint.window.len(), missing);
                }
                None => return self.wait_for_frames(direction, joint.read),
            }
            if ends_message {
                joint.read = scratch.bytes().len().saturating_sub(unread.len());
                match self.read_values(desk, scratch.bytes(), &mut joint.read) {
                    Step::Done(_) if joint.read == scratch.bytes().len() => {
                        self.set_layer(direction, Layer::Frame);
                        self.set_pending(direction, 0);
                        return Step::Done(joint.at);
                    }
                    Step::Done(_) => {}
                    otherwise => return otherwise,
                }
            }
        }
    }

    /// Reads the values that are complete in `payload` from `read` on.
    fn read_values<R: Reader>(&self, desk: &mut Desk<'_, R>, payload: &[u8], read: &mut usize) -> Step {
        loop {
            let rest = payload.get(*read..).unwrap_or_default();
            match lines::next_json(rest) {
                Line::Blank(len) => *read += len,
                Line::Message(range, len) => {
                    *read += len;
                    match self.read(desk, rest.get(range).unwrap_or_default(), len) {
                        Step::Done(_) => {}
                        otherwise => return otherwise,
                    }
                }
                Line::NeedMore => return Step::Done(*read),
                Line::Foreign => return Step::Foreign,
            }
        }
    }

    /// Reads what there is of a value that is too long, and passes over the rest of its frame.
    fn cut_short<R: Reader>(
        &mut self,
        desk: &mut Desk<'_, R>,
        payload: &[u8],
        read: usize,
        len: usize,
        missing: u32,
    ) -> Step {
        self.set_layer(desk.direction, Layer::Frame);
        self.set_pending(desk.direction, missing);
        let beginning = payload.get(read..).unwrap_or_default();
        match beginning.get(packet_type(beginning)..).unwrap_or_default() {
            [] => Step::Done(len),
            beginning => self.read(desk, beginning, len),
        }
    }

    fn wait_for_frames(&mut self, direction: Direction, read: usize) -> Step {
        if read > 0 {
            self.set_layer(direction, Layer::FrameRest);
            self.set_pending(direction, u32::try_from(read).unwrap_or(u32::MAX));
        }
        Step::Wait
    }
}

/// Where the joining of frames stands.
struct Joint<'a> {
    /// The bytes that are looked at.
    window: &'a [u8],
    /// Where the next frame begins in them.
    at: usize,
    /// Payload bytes that have been read.
    read: usize,
}

/// Length of the digits in which Engine.IO and Socket.IO tell the type of a packet before its JSON, if
/// there is any (Socket.IO protocol, revision 5: `42["event",{}]`, and `2` for a ping).
fn packet_type(message: &[u8]) -> usize {
    let digits = message.iter().take(PACKET_TYPE_MAX).take_while(|byte| byte.is_ascii_digit()).count();
    match message.get(digits) {
        None | Some(b'{' | b'[') => digits,
        Some(_) => 0,
    }
}

/// Two types and the number of an event that wants an answer.
const PACKET_TYPE_MAX: usize = 8;

/// A frame between messages that says nothing: control, compressed, or the rest of a message that
/// was given up.
fn passes_unread(frame: &Frame) -> bool {
    frame.opaque || frame.kind != Kind::Data
}
