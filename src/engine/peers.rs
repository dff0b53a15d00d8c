//! What the engines of several queues tell each other.
//!
//! The kernel keeps two hosts on one queue, so a flow, its names and the connections before it are one engine's matter.
//! Two things are not: what a name server answers a client, since the server that the client then calls may be another
//! queue's; and the hardware address of a client, by which its answers are told from those that another asked for under
//! its address. The engine that learns one tells it to all others before the packet has its verdict, so that the others
//! know it when the client uses it.
//!
//! Each engine has a bounded inbox, and looks into it before each packet; a look at an empty one takes no lock. The rules
//! show [`DNS_PER_SECOND`] answers of name servers a second; of answers over TCP and of hardware addresses, an engine
//! tells [`PEER_FACTS_PER_SECOND`], fair by client. So an inbox has room for what comes while its engine waits for packets
//! ([`TURN_WAIT`]). What finds no room counts on its own queue only, and is counted.
//!
//! [`DNS_PER_SECOND`]: crate::limits::DNS_PER_SECOND
//! [`TURN_WAIT`]: crate::limits::TURN_WAIT

use core::hash::BuildHasher;
use core::net::IpAddr;
use core::time::Duration;
use std::sync::Arc;

use super::dns_cache::AnswerReceiver;
use super::pipeline::Pipeline;
use super::{Engine, Settings};
use crate::flow::table::FlowTable;
use crate::hmm::model::Model;
use crate::limits::{PEER_CLIENTS, PEER_FACTS_PER_SECOND, PEER_INBOX};
use crate::parse::dns::Resolution;
use crate::util::channel::{Receiver, Sender, channel};
use crate::util::fair_budget::FairBudget;
use crate::util::time::Instant;
use crate::util::token_bucket::Rate;

/// One engine's ends of the ways to all others.
#[derive(Debug)]
pub struct Peers {
    others: Vec<Sender<PeerFact>>,
    inbox: Receiver<PeerFact>,
    budget: FairBudget<u32>,
    /// Facts that an inbox had no room for, or the budget.
    lost: u32,
}

/// A fact that counts on every queue.
#[derive(Clone, Debug)]
pub(super) enum PeerFact {
    /// An answer of a name server. Shared, since it is large and there may be several receivers.
    Answer(Arc<(AnswerReceiver, Resolution)>),
    /// A client sends from this hardware address.
    Neighbour(IpAddr, [u8; 6]),
}

impl Peers {
    /// The ends of so many engines, each of which tells all others.
    pub fn all(engines: usize) -> Vec<Peers> {
        let (senders, inboxes): (Vec<_>, Vec<_>) = (0..engines).map(|_| channel(PEER_INBOX)).unzip();
        let others = |own: usize| {
            let others = senders.iter().enumerate().filter(move |(other, _)| *other != own);
            others.map(|(_, sender)| sender.clone()).collect()
        };
        let peers = inboxes.into_iter().enumerate().map(|(own, inbox)| Peers {
            others: others(own),
            inbox,
            budget: FairBudget::new(PEER_CLIENTS),
            lost: 0,
        });
        peers.collect()
    }

    /// Tells the others `fact`, which the rules limit.
    pub(super) fn tell(&mut self, fact: &PeerFact) {
        for other in &self.others {
            if other.try_send(fact.clone()).is_err() {
                self.lost = self.lost.saturating_add(1);
            }
        }
    }

    /// Tells the others `fact`, as far as the budget of the client with the keyed hash `owner` goes.
    pub(super) fn tell_within_budget(&mut self, fact: &PeerFact, owner: u32, now: Instant) {
        if self.budget.take(owner, &RATE, now) {
            self.tell(fact);
        } else {
            self.lost = self.lost.saturating_add(1);
        }
    }

    /// The next fact that another engine has told.
    pub(super) fn hear(&self) -> Option<PeerFact> {
        self.inbox.try_recv()
    }

    /// Facts that were not told to some other engine.
    pub(super) fn lost(&self) -> u32 {
        self.lost
    }
}

impl<S: BuildHasher + Clone> Engine<S> {
    /// Engines for so many queues, which together take the memory of one engine for `max_flows` flows, but for what
    /// counts on every queue. They tell each other what they have to, and learn of one house.
    pub fn for_queues(
        queues: usize,
        settings: &Settings,
        model: &Model,
        max_flows: usize,
        hasher: &S,
    ) -> Vec<Self> {
        let part = || {
            let model = Box::new(model.clone());
            Engine::part(queues.next_power_of_two(), settings.clone(), model, max_flows, hasher.clone())
        };
        let mut engines: Vec<Self> = core::iter::repeat_with(part).take(queues.max(1)).collect();
        if let Some((first, others)) = engines.split_first_mut() {
            others
                .iter_mut()
                .for_each(|other| other.pipeline.stage_one.share_house(&first.pipeline.stage_one));
        }
        if queues > 1 {
            for (engine, peers) in engines.iter_mut().zip(Peers::all(queues)) {
                engine.pipeline.peers = Some(peers);
            }
        }
        engines
    }

    /// An engine whose stores are divided by `parts`, a power of two.
    pub(super) fn part(
        parts: usize,
        settings: Settings,
        model: Box<Model>,
        max_flows: usize,
        hasher: S,
    ) -> Self {
        // The table rounds up to a power of two.
        let flows = (max_flows.next_power_of_two() / parts).max(1);
        Engine {
            flows: FlowTable::new(flows, settings.flow_idle, hasher.clone()),
            pipeline: Pipeline::new(parts, settings, model, hasher),
        }
    }

    /// Takes over what engines of other queues have told meanwhile; to be called now and then without packets, too.
    pub fn hear_peers(&mut self, now: Instant) {
        self.pipeline.hear_peers(now);
    }

    /// Facts that some engine of another queue was not told: too many at once.
    pub fn facts_lost(&self) -> u32 {
        self.pipeline.peers.as_ref().map_or(0, Peers::lost)
    }
}

const RATE: Rate = Rate::new(PEER_FACTS_PER_SECOND, Duration::from_secs(1));
