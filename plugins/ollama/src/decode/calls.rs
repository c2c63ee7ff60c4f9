//! Tool calls, which come whole; from older servers without ids.

use plugway_formats::json::Fields;
use plugway_sdk::chat::{Failure, Part, ToolCall};

use crate::errors::unreadable;

/// The calls of one answer.
#[derive(Default)]
pub(super) struct Calls {
    ids: Vec<String>,
}

impl Calls {
    pub(super) fn any(&self) -> bool {
        !self.ids.is_empty()
    }

    /// The call, and which it is. Its input is what the server wrote, byte for byte.
    ///
    /// # Errors
    /// Of kind `unavailable` for a call without a name: nobody can make it.
    pub(super) fn call(
        &mut self,
        call: &Fields,
        time: &str,
        native: bool,
    ) -> Result<(usize, Part), Failure> {
        let function = call.get("function").and_then(Fields::read).ok_or_else(unreadable)?;
        let name = function.text("name").filter(|name| !name.is_empty());
        let name =
            name.ok_or_else(|| Failure::unavailable("Ollama sent a tool call without a name"))?;
        let input = match function.get("arguments") {
            None | Some("null") => "{}".into(),
            // Some servers of this API send the object as a string.
            Some(json) => function.text("arguments").unwrap_or_else(|| json.into()),
        };
        let id = self.id(call.text("id"), time);
        let extra = if native { call.extra(&["id", "type", "function"]) } else { Vec::new() };
        let part = Part { extra, ..ToolCall::new(&id, name, input).into() };
        self.ids.push(id);
        Ok((self.ids.len() - 1, part))
    }

    /// The server's own id, or one that is made up where there is none or not a new one.
    fn id(&self, given: Option<String>, time: &str) -> String {
        let given = given.filter(|id| !id.is_empty() && !self.ids.contains(id));
        given.unwrap_or_else(|| {
            let digits: String = time.chars().filter(char::is_ascii_digit).collect();
            format!("call_{digits}_{}", self.ids.len())
        })
    }
}
