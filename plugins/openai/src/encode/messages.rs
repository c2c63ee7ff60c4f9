//! The conversation. This format keeps an assistant's text before its calls, and
//! results in messages of their own; what cannot be said in that order is refused.

use plugway_sdk::chat::{
    Failure, Media, MediaKind, MediaSource, Message, Part, PartBody, Reasoning, Request, Role,
};

use super::content::{
    Content, media_part, refusal_part, role_name, text_part, tool_call, tool_message,
};
use super::native;
use crate::json::{Object, array};
use crate::options::{Options, ReasoningField};

pub(super) fn messages(request: &Request, options: &Options) -> Result<String, Failure> {
    let mut written = Vec::with_capacity(request.messages.len());
    for message in &request.messages {
        write(message, native(request), options, &mut written)?;
    }
    Ok(array(written))
}

/// Writes one message, in several where results stand between its parts.
fn write<'a>(
    message: &'a Message,
    native: bool,
    options: &'a Options,
    written: &mut Vec<String>,
) -> Result<(), Failure> {
    let before = written.len();
    let mut draft = Draft::new(message, native, options);
    for part in &message.parts {
        if let PartBody::ToolResult(result) = &part.body {
            draft.finish(written);
            written.push(tool_message(result, native)?);
            draft = Draft::new(message, native, options);
        } else {
            draft.add(part)?;
        }
    }
    draft.finish(written);
    if written.len() == before {
        written.push(Draft::new(message, native, options).into_json());
    }
    Ok(())
}

/// A message being put together.
struct Draft<'a> {
    message: &'a Message,
    native: bool,
    options: &'a Options,
    content: Content<'a>,
    reasoning: Vec<&'a Part>,
    tool_calls: Vec<String>,
    audio_id: Option<&'a str>,
}

impl<'a> Draft<'a> {
    fn new(message: &'a Message, native: bool, options: &'a Options) -> Self {
        Self {
            message,
            native,
            options,
            content: Content::default(),
            reasoning: Vec::new(),
            tool_calls: Vec::new(),
            audio_id: None,
        }
    }

    fn add(&mut self, part: &'a Part) -> Result<(), Failure> {
        match &part.body {
            PartBody::Reasoning(_) => self.reasoning.push(part),
            PartBody::ToolCall(call) => {
                let call = self.extended(tool_call(call), part);
                self.tool_calls.push(call);
            }
            _ if !self.tool_calls.is_empty() => {
                return Err(Failure::unsupported(
                    "this provider keeps an assistant's content before its tool calls",
                ));
            }
            PartBody::Text(text) if !self.native || part.extra.is_empty() => {
                self.content.text(text);
            }
            PartBody::Text(text) => self.content.json(self.extended(text_part(text), part)),
            PartBody::Refusal(text) => self.content.json(self.extended(refusal_part(text), part)),
            PartBody::Media(media) if self.message.role == Role::Assistant => {
                self.audio_id = Some(audio_id(media, part)?);
            }
            PartBody::Media(media) => self.content.json(self.extended(media_part(media)?, part)),
            PartBody::Native(json) if self.native => self.content.json(json.clone()),
            PartBody::Native(_) => {
                return Err(Failure::unsupported("a part of another provider has no equal here"));
            }
            PartBody::ToolResult(_) => {}
        }
        Ok(())
    }

    /// A part with its native fields.
    fn extended(&self, mut object: Object, part: &Part) -> String {
        if self.native {
            object.extras(&part.extra);
        }
        object.into_json()
    }

    fn finish(self, written: &mut Vec<String>) {
        let empty = self.content.is_empty()
            && self.tool_calls.is_empty()
            && self.audio_id.is_none()
            && !self.sends_reasoning();
        if !empty {
            written.push(self.into_json());
        }
    }

    fn into_json(self) -> String {
        let role = role_name(self.message.role, &self.options.developer_role);
        let mut message = Object::with("role", role);
        message.some("name", self.message.name.as_ref());
        if self.content.is_empty() && (!self.tool_calls.is_empty() || self.audio_id.is_some()) {
            message.raw("content", "null");
        } else {
            self.content.write(&mut message);
        }
        if self.sends_reasoning() {
            self.write_reasoning(&mut message);
        }
        if let Some(id) = self.audio_id {
            message.raw("audio", &Object::with("id", id).into_json());
        }
        if !self.tool_calls.is_empty() {
            message.raw("tool_calls", &array(self.tool_calls));
        }
        if self.native {
            message.extras(&self.message.extra);
        }
        message.into_json()
    }

    fn sends_reasoning(&self) -> bool {
        match self.options.send_reasoning {
            None => false,
            Some(ReasoningField::Details) => !self.reasoning.is_empty(),
            Some(ReasoningField::Plain(_)) => {
                self.reasoning.iter().any(|part| plain(part).is_some())
            }
        }
    }

    fn write_reasoning(&self, message: &mut Object) {
        match self.options.send_reasoning {
            Some(ReasoningField::Plain(field)) => {
                let text: String = self.reasoning.iter().filter_map(|part| plain(part)).collect();
                message.set(field, &text);
            }
            Some(ReasoningField::Details) => {
                let details = self.reasoning.iter().filter_map(|part| detail(part));
                message.raw("reasoning_details", &array(details));
            }
            None => {}
        }
    }
}

/// Reasoning that a server without formats can read.
fn plain(part: &Part) -> Option<&str> {
    let anyones = part.format.as_deref().is_none_or(|format| format == "unknown");
    match &part.body {
        PartBody::Reasoning(Reasoning::Text(text) | Reasoning::Summary(text)) if anyones => {
            Some(text)
        }
        _ => None,
    }
}

/// Reasoning of any format, for a server that passes it on to whom it came from.
fn detail(part: &Part) -> Option<String> {
    let PartBody::Reasoning(reasoning) = &part.body else { return None };
    let (kind, field, value) = match reasoning {
        Reasoning::Text(text) => ("reasoning.text", "text", text),
        Reasoning::Summary(text) => ("reasoning.summary", "summary", text),
        Reasoning::Encrypted(data) => ("reasoning.encrypted", "data", data),
    };
    let mut detail = Object::with("type", kind);
    detail
        .set(field, value)
        .some("signature", part.signature.as_ref())
        .some("id", part.id.as_ref())
        .some("format", part.format.as_ref());
    Some(detail.into_json())
}

/// What an assistant said aloud goes back by its id alone.
fn audio_id<'a>(media: &'a Media, part: &'a Part) -> Result<&'a str, Failure> {
    match (&media.kind, &media.source, &part.id) {
        (MediaKind::Audio, MediaSource::FileId(id), _) | (MediaKind::Audio, _, Some(id)) => Ok(id),
        _ => Err(Failure::unsupported("media of an assistant cannot be sent back here")),
    }
}
