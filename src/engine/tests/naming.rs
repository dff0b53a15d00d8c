//! Names by which clients call their servers.

use super::*;

/// A ClientHello for `pool.example`, with a key share of the post-quantum size before it: two segments.
pub(super) fn client_hello() -> Vec<u8> {
    let name = b"\0\0\0\x11\0\x0f\0\0\x0cpool.example";
    let share = [&[0, 51][..], &1_263u16.to_be_bytes(), &[7; 1_263]].concat();
    let extensions = [&share[..], name].concat();
    let mut hello = vec![3, 3];
    hello.extend([9; 32]);
    hello.extend([0, 0, 2, 0x13, 1, 1, 0]);
    hello.extend((extensions.len() as u16).to_be_bytes());
    hello.extend(extensions);
    let message = [&[1, 0][..], &(hello.len() as u16).to_be_bytes(), &hello].concat();
    [&[22, 3, 1][..], &(message.len() as u16).to_be_bytes(), &message].concat()
}

impl Bench {
    fn name_of(&self, client: IpAddr, server: &Endpoint) -> Option<&str> {
        self.engine.pipeline.names.find(client, server).map(|name| &name[..])
    }
}

fn server() -> Endpoint {
    Endpoint::new(POOL.into(), 3333)
}

#[test]
fn the_name_in_a_client_hello_of_two_segments_is_remembered() {
    let mut bench = Bench::new("");
    bench.connect();
    let hello = client_hello();
    let (first, second) = hello.split_at(1_200);
    assert_eq!(bench.send(UP, first), WATCH);
    assert_eq!(bench.name_of(HOST.into(), &server()), None);
    assert_eq!(bench.engine.reassembly().in_use(), 1);
    assert_eq!(bench.send(UP, second), WATCH);
    assert_eq!(bench.name_of(HOST.into(), &server()), Some("pool.example"));
    assert_eq!(bench.engine.reassembly().waiting(), 0, "nothing waits once the name is known");
    let stranger = Ipv4Addr::new(192, 168, 1, 51);
    assert_eq!(bench.name_of(stranger.into(), &server()), None);
}

#[test]
fn an_event_says_what_the_server_was_called() {
    let mut bench = Bench::new("");
    bench.connect();
    let body = "{\"method\":\"getblocktemplate\",\"params\":[{\"capabilities\":[\"coinbasetxn\"]}],\"id\":0}";
    let head = "POST / HTTP/1.1\r\nHost: node.example:3333\r\nUser-Agent: bfgminer/5.5\r\nX-Mining-Extensions: longpoll\r\n";
    bench.send(UP, format!("{head}Content-Length: {}\r\n\r\n{body}", body.len()).as_bytes());
    let event = bench.event().expect("mining");
    assert_eq!((&event.server_name[..], event.tls), ("node.example", Some(false)));
}

#[test]
fn names_inside_a_tunnel_are_not_the_proxys() {
    let mut bench = Bench::new("");
    bench.connect();
    bench.send(UP, b"CONNECT far.example:443 HTTP/1.1\r\nHost: far.example:443\r\n\r\n");
    bench.send(DOWN, b"HTTP/1.1 200 OK\r\n\r\n");
    bench.send(UP, &client_hello());
    assert_eq!(bench.name_of(HOST.into(), &server()), None);
}
