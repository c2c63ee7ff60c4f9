//! Calls into plugins: what works, what is stopped and by which bound, and that
//! neighbours never notice.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use std::time::Duration;

use common::{adapter, candidates, endpoint, engine, limits, query, request, strategy};
use plugway_engine::{
    CallContext, CallError, CallErrorKind, Frame, Limits, OpenError, ResponseHead, Setup, chat,
};

const CONTEXT: CallContext = CallContext { seed: 1, now_ms: 1_700_000_000_123 };

fn head(status: u16) -> ResponseHead {
    let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
    ResponseHead { status, headers }
}

fn frame(data: &str) -> Frame {
    Frame { kind: None, data: data.as_bytes().to_vec() }
}

/// The text of the pieces, joined.
fn text(events: &[chat::Event]) -> String {
    let text = events.iter().filter_map(|event| match event {
        chat::Event::Piece(chat::Piece { part, .. }) => match &part.body {
            chat::PartBody::Text(text) => Some(text.as_str()),
            _ => None,
        },
        _ => None,
    });
    text.collect()
}

#[test]
fn an_attempt_encodes_and_reads_a_stream() {
    let engine = engine(limits());
    let mut attempt = adapter(&engine, "openai").attempt(CONTEXT).unwrap();
    let encoded = attempt.encode(&request("hello"), &endpoint()).unwrap().unwrap();
    assert_eq!(encoded.method, "POST");
    let body: serde_json::Value = serde_json::from_slice(&encoded.body).unwrap();
    assert_eq!(body["model"], "test-model");
    assert!(body["messages"][0].to_string().contains("hello"), "{body}");

    let mut decoder = attempt.decoder(head(200), &encoded.memo).unwrap();
    let chunk = |delta: &str| {
        frame(&format!(
            r#"{{"id":"c1","object":"chat.completion.chunk","model":"m","choices":[{{"index":0,"delta":{{"content":"{delta}"}},"finish_reason":null}}]}}"#
        ))
    };
    let mut events = decoder.push(vec![chunk("Hel"), chunk("lo")]).unwrap();
    let stop =
        r#"{"id":"c1","model":"m","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#;
    events.extend(decoder.push(vec![frame(stop), frame("[DONE]")]).unwrap());
    events.extend(decoder.end().unwrap());
    assert_eq!(text(&events), "Hello");
    assert!(events.iter().any(|event| matches!(event, chat::Event::Finish(_))), "{events:?}");
}

#[test]
fn an_attempt_reads_whole_answers_and_errors() {
    let engine = engine(limits());
    let openai = adapter(&engine, "openai");
    let body = br#"{"id":"c1","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"Hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":1,"total_tokens":4}}"#;
    let attempt = openai.attempt(CONTEXT).unwrap();
    let events = attempt.decode(head(200), body.to_vec(), "").unwrap();
    assert_eq!(text(&events), "Hi");

    let body = br#"{"error":{"message":"slow down","type":"rate_limit_exceeded"}}"#;
    let attempt = openai.attempt(CONTEXT).unwrap();
    let failure = attempt.explain(head(429), body.to_vec()).unwrap();
    assert_eq!(failure.kind, chat::FailureKind::RateLimited);
}

#[test]
fn every_first_party_adapter_describes_itself() {
    let engine = engine(limits());
    for name in ["openai", "anthropic", "provider-minimal"] {
        let adapter = adapter(&engine, name);
        assert_eq!(adapter.id(), name);
        assert_eq!(adapter.digest().len(), 64);
        assert!(!adapter.info().name.is_empty(), "{name}");
        assert!(!adapter.info().auth.is_empty(), "{name}");
    }
}

#[test]
fn every_first_party_strategy_plans_with_all_candidates() {
    let engine = engine(limits());
    for name in ["balanced", "price", "strategy-minimal"] {
        let policy = strategy(&engine, name).open(Setup::default()).unwrap();
        let plan = policy.route(&query(), &candidates(5)).unwrap().unwrap();
        let mut steps: Vec<u32> = plan.steps.iter().map(|step| step.candidate).collect();
        steps.sort_unstable();
        assert_eq!(steps, [0, 1, 2, 3, 4], "{name}");
        let again = policy.route(&query(), &candidates(5)).unwrap().unwrap();
        assert_eq!(plan, again, "{name} decides the same from the same");
    }
}

#[test]
fn a_strategy_refuses_wrong_options_with_its_own_sentence() {
    let engine = engine(limits());
    let options = vec![("no-such-option".to_owned(), "1".to_owned())];
    let setup = Setup { options, ..Setup::default() };
    let error = strategy(&engine, "balanced").open(setup).unwrap_err().to_string();
    assert!(error.contains("balanced") && error.contains("no-such-option"), "{error}");
}

/// What comes of encoding with this guest.
fn encode(name: &str, limits: Limits) -> Result<Vec<u8>, CallError> {
    let engine = engine(limits);
    let mut attempt = adapter(&engine, name).attempt(CONTEXT)?;
    let encoded = attempt.encode(&request("hello"), &endpoint())?;
    Ok(encoded.unwrap().body)
}

#[test]
fn misbehaviour_is_stopped_and_named() {
    let check = |name: &str, limits: Limits, cause: CallErrorKind, sentence: &str| {
        let error = encode(name, limits).unwrap_err();
        assert_eq!(error.cause, cause, "{name}");
        assert_eq!(error.export, "encode", "{name}");
        let text = error.to_string();
        assert!(text.contains(&format!("plugin `{name}`")), "{text}");
        assert!(text.contains(&error.digest) && error.digest.len() == 12, "{text}");
        assert!(text.contains(sentence), "{text}");
    };
    let trap = CallErrorKind::Trap("wasm trap: wasm `unreachable` instruction executed".to_owned());
    check("trap-in-encode", limits(), trap, "trapped: ");

    let limit = Duration::from_millis(50);
    let cpu = Limits { call_budget: limit, ..limits() };
    check("spin-in-encode", cpu, CallErrorKind::CpuBudget { limit }, "50 ms (`call_budget`)");

    let limit_bytes = 8 << 20;
    let memory = Limits { max_memory_bytes: limit_bytes, ..limits() };
    let cause = CallErrorKind::Memory { limit_bytes };
    check("eat-memory", memory, cause, "8388608 bytes (`max_memory_bytes`)");

    let output = Limits { max_output_bytes: limit_bytes, ..limits() };
    let cause = CallErrorKind::OutputTooLarge { limit_bytes };
    check("huge-output", output, cause, "8388608 bytes (`max_output_bytes`)");
}

#[test]
fn a_wall_deadline_stops_what_a_budget_would_let_run() {
    let limits = Limits {
        call_budget: Duration::from_secs(3600),
        wall_deadline: Duration::from_millis(20),
        ..limits()
    };
    let error = encode("spin-in-encode", limits).unwrap_err();
    assert_eq!(error.cause, CallErrorKind::WallDeadline { limit: Duration::from_millis(20) });
}

#[test]
fn a_trap_comes_with_the_names_of_the_functions() {
    let error = encode("trap-in-encode", limits()).unwrap_err();
    let backtrace = error.backtrace().unwrap();
    assert!(backtrace.contains("function_that_panics"), "{backtrace}");
}

#[test]
fn a_trap_in_a_stream_is_one_call_error() {
    let engine = engine(limits());
    let attempt = adapter(&engine, "trap-in-push").attempt(CONTEXT).unwrap();
    let mut decoder = attempt.decoder(head(200), "").unwrap();
    let error = decoder.push(vec![frame("x")]).unwrap_err();
    assert_eq!(error.export, "stream-decoder.push");
    assert!(decoder.push(vec![frame("x")]).is_err(), "a spent decoder stays spent");
}

#[test]
fn a_neighbour_does_not_notice_a_trap() {
    let engine = engine(limits());
    let (good, bad) = (adapter(&engine, "openai"), adapter(&engine, "trap-in-encode"));
    let mut before = good.attempt(CONTEXT).unwrap();
    for _ in 0..200 {
        // More often than there are instances: a trap gives its own back.
        let mut attempt = bad.attempt(CONTEXT).unwrap();
        assert!(attempt.encode(&request("hello"), &endpoint()).is_err());
    }
    let encoded = before.encode(&request("hello"), &endpoint()).unwrap().unwrap();
    let mut after = good.attempt(CONTEXT).unwrap();
    assert_eq!(encoded.body, after.encode(&request("hello"), &endpoint()).unwrap().unwrap().body);
}

#[test]
fn a_full_pool_is_no_trap() {
    let engine = engine(Limits { max_instances: 2, ..limits() });
    let openai = adapter(&engine, "openai");
    let attempts: Vec<_> = (0..2).map(|_| openai.attempt(CONTEXT).unwrap()).collect();
    let error = openai.attempt(CONTEXT).err().unwrap();
    assert_eq!(error.cause, CallErrorKind::NoCapacity);
    drop(attempts);
    assert!(openai.attempt(CONTEXT).is_ok(), "what was dropped is free again");
}

#[test]
fn too_many_events_are_refused() {
    let engine = engine(Limits { max_events_per_call: 1, ..limits() });
    let body = br#"{"id":"c1","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"Hi"},"finish_reason":"stop"}]}"#;
    let attempt = adapter(&engine, "openai").attempt(CONTEXT).unwrap();
    let error = attempt.decode(head(200), body.to_vec(), "").unwrap_err();
    assert_eq!(error.cause, CallErrorKind::TooManyEvents { limit: 1 });
}

#[test]
fn spinning_is_stopped_before_the_first_answer_too() {
    let limit = Duration::from_millis(50);
    let engine = engine(Limits { call_budget: limit, ..limits() });
    let attempt = adapter(&engine, "spin-in-constructor").attempt(CONTEXT).unwrap();
    let error = attempt.decoder(head(200), "").err().unwrap();
    assert_eq!(error.export, "stream-decoder.constructor");
    assert_eq!(error.cause, CallErrorKind::CpuBudget { limit });

    let error = strategy(&engine, "spin-in-open").open(Setup::default()).unwrap_err();
    let OpenError::Call(error) = error else { panic!("{error}") };
    assert_eq!(error.export, "open");
    assert_eq!(error.cause, CallErrorKind::CpuBudget { limit });
}

#[test]
fn a_policy_survives_a_call_that_was_stopped() {
    let limit = Duration::from_millis(50);
    let engine = engine(Limits { call_budget: limit, ..limits() });
    let policy = strategy(&engine, "spin-in-route").open(Setup::default()).unwrap();
    let error = policy.route(&query(), &candidates(2)).unwrap_err();
    assert_eq!(error.export, "policy.route");
    assert_eq!(error.cause, CallErrorKind::CpuBudget { limit });
    let mut harmless = candidates(2);
    for candidate in &mut harmless {
        candidate.provider = "self-check".to_owned();
    }
    assert!(policy.route(&query(), &harmless).unwrap().is_ok());
}

#[test]
fn a_policy_replaces_instances_that_answered_their_share() {
    let engine = engine(Limits { calls_per_instance: 1, ..limits() });
    let policy = strategy(&engine, "price").open(Setup::default()).unwrap();
    let first = policy.route(&query(), &candidates(3)).unwrap();
    assert_eq!(first, policy.route(&query(), &candidates(3)).unwrap());
}

#[test]
fn a_plan_is_handed_on_unchecked() {
    let engine = engine(limits());
    let policy = strategy(&engine, "nonsense-plan").open(Setup::default()).unwrap();
    let plan = policy.route(&query(), &candidates(2)).unwrap().unwrap();
    assert!(plan.steps.iter().all(|step| step.candidate >= 2), "{plan:?}");
}

#[test]
fn the_world_of_a_guest_is_inert_and_repeats_itself() {
    let look = || {
        let body: serde_json::Value =
            serde_json::from_slice(&encode("senses", limits()).unwrap()).unwrap();
        body["messages"][0]["content"].as_str().unwrap().to_owned()
    };
    let seen = look();
    for line in [
        "time: Ok(1700000000123)",
        "variables: 0",
        "root readable: false",
        "stdin: Some(\"\")",
        "slept: 0ns",
    ] {
        assert!(seen.contains(line), "no `{line}` in:\n{seen}");
    }
    assert_eq!(seen, look());
}

#[test]
fn a_storm_of_lines_costs_only_time() {
    assert!(encode("println-storm", limits()).is_ok());
}
