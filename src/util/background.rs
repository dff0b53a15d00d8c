//! Threads beside the packet loop.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
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

/// Gives this thread the weakest claim to the processor outside the idle class (setpriority(2)): packets come first.
pub(crate) fn give_way() {
    if let Err(error) = rustix::process::nice(19) {
        log::debug!("a thread beside the packets runs at the usual priority: {error}");
    }
}

/// Work in a thread of its own that has a result.
#[derive(Debug)]
pub struct Task<T> {
    thread: JoinHandle<()>,
    result: Arc<Mutex<Option<T>>>,
}

impl<T: Send + 'static> Task<T> {
    /// Starts `work`.
    ///
    /// # Errors
    /// As [`spawn`].
    pub fn start(name: &str, work: impl FnOnce() -> T + Send + 'static) -> io::Result<Self> {
        let result = Arc::new(Mutex::new(None));
        let place = Arc::clone(&result);
        let work = move || *place.lock().unwrap_or_else(PoisonError::into_inner) = Some(work());
        Ok(Task { thread: spawn(name, None, Box::new(work))?, result })
    }

    /// Whether [`Task::join`] would not wait.
    pub fn is_finished(&self) -> bool {
        self.thread.is_finished()
    }

    /// The result; none if the thread has panicked.
    pub fn join(self) -> Option<T> {
        self.thread.join().ok()?;
        self.result.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
