//! The attempts of one request that are under way at once: mostly one, and one more where
//! another is slow. Nothing is spawned; whoever is dropped is cancelled, and accounted for.

use super::Exchange;
use super::failover::{self, Ask, Ended};
use crate::record::Trace;
use crate::route::Step;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

/// The attempts, by their numbers.
pub(super) struct UnderWay<'a, C: Ask> {
    exchange: &'a Exchange<C>,
    attempts: Vec<Attempt<'a, C>>,
}

struct Attempt<'a, C: Ask> {
    number: usize,
    step: Step,
    trace: Arc<Trace>,
    future: Pin<Box<dyn Future<Output = Ended<C>> + Send + 'a>>,
}

impl<'a, C: Ask> UnderWay<'a, C> {
    /// None yet, of this request.
    pub(super) fn new(exchange: &'a Exchange<C>) -> Self {
        Self { exchange, attempts: Vec::new() }
    }

    /// Adds an attempt, which begins when somebody waits for it.
    pub(super) fn add(
        &mut self,
        number: usize,
        step: Step,
        trace: Arc<Trace>,
        future: Pin<Box<dyn Future<Output = Ended<C>> + Send + 'a>>,
    ) {
        self.attempts.push(Attempt { number, step, trace, future });
    }

    /// The first that ends. Of several that have ended, the one that began first. Dropping
    /// the future loses nothing. While nothing is under way, it never resolves.
    pub(super) async fn next(&mut self) -> (usize, Ended<C>) {
        poll_fn(|context| {
            for place in 0..self.attempts.len() {
                if let Poll::Ready(ended) = self.attempts[place].future.as_mut().poll(context) {
                    let attempt = self.attempts.remove(place);
                    return Poll::Ready((attempt.number, ended));
                }
            }
            Poll::Pending
        })
        .await
    }

    /// Cancels an attempt, because another one was faster.
    pub(super) fn cancel(&mut self, number: usize) {
        if let Some(place) = self.attempts.iter().position(|it| it.number == number) {
            let attempt = self.attempts.remove(place);
            attempt.account(self.exchange, "hedged");
        }
    }
}

impl<C: Ask> Attempt<'_, C> {
    fn account(&self, exchange: &Exchange<C>, outcome: &'static str) {
        failover::cancelled(exchange, &self.step, (self.number, &self.trace), outcome);
    }
}

impl<C: Ask> Drop for UnderWay<'_, C> {
    /// The client has left.
    fn drop(&mut self) {
        for attempt in std::mem::take(&mut self.attempts) {
            attempt.account(self.exchange, "cancelled");
        }
    }
}
