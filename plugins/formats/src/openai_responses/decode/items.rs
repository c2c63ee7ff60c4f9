//! The items of a response, as they grow and when they end. A server that only tells
//! of ends, or only of growth, is read alike.

mod kind;
mod notes;
mod thoughts;

use std::collections::{BTreeMap, BTreeSet};

use plugway_sdk::chat::{
    Event, Extra, Media, MediaKind, MediaSource, Part, PartBody, Piece, ToolCall,
};
use plugway_sdk::log;
use plugway_sdk::provider::Places;

use crate::node::Node;
use crate::openai_chat::Profile;
use kind::{Key, Kind, Said, length, of};

/// In the names of events that tell nothing which others do not: beginnings and ends of
/// what is told in bits, how far the provider's own tools are, signs of life.
const SILENT: [&str; 7] = [
    "_part.added",
    "_part.done",
    "_call.",
    "_call_code.",
    "_call_arguments.",
    "mcp_list_tools.",
    "keepalive",
];

/// Fields of a message that are modelled, or say that it ended.
const MESSAGE: [&str; 5] = ["id", "type", "status", "role", "content"];

/// Fields of a reasoning item that are modelled, or say that it ended.
const REASONING: [&str; 8] =
    ["id", "type", "status", "summary", "content", "encrypted_content", "format", "signature"];

/// Fields of a call that are modelled, or say that it ended.
const CALL: [&str; 7] = ["id", "type", "status", "call_id", "name", "arguments", "input"];

/// A part that has begun.
#[derive(Default)]
struct Begun {
    /// Bytes of its text that were told.
    bytes: usize,
    citations: usize,
    format: Option<String>,
    signed: bool,
}

/// What is known of an item before it ends.
#[derive(Default)]
struct Item {
    id: Option<String>,
    format: Option<String>,
    extra: Vec<Extra>,
}

pub(super) struct Items {
    profile: &'static Profile,
    native: bool,
    /// The end of the response's id, for ids of calls that are made up.
    response: String,
    places: Places<Key>,
    begun: BTreeMap<Key, Begun>,
    items: BTreeMap<u32, Item>,
    /// Ids of the items of a server that does not tell their places, as they came.
    unplaced: Vec<String>,
    /// Ids of the calls that have begun.
    called: BTreeSet<String>,
}

impl Items {
    pub(super) fn new(profile: &'static Profile, native: bool) -> Self {
        Self {
            profile,
            native,
            response: String::new(),
            places: Places::default(),
            begun: BTreeMap::new(),
            items: BTreeMap::new(),
            unplaced: Vec::new(),
            called: BTreeSet::new(),
        }
    }

    pub(super) fn response_id(&mut self, id: &str) {
        let tail: Vec<char> =
            id.chars().rev().filter(char::is_ascii_alphanumeric).take(12).collect();
        self.response = tail.into_iter().rev().collect();
    }

    /// Whether the model called a tool.
    pub(super) fn called(&self) -> bool {
        !self.called.is_empty()
    }

    /// Reasoning that stands beside the items.
    pub(super) fn thought_aside(&mut self, part: Part, events: &mut Vec<Event>) {
        self.piece((0, Kind::Aside, 0), part, None, events);
    }

    /// Reads one event about an item.
    pub(super) fn event(&mut self, kind: &str, event: &Node, events: &mut Vec<Event>) {
        let place = self.place(event);
        let item = self.items.entry(place).or_default();
        if item.id.is_none() {
            item.id = event.owned("item_id");
        }
        let part = event.index("content_index").unwrap_or_default();
        let summary = event.index("summary_index").unwrap_or_default();
        let said = event.text("delta").map(Said::More);
        let all = |name: &str| event.text(name).map(Said::All);
        match kind {
            "response.output_item.added" => self.item(place, event, false, events),
            "response.output_item.done" => self.item(place, event, true, events),
            "response.output_text.delta" => self.text(place, part, said, event, events),
            "response.output_text.done" => self.text(place, part, all("text"), event, events),
            "response.content_part.done" => {
                if let Some(content) = event.get("part") {
                    self.content(place, part, content, events);
                }
            }
            "response.output_text.annotation.added" => self.annotation(place, part, event, events),
            "response.refusal.delta" => self.grow((place, Kind::Refusal, part), said, events),
            "response.refusal.done" => {
                self.grow((place, Kind::Refusal, part), all("refusal"), events);
            }
            "response.reasoning_summary_text.delta" => {
                self.grow((place, Kind::Summary, summary), said, events);
            }
            "response.reasoning_summary_text.done" => {
                self.grow((place, Kind::Summary, summary), all("text"), events);
            }
            "response.reasoning_text.delta" | "response.reasoning.delta" => {
                self.grow((place, Kind::Thought, part), said, events);
            }
            "response.reasoning_text.done" | "response.reasoning.done" => {
                self.grow((place, Kind::Thought, part), all("text"), events);
            }
            "response.function_call_arguments.delta" | "response.custom_tool_call_input.delta" => {
                self.input(place, said, events);
            }
            "response.function_call_arguments.done" => {
                self.input(place, all("arguments"), events);
            }
            "response.custom_tool_call_input.done" => self.input(place, all("input"), events),
            kind if SILENT.iter().any(|part| kind.contains(part)) => {}
            _ => log::skipped("an event of an unknown type"),
        }
    }

    /// The place of the item that an event is about. llama.cpp tells only its id, which
    /// of a call is the call's.
    fn place(&mut self, event: &Node) -> u32 {
        if let Some(place) = event.index("output_index") {
            return place;
        }
        let of_item = |name| event.at(&["item", name]).and_then(Node::as_text);
        let id = event.text("item_id").or_else(|| of_item("id")).or_else(|| of_item("call_id"));
        let Some(id) = id else { return 0 };
        let known = self.unplaced.iter().position(|known| known == id);
        let place = known.unwrap_or_else(|| {
            self.unplaced.push(id.into());
            self.unplaced.len() - 1
        });
        u32::try_from(place).unwrap_or(u32::MAX)
    }

    /// Reads the items of a response that has ended; those that were read already
    /// have nothing new to tell.
    pub(super) fn all(&mut self, items: &[Node], events: &mut Vec<Event>) {
        for (item, place) in items.iter().zip(0..) {
            if !self.ended(place) {
                self.read(place, item, true, events);
            }
        }
    }

    fn ended(&self, place: u32) -> bool {
        self.begun.range((place, Kind::Text, 0)..=(place, Kind::Other, u32::MAX)).next().is_some()
    }

    fn item(&mut self, place: u32, event: &Node, ended: bool, events: &mut Vec<Event>) {
        if let Some(item) = event.get("item") {
            self.read(place, item, ended, events);
        }
    }

    /// Reads an item as it is now.
    fn read(&mut self, place: u32, item: &Node, ended: bool, events: &mut Vec<Event>) {
        let kind = item.text("type").unwrap_or_default();
        let modelled: &[&str] = match kind {
            "message" => &MESSAGE,
            "reasoning" => &REASONING,
            _ => &CALL,
        };
        let known = self.items.entry(place).or_default();
        known.id = item.owned("id").or(known.id.take());
        known.format = item.owned("format").or(known.format.take());
        if self.native {
            known.extra = item.extras(modelled);
        }
        match kind {
            "message" => {
                for (content, part) in item.list("content").iter().zip(0..) {
                    self.content(place, part, content, events);
                }
            }
            "reasoning" => self.reasoning(place, item, ended, events),
            "function_call" | "custom_tool_call" => self.call(place, item, kind, events),
            _ if ended => self.other(place, item, kind, events),
            _ => {}
        }
    }

    fn content(&mut self, place: u32, part: u32, content: &Node, events: &mut Vec<Event>) {
        match content.text("type").unwrap_or_default() {
            "refusal" => {
                let said = content.text("refusal").map(Said::All);
                self.grow((place, Kind::Refusal, part), said, events);
            }
            "reasoning_text" => {
                let said = content.text("text").map(Said::All);
                self.grow((place, Kind::Thought, part), said, events);
            }
            _ => {
                self.text(place, part, content.text("text").map(Said::All), content, events);
                let key = (place, Kind::Text, part);
                let known = self.begun.get(&key).map_or(0, |begun| begun.citations);
                for note in content.list("annotations").iter().skip(known) {
                    self.note(key, note, events);
                }
            }
        }
    }

    fn text(
        &mut self,
        place: u32,
        part: u32,
        said: Option<Said<'_>>,
        holder: &Node,
        events: &mut Vec<Event>,
    ) {
        let key = (place, Kind::Text, part);
        let untold = !self.begun.contains_key(&key);
        let whole = matches!(said, Some(Said::More(_))) || untold;
        let logprobs = holder.get("logprobs").filter(|_| whole);
        let logprobs = logprobs
            .filter(|list| matches!(list, Node::List(items) if !items.is_empty()))
            .map(Node::json);
        self.grow_with(key, said, logprobs, events);
    }

    fn annotation(&mut self, place: u32, part: u32, event: &Node, events: &mut Vec<Event>) {
        if let Some(note) = event.get("annotation") {
            self.note((place, Kind::Text, part), note, events);
        }
    }

    fn note(&mut self, key: Key, note: &Node, events: &mut Vec<Event>) {
        let citation = notes::citation(note, self.native);
        let part = Part { citations: vec![citation], ..Part::text("") };
        self.piece(key, part, None, events);
    }

    fn call(&mut self, place: u32, item: &Node, kind: &str, events: &mut Vec<Event>) {
        let key = (place, Kind::Call, 0);
        let freeform = kind == "custom_tool_call";
        let said = item.text(if freeform { "input" } else { "arguments" }).map(Said::All);
        if self.begun.contains_key(&key) {
            return self.input(place, said, events);
        }
        let Some(name) = item.text("name") else { return };
        let id = item.owned("call_id").unwrap_or_else(|| format!("call_{}_{place}", self.response));
        // Numbered anew, it is still the same call.
        if !self.called.insert(id.clone()) {
            return;
        }
        let call = ToolCall { freeform, ..ToolCall::new(id, name, "") };
        self.piece(key, call.into(), None, events);
        self.input(place, said, events);
    }

    fn input(&mut self, place: u32, said: Option<Said<'_>>, events: &mut Vec<Event>) {
        let key = (place, Kind::Call, 0);
        // Input of a call that has no name yet comes again at the item's end.
        if self.begun.contains_key(&key) {
            self.grow(key, said, events);
        }
    }

    /// What the provider did by itself: for clients of this format as it is, for others
    /// a picture is a picture.
    fn other(&mut self, place: u32, item: &Node, kind: &str, events: &mut Vec<Event>) {
        let key = (place, Kind::Other, 0);
        if self.begun.contains_key(&key) {
            return;
        }
        if self.native {
            let part = Part::from(PartBody::Native(item.json()));
            self.piece(key, part, None, events);
        } else if let ("image_generation_call", Some(data)) = (kind, item.text("result")) {
            let format = item.text("output_format").unwrap_or("png");
            let image = Media {
                kind: MediaKind::Image,
                source: MediaSource::Base64(data.into()),
                mime: Some(format!("image/{format}")),
                name: None,
                detail: None,
            };
            self.piece(key, image.into(), None, events);
        }
    }

    fn grow(&mut self, key: Key, said: Option<Said<'_>>, events: &mut Vec<Event>) {
        self.grow_with(key, said, None, events);
    }

    /// Tells what is new of a part's text.
    fn grow_with(
        &mut self,
        key: Key,
        said: Option<Said<'_>>,
        logprobs: Option<String>,
        events: &mut Vec<Event>,
    ) {
        let told = self.begun.get(&key).map_or(0, |begun| begun.bytes);
        let fresh = match said {
            Some(Said::More(more)) => more,
            Some(Said::All(all)) => all.get(told..).unwrap_or_default(),
            None => "",
        };
        if !fresh.is_empty() || logprobs.is_some() {
            self.piece(key, of(key.1, fresh), logprobs, events);
        }
    }

    fn piece(
        &mut self,
        key: Key,
        mut part: Part,
        logprobs: Option<String>,
        events: &mut Vec<Event>,
    ) {
        let (place, kind, _) = key;
        let (index, first) = self.places.of(0, key);
        let begun = self.begun.entry(key).or_default();
        begun.bytes += length(&part.body);
        begun.citations += part.citations.len();
        begun.signed |= part.signature.is_some();
        if let Some(item) = self.items.get_mut(&place).filter(|_| kind != Kind::Aside) {
            if first {
                part.id = item.id.clone();
            }
            if begun.format != item.format && kind != Kind::Call {
                begun.format.clone_from(&item.format);
                part.format.clone_from(&item.format);
            }
            // What is said of the item stands on its first part.
            if kind != Kind::Other {
                part.extra = std::mem::take(&mut item.extra);
            }
        }
        events.push(Event::Piece(Piece { logprobs, ..Piece::new(0, index, part) }));
    }
}
