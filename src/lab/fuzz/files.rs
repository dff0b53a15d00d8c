//! Files and requests: configuration, lists, models, captures, what is kept of servers, the control socket.

use core::time::Duration;
use std::cell::RefCell;
use std::fs;
use std::path::{Path, PathBuf};

use super::wire::FuzzConnection;
use crate::config;
use crate::daemon::control::Request;
use crate::engine::Packet;
use crate::hmm::model::Model;
use crate::intel::Builder;
use crate::intel::entry::{ListEntry, Policy, What};
use crate::intel::reputation::Store;
use crate::intel::reputation::file::Files;
use crate::intel::reputation::line::read_line;
use crate::lab::replay;
use crate::limits::FLOWS_MIN;
use crate::parse::json::Tape;
use crate::util::crc32::crc32;
use crate::util::time::Instant;
use crate::verdict::Reason;

/// A request on the control socket, and a line of intelligence: what is taken is written as it is read.
pub(super) fn control(line: &[u8]) {
    if let Ok(Some(heard)) = read_line(&mut Tape::default(), line) {
        let text = heard.subject.to_string();
        assert_eq!(text.parse().as_ref(), Ok(&heard.subject));
    }
    let request = std::str::from_utf8(line).ok().and_then(|line| line.parse::<Request>().ok());
    if let Some(request) = request {
        assert_eq!(request.to_string().parse(), Ok(request));
    }
}

/// A configuration file: a refusal has words.
pub(super) fn config(file: &[u8]) {
    if let Err(complaint) = config::parse(Path::new("minewall"), file) {
        assert!(!complaint.to_string().is_empty());
    }
}

/// A list: an entry is written as it is read, and found.
pub(super) fn lists(text: &[u8]) {
    let mut builder = Builder::new(1 << 20);
    let accepted = builder.add_text("fuzz", Policy::Suspect, text);
    let intel = builder.build().0;
    assert!(!accepted.is_err_and(|why| why.to_string().is_empty()));
    for (entry, _) in intel.entries() {
        assert_eq!(ListEntry::parse(&entry.to_string(), Policy::Allow).as_ref(), Ok(&entry));
        assert!(match &entry.pattern.what {
            What::Name(name) => intel.by_name(name, None, 0).is_some() || entry.expires == Some(0),
            What::Net(net) => intel.by_addr(net.addr(), None, 0).is_some() || entry.expires == Some(0),
        });
    }
}

/// A model: its checksum is mended, so that what it protects is reached; what is taken can be computed with.
pub(super) fn model(file: &[u8]) {
    let mut file = file.to_vec();
    if let Some((body, sum)) = file.split_last_chunk_mut::<4>() {
        *sum = crc32(body).to_be_bytes();
    }
    let Ok(model) = Model::decode(&file) else { return };
    let mut engine = replay::engine(FLOWS_MIN);
    engine.replace_model(model);
    let mut connection = FuzzConnection::new(0);
    let mut now = Instant::from_micros(1 << 40);
    let mut packets = connection.open().to_vec();
    for number in 0..64 {
        let payload = vec![0x17; 40 + number * 7 % 400];
        packets.push(connection.segment(number % 2, 0, &payload));
        connection.advance(number % 2, payload.len());
    }
    for bytes in &packets {
        let _ =
            engine.handle(&Packet { bytes, hw_addr: None, reason: Reason::Payload, turns_back: false }, now);
        now = now.after(Duration::from_millis(900));
    }
}

/// A capture: no endless loop, and damage is told inside the file.
pub(super) fn capture(file: &[u8]) {
    if let Ok(replayed) = replay::replay(replay::engine(FLOWS_MIN), file) {
        assert!(replayed.packets <= file.len() as u64 / 16);
        assert!(replayed.damage.is_none_or(|damage| damage.offset <= file.len() as u64));
    }
}

/// The file of what is known of servers, its checksum mended: what is read is written, and read again.
pub(super) fn reputation(body: &[u8]) {
    let body = String::from_utf8_lossy(body);
    let (head, body) = body.split_once('\n').unwrap_or(("", &body));
    let sealed = format!(
        "{} {:08x}\n{body}",
        head.rsplit_once(' ').map_or(head, |(head, _)| head),
        crc32(body.as_bytes())
    );
    with_file(sealed.as_bytes(), |path| {
        let files = Files { path: path.to_owned(), earlier: Vec::new() };
        let store = Store::open(&files, NOW);
        Store::save(path, &store.to_body()).expect("it can be written");
        assert_eq!(Store::open(&files, NOW), store);
    });
}

const NOW: u64 = 1_790_000_000;

/// Hands the path of a file with `bytes` to `run`; one file a thread.
fn with_file(bytes: &[u8], run: impl FnOnce(&Path)) {
    thread_local! {
        static FOLDER: RefCell<Option<PathBuf>> = const { RefCell::new(None) };
    }
    FOLDER.with_borrow_mut(|folder| {
        let folder = folder.get_or_insert_with(|| {
            let memory = Path::new("/dev/shm");
            let base = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
            let folder = base.join(format!("minewall-fuzz-{}", std::process::id()));
            fs::create_dir_all(&folder).expect("a folder for files");
            folder
        });
        let path = folder.join("file");
        fs::write(&path, bytes).expect("it can be written");
        run(&path);
    });
}
