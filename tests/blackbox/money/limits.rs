//! Limits of keys and workspaces: who is refused, with what, and until when.

use super::books::{PATIENCE, TestKey, balanced, chat, known, make_key, with_key};
use crate::envelopes::{Reader, is_read};
use crate::setup::{ask, provider};
use http_body_util::BodyExt;
use plugway::account::issue::NewKey;
use plugway_accounts::KeySettings;
use plugway_accounts::limits::Limit;
use plugway_routing::Clock;
use plugway_simulator::{Behaviour, Failure, Kind, Simulator, When};
use plugway_store::{Change, DEFAULT_WORKSPACE};
use plugway_tests::{Answer, TestRouter};
use serde_json::{Value, json};
use std::num::NonZeroU32;
use std::time::Duration;
use tokio::time::timeout;

/// 2026-11-25, a Wednesday.
const BEGAN: Duration = Duration::from_secs(20_782 * 86_400 + 3_600);

/// A router whose time stands still.
struct Still {
    router: TestRouter,
    open: Simulator,
    clock: Clock,
}

impl Still {
    async fn start() -> Self {
        let open = Simulator::start(Kind::OpenAi, Behaviour::new().reply("One two three")).unwrap();
        let clock = Clock::stopped(BEGAN);
        let router = TestRouter::start_at(&provider("open", &open, 1), clock.clone()).await;
        Self { router, open, clock }
    }

    async fn key(&self, settings: KeySettings) -> TestKey {
        make_key(&self.router, NewKey { settings, ..NewKey::default() }).await
    }

    async fn chat(&self, key: &TestKey, text: &str) -> Answer {
        chat(&self.router.client(), key, &ask("test/open", text)).await
    }

    /// Asserts that a request is refused until the very second that the refusal tells.
    async fn refused_until_it_says(&self, key: &TestKey, text: &str) {
        let refused = self.chat(key, text).await;
        assert_eq!(refused.status, 429, "{}", refused.text());
        let seconds = header(&refused, "retry-after");
        self.clock.advance(Duration::from_secs(seconds - 1));
        assert_eq!(self.chat(key, text).await.status, 429, "a second before");
        self.clock.advance(Duration::from_secs(1));
        let served = self.chat(key, text).await;
        assert_eq!(served.status, 200, "after {seconds} s: {}", served.text());
    }
}

fn header(answer: &Answer, name: &str) -> u64 {
    let text = answer.header(name).unwrap_or_else(|| panic!("no {name}: {answer:?}"));
    text.parse().unwrap()
}

/// Limit, what is left of it, and when it is whole.
fn told(answer: &Answer) -> [u64; 3] {
    ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"]
        .map(|name| header(answer, name))
}

fn error(answer: &Answer) -> (String, String) {
    let error = answer.json()["error"].clone();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    (text(&error["metadata"]["code"]), text(&error["message"]))
}

#[tokio::test(flavor = "multi_thread")]
async fn beyond_its_requests_per_minute_a_key_waits_as_long_as_it_is_told() {
    let still = Still::start().await;
    let requests_per_minute = NonZeroU32::new(4);
    let key = still.key(KeySettings { requests_per_minute, ..KeySettings::default() }).await;
    for _ in 0..4 {
        assert_eq!(still.chat(&key, "Hi").await.status, 200);
    }
    let refused = still.chat(&key, "Hi").await;
    let whole = still.clock.unix_ms() + 60_000;
    assert_eq!((refused.status.as_u16(), told(&refused)), (429, [4, 0, whole]));
    assert_eq!(header(&refused, "retry-after"), 15);
    let (code, message) = error(&refused);
    assert_eq!(code, "key_limit_exceeded");
    assert!(message.contains("allows 4 requests per minute; try again in 15 s"), "{message}");
    // To the millisecond.
    still.clock.advance(Duration::from_millis(14_999));
    assert_eq!(still.chat(&key, "Hi").await.status, 429);
    still.clock.advance(Duration::from_millis(1));
    assert_eq!(still.chat(&key, "Hi").await.status, 200);
    still.refused_until_it_says(&key, "Hi").await;
    assert_eq!(still.open.requests().len(), 6, "what was refused came no further");
    balanced(&still.router).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn beyond_its_tokens_per_minute_a_key_waits_as_long_as_it_is_told() {
    let still = Still::start().await;
    let tokens_per_minute = NonZeroU32::new(600);
    let key = still.key(KeySettings { tokens_per_minute, ..KeySettings::default() }).await;
    let long = "sea ".repeat(400);
    assert_eq!(still.chat(&key, &long).await.status, 200);
    let rows = balanced(&still.router).await;
    let used = rows[0].tokens.prompt + rows[0].tokens.completion;
    assert!((301..600).contains(&used), "{:?}", rows[0]);
    // It wants more than are left of a minute's tokens.
    let refused = still.chat(&key, &long).await;
    assert_eq!(refused.status, 429, "{}", refused.text());
    let whole = still.clock.unix_ms() + used * 100;
    assert_eq!(told(&refused), [600, 600 - used, whole]);
    let (code, message) = error(&refused);
    assert_eq!(code, "key_limit_exceeded");
    assert!(message.contains("600 tokens per minute"), "{message}");
    // To be refused uses nothing up.
    assert_eq!(told(&still.chat(&key, &long).await)[1], 600 - used);
    still.refused_until_it_says(&key, &long).await;
    // What is said counts too. Before its prompt is known a request waits for any token at
    // all, and then for as many as it has.
    for _ in 0..2 {
        let refused = still.chat(&key, &long).await;
        assert_eq!(refused.status, 429, "{}", refused.text());
        still.clock.advance(Duration::from_secs(header(&refused, "retry-after")));
    }
    assert_eq!(still.chat(&key, &long).await.status, 200);
    balanced(&still.router).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_has_its_places_back_when_answers_end_however_they_do() {
    let still = Still::start().await;
    let concurrent_requests = NonZeroU32::new(2);
    let key = still.key(KeySettings { concurrent_requests, ..KeySettings::default() }).await;
    let client = still.router.client();
    let mut body = ask("test/open", "Tell me a long story.");
    body["stream"] = json!(true);
    still.open.set(Behaviour::new().tokens_per_second(50).completion_tokens(100_000));
    let mut streams = Vec::new();
    for _ in 0..2 {
        let request = with_key(&client, &key, "/v1/chat/completions", &body);
        let mut stream = client.send(request).await;
        timeout(PATIENCE, stream.body_mut().frame()).await.unwrap().unwrap().unwrap();
        streams.push(stream);
    }
    let refused = still.chat(&key, "Hi").await;
    assert_eq!(refused.status, 429, "{}", refused.text());
    assert_eq!(told(&refused)[..2], [2, 0]);
    assert_eq!(header(&refused, "retry-after"), 1);
    assert!(error(&refused).1.contains("allows 2 requests at a time"), "{}", refused.text());
    assert_eq!(known(&still.router, &key).limits.running(), 2, "who is refused has no place");
    drop(streams);
    balanced(&still.router).await;

    still.open.set(Behaviour::new());
    for _ in 0..3 {
        assert!(chat(&client, &key, &body).await.text().ends_with("data: [DONE]\n\n"));
        assert_eq!(still.chat(&key, "Hi").await.status, 200);
    }
    for failure in [Failure::status(500), Failure::Close, Failure::Cut { after_chunks: 1 }] {
        still.open.set(Behaviour::new().fault(When::Always, failure));
        for _ in 0..3 {
            assert_ne!(still.chat(&key, "Hi").await.status, 429);
            chat(&client, &key, &body).await;
        }
    }
    balanced(&still.router).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_keys_of_a_workspace_share_its_limits() {
    let still = Still::start().await;
    let settings = json!({"requests_per_minute": 3}).to_string();
    let store = &still.router.router.store;
    let changed = store.update_workspace(DEFAULT_WORKSPACE, |row| row.settings = settings).await;
    assert_eq!(changed.unwrap(), Change::Done);
    let (one, other) =
        (still.key(KeySettings::default()).await, still.key(KeySettings::default()).await);
    for key in [&one, &other, &one] {
        assert_eq!(still.chat(key, "Hi").await.status, 200);
    }
    for key in [&one, &other] {
        let refused = still.chat(key, "Hi").await;
        assert_eq!(told(&refused)[..2], [3, 0]);
        assert!(error(&refused).1.contains("workspace `default`"), "{}", refused.text());
    }
    still.refused_until_it_says(&other, "Hi").await;
    balanced(&still.router).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_and_budgets_are_told_in_the_envelope_of_whoever_asks() {
    let still = Still::start().await;
    let requests_per_minute = NonZeroU32::new(1);
    let busy = still.key(KeySettings { requests_per_minute, ..KeySettings::default() }).await;
    assert_eq!(still.chat(&busy, "Hi").await.status, 200);
    let poor = make_key(&still.router, NewKey { limit: Some(0), ..NewKey::default() }).await;
    let messages = json!([{"role": "user", "content": "Hi"}]);
    let gemini = json!({"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]});
    let client = still.router.client();
    for (path, body, reader) in [
        (
            "/v1/chat/completions",
            json!({"model": "test/open", "messages": messages}),
            Reader::OpenAi,
        ),
        ("/v1/completions", json!({"model": "test/open", "prompt": "Hi"}), Reader::OpenAi),
        ("/v1/responses", json!({"model": "test/open", "input": "Hi"}), Reader::OpenAi),
        (
            "/v1/messages",
            json!({"model": "test/open", "max_tokens": 9, "messages": messages}),
            Reader::Anthropic,
        ),
        ("/v1beta/models/test%2Fopen:generateContent", gemini.clone(), Reader::Google),
        ("/v1beta/models/test%2Fopen:streamGenerateContent?alt=sse", gemini, Reader::Google),
        ("/api/chat", json!({"model": "test/open", "messages": messages}), Reader::Ollama),
    ] {
        let refused = client.read(with_key(&client, &busy, path, &body)).await;
        assert_eq!(refused.status, 429, "{path}: {}", refused.text());
        assert_eq!(
            (told(&refused)[..2].to_vec(), header(&refused, "retry-after")),
            (vec![1, 0], 60)
        );
        assert!(is_read(reader, &refused.json(), 429), "{path}: {}", refused.text());
        let refused = client.read(with_key(&client, &poor, path, &body)).await;
        assert_eq!(refused.status, 403, "{path}: {}", refused.text());
        assert!(refused.text().contains("budget of the API key"), "{path}: {}", refused.text());
        assert!(is_read(reader, &refused.json(), 403), "{path}: {}", refused.text());
    }
    assert_eq!(still.open.requests().len(), 1);
    balanced(&still.router).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_leaves_before_the_first_content_has_used_the_tokens_of_the_prompt() {
    let still = Still::start().await;
    let tokens_per_minute = NonZeroU32::new(1_000_000);
    let key = still.key(KeySettings { tokens_per_minute, ..KeySettings::default() }).await;
    still.open.set(Behaviour::new().head_delay_ms(600_000));
    let client = still.router.client();
    let body = ask("test/open", &"sea ".repeat(100_000));
    let request = with_key(&client, &key, "/v1/chat/completions", &body);
    let leaving = tokio::spawn(async move { client.send(request).await.status() });
    still.open.requests_when(|seen| !seen.is_empty()).await;
    leaving.abort();
    let rows = balanced(&still.router).await;
    assert_eq!((&*rows[0].outcome, rows[0].cost), ("cancelled", Some(0)), "{:?}", rows[0]);
    assert!(rows[0].upstream_cost > Some(0), "{:?}", rows[0]);
    let left = known(&still.router, &key).limits.now();
    let tokens = left.iter().find(|it| it.which == Limit::Tokens).unwrap();
    assert!(tokens.remaining <= 950_000, "{left:?}");
}
