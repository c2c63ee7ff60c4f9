//! A scripted answer: what is said, in order, whatever format it is written in.

use std::fmt;

use crate::ids;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// One answer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Speech {
    /// What is said, in order.
    pub parts: Vec<Say>,
    /// Why it ends, where it does not end by itself.
    pub ending: Option<Ending>,
}

/// A part of an answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Say {
    /// Text.
    Text(String),
    /// Text, all of which these sources are for.
    Cited {
        /// The text.
        text: String,
        /// Its sources.
        sources: Vec<Cite>,
    },
    /// Reasoning in words, signed where the format signs.
    Reasoning(String),
    /// Reasoning that only the provider can read: base64.
    Sealed(String),
    /// A call of a tool.
    Call {
        /// The tool's name.
        name: String,
        /// The arguments as the model writes them.
        arguments: String,
    },
    /// The model's word that it will not answer.
    Refusal(String),
}

/// A source of a text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cite {
    /// Where it is.
    pub url: String,
    /// What it is called.
    pub title: String,
    /// The passage that is cited.
    pub quote: String,
}

/// Why an answer ends that does not end by itself. One that meets a stop sequence or
/// the limit of the request needs no script.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// The limit of the model was reached.
    Length,
    /// The provider withheld the rest.
    ContentFilter,
}

/// Why a format cannot say something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsupported(pub(crate) &'static str);

impl fmt::Display for Unsupported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the simulated format cannot say this: {}", self.0)
    }
}

impl std::error::Error for Unsupported {}

impl Say {
    /// A call with these arguments.
    #[must_use]
    pub fn call(name: impl Into<String>, arguments: impl ToString) -> Say {
        Say::Call { name: name.into(), arguments: arguments.to_string() }
    }

    /// What a provider that wants its reasoning back puts beside it, or in its place.
    #[must_use]
    pub fn proof(&self) -> Option<String> {
        match self {
            Say::Reasoning(text) => Some(ids::signature(text)),
            Say::Sealed(data) => Some(data.clone()),
            _ => None,
        }
    }

    /// Text of the answer, cited or not.
    pub(crate) fn as_text(&self) -> Option<&str> {
        match self {
            Say::Text(text) | Say::Cited { text, .. } => Some(text),
            _ => None,
        }
    }

    /// Reasoning, in words or sealed.
    #[must_use]
    pub fn is_reasoning(&self) -> bool {
        matches!(self, Say::Reasoning(_) | Say::Sealed(_))
    }
}

/// What formats have in common that they cannot say.
pub(crate) struct Limits {
    /// The least place that each part may take, which must not fall.
    pub(crate) order: fn(&Say) -> u8,
    /// Parts of one kind that follow each other run together.
    pub(crate) joins: bool,
    pub(crate) refusals: bool,
    pub(crate) reasoning: bool,
    pub(crate) sealed: bool,
    pub(crate) citations: bool,
    pub(crate) calls: bool,
    /// Arguments are an object, not a text.
    pub(crate) objects: bool,
    pub(crate) content_filter: bool,
}

impl Limits {
    /// Those of a format that can say everything.
    pub(crate) const NONE: Limits = Limits {
        order: |_| 0,
        joins: false,
        refusals: true,
        reasoning: true,
        sealed: true,
        citations: true,
        calls: true,
        objects: false,
        content_filter: true,
    };

    /// Whether the answer can be said.
    pub(crate) fn check(&self, speech: &Speech) -> Result<(), Unsupported> {
        let parts = &speech.parts;
        let any = |is: fn(&Say) -> bool| parts.iter().any(is);
        let no_object = |say: &Say| match say {
            Say::Call { arguments, .. } => !is_object(arguments),
            _ => false,
        };
        let falls = |pair: &[Say]| (self.order)(&pair[0]) > (self.order)(&pair[1]);
        let joined = |pair: &[Say]| {
            pair[0].as_text().is_some() && pair[1].as_text().is_some()
                || pair.iter().all(|say| matches!(say, Say::Reasoning(_)))
        };
        let complaint = if !self.refusals && any(|say| matches!(say, Say::Refusal(_))) {
            "it has no refusals"
        } else if !self.reasoning && any(Say::is_reasoning) {
            "it shows no reasoning"
        } else if !self.calls && any(|say| matches!(say, Say::Call { .. })) {
            "it calls no tools"
        } else if !self.sealed && any(|say| matches!(say, Say::Sealed(_))) {
            "it has no reasoning that is sealed"
        } else if !self.citations && any(|say| matches!(say, Say::Cited { .. })) {
            "it has no citations"
        } else if self.objects && parts.iter().any(no_object) {
            "the arguments of its calls are objects"
        } else if !self.content_filter && speech.ending == Some(Ending::ContentFilter) {
            "nothing is withheld"
        } else if parts.windows(2).any(falls) {
            "it keeps the parts of an answer in an order of its own"
        } else if self.joins && parts.windows(2).any(joined) {
            "texts that follow each other are one"
        } else {
            return Ok(());
        };
        Err(Unsupported(complaint))
    }
}

/// The order of formats that have a field for each kind of part.
pub(crate) fn by_field(say: &Say) -> u8 {
    match say {
        Say::Reasoning(_) | Say::Sealed(_) => 0,
        Say::Text(_) | Say::Cited { .. } | Say::Refusal(_) => 1,
        Say::Call { .. } => 2,
    }
}

/// The order of formats in which calls stand behind a list of all else.
pub(crate) fn calls_last(say: &Say) -> u8 {
    u8::from(matches!(say, Say::Call { .. }))
}

/// The arguments as JSON, byte for byte; null where they are none.
pub(crate) fn arguments(written: &str) -> Box<RawValue> {
    let parsed = RawValue::from_string(written.to_owned());
    parsed.unwrap_or_else(|_| RawValue::NULL.to_owned())
}

fn is_object(written: &str) -> bool {
    arguments(written).get().trim_start().starts_with('{')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(limits: &Limits, parts: &[Say], expected: Option<&str>) {
        let speech = Speech { parts: parts.to_vec(), ending: None };
        let found = limits.check(&speech).err();
        assert_eq!(found.map(|it| it.0), expected, "{parts:?}");
    }

    #[test]
    fn limits_name_what_cannot_be_said() {
        let text = || Say::Text("a".into());
        let thought = || Say::Reasoning("b".into());
        let call = || Say::call("f", "{}");
        let fields =
            Limits { order: by_field, joins: true, objects: true, sealed: false, ..Limits::NONE };
        let order = Some("it keeps the parts of an answer in an order of its own");
        check(&fields, &[thought(), text(), call(), call()], None);
        check(&fields, &[text(), thought()], order);
        check(&fields, &[call(), text()], order);
        check(&fields, &[text(), text()], Some("texts that follow each other are one"));
        let objects = Some("the arguments of its calls are objects");
        check(&fields, &[Say::call("f", "{")], objects);
        check(&fields, &[Say::call("f", "[1]")], objects);
        check(&fields, &[Say::Sealed("c".into())], Some("it has no reasoning that is sealed"));
        check(&Limits::NONE, &[text(), thought(), text(), Say::call("f", "{")], None);
        let list = Limits { order: calls_last, ..Limits::NONE };
        check(&list, &[text(), thought(), call()], None);
        check(&list, &[call(), thought()], order);
    }
}
