//! Compiles the built-in signatures into tables, so that a router reads none at its start, and shortens the
//! built-in lists.

use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs};

#[allow(dead_code, reason = "the program uses the rest")]
#[path = "src/dpi/signatures/compile/mod.rs"]
mod compile;
#[allow(dead_code, reason = "the program uses the rest")]
#[path = "src/parse/words.rs"]
mod words;

use compile::program::Program;
use words::Words;

const FOLDER: &str = "src/dpi/signatures";
const LISTS: &str = "src/intel/builtin";

/// 2026-11-01, for builds that name no time.
const RELEASED: u64 = 1_793_491_200;

/// Time of the program (`CLOCK_SET_FROM`): of the sources, as the packages' builds say it, so that the same sources give
/// the same bytes.
fn built() -> u64 {
    env::var("SOURCE_DATE_EPOCH")
        .map_or(RELEASED, |seconds| seconds.parse().expect("SOURCE_DATE_EPOCH is a number"))
}

fn main() {
    println!("cargo::rerun-if-env-changed=SOURCE_DATE_EPOCH");
    println!("cargo::rustc-env=MINEWALL_BUILT={}", built());
    println!("cargo::rerun-if-changed={FOLDER}");
    println!("cargo::rerun-if-changed=src/parse/words.rs");
    let mut compiler = compile::Compiler::new(None);
    compiler.know(&compile::WORDS_OF_READERS);
    let mut paths: Vec<_> =
        fs::read_dir(FOLDER).expect("the folder is there").map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "sig"));
    paths.sort();
    for path in &paths {
        let text = fs::read_to_string(path).expect("a readable signature");
        if let Err(fault) = compiler.add(&text) {
            panic!("{}:{}: {}", path.display(), fault.line, fault.reason);
        }
    }
    let (program, words) = compiler.build();
    let mut text = String::new();
    write_words(&mut text, &words);
    write_program(&mut text, &program);
    let out = env::var_os("OUT_DIR").expect("cargo says where");
    fs::write(Path::new(&out).join("signatures.rs"), text).expect("a place to write");
    for list in ["pools.txt", "shared.txt"] {
        println!("cargo::rerun-if-changed={LISTS}/{list}");
        let text = fs::read_to_string(Path::new(LISTS).join(list)).expect("a readable list");
        fs::write(Path::new(&out).join(list), shortened(&text)).expect("a place to write");
    }
}

/// A list without comments and blank lines. The two lines of a host that is blocked at all ports but the web's
/// and a suspect there become one, its name.
fn shortened(list: &str) -> String {
    let mut lines =
        list.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).peekable();
    let mut short = String::new();
    while let Some(line) = lines.next() {
        let host = line.strip_suffix(":nonweb block");
        match host.filter(|host| lines.next_if(|next| next.strip_suffix(" suspect") == Some(host)).is_some())
        {
            Some(host) => short.extend([host, "\n"]),
            None => short.extend([line, "\n"]),
        }
    }
    short
}

fn write_words(out: &mut String, words: &Words) {
    writeln!(
        out,
        "pub(crate) static WORDS: Words = Words {{ base: None, text: Cow::Borrowed(b\"{}\"), \
         ends: Cow::Borrowed(&{:?}), slots: Cow::Borrowed(&{:?}) }};",
        words.text.escape_ascii(),
        words.ends,
        words.slots
    )
    .expect("text");
}

fn write_program(out: &mut String, program: &Program) {
    // Debug's form of these types is Rust.
    let rules =
        format!("{:?}", program.rules).replace("role: ", "role: Role::").replace("phase: ", "phase: Phase::");
    writeln!(
        out,
        "pub(crate) static PROGRAM: Program = Program {{ dialects: Cow::Borrowed(&{:?}), rules: Cow::Borrowed(&{rules}), \
         with_method: {}, with_pattern: {}, pivots: Cow::Borrowed(&{:?}), code: Cow::Borrowed(&{:?}), ends: Cow::Borrowed(&{:?}), \
         text: Cow::Borrowed(b\"{}\"), names: Cow::Borrowed(&{:?}), ports: Cow::Borrowed(&{:?}), asks: Cow::Borrowed(&{:?}), \
         questions: Cow::Borrowed(&{:?}), sends: Cow::Borrowed(&{:?}) }};",
        program.dialects,
        program.with_method,
        program.with_pattern,
        program.pivots,
        program.code,
        program.ends,
        program.text.escape_ascii(),
        program.names,
        program.ports,
        program.asks,
        program.questions,
        program.sends
    )
    .expect("text");
    writeln!(out, "#[allow(non_upper_case_globals, dead_code, reason = \"they are named like the variants of an enumeration\")]\nimpl Dialect {{").expect("text");
    for (at, dialect) in program.dialects.iter().enumerate() {
        let name = program.str(dialect.name);
        let constant =
            OTHER_CONSTANTS.iter().find(|(of, _)| *of == name).map(|(_, constant)| (*constant).to_owned());
        let constant = constant.unwrap_or_else(|| name.split('-').map(capitalised).collect());
        writeln!(
            out,
            "/// {}\npub const {constant}: Dialect = Dialect::built_in({});",
            program.str(dialect.about),
            at + 1
        )
        .expect("text");
    }
    writeln!(out, "}}").expect("text");
}

/// Dialects whose constants have capitals that the name doesn't show.
const OTHER_CONSTANTS: [(&str, &str); 8] = [
    ("ironfish", "IronFish"),
    ("cryptonote", "CryptoNote"),
    ("cryptonote-self-select", "SelfSelect"),
    ("eth-getwork", "EthGetWork"),
    ("getblocktemplate", "GetBlockTemplate"),
    ("coinhive", "CoinHive"),
    ("webminerpool", "WebMinerPool"),
    ("getwork-websocket", "GetworkWebSocket"),
];

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
}
