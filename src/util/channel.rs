//! A bounded queue to a thread, whose sending ends never wait.
//!
//! std's channels bring three kinds of queue for each type that is sent, of which this program would use one:
//! 7 KB of flash on ARM.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// An end that puts values in.
#[derive(Debug)]
pub struct Sender<T>(Arc<Shared<T>>);

/// The end that takes values out, in the order in which they came.
#[derive(Debug)]
pub struct Receiver<T>(Arc<Shared<T>>);

/// Why a value was not taken; the value comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotSent<T> {
    /// As many values wait as the queue holds.
    Full(T),
    /// The receiving end is gone.
    Closed(T),
}

/// Why no value came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotReceived {
    /// None was sent in that time.
    Empty,
    /// The sending end is gone, and all values have been taken.
    Closed,
}

#[derive(Debug)]
struct Shared<T> {
    queue: Mutex<Queue<T>>,
    changed: Condvar,
    /// Values in the queue, so that a look at an empty one takes no lock.
    waiting: AtomicUsize,
}

#[derive(Debug)]
struct Queue<T> {
    values: VecDeque<T>,
    senders: usize,
    /// The receiving end, or every sending one, is gone.
    is_closed: bool,
}

/// The two ends of a queue for `capacity` values, whose memory is taken here.
pub fn channel<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    let queue = Mutex::new(Queue { values: VecDeque::with_capacity(capacity), senders: 1, is_closed: false });
    let shared = Arc::new(Shared { queue, changed: Condvar::new(), waiting: AtomicUsize::new(0) });
    (Sender(Arc::clone(&shared)), Receiver(shared))
}

impl<T> Sender<T> {
    /// Puts `value` in, without waiting.
    ///
    /// # Errors
    /// There is no room, or the receiving end is gone.
    pub fn try_send(&self, value: T) -> Result<(), NotSent<T>> {
        let mut queue = self.0.lock();
        if queue.is_closed {
            return Err(NotSent::Closed(value));
        }
        if queue.values.len() == queue.values.capacity() {
            return Err(NotSent::Full(value));
        }
        queue.values.push_back(value);
        self.0.count(&queue);
        self.0.changed.notify_one();
        Ok(())
    }

    /// Puts `value` in, without waiting. In a full queue the `owner` with the most values makes room, with its oldest:
    /// the newcomer's, unless another has at least two more. That value comes back.
    ///
    /// # Errors
    /// The receiving end is gone.
    pub fn send_fairly<O: PartialEq>(
        &self,
        value: T,
        owner: impl Fn(&T) -> O,
    ) -> Result<Option<T>, NotSent<T>> {
        let mut queue = self.0.lock();
        if queue.is_closed {
            return Err(NotSent::Closed(value));
        }
        let mut displaced = None;
        if queue.values.len() == queue.values.capacity() {
            let count = |of: &T| queue.values.iter().filter(|other| owner(other) == owner(of)).count();
            let own = count(&value) + 1;
            let most = queue.values.iter().map(count).max().unwrap_or(0);
            let makes_room = |of: &T| if most > own { count(of) == most } else { owner(of) == owner(&value) };
            let at = queue.values.iter().position(makes_room);
            displaced = at.and_then(|at| queue.values.remove(at));
        }
        queue.values.push_back(value);
        self.0.count(&queue);
        self.0.changed.notify_one();
        Ok(displaced)
    }
}

impl<T> Receiver<T> {
    /// The next value, without waiting.
    pub fn try_recv(&self) -> Option<T> {
        if self.is_empty() {
            return None;
        }
        let mut queue = self.0.lock();
        let value = queue.values.pop_front();
        self.0.count(&queue);
        value
    }

    /// Whether no value waits; takes no lock.
    pub fn is_empty(&self) -> bool {
        self.0.waiting.load(Ordering::Acquire) == 0
    }

    /// Whether the sending end is gone.
    pub fn is_closed(&self) -> bool {
        self.0.lock().is_closed
    }

    /// The next value, waiting for it; `None` once the sending end is gone and all values have been taken.
    pub fn recv(&self) -> Option<T> {
        loop {
            match self.recv_timeout(LONG) {
                Ok(value) => return Some(value),
                Err(NotReceived::Empty) => {}
                Err(NotReceived::Closed) => return None,
            }
        }
    }

    /// The next value, waiting for it as long as `patience`.
    ///
    /// # Errors
    /// None came, or the sending end is gone and all values have been taken.
    pub fn recv_timeout(&self, patience: Duration) -> Result<T, NotReceived> {
        let is_idle = |queue: &mut Queue<T>| queue.values.is_empty() && !queue.is_closed;
        let waited = self.0.changed.wait_timeout_while(self.0.lock(), patience, is_idle);
        let (mut queue, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let value = queue.values.pop_front();
        self.0.count(&queue);
        match value {
            Some(value) => Ok(value),
            None if queue.is_closed => Err(NotReceived::Closed),
            None => Err(NotReceived::Empty),
        }
    }
}

/// A wait that is as good as one without end.
const LONG: Duration = Duration::from_secs(3_600);

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        self.0.lock().senders += 1;
        Sender(Arc::clone(&self.0))
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        let mut queue = self.0.lock();
        queue.senders -= 1;
        if queue.senders == 0 {
            queue.is_closed = true;
            self.0.changed.notify_one();
        }
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        self.0.lock().is_closed = true;
    }
}

impl<T> Shared<T> {
    /// No value is half written where a thread has panicked.
    fn lock(&self) -> MutexGuard<'_, Queue<T>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes note of a change of the locked `queue`.
    fn count(&self, queue: &Queue<T>) {
        self.waiting.store(queue.values.len(), Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_out_in_their_order_and_none_is_lost() {
        let (sender, receiver) = channel(4);
        let thread = std::thread::spawn(move || {
            for value in 0..1_000 {
                let mut next = Err(NotSent::Full(value));
                while let Err(NotSent::Full(value)) = next {
                    next = sender.try_send(value);
                    std::thread::yield_now();
                }
            }
        });
        let received: Vec<u32> = std::iter::from_fn(|| receiver.recv()).collect();
        assert!(received.into_iter().eq(0..1_000));
        thread.join().unwrap();
    }

    #[test]
    fn a_full_queue_hands_the_value_back_and_so_does_a_closed_one() {
        let (sender, receiver) = channel(2);
        assert_eq!([sender.try_send(1), sender.try_send(2)], [Ok(()), Ok(())]);
        assert_eq!(sender.try_send(3), Err(NotSent::Full(3)));
        assert!(!receiver.is_empty());
        assert_eq!(receiver.try_recv(), Some(1));
        assert_eq!(sender.try_send(4), Ok(()));
        assert_eq!([receiver.try_recv(), receiver.try_recv(), receiver.try_recv()], [Some(2), Some(4), None]);
        assert!(receiver.is_empty());
        drop(receiver);
        assert_eq!(sender.try_send(5), Err(NotSent::Closed(5)));
    }

    /// One owner fills the queue, and others want a place in it; the order of what stays is that in which it came.
    #[test]
    fn no_owner_takes_the_others_places() {
        let (sender, receiver) = channel(6);
        let owner = |value: &(u8, u32)| value.0;
        for number in 0..6 {
            assert_eq!(sender.send_fairly((0, number), owner), Ok(None));
        }
        let displaced = [(1, 6), (1, 7), (0, 8), (1, 9), (2, 10), (0, 11)]
            .map(|value| sender.send_fairly(value, owner).map(|displaced| displaced.expect("it was full")));
        assert_eq!(displaced, [0, 1, 2, 3, 4, 5].map(|number| Ok((0, number))));
        let kept: Vec<_> = std::iter::from_fn(|| receiver.try_recv()).collect();
        assert_eq!(kept, [(1, 6), (1, 7), (0, 8), (1, 9), (2, 10), (0, 11)]);
        drop(receiver);
        assert_eq!(sender.send_fairly((3, 0), owner), Err(NotSent::Closed((3, 0))));
    }

    #[test]
    fn what_was_sent_is_received_after_the_senders_are_gone() {
        let (sender, receiver) = channel(2);
        let other = sender.clone();
        drop(sender);
        other.try_send("one").unwrap();
        drop(other);
        assert!(receiver.is_closed());
        assert_eq!([receiver.recv(), receiver.recv(), receiver.try_recv()], [Some("one"), None, None]);
        assert_eq!(receiver.recv_timeout(Duration::ZERO), Err(NotReceived::Closed));
    }

    #[test]
    fn a_wait_ends_without_a_value() {
        let (_sender, receiver) = channel::<u8>(1);
        assert_eq!(receiver.recv_timeout(Duration::from_millis(1)), Err(NotReceived::Empty));
    }
}
