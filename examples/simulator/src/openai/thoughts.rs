//! Reasoning in a chat completion, in the form of each provider.

use serde_json::{Map, Value, json};

use super::flavour::{Flavour, Thoughts};
use crate::dialect::Answer;
use crate::ids;
use crate::reply::{Reply, pieces};
use crate::speech::Say;

/// Whose reasoning OpenRouter passes on here.
const BEHIND: &str = "anthropic-claude-v1";

/// The fields of a whole message that hold reasoning.
pub(super) fn fields(flavour: &Flavour, reply: &Reply) -> Map<String, Value> {
    let thought = reply.reasoning();
    let mut fields = Map::new();
    match flavour.thoughts {
        Thoughts::None | Thoughts::Chunks => {}
        Thoughts::Field(name) => {
            fields.extend(thought.map(|text| (name.to_owned(), text.into())));
        }
        Thoughts::Details => {
            let details = reply.parts.iter().filter(|say| say.is_reasoning());
            let details: Vec<Value> = details.enumerate().map(detail).collect();
            fields.insert("reasoning".into(), thought.into());
            if !details.is_empty() {
                fields.insert("reasoning_details".into(), details.into());
            }
        }
    }
    fields
}

/// The deltas that tell reasoning bit by bit.
pub(super) fn deltas(flavour: &Flavour, answer: &Answer<'_>, say: &Say) -> Vec<Map<String, Value>> {
    let one = |name: &str, value: Value| Map::from_iter([(name.to_owned(), value)]);
    let Say::Reasoning(thought) = say else {
        return vec![one("reasoning_details", json!([detail((place(answer, say), say))]))];
    };
    let bits = pieces(thought, answer.chunk_chars);
    match flavour.thoughts {
        Thoughts::None => Vec::new(),
        Thoughts::Field(name) => bits.map(|bit| one(name, bit.into())).collect(),
        Thoughts::Chunks => bits.map(|bit| one("content", json!([thinking(bit)]))).collect(),
        Thoughts::Details => {
            let index = place(answer, say);
            let bit = |bit: &str| {
                let detail = json!({"type": "reasoning.text", "text": bit, "format": BEHIND,
                                    "index": index});
                let fields = [("reasoning", bit.into()), ("reasoning_details", json!([detail]))];
                fields.map(|(name, value)| (name.to_owned(), value)).into_iter().collect()
            };
            let signature = json!([{"type": "reasoning.text", "format": BEHIND, "index": index,
                                    "signature": ids::signature(thought)}]);
            bits.map(bit).chain([one("reasoning_details", signature)]).collect()
        }
    }
}

/// The content of a message that holds reasoning among its items.
pub(super) fn chunks(reply: &Reply) -> Value {
    let item = |say: &Say| match say {
        Say::Reasoning(thought) => Some(thinking(thought)),
        say => say.as_text().map(|text| json!({"type": "text", "text": text})),
    };
    reply.parts.iter().filter_map(item).collect()
}

fn thinking(thought: &str) -> Value {
    json!({"type": "thinking", "thinking": [{"type": "text", "text": thought}]})
}

fn detail((index, say): (usize, &Say)) -> Value {
    match say {
        Say::Sealed(data) => {
            json!({"type": "reasoning.encrypted", "data": data, "format": BEHIND, "index": index})
        }
        Say::Reasoning(thought) => {
            json!({"type": "reasoning.text", "text": thought, "format": BEHIND, "index": index,
                   "signature": ids::signature(thought)})
        }
        _ => Value::Null,
    }
}

/// The place of a part among the reasoning of its answer.
fn place(answer: &Answer<'_>, say: &Say) -> usize {
    let thoughts = answer.reply.parts.iter().filter(|part| part.is_reasoning());
    thoughts.take_while(|part| !std::ptr::eq(*part, say)).count()
}
