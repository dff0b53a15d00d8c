//! `minewall probe`.

use std::process::{Command, Output};

use crate::pools::POOLS;
use crate::server::{Model, Server};

fn minewall(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_minewall")).arg("probe").args(arguments).output().expect("it runs")
}

#[test]
fn exit_status_and_json_tell_the_outcome() {
    let pool = *POOLS.iter().find(|model| model.name == "nodejs-pool").expect("a pool");
    let web = Model { otherwise: "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", ..silent() };
    let closed = Model { otherwise: "CLOSE", ..silent() };
    for (model, status, outcome, dialect) in [
        (pool, 0, "pool", "\"cryptonote\""),
        (web, 1, "not_pool", "null"),
        (closed, 2, "inconclusive", "null"),
    ] {
        let server = Server::of(model);
        let endpoint = server.addr.to_string();
        let output = minewall(&[&endpoint, "--plain", "--json"]);
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        assert_eq!(output.status.code(), Some(status), "{text}");
        let begins =
            format!("{{\"endpoint\":\"{endpoint}\",\"outcome\":\"{outcome}\",\"dialect\":{dialect},");
        assert!(text.starts_with(&begins) && text.ends_with("}\n"), "{text}");
        assert!(text.contains("\"elapsed_ms\":"), "{text}");
    }
}

#[test]
fn without_a_probe_there_is_a_status_of_its_own() {
    for arguments in [
        &[][..],
        &["127.0.0.1"],
        &["127.0.0.1:99999"],
        &["no.such.host.invalid:1"],
        &["--tls", "--plain", "127.0.0.1:1"],
        &["127.0.0.1:1", "127.0.0.1:2"],
        &["--unknown", "127.0.0.1:1"],
    ] {
        let output = minewall(arguments);
        assert_eq!(output.status.code(), Some(3), "{arguments:?}");
        assert!(output.stdout.is_empty() && !output.stderr.is_empty(), "{arguments:?}");
    }
}

fn silent() -> Model {
    Model { name: "", dialect: "", greeting: "", answers: &[], otherwise: "" }
}
