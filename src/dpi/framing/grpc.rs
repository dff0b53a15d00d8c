//! Messages of gRPC in HTTP/2 frames.

use super::{Desk, Framing, Reader, Step};
use crate::dpi::Answer;
use crate::parse::grpc::{self, Kind, Piece};

impl Framing {
    /// Reads the messages that a DATA frame begins with, and passes over the rest of it and all other frames.
    pub(super) fn grpc_frame<R: Reader>(&mut self, desk: &mut Desk<'_, R>, bytes: &[u8]) -> Step {
        let Some(frame) = grpc::frame(bytes) else { return Step::Wait };
        let window = match frame.kind {
            Kind::Data => frame.payload.min(grpc::WINDOW),
            Kind::Other => 0,
            Kind::Unknown => return Step::Foreign,
        };
        let rest = bytes.get(grpc::HEADER..).unwrap_or_default();
        let payload = match rest.get(..window) {
            Some(payload) => payload,
            None if bytes.len() < desk.limit => return Step::Wait,
            None => rest,
        };
        let context = self.context(desk.direction, None);
        for piece in grpc::messages(frame, payload) {
            let answer = match piece {
                Piece::Message(message) => desk.reader.message(&context, message),
                Piece::Compressed => Answer::NeedMore,
                Piece::Foreign => Answer::NoMatch,
            };
            match answer {
                Answer::NeedMore => {}
                Answer::NoMatch => return Step::Foreign,
                Answer::Match => return Step::Proof,
            }
        }
        // Less than 2^24.
        self.set_pending(desk.direction, frame.payload.saturating_sub(payload.len()) as u32);
        Step::Done(grpc::HEADER + payload.len())
    }
}
