//! Sources of captures: files, folders of files, standard input; compressed by gzip or not.

use std::cell::Cell;
use std::fs::{self, File};
use std::io::{self, Cursor, Read};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use flate2::read::MultiGzDecoder;

/// A capture to be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Input {
    /// A file, or a named pipe.
    File(PathBuf),
    /// Standard input.
    Stdin,
}

/// A capture that has been opened.
pub(super) struct Opened {
    /// Decompressed bytes.
    pub source: Box<dyn Read>,
    /// Length as stored; none for a pipe, whose end is not known.
    pub length: Option<u64>,
    /// Stored bytes that have been read so far.
    pub position: Rc<Cell<u64>>,
}

impl Input {
    /// The captures that `operand` names: `-` is standard input, a folder stands for the captures in it and in
    /// its folders, by name.
    ///
    /// # Errors
    /// Those of reading a folder; [`io::ErrorKind::NotFound`] if a folder holds no capture.
    pub(super) fn named_by(operand: &Path) -> io::Result<Vec<Input>> {
        if operand == Path::new("-") {
            return Ok(vec![Input::Stdin]);
        }
        if !operand.is_dir() {
            return Ok(vec![Input::File(operand.to_owned())]);
        }
        let mut files = Vec::new();
        collect(operand, &mut files)?;
        if files.is_empty() {
            return Err(io::Error::new(io::ErrorKind::NotFound, "no capture in this folder"));
        }
        files.sort();
        Ok(files.into_iter().map(Input::File).collect())
    }

    /// The name in reports and complaints.
    pub(super) fn path(&self) -> &Path {
        match self {
            Input::File(path) => path,
            Input::Stdin => Path::new("-"),
        }
    }

    /// Opens the capture.
    ///
    /// # Errors
    /// Those of the file system, and of reading the first two bytes.
    pub(super) fn open(&self) -> io::Result<Opened> {
        let file = match self {
            Input::File(path) => File::open(path)?,
            Input::Stdin => File::from(io::stdin().as_fd().try_clone_to_owned()?),
        };
        let metadata = file.metadata()?;
        let length = metadata.is_file().then_some(metadata.len());
        let position = Rc::new(Cell::new(0));
        // Who reads from it does so in large pieces.
        let mut source = CountingReader { source: file, position: position.clone() };
        let mut head = Vec::with_capacity(GZIP_MAGIC.len());
        (&mut source).take(GZIP_MAGIC.len() as u64).read_to_end(&mut head)?;
        let is_gzip = head == GZIP_MAGIC;
        let whole = Cursor::new(head).chain(source);
        let source: Box<dyn Read> =
            if is_gzip { Box::new(MultiGzDecoder::new(whole)) } else { Box::new(whole) };
        Ok(Opened { source, length, position })
    }
}

/// Adds the captures in `folder` to `files`.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        // A link is not followed into a folder, which could be a circle.
        if entry.file_type()?.is_dir() {
            collect(&path, files)?;
        } else if is_capture(&path) {
            files.push(path);
        }
    }
    Ok(())
}

/// Whether a file is a capture by its name.
fn is_capture(path: &Path) -> bool {
    let plain = match path.extension() {
        Some(extension) if extension == "gz" => Path::new(path.file_stem().unwrap_or_default()),
        _ => path,
    };
    plain
        .extension()
        .is_some_and(|extension| ["pcap", "pcapng", "cap"].iter().any(|known| extension == *known))
}

/// A reader that tells how far it has come.
struct CountingReader<R> {
    source: R,
    position: Rc<Cell<u64>>,
}

impl<R: Read> Read for CountingReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let len = self.source.read(buffer)?;
        self.position.set(self.position.get() + len as u64);
        Ok(len)
    }
}

/// RFC 1952 section 2.3.1.
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
