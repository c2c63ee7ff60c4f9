//! When tokens are obtained, how often, and by whom. The clock is the
//! tests' own.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use http::Uri;
use tokio::task::yield_now;
use zeroize::Zeroizing;

use super::*;
use crate::ClientCredentials;

fn grant(secret: &str) -> Grant {
    let of = |text: &str| Secret::new(Zeroizing::new(text.to_owned())).unwrap();
    Grant::Client(ClientCredentials {
        id: of("id"),
        secret: of(secret),
        token_url: Uri::from_static("https://tokens.example/t"),
    })
}

/// Tokens, and a clock for them.
fn tokens() -> (Tokens, impl Fn(u64)) {
    let (began, passed) = (Instant::now(), Arc::new(AtomicU64::new(0)));
    let seconds = passed.clone();
    let clock = move || began + Duration::from_secs(seconds.load(Ordering::Relaxed));
    let tokens = Tokens { clock: Box::new(clock), ..Tokens::default() };
    (tokens, move |seconds| {
        passed.fetch_add(seconds, Ordering::Relaxed);
    })
}

/// A token endpoint whose tokens are good for a quarter of an hour.
#[derive(Default)]
struct Endpoint {
    asked: AtomicUsize,
    is_down: AtomicBool,
}

impl Endpoint {
    async fn answer(&self) -> Result<TokenAnswer, TokenError> {
        let number = self.asked.fetch_add(1, Ordering::Relaxed) + 1;
        // Whoever else asks comes to its turn.
        yield_now().await;
        if self.is_down.load(Ordering::Relaxed) {
            return Ok(TokenAnswer { status: 503, body: Vec::new() });
        }
        let body = format!(r#"{{"access_token":"token-{number}","expires_in":900}}"#);
        Ok(TokenAnswer { status: 200, body: body.into_bytes() })
    }

    async fn ask(&self, tokens: &Tokens, grant: &Grant) -> Result<String, TokenError> {
        let token = tokens.get("owner", grant, "scope", |_| self.answer()).await?;
        Ok(token.expose().to_owned())
    }
}

#[tokio::test]
async fn a_token_is_kept_until_shortly_before_it_runs_out() {
    let ((tokens, pass), endpoint, grant) = (tokens(), Endpoint::default(), grant("s"));
    assert_eq!(endpoint.ask(&tokens, &grant).await.unwrap(), "token-1");
    pass(800);
    assert_eq!(endpoint.ask(&tokens, &grant).await.unwrap(), "token-1");
    pass(50);
    assert_eq!(endpoint.ask(&tokens, &grant).await.unwrap(), "token-2");
    let known: Vec<_> = tokens.known("owner").iter().map(|it| it.expose().to_owned()).collect();
    assert_eq!(known, ["token-2", "token-1"], "the one before may still be under way");
}

#[tokio::test]
async fn all_who_ask_at_once_share_one_token() {
    let ((tokens, _), endpoint, grant) = (tokens(), Endpoint::default(), grant("s"));
    let ask = || endpoint.ask(&tokens, &grant);
    let (a, b, c) = tokio::join!(ask(), ask(), ask());
    assert_eq!([a.unwrap(), b.unwrap(), c.unwrap()], ["token-1"; 3]);
    assert_eq!(endpoint.asked.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn all_who_wait_share_one_failure() {
    let ((tokens, pass), endpoint, grant) = (tokens(), Endpoint::default(), grant("s"));
    endpoint.is_down.store(true, Ordering::Relaxed);
    let ask = || endpoint.ask(&tokens, &grant);
    let (a, b, c) = tokio::join!(ask(), ask(), ask());
    for outcome in [a, b, c] {
        assert_eq!(outcome, Err(TokenError::Status(503)));
    }
    assert_eq!(endpoint.asked.load(Ordering::Relaxed), 1);
    // Who comes later tries anew.
    endpoint.is_down.store(false, Ordering::Relaxed);
    pass(1);
    assert_eq!(endpoint.ask(&tokens, &grant).await.unwrap(), "token-2");
}

#[tokio::test]
async fn a_token_that_cannot_be_renewed_is_used_while_it_is_good() {
    let ((tokens, pass), endpoint, grant) = (tokens(), Endpoint::default(), grant("s"));
    assert_eq!(endpoint.ask(&tokens, &grant).await.unwrap(), "token-1");
    endpoint.is_down.store(true, Ordering::Relaxed);
    pass(850);
    assert_eq!(endpoint.ask(&tokens, &grant).await.unwrap(), "token-1");
    pass(50);
    assert_eq!(endpoint.ask(&tokens, &grant).await, Err(TokenError::Status(503)));
}

#[tokio::test]
async fn whoever_leaves_while_a_token_is_obtained_leaves_it_to_the_next() {
    let ((tokens, _), endpoint, grant) = (tokens(), Endpoint::default(), grant("s"));
    let never = tokens.get("owner", &grant, "scope", |_| std::future::pending());
    let impatient = tokio::time::timeout(Duration::ZERO, never).await;
    assert!(impatient.is_err());
    assert_eq!(endpoint.ask(&tokens, &grant).await.unwrap(), "token-1");
}

#[tokio::test]
async fn another_credential_gets_another_token() {
    let ((tokens, _), endpoint) = (tokens(), Endpoint::default());
    assert_eq!(endpoint.ask(&tokens, &grant("a")).await.unwrap(), "token-1");
    assert_eq!(endpoint.ask(&tokens, &grant("b")).await.unwrap(), "token-2");
    assert_eq!(endpoint.ask(&tokens, &grant("b")).await.unwrap(), "token-2");
}

#[tokio::test]
async fn a_forgotten_token_is_not_used_again_but_masked() {
    let ((tokens, _), endpoint, grant) = (tokens(), Endpoint::default(), grant("s"));
    endpoint.ask(&tokens, &grant).await.unwrap();
    tokens.forget("owner");
    assert_eq!(tokens.known("owner").len(), 1);
    assert_eq!(endpoint.ask(&tokens, &grant).await.unwrap(), "token-2");
}
