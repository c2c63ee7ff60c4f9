//! An answer in one piece.

use bytes::{Bytes, BytesMut};
use plugway_engine::chat::PartBody;

use super::Told;
use super::pieces::{self, Said};
use crate::answer::{Answer, Choice};
use crate::json::Writer;
use crate::{Bill, Head};

/// Writes the object. The dialect asks for one choice and has room for one.
pub(super) fn encode(told: Told, answer: &Answer, head: &Head, bill: Option<&Bill>) -> Bytes {
    let choice = answer.choices().first();
    let mut out = BytesMut::new();
    let mut json = Writer::new(&mut out);
    json.open(b'{');
    pieces::write_head(&mut json, head);
    choice.map(|choice| said(told, choice)).unwrap_or_default().write(&mut json, told.kind);
    if let Some(choice) = choice {
        let shown = choice.reasoning_logprobs.iter().filter(|_| told.thinking);
        pieces::write_logprobs(&mut json, shown.chain(&choice.logprobs));
    }
    let finish = choice.and_then(|choice| choice.finish.as_ref());
    let reason = finish.map(|finish| finish.reason);
    pieces::write_end(&mut json, told, reason, bill, answer.extra());
    json.close(b'}');
    out.freeze()
}

fn said(told: Told, choice: &Choice) -> Said<'_> {
    let mut said = Said::default();
    for part in &choice.parts {
        match &part.body {
            PartBody::Text(text) | PartBody::Refusal(text) => said.text.push_str(text),
            PartBody::Reasoning(reasoning) if told.thinking => {
                said.thinking.push_str(pieces::readable(reasoning));
            }
            PartBody::ToolCall(_) | PartBody::Media(_) => said.whole.push(part),
            PartBody::Reasoning(_) | PartBody::ToolResult(_) | PartBody::Native(_) => {}
        }
    }
    said
}
