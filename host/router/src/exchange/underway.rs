//! The attempts of one request that are under way at once: mostly one, and one more where
//! another is slow. Nothing is spawned; whoever is dropped is cancelled.

use super::failover::{Ask, Ended};
use crate::record::Trace;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

/// The attempts, by their numbers.
pub(super) struct UnderWay<'a, C: Ask>(Vec<Attempt<'a, C>>);

struct Attempt<'a, C: Ask> {
    number: usize,
    step: usize,
    trace: Arc<Trace>,
    future: Pin<Box<dyn Future<Output = Ended<C>> + Send + 'a>>,
}

impl<C: Ask> Default for UnderWay<'_, C> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'a, C: Ask> UnderWay<'a, C> {
    /// Adds an attempt, which begins when somebody waits for it.
    pub(super) fn add(
        &mut self,
        number: usize,
        step: usize,
        trace: Arc<Trace>,
        future: Pin<Box<dyn Future<Output = Ended<C>> + Send + 'a>>,
    ) {
        self.0.push(Attempt { number, step, trace, future });
    }

    /// The first that ends. Of several that have ended, the one that began first. Dropping
    /// the future loses nothing. While nothing is under way, it never resolves.
    pub(super) async fn next(&mut self) -> (usize, Ended<C>) {
        poll_fn(|context| {
            for place in 0..self.0.len() {
                if let Poll::Ready(ended) = self.0[place].future.as_mut().poll(context) {
                    let attempt = self.0.remove(place);
                    return Poll::Ready((attempt.number, ended));
                }
            }
            Poll::Pending
        })
        .await
    }

    /// Cancels an attempt. Which step it was, and what it has noted.
    pub(super) fn cancel(&mut self, number: usize) -> Option<(usize, Arc<Trace>)> {
        let place = self.0.iter().position(|attempt| attempt.number == number)?;
        let Attempt { step, trace, .. } = self.0.remove(place);
        Some((step, trace))
    }
}
