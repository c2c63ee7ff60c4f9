//! The attempts of one request that are under way at once: mostly one, and one more where
//! another is slow. Nothing is spawned; whoever is dropped is cancelled, and accounted for.

use super::Exchange;
use super::attempt::Failed;
use super::failover::{self, Ask, Attempt};
use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

/// The attempts, in the order in which they began.
pub(super) struct UnderWay<'a, C: Ask> {
    exchange: &'a Exchange<C>,
    attempts: Vec<(Attempt, Pin<Box<Coming<'a, C>>>)>,
}

/// What comes of one.
type Coming<'a, C> = dyn Future<Output = Ended<C>> + Send + 'a;

/// What came of one.
type Ended<C> = Result<<C as Ask>::Answer, Failed>;

impl<'a, C: Ask> UnderWay<'a, C> {
    /// None yet, of this request.
    pub(super) fn new(exchange: &'a Exchange<C>) -> Self {
        Self { exchange, attempts: Vec::new() }
    }

    /// Adds an attempt, which begins when somebody waits for it.
    pub(super) fn add(&mut self, attempt: Attempt) {
        let (exchange, step, trace) = (self.exchange, attempt.step.clone(), attempt.trace.clone());
        let coming = async move { C::attempt(exchange, &step, &trace).await };
        self.attempts.push((attempt, Box::pin(coming)));
    }

    /// The first that ends. Of several that have ended, the one that began first. Dropping
    /// the future loses nothing. While nothing is under way, it never resolves.
    pub(super) async fn next(&mut self) -> (Attempt, Ended<C>) {
        poll_fn(|context| {
            for place in 0..self.attempts.len() {
                if let Poll::Ready(ended) = self.attempts[place].1.as_mut().poll(context) {
                    let (attempt, _) = self.attempts.remove(place);
                    return Poll::Ready((attempt, ended));
                }
            }
            Poll::Pending
        })
        .await
    }

    /// An attempt has been silent for as long as its plan allows.
    pub(super) fn late(&mut self, number: usize) {
        let late = self.attempts.iter_mut().find(|(attempt, _)| attempt.number == number);
        if let Some((attempt, _)) = late {
            attempt.late();
        }
    }

    /// Cancels an attempt, and hands back what it held.
    pub(super) fn cancel(&mut self, number: usize) -> Option<Attempt> {
        let place = self.attempts.iter().position(|(attempt, _)| attempt.number == number)?;
        Some(self.attempts.remove(place).0)
    }
}

impl<C: Ask> Drop for UnderWay<'_, C> {
    /// The client has left.
    fn drop(&mut self) {
        for (attempt, coming) in std::mem::take(&mut self.attempts) {
            drop(coming);
            failover::cancelled(self.exchange, &attempt, "cancelled");
        }
    }
}
