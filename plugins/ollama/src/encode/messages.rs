//! The conversation. A message of this API holds one string, and images that the model
//! sees before it. One message of several parts becomes several in a row, which the
//! server joins again. Texts may be seals: each is a string of its own.

use plugway_formats::json::{Json, Object};
use plugway_sdk::chat::{
    Extra, Failure, Media, MediaKind, MediaSource, Message, Part, PartBody, Request, ResultBody,
    Role, ToolResult,
};

use super::{assistant, is_native, media, native_value};

pub(super) fn messages(request: &Request) -> Result<Vec<Json<'_>>, Failure> {
    let native = is_native(request);
    let mut written = Vec::with_capacity(request.messages.len());
    for message in &request.messages {
        let extra = if native { message.extra.as_slice() } else { &[] };
        if message.role == Role::Assistant {
            written.push(assistant::message(message, native)?.with_extra(extra)?.into());
            continue;
        }
        let mut run = Run::new(Speaker::Role(role_name(message.role)), extra);
        run.one_message = native && is_plain(message);
        for part in &message.parts {
            run.part(part, native, &mut written)?;
        }
        run.end(&mut written)?;
    }
    Ok(written)
}

fn role_name(role: Role) -> &'static str {
    match role {
        Role::System | Role::Developer => "system",
        Role::User => "user",
        Role::Assistant => "assistant",
        Role::Tool => "tool",
    }
}

/// Whether a message is what one of this API can hold: one text at most, and images.
fn is_plain(message: &Message) -> bool {
    let texts = message.parts.iter().filter(|part| matches!(part.body, PartBody::Text(_)));
    let others = |part: &Part| !matches!(part.body, PartBody::Text(_) | PartBody::Media(_));
    texts.count() <= 1 && !message.parts.iter().any(others)
}

enum Speaker<'a> {
    Role(&'static str),
    Tool(&'a ToolResult),
}

/// A message that is being put together, of a row of them.
struct Run<'a> {
    speaker: Speaker<'a>,
    extra: &'a [Extra],
    /// The client wrote it as one message of this API.
    one_message: bool,
    images: Vec<Json<'a>>,
    text: Option<&'a str>,
    written: usize,
}

impl<'a> Run<'a> {
    fn new(speaker: Speaker<'a>, extra: &'a [Extra]) -> Self {
        let (one_message, images, text) = (false, Vec::new(), None);
        Self { speaker, extra, one_message, images, text, written: 0 }
    }

    fn part(
        &mut self,
        part: &'a Part,
        native: bool,
        written: &mut Vec<Json<'a>>,
    ) -> Result<(), Failure> {
        match &part.body {
            PartBody::Text(text) | PartBody::Refusal(text) => self.text(text, written),
            PartBody::Media(media) => self.media(media, written),
            PartBody::ToolResult(result) => {
                self.flush(written)?;
                self.written += 1;
                tool_messages(result, native, written)
            }
            PartBody::Native(json) => {
                self.flush(written)?;
                self.written += 1;
                written.push(native_value(json, native)?);
                Ok(())
            }
            PartBody::Reasoning(_) | PartBody::ToolCall(_) => {
                Err(Failure::unsupported("Ollama has no place for this part of a message"))
            }
        }
    }

    fn text(&mut self, text: &'a str, written: &mut Vec<Json<'a>>) -> Result<(), Failure> {
        if self.text.is_some() {
            self.flush(written)?;
        }
        self.text = Some(text);
        Ok(())
    }

    fn media(&mut self, media: &'a Media, written: &mut Vec<Json<'a>>) -> Result<(), Failure> {
        if let (MediaKind::Document, MediaSource::Text(text)) = (media.kind, &media.source) {
            if let Some(name) = &media.name {
                self.text(name, written)?;
            }
            return self.text(text, written);
        }
        let image = media::image(media)?;
        // What comes after a text must not be seen before it.
        if self.text.is_some() && !self.one_message {
            self.flush(written)?;
        }
        self.images.push(image.into());
        Ok(())
    }

    fn flush(&mut self, written: &mut Vec<Json<'a>>) -> Result<(), Failure> {
        if self.text.is_none() && self.images.is_empty() {
            return Ok(());
        }
        self.written += 1;
        let images = std::mem::take(&mut self.images);
        let role = match self.speaker {
            Speaker::Role(name) => name,
            Speaker::Tool(_) => "tool",
        };
        let message = Object::new()
            .with("role", role)
            .with("content", self.text.take().unwrap_or_default())
            .with_some("images", (!images.is_empty()).then_some(images));
        let message = match self.speaker {
            Speaker::Role(_) => message,
            Speaker::Tool(result) => message
                .with_some("tool_name", Some(&result.name).filter(|name| !name.is_empty()))
                .with("tool_call_id", &result.call_id),
        };
        written.push(message.with_extra(self.extra)?.into());
        Ok(())
    }

    /// A message without parts was said all the same.
    fn end(mut self, written: &mut Vec<Json<'a>>) -> Result<(), Failure> {
        if self.written == 0 && self.text.is_none() && self.images.is_empty() {
            self.text = Some("");
        }
        self.flush(written)
    }
}

/// The messages that answer one call.
fn tool_messages<'a>(
    result: &'a ToolResult,
    native: bool,
    written: &mut Vec<Json<'a>>,
) -> Result<(), Failure> {
    let mut run = Run::new(Speaker::Tool(result), &[]);
    for part in &result.content {
        match &part.body {
            ResultBody::Text(text) | ResultBody::Json(text) => run.text(text, written)?,
            ResultBody::Media(media) => run.media(media, written)?,
            ResultBody::Native(json) => {
                run.flush(written)?;
                run.written += 1;
                written.push(native_value(json, native)?);
            }
        }
    }
    run.end(written)
}
