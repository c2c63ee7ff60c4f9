//! Calls of functions: their ids, which the API may leave out, and their arguments,
//! which Vertex streams in bits where a client asks for that.

use std::collections::BTreeSet;

use plugway_formats::json::compact;
use plugway_sdk::chat::{Failure, ToolCall};
use serde_json::{Map, Value};

use super::chunk::{FunctionCall, PartialArg};
use crate::UNNAMED;

/// Names and indices in the path of an argument.
const MAX_DEPTH: usize = 32;

/// Items that a list may grow by at once: a path names its place.
const MAX_GAP: usize = 64;

/// The calls of one choice.
#[derive(Debug, Default)]
pub(super) struct Arguments {
    /// The client speaks this format: an id that nobody gave is not to be seen.
    native: bool,
    /// Ids that were told.
    ids: BTreeSet<String>,
    /// A call of which not all arguments have come.
    streamed: Option<Streamed>,
}

#[derive(Debug)]
struct Streamed {
    id: Option<String>,
    name: String,
    arguments: Value,
}

impl Arguments {
    pub(super) fn new(native: bool) -> Self {
        Self { native, ..Self::default() }
    }

    /// Whether anything was called.
    pub(super) fn any(&self) -> bool {
        !self.ids.is_empty()
    }

    /// Whether arguments of a call are still to come.
    pub(super) fn is_waiting(&self) -> bool {
        self.streamed.is_some()
    }

    /// The call, once it is complete.
    ///
    /// # Errors
    /// Of kind `unavailable` for a call that nobody can make.
    pub(super) fn call(
        &mut self,
        wire: FunctionCall<'_>,
        response: &str,
        choice: u32,
    ) -> Result<Option<ToolCall>, Failure> {
        let more = wire.will_continue == Some(true);
        if self.streamed.is_none() && !more && wire.partial_args.is_none() {
            let name = named(wire.name)?;
            let input = wire.args.map(|args| args.get()).filter(|json| *json != "null");
            let input = input.map_or_else(|| "{}".into(), compact);
            return Ok(Some(ToolCall::new(self.id(wire.id, response, choice), name, input)));
        }
        if self.streamed.is_none() {
            let arguments = wire.args.and_then(|args| serde_json::from_str(args.get()).ok());
            self.streamed = Some(Streamed {
                id: wire.id,
                name: named(wire.name)?,
                arguments: arguments.filter(Value::is_object).unwrap_or_else(|| Map::new().into()),
            });
        }
        let Some(call) = &mut self.streamed else { return Ok(None) };
        for bit in wire.partial_args.iter().flatten() {
            add(&mut call.arguments, bit).ok_or_else(|| {
                Failure::unavailable("Gemini sent an argument whose place cannot be read")
            })?;
        }
        if more {
            return Ok(None);
        }
        let Some(call) = self.streamed.take() else { return Ok(None) };
        let id = self.id(call.id, response, choice);
        Ok(Some(ToolCall::new(id, call.name, call.arguments.to_string())))
    }

    /// The provider's id, or one that is made up: unique in the conversation, because
    /// the id of the response is.
    fn id(&mut self, given: Option<String>, response: &str, choice: u32) -> String {
        let given = given.filter(|id| !id.is_empty() && !self.ids.contains(id));
        let id = given.unwrap_or_else(|| {
            // OpenAI takes ids of calls up to 40 characters: a dozen leave room.
            let tail: Vec<char> =
                response.chars().rev().filter(char::is_ascii_alphanumeric).take(12).collect();
            let tail: String = tail.into_iter().rev().collect();
            let place = self.ids.len();
            let prefix = if self.native { UNNAMED } else { "call_" };
            if tail.is_empty() {
                format!("{prefix}{choice}_{place}")
            } else {
                format!("{prefix}{tail}_{choice}_{place}")
            }
        });
        self.ids.insert(id.clone());
        id
    }
}

fn named(name: Option<String>) -> Result<String, Failure> {
    name.filter(|name| !name.is_empty())
        .ok_or_else(|| Failure::unavailable("Gemini sent a tool call without a name"))
}

/// Adds a bit to the arguments: strings grow, and other values are set. None where the
/// path cannot be followed.
fn add(arguments: &mut Value, bit: &PartialArg) -> Option<()> {
    let steps = steps(&bit.json_path)?;
    let mut place = arguments;
    for step in steps {
        place = match step {
            Step::Field(name) => {
                if place.is_null() {
                    *place = Map::new().into();
                }
                place.as_object_mut()?.entry(name).or_insert(Value::Null)
            }
            Step::Item(index) => {
                if place.is_null() {
                    *place = Value::Array(Vec::new());
                }
                let list = place.as_array_mut()?;
                if index > list.len() + MAX_GAP {
                    return None;
                }
                while list.len() <= index {
                    list.push(Value::Null);
                }
                list.get_mut(index)?
            }
        };
    }
    match (place, &bit.string_value) {
        (Value::String(text), Some(more)) => text.push_str(more),
        (place, Some(text)) => *place = text.as_str().into(),
        (place, None) => {
            *place = match (&bit.number_value, bit.bool_value) {
                (Some(number), _) => number.clone().into(),
                (None, Some(value)) => value.into(),
                (None, None) => Value::Null,
            }
        }
    }
    Some(())
}

enum Step {
    Field(String),
    Item(usize),
}

/// The steps of a path such as `$.stops[0].name` or `$['odd name']`.
fn steps(path: &str) -> Option<Vec<Step>> {
    let mut rest = path.strip_prefix('$')?;
    let mut steps = Vec::new();
    while !rest.is_empty() {
        if steps.len() == MAX_DEPTH {
            return None;
        }
        if let Some(after) = rest.strip_prefix('.') {
            let end = after.find(['.', '[']).unwrap_or(after.len());
            let (name, after) = after.split_at(end);
            steps.push(Step::Field(name.to_owned()));
            rest = after;
            continue;
        }
        let (inner, after) = rest.strip_prefix('[')?.split_once(']')?;
        let name = inner
            .strip_prefix('\'')
            .and_then(|name| name.strip_suffix('\''))
            .or_else(|| inner.strip_prefix('"').and_then(|name| name.strip_suffix('"')));
        steps.push(match name {
            Some(name) => Step::Field(name.to_owned()),
            None => Step::Item(inner.parse().ok()?),
        });
        rest = after;
    }
    Some(steps)
}
