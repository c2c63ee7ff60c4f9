//! Tool calls, which begin with a name and go on with bits of input.

use plugway_sdk::chat::{Failure, FinishReason, Part, ToolCall};
use serde_json::Value;

use super::fields::{extras, text};

/// Fields of a call that are modelled.
const MODELLED: [&str; 4] = ["index", "id", "type", "function"];

/// Characters of the answer's id that ids of calls are made up of.
const ANSWER_ID_CHARS: usize = 12;

/// The calls of one answer.
#[derive(Default)]
pub(super) struct Calls {
    /// The end of the answer's id: it makes ids that are made up unique in the
    /// conversation.
    answer: String,
    /// Number that the API gave, and id.
    begun: Vec<(usize, String)>,
}

impl Calls {
    pub(super) fn answer_id(&mut self, id: &str) {
        let tail: Vec<char> =
            id.chars().rev().filter(char::is_ascii_alphanumeric).take(ANSWER_ID_CHARS).collect();
        self.answer = tail.into_iter().rev().collect();
    }

    pub(super) fn count(&self) -> usize {
        self.begun.len()
    }

    /// The reason for which an answer ended: one that holds calls wants them made.
    pub(super) fn reason(&self, reason: FinishReason) -> FinishReason {
        let called = !self.begun.is_empty() && reason == FinishReason::Stop;
        if called { FinishReason::ToolCalls } else { reason }
    }

    /// A call or the next bit of one, and which it is; none where there is no news.
    ///
    /// # Errors
    /// Of kind `unavailable` for input that no call has begun for.
    pub(super) fn bit(
        &mut self,
        number: usize,
        call: &Value,
        native: bool,
    ) -> Result<Option<(usize, Part)>, Failure> {
        let function = call.get("function").unwrap_or(&Value::Null);
        let input = match function.get("arguments") {
            Some(Value::String(input)) => input.clone(),
            None | Some(Value::Null) => String::new(),
            Some(other) => other.to_string(),
        };
        let Some(name) = text(function, "name") else {
            if input.is_empty() {
                return Ok(None);
            }
            let known = self.begun.iter().rposition(|(given, _)| *given == number);
            let known = known.or(self.begun.len().checked_sub(1)).ok_or_else(nameless)?;
            return Ok(Some((known, ToolCall::more(input).into())));
        };
        let id = self.id(text(call, "id"));
        let extra = if native { extras(call, &MODELLED) } else { Vec::new() };
        let part = Part { extra, ..ToolCall::new(&id, name, input).into() };
        self.begun.push((number, id));
        Ok(Some((self.begun.len() - 1, part)))
    }

    /// The API's own id, or one that is made up where there is none or not a new one.
    fn id(&self, given: Option<&str>) -> String {
        let is_new = |id: &&str| self.begun.iter().all(|(_, known)| known != id);
        match given.filter(is_new) {
            Some(id) => id.into(),
            None => format!("call_{}_{}", self.answer, self.begun.len()),
        }
    }
}

fn nameless() -> Failure {
    Failure::unavailable("Cohere sent a tool call without a name")
}
