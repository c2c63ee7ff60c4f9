//! Chat completions as events. A whole response is read as a stream of one chunk:
//! its `message` has the fields of a `delta`.

mod calls;
mod choice;
mod media;
mod reasoning;
mod sources;
mod usage;

use plugway_sdk::chat::{Event, Extra, Failure, Origin, Usage};
use plugway_sdk::log;
use plugway_sdk::provider::{Frame, UpstreamResponse};

use super::{DIALECT, explain};
use crate::node::Node;
use crate::usage::grown;
use choice::Choices;

pub(crate) use usage::named_price;

/// The end mark of a stream.
const DONE: &[u8] = b"[DONE]";

/// Fields of a response that are modelled, constant or padding; the others are
/// passed on to clients of this format.
const MODELLED: [&str; 12] = [
    "id",
    "object",
    "created",
    "model",
    "choices",
    "usage",
    "service_tier",
    "error",
    // Padding against the measuring of packet lengths, by several names.
    "obfuscation",
    "padding",
    "p",
    "latency_checkpoint",
];

/// Without any of these a chunk is none.
const TELLING: [&str; 3] = ["choices", "usage", "x_groq"];

pub(crate) fn whole(response: &UpstreamResponse, memo: &str) -> Vec<Event> {
    let mut events = Vec::new();
    let mut decoder = Decoder::new(memo);
    decoder.choices.read_whole();
    match Node::read(&response.body) {
        Some(body) => decoder.chunk(&body, &mut events),
        None => events.push(nonsense("a body")),
    }
    if !matches!(events.last(), Some(Event::Failed(_))) {
        // Nothing can be missing from a body that parses.
        decoder.done = true;
        decoder.end(&mut events);
    }
    events
}

/// Reads the chunks of one response.
pub(crate) struct Decoder {
    /// The client takes native fields of this format.
    native: bool,
    origin: Origin,
    usage: Option<Usage>,
    choices: Choices,
    /// The end mark has come.
    done: bool,
}

impl Decoder {
    pub(crate) fn new(memo: &str) -> Self {
        let native = memo == DIALECT;
        Self {
            native,
            origin: Origin::default(),
            usage: None,
            choices: Choices::new(native),
            done: false,
        }
    }

    pub(crate) fn push(&mut self, frame: &Frame, events: &mut Vec<Event>) {
        let data = frame.data.trim_ascii();
        if data == DONE {
            self.done = true;
        } else if !data.is_empty() && !self.done {
            match Node::read(data) {
                Some(chunk) => self.chunk(&chunk, events),
                // Events of other names are none of this format's, whatever they hold.
                None if frame.kind.as_ref().is_some_and(|kind| kind != "message") => {
                    log::skipped("an event that is no chunk");
                }
                None => events.push(nonsense("a stream event")),
            }
        }
    }

    pub(crate) fn end(&mut self, events: &mut Vec<Event>) {
        if !self.choices.any() {
            events
                .push(Failure::unavailable("the provider ended its answer before it began").into());
        } else if !self.done && !self.choices.all_finished() {
            events.push(Failure::unavailable("the provider cut its answer short").into());
        } else {
            self.choices.end(events);
            events.extend(self.choices.failure().map(Event::from));
        }
    }

    fn chunk(&mut self, chunk: &Node, events: &mut Vec<Event>) {
        self.origin(chunk, events);
        self.choices.found(sources::sources(chunk));
        let mut failure = explain::in_band(chunk);
        for (position, choice) in chunk.list("choices").iter().enumerate() {
            self.choices.read(choice, position, events);
            self.usage(choice, chunk, events);
            failure = failure.or_else(|| choice.get("error").and_then(explain::told));
        }
        self.usage(chunk, chunk, events);
        if let Some(groq) = chunk.get("x_groq") {
            self.usage(groq, chunk, events);
            failure = failure.or_else(|| groq.get("error").and_then(explain::told));
        }
        if failure.is_none() && TELLING.iter().all(|field| chunk.get(field).is_none()) {
            log::skipped("a chunk of an unknown type");
        }
        if let Some(failure) = failure.or_else(|| self.choices.failure()) {
            events.push(failure.into());
        }
    }

    /// Tells what is new about the response as a whole.
    fn origin(&mut self, chunk: &Node, events: &mut Vec<Event>) {
        let known = &mut self.origin;
        let news = Origin {
            id: news(&mut known.id, chunk.text("id")),
            model: news(&mut known.model, chunk.text("model")),
            service_tier: news(&mut known.service_tier, chunk.text("service_tier")),
            extra: if self.native { extra_news(&mut known.extra, chunk) } else { Vec::new() },
        };
        if let Some(id) = &news.id {
            self.choices.response_id(id);
        }
        if news != Origin::default() {
            events.push(Event::Origin(news));
        }
    }

    fn usage(&mut self, holder: &Node, chunk: &Node, events: &mut Vec<Event>) {
        let Some(usage) = holder.get("usage").and_then(|usage| usage::usage(usage, chunk)) else {
            return;
        };
        let usage = grown(self.usage.as_ref(), usage);
        if self.usage.as_ref() != Some(&usage) {
            events.push(Event::Usage(usage.clone()));
            self.usage = Some(usage);
        }
    }
}

/// The value, where it differs from the known one, which it replaces.
pub(crate) fn news(known: &mut Option<String>, value: Option<&str>) -> Option<String> {
    let value = value.filter(|value| known.as_deref() != Some(value))?;
    *known = Some(value.to_owned());
    known.clone()
}

/// Fields that are not modelled, each as it first came: servers repeat some of them
/// in every chunk.
fn extra_news(known: &mut Vec<Extra>, chunk: &Node) -> Vec<Extra> {
    let mut fresh = chunk.extras(&MODELLED);
    fresh.retain(|(name, _)| known.iter().all(|(other, _)| other != name));
    known.extend(fresh.iter().cloned());
    fresh
}

pub(crate) fn nonsense(what: &str) -> Event {
    Failure::unavailable(format!("the provider sent {what} that is not JSON")).into()
}
