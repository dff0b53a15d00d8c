//! Step 4: from the bytes of a flow to proof of mining.
//!
//! The DPI reads the byte stream of both directions, in order, as it comes: [`Inspection::read`] answers with the
//! next thing that was said, be it proof. It keeps 32 bytes a flow; messages that are half read stand in a pool
//! of fixed size. Only handshakes leave bytes unread that the caller has to hold ([`crate::flow::reassembly_pool`]).

mod drafts;
mod evidence;
pub(crate) mod finding;
mod framing;
mod message;
pub(crate) mod naming;
pub(crate) mod noise;
pub(crate) mod server_messages;
pub mod signatures;

use crate::net::direction::Direction;
use crate::parse::client_hello::Hello;
use crate::parse::lines::says_nothing;
use drafts::{Draft, Drafts};
use evidence::{Context, Evidence};
use finding::Finding;
use framing::{Found, Framing};
use naming::Naming;
use signatures::compile::program::carrier;
use signatures::{Dialect, Signatures};

/// State of the DPI for one flow.
#[derive(Clone, Debug, Default)]
pub struct Inspection {
    /// State of the two byte streams.
    framing: Framing,
    /// Evidence of the messages so far.
    evidence: Evidence,
}

const _: () = assert!(size_of::<Inspection>() <= 32);

/// Beginning of a flow that can't be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wire {
    /// HTTP, or TLS whose client offers it (ALPN, RFC 7301).
    pub web: bool,
    /// HTTP that was left for WebSocket.
    pub websocket: bool,
    /// The server spoke first. Inside TLS that can't be told.
    pub server_first: bool,
    /// 64 bytes without a sense were answered with 234, as the handshake of Stratum V2.
    pub noise: bool,
    /// The program behind a TLS client, as far as its first message tells.
    pub tls_client: Option<TlsClient>,
}

/// Kinds of programs by the ClientHello that they send, the most casual first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsClient {
    /// It names no server and offers no protocol (ALPN): a library with nothing set.
    Bare,
    /// It names its server.
    Named,
    /// It offers protocols.
    Negotiates,
    /// It sends values that are reserved for GREASE (RFC 8701): a browser, or a library made from one.
    Greases,
}

impl TlsClient {
    /// The kind that sends `hello`.
    pub(crate) fn of(hello: &Hello) -> Self {
        match (hello.greases, hello.negotiates, hello.name.is_some()) {
            (true, ..) => TlsClient::Greases,
            (false, true, _) => TlsClient::Negotiates,
            (false, false, true) => TlsClient::Named,
            (false, false, false) => TlsClient::Bare,
        }
    }
}

/// Whether something is there, as far as the bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// More bytes may tell.
    NeedMore,
    /// No.
    NoMatch,
    /// Yes.
    Match,
}

/// Outcome of reading some bytes.
#[must_use]
#[derive(Debug)]
pub struct Reading<'b> {
    /// Leading bytes that are done with. After something was said the others are to be offered at once, else with
    /// what follows them.
    pub consumed: usize,
    /// News in the bytes.
    pub said: Said<'b>,
}

/// News in bytes.
#[derive(Debug)]
pub enum Said<'b> {
    /// No news; more bytes may bring some.
    Nothing,
    /// The flow is mining.
    Proof(Finding),
    /// A match by a signature that is worth no more than a suspicion.
    Suspicion(Finding),
    /// The client's name for its server.
    Named(Naming),
    /// An answer of a name server, a message of DNS.
    Resolved(&'b [u8]),
}

/// The working memory of the DPI; one serves all flows.
#[derive(Debug)]
pub struct Dpi {
    drafts: Drafts,
    signatures: Signatures,
}

impl Default for Dpi {
    fn default() -> Self {
        Dpi { drafts: Drafts::new(), signatures: Signatures::default() }
    }
}

impl Dpi {
    /// Compares messages with `signatures` from now on.
    pub fn replace_signatures(&mut self, signatures: Signatures) {
        // What is half read names its members by the words of the old ones.
        self.drafts.clear();
        self.signatures = signatures;
    }

    /// Half-read messages that were taken from a flow which still needed them.
    pub fn drafts_taken_away(&self) -> u32 {
        self.drafts.taken_away
    }
}

impl Inspection {
    /// Begins a flow that is seen from its first byte (`true`) or joined midway (`false`).
    pub fn begin(from_start: bool) -> Self {
        Inspection { framing: Framing::begin(from_start), evidence: Evidence::default() }
    }

    /// Begins anew after bytes of both ends have passed unseen. HTTP is taken to go on; evidence ends.
    pub fn begin_again(&self) -> Self {
        Inspection { framing: self.framing.begin_again(), evidence: Evidence::default() }
    }

    /// Reads `bytes`, the unread rest of `direction` followed by its next bytes, up to the end of the next
    /// message. `owner` is the client, among which memory for half-read messages is divided.
    pub fn read<'b>(
        &mut self,
        dpi: &mut Dpi,
        owner: u32,
        direction: Direction,
        bytes: &'b [u8],
    ) -> Reading<'b> {
        let slot = self.framing.open(&mut dpi.drafts, direction);
        let reading = self.read_into(dpi, slot, direction, bytes);
        self.framing.close(&mut dpi.drafts, direction, slot, owner);
        reading
    }

    fn read_into<'b>(
        &mut self,
        dpi: &mut Dpi,
        slot: usize,
        direction: Direction,
        bytes: &'b [u8],
    ) -> Reading<'b> {
        let Dpi { drafts, signatures } = dpi;
        let (mut consumed, mut begins_segment) = (0, true);
        let Some(draft) = drafts.get(slot) else {
            return Reading { consumed: bytes.len(), said: Said::Nothing };
        };
        loop {
            let rest = bytes.get(consumed..).unwrap_or_default();
            let step = self.framing.step(draft, signatures.words(), direction, rest, begins_segment);
            begins_segment = false;
            consumed += step.len;
            let said = match step.found {
                Found::Nothing => return Reading { consumed, said: Said::Nothing },
                Found::Named(naming) => {
                    if matches!(naming, Naming::Proxy(_)) {
                        self.framing.note_target();
                    }
                    Some(Said::Named(naming))
                }
                Found::Resolved(message) => Some(Said::Resolved(message)),
                Found::StratumV2 => Some(Said::Proof(stratum_v2())),
                Found::Message(over) => self.message(signatures, draft, direction, over),
                Found::OpenLine => {
                    let (is_known, said) = self.open_line(signatures, draft, direction);
                    if !is_known {
                        return Reading { consumed, said: Said::Nothing };
                    }
                    said
                }
            };
            if let Some(said) = said {
                return Reading { consumed, said };
            }
        }
    }

    /// Weighs the message in `draft`, and ends it.
    fn message(
        &mut self,
        signatures: &Signatures,
        draft: &mut Draft,
        direction: Direction,
        over: u16,
    ) -> Option<Said<'static>> {
        message::prepare(draft, signatures, over);
        let message = message::of(draft, signatures, over);
        let context = self.context(direction, over, draft.head.is_some_and(|head| head.by_page));
        // Looked at in its place: a finding is large, and most messages have none.
        let weighed = self.evidence.weigh(signatures, &context, &message);
        let (is_known, has_finding) = (weighed.0, weighed.1.is_some());
        // The first bytes of a turn are looked at again as long as more of them may tell.
        let is_over = over == carrier::BINARY
            && (has_finding || Framing::is_turn_full(draft) || !signatures.may_fit(&message));
        let is_guess = over & (carrier::CSV | carrier::BINARY) != 0;
        if is_known || !is_guess {
            self.framing.note_message(direction);
        } else if over == carrier::CSV && !says_nothing(&draft.lines.line) {
            self.framing.note_nonsense(direction);
        }
        self.framing.end_message(draft, direction, over);
        if is_over {
            self.framing.end_turn(draft, direction);
        }
        if has_finding { weighed.1 } else { None }
    }

    /// Weighs a line that has no end yet, if it is a message as it stands: more of it may come, and say more.
    fn open_line(
        &mut self,
        signatures: &Signatures,
        draft: &mut Draft,
        direction: Direction,
    ) -> (bool, Option<Said<'static>>) {
        message::prepare(draft, signatures, carrier::CSV);
        let message = message::of(draft, signatures, carrier::CSV);
        let context = self.context(direction, carrier::CSV, false);
        if !evidence::fits(signatures, &message) {
            self.framing.note_unreadable(direction);
            return (false, None);
        }
        let (_, finding) = self.evidence.weigh(signatures, &context, &message);
        (true, finding)
    }

    fn context(&self, direction: Direction, over: u16, by_page: bool) -> Context {
        let over_http = over & (carrier::HTTP | carrier::FORM) != 0;
        let is_whole = |direction| self.framing.is_whole(direction, over_http);
        let client_is_whole = is_whole(Direction::ToServer);
        Context {
            direction,
            client_is_whole,
            is_whole: client_is_whole && is_whole(Direction::ToClient),
            by_page,
        }
    }

    /// The next `missing` bytes of `direction` will never come; goes on with the next message that can
    /// be found. What was left over before them is to be discarded.
    pub fn gap(&mut self, dpi: &mut Dpi, direction: Direction, missing: u32) {
        self.framing.gap(&mut dpi.drafts, direction, missing);
    }

    /// Whether all that the client has said was seen, from its first byte on.
    pub fn is_whole(&self) -> bool {
        self.framing.is_whole(Direction::ToServer, true)
    }

    /// A copy of the flow, to be read in another way; [`Inspection::release`] ends it.
    pub fn fork(&self, dpi: &mut Dpi, owner: u32) -> Inspection {
        Inspection { framing: self.framing.fork(&mut dpi.drafts, owner), evidence: self.evidence.clone() }
    }

    /// Gives the memory of half-read messages back, where a flow ends.
    pub fn release(&self, dpi: &mut Dpi) {
        self.framing.release(&mut dpi.drafts);
    }

    /// Whether the next bytes of `direction` are of any use to the DPI; not when it is encrypted,
    /// say. A caller need not hold such bytes back to bring them in order.
    pub fn wants(&self, direction: Direction) -> bool {
        self.framing.wants(direction)
    }

    /// Whether no message can be read in the flow as it is now: it is encrypted, or another protocol. A message that
    /// can be read ends that.
    pub fn is_opaque(&self) -> bool {
        self.framing.is_opaque()
    }

    /// Whether both ends speak HTTP and nothing else, as far as could be read.
    pub fn is_http(&self) -> bool {
        self.framing.is_http()
    }

    /// Whether both ends speak HTTP and nothing else, and no message is half read.
    pub fn is_between_http_messages(&self) -> bool {
        self.framing.is_between_http_messages()
    }

    /// Whether a segment of `direction` that begins with `bytes` ends the HTTP of both ends.
    pub fn leaves_http(&self, direction: Direction, bytes: &[u8]) -> bool {
        self.framing.leaves_http(direction, bytes)
    }

    /// Whether the flow is TLS; unknown if its beginning was not seen or has not come.
    pub fn is_tls(&self) -> Option<bool> {
        self.framing.is_tls()
    }

    /// Whether it goes through a proxy: what the client says is meant for another server than the flow's.
    pub fn is_tunnelled(&self) -> bool {
        self.framing.is_tunnelled()
    }

    /// Whether the client has asked a proxy for another server.
    pub fn names_target(&self) -> bool {
        self.framing.names_target()
    }

    /// Whether anything pointed to mining, short of proof. Such a flow is spared by eviction.
    pub fn has_evidence(&self) -> bool {
        self.framing.has_evidence() || self.evidence.has_evidence()
    }

    /// Whether the two ends talk with each other alone: not through a proxy or a web server, which
    /// others may share, as far as can be seen from the connection's first byte on.
    pub fn is_direct(&self) -> bool {
        self.framing.is_direct()
    }

    /// Beginning of the flow, as far as it was seen.
    pub fn wire(&self) -> Wire {
        self.framing.wire()
    }

    /// The dialect that its messages point to, short of proof.
    pub fn dialect(&self) -> Option<Dialect> {
        self.evidence.dialect()
    }
}

/// Proof by a whole handshake of Stratum V2; the server took part in it.
fn stratum_v2() -> Finding {
    let why = "Noise handshake (64 and 234 bytes), a first frame from the client and a success";
    Finding { server_answered: true, ..Finding::of(Some(Dialect::StratumV2), why) }
}
