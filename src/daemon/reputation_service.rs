//! Keeps the book: what sessions and probes prove is entered, what people and other routers say is admitted
//! or refused, and engine, kernel and disk are told.
//!
//! A session's own words are proof against that session; against its *server* only where nobody else can be
//! meant: not through a proxy or a web server ([`Detection::server_is_pool`]), and not at a well-known port,
//! where one infected host could have a service of the whole house blocked by speaking Stratum to it. Such
//! servers are asked first; others are entered at once and asked all the same, and one whose answer is that
//! of something else is struck out again. One that can't be asked, or doesn't say, is held for a pool for
//! [`UNCONFIRMED`] only. An exempt server is never entered, nor one that was asked and is no pool.

mod effects;
#[cfg(test)]
mod tests;

use core::hash::BuildHasher;
use std::path::PathBuf;
use std::time::Duration;

use super::control::{Answer, Offer};
use super::nft_worker::{Clerk, Order};
use crate::config::{Config, Mode, Probing};
use crate::engine::event::{Detection, Source};
use crate::engine::{Engine, Lesson};
use crate::intel::entry::{Pattern, Policy, Ports, What};
use crate::intel::reputation::{Book, Entered, Entry, Origin};
use crate::intel::{Intel, builtin};
use crate::limits::{
    BOOK_FLEET_WRITE_WAIT, BOOK_RENEWAL_WRITE_WAIT, BOOK_WRITE_WAIT, FLEET_ENTRIES_PER_MINUTE,
    KERNEL_COUNT_EVERY, KERNEL_FILL_AGAIN, KERNEL_FILL_EVERY, LESSONS_PER_HOUR, LINES_PENDING, SERVICE_PORTS,
    UNCONFIRMED,
};
use crate::net::endpoint::Endpoint;
use crate::probe::guard::is_global;
use crate::probe::{Outcome, Verdict};
use crate::rules;
use crate::util::calendar::rfc3339;
use crate::util::time::Instant;
use crate::util::wall_clock::unix_seconds;

/// The book, and what is done about it.
pub struct Keeper {
    book: Book,
    /// Addresses that many sites share.
    shared_hosts: &'static Intel,
    wishes: Wishes,
    clerk: Option<Clerk>,
    lessons: Ration,
    fleet: Ration,
    /// When the book is to be written, if it has changed since.
    write_at: Option<Instant>,
    fill_at: Option<Instant>,
    count_at: Instant,
    shared: heapless::Deque<String, LINES_PENDING>,
}

/// What a session's words have led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lore {
    /// Its server has been known, or is never to be.
    Settled,
    /// Its server is to be asked: one host's words are not enough, or may be a lie.
    AskServer,
}

/// What is wanted of the configuration.
struct Wishes {
    lifetime: Duration,
    /// Of what a session alone has said.
    unconfirmed: Duration,
    file: PathBuf,
    /// Addresses that others share are blocked, too.
    blocks_shared: bool,
    fills: bool,
}

impl From<&Config> for Wishes {
    fn from(config: &Config) -> Self {
        Wishes {
            lifetime: config.learn,
            unconfirmed: match config.probing() {
                Probing::On => config.learn.min(UNCONFIRMED),
                // Nobody will ever ask.
                Probing::Dry | Probing::Off => config.learn,
            },
            file: config.learn_file.clone(),
            blocks_shared: config.intel_blocks_shared,
            fills: config.mode == Mode::Block && config.kernel_block,
        }
    }
}

impl Keeper {
    /// Opens the book as `config` wishes, and teaches `engine` what it says.
    pub fn start<S: BuildHasher + Clone>(config: &Config, engine: &mut Engine<S>, now: Instant) -> Self {
        let clerk = Clerk::start();
        if let Err(error) = &clerk {
            log::error!("what is learnt is not kept: {error}");
        }
        let mut keeper = Keeper {
            book: Book::load(&config.learn_file),
            shared_hosts: builtin::shared(),
            wishes: config.into(),
            clerk: clerk.ok(),
            lessons: Ration::new(LESSONS_PER_HOUR, Duration::from_secs(3_600)),
            fleet: Ration::new(FLEET_ENTRIES_PER_MINUTE, Duration::from_secs(60)),
            write_at: None,
            // An earlier daemon's elements would end, and the rules may be in force already.
            fill_at: Some(now),
            count_at: now,
            shared: heapless::Deque::new(),
        };
        let wall_clock = unix_seconds();
        keeper.book.sweep(wall_clock);
        for entry in keeper.book.entries() {
            keeper.teach(engine, entry, wall_clock, now);
        }
        keeper.replace_layer(engine);
        keeper
    }

    /// Takes over another configuration.
    pub fn configure(&mut self, config: &Config, now: Instant) {
        let filled = self.wishes.fills;
        self.wishes = config.into();
        if filled && !self.wishes.fills {
            self.order(Order::Fill(rules::EMPTY.into()));
        }
        self.fill_at = Some(now);
    }

    /// Learns from a session that was mining.
    pub fn learn<S: BuildHasher + Clone>(
        &mut self,
        detection: &Detection,
        engine: &mut Engine<S>,
        now: Instant,
    ) -> Lore {
        let server = detection.server;
        let is_news = detection.source == Source::Dpi && detection.server_is_pool;
        if !is_news || self.wishes.lifetime.is_zero() || engine.exempts(&server, now) {
            return Lore::Settled;
        }
        // It has said so itself, and others may need it. And who reaches a server of the house from outside says
        // nothing of where the house mines, but could have that server cut off.
        let is_inbound = is_global(detection.client.addr()) && !is_global(server.addr());
        if is_inbound || engine.lesson(&server) == Some(Lesson::NotPool) {
            return Lore::Settled;
        }
        if server.port() <= SERVICE_PORTS || self.is_shared(&server) {
            return Lore::AskServer;
        }
        let known = self.book.of_server(&server);
        let is_known =
            known.is_some_and(|entry| entry.origin >= Origin::Dpi && entry.policy == Policy::Block);
        let held = known.filter(|entry| entry.policy == Policy::Block).map_or(0, |entry| entry.until);
        if !is_known && self.lessons.take(now) {
            let wall_clock = unix_seconds();
            let entry = Entry {
                subject: Pattern::of(&server),
                policy: Policy::Block,
                origin: Origin::Dpi,
                dialect: detection.finding.dialect,
                since: wall_clock,
                until: wall_clock.saturating_add(self.wishes.unconfirmed.as_secs()).max(held),
            };
            self.enter(entry, engine, now);
            // What one host has said may be a lie; what is no pool is struck out again.
            return Lore::AskServer;
        }
        Lore::Settled
    }

    /// A probe has asked `server`; what it has found out holds for so many seconds.
    pub fn asked<S: BuildHasher + Clone>(
        &mut self,
        engine: &mut Engine<S>,
        server: Endpoint,
        outcome: &Outcome,
        seconds: u32,
        now: Instant,
    ) {
        let subject = Pattern::of(&server);
        if outcome.verdict == Verdict::NotPool {
            let is_refuted = |entry: &Entry| entry.subject == subject && entry.origin <= Origin::Probe;
            if self.book.entries().iter().any(is_refuted) {
                log::info!("unlearnt: {server} is no pool by its own answer");
                self.remove(&subject, engine, now);
                engine.learn(server, Lesson::NotPool, now.after(Duration::from_secs(seconds.into())));
            }
        }
        let by_hand = self.book.entries().iter().find(|entry| entry.subject == subject);
        let by_hand =
            by_hand.filter(|entry| entry.origin == Origin::Operator && entry.policy != Policy::Suspect);
        if let Some(entry) = by_hand {
            // A person has the last word.
            self.teach(engine, entry, unix_seconds(), now);
            return;
        }
        let is_pool = outcome.verdict == Verdict::Pool;
        if !is_pool || self.wishes.lifetime.is_zero() || engine.exempts(&server, now) {
            return;
        }
        let wall_clock = unix_seconds();
        let entry = Entry {
            subject,
            policy: Policy::Block,
            origin: Origin::Probe,
            dialect: outcome.dialect,
            since: wall_clock,
            until: wall_clock.saturating_add(seconds.into()),
        };
        self.enter(entry, engine, now);
    }

    /// Admits what a person or another router offers, or says why not.
    pub fn offer<S: BuildHasher + Clone>(
        &mut self,
        offer: &Offer,
        engine: &mut Engine<S>,
        now: Instant,
    ) -> Answer {
        let Offer { subject, policy, origin, seconds, dialect } = offer;
        let endpoint = subject.as_endpoint();
        if *policy != Policy::Allow && endpoint.is_some_and(|server| engine.exempts(&server, now)) {
            return Answer::refused(format_args!("{subject}: exempt, by the configuration or a list"));
        }
        let usual = u32::try_from(self.wishes.lifetime.as_secs()).unwrap_or(u32::MAX);
        let seconds = match origin {
            Origin::Operator => seconds.unwrap_or(usual.max(A_DAY)),
            Origin::Fleet if usual == 0 => {
                return Answer::refused(format_args!("{subject}: option 'learn_hours' is 0"));
            }
            Origin::Fleet => match refusal(subject, *policy) {
                Some(why) => return Answer::refused(format_args!("{subject}: {why}")),
                None => seconds.unwrap_or(usual).min(usual),
            },
            Origin::Dpi | Origin::Probe => {
                return Answer::refused("only this router finds out for itself");
            }
        };
        if seconds == 0 {
            return Answer::refused(format_args!("{subject}: it has ended already"));
        }
        let is_no_pool = |server: Endpoint| engine.lesson(&server) == Some(Lesson::NotPool);
        if *origin == Origin::Fleet && endpoint.is_some_and(is_no_pool) {
            return Answer::nothing(format!("{subject}: asked from here, it was no pool\n"));
        }
        if *origin == Origin::Fleet && !self.fleet.take(now) {
            return Answer::refused(format_args!("{subject}: too many from other routers at once"));
        }
        let wall_clock = unix_seconds();
        let entry = Entry {
            subject: subject.clone(),
            policy: *policy,
            origin: *origin,
            dialect: *dialect,
            since: wall_clock,
            until: wall_clock.saturating_add(seconds.into()),
        };
        match self.enter(entry, engine, now) {
            Entered::New => Answer::done(format!("{subject}: entered\n")),
            Entered::Renewed => Answer::done(format!("{subject}: renewed\n")),
            Entered::Outranked => {
                Answer::nothing(format!("{subject}: known already, from a better source\n"))
            }
            Entered::Full => Answer::refused(format_args!("{subject}: no room left")),
        }
    }

    /// Strikes out what is about `subject`, and has the engine forget it.
    pub fn remove<S: BuildHasher + Clone>(
        &mut self,
        subject: &Pattern,
        engine: &mut Engine<S>,
        now: Instant,
    ) -> Vec<Entry> {
        let removed = self.book.remove(subject);
        if !removed.is_empty() {
            self.replace_layer(engine);
            engine.forget(|server| removed.iter().any(|entry| entry.subject.includes(server)));
            self.write_at = Some(now);
            self.fill_at = Some(now);
            self.tick(engine, now);
        }
        removed
    }

    /// What is to be done now and then; to be called at least once a second.
    pub fn tick<S: BuildHasher + Clone>(&mut self, engine: &mut Engine<S>, now: Instant) {
        let ended = self.book.sweep(unix_seconds());
        if !ended.is_empty() {
            self.replace_layer(engine);
            // Its lessons end by another clock, which nobody sets.
            let blocked: Vec<Endpoint> = ended.iter().filter_map(|entry| self.blocked(entry)).collect();
            engine.forget(|server| blocked.contains(server));
            self.write_at.get_or_insert(now.after(BOOK_FLEET_WRITE_WAIT));
        }
        if self.write_at.is_some_and(|at| now >= at)
            && self.order(Order::Save(self.wishes.file.clone(), self.book.to_body()))
        {
            self.write_at = None;
        }
        if self.clerk.as_ref().is_some_and(Clerk::take_failure) {
            let again = now.after(KERNEL_FILL_AGAIN);
            self.fill_at = Some(self.fill_at.map_or(again, |at| at.min(again)));
        }
        if self.fill_at.is_none_or(|at| now >= at) {
            let is_done = !self.wishes.fills
                || self.order(Order::Fill(format!("{}{}", rules::EMPTY, self.elements(engine, now))));
            if is_done {
                self.fill_at = Some(now.after(KERNEL_FILL_EVERY));
            }
        }
    }

    /// Fills the kernel's sets anew at the next tick: what is exempt has changed.
    pub fn refill(&mut self, now: Instant) {
        self.fill_at = Some(now);
    }

    /// The book.
    pub fn book(&self) -> &Book {
        &self.book
    }

    /// Whether nothing but a session's words speak for what is known of `server`.
    pub fn is_unsure_of(&self, server: &Endpoint) -> bool {
        let is_it = |entry: &Entry| entry.subject.as_endpoint() == Some(*server);
        self.book.entries().iter().any(|entry| entry.origin == Origin::Dpi && is_it(entry))
    }

    /// Connection attempts that the kernel had refused by itself when it was last asked; asks again.
    pub fn refused_by_kernel(&mut self, now: Instant) -> u32 {
        if self.wishes.fills && now >= self.count_at {
            self.order(Order::Count);
            self.count_at = now.after(KERNEL_COUNT_EVERY);
        }
        self.clerk.as_ref().map_or(0, Clerk::refused)
    }

    /// The next line for those who follow what is found out here.
    pub fn poll_shared(&mut self) -> Option<String> {
        self.shared.pop_front()
    }

    /// All that was found out here and holds, as lines.
    pub fn shared(&self) -> String {
        let now = unix_seconds();
        let own = self.book.entries().iter().filter(|entry| entry.origin.is_own_finding());
        own.map(|entry| line(entry, now) + "\n").collect()
    }

    /// Writes what is not written yet, and waits for that.
    pub fn stop(self) {
        let Some(clerk) = self.clerk else { return };
        let is_unwritten = self.write_at.is_some();
        clerk.stop(is_unwritten.then(|| Order::Save(self.wishes.file, self.book.to_body())));
    }

    fn enter<S: BuildHasher + Clone>(
        &mut self,
        entry: Entry,
        engine: &mut Engine<S>,
        now: Instant,
    ) -> Entered {
        let wall_clock = unix_seconds();
        let entered = self.book.enter(entry.clone());
        if matches!(entered, Entered::Outranked | Entered::Full) {
            return entered;
        }
        self.teach(engine, &entry, wall_clock, now);
        if self.blocked(&entry).is_none() || entered == Entered::New {
            // It may have been one of those before.
            self.replace_layer(engine);
        }
        let wait = match entry.origin {
            Origin::Operator => Duration::ZERO,
            Origin::Dpi | Origin::Probe => BOOK_WRITE_WAIT,
            Origin::Fleet if entered == Entered::Renewed => BOOK_RENEWAL_WRITE_WAIT,
            Origin::Fleet => BOOK_FLEET_WRITE_WAIT,
        };
        let at = now.after(wait);
        self.write_at = Some(self.write_at.map_or(at, |other| other.min(at)));
        self.fill_at = Some(now);
        if entered == Entered::New {
            log::info!("learnt: {} ({})", entry.subject, entry.origin.name());
            if entry.origin.is_own_finding() {
                // Who follows is told of what there is room for; whoever comes anew gets all.
                let _ = self.shared.push_back(line(&entry, wall_clock));
            }
        }
        entered
    }

    fn order(&self, order: Order) -> bool {
        self.clerk.as_ref().is_none_or(|clerk| clerk.order(order))
    }
}

/// Why another router's word is not taken.
fn refusal(subject: &Pattern, policy: Policy) -> Option<&'static str> {
    match (&subject.what, subject.ports) {
        _ if policy == Policy::Allow => Some("other routers exempt nobody"),
        (What::Net(_), _) if subject.as_endpoint().is_none() => {
            Some("of addresses, one and its port are wanted")
        }
        (What::Net(net), _) if !is_global(net.addr()) => Some("no address of the internet"),
        (What::Name(_), Ports::Any) if policy == Policy::Block => {
            Some("of a name that is to be blocked, a port is wanted")
        }
        _ => None,
    }
}

/// An entry as a line of JSON.
pub fn line(entry: &Entry, now: u64) -> String {
    entry.to_json(&rfc3339(entry.since), now)
}

/// So many in a window of time.
struct Ration {
    size: u32,
    window: Duration,
    left: u32,
    ends: Instant,
}

impl Ration {
    fn new(size: u32, window: Duration) -> Self {
        Ration { size, window, left: size, ends: Instant::default() }
    }

    fn take(&mut self, now: Instant) -> bool {
        if now >= self.ends {
            self.ends = now.after(self.window);
            self.left = self.size;
        }
        let is_left = self.left > 0;
        self.left = self.left.saturating_sub(1);
        is_left
    }
}

/// What a person enters holds at least so many seconds, unless told otherwise.
const A_DAY: u32 = 86_400;
