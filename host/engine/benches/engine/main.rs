//! What a plugin costs: prints, asserts nothing. `cargo bench --profile release --bench engine`.

#![allow(clippy::unwrap_used, missing_docs, reason = "a bench stops where it cannot go on")]

#[path = "../../tests/common/mod.rs"]
mod common;
mod comparison;

use common::{adapter, candidates, endpoint, engine, query, request, strategy};
use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use plugway_engine::{Attempt, CallContext, Frame, Limits, ResponseHead, Setup};
use std::hint::black_box;

const CONTEXT: CallContext = CallContext { seed: 1, now_ms: 1_700_000_000_000 };

/// As long as the tokens that stand for text.
const SEAL: &str = "plugwaySeal0123456789abcdefg";

fn head() -> ResponseHead {
    let headers = vec![("content-type".to_owned(), "text/event-stream".to_owned())];
    ResponseHead { status: 200, headers }
}

/// One piece of a streamed answer, 200 bytes.
fn frame() -> Frame {
    let data = r#"{"id":"chatcmpl-0123456789","object":"chat.completion.chunk","created":1700000000,"model":"test-model","choices":[{"index":0,"delta":{"content":" streamed text"},"logprobs":null,"finish_reason":null}]}"#;
    Frame { kind: None, data: data.as_bytes().to_vec() }
}

/// Prose of so many bytes, with some characters that JSON escapes.
fn prose(bytes: usize) -> String {
    "He said \"no\" and left.\nThe rain went on, and so did we, for hours. "
        .chars()
        .cycle()
        .take(bytes)
        .collect()
}

fn attempts(c: &mut Criterion) {
    let engine = engine(Limits::default());
    for name in ["openai", "anthropic"] {
        let adapter = adapter(&engine, name);
        let mut group = c.benchmark_group(name);
        group.bench_function("instance", |b| b.iter(|| adapter.attempt(CONTEXT).unwrap()));
        if name == "openai" {
            let request = request(&prose(1000));
            group.bench_function("attempt: instance, encode 1 KB, decoder, push, drop", |b| {
                b.iter(|| {
                    let mut attempt = adapter.attempt(CONTEXT).unwrap();
                    let encoded = attempt.encode(&request, &endpoint()).unwrap().unwrap();
                    let mut decoder = attempt.decoder(head(), &encoded.memo).unwrap();
                    decoder.push(vec![frame()]).unwrap()
                });
            });
        }
        group.finish();
    }
}

fn encode(c: &mut Criterion) {
    let engine = engine(Limits::default());
    let adapter = adapter(&engine, "openai");
    let fresh = || adapter.attempt(CONTEXT).unwrap();
    let encode = |mut attempt: Attempt, text: &plugway_engine::chat::Request| {
        // Handed back, so that dropping the instance is not measured.
        (attempt.encode(text, &endpoint()).unwrap().unwrap(), attempt)
    };
    let mut group = c.benchmark_group("encode");
    for kilobytes in [1, 10, 100, 1000] {
        let request = request(&prose(kilobytes * 1000));
        group.throughput(Throughput::Bytes(kilobytes as u64 * 1000));
        group.bench_function(BenchmarkId::new("text, KB", kilobytes), |b| {
            b.iter_batched(fresh, |attempt| encode(attempt, &request), BatchSize::PerIteration);
        });
    }
    drop(group);
    let sealed = request(SEAL);
    c.bench_function("encode/sealed, any size", |b| {
        b.iter_batched(fresh, |attempt| encode(attempt, &sealed), BatchSize::PerIteration);
    });
}

fn push(c: &mut Criterion) {
    let engine = engine(Limits::default());
    let adapter = adapter(&engine, "openai");
    let mut decoder = adapter.attempt(CONTEXT).unwrap().decoder(head(), "").unwrap();
    c.bench_function("push/one frame", |b| {
        b.iter_batched(
            || vec![frame()],
            |frames| decoder.push(frames).unwrap(),
            BatchSize::SmallInput,
        );
    });
    c.bench_function("push/the same, native serde_json::Value", |b| {
        b.iter(|| serde_json::from_slice::<serde_json::Value>(&black_box(frame()).data).unwrap());
    });
}

fn route(c: &mut Criterion) {
    let engine = engine(Limits::default());
    for name in ["price", "balanced"] {
        let policy = strategy(&engine, name).open(Setup::default()).unwrap();
        let mut group = c.benchmark_group(format!("route, {name}"));
        for count in [5, 20, 100, 1000] {
            let candidates = candidates(count);
            group.bench_function(BenchmarkId::new("candidates", count), |b| {
                b.iter(|| policy.route(&query(), &candidates).unwrap().unwrap());
            });
        }
        group.finish();
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20);
    targets = attempts, encode, push, route, comparison::sync_and_async, comparison::wasi
}
criterion_main!(benches);
