//! Whether a client can use the tool calls of an answer: their input is JSON, they name
//! tools that the request offered, and what a schema says at its top is kept to: which
//! properties are required, and of which types they are. Deeper a schema is not read.

use std::collections::BTreeMap;

use plugway_engine::chat::{self, Event, FinishReason, PartBody, Tool};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

/// Bytes of names and inputs that are kept of one answer. One that calls with more is
/// not judged.
const MAX_BYTES: usize = 256 * 1024;

/// The tool calls of one answer. Holds the answer's calls to its end, and of the request
/// only its tools' names, required properties and types. `Debug` shows no content.
#[derive(Default)]
pub struct Calls {
    offered: BTreeMap<String, Shape>,
    /// There are names that the provider brings along.
    is_open: bool,
    calls: Vec<Call>,
    bytes: usize,
    /// Why each choice finished that has.
    finishes: Vec<FinishReason>,
}

/// Why a call is of no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unusable {
    /// Its input is no JSON.
    InvalidJson,
    /// There is no such tool.
    UnknownName,
    /// A required property is missing, or one is of another type.
    SchemaMismatch,
}

/// What a tool takes, as far as it is checked.
#[derive(Default)]
struct Shape {
    required: Vec<String>,
    /// Of properties whose schema names their types.
    types: Vec<(String, Vec<Kind>)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Null,
    Boolean,
    Integer,
    Number,
    String,
    Array,
    Object,
}

struct Call {
    choice: u32,
    index: u32,
    name: String,
    input: String,
    is_freeform: bool,
}

impl Calls {
    /// Of an answer to a request with these tools.
    pub fn to(tools: &[Tool]) -> Self {
        let mut calls = Self::default();
        for tool in tools {
            match tool {
                Tool::Function(tool) => {
                    let shape = tool.parameters.as_deref().map(Shape::of).unwrap_or_default();
                    calls.offered.insert(tool.name.clone(), shape);
                }
                Tool::Freeform(tool) => {
                    calls.offered.insert(tool.name.clone(), Shape::default());
                }
                Tool::Native(_) => calls.is_open = true,
            }
        }
        calls
    }

    /// Takes note of the next event.
    pub fn observe(&mut self, event: &Event) {
        match event {
            Event::Finish(finish) => self.finishes.push(finish.reason),
            Event::Piece(piece) => {
                if let PartBody::ToolCall(call) = &piece.part.body {
                    self.grow(piece.choice, piece.index, call);
                }
            }
            Event::Origin(_) | Event::Usage(_) | Event::Failed(_) => {}
        }
    }

    /// Whether all calls are of use; none where there is nothing to judge: no call, no
    /// end, or an end that cut the calls short.
    pub fn judge(&self) -> Option<Result<(), Unusable>> {
        let is_whole =
            |reason: &FinishReason| matches!(reason, FinishReason::ToolCalls | FinishReason::Stop);
        let is_judged = !self.calls.is_empty()
            && self.bytes <= MAX_BYTES
            && !self.finishes.is_empty()
            && self.finishes.iter().all(is_whole);
        is_judged.then(|| self.calls.iter().try_for_each(|call| self.check(call)))
    }

    fn grow(&mut self, choice: u32, index: u32, more: &chat::ToolCall) {
        self.bytes = self.bytes.saturating_add(more.name.len() + more.input.len());
        if self.bytes > MAX_BYTES {
            self.calls.iter_mut().for_each(|call| call.input = String::new());
            return;
        }
        let is_same = |call: &&mut Call| (call.choice, call.index) == (choice, index);
        // The newest grows, as a rule.
        match self.calls.iter_mut().rev().find(is_same) {
            Some(call) => call.input.push_str(&more.input),
            None => self.calls.push(Call {
                choice,
                index,
                name: more.name.clone(),
                input: more.input.clone(),
                is_freeform: more.freeform,
            }),
        }
    }

    fn check(&self, call: &Call) -> Result<(), Unusable> {
        let shape = match self.offered.get(&call.name) {
            Some(shape) => shape,
            None if self.is_open => &Shape::default(),
            None => return Err(Unusable::UnknownName),
        };
        if call.is_freeform { Ok(()) } else { shape.check(&call.input) }
    }
}

impl std::fmt::Debug for Calls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Calls").field("calls", &self.calls.len()).finish_non_exhaustive()
    }
}

/// Values by name, unread.
type Members<'t> = BTreeMap<String, &'t RawValue>;

impl Shape {
    /// Of a JSON Schema. What it says in another form than is usual is passed over.
    fn of(schema: &str) -> Self {
        let members: Members<'_> = serde_json::from_str(schema).unwrap_or_default();
        let required = members.get("required").map(|it| it.get());
        let required = required.and_then(|text| serde_json::from_str(text).ok());
        let properties = members.get("properties").map(|it| it.get());
        let properties: Option<Members<'_>> =
            properties.and_then(|text| serde_json::from_str(text).ok());
        let typed = |(name, schema): (String, &RawValue)| Some((name, kinds(schema.get())?));
        Self {
            required: required.unwrap_or_default(),
            types: properties.unwrap_or_default().into_iter().filter_map(typed).collect(),
        }
    }

    fn check(&self, input: &str) -> Result<(), Unusable> {
        // Some models write nothing where nothing is to be said.
        let input = if input.trim().is_empty() { "{}" } else { input };
        let Ok(given) = serde_json::from_str::<Members<'_>>(input) else {
            return match serde_json::from_str::<IgnoredAny>(input) {
                Ok(_) => Err(Unusable::SchemaMismatch),
                Err(_) => Err(Unusable::InvalidJson),
            };
        };
        let is_complete = self.required.iter().all(|name| given.contains_key(name));
        let fits = |(name, kinds): &(String, Vec<Kind>)| {
            given.get(name).is_none_or(|value| kinds.iter().any(|kind| kind.holds(value.get())))
        };
        match is_complete && self.types.iter().all(fits) {
            true => Ok(()),
            false => Err(Unusable::SchemaMismatch),
        }
    }
}

/// What a property's schema says of its type.
#[derive(Deserialize)]
struct Typed {
    r#type: Names,
    /// `OpenAPI`'s word for a type more.
    #[serde(default)]
    nullable: Option<bool>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Names {
    One(String),
    Several(Vec<String>),
}

/// The types of which a property may be; none where its schema names none, or one that
/// is not known here.
fn kinds(schema: &str) -> Option<Vec<Kind>> {
    let Typed { r#type, nullable } = serde_json::from_str(schema).ok()?;
    let names = match r#type {
        Names::One(name) => vec![name],
        Names::Several(names) => names,
    };
    let mut kinds = names.iter().map(|name| Kind::named(name)).collect::<Option<Vec<Kind>>>()?;
    if nullable == Some(true) {
        kinds.push(Kind::Null);
    }
    Some(kinds)
}

impl Kind {
    fn named(name: &str) -> Option<Self> {
        // Some dialects shout.
        Some(match name.to_ascii_lowercase().as_str() {
            "null" => Self::Null,
            "boolean" => Self::Boolean,
            "integer" => Self::Integer,
            "number" => Self::Number,
            "string" => Self::String,
            "array" => Self::Array,
            "object" => Self::Object,
            _ => return None,
        })
    }

    /// Whether a JSON value is of this type.
    fn holds(self, value: &str) -> bool {
        match value.as_bytes().first() {
            Some(b'n') => self == Self::Null,
            Some(b't' | b'f') => self == Self::Boolean,
            Some(b'"') => self == Self::String,
            Some(b'[') => self == Self::Array,
            Some(b'{') => self == Self::Object,
            _ => match self {
                Self::Number => true,
                Self::Integer => value.parse().is_ok_and(|number: f64| number.fract() == 0.0),
                _ => false,
            },
        }
    }
}

#[cfg(test)]
mod tests;
