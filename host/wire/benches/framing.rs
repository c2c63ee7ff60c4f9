//! What the wire costs: framing a stream, splicing seals, reading a body. Prints,
//! asserts nothing.

use std::hint::black_box;

use bytes::{Bytes, BytesMut};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use plugway_engine::Framing;
use plugway_engine::chat::{Event, Part, PartBody, Piece};
use plugway_wire::framing::Framer;
use plugway_wire::openai_chat::{self, Completion};
use plugway_wire::{DecodeOptions, Form, Head};

/// Largest frame that the benches' framer takes, in bytes.
const MAX_FRAME: usize = 1 << 20;

fn sse(criterion: &mut Criterion) {
    let event =
        "event: delta\ndata: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\" word\"}}]}\n\n";
    let stream = event.repeat(1000);
    let mut group = criterion.benchmark_group("sse, 1000 events");
    group.throughput(Throughput::Bytes(stream.len() as u64));
    for chunk in [64, 1460, 16384] {
        group.bench_function(BenchmarkId::new("bytes a chunk", chunk), |bencher| {
            let mut frames = Vec::with_capacity(1024);
            bencher.iter(|| {
                let mut framer = Framer::new(Framing::Sse, MAX_FRAME);
                frames.clear();
                for chunk in stream.as_bytes().chunks(chunk) {
                    let _ = framer.push(black_box(chunk), &mut frames);
                }
                frames.len()
            });
        });
    }
    group.finish();
}

/// A body whose prompt has so many kilobytes: prose with a line break now and then.
fn body(kilobytes: usize) -> Bytes {
    let line = "The quick brown fox jumps over the lazy dog, and thinks nothing of it.\\n";
    let prompt = line.repeat(kilobytes * 1024 / line.len() + 1);
    let body = format!(
        r#"{{"model":"m","stream":true,"messages":[{{"role":"system","content":"Be brief."}},{{"role":"user","content":[{{"type":"text","text":"{prompt}"}}]}}]}}"#
    );
    Bytes::from(body)
}

fn decode(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("decode");
    for kilobytes in [1, 10, 100, 1000] {
        let body = body(kilobytes);
        group.throughput(Throughput::Bytes(body.len() as u64));
        group.bench_function(BenchmarkId::new("kilobytes", kilobytes), |bencher| {
            let options = DecodeOptions::default();
            bencher.iter(|| openai_chat::decode(black_box(body.clone()), &options).is_ok());
        });
    }
    group.finish();
}

fn splice(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("splice");
    for kilobytes in [1, 10, 100, 1000] {
        let Ok(call) = openai_chat::decode(body(kilobytes), &DecodeOptions::default()) else {
            continue;
        };
        let parts = call.request.messages.iter().flat_map(|message| &message.parts);
        let texts: Vec<&str> = parts
            .filter_map(|part| match &part.body {
                PartBody::Text(text) => Some(&**text),
                _ => None,
            })
            .collect();
        let upstream = format!(r#"{{"model":"m","input":["{}"]}}"#, texts.join("\",\""));
        group.bench_function(BenchmarkId::new("kilobytes", kilobytes), |bencher| {
            bencher.iter(|| {
                let body = black_box(upstream.clone()).into_bytes();
                call.seals.splice(body, true).map(|spliced| spliced.len)
            });
        });
    }
    group.finish();
}

fn encode(criterion: &mut Criterion) {
    let piece = Event::Piece(Piece {
        choice: 0,
        index: 0,
        part: Part {
            body: PartBody::Text(" word".to_owned()),
            id: None,
            signature: None,
            format: None,
            citations: Vec::new(),
            cache: None,
            extra: Vec::new(),
        },
        logprobs: None,
    });
    criterion.bench_function("encode a streamed piece", |bencher| {
        let mut encoder = Completion { include_reasoning: true }.stream(Head::default());
        let mut out = BytesMut::with_capacity(4096);
        encoder.push(&piece, &mut out);
        bencher.iter(|| {
            out.clear();
            encoder.push(black_box(&piece), &mut out);
            out.len()
        });
    });
}

criterion_group!(benches, sse, decode, splice, encode);
criterion_main!(benches);
