//! A web page in the browser of an innocent host.

use std::net::SocketAddr;

use super::{Crowd, House};
use crate::daemon::Daemon;
use crate::net::{HOME, SERVERS, ip};

/// Attack d: a page has a browser send a miner's requests, over both families, more than the table holds. The browser's
/// host is not accused, and miners are caught beside it.
#[test]
fn a_web_page_makes_no_browser_a_miner() {
    let Some(house) = House::new() else { return };
    let daemon = Daemon::start(&house.net, "option max_flows 1024\n");
    let crowds = SERVERS.map(|server| {
        let at = SocketAddr::new(ip(server), 8_080);
        Crowd::open(&house.net.home, &house.net.internet, at, 1_000, |number| request(at, number))
    });
    house.catches_miners(6, "beside the page");
    let events = daemon.events();
    for home in HOME {
        assert!(!events.contains(&format!("\"client\":\"{home}\"")), "{home} is accused: {events}");
    }
    drop(crowds);
}

/// A request that a page can make a browser send (Fetch standard: simple requests have a body of text/plain).
fn request(at: SocketAddr, number: usize) -> Vec<u8> {
    let (path, body) = match number % 4 {
        0 => (
            "/0x?miner=0x00",
            r#"{"id":1,"jsonrpc":"2.0","method":"eth_submitLogin","params":["0x0000000000000000000000000000000000000000"]}"#,
        ),
        1 => ("/0x", r#"{"id":1,"jsonrpc":"2.0","method":"eth_getWork","params":[]}"#),
        2 => (
            "/json_rpc",
            r#"{"id":1,"jsonrpc":"2.0","method":"getblocktemplate","params":{"wallet_address":"44AFFq5kSiGBoZ4NMDwYtN18obc8AemS33DBLWs3H7otXft3XjrpDtQGv7SqSsaBYBb98uNbr2VBBEt7f2wfn3RVGQBEP3A","reserve_size":8}}"#,
        ),
        _ => (
            "/",
            r#"{"id":1,"method":"getblocktemplate","params":[{"capabilities":["coinbasetxn","workid","coinbase/append"],"rules":["segwit"]}]}"#,
        ),
    };
    format!(
        "POST {path} HTTP/1.1\r\nHost: {at}\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n\
         Content-Type: text/plain;charset=UTF-8\r\nOrigin: http://page.example\r\nReferer: http://page.example/\r\n\
         Sec-Fetch-Mode: no-cors\r\nSec-Fetch-Site: cross-site\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}
