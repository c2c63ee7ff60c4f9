//! Access tokens that are kept until shortly before they run out, and obtained by
//! one request at a time.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex as Lock, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::Mutex;

use super::grant::{Granted, granted};
use super::{Grant, KeyError, Secret, TokenAnswer, TokenRequest};

/// A token that is good for less is renewed, or for less than a third of its whole
/// life.
const RENEWED_BEFORE: Duration = Duration::from_secs(60);

/// Why there is no token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// The key file is of no use.
    #[error("the key file cannot be used: {0}")]
    Key(#[from] KeyError),
    /// The endpoint does not accept the credential.
    #[error("the token endpoint refused the credential (status {status}{})", shown(.code))]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The endpoint's word for it, e.g. `invalid_client`.
        code: Option<String>,
    },
    /// The endpoint is out of order, or has too much to do.
    #[error("the token endpoint answered with status {0}")]
    Status(u16),
    /// An answer that holds no bearer token.
    #[error("the token endpoint sent no usable token")]
    Unreadable,
    /// No answer.
    #[error("the token endpoint could not be reached")]
    Unreachable,
    /// No answer in time.
    #[error("the token endpoint did not answer in time")]
    TooSlow,
}

fn shown(code: &Option<String>) -> String {
    code.as_ref().map(|code| format!(", `{code}`")).unwrap_or_default()
}

impl TokenError {
    /// Whether the credential itself is what is wrong, and not the way to a token.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        matches!(self, Self::Key(_) | Self::Refused { .. })
    }
}

/// All tokens of one router, at most one for each owner. Shared by all requests.
pub struct Tokens {
    slots: Lock<HashMap<String, Arc<Slot>>>,
    clock: Box<dyn Fn() -> Instant + Send + Sync>,
}

/// What is known of one owner's token.
#[derive(Default)]
struct Slot {
    /// Held while a token is obtained, so that everybody else waits for that one.
    turn: Mutex<()>,
    known: Lock<Known>,
}

#[derive(Default)]
struct Known {
    current: Option<Token>,
    /// What requests may still be under way with.
    previous: Option<Secret>,
    /// How the last try to obtain one ended, and when.
    failed: Option<(Instant, [u8; 32], TokenError)>,
}

struct Token {
    secret: Secret,
    /// What it was obtained with.
    digest: [u8; 32],
    renewed_from: Instant,
    good_until: Instant,
}

impl Default for Tokens {
    fn default() -> Self {
        Self { slots: Lock::default(), clock: Box::new(Instant::now) }
    }
}

impl Tokens {
    /// The token that `owner` gets for `grant` and `scope`: the one that is kept, or
    /// else a new one, for which `exchange` posts the form and returns the answer.
    /// Whoever asks meanwhile waits, and shares the outcome. Dropping the future
    /// leaves it to the next one who asks.
    ///
    /// # Errors
    /// Why there is none. A kept token that is still good is used where no new one can
    /// be had.
    pub async fn get<F>(
        &self,
        owner: &str,
        grant: &Grant,
        scope: &str,
        exchange: impl FnOnce(TokenRequest) -> F,
    ) -> Result<Secret, TokenError>
    where
        F: Future<Output = Result<TokenAnswer, TokenError>>,
    {
        let digest = grant.digest(scope);
        let slot = self.slot(owner);
        let asked = (self.clock)();
        if let Some(token) = slot.fresh(&digest, asked) {
            return Ok(token);
        }
        let _turn = slot.turn.lock().await;
        let now = (self.clock)();
        if let Some(token) = slot.fresh(&digest, now) {
            return Ok(token);
        }
        let error = match slot.failed_since(asked, &digest) {
            Some(error) => error,
            None => {
                let request = grant.request(scope, SystemTime::now())?;
                let outcome = exchange(request).await.and_then(granted);
                let now = (self.clock)();
                match outcome {
                    Ok(granted) => return Ok(slot.keep(granted, digest, now)),
                    Err(error) => slot.note(error, digest, now),
                }
            }
        };
        slot.still_good(&digest, now).filter(|_| !error.is_refusal()).ok_or(error)
    }

    /// The tokens that requests of `owner` may have carried lately.
    #[must_use]
    pub fn known(&self, owner: &str) -> Vec<Secret> {
        let slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(slot) = slots.get(owner) else { return Vec::new() };
        let known = slot.lock();
        let current = known.current.as_ref().map(|token| token.secret.clone());
        current.into_iter().chain(known.previous.clone()).collect()
    }

    /// `owner`'s token was not accepted: the next one who asks gets another.
    pub fn forget(&self, owner: &str) {
        let slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = slots.get(owner) {
            let mut known = slot.lock();
            known.previous = known.current.take().map(|token| token.secret);
        }
    }

    fn slot(&self, owner: &str) -> Arc<Slot> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        match slots.get(owner) {
            Some(slot) => slot.clone(),
            None => slots.entry(owner.to_owned()).or_default().clone(),
        }
    }
}

impl Slot {
    fn lock(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The kept token, where it need not be renewed yet.
    fn fresh(&self, digest: &[u8; 32], now: Instant) -> Option<Secret> {
        self.kept(digest, |token| now < token.renewed_from)
    }

    /// The kept token, as long as it is good at all.
    fn still_good(&self, digest: &[u8; 32], now: Instant) -> Option<Secret> {
        self.kept(digest, |token| now < token.good_until)
    }

    fn kept(&self, digest: &[u8; 32], is_usable: impl FnOnce(&Token) -> bool) -> Option<Secret> {
        let known = self.lock();
        let token = known.current.as_ref().filter(|token| token.digest == *digest)?;
        is_usable(token).then(|| token.secret.clone())
    }

    /// How a try ended that was still under way at `asked`, or began after it.
    fn failed_since(&self, asked: Instant, digest: &[u8; 32]) -> Option<TokenError> {
        let known = self.lock();
        let (ended, with, error) = known.failed.as_ref()?;
        (*ended >= asked && with == digest).then(|| error.clone())
    }

    fn note(&self, error: TokenError, digest: [u8; 32], ended: Instant) -> TokenError {
        self.lock().failed = Some((ended, digest, error.clone()));
        error
    }

    fn keep(&self, granted: Granted, digest: [u8; 32], now: Instant) -> Secret {
        let Granted { token, lifetime } = granted;
        let good_until = now + lifetime;
        let renewed_from = good_until - RENEWED_BEFORE.min(lifetime / 3);
        let mut known = self.lock();
        known.failed = None;
        let new = Token { secret: token.clone(), digest, renewed_from, good_until };
        known.previous = known.current.replace(new).map(|token| token.secret);
        token
    }
}

#[cfg(test)]
mod tests;
