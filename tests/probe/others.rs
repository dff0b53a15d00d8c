//! Servers that are no pool.

use minewall::limits::PROBE_SEND_BYTES;
use minewall::probe::{ProbeVerdict, TlsChoice};

use crate::server::{Model, Server, probe};

const fn other(
    name: &'static str,
    greeting: &'static str,
    answers: &'static [(&'static str, &'static str)],
    otherwise: &'static str,
) -> Model {
    Model { name, dialect: "", greeting, answers, otherwise }
}

const UNKNOWN: &str =
    "{\"id\":1,\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32601,\"message\":\"Method not found\"}}\n";

/// Servers, and whether they must be told for what they are. The others must only not be taken for pools.
const OTHERS: &[(ProbeVerdict, Model)] = &[
    (
        ProbeVerdict::NotPool,
        other(
            "ElectrumX",
            "",
            &[(
                "server.version",
                "{\"jsonrpc\":\"2.0\",\"result\":[\"ElectrumX 1.16.0\",\"1.4\"],\"id\":1}\n",
            )],
            "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32601,\"message\":\"unknown method \\\"keepalived\\\"\"},\"id\":1}\n",
        ),
    ),
    (
        ProbeVerdict::NotPool,
        other(
            "Fulcrum",
            "",
            &[("server.version", "{\"id\":1,\"jsonrpc\":\"2.0\",\"result\":[\"Fulcrum 1.9.1\",\"1.4\"]}\n")],
            "{\"error\":{\"code\":-32601,\"message\":\"Unsupported request: mining.subscribe\"},\"id\":1,\"jsonrpc\":\"2.0\"}\n",
        ),
    ),
    (
        ProbeVerdict::NotPool,
        other(
            "electrs",
            "",
            &[("server.version", "{\"id\":1,\"jsonrpc\":\"2.0\",\"result\":[\"electrs/0.9.14\",\"1.4\"]}\n")],
            "{\"error\":{\"code\":-32601,\"message\":\"unknown method login\"},\"id\":1,\"jsonrpc\":\"2.0\"}\n",
        ),
    ),
    (
        ProbeVerdict::NotPool,
        other(
            "go-ethereum, JSON-RPC over TCP",
            "",
            &[(
                "web3_clientVersion",
                "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":\"Geth/v1.13.15-stable/linux-amd64/go1.21.6\"}\n",
            )],
            "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32601,\"message\":\"the method keepalived does not exist/is not available\"}}\n",
        ),
    ),
    (
        ProbeVerdict::NotPool,
        other(
            "another Ethereum node, JSON-RPC over TCP",
            "",
            &[(
                "web3_clientVersion",
                "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":\"Nethermind/v1.25.4/linux-x64/dotnet8.0.2\"}\n",
            )],
            UNKNOWN,
        ),
    ),
    (
        ProbeVerdict::NotPool,
        other(
            "an Ethereum node over HTTP",
            "",
            &[(
                "POST / HTTP",
                "HTTP:{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32601,\"message\":\"the method eth_getWork does not exist/is not available\"}}",
            )],
            "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
        ),
    ),
    (
        ProbeVerdict::NotPool,
        other(
            "bitcoind",
            "",
            &[(
                "HTTP/1.1",
                "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"jsonrpc\"\r\nContent-Length: 0\r\n\r\n",
            )],
            "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
        ),
    ),
    (
        ProbeVerdict::NotPool,
        other(
            "monerod",
            "",
            &[],
            "HTTP/1.1 404 Not Found\r\nServer: Epee-based\r\nContent-Length: 0\r\n\r\n",
        ),
    ),
    (ProbeVerdict::Inconclusive, other("a JSON-RPC server", "", &[], UNKNOWN)),
    (
        ProbeVerdict::Inconclusive,
        other(
            "a JSON-RPC server with a code of its own",
            "",
            &[],
            "{\"id\":1,\"error\":{\"code\":-1,\"message\":\"invalid method\"}}\n",
        ),
    ),
    (
        ProbeVerdict::Inconclusive,
        other(
            "a JSON-RPC server that says yes to all",
            "",
            &[],
            "{\"id\":1,\"jsonrpc\":\"2.0\",\"result\":true}\n",
        ),
    ),
    (
        ProbeVerdict::Inconclusive,
        other(
            "a JSON-RPC server that says no to all",
            "",
            &[],
            "{\"id\":1,\"jsonrpc\":\"2.0\",\"result\":false}\n",
        ),
    ),
    (
        ProbeVerdict::Inconclusive,
        other(
            "a service with a method login",
            "",
            &[(
                "\"login\"",
                "{\"id\":1,\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32000,\"message\":\"Invalid login\"}}\n",
            )],
            UNKNOWN,
        ),
    ),
    (
        ProbeVerdict::Inconclusive,
        other(
            "a service with e-mail addresses for logins",
            "",
            &[(
                "\"login\"",
                "{\"id\":1,\"error\":{\"code\":1,\"message\":\"Invalid address: not an e-mail\"}}\n",
            )],
            UNKNOWN,
        ),
    ),
    (
        ProbeVerdict::Inconclusive,
        other(
            "a service that lets nobody in",
            "",
            &[],
            "{\"id\":1,\"jsonrpc\":\"2.0\",\"error\":{\"code\":-1,\"message\":\"Unauthenticated\"}}\n",
        ),
    ),
    (
        ProbeVerdict::Inconclusive,
        other(
            "a service that wants a login first",
            "",
            &[],
            "{\"id\":1,\"jsonrpc\":\"2.0\",\"error\":{\"code\":-1,\"message\":\"Invalid login\"}}\n",
        ),
    ),
    (
        ProbeVerdict::Inconclusive,
        other(
            "a service that quotes the method it doesn't know",
            "",
            &[
                ("mining.subscribe", "{\"id\":1,\"result\":true}\n"),
                ("mining.authorize", "{\"id\":2,\"error\":\"unknown method mining.authorize\"}\n"),
            ],
            "{\"id\":1,\"error\":\"unknown method\"}\n",
        ),
    ),
    (
        ProbeVerdict::Inconclusive,
        other(
            "a service that tells everybody at length that it wants a wallet address",
            "",
            &[],
            "{\"id\":1,\"error\":{\"code\":-1,\"message\":\"Invalid login: give your wallet address and a signature made \
             with its key, or ask the desk that has handed out this address for the password of the day\"}}\n",
        ),
    ),
    (
        ProbeVerdict::Inconclusive,
        other(
            "a service that wants a token",
            "",
            &[],
            "{\"id\":1,\"error\":{\"code\":401,\"message\":\"Unauthorized\"}}\n",
        ),
    ),
    (
        ProbeVerdict::Inconclusive,
        other(
            "a queue whose jobs have blobs",
            "",
            &[],
            "{\"id\":1,\"result\":{\"status\":\"OK\",\"id\":\"4711\"}}\n",
        ),
    ),
    (
        ProbeVerdict::Inconclusive,
        other(
            "a JSON-RPC server with bare errors",
            "",
            &[],
            "{\"result\":null,\"error\":\"unknown command\",\"id\":1}\n",
        ),
    ),
    (
        ProbeVerdict::Inconclusive,
        other(
            "a JSON-RPC server that writes its errors as Stratum does",
            "",
            &[],
            "{\"id\":1,\"result\":null,\"error\":[20,\"Not supported.\",null]}\n",
        ),
    ),
    (
        ProbeVerdict::Inconclusive,
        other(
            "a service that writes its errors as Stratum does, and quotes the method",
            "",
            &[
                ("mining.subscribe", "{\"id\":1,\"error\":[20,\"Unknown method mining.subscribe\",null]}\n"),
                ("server.version", "{\"id\":1,\"error\":[20,\"Unknown method server.version\",null]}\n"),
            ],
            "{\"id\":1,\"error\":[20,\"Unknown method\",null]}\n",
        ),
    ),
    (
        ProbeVerdict::Inconclusive,
        other(
            "a service with a method login, and with errors as Stratum has them",
            "",
            &[("\"login\"", "{\"id\":1,\"result\":null,\"error\":[20,\"Wrong password\",null]}\n")],
            UNKNOWN,
        ),
    ),
    (
        ProbeVerdict::Inconclusive,
        other(
            "a service that takes any subscription, and has errors as Stratum has them",
            "",
            &[("subscribe", "{\"id\":1,\"result\":true,\"error\":null}\n")],
            "{\"id\":1,\"result\":null,\"error\":[20,\"Not supported.\",null]}\n",
        ),
    ),
    (
        ProbeVerdict::Inconclusive,
        other(
            "a WebSocket's server that writes its errors as Stratum does",
            "",
            &[
                (
                    "Upgrade: websocket",
                    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
                ),
                ("{", "WS:{\"id\":1,\"result\":null,\"error\":[20,\"Not supported.\",null]}"),
            ],
            "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
        ),
    ),
    (
        ProbeVerdict::Inconclusive,
        other(
            "JSON lines of something else",
            "{\"type\":\"hello\",\"version\":3}\n",
            &[],
            "{\"type\":\"error\",\"text\":\"what?\"}\n",
        ),
    ),
    (
        ProbeVerdict::Inconclusive,
        other(
            "cgminer's API",
            "",
            &[],
            "{\"STATUS\":[{\"STATUS\":\"E\",\"When\":1,\"Code\":14,\"Msg\":\"Invalid command\",\"Description\":\"cgminer 4.11\"}],\"id\":1}",
        ),
    ),
    (
        ProbeVerdict::Inconclusive,
        other(
            "QEMU's monitor",
            "{\"QMP\":{\"version\":{\"qemu\":{\"micro\":0,\"minor\":2,\"major\":7}},\"capabilities\":[]}}\r\n",
            &[],
            "{\"error\":{\"class\":\"GenericError\",\"desc\":\"QMP input member 'jsonrpc' is unexpected\"}}\r\n",
        ),
    ),
    (
        ProbeVerdict::NotPool,
        other(
            "a web server",
            "",
            &[],
            "HTTP/1.1 400 Bad Request\r\nServer: nginx\r\nContent-Length: 11\r\n\r\nBad Request",
        ),
    ),
    (
        ProbeVerdict::NotPool,
        other(
            "a pool's web site",
            "",
            &[(
                "GET / HTTP",
                "HTTP:<html><title>Mining Pool Online</title>Mining Pool Online. stratum+tcp://pool.example:3333</html>",
            )],
            "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
        ),
    ),
    (
        ProbeVerdict::Inconclusive,
        other(
            "a chat over WebSocket that quotes what it is told",
            "",
            &[
                (
                    "Upgrade: websocket",
                    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
                ),
                (
                    "{\"id\"",
                    "WS:{\"type\":\"message\",\"text\":\"{\\\"id\\\":1,\\\"method\\\":\\\"mining.notify\\\"}\"}",
                ),
            ],
            "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
        ),
    ),
    (ProbeVerdict::NotPool, other("SSH", "SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n", &[], "CLOSE")),
    (
        ProbeVerdict::NotPool,
        other("SMTP", "220 mail.example ESMTP Exim 4.96\r\n", &[], "500 unrecognized command\r\n"),
    ),
    (
        ProbeVerdict::NotPool,
        other("FTP", "220 (vsFTPd 3.0.3)\r\n", &[], "530 Please login with USER and PASS.\r\n"),
    ),
    (ProbeVerdict::NotPool, other("POP3", "+OK Dovecot ready.\r\n", &[], "-ERR Unknown command.\r\n")),
    (
        ProbeVerdict::NotPool,
        other(
            "IMAP",
            "* OK [CAPABILITY IMAP4rev1] Dovecot ready.\r\n",
            &[],
            "{\"id\":1 BAD Error in IMAP command\r\n",
        ),
    ),
    (
        ProbeVerdict::NotPool,
        other("IRC", "", &[], ":irc.example 451 * {\"id\":1} :Connection not registered\r\n"),
    ),
    (
        ProbeVerdict::NotPool,
        other(
            "XMPP",
            "",
            &[],
            "<?xml version='1.0'?><stream:stream><stream:error><not-well-formed/></stream:error></stream:stream>",
        ),
    ),
    (
        ProbeVerdict::NotPool,
        other(
            "Redis",
            "",
            &[],
            "-ERR unknown command '{\"id\":1,\"jsonrpc\":\"2.0\"', with args beginning with: \r\n",
        ),
    ),
    (ProbeVerdict::NotPool, other("memcached", "", &[], "ERROR\r\n")),
    (
        ProbeVerdict::NotPool,
        other(
            "NATS",
            "INFO {\"server_id\":\"x\",\"version\":\"2.10\"}\r\n",
            &[],
            "-ERR 'Unknown Protocol Operation'\r\n",
        ),
    ),
    (ProbeVerdict::NotPool, other("VNC", "RFB 003.008\n", &[], "CLOSE")),
    (ProbeVerdict::NotPool, other("rsync", "@RSYNCD: 31.0\n", &[], "@ERROR: protocol startup error\n")),
    (ProbeVerdict::NotPool, other("MySQL", "I\0\0\0\x0a8.0.36\0abcdefgh", &[], "CLOSE")),
    (ProbeVerdict::NotPool, other("AMQP", "", &[], "AMQP\0\0\x09\x01")),
    (ProbeVerdict::NotPool, other("NNTP", "200 news.example ready\r\n", &[], "500 What?\r\n")),
    (ProbeVerdict::NotPool, other("MPD", "OK MPD 0.23.5\n", &[], "ACK [5@0] {} unknown command\n")),
    (ProbeVerdict::NotPool, other("an echo service", "", &[], "ECHO")),
    (ProbeVerdict::NotPool, other("MQTT", "", &[("MQTT", " \u{2}\0\0")], "CLOSE")),
    (ProbeVerdict::NotPool, other("MQTT that lets nobody in", "", &[("MQTT", " \u{2}\0\u{5}")], "CLOSE")),
    (
        ProbeVerdict::Inconclusive,
        other("a service that closes on whatever it doesn't know", "", &[], "CLOSE"),
    ),
    (
        ProbeVerdict::NotPool,
        other(
            "a web server that finds a path no human could read",
            "",
            &[("GET /ws/", "HTTP:err: invalid human-readable part")],
            "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
        ),
    ),
    (
        ProbeVerdict::NotPool,
        other(
            "a web server that quotes the path it doesn't know",
            "",
            &[("GET /getwork/0/0 ", "HTTP:Invalid address: /getwork/0/0 for getwork server")],
            "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
        ),
    ),
    (
        ProbeVerdict::Inconclusive,
        other(
            "a chat over WebSocket that wants a registration",
            "",
            &[
                (
                    "Upgrade: websocket",
                    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
                ),
                ("{", "WS:{\"type\":\"error\",\"reason\":\"registration required\"}"),
            ],
            "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
        ),
    ),
    (ProbeVerdict::Inconclusive, other("a discard service", "", &[], "")),
    (
        ProbeVerdict::Inconclusive,
        other("a bug tracker's line", "", &[], "Unknown command {\"method\":\"mining.notify\"}\n"),
    ),
];

#[test]
fn nothing_else_is_taken_for_a_pool() {
    let failures: Vec<String> = std::thread::scope(|scope| {
        let probes: Vec<_> = OTHERS
            .iter()
            .map(|(expected, model)| {
                scope.spawn(move || {
                    let server = Server::of(*model);
                    let outcome = probe(server.addr, TlsChoice::Plain);
                    println!(
                        "{:50} {:?} {} ({} connections, {} bytes)",
                        model.name,
                        outcome.verdict,
                        outcome.evidence,
                        server.connections(),
                        server.told()
                    );
                    let right = outcome.verdict == *expected && server.told() <= PROBE_SEND_BYTES;
                    (!right).then(|| format!("{}: {} bytes, {outcome:?}", model.name, server.told()))
                })
            })
            .collect();
        probes.into_iter().filter_map(|probe| probe.join().expect("no panic")).collect()
    });
    assert!(failures.is_empty(), "{failures:#?}");
}
