//! Everything that goes wrong on purpose, and clients that leave.

use http_body_util::BodyExt as _;
use plugway_simulator::{Behaviour, Exchange, Failure, Kind, Outcome, Script, Simulator, When};
use serde_json::{Value, json};

use crate::client::{Answer, chat, collect, request, send, within};

const KINDS: [Kind; 2] = [Kind::OpenAi, Kind::Anthropic];

/// Longer than any test lasts.
const FOREVER_MS: u64 = 3_600_000;

fn ask(stream: bool) -> Value {
    json!({
        "model": "m",
        "max_tokens": 100,
        "stream": stream,
        "messages": [{"role": "user", "content": "one two three"}],
    })
}

fn failing(kind: Kind, failure: Failure) -> Simulator {
    let behaviour = Behaviour::new().fault(When::Always, failure);
    Simulator::start(kind, behaviour).unwrap()
}

async fn answer(kind: Kind, stream: bool, failure: Failure) -> Answer {
    chat(&failing(kind, failure), ask(stream)).await
}

#[tokio::test]
async fn statuses_come_with_the_providers_body() {
    for (kind, code, expected) in [
        (Kind::OpenAi, 429, "rate_limit_exceeded"),
        (Kind::OpenAi, 500, "server_error"),
        (Kind::OpenAi, 503, "overloaded"),
        (Kind::Anthropic, 429, "rate_limit_error"),
        (Kind::Anthropic, 500, "api_error"),
        (Kind::Anthropic, 529, "overloaded_error"),
    ] {
        let simulator = failing(kind, Failure::status(code));
        let refused = chat(&simulator, ask(true)).await;
        assert_eq!(refused.status, code);
        assert_eq!(refused.headers["content-type"], "application/json");
        assert!(refused.body.contains(expected), "{}", refused.body);
        let exchange = &simulator.requests()[0];
        assert_eq!(exchange.status, Some(code));
        assert_eq!(exchange.outcome, Outcome::Refused);
    }
    let limited = answer(Kind::OpenAi, false, Failure::rate_limited(7)).await;
    assert_eq!(limited.headers["retry-after"], "7");
    let quota = Failure::Status {
        code: 429,
        retry_after: None,
        message: Some("You exceeded your current quota".into()),
    };
    let quota = answer(Kind::OpenAi, false, quota).await;
    assert_eq!(quota.json()["error"]["message"], "You exceeded your current quota");
}

#[tokio::test]
async fn a_stream_is_cut_where_the_script_says() {
    for kind in KINDS {
        for (after_chunks, expected) in [(0, ""), (2, "You said:"), (99, "You said: one two three")]
        {
            let simulator = failing(kind, Failure::Cut { after_chunks });
            let cut = chat(&simulator, ask(true)).await;
            assert_eq!(cut.status, 200);
            assert!(cut.cut, "{kind:?} after {after_chunks}");
            assert_eq!(cut.text(), expected, "{kind:?}");
            assert!(!cut.body.contains("[DONE]") && !cut.body.contains("message_stop"));
            let ended = |all: &[Exchange]| all[0].outcome == Outcome::Broken;
            within(simulator.requests_when(ended)).await;
        }
        let whole = answer(kind, false, Failure::Cut { after_chunks: 0 }).await;
        assert!(whole.cut && !whole.body.is_empty());
    }
}

#[tokio::test]
async fn a_connection_is_closed_without_a_response() {
    for kind in KINDS {
        let simulator = failing(kind, Failure::Close);
        let request = request(&simulator, ask(false).to_string());
        assert!(send(&simulator, request).await.is_err());
        assert_eq!(simulator.requests()[0].outcome, Outcome::Broken);
        assert_eq!(simulator.requests()[0].status, None);
    }
}

#[tokio::test]
async fn a_broken_frame_stands_between_good_ones() {
    for kind in KINDS {
        let broken = answer(kind, true, Failure::Malformed { after_chunks: 1 }).await;
        let data = broken.data();
        let is_json = |data: &&str| serde_json::from_str::<Value>(data).is_ok();
        let bad: Vec<&str> = data.into_iter().filter(|data| !is_json(data)).collect();
        let done = usize::from(kind == Kind::OpenAi);
        assert_eq!(bad.len(), 1 + done, "{bad:?}");
        assert_eq!(broken.text(), "You said: one two three");
        let whole = answer(kind, false, Failure::Malformed { after_chunks: 0 }).await;
        assert!(!whole.cut && serde_json::from_str::<Value>(&whole.body).is_err());
    }
}

#[tokio::test]
async fn an_error_inside_a_stream_ends_it() {
    for (kind, code, expected) in
        [(Kind::OpenAi, 500, "server_error"), (Kind::Anthropic, 529, "overloaded_error")]
    {
        let failure = |after_chunks| Failure::StreamError { after_chunks, code };
        let broken = answer(kind, true, failure(2)).await;
        assert_eq!((broken.status.as_u16(), broken.cut), (200, false));
        assert_eq!(broken.text(), "You said:");
        let last = broken.events().pop().unwrap();
        assert_eq!(last["error"]["type"], expected);
        let whole = answer(kind, false, failure(0)).await;
        assert_eq!(whole.status, 200);
        assert_eq!(whole.json()["error"]["type"], expected);
    }
}

#[tokio::test]
async fn a_completion_may_say_nothing() {
    for kind in KINDS {
        for stream in [false, true] {
            let empty = answer(kind, stream, Failure::Empty).await;
            assert_eq!((empty.status.as_u16(), empty.cut), (200, false));
            assert_eq!(empty.text(), "");
        }
    }
}

#[tokio::test]
async fn a_client_that_leaves_is_seen_at_once() {
    let stall = Failure::Stall { after_chunks: 1, milliseconds: FOREVER_MS };
    for kind in KINDS {
        // In the middle of a stream.
        let simulator = failing(kind, stall.clone());
        let asked = request(&simulator, ask(true).to_string());
        let mut response = send(&simulator, asked).await.unwrap();
        within(response.body_mut().frame()).await.unwrap().unwrap();
        assert_eq!(simulator.requests()[0].outcome, Outcome::Running);
        drop(response);
        let left = |all: &[Exchange]| all.iter().all(|e| e.outcome == Outcome::ClientLeft);
        within(simulator.requests_when(left)).await;

        // Before the head.
        simulator.clear();
        simulator.set(Behaviour::new().head_delay_ms(FOREVER_MS));
        let asked = send(&simulator, request(&simulator, ask(true).to_string()));
        let arrived = simulator.requests_when(|all| all.len() == 1);
        let seen = within(async {
            tokio::select! {
                _ = asked => panic!("an answer"),
                seen = arrived => seen,
            }
        });
        assert_eq!(seen.await[0].status, None);
        within(simulator.requests_when(left)).await;
    }
}

#[tokio::test]
async fn a_slow_stream_arrives_in_parts_and_complete() {
    let slow = Behaviour::new().first_token_ms(200).tokens_per_second(200).completion_tokens(20);
    let burst = Behaviour::new().completion_tokens(20);
    for (behaviour, parts) in [(slow, 2..), (burst.clone(), 1..), (burst.frames_per_write(1), 20..)]
    {
        for kind in KINDS {
            let simulator = Simulator::start(kind, behaviour.clone()).unwrap();
            let asked = request(&simulator, ask(true).to_string());
            let mut response = send(&simulator, asked).await.unwrap();
            let (mut frames, mut bytes) = (0, 0);
            while let Some(frame) = within(response.body_mut().frame()).await {
                bytes += frame.unwrap().into_data().unwrap().len();
                frames += 1;
            }
            assert!(parts.contains(&frames), "{frames} parts of {behaviour:?}");
            assert!(bytes > 1000);
            let ended = |all: &[Exchange]| all[0].outcome == Outcome::Answered;
            within(simulator.requests_when(ended)).await;
        }
    }
}

#[tokio::test]
async fn one_model_fails_every_second_time_and_the_others_do_not() {
    let flaky = Behaviour::new().fault(When::Every(2), Failure::status(503));
    let script = Script::new().model("flaky", flaky);
    for kind in KINDS {
        let simulator = Simulator::start(kind, script.clone()).unwrap();
        let mut statuses = Vec::new();
        for model in ["flaky", "steady", "flaky", "steady", "flaky", "flaky"] {
            let mut asked = ask(false);
            asked["model"] = json!(model);
            statuses.push(chat(&simulator, asked).await.status.as_u16());
        }
        assert_eq!(statuses, [200, 200, 503, 200, 200, 503]);
    }
}

#[tokio::test]
async fn answers_of_one_seed_are_the_same() {
    let mut bodies = Vec::new();
    for seed in [1, 1, 2] {
        let simulator = Simulator::start(Kind::Anthropic, Script::new().seed(seed)).unwrap();
        bodies.push(collect_body(&simulator).await);
    }
    assert_eq!(bodies[0], bodies[1]);
    assert_ne!(bodies[0], bodies[2]);
}

async fn collect_body(simulator: &Simulator) -> String {
    let asked = request(simulator, ask(true).to_string());
    collect(send(simulator, asked).await.unwrap()).await.body
}
