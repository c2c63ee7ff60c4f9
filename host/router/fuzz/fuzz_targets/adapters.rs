//! Whatever a provider answers, every adapter reads it through its component: no trap,
//! no limit exceeded, nothing after a failure or after a choice's end, the same events
//! however the frames are grouped, and no more of them than the answer is worth.
//!
//! Coverage does not see into WebAssembly, so that the input is a script: which
//! transcript, adapter and client, how frames are grouped, which status; then four bytes
//! for each change of the transcript. Random bytes would be JSON for nobody.

#![no_main]

mod judge;
mod mutation;
/// Beside what it lists: the host names no vendor.
#[path = "../../../../tests/transcripts/table.rs"]
mod transcripts;

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use plugway_engine::chat::Event;
use plugway_engine::{
    Adapter, CallContext, CallError, Engine, Frame, Grants, Limits, Plugin, ResponseHead,
};

use mutation::Mutation;
use transcripts::{TRANSCRIPTS, What};

/// Changes of one transcript; further ones are left out.
const MAX_MUTATIONS: usize = 12;

/// What a transcript may grow to, bytes: its values take up to a hundred times as many,
/// and an adapter may hold so many of them.
const MAX_BYTES: usize = 512 << 10;

/// What the router shows an adapter of an error, bytes.
const MAX_ERROR_BYTES: usize = 256 << 10;

fuzz_target!(
    init: {
        adapters();
    },
    |input: &[u8]| {
        let Some((head, script)) = input.split_first_chunk::<5>() else { return };
        let [which, adapter, memo, grouping, status] = *head;
        let transcript = pick(&TRANSCRIPTS, which);
        let name: &str = pick::<&str>(transcript.adapters, adapter);
        let memo: &str = pick::<&str>(transcript.memos, memo);
        let Some(adapter) = adapters().get(name) else { panic!("there is no adapter {name}") };
        let mut frames = transcript.frames();
        for change in script.chunks_exact(4).take(MAX_MUTATIONS).map(Mutation::from_script) {
            let mut changed = frames.clone();
            change.of(&mut changed);
            if mutation::size(&changed) <= MAX_BYTES {
                frames = changed;
            }
        }
        let body: Vec<u8> = frames.iter().flat_map(|frame| frame.data.iter().copied()).collect();
        if body.len() <= MAX_ERROR_BYTES {
            explained(adapter, status, &body);
        }
        match transcript.what {
            What::Chat => chat(adapter, memo, grouping, &frames, body),
            What::Embeddings => answered(adapter.embeddings(context()), |call| {
                call.decode(response_head(200), body, memo).map(drop)
            }),
            What::Rerank => answered(adapter.rerank(context()), |call| {
                call.decode(response_head(200), body, memo).map(drop)
            }),
            What::Count => answered(adapter.token_count(context()), |call| {
                call.decode(response_head(200), body, memo).map(drop)
            }),
            What::Models => answered(adapter.models(context()), |call| {
                call.decode(response_head(200), body, memo).map(drop)
            }),
        }
    }
);

fn chat(adapter: &Adapter, memo: &str, grouping: u8, frames: &[Frame], body: Vec<u8>) {
    let input = judge::Input::of(frames);
    let whole = sound(attempt(adapter).decode(response_head(200), body, memo));
    judge::holds(&whole, &input);
    let singly = streamed(adapter, memo, frames, |_| true);
    judge::holds(&singly, &input);
    let at_once = streamed(adapter, memo, frames, |_| false);
    judge::same(&singly, &at_once);
    // Groups begin where the bits say so, over and over.
    let grouped = streamed(adapter, memo, frames, |at| grouping >> (at % 8) & 1 == 1);
    judge::same(&singly, &grouped);
}

/// The events of the frames, a group of which ends behind every frame that `ends`, up
/// to a failure.
fn streamed(
    adapter: &Adapter,
    memo: &str,
    frames: &[Frame],
    ends: impl Fn(usize) -> bool,
) -> Vec<Event> {
    let mut decoder = sound(attempt(adapter).decoder(response_head(200), memo));
    let (mut events, mut group) = (Vec::new(), Vec::new());
    for (at, frame) in frames.iter().enumerate() {
        group.push(frame.clone());
        if ends(at) || at + 1 == frames.len() {
            events.extend(sound(decoder.push(std::mem::take(&mut group))));
            if judge::failed(&events) {
                return events;
            }
        }
    }
    events.extend(sound(decoder.end()));
    events
}

fn explained(adapter: &Adapter, status: u8, body: &[u8]) {
    // 200 to 599, the seldom ones as well.
    let status = 200 + u16::from(status) * 25 / 16;
    let failure = sound(attempt(adapter).explain(response_head(status), body.to_vec()));
    assert!(!failure.message.is_empty(), "a failure without a message");
}

/// Has an offer read its answer, where the adapter has it; a refusal is as good.
fn answered<C>(
    call: Option<Result<C, CallError>>,
    decode: impl FnOnce(C) -> Result<(), CallError>,
) {
    if let Some(call) = call {
        sound(decode(sound(call)));
    }
}

/// What the plugin answered; that it failed is what is looked for.
fn sound<T>(called: Result<T, CallError>) -> T {
    called.unwrap_or_else(|error| panic!("{error}\n{}", error.backtrace().unwrap_or_default()))
}

fn attempt(adapter: &Adapter) -> plugway_engine::Attempt {
    sound(adapter.attempt(context()))
}

fn context() -> CallContext {
    CallContext::default()
}

fn response_head(status: u16) -> ResponseHead {
    let headers = [("content-type", "application/json"), ("x-amzn-requestid", "req-1")];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
    ResponseHead { status, headers: headers.into() }
}

/// One of them, whatever the number.
fn pick<T>(from: &[T], number: u8) -> &T {
    &from[usize::from(number) % from.len()]
}

/// The adapters that are shipped, under the limits that are shipped. Only elapsed time
/// is nobody's fault on a machine that fuzzes.
fn adapters() -> &'static BTreeMap<&'static str, Arc<Adapter>> {
    static ADAPTERS: OnceLock<BTreeMap<&str, Arc<Adapter>>> = OnceLock::new();
    ADAPTERS.get_or_init(|| {
        let limits = Limits {
            wall_deadline: Duration::from_secs(3600),
            max_instances: 4,
            ..Limits::default()
        };
        let cache = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../target/fuzz/code-cache");
        let engine =
            Engine::new(limits, Some(cache.into())).unwrap_or_else(|error| panic!("{error}"));
        let mut adapters = BTreeMap::new();
        for component in plugway::FIRST_PARTY {
            match engine.load(component.id, component.wasm, &Grants::default()) {
                Ok(Plugin::Adapter(adapter)) => drop(adapters.insert(component.id, adapter)),
                Ok(Plugin::Strategy(_)) => {}
                Err(error) => panic!("{error}"),
            }
        }
        adapters
    })
}
