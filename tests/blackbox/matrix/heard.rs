//! What a client made of an answer, in no format.

use plugway_simulator::{Ending, Say};
use serde_json::Value;

/// A part of an answer.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Part {
    Text(String),
    Reasoning(String),
    Refusal(String),
    /// Name, and arguments as JSON.
    Call(String, Value),
}

/// Why an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Finish {
    Stop,
    Tools,
    Length,
    Filter,
    Refused,
}

/// An answer.
#[derive(Clone, Debug, Default)]
pub(super) struct Heard {
    pub(super) parts: Vec<Part>,
    /// Ids of the calls, in order; empty where the dialect has none.
    pub(super) ids: Vec<String>,
    pub(super) finish: Option<Finish>,
    /// Tokens of the prompt, of the answer, and of those read from a cache.
    pub(super) usage: Option<[u64; 3]>,
}

/// How a dialect blurs what was said.
#[derive(Clone, Copy, Debug)]
pub(super) struct Blur {
    /// Parts have a field for each kind: their order is lost.
    pub(super) order: bool,
    /// A refusal is told as text, and ends so.
    pub(super) refusals: Option<Finish>,
    /// How an answer ends of which something was withheld.
    pub(super) filters: Finish,
}

impl Heard {
    /// What is to be heard of an answer.
    pub(super) fn expected(answer: &[Say], ending: Option<Ending>, blur: Blur) -> Self {
        let mut parts: Vec<Part> = answer.iter().filter_map(part).collect();
        let calls = parts.iter().any(|part| matches!(part, Part::Call(..)));
        let refused = parts.iter().any(|part| matches!(part, Part::Refusal(_)));
        let finish = match ending {
            Some(Ending::Length) => Finish::Length,
            Some(Ending::ContentFilter) => blur.filters,
            None if calls => Finish::Tools,
            None if refused => blur.refusals.unwrap_or(Finish::Refused),
            None => Finish::Stop,
        };
        for part in &mut parts {
            if let (Part::Refusal(text), Some(_)) = (&part, blur.refusals) {
                *part = Part::Text(text.clone());
            }
        }
        Self {
            parts: tidied(parts, blur.order),
            ids: Vec::new(),
            finish: Some(finish),
            usage: None,
        }
    }

    /// The same parts, as they are compared.
    pub(super) fn tidy(self, blur: Blur) -> Self {
        Self { parts: tidied(self.parts, blur.order), ..self }
    }
}

fn part(say: &Say) -> Option<Part> {
    Some(match say {
        Say::Text(text) | Say::Cited { text, .. } => Part::Text(text.clone()),
        Say::Reasoning(text) => Part::Reasoning(text.clone()),
        Say::Refusal(text) => Part::Refusal(text.clone()),
        Say::Call { name, arguments } => Part::Call(name.clone(), json(arguments)),
        Say::Sealed(_) => return None,
    })
}

/// The arguments of a call, as JSON; a string where they are none.
pub(super) fn json(arguments: &str) -> Value {
    serde_json::from_str(arguments).unwrap_or_else(|_| arguments.into())
}

/// In the order of fields where the order is lost, without empty texts, and texts of one
/// kind that follow each other joined.
fn tidied(mut parts: Vec<Part>, blurred: bool) -> Vec<Part> {
    if blurred {
        parts.sort_by_key(|part| match part {
            Part::Reasoning(_) => 0,
            Part::Text(_) | Part::Refusal(_) => 1,
            Part::Call(..) => 2,
        });
    }
    let mut tidied: Vec<Part> = Vec::new();
    for part in parts {
        match (tidied.last_mut(), part) {
            (_, Part::Text(text) | Part::Reasoning(text)) if text.is_empty() => {}
            (Some(Part::Text(before)), Part::Text(text))
            | (Some(Part::Reasoning(before)), Part::Reasoning(text))
            | (Some(Part::Refusal(before)), Part::Refusal(text)) => before.push_str(&text),
            (_, part) => tidied.push(part),
        }
    }
    tidied
}
