//! Pools.

use std::io::{Read, Write};

use minewall::dpi::signatures::Dialect;
use minewall::limits::{PROBE_ANSWER_WAIT, PROBE_SEND_BYTES};
use minewall::probe::{ProbeVerdict, TlsChoice};

use crate::server::{Model, Server, probe, probe_in_time};

/// A pool that speaks first never; the rest is in its answers.
const fn pool(
    name: &'static str,
    dialect: &'static str,
    answers: &'static [(&'static str, &'static str)],
    otherwise: &'static str,
) -> Model {
    Model { name, dialect, greeting: "", answers, otherwise }
}

const NOTIFY: &str = r#"{"id":null,"method":"mining.notify","params":["1","<H>","01000000010000","ffffffff",[],"20000000","1a0fffff","5e0f1a2b",true]}
"#;
/// Stratum's code for all that has none of its own, in its form of an error.
const NOT_SUPPORTED: &str = "{\"id\":1,\"result\":null,\"error\":[20,\"Not supported.\",null]}\n";
const UPGRADED: &str = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n";

/// Every pool software whose behaviour towards a stranger is known from its source or from recordings.
pub const POOLS: &[Model] = &[
    pool(
        "node-stratum-pool (NOMP)",
        "stratum-v1",
        &[
            (
                "mining.subscribe",
                "{\"id\":1,\"result\":[[[\"mining.set_difficulty\",\"a1\"],[\"mining.notify\",\"b2\"]],\"08000002\",4],\"error\":null}\n",
            ),
            ("{", ""),
        ],
        "CLOSE",
    ),
    pool(
        "ckpool",
        "stratum-v1",
        &[
            (
                "mining.subscribe",
                "{\"result\":[[[\"mining.notify\",\"5f2a\"]],\"2ab1c05f\",8],\"id\":1,\"error\":null}\n",
            ),
            ("{", ""),
        ],
        "CLOSE",
    ),
    pool(
        "a subscription in one level",
        "stratum-v1",
        &[(
            "mining.subscribe",
            "{\"id\":1,\"error\":null,\"result\":[\"mining.notify\",\"ae6812eb4cd7735a302a8a9dd95cf71f\",4]}\n",
        )],
        "",
    ),
    pool(
        "a pool that answers without id, and keeps the connection",
        "stratum-v1",
        &[
            ("mining.subscribe", "{\"id\":1,\"result\":true,\"error\":null}\n"),
            ("mining.authorize", "{\"id\":null,\"method\":\"mining.set_difficulty\",\"params\":[4096]}\n"),
        ],
        "",
    ),
    pool(
        "an unauthorised worker",
        "stratum-v1",
        &[
            ("mining.subscribe", "{\"id\":1,\"result\":true,\"error\":null}\n"),
            ("mining.authorize", "{\"id\":2,\"result\":null,\"error\":[24,\"Unauthorized worker\",null]}\n"),
        ],
        "",
    ),
    pool(
        "hsd (Handshake)",
        "stratum-v1",
        &[(
            "mining.subscribe",
            "{\"id\":1,\"result\":null,\"error\":{\"code\":20,\"message\":\"Not Authorized\"}}\n",
        )],
        "",
    ),
    pool(
        "a Zcash pool",
        "equihash",
        &[("mining.subscribe", "{\"id\":1,\"result\":[null,\"7000b014\"],\"error\":null}\n")],
        "",
    ),
    pool(
        "s-nomp (Zcash, sessions)",
        "equihash",
        &[(
            "mining.subscribe",
            "{\"id\":1,\"result\":[\"deadbeefcafebabe0100000000000000\",\"81000001\"],\"error\":null}\n",
        )],
        "",
    ),
    pool(
        "node-cryptonote-pool",
        "cryptonote",
        &[(
            "\"login\"",
            "{\"id\":1,\"jsonrpc\":\"2.0\",\"error\":{\"code\":-1,\"message\":\"invalid address used for login\"}}\n",
        )],
        "{\"id\":1,\"jsonrpc\":\"2.0\",\"error\":{\"code\":-1,\"message\":\"invalid method\"}}\n",
    ),
    pool(
        "nodejs-pool",
        "cryptonote",
        &[
            ("GET ", "HTTP/1.1 200 OK\nContent-Type: text/plain\nContent-Length: 18\n\nMining Pool Online"),
            (
                "keepalived",
                "{\"id\":1,\"jsonrpc\":\"2.0\",\"error\":{\"code\":-1,\"message\":\"Unauthenticated\"}}\n",
            ),
            (
                "\"login\"",
                "{\"id\":1,\"jsonrpc\":\"2.0\",\"error\":{\"code\":-1,\"message\":\"Invalid payment address provided: 0\"}}\n",
            ),
        ],
        "CLOSE",
    ),
    pool(
        "nodejs-pool that ignores early keepalives",
        "cryptonote",
        &[
            ("GET ", "HTTP/1.1 200 OK\nContent-Type: text/plain\nContent-Length: 18\n\nMining Pool Online"),
            ("keepalived", ""),
        ],
        "CLOSE",
    ),
    pool(
        "nodejs-pool (MoneroOcean)",
        "cryptonote",
        &[
            ("GET ", "HTTP/1.1 200 OK\nContent-Type: text/plain\nContent-Length: 18\n\nMining Pool Online"),
            (
                "keepalived",
                "{\"id\":1,\"jsonrpc\":\"2.0\",\"error\":{\"code\":-1,\"message\":\"Unauthenticated\"}}\n",
            ),
            (
                "mining.subscribe",
                "{\"id\":1,\"result\":[[\"mining.notify\",\"ae68\",\"EthereumStratum/1.0.0\"],\"0001\",6],\"error\":null}\n",
            ),
            (
                "\"login\"",
                "{\"id\":1,\"jsonrpc\":\"2.0\",\"error\":{\"code\":-1,\"message\":\"Invalid payment address provided: 0. Please use 95_char_long_monero_wallet_address format\"}}\n",
            ),
        ],
        "BAN",
    ),
    pool(
        "monero-pool (jtgrassie)",
        "cryptonote",
        &[(
            "keepalived",
            "{\"id\":1,\"jsonrpc\":\"2.0\",\"error\":null,\"result\":{\"status\":\"KEEPALIVED\"}}\n",
        )],
        "CLOSE",
    ),
    pool(
        "xmrig-proxy",
        "cryptonote",
        &[(
            "\"login\"",
            "{\"id\":1,\"jsonrpc\":\"2.0\",\"error\":null,\"result\":{\"id\":\"1be0b7b6\",\"job\":{\"blob\":\"<H><H><H>\",\"job_id\":\"4BiGm3/RgGQzgkTI\",\"target\":\"b88d0600\",\"algo\":\"rx/0\"},\"extensions\":[\"algo\",\"nicehash\"],\"status\":\"OK\"}}\n",
        )],
        "CLOSE",
    ),
    pool(
        "xmrig-proxy without a pool behind it",
        "cryptonote",
        &[(
            "\"login\"",
            "{\"id\":1,\"jsonrpc\":\"2.0\",\"error\":{\"code\":-1,\"message\":\"Proxy is unavailable, please try again later.\"}}\n",
        )],
        "CLOSE",
    ),
    pool(
        "P2Pool",
        "p2pool",
        &[
            (
                "GET ",
                "HTTP/1.1 200 OK\r\nContent-Length: 21\r\nContent-Type: text/plain\r\nConnection: Closed\r\n\r\nP2Pool Stratum online",
            ),
            ("keepalived", ""),
            // Any login is one.
            (
                "\"login\"",
                "{\"id\":1,\"jsonrpc\":\"2.0\",\"result\":{\"id\":\"8ab3f1c9\",\"job\":{\"blob\":\"<H><H><H>\",\"job_id\":\"1\",\"target\":\"ffff0000\",\"algo\":\"rx/0\",\"height\":3000000,\"seed_hash\":\"<H>\"},\"extensions\":[\"algo\"],\"status\":\"OK\"}}\n",
            ),
        ],
        "BAN",
    ),
    pool(
        "P2Pool without its page",
        "p2pool",
        &[
            ("keepalived", ""),
            (
                "\"login\"",
                "{\"id\":1,\"jsonrpc\":\"2.0\",\"result\":{\"id\":\"8ab3f1c9\",\"job\":{\"blob\":\"<H><H><H>\",\"job_id\":\"1\",\"target\":\"ffff0000\",\"algo\":\"rx/0\",\"height\":3000000,\"seed_hash\":\"<H>\"},\"extensions\":[\"algo\"],\"status\":\"OK\"}}\n",
            ),
        ],
        "CLOSE",
    ),
    pool(
        "open-ethereum-pool",
        "eth-proxy",
        &[
            ("eth_submitLogin", "{\"id\":1,\"jsonrpc\":\"2.0\",\"result\":true}\n"),
            ("eth_getWork", "{\"id\":2,\"jsonrpc\":\"2.0\",\"result\":[\"0x<H>\",\"0x<H>\",\"0x<H>\"]}\n"),
        ],
        "{\"id\":1,\"jsonrpc\":\"2.0\",\"error\":{\"code\":-3,\"message\":\"Method not found\"}}\n",
    ),
    pool(
        "open-ethereum-pool that checks wallets",
        "eth-proxy",
        &[(
            "eth_submitLogin",
            "{\"id\":1,\"jsonrpc\":\"2.0\",\"result\":null,\"error\":{\"code\":-1,\"message\":\"Invalid login\"}}\n",
        )],
        "{\"id\":1,\"jsonrpc\":\"2.0\",\"error\":{\"code\":-3,\"message\":\"Method not found\"}}\n",
    ),
    pool(
        "an Ethereum pool that says yes to a subscription",
        "eth-proxy",
        &[
            ("mining.", "{\"id\":1,\"jsonrpc\":\"2.0\",\"result\":true}\n"),
            ("eth_submitLogin", "{\"id\":1,\"jsonrpc\":\"2.0\",\"result\":true}\n"),
            (
                "eth_getWork",
                "{\"id\":0,\"jsonrpc\":\"2.0\",\"result\":[\"0x<H>\",\"0x<H>\",\"0x00000000ffff00000000ffff00000000ffff00000000ffff00000000ffff0000\",\"0xde0b6b\"]}\n",
            ),
        ],
        "{\"id\":1,\"jsonrpc\":\"2.0\",\"result\":false}\n",
    ),
    pool(
        "Zano's daemon",
        "eth-proxy",
        &[("eth_submitLogin", "{\"id\":1,\"jsonrpc\":\"2.0\",\"error\":\"Invalid wallet address\"}\n")],
        "CLOSE",
    ),
    pool(
        "NiceHash (EthereumStratum/1.0.0)",
        "ethereum-stratum-1",
        &[(
            "mining.subscribe",
            "{\"id\":1,\"result\":[[\"mining.notify\",\"ae6812eb4cd7735a302a8a9dd95cf71f\",\"EthereumStratum/1.0.0\"],\"080c\"],\"error\":null}\n",
        )],
        "",
    ),
    pool(
        "kaspa-stratum-bridge",
        "ethereum-stratum-1",
        &[("mining.subscribe", "{\"id\":1,\"result\":[true,\"EthereumStratum/1.0.0\"],\"error\":null}\n")],
        "",
    ),
    pool(
        "EthereumStratum/2.0.0",
        "ethereum-stratum-2",
        &[(
            "mining.hello",
            "{\"id\":1,\"result\":{\"proto\":\"EthereumStratum/2.0.0\",\"encoding\":\"plain\",\"resume\":\"0\",\"timeout\":\"b4\",\"maxerrors\":\"5\",\"node\":\"x\"}}\n",
        )],
        "{\"id\":1,\"error\":{\"code\":405,\"message\":\"Method not allowed\"}}\n",
    ),
    pool(
        "Conflux",
        "conflux",
        &[(
            "mining.subscribe",
            "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":true}\n{\"jsonrpc\":\"2.0\",\"method\":\"mining.notify\",\"params\":[\"<H>\",\"1234\",\"0x<H>\",\"0x<H>\"]}\n",
        )],
        "",
    ),
    pool(
        "Alephium's mining-pool",
        "alephium",
        &[
            ("mining.subscribe", "{\"id\":1,\"result\":\"result\",\"error\":null}\n"),
            (
                "mining.authorize",
                "{\"id\":2,\"result\":true,\"error\":null}\n{\"id\":null,\"method\":\"mining.notify\",\"params\":[{\"jobId\":\"0\",\"fromGroup\":0,\"toGroup\":0,\"headerBlob\":\"<H>\",\"txsBlob\":\"\",\"targetBlob\":\"ff\"}]}\n",
            ),
        ],
        "CLOSE",
    ),
    pool(
        "an IronFish pool",
        "ironfish",
        &[(
            "\"body\"",
            "{\"id\":0,\"method\":\"mining.subscribed\",\"body\":{\"clientId\":0,\"xn\":\"64da\"}}\n",
        )],
        "{\"id\":1,\"method\":\"mining.disconnect\",\"body\":{\"message\":\"Unexpected body\"}}\n",
    ),
    pool(
        "grin's node",
        "grin",
        &[(
            "getjobtemplate",
            "{\"id\":\"0\",\"jsonrpc\":\"2.0\",\"method\":\"getjobtemplate\",\"error\":{\"code\":-32500,\"message\":\"login first\"}}\n",
        )],
        "{\"id\":\"0\",\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32601,\"message\":\"Method not found\"}}\n",
    ),
    pool(
        "a Grin pool that gives work",
        "grin",
        &[(
            "getjobtemplate",
            "{\"id\":\"0\",\"jsonrpc\":\"2.0\",\"method\":\"getjobtemplate\",\"result\":{\"difficulty\":1,\"height\":16375,\"job_id\":5,\"pre_pow\":\"<H><H>\"},\"error\":null}\n",
        )],
        "",
    ),
    pool(
        "beam's node",
        "beam",
        &[(
            "api_key",
            "{\"jsonrpc\":\"2.0\",\"id\":\"login\",\"method\":\"result\",\"code\":-32003,\"description\":\"Login failed\"}\n",
        )],
        "CLOSE",
    ),
    pool(
        "a CKB pool",
        "ckb",
        &[(
            "ckb_submitLogin",
            "{\"id\":1,\"result\":{\"nonce_pre\":\"0xbdb0c4\",\"nonce_bytes\":5},\"error\":null}\n",
        )],
        "{\"id\":1,\"error\":{\"code\":-32601,\"message\":\"Method not found\"}}\n",
    ),
    pool(
        "a Xatum pool without TLS",
        "xatum",
        &[("shake~", "job~{\"diff\":1000,\"blob\":\"oAAB\",\"algo\":\"xel/1\"}\n")],
        "CLOSE",
    ),
    Model {
        name: "Duino-Coin",
        dialect: "duino-coin",
        greeting: "4.3\n",
        answers: &[(
            "JOB,",
            "4adf702bfa06ce7aca402261eee1fbe13619bf69,adf702bfa06ce7aca402261eee1fbe13619bf691,50000\n",
        )],
        otherwise: "",
    },
    pool("Stratum V2", "stratum-v2", &[("\"id\"", "CLOSE"), ("GET /", "CLOSE")], "KEY"),
    pool("Stratum V2 that takes whatever comes for a key", "stratum-v2", &[], "KEY"),
    pool(
        "getwork over HTTP",
        "getwork",
        &[(
            "\"getwork\"",
            "HTTP:{\"result\":{\"data\":\"<H><H><H><H>\",\"target\":\"<H>\"},\"id\":1,\"error\":null}",
        )],
        "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
    ),
    pool(
        "Ethereum's getwork over HTTP",
        "eth-getwork",
        &[("eth_getWork", "HTTP:{\"id\":1,\"jsonrpc\":\"2.0\",\"result\":[\"0x<H>\",\"0x<H>\",\"0x<H>\"]}")],
        "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
    ),
    pool(
        "CoinHive's proxy",
        "coinhive",
        &[
            ("Upgrade: websocket", UPGRADED),
            ("\"auth\"", "WS:{\"type\":\"error\",\"params\":{\"error\":\"invalid_site_key\"}}"),
        ],
        "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
    ),
    pool(
        "CoinHive's copies, at their own door",
        "coinhive",
        &[
            ("GET /proxy", UPGRADED),
            ("\"auth\"", "WS:{\"type\":\"authed\",\"params\":{\"token\":\"\",\"hashes\":0}}"),
        ],
        "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
    ),
    pool(
        "webminerpool",
        "webminerpool",
        &[
            ("Upgrade: websocket", UPGRADED),
            (
                "handshake",
                "WS:{\"identifier\":\"job\",\"job_id\":\"1\",\"blob\":\"<H><H><H>\",\"target\":\"b88d0600\",\"algo\":\"cn\"}",
            ),
            ("\"auth\"", ""),
        ],
        "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
    ),
    pool(
        "Stratum in WebSocket messages",
        "stratum-v1",
        &[
            ("Upgrade: websocket", UPGRADED),
            (
                "mining.subscribe",
                "WS:{\"id\":1,\"result\":[[[\"mining.notify\",\"b2\"]],\"08000002\",4],\"error\":null}",
            ),
            ("\"auth\"", ""),
            ("handshake", ""),
        ],
        "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
    ),
    pool(
        "Nimiq's mining-pool",
        "nimiq",
        &[
            ("Upgrade: websocket", UPGRADED),
            ("\"register\"", "WS:{\"message\":\"registered\"}"),
            ("{", "WS:{\"message\":\"error\",\"reason\":\"registration required\"}"),
        ],
        "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
    ),
    pool(
        "Dero's node",
        "getwork-websocket",
        &[
            ("GET /ws/dero1", UPGRADED),
            ("GET /ws/void1", "HTTP:err: invalid human-readable part :  != void\n"),
            ("GET ", "HTTP/1.1 404 Not Found\r\nContent-Length: 19\r\n\r\n404 page not found\n"),
            ("POST ", "HTTP/1.1 404 Not Found\r\nContent-Length: 19\r\n\r\n404 page not found\n"),
        ],
        "CLOSE",
    ),
    pool(
        "Ethereum's getwork over HTTP, up to the end of the connection",
        "eth-getwork",
        &[(
            "eth_getWork",
            "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{\"id\":1,\"jsonrpc\":\"2.0\",\"result\":[\"0x<H>\",\"0x<H>\",\"0x<H>\"]}",
        )],
        "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
    ),
    pool(
        "Xelis's node",
        "getwork-websocket",
        &[
            (
                "GET /getwork/0/0 ",
                "HTTP/1.1 400 Bad Request\r\ncontent-length: 40\r\n\r\nInvalid miner address for getwork server",
            ),
            ("GET / ", "HTTP/1.1 200 OK\r\ncontent-length: 34\r\n\r\nHello, world!\nRunning on: 1.9.0-abc"),
            ("{", "HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n"),
        ],
        "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n",
    ),
    pool(
        "Xelis's node of old, with the words in its status",
        "getwork-websocket",
        &[
            (
                "GET /getwork/0/0 ",
                "HTTP/1.1 400 Invalid miner address for getwork server\r\ncontent-length: 0\r\n\r\n",
            ),
            ("{", "HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n"),
        ],
        "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n",
    ),
    pool(
        "a pool that refuses other dialects in Stratum's form",
        "stratum-v1",
        &[(
            "mining.subscribe",
            "{\"id\":1,\"result\":[[[\"mining.set_difficulty\",\"a1\"],[\"mining.notify\",\"b2\"]],\"08000002\",4],\"error\":null}\n",
        )],
        NOT_SUPPORTED,
    ),
    pool(
        "a pool that refuses other dialects in Stratum's form, and has no job for a stranger",
        "stratum-v1",
        &[
            ("mining.subscribe", "{\"id\":1,\"result\":true,\"error\":null}\n"),
            ("mining.authorize", "{\"id\":2,\"result\":false,\"error\":null}\n"),
        ],
        NOT_SUPPORTED,
    ),
    pool(
        "a pool that refuses strangers in Stratum's form, and other services in words",
        "stratum-v1",
        &[("\"mining.", NOT_SUPPORTED)],
        "{\"id\":1,\"error\":{\"code\":-32601,\"message\":\"Method not found\"}}\n",
    ),
    pool(
        "a pool that only pushes jobs",
        "stratum-v1",
        &[("mining.authorize", NOTIFY), ("mining.subscribe", "{\"id\":1,\"result\":true}\n")],
        "CLOSE",
    ),
];

/// All at once: most of the time is waiting for servers that say nothing.
#[test]
fn every_pool_is_confirmed_in_its_dialect() {
    let failures: Vec<String> = std::thread::scope(|scope| {
        let probes: Vec<_> = POOLS
            .iter()
            .map(|model| {
                scope.spawn(move || {
                    let server = Server::of(*model);
                    let outcome = probe(server.addr, TlsChoice::Plain);
                    let dialect = outcome.dialect.map(Dialect::name);
                    let cost = (server.connections(), server.told());
                    println!(
                        "{:55} {:?} {dialect:?} {} {cost:?}",
                        model.name, outcome.verdict, outcome.evidence
                    );
                    let right = outcome.verdict == ProbeVerdict::Pool
                        && dialect == Some(model.dialect)
                        && server.told() <= PROBE_SEND_BYTES;
                    (!right).then(|| format!("{}: {outcome:?}", model.name))
                })
            })
            .collect();
        probes.into_iter().filter_map(|probe| probe.join().expect("no panic")).collect()
    });
    assert!(failures.is_empty(), "{failures:#?}");
}

/// In real time: the login of another dialect is refused at once, and the subscription, which is no longer the first
/// question, answered after longer than any other question may take.
#[test]
fn a_slow_pool_that_refuses_other_dialects_in_stratums_form_is_heard_out() {
    let server = Server::start(|mut stream| {
        let mut buffer = [0; 1_024];
        while let Ok(len @ 1..) = stream.read(&mut buffer) {
            let is_subscription = buffer[..len].windows(16).any(|part| part == b"mining.subscribe");
            if is_subscription {
                std::thread::sleep(2 * PROBE_ANSWER_WAIT);
            }
            let answer = if is_subscription { SLOW_SUBSCRIPTION } else { NOT_SUPPORTED };
            if stream.write_all(answer.as_bytes()).is_err() {
                break;
            }
        }
    });
    let outcome = probe_in_time(server.addr, TlsChoice::Plain);
    let dialect = outcome.dialect.map(Dialect::name);
    assert_eq!((outcome.verdict, dialect), (ProbeVerdict::Pool, Some("stratum-v1")), "{outcome:?}");
    assert_eq!(server.connections(), 2, "the login, then the subscription");
}

const SLOW_SUBSCRIPTION: &str =
    "{\"id\":1,\"result\":[[[\"mining.notify\",\"b2\"]],\"08000002\",4],\"error\":null}\n";
