//! Rules of other programs that are loaded after ours, and may offload flows.
//!
//! The kernel tells each change of its rules to a multicast group of netlink (`NFNLGRP_NFTABLES`). Another program's
//! offload rule that came later than ours (zapret that was restarted, say) takes connections away before they are
//! decided, so the rules are looked at once such changes have come to rest.

use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::net::{RecvFlags, recv};

use super::nft_set::{NFNL_SUBSYS_NFTABLES, messages, netfilter_socket};
use crate::limits::{OFFLOAD_LOOKS_EVERY, OFFLOAD_REST};
use crate::verdict::mark::MarkPosition;

/// Listens to changes of rules.
#[derive(Debug)]
pub(super) struct OffloadWatch {
    /// Our bits of the mark, by which rules may have to wait.
    pub mark: MarkPosition,
    socket: Option<OwnedFd>,
    changed_at: Option<Instant>,
    looked_at: Option<Instant>,
}

impl OffloadWatch {
    /// Begins to listen. Without the right to, there is never anything to look at.
    pub(super) fn start(mark: MarkPosition) -> Self {
        let heard = netfilter_socket(1 << (NFNLGRP_NFTABLES - 1));
        let socket = heard.inspect_err(|error| log::debug!("changes of rules are not heard: {error}"));
        OffloadWatch { mark, socket: socket.ok(), changed_at: None, looked_at: None }
    }

    /// Whether rules have changed that are to be looked at now. To be called about once a second.
    pub(super) fn is_due(&mut self, now: Instant) -> bool {
        if self.hears_rules() {
            self.changed_at = Some(now);
        }
        let has_passed =
            |since: Option<Instant>, time: Duration| since.is_none_or(|at| now.duration_since(at) >= time);
        let is_due = self.changed_at.is_some()
            && has_passed(self.changed_at, OFFLOAD_REST)
            && has_passed(self.looked_at, OFFLOAD_LOOKS_EVERY);
        if is_due {
            (self.changed_at, self.looked_at) = (None, Some(now));
        }
        is_due
    }

    /// Reads all that the kernel has told; whether rules were added. What was lost may have been such.
    fn hears_rules(&self) -> bool {
        let Some(socket) = &self.socket else { return false };
        let mut buffer = [0; 4_096];
        let mut has_rules = false;
        loop {
            match recv(socket, &mut buffer[..], RecvFlags::DONTWAIT | RecvFlags::TRUNC) {
                Ok((length, whole)) => {
                    has_rules |= whole > length || tells_rules(buffer.get(..length).unwrap_or_default())
                }
                Err(rustix::io::Errno::NOBUFS) => has_rules = true,
                Err(_) => return has_rules,
            }
        }
    }
}

fn tells_rules(told: &[u8]) -> bool {
    messages(told).any(|(kind, _)| kind == NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWRULE)
}

// linux/netfilter/nfnetlink.h
const NFNLGRP_NFTABLES: u32 = 7;
// linux/netfilter/nf_tables.h
const NFT_MSG_NEWRULE: u16 = 6;

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: u16) -> Vec<u8> {
        [&20_u32.to_ne_bytes()[..], &kind.to_ne_bytes(), &[0; 14]].concat()
    }

    #[test]
    fn a_rule_is_found_among_messages() {
        let (element, rule) = (message(10 << 8 | 12), message(10 << 8 | NFT_MSG_NEWRULE));
        assert!(!tells_rules(&element));
        assert!(tells_rules(&[&element[..], &rule].concat()));
        for length in 0..rule.len() {
            assert!(!tells_rules(&rule[..length]));
        }
    }

    #[test]
    fn changes_are_looked_at_once_they_rest_and_not_too_often() {
        let start = Instant::now();
        let mut watch = OffloadWatch {
            mark: MarkPosition::default(),
            socket: None,
            changed_at: Some(start),
            looked_at: None,
        };
        assert!(!watch.is_due(start));
        assert!(watch.is_due(start + OFFLOAD_REST));
        assert!(!watch.is_due(start + 2 * OFFLOAD_REST), "nothing new");
        watch.changed_at = Some(start + OFFLOAD_REST);
        assert!(!watch.is_due(start + 2 * OFFLOAD_REST), "too soon");
        assert!(watch.is_due(start + OFFLOAD_REST + OFFLOAD_LOOKS_EVERY));
    }
}
