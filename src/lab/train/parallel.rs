//! Work in parallel whose result does not depend on the number of threads.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

/// Calls `work` for the chunks of `items` on `threads` threads; the results come in the order of the
/// chunks, and where the chunks begin does not depend on `threads`.
pub fn map_chunks<T: Sync, R: Send>(
    items: &[T],
    chunks: usize,
    threads: usize,
    work: impl Fn(&[T]) -> R + Sync,
) -> Vec<R> {
    let chunks: Vec<&[T]> = items.chunks(items.len().div_ceil(chunks.max(1)).max(1)).collect();
    let results: Vec<Mutex<Option<R>>> = chunks.iter().map(|_| Mutex::new(None)).collect();
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..threads.clamp(1, chunks.len().max(1)) {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let (Some(chunk), Some(result)) = (chunks.get(at), results.get(at)) else { break };
                    *result.lock().unwrap_or_else(PoisonError::into_inner) = Some(work(chunk));
                }
            });
        }
    });
    results.into_iter().filter_map(|r| r.into_inner().unwrap_or_else(PoisonError::into_inner)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_order_whatever_the_threads() {
        let items: Vec<u32> = (0..1_000).collect();
        let sums = |threads| map_chunks(&items, 16, threads, |chunk| chunk.iter().sum::<u32>());
        assert_eq!(sums(1), sums(7));
        assert_eq!(sums(3).iter().sum::<u32>(), 499_500);
        assert!(map_chunks(&[] as &[u32], 4, 2, |_| ()).is_empty());
    }
}
