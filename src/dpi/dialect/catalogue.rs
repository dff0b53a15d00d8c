//! The dialects by name, and what is proof of each. How proof adds up stands in the parent module.

/// A mining protocol, named as in the events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Dialect {
    /// Bitcoin's Stratum V1 and its relatives. Proof: see the module's rules; a request `mining.*`
    /// with fitting parameters is unmistakable, a difficulty, job or subscription strong.
    StratumV1 = 1,
    /// Zcash's variant of Stratum V1 (nheqminer, EWBF, miniZ, GMiner): the pool's host and port in
    /// `mining.subscribe`, a long solution in `mining.submit`, a job of three hashes.
    Equihash = 2,
    /// XMRig's client for KawPow and GhostRider: `mining.subscribe` with XMRig for an agent.
    XmrigEthStratum = 3,
    /// EthereumStratum/1.0.0 (NiceHash): the name in `mining.subscribe` or in its answer, or a job of
    /// two hashes and a bool.
    EthereumStratum1 = 4,
    /// EthereumStratum/2.0.0: `mining.hello` with protocol, or agent, host and port; `mining.set`.
    EthereumStratum2 = 5,
    /// Conflux: a `cfx:` account in `mining.authorize`, or a job of height, hash and boundary.
    Conflux = 6,
    /// Alephium: jobs with a `headerBlob`; `alph_submitHashrate`.
    Alephium = 7,
    /// Kaspa's bridge: jobs of four numbers.
    Kaspa = 8,
    /// IronFish: `mining.*` with a `body` that has version and agent, or a request identifier.
    IronFish = 9,
    /// CryptoNote's `login` (Monero and its kin): login and password with a miner's agent, algorithms
    /// or a wallet; a share with job, nonce and hash; from the server a job with blob, identifier and
    /// target, or `KEEPALIVED`.
    CryptoNote = 10,
    /// CryptoNote with blocks of the miner's own making: mode "self-select", `block_template`.
    SelfSelect = 11,
    /// CryptoNote as P2Pool speaks it, which only its answer to the login shows.
    P2pool = 12,
    /// Grin: login by a Grin miner, a share with a cycle; from the server a job with `pre_pow`.
    Grin = 13,
    /// Beam: login with nothing but an `api_key`, `solution`; from the server a job with `input`, or
    /// a `nonceprefix`.
    Beam = 14,
    /// Nervos CKB: `ckb_*`; from the server `nonce_pre` or `pow_hash` with a target.
    Ckb = 15,
    /// Ethereum's getwork over bare TCP: `eth_submitLogin` with a user, `eth_getWork`,
    /// `eth_submitWork` and `eth_submitHashrate` with hexadecimal parameters.
    EthProxy = 16,
    /// Ethereum's getwork over HTTP: a request by a miner's name, or a request for work that is answered
    /// with work, a share or hash rate that is accepted.
    EthGetWork = 17,
    /// Bitcoin's getwork: by a miner's name, `X-Mining-Extensions`, with a solution, or answered.
    Getwork = 18,
    /// getblocktemplate (BIP 22): by a miner's name, with a miner's capabilities or a long poll,
    /// or again after it was answered; `submitblock` after it, or answered.
    GetBlockTemplate = 19,
    /// Monero's daemon: `getblocktemplate` with wallet and room for a nonce; `get_miner_data`, answered;
    /// its height asked by a miner's name.
    MoneroDaemon = 20,
    /// CoinHive and its copies: `auth` with `site_key` and a goal; jobs; shares.
    CoinHive = 21,
    /// webminerpool and its kin: `handshake` with pool, login and password, or `start` with the pool's
    /// server, port and worker; jobs; `solved`.
    WebMinerPool = 22,
    /// Nimiq: `register` with an address of Nimiq's and a device; `settings`; `new-block`.
    Nimiq = 23,
    /// Xatum (Xelis, Dero): `shake~` with address, and agent or algorithms; `job~`; `submit~`.
    Xatum = 24,
    /// Duino-Coin: `JOB,` with user and a known difficulty, after a greeting; jobs of two hashes.
    DuinoCoin = 25,
    /// Stratum V2, by the sizes of its Noise handshake.
    StratumV2 = 26,
    /// Getwork that a node pushes over a WebSocket (Dero, Xelis): jobs and shares by their blobs, one
    /// of each.
    GetworkWebSocket = 27,
    /// A node of Kaspa or its copies over gRPC: a block template for an address; blocks submitted, and templates
    /// given.
    KaspaNode = 28,
}

impl Dialect {
    /// All of them.
    pub const ALL: [Dialect; 28] = [
        Dialect::StratumV1,
        Dialect::Equihash,
        Dialect::XmrigEthStratum,
        Dialect::EthereumStratum1,
        Dialect::EthereumStratum2,
        Dialect::Conflux,
        Dialect::Alephium,
        Dialect::Kaspa,
        Dialect::IronFish,
        Dialect::CryptoNote,
        Dialect::SelfSelect,
        Dialect::P2pool,
        Dialect::Grin,
        Dialect::Beam,
        Dialect::Ckb,
        Dialect::EthProxy,
        Dialect::EthGetWork,
        Dialect::Getwork,
        Dialect::GetBlockTemplate,
        Dialect::MoneroDaemon,
        Dialect::CoinHive,
        Dialect::WebMinerPool,
        Dialect::Nimiq,
        Dialect::Xatum,
        Dialect::DuinoCoin,
        Dialect::StratumV2,
        Dialect::GetworkWebSocket,
        Dialect::KaspaNode,
    ];

    /// The name in events and in the replay's lines.
    pub const fn name(self) -> &'static str {
        match self {
            Dialect::StratumV1 => "stratum-v1",
            Dialect::Equihash => "equihash",
            Dialect::XmrigEthStratum => "xmrig-eth-stratum",
            Dialect::EthereumStratum1 => "ethereum-stratum-1",
            Dialect::EthereumStratum2 => "ethereum-stratum-2",
            Dialect::Conflux => "conflux",
            Dialect::Alephium => "alephium",
            Dialect::Kaspa => "kaspa",
            Dialect::IronFish => "ironfish",
            Dialect::CryptoNote => "cryptonote",
            Dialect::SelfSelect => "cryptonote-self-select",
            Dialect::P2pool => "p2pool",
            Dialect::Grin => "grin",
            Dialect::Beam => "beam",
            Dialect::Ckb => "ckb",
            Dialect::EthProxy => "eth-proxy",
            Dialect::EthGetWork => "eth-getwork",
            Dialect::Getwork => "getwork",
            Dialect::GetBlockTemplate => "getblocktemplate",
            Dialect::MoneroDaemon => "monero-daemon",
            Dialect::CoinHive => "coinhive",
            Dialect::WebMinerPool => "webminerpool",
            Dialect::Nimiq => "nimiq",
            Dialect::Xatum => "xatum",
            Dialect::DuinoCoin => "duino-coin",
            Dialect::StratumV2 => "stratum-v2",
            Dialect::GetworkWebSocket => "getwork-websocket",
            Dialect::KaspaNode => "kaspa-node",
        }
    }

    /// The dialect with this number, for a flow record that holds one in a byte.
    pub fn from_code(code: u8) -> Option<Dialect> {
        Self::ALL.into_iter().find(|dialect| *dialect as u8 == code)
    }

    /// Dialects of one family share messages, so a flow may turn from one into the other.
    pub(super) const fn family(self) -> Family {
        match self {
            Dialect::StratumV1
            | Dialect::Equihash
            | Dialect::XmrigEthStratum
            | Dialect::EthereumStratum1
            | Dialect::EthereumStratum2
            | Dialect::Conflux
            | Dialect::Alephium
            | Dialect::Kaspa
            | Dialect::IronFish
            | Dialect::StratumV2 => Family::Stratum,
            Dialect::CryptoNote | Dialect::SelfSelect | Dialect::P2pool | Dialect::Grin | Dialect::Beam => {
                Family::Login
            }
            Dialect::Ckb | Dialect::EthProxy | Dialect::EthGetWork => Family::Ethereum,
            Dialect::Getwork
            | Dialect::GetBlockTemplate
            | Dialect::MoneroDaemon
            | Dialect::GetworkWebSocket
            | Dialect::KaspaNode => Family::Node,
            Dialect::CoinHive | Dialect::WebMinerPool | Dialect::Nimiq => Family::Browser,
            Dialect::Xatum | Dialect::DuinoCoin => Family::Line,
        }
    }

    /// Whether it says no more than its family does; a more specific sign keeps its name then.
    pub(super) const fn is_generic(self) -> bool {
        matches!(self, Dialect::StratumV1 | Dialect::CryptoNote | Dialect::EthProxy | Dialect::Getwork)
    }

    /// Whether it is at home in HTTP. What others have there is no sign: web services take all sorts of
    /// JSON.
    pub(super) const fn is_over_http(self) -> bool {
        matches!(self.family(), Family::Node) || matches!(self, Dialect::EthGetWork)
    }
}

/// Dialects that share messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    Stratum,
    Login,
    Ethereum,
    Node,
    Browser,
    Line,
}
