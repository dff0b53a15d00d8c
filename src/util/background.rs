//! Threads beside the packet loop.

use std::io;
use std::thread::{Builder, JoinHandle};

/// Starts a thread for `work`, with a stack of `stack_bytes`, or of the usual size.
///
/// The work is boxed, so that there is one copy of std's code for starting a thread and not one for each kind of work
/// (6 KB on MIPS).
///
/// # Errors
/// Those of pthread_create(3): no memory for the stack, or too many threads.
pub fn spawn(
    name: &str,
    stack_bytes: Option<usize>,
    work: Box<dyn FnOnce() + Send>,
) -> io::Result<JoinHandle<()>> {
    let thread = Builder::new().name(name.into());
    match stack_bytes {
        Some(bytes) => thread.stack_size(bytes),
        None => thread,
    }
    .spawn(work)
}
