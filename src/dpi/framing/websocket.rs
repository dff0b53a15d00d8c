//! WebSocket frames (RFC 6455 section 5).

use super::{BROKEN, Found, Framing, Layer, Step, StepContext};
use crate::dpi::signatures::compile::program::carrier;
use crate::parse::lines::Piece;
use crate::parse::websocket::{self, Opcode};

impl Framing {
    /// The header of a frame.
    pub(super) fn frame<'b>(&mut self, context: &mut StepContext<'_>, bytes: &'b [u8]) -> Step<'b> {
        let frame = match websocket::frame(bytes) {
            websocket::ParsedFrame::Frame(frame) => frame,
            websocket::ParsedFrame::Invalid => {
                self.resume(context);
                return Step::done(0);
            }
            websocket::ParsedFrame::NeedMore => return Step::wait(),
        };
        if frame.opaque {
            // Compressed, or changed by another extension: there was a message that could not be read.
            self.flags |= BROKEN[context.direction as usize];
        }
        let is_read = !frame.opaque && frame.kind != Opcode::Control;
        let draft = &mut *context.draft;
        if frame.kind == Opcode::Data && draft.lines.is_passing_over() {
            // What made no sense ends with its message.
            draft.lines.reset();
        }
        draft.mask = frame.mask;
        draft.mask_at = 0;
        draft.is_last_frame = is_read && frame.fin;
        draft.missing = u32::from(!is_read);
        self.set_pending(context.direction, frame.payload);
        self.set_layer(context.direction, Layer::FrameData);
        Step::done(frame.header)
    }

    /// More of a payload: one value a message, several, or a value in several messages.
    pub(super) fn frame_data<'b>(&mut self, context: &mut StepContext<'_>, bytes: &'b [u8]) -> Step<'b> {
        let direction = context.direction;
        let pending = self.pending(direction) as usize;
        let draft = &mut *context.draft;
        let is_skipped = draft.missing != 0;
        if pending == 0 {
            draft.missing = 0;
            self.set_layer(direction, Layer::Frame);
            let ends_line = draft.is_last_frame && draft.lines.is_in_line();
            draft.is_last_frame = false;
            return if ends_line { Step::found(0, Found::Message(carrier::CSV)) } else { Step::done(0) };
        }
        if is_skipped {
            let len = pending.min(bytes.len());
            self.set_pending(direction, (pending - len) as u32);
            return Step::done(len);
        }
        let mut clear = [0; CLEAR_BYTES];
        let mut count = 0;
        let places = usize::from(draft.mask_at)..;
        for (at, (to, byte)) in places.zip(clear.iter_mut().zip(bytes.iter().take(pending))) {
            *to = byte ^ draft.mask.get(at & 3).copied().unwrap_or(0);
            count += 1;
        }
        let (len, piece) = draft.lines.feed(context.words, clear.get(..count).unwrap_or_default(), true);
        draft.mask_at = (usize::from(draft.mask_at) + len) as u8 & 3;
        self.set_pending(direction, (pending - len) as u32);
        match piece {
            Piece::NeedMore | Piece::OpenLine => Step::done(len),
            Piece::Value => Step::found(len, Found::Message(carrier::WEBSOCKET)),
            Piece::Line => Step::found(len, Found::Message(carrier::CSV)),
            Piece::Other => {
                self.note_nonsense(direction);
                Step::done(len)
            }
        }
    }
}

/// Payload that is unmasked at once.
const CLEAR_BYTES: usize = 256;
