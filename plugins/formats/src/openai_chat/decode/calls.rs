//! Tool calls, which servers number, name and repeat in ways of their own.

use plugway_sdk::chat::{Event, FinishReason, Part, Piece, ToolCall};
use plugway_sdk::provider::Places;

use super::choice::Key;
use super::reasoning;
use crate::node::Node;

/// Fields of a call that are modelled.
const MODELLED: [&str; 8] =
    ["index", "id", "type", "function", "custom", "name", "arguments", "input"];

/// The calls of one response.
pub(super) struct Calls {
    native: bool,
    /// The end of the response's id: it makes ids that are made up unique in the
    /// conversation.
    response: String,
    calls: Vec<Call>,
}

struct Call {
    choice: u32,
    /// As the server numbers it.
    index: u32,
    /// Its place among the calls of its choice.
    place: usize,
    /// The server's own; empty where it gives none.
    id: String,
    /// Its first bit has been sent.
    begun: bool,
    /// Input that came before the name did.
    held: String,
}

impl Calls {
    pub(super) fn new(native: bool) -> Self {
        Self { native, response: String::new(), calls: Vec::new() }
    }

    pub(super) fn response_id(&mut self, id: &str) {
        // OpenAI takes ids of calls up to 40 characters: a dozen leave room.
        let tail: Vec<char> =
            id.chars().rev().filter(char::is_ascii_alphanumeric).take(12).collect();
        self.response = tail.into_iter().rev().collect();
    }

    /// The reason for which a choice ended: servers say `stop` after calls that they
    /// were made to make.
    pub(super) fn reason(&self, choice: u32, reason: FinishReason) -> FinishReason {
        let called = self.calls.iter().any(|call| call.begun && call.choice == choice);
        if called && reason == FinishReason::Stop { FinishReason::ToolCalls } else { reason }
    }

    /// Whether some call of a choice has input and no name: nobody can make it.
    pub(super) fn nameless(&self, choice: u32) -> bool {
        self.calls.iter().any(|call| call.choice == choice && !call.held.is_empty())
    }

    /// Reads the calls of a message or delta.
    pub(super) fn read(
        &mut self,
        choice: u32,
        said: &Node,
        places: &mut Places<Key>,
        events: &mut Vec<Event>,
    ) {
        for (position, item) in said.list("tool_calls").iter().enumerate() {
            let number = self.number(choice, item, position);
            self.bit(number, item, places, events);
        }
        // The form before there were several: one call, without an id.
        if let Some(function) = said.get("function_call").filter(|call| call.is_object()) {
            let number = self.number(choice, function, 0);
            self.bit(number, function, places, events);
        }
    }

    /// Which call a bit belongs to; a new one where it is the first bit.
    ///
    /// Some servers give every call the index 0, and tell them apart by id and name.
    /// Some give no index: then an id or a name begins a call, and a bit with neither
    /// goes on with the last.
    fn number(&mut self, choice: u32, item: &Node, position: usize) -> usize {
        let id = item.text("id").unwrap_or_default();
        let named = body(item).text("name").is_some();
        let given = item.index("index");
        let known = self.calls.iter().rposition(|call| {
            let another = named && !id.is_empty() && !call.id.is_empty() && call.id != id;
            let same = match given {
                Some(given) => call.index == given,
                None if id.is_empty() => !named,
                None => call.id == id,
            };
            call.choice == choice && same && !another
        });
        known.unwrap_or_else(|| {
            let next = self.calls.iter().filter(|call| call.choice == choice).count();
            let index = given.or(u32::try_from(next.max(position)).ok()).unwrap_or_default();
            let (id, held) = (id.to_owned(), String::new());
            self.calls.push(Call { choice, index, place: next, id, begun: false, held });
            self.calls.len() - 1
        })
    }

    fn bit(
        &mut self,
        number: usize,
        item: &Node,
        places: &mut Places<Key>,
        events: &mut Vec<Event>,
    ) {
        let begun = self.calls.get(number).is_some_and(|call| call.begun);
        let id = if begun { String::new() } else { self.id(number, item) };
        let Some(call) = self.calls.get_mut(number) else { return };
        if let (true, Some(own)) = (call.id.is_empty(), item.text("id")) {
            call.id = own.into();
        }
        let input = input(item);
        let choice = call.choice;
        let extra = if self.native { item.extras(&MODELLED) } else { Vec::new() };
        let signature = item.at(&["extra_content", "google"]).and_then(reasoning::proof);
        let silent = input.is_empty() && extra.is_empty() && signature.is_none();
        let body: Part = match body(item).text("name") {
            _ if call.begun && silent => return,
            _ if call.begun => ToolCall::more(input).into(),
            // Without a name there is no call to tell of, yet.
            None => return call.held.push_str(&input),
            Some(name) => {
                call.begun = true;
                call.id = id;
                let whole = std::mem::take(&mut call.held) + &input;
                let freeform = item.get("custom").is_some() && item.get("function").is_none();
                ToolCall { freeform, ..ToolCall::new(&call.id, name, whole) }.into()
            }
        };
        let format = signature.as_ref().map(|_| reasoning::EXTRA_CONTENT_FORMAT.into());
        let body = Part { extra, signature, format, ..body };
        let (index, _) = places.of(choice, Key::Call(number));
        events.push(Piece::new(choice, index, body).into());
    }
}

impl Calls {
    /// The id of a call whose first bits are these: its own, or one that is made up
    /// where there is none, or where another call of the choice has it.
    fn id(&self, number: usize, item: &Node) -> String {
        let Some(call) = self.calls.get(number) else { return String::new() };
        let own = if call.id.is_empty() { item.text("id").unwrap_or_default() } else { &call.id };
        let taken = |id: &str| {
            let mut others = self.calls.iter().enumerate().filter(|(other, _)| *other != number);
            others.any(|(_, other)| other.begun && other.choice == call.choice && other.id == id)
        };
        if !own.is_empty() && !taken(own) {
            return own.to_owned();
        }
        let mut made_up = made_up_id(&self.response, call.choice, call.place);
        while taken(&made_up) {
            made_up.push('_');
        }
        made_up
    }
}

/// Where a call keeps its name and input.
fn body(item: &Node) -> &Node {
    let named = |field| item.get(field).filter(|body: &&Node| body.is_object());
    named("function").or_else(|| named("custom")).unwrap_or(item)
}

/// The bit of input: mostly a string; some servers write the object itself.
fn input(item: &Node) -> String {
    let body = body(item);
    match body.get("arguments").or_else(|| body.get("input")) {
        Some(Node::Text(input)) => input.clone(),
        None => String::new(),
        Some(other) => other.json(),
    }
}

fn made_up_id(response: &str, choice: u32, place: usize) -> String {
    if response.is_empty() {
        format!("call_{choice}_{place}")
    } else {
        format!("call_{response}_{choice}_{place}")
    }
}
