//! The kernel's sets, filled through the nft worker.

use super::{NftTask, NftWorker, ReputationService, Traffic};
use crate::limits::{KERNEL_COUNT_EVERY, KERNEL_FILL_AGAIN, KERNEL_FILL_EVERY, KERNEL_RESOLVED_WAIT};
use crate::rules;
use crate::util::time::Instant;

impl ReputationService {
    /// Fills the sets that are due.
    pub(super) fn fill_kernel(&mut self, traffic: &impl Traffic, now: Instant) {
        if self.nft.as_ref().is_some_and(NftWorker::take_failure) {
            let again = now.after(KERNEL_FILL_AGAIN);
            for at in [&mut self.fill_at, &mut self.resolve_at] {
                *at = Some(at.map_or(again, |at| at.min(again)));
            }
        }
        // The engine has the new view before the kernel refuses by it, so that the first refusal is told.
        if !self.is_view_stale && self.fill_at.is_none_or(|at| now >= at) {
            let is_done = !self.settings.fills_kernel
                || self.submit(NftTask::Fill(format!(
                    "{}{}",
                    rules::EMPTY,
                    self.servers(traffic).into_text()
                )));
            if is_done {
                self.fill_at = Some(now.after(KERNEL_FILL_EVERY));
            }
        }
        if self.resolve_at.is_none_or(|at| now >= at) {
            let text = || format!("{}{}", rules::EMPTY_RESOLVED, self.answers(traffic).into_text());
            if !self.settings.fills_kernel || self.submit(NftTask::Fill(text())) {
                (self.resolve_at, self.resolved_at) = (Some(now.after(KERNEL_FILL_EVERY)), now);
            }
        }
    }

    /// Fills the kernel's sets anew soon: answers of name servers have changed what it may refuse.
    pub(crate) fn refill_soon(&mut self, now: Instant) {
        let due = now.max(self.resolved_at.after(KERNEL_RESOLVED_WAIT));
        self.resolve_at = Some(due);
        // An address that turned out to be shared may be one of a list's.
        self.fill_at = Some(self.fill_at.map_or(due, |at| at.min(due)));
    }

    /// Fills the kernel's sets anew at the next tick: what is exempt has changed.
    pub(crate) fn refill(&mut self, now: Instant) {
        (self.fill_at, self.resolve_at) = (Some(now), Some(now));
    }

    /// Connection attempts that the kernel had refused by itself when it was last asked; asks again.
    pub(crate) fn refused_by_kernel(&mut self, now: Instant) -> u32 {
        if self.settings.fills_kernel && now >= self.count_at {
            self.submit(NftTask::Count);
            self.count_at = now.after(KERNEL_COUNT_EVERY);
        }
        self.nft.as_ref().map_or(0, NftWorker::refused)
    }
}
