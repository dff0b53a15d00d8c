//! `minewall probe`: a person asks a server, be it a private one, whether it is a pool.

use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;
use std::time;

use minewall::config::{self, Config};
use minewall::dpi::Wire;
use minewall::dpi::signatures::Dialect;
use minewall::net::endpoint::Endpoint;
use minewall::probe::hint::Hints;
use minewall::probe::transport::Dialler;
use minewall::probe::{Outcome, ProbeVerdict, Target, TlsChoice, Transport, resolve};
use minewall::util::time::Instant;
use pico_args::Arguments;

/// Runs the command.
pub fn run(arguments: Arguments) -> ExitCode {
    match probe(arguments) {
        Ok(verdict) => ExitCode::from(verdict as u8),
        Err(error) => {
            eprintln!("minewall: probe: {error}");
            ExitCode::from(STATUS_NO_PROBE)
        }
    }
}

fn probe(mut arguments: Arguments) -> Result<ProbeVerdict, String> {
    let config = super::config_path(&mut arguments)?;
    let json = arguments.contains("--json");
    let layers = [("--tls", TlsChoice::Tls), ("--plain", TlsChoice::Plain), ("--auto", TlsChoice::Auto)];
    let given: Vec<TlsChoice> = layers
        .into_iter()
        .filter(|(option, _)| arguments.contains(*option))
        .map(|(_, layer)| layer)
        .collect();
    let layer = match given[..] {
        [] => TlsChoice::Auto,
        [layer] => layer,
        _ => return Err("one of --tls, --plain and --auto".into()),
    };
    let sni: Option<String> = super::text_option(&mut arguments, "--sni")?;
    let operands = arguments.finish();
    let [operand] = &operands[..] else { return Err("HOST:PORT, and nothing else besides options".into()) };
    let operand = operand.to_str().filter(|text| !text.starts_with('-')).ok_or("HOST:PORT is wanted")?;
    // The mark matters only beside a running daemon, which has a configuration.
    let config = config::load(Path::new(&config)).map_or_else(|_| Config::default(), |loaded| loaded.config);
    let start = time::Instant::now();
    let outcome = ask(&config, operand, layer, sni)?;
    let elapsed_ms = start.elapsed().as_millis() as u32;
    let text = if json { outcome.to_json(operand, elapsed_ms) + "\n" } else { sentence(operand, &outcome) };
    super::show(&text)?;
    Ok(outcome.verdict)
}

/// Asks the server at `operand`, `HOST:PORT`; takes up to
/// [`PROBE_TOTAL_WAIT`](minewall::limits::PROBE_TOTAL_WAIT).
pub(super) fn ask(
    config: &Config,
    operand: &str,
    layer: TlsChoice,
    sni: Option<String>,
) -> Result<Outcome, String> {
    if layer == TlsChoice::Tls && cfg!(not(feature = "tls")) {
        return Err("this program was built without TLS".into());
    }
    let (server, name) = resolve(operand)?;
    let sni = sni.or(name);
    let hints = Hints::new(None, Wire::default(), sni.as_deref().unwrap_or_default(), server.port());
    let target = Target { server: Endpoint::new(server.ip(), server.port()), layer, sni, hints };
    let start = time::Instant::now();
    let now = || Instant::from_micros(start.elapsed().as_micros() as u64);
    Ok(Dialler::new(config.mark.own()).probe(&target, now))
}

/// The address of `HOST:PORT`, and the name if it is one.
fn resolve(operand: &str) -> Result<(SocketAddr, Option<String>), String> {
    if let Ok(server) = operand.parse() {
        return Ok((server, None));
    }
    let (name, port) = operand.rsplit_once(':').ok_or_else(|| format!("'{operand}' is no HOST:PORT"))?;
    let port: u16 = port.parse().map_err(|_| format!("'{port}' is no port"))?;
    let addr = resolve::address(name).map_err(|error| format!("'{name}': {error}"))?;
    Ok((SocketAddr::new(addr, port), Some(name.to_owned())))
}

fn sentence(operand: &str, outcome: &Outcome) -> String {
    let Outcome { verdict, dialect, transport, evidence } = outcome;
    let what = match verdict {
        ProbeVerdict::Pool => format!("a pool that speaks {}", dialect.map_or("mining", Dialect::name)),
        ProbeVerdict::NotPool => "not a pool".into(),
        ProbeVerdict::Inconclusive => "inconclusive".into(),
    };
    let over = transport.map_or(String::new(), |transport| format!(" over {}", Transport::name(transport)));
    format!("{operand}: {what}{over}: {evidence}\n")
}

const STATUS_NO_PROBE: u8 = 3;
