//! The conversation. Texts may be seals: each is copied into one JSON string and never
//! looked at.

use plugway_formats::json::{Json, Object, raw};
use plugway_sdk::chat::{
    Extra, Failure, Media, MediaKind, MediaSource, Message, Part, PartBody, Request, ResultBody,
    ResultPart, Role, ToolResult,
};

use super::assistant::Draft;
use super::{is_native, media, native_value};

pub(super) fn messages(request: &Request) -> Result<Vec<Json<'_>>, Failure> {
    let mut written = Vec::with_capacity(request.messages.len());
    for message in &request.messages {
        write(message, is_native(request), &mut written)?;
    }
    Ok(written)
}

/// Writes one message, in several where tool results stand between its parts.
fn write<'a>(
    message: &'a Message,
    native: bool,
    written: &mut Vec<Json<'a>>,
) -> Result<(), Failure> {
    let before = written.len();
    let runs = message.parts.split_inclusive(is_result);
    for run in runs {
        let (said, result) = match run.split_last() {
            Some((Part { body: PartBody::ToolResult(result), .. }, said)) => (said, Some(result)),
            _ => (run, None),
        };
        if !said.is_empty() {
            written.push(said_by(message, said, native)?.into());
        }
        if let Some(result) = result {
            written.push(tool_message(result, native)?.into());
        }
    }
    if written.len() == before && message.role != Role::Tool {
        written.push(said_by(message, &[], native)?.into());
    }
    Ok(())
}

fn is_result(part: &Part) -> bool {
    matches!(part.body, PartBody::ToolResult(_))
}

fn said_by<'a>(
    message: &'a Message,
    parts: &'a [Part],
    native: bool,
) -> Result<Object<'a>, Failure> {
    let object = if message.role == Role::Assistant {
        Draft::of(parts, native)?.into_object()
    } else {
        let mut content = Content::default();
        for part in parts {
            content.part(part, message.role, native)?;
        }
        Object::new().with("role", role_name(message.role)).with("content", content.into_json())
    };
    object.with_extra(if native { message.extra.as_slice() } else { &[] })
}

fn role_name(role: Role) -> &'static str {
    match role {
        Role::System | Role::Developer => "system",
        Role::User => "user",
        Role::Assistant => "assistant",
        Role::Tool => "tool",
    }
}

/// The content of one message: a string where one text is all there is, else a list.
#[derive(Default)]
pub(super) struct Content<'a>(Vec<Item<'a>>);

enum Item<'a> {
    Text(&'a str),
    Json(Json<'a>),
}

impl<'a> Content<'a> {
    pub(super) fn text(&mut self, text: &'a str, extra: &'a [Extra]) -> Result<(), Failure> {
        self.0.push(if extra.is_empty() {
            Item::Text(text)
        } else {
            Item::Json(Object::of_type("text").with("text", text).with_extra(extra)?.into())
        });
        Ok(())
    }

    pub(super) fn json(&mut self, item: impl Into<Json<'a>>) {
        self.0.push(Item::Json(item.into()));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn into_json(self) -> Json<'a> {
        match self.0.as_slice() {
            [] => "".into(),
            [Item::Text(text)] => (*text).into(),
            _ => Json::List(self.0.into_iter().map(Item::into_json).collect()),
        }
    }

    /// A part of a message that is not the assistant's.
    fn part(&mut self, part: &'a Part, role: Role, native: bool) -> Result<(), Failure> {
        let extra = if native { part.extra.as_slice() } else { &[] };
        match &part.body {
            PartBody::Text(text) | PartBody::Refusal(text) => self.text(text, extra)?,
            PartBody::Media(Media {
                kind: MediaKind::Document,
                source: MediaSource::Text(text),
                name,
                ..
            }) => {
                if let Some(name) = name {
                    self.text(name, &[])?;
                }
                self.text(text, extra)?;
            }
            PartBody::Media(media) if role == Role::User => {
                self.json(media::image(media)?.with_extra(extra)?);
            }
            PartBody::Native(json) => self.json(native_value(json, native)?),
            PartBody::Media(_)
            | PartBody::Reasoning(_)
            | PartBody::ToolCall(_)
            | PartBody::ToolResult(_) => {
                return Err(Failure::unsupported("Cohere has no place for this part of a message"));
            }
        }
        Ok(())
    }
}

impl<'a> Item<'a> {
    fn into_json(self) -> Json<'a> {
        match self {
            Self::Text(text) => Object::of_type("text").with("text", text).into(),
            Self::Json(json) => json,
        }
    }
}

/// The message that answers one call.
fn tool_message(result: &ToolResult, native: bool) -> Result<Object<'_>, Failure> {
    let mut content = Content::default();
    for part in &result.content {
        result_part(&mut content, part, native)?;
    }
    Ok(Object::new()
        .with("role", "tool")
        .with("tool_call_id", &result.call_id)
        .with("content", content.into_json()))
}

fn result_part<'a>(
    content: &mut Content<'a>,
    part: &'a ResultPart,
    native: bool,
) -> Result<(), Failure> {
    let extra = if native { part.extra.as_slice() } else { &[] };
    match &part.body {
        ResultBody::Text(text) => content.text(text, extra)?,
        // An object is what citations can point to.
        ResultBody::Json(json) if native && json.trim_start().starts_with('{') => {
            let data = raw(json, "messages.content.document.data")?;
            content.json(document(Object::new().with("data", data).with_extra(extra)?));
        }
        ResultBody::Json(json) => content.text(json, &[])?,
        ResultBody::Media(Media {
            kind: MediaKind::Document,
            source: MediaSource::Text(text),
            name,
            ..
        }) => {
            let data = Object::new().with_some("title", name.as_ref()).with("text", text);
            content.json(document(Object::new().with("data", data).with_extra(extra)?));
        }
        ResultBody::Native(json) => content.json(native_value(json, native)?),
        ResultBody::Media(_) => {
            return Err(Failure::unsupported("Cohere takes tool results only as text"));
        }
    }
    Ok(())
}

fn document(document: Object<'_>) -> Object<'_> {
    Object::of_type("document").with("document", document)
}
