//! Fuzz targets: functions that take any bytes and panic where a promise is broken.
//!
//! `tests/fuzz` runs them: `run.rs` with mutated seeds on any compiler (a part of `make test`), `fuzz_targets` with
//! libFuzzer and coverage (`make fuzz`). A new target is one entry of [`TARGETS`] and a folder of seeds.

mod files;
mod flow_table;
mod packets;
mod parsers;
mod probe;
mod sessions;
mod wire;

/// A fuzz target.
#[derive(Clone, Copy, Debug)]
pub struct FuzzTarget {
    /// Name of the target and of its folder of seeds.
    pub name: &'static str,
    /// Takes any input.
    ///
    /// # Panics
    /// If a promise is broken.
    pub run: fn(&[u8]),
}

const fn target(name: &'static str, run: fn(&[u8])) -> FuzzTarget {
    FuzzTarget { name, run }
}

/// Every fuzz target.
pub const TARGETS: [FuzzTarget; 16] = [
    target("packets", packets::packets),
    target("sessions", sessions::sessions),
    target("flow_table", flow_table::flow_table),
    target("signatures", sessions::signatures),
    target("json", parsers::json),
    target("dns", parsers::dns),
    target("client_hello", parsers::client_hello),
    target("framing", parsers::framing),
    target("names", parsers::names),
    target("probe", probe::probe),
    target("control", files::control),
    target("config", files::config),
    target("lists", files::lists),
    target("model", files::model),
    target("capture", files::capture),
    target("reputation", files::reputation),
];

/// Runs the target of that name on `input`; nothing if there is none.
pub fn run(name: &str, input: &[u8]) {
    if let Some(target) = TARGETS.iter().find(|target| target.name == name) {
        (target.run)(input);
    }
}
