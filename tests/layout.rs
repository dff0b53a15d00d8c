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
