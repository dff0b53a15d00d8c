//! Sources of sequences: sequence files, captures, and folders of captures with a manifest.

use std::fs;
use std::path::{Path, PathBuf};

use super::sequence::{self, Label, Sequence};
use super::{Error, capture};

/// Reads `path`, whose flows are `label` unless it says otherwise itself:
///
/// - `NAME.seq`: a sequence file; its flows of the other label are left out;
/// - `NAME.csv`: a manifest with a header line; columns `file` (relative to the manifest; a leading
///   folder that does not exist is dropped), `label`, `app`, `dialect`, `transport`, `kind`;
/// - a folder: every capture in it;
/// - anything else: a capture.
///
/// # Errors
/// With the path in it.
pub(crate) fn read(path: &Path, label: Label) -> Result<Vec<Sequence>, Error> {
    let at = |error: Error| error.at(path);
    match path.extension().and_then(|e| e.to_str()) {
        Some("seq") => {
            let bytes = fs::read(path).map_err(|e| at(e.into()))?;
            let mut sequences = sequence::decode(&bytes).map_err(at)?;
            sequences.retain(|s| s.label == label);
            Ok(sequences)
        }
        Some("csv") => manifest(path, label).map_err(at),
        _ if path.is_dir() => {
            let mut sequences = Vec::new();
            for (session, file) in folder(path).map_err(at)?.iter().enumerate() {
                match captured(file, label, session as u32) {
                    Ok(more) => sequences.extend(more),
                    Err(error) => log::warn!("left out: {}", error.at(file)),
                }
            }
            Ok(sequences)
        }
        _ => captured(path, label, 0).map_err(at),
    }
}

/// Refuses what can't be read at all.
///
/// # Errors
/// With the path in it.
pub(crate) fn readable(path: &Path) -> Result<(), Error> {
    let opened =
        if path.is_dir() { fs::read_dir(path).map(|_| ()) } else { fs::File::open(path).map(|_| ()) };
    opened.map_err(|error| Error::from(error).at(path))
}

/// The captures that `path` names, each with what it holds; none in a sequence file.
///
/// # Errors
/// With the path in it.
pub(crate) fn captures(path: &Path, label: Label) -> Result<Vec<(PathBuf, String)>, Error> {
    let at = |error: Error| error.at(path);
    let named = |path: PathBuf| {
        let name = path.file_stem().and_then(|s| s.to_str()).unwrap_or_default().to_owned();
        (path, name)
    };
    match path.extension().and_then(|e| e.to_str()) {
        Some("seq") => Ok(Vec::new()),
        Some("csv") => {
            let listed = listed(path, label).map_err(at)?;
            Ok(listed.into_iter().map(|(_, path, [_, dialect, ..])| (path, dialect)).collect())
        }
        _ if path.is_dir() => Ok(folder(path).map_err(at)?.into_iter().map(named).collect()),
        _ => Ok(vec![named(path.to_owned())]),
    }
}

fn folder(path: &Path) -> Result<Vec<PathBuf>, Error> {
    let entries = fs::read_dir(path)?;
    let mut files = entries.map(|entry| entry.map(|e| e.path())).collect::<Result<Vec<_>, _>>()?;
    files.retain(|f| f.extension().is_some_and(|e| e == "pcap" || e == "pcapng" || e == "cap"));
    files.sort();
    Ok(files)
}

fn captured(path: &Path, label: Label, session: u32) -> Result<Vec<Sequence>, Error> {
    let name = path.file_stem().and_then(|s| s.to_str()).unwrap_or_default();
    let describe = |flow: capture::Flow| Sequence {
        label,
        application: name.to_owned(),
        dialect: name.to_owned(),
        transport: String::new(),
        kind: "capture".to_owned(),
        session,
        client: flow.client,
        packets: flow.packets,
    };
    Ok(capture::flows(path)?.into_iter().map(describe).collect())
}

fn manifest(path: &Path, label: Label) -> Result<Vec<Sequence>, Error> {
    let mut sequences = Vec::new();
    for (session, path, [application, dialect, transport, kind]) in listed(path, label)? {
        let flows = capture::flows(&path).map_err(|e| e.at(&path))?;
        sequences.extend(flows.into_iter().map(|flow| Sequence {
            label,
            application: application.clone(),
            dialect: dialect.clone(),
            transport: transport.clone(),
            kind: kind.clone(),
            session,
            client: flow.client,
            packets: flow.packets,
        }));
    }
    Ok(sequences)
}

/// Line number, path, and application, dialect, transport and kind.
type ManifestRow = (u32, PathBuf, [String; 4]);

fn listed(path: &Path, label: Label) -> Result<Vec<ManifestRow>, Error> {
    let bad = |error: csv::Error| Error::from(error.to_string());
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_path(path).map_err(bad)?;
    let header = reader.headers().map_err(bad)?.clone();
    let column = |name: &str| {
        header.iter().position(|h| h == name).ok_or_else(|| Error::from(format!("no column {name}")))
    };
    let [file, class] = [column("file")?, column("label")?];
    let described = [column("app")?, column("dialect")?, column("transport")?, column("kind")?];
    let folder = path.parent().unwrap_or(Path::new("."));
    let wanted = if label == Label::Mining { "mining" } else { "benign" };
    let mut listed = Vec::new();
    for (session, record) in reader.records().enumerate() {
        let record = record.map_err(bad)?;
        let field = |at: usize| record.get(at).unwrap_or_default();
        if field(class) != wanted {
            continue;
        }
        let mut capture_path = folder.join(field(file));
        if !capture_path.exists() {
            let name = Path::new(field(file)).file_name().unwrap_or_default();
            capture_path = folder.join(name);
        }
        listed.push((session as u32, capture_path, described.map(|at| field(at).to_owned())));
    }
    Ok(listed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_names_captures_and_what_they_hold() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("manifest.csv");
        let rows = "file,label,app,dialect,transport,kind\na.pcap,mining,xmrig,cn,tls13,\"real, short\"\nb.pcap,benign,x,y,z,real\n";
        fs::write(&path, rows).expect("written");
        let [(session, capture, described)] = &listed(&path, Label::Mining).expect("well-formed")[..] else {
            panic!("one row")
        };
        assert_eq!((*session, capture.file_name()), (0, Some("a.pcap".as_ref())));
        assert_eq!(*described, ["xmrig", "cn", "tls13", "real, short"]);
    }
}
