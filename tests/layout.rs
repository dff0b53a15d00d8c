//! The layout of the source: layers, and the sizes of files and functions.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// A source file, its path below `src`, and its text without comments.
struct Source {
    path: String,
    text: String,
}

impl Source {
    /// The layer that the file is part of: `dpi` for `dpi.rs` and `dpi/finding.rs`.
    fn layer(&self) -> &str {
        let first = self.path.split('/').next().unwrap_or_default();
        first.strip_suffix(".rs").unwrap_or(first)
    }

    /// Whether the file belongs to tests alone, which may play a layer with the help of a higher one.
    fn is_test(&self) -> bool {
        self.path.split('/').any(|part| part == "tests" || part == "tests.rs")
    }

    /// Layers that the file imports: the first name behind each `crate::`.
    fn imports(&self) -> BTreeSet<&str> {
        // A unit test at the end of a file may play it, too.
        let text = self.text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        let name = |rest: &str| rest.find(|next: char| !is_name(next)).unwrap_or(rest.len());
        text.split("crate::").skip(1).map(|rest| &rest[..name(rest)]).collect()
    }
}

fn is_name(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = Vec::new();
    collect(&root, &mut paths);
    paths.sort();
    assert!(paths.len() > 100, "{} files", paths.len());
    let without_comments = |text: &str| {
        let lines = text.lines().map(|line| line.split("//").next().unwrap_or_default());
        lines.flat_map(|line| [line, "\n"]).collect::<String>()
    };
    paths
        .iter()
        .map(|path| Source {
            path: path.strip_prefix(&root).unwrap().to_str().unwrap().into(),
            text: without_comments(&fs::read_to_string(path).unwrap()),
        })
        .collect()
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, paths);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            paths.push(path);
        }
    }
}

/// The layers from the lowest to the highest, as `src/lib.rs` declares them.
fn layers(sources: &[Source]) -> Vec<&str> {
    let map = sources.iter().find(|source| source.path == "lib.rs").unwrap();
    map.text
        .lines()
        .filter_map(|line| {
            line.strip_prefix("pub ")
                .or(line.strip_prefix("pub(crate) "))?
                .strip_prefix("mod ")?
                .strip_suffix(';')
        })
        .collect()
}

/// The violations of the order `layers`, one a line.
fn violations(sources: &[Source], layers: &[&str]) -> Vec<String> {
    let rank = |layer: &str| layers.iter().position(|known| *known == layer);
    let mut found = Vec::new();
    for source in sources.iter().filter(|source| !source.is_test()) {
        let Some(own) = rank(source.layer()) else { continue };
        let above = |import: &&str| rank(import).is_some_and(|rank| rank > own);
        found.extend(
            source
                .imports()
                .into_iter()
                .filter(above)
                .map(|import| format!("src/{} imports `{import}`, a higher layer", source.path)),
        );
    }
    found
}

#[test]
fn no_layer_imports_a_higher_one() {
    let sources = sources();
    let layers = layers(&sources);
    assert!(layers.len() >= 15 && layers.contains(&"engine"), "{layers:?}");
    let found = violations(&sources, &layers);
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn an_import_of_a_higher_layer_is_found() {
    let source = |path: &str, text: &str| Source { path: path.into(), text: text.into() };
    let upward = source("parse/socks.rs", "use crate::dpi::Dpi;\n");
    let inline =
        source("net.rs", "fn now() -> crate::util::time::Instant {}\nfn dpi() -> crate::dpi::Dpi {}\n");
    let in_test =
        source("parse/http.rs", "use crate::net;\n#[cfg(test)]\nmod tests {\n    use crate::dpi;\n}\n");
    let test = source("parse/tests.rs", "use crate::dpi;\n");
    let found = violations(&[upward, inline, in_test, test], &["util", "net", "parse", "dpi"]);
    assert_eq!(
        found,
        ["src/parse/socks.rs imports `dpi`, a higher layer", "src/net.rs imports `dpi`, a higher layer"]
    );
}

/// Files of `src` with more lines than [`MOST_LINES`], and functions with more than [`MOST_FUNCTION_LINES`].
fn oversized(path: &str, text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    if lines.len() > MOST_LINES {
        found.push(format!("src/{path}: {} lines", lines.len()));
    }
    let mut open: Option<(usize, &str, String)> = None;
    for (number, line) in lines.iter().enumerate() {
        let code = line.trim_start();
        let indent = &line[..line.len() - code.len()];
        if let Some((start, at, name)) = &open {
            if indent == *at && (code == "}" || code.ends_with(';') && number == *start) {
                let length = number - start + 1;
                if length > MOST_FUNCTION_LINES {
                    found.push(format!("src/{path}: {name} has {length} lines"));
                }
                open = None;
            }
        } else if let Some((_, rest)) = code.split_once("fn ").filter(|(before, _)| {
            before.split(' ').all(|word| matches!(word, "" | "const" | "pub") || word.starts_with("pub("))
        }) {
            let name = rest.split(['(', '<']).next().unwrap_or_default();
            let is_whole = code.ends_with('}') || code.ends_with(';');
            open = (!is_whole).then(|| (number, indent, name.to_owned()));
        }
    }
    found
}

const MOST_LINES: usize = 400;
const MOST_FUNCTION_LINES: usize = 60;

#[test]
fn files_and_functions_are_short() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = Vec::new();
    collect(&root, &mut paths);
    let found: Vec<String> = paths
        .iter()
        .flat_map(|path| {
            let name = path.strip_prefix(&root).unwrap().to_str().unwrap();
            oversized(name, &fs::read_to_string(path).unwrap())
        })
        .collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
    let long = format!("fn long() {{\n{}}}\n", "    step();\n".repeat(MOST_LINES));
    assert_eq!(oversized("x.rs", &long), ["src/x.rs: 402 lines", "src/x.rs: long has 402 lines"]);
}

/// Names between backticks in the last cell of a table's rows, `-b` behind `name-a` for `name-b`.
fn named_tests(table: &str) -> Vec<String> {
    let rows = table.lines().filter(|line| line.starts_with("| ") || line.starts_with("|  "));
    let mut names: Vec<String> = Vec::new();
    for row in rows {
        let cell = row.trim_end_matches('|').rsplit('|').next().unwrap_or_default();
        let mut whole = "";
        for name in cell.split('`').skip(1).step_by(2) {
            if name.starts_with('-') {
                let (family, _) = whole.rsplit_once('-').expect("a name before");
                names.push(format!("{family}{name}"));
            } else {
                whole = name;
                names.push(name.into());
            }
        }
    }
    names
}

/// Rows of EVASION.md's tables that neither name a test nor say that nothing is seen.
fn untested(table: &str) -> Vec<&str> {
    let is_row = |line: &&str| line.starts_with("| ") && !line.starts_with("| what a miner does |");
    let is_tested = |row: &&str| {
        let happens = row.split('|').nth(2).unwrap_or_default();
        happens.contains("*not seen*") || !named_tests(row).is_empty()
    };
    table.lines().filter(is_row).filter(|row| !is_tested(row)).collect()
}

#[test]
fn what_a_miner_can_do_has_a_test_or_is_not_seen() {
    let document = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/EVASION.md");
    let table = fs::read_to_string(document).unwrap();
    let found = untested(&table);
    assert!(found.is_empty(), "{}", found.join("\n"));
    let rows = "| what a miner does | what happens | test |\n|---|---|---|\n| a | seen | all |\n| b | *not seen* | none |\n";
    assert_eq!(untested(rows), ["| a | seen | all |"]);
}

/// Each test that the tables of evasions and attacks name exists: as a file or folder, a dialogue or a function.
#[test]
fn tests_that_documents_name_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths = Vec::new();
    for folder in ["src", "tests"] {
        collect(&root.join(folder), &mut paths);
    }
    let code: String = paths.iter().map(|path| fs::read_to_string(path).unwrap()).collect();
    let dialogues: Vec<String> = fs::read_dir(root.join("tests/dialogues"))
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    let is_dialogue = |name: &str| match name.strip_suffix('*') {
        Some(start) if start.starts_with('*') => false,
        Some(start) => dialogues.iter().any(|known| known.starts_with(start)),
        None => match name.strip_prefix('*') {
            Some(end) => dialogues.iter().any(|known| known.ends_with(end)),
            None => dialogues.iter().any(|known| known == name),
        },
    };
    let mut missing = Vec::new();
    for (document, least) in [("tests/EVASION.md", 60), ("tests/live/attacks/README.md", 40)] {
        let path = root.join(document);
        let names = named_tests(&fs::read_to_string(&path).unwrap());
        assert!(names.len() >= least, "{document} names {}", names.len());
        let is_there = |name: &String| {
            root.join(name).exists()
                || path.with_file_name(name).exists()
                || is_dialogue(name)
                || code.contains(&format!("fn {name}("))
                || name.starts_with("minewall ")
        };
        missing.extend(
            names.into_iter().filter(|name| !is_there(name)).map(|name| format!("{document}: {name}")),
        );
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}
