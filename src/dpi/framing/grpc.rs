//! Messages of gRPC in HTTP/2 frames.

use super::{Found, Framing, Layer, Step, StepContext};
use crate::dpi::signatures::compile::program::carrier;
use crate::limits::LINE_BYTES;
use crate::parse::grpc::{self, FrameKind, PREFIX};

impl Framing {
    /// The header of a frame; all but DATA frames are passed over.
    pub(super) fn grpc_frame<'b>(&mut self, context: &mut StepContext<'_>, bytes: &'b [u8]) -> Step<'b> {
        let Some(frame) = grpc::frame(bytes) else { return Step::wait() };
        if frame.kind == FrameKind::Unknown {
            self.resume(context);
            return Step::done(0);
        }
        let is_read = frame.kind == FrameKind::Data;
        context.draft.is_last_frame = !is_read;
        // Less than 2^24. A padded frame has the length of its padding first; what is padded isn't put together.
        self.set_pending(context.direction, frame.payload as u32);
        self.set_layer(context.direction, Layer::GrpcData);
        let padding = usize::from(is_read && frame.padded).min(frame.payload);
        if padding > 0 {
            if bytes.len() <= grpc::HEADER {
                self.set_layer(context.direction, Layer::Grpc);
                return Step::wait();
            }
            self.set_pending(context.direction, frame.payload as u32 - 1);
        }
        Step::done(grpc::HEADER + padding)
    }

    /// More of a payload. A message may go on in the next DATA frame; no more than its beginning is kept.
    pub(super) fn grpc_data<'b>(&mut self, context: &mut StepContext<'_>, bytes: &'b [u8]) -> Step<'b> {
        let direction = context.direction;
        let pending = self.pending(direction) as usize;
        let draft = &mut *context.draft;
        if pending == 0 {
            self.set_layer(direction, Layer::Grpc);
            return Step::done(0);
        }
        let here = bytes.get(..pending).unwrap_or(bytes);
        if draft.is_last_frame {
            self.set_pending(direction, (pending - here.len()) as u32);
            return Step::done(here.len());
        }
        let mut at = 0;
        let mut found = Found::Nothing;
        while draft.bytes.len() < PREFIX && at < here.len() {
            draft.keep(here.get(at..=at).unwrap_or_default());
            at += 1;
            if let Some(prefix) = draft.bytes.first_chunk::<PREFIX>() {
                match grpc::message_len(*prefix) {
                    Some(len) => draft.missing = len,
                    None => {
                        self.resume(context);
                        return Step::done(at);
                    }
                }
            }
        }
        if draft.bytes.len() >= PREFIX {
            let was_full = draft.bytes.len() == LINE_BYTES;
            let part = here.get(at..).unwrap_or_default();
            let part = part.get(..draft.missing as usize).unwrap_or(part);
            draft.keep(part);
            draft.missing -= part.len() as u32;
            at += part.len();
            let is_told = !was_full && (draft.missing == 0 || draft.bytes.len() == LINE_BYTES);
            if is_told && draft.bytes.first() == Some(&0) {
                found = Found::Message(carrier::GRPC);
            } else if draft.missing == 0 {
                draft.bytes.clear();
            }
        }
        self.set_pending(direction, (pending - at) as u32);
        Step::found(at, found)
    }
}
