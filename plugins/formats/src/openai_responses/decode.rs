//! Responses as events. The items of a whole one are read as if each had just ended.

mod items;
mod usage;

use plugway_sdk::chat::{Event, Extra, Failure, Finish, FinishReason, Origin, Part};

use super::DIALECT;
use crate::node::Node;
use crate::openai_chat::{Profile, in_band, news, told};
use items::Items;

/// Fields of a response that are modelled, constant or an echo of the items.
const MODELLED: [&str; 10] = [
    "id",
    "object",
    "created_at",
    "model",
    "output",
    "output_text",
    "usage",
    "service_tier",
    "error",
    "status",
];

/// Reads the events of one response.
pub(crate) struct Decoder {
    /// The client takes native fields of this format.
    native: bool,
    origin: Origin,
    items: Items,
    /// The response has ended, or failed.
    done: bool,
}

impl Decoder {
    pub(crate) fn new(profile: &'static Profile, dialect: &str) -> Self {
        let native = dialect == DIALECT;
        Self { native, origin: Origin::default(), items: Items::new(profile, native), done: false }
    }

    /// Reads a response that came in one piece.
    pub(crate) fn whole(&mut self, response: &Node, events: &mut Vec<Event>) {
        if response.get("output").is_none() && response.text("status").is_none() {
            let failure = in_band(response)
                .unwrap_or_else(|| Failure::unavailable("the provider sent no response"));
            events.push(failure.into());
            return;
        }
        self.origin(response, events);
        // Some servers show all reasoning beside the items.
        if let Some(thought) = response.text("reasoning") {
            self.items.thought_aside(Part::reasoning(thought), events);
        }
        self.ended(response, events);
    }

    /// Reads one event of a stream; those of kinds that say nothing are skipped.
    pub(crate) fn event(&mut self, event: &Node, events: &mut Vec<Event>) {
        if self.done {
            return;
        }
        let response = event.get("response");
        match event.text("type").unwrap_or_default() {
            "response.completed"
            | "response.incomplete"
            | "response.failed"
            | "response.cancelled" => self.ended(response.unwrap_or(&Node::Null), events),
            "error" => {
                let failure = event.get("error").and_then(told).or_else(|| told(event));
                self.fail(failure, events);
            }
            "response.created" | "response.in_progress" | "response.queued" => {
                if let Some(response) = response {
                    self.origin(response, events);
                }
            }
            // The whole response, or an error, though a stream was asked for.
            "" if event.text("object") == Some("response") => self.whole(event, events),
            "" => {
                if let Some(failure) = in_band(event) {
                    self.fail(Some(failure), events);
                }
            }
            kind => self.items.event(kind, event, events),
        }
    }

    /// The body ended cleanly.
    pub(crate) fn end(&mut self, events: &mut Vec<Event>) {
        if !self.done {
            self.done = true;
            events.push(Failure::unavailable("the provider cut its answer short").into());
        }
    }

    fn fail(&mut self, failure: Option<Failure>, events: &mut Vec<Event>) {
        self.done = true;
        let failure =
            failure.unwrap_or_else(|| Failure::unavailable("the provider failed and says no more"));
        events.push(failure.into());
    }

    /// Tells what is new about the response as a whole.
    fn origin(&mut self, response: &Node, events: &mut Vec<Event>) {
        self.origin_with(response, Vec::new(), events);
    }

    fn origin_with(&mut self, response: &Node, extra: Vec<Extra>, events: &mut Vec<Event>) {
        let known = &mut self.origin;
        let news = Origin {
            id: news(&mut known.id, response.text("id")),
            model: news(&mut known.model, response.text("model")),
            service_tier: news(&mut known.service_tier, response.text("service_tier")),
            extra,
        };
        if let Some(id) = &news.id {
            self.items.response_id(id);
        }
        if news != Origin::default() {
            events.push(Event::Origin(news));
        }
    }

    /// Reads the response as it is at its end.
    fn ended(&mut self, response: &Node, events: &mut Vec<Event>) {
        self.done = true;
        let mut extra = if self.native { response.extras(&MODELLED) } else { Vec::new() };
        // Where others echo how the model was to think, some servers show what it thought.
        if response.text("reasoning").is_some() {
            extra.retain(|(name, _)| name != "reasoning");
        }
        self.origin_with(response, extra, events);
        self.items.all(response.list("output"), events);
        events.extend(usage::usage(response).map(Event::Usage));
        let status = response.text("status").unwrap_or("completed");
        if let Some(failure) = response.get("error").and_then(told) {
            events.push(failure.into());
            return;
        }
        let reason = response.at(&["incomplete_details", "reason"]).and_then(Node::as_text);
        let (reason, native) = match (status, reason) {
            ("failed", _) => return self.fail(None, events),
            ("incomplete", Some(native)) => (incomplete(native), native),
            ("incomplete", None) => (FinishReason::Length, status),
            ("cancelled", _) => (FinishReason::Error, status),
            // It goes on at the provider; who asked for that asks for it again.
            ("queued" | "in_progress", _) => (FinishReason::Paused, status),
            _ if self.items.called() => (FinishReason::ToolCalls, status),
            _ => (FinishReason::Stop, status),
        };
        events.push(Event::Finish(Finish::new(0, reason, native)));
    }
}

fn incomplete(reason: &str) -> FinishReason {
    match reason {
        "content_filter" => FinishReason::ContentFilter,
        _ => FinishReason::Length,
    }
}
