//! Servers that are no pool, by responses of their protocols.

use crate::dpi::Answer;
use crate::dpi::signatures::Dialect;
use crate::parse::tree::Value;
use crate::probe::question::Question;

/// The whole body of the page that a pool's Stratum port shows: nodejs-pool and its heirs; P2Pool.
const POOL_PAGES: [(&[u8], Dialect); 2] =
    [(b"Mining Pool Online", Dialect::CryptoNote), (b"P2Pool Stratum online", Dialect::P2pool)];

/// Refusal of Dero's getwork server for the address in our path.
const DERO_REFUSAL: &[u8] = b"err: invalid human-readable part :  != void";

/// Refusal of Xelis's node for the address in our path, in the status line or as the page.
const XELIS_REFUSAL: &[u8] = b"Invalid miner address for getwork server";

/// First bytes of a server, and its protocol.
const BANNERS: [(&[u8], &str); 30] = [
    (b"SSH-", "SSH"),
    (b"220 ", "SMTP or FTP"),
    (b"220-", "SMTP or FTP"),
    (b"421 ", "SMTP or FTP"),
    (b"500 ", "SMTP or FTP"),
    (b"502 ", "SMTP or FTP"),
    (b"554 ", "SMTP or FTP"),
    (b"+OK ", "POP3"),
    (b"* OK", "IMAP"),
    (b"* BYE", "IMAP"),
    (b"OK MPD", "MPD"),
    (b"200 ", "NNTP"),
    (b"201 ", "NNTP"),
    (b":", "IRC"),
    (b"NOTICE ", "IRC"),
    (b"ERROR :", "IRC"),
    (b"<?xml", "XMPP"),
    (b"<stream:", "XMPP"),
    (b"-ERR", "Redis or POP3"),
    (b"-NOAUTH", "Redis"),
    (b"-DENIED", "Redis"),
    (b"ERROR\r\n", "memcached"),
    (b"UNKNOWN_COMMAND\r\n", "beanstalkd"),
    (b"INFO {", "NATS"),
    (b"RFB 00", "VNC"),
    (b"@RSYNCD:", "rsync"),
    (b"AMQP\x00", "AMQP"),
    (b"ESFATAL", "PostgreSQL"),
    (b"PRI * HTTP/2", "HTTP/2"),
    (b"E\x00\x00\x00", "PostgreSQL"),
];

/// Protocol of the server, by its first bytes.
pub(super) fn banner(bytes: &[u8]) -> Option<&'static str> {
    // A colon may begin anything; of Stratum V2's random bytes, one answer in 256.
    let is_text = bytes.iter().take(16).filter(|byte| !byte.is_ascii()).count() == 0;
    if let Some((_, kind)) = BANNERS.iter().find(|(banner, _)| is_text && bytes.starts_with(banner)) {
        return Some(kind);
    }
    match bytes {
        // Telnet: IAC and a negotiation (RFC 854).
        [0xff, 0xfb..=0xfe, 0..=50, ..] => Some("Telnet"),
        // HTTP/2: SETTINGS on stream 0 (RFC 9113 section 6.5).
        [0, 0, _, 4, 0 | 1, 0, 0, 0, 0, ..] => Some("HTTP/2"),
        // MySQL: length, sequence number 0, protocol 10 and a version, or an error.
        [_, _, 0, 0, 10, b'0'..=b'9', ..] | [_, _, 0, 0, 0xff, _, 4, ..] => Some("MySQL"),
        // BGP or LDAP: a marker of sixteen ones; a notice of disconnection (RFC 4511 section 4.4.1).
        [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, ..] => Some("BGP"),
        [0x30, _, 0x02, 0x01, 0x00, 0x78, ..] => Some("LDAP"),
        _ => None,
    }
}

/// An alert of TLS (RFC 8446 section 6), or a web server's complaint that there is none.
pub(super) fn wants_tls(bytes: &[u8]) -> bool {
    let is_alert = matches!(bytes, [21, 3, 0..=4, 0, 2, 1 | 2, ..]);
    let complaints: [&[u8]; 3] = [
        b"plain HTTP request was sent to HTTPS port",
        b"HTTP request to an HTTPS server",
        b"speaking plain HTTP to an SSL-enabled server port",
    ];
    let complains = |words: &&[u8]| bytes.windows(words.len()).any(|window| window == *words);
    is_alert || (bytes.starts_with(b"HTTP/") && complaints.iter().any(complains))
}

/// The body of `bytes`, an HTTP response, if it is a pool's page and nothing else.
pub(super) fn pool_page(question: Question, bytes: &[u8]) -> Option<(&'static [u8], Dialect)> {
    let work = Dialect::GetworkWebSocket;
    let status = bytes.split(|&byte| byte == b'\r').next().unwrap_or_default();
    let is_xelis = matches!(question, Question::WebSocketXelis | Question::XelisWork);
    if is_xelis && status.ends_with(XELIS_REFUSAL) {
        return Some((XELIS_REFUSAL, work));
    }
    let body = body(bytes)?.trim_ascii();
    // Dero's words for an address of another network, which no other software looks for in a path.
    if matches!(question, Question::WebSocketWork | Question::Work) && body == DERO_REFUSAL {
        return Some((DERO_REFUSAL, work));
    }
    if is_xelis && body == XELIS_REFUSAL {
        return Some((XELIS_REFUSAL, work));
    }
    POOL_PAGES.into_iter().find(|(page, _)| *page == body)
}

/// The protocol that is no mining and that `question` is about, and whether `bytes` are its answer.
pub(super) fn answer(question: Question, bytes: &[u8]) -> Option<(&'static str, Answer)> {
    let (protocol, is_answer) = match question {
        // CONNACK (MQTT 3.1.1 section 3.2).
        Question::Mqtt => ("MQTT", bytes.get(..4).map(|head| matches!(head, [0x20, 2, 0 | 1, 0..=5]))),
        // The same number, and the bit of a response (RFC 1035 section 4.1.1).
        Question::Dns => {
            ("DNS", bytes.get(..5).map(|head| matches!(head, [_, _, b'm', b'w', flags] if flags & 0x80 != 0)))
        }
        // One letter: it speaks TLS or doesn't.
        Question::Postgres => ("PostgreSQL", (!bytes.is_empty()).then_some(matches!(bytes, b"S" | b"N"))),
        // BindResponse number 1 (RFC 4511 section 4.2.2).
        Question::Ldap => ("LDAP", bytes.get(..6).map(|head| matches!(head, [0x30, _, 2, 1, 1, 0x61]))),
        _ => return None,
    };
    let answer = match is_answer {
        Some(true) => Answer::Match,
        Some(false) => Answer::NoMatch,
        None => Answer::NeedMore,
    };
    Some((protocol, answer))
}

/// A node's RPC port, told by the head of its refusal.
pub(super) fn node_page(bytes: &[u8]) -> Option<&'static [u8]> {
    let head = bytes.strip_suffix(body(bytes)?)?;
    let realm: &[u8] = b"Basic realm=\"jsonrpc\"";
    head.windows(realm.len()).any(|window| window == realm).then_some(b"Bitcoin node: asks for its password")
}

/// Behind the blank line; some pools end lines with a bare LF.
fn body(bytes: &[u8]) -> Option<&[u8]> {
    let after = |end: &[u8]| {
        let at = bytes.windows(end.len()).position(|window| window == end)?;
        bytes.get(at + end.len()..)
    };
    after(b"\r\n\r\n").or_else(|| after(b"\n\n"))
}

/// JSON-RPC services that say what they are.
pub(super) fn service(question: Question, root: Value<'_>) -> Option<&'static [u8]> {
    let result = root.get("result");
    let starts =
        |value: Option<Value<'_>>, test: fn(&[u8]) -> bool| value.is_some_and(|value| value.holds(test));
    match question {
        // Software and version of the protocol (Electrum protocol, server.version).
        Question::Electrum
            if result.is_some_and(|result| result.len() == 2)
                && starts(result.and_then(|result| result.item(1)), |text| text.starts_with(b"1.")) =>
        {
            return Some(b"Electrum server: server.version answered");
        }
        // "Geth/v1.13.15-stable/linux-amd64/go1.21.6" and its like.
        Question::Node | Question::NodeHttp if starts(result, |text| text.contains(&b'/')) => {
            return Some(b"Ethereum node: web3_clientVersion answered");
        }
        _ => {}
    }
    let method = root.get("method");
    if question != Question::Electrum
        && starts(method, |name| name.starts_with(b"blockchain.") || name.starts_with(b"server."))
    {
        return Some(b"Electrum server: a notification of its protocol");
    }
    // The words of go-ethereum and its heirs.
    let message = root.get("error").and_then(|error| error.get("message"));
    if starts(message, |text| {
        text.starts_with(b"the method ") && text.ends_with(b"does not exist/is not available")
    }) {
        return Some(b"Ethereum node: go-ethereum's words for an unknown method");
    }
    None
}
