//! The conversation. This format keeps an assistant's text before its calls, and
//! results in messages of their own; what cannot be said in that order is refused.

use plugway_sdk::chat::{
    Failure, Media, MediaKind, MediaSource, Message, Part, PartBody, Reasoning, Role,
};

use super::Ask;
use super::content::{Content, refusal_part, text_part};
use crate::json::{Json, Object, raw};
use crate::openai_chat::profile::SendReasoning;

/// Who can read the signatures of a server that keeps them in `extra_content`.
const EXTRA_CONTENT_FORMAT: &str = "google-gemini-v1";

pub(super) fn messages<'a>(ask: &Ask<'a>) -> Result<Vec<Json<'a>>, Failure> {
    let messages = &ask.request.messages;
    let mut thread = Thread { messages: Vec::with_capacity(messages.len()), attached: Vec::new() };
    for (position, message) in messages.iter().enumerate() {
        let prefix = ask.options.prefix && position + 1 == messages.len() && is_prefix(message);
        write(ask, message, prefix, &mut thread)?;
    }
    thread.attach();
    Ok(thread.messages)
}

/// The messages as they are written.
struct Thread<'a> {
    messages: Vec<Json<'a>>,
    /// What the results at its end have no place for.
    attached: Vec<Json<'a>>,
}

impl<'a> Thread<'a> {
    fn say(&mut self, message: Json<'a>) {
        self.attach();
        self.messages.push(message);
    }

    /// Results follow each other: only behind the last of them somebody else may speak.
    fn attach(&mut self) {
        if !self.attached.is_empty() {
            let content = Json::List(std::mem::take(&mut self.attached));
            let message = Object::new().with("role", "user").with("content", content);
            self.messages.push(message.into());
        }
    }
}

/// Whether a message, where it is the last one, is to be continued.
pub(super) fn is_prefix(message: &Message) -> bool {
    let call = |part: &Part| matches!(part.body, PartBody::ToolCall(_) | PartBody::ToolResult(_));
    message.role == Role::Assistant && !message.parts.iter().any(call)
}

/// Writes one message, in several where results stand between its parts.
fn write<'a>(
    ask: &Ask<'a>,
    message: &'a Message,
    prefix: bool,
    thread: &mut Thread<'a>,
) -> Result<(), Failure> {
    let before = thread.messages.len();
    let mut draft = Draft::new(ask, message);
    for part in &message.parts {
        if let PartBody::ToolResult(result) = &part.body {
            draft.finish(thread)?;
            let own: &[_] = if message.parts.len() == 1 { &message.extra } else { &[] };
            let cache = part.cache.as_ref();
            let answered = ask.tool_message(result, cache, own, &mut thread.attached)?;
            thread.messages.push(answered);
            draft = Draft::new(ask, message);
        } else {
            draft.add(part)?;
        }
    }
    draft.prefix = prefix;
    draft.finish(thread)?;
    if thread.messages.len() == before {
        thread.say(Draft::new(ask, message).into_json()?);
    }
    Ok(())
}

/// A message being put together.
struct Draft<'d, 'a> {
    ask: &'d Ask<'a>,
    message: &'a Message,
    prefix: bool,
    content: Content<'a>,
    reasoning: Vec<&'a Part>,
    tool_calls: Vec<Json<'a>>,
    images: Vec<Json<'a>>,
    audio_id: Option<&'a str>,
}

impl<'d, 'a> Draft<'d, 'a> {
    fn new(ask: &'d Ask<'a>, message: &'a Message) -> Self {
        Self {
            ask,
            message,
            prefix: false,
            content: Content::default(),
            reasoning: Vec::new(),
            tool_calls: Vec::new(),
            images: Vec::new(),
            audio_id: None,
        }
    }

    fn add(&mut self, part: &'a Part) -> Result<(), Failure> {
        let ask = self.ask;
        let extended = |object| ask.extended(object, part.cache.as_ref(), &part.extra);
        if part.signature.is_some() && !matches!(part.body, PartBody::Reasoning(_)) {
            self.reasoning.push(part);
        }
        match &part.body {
            PartBody::Reasoning(_) => self.reason(part),
            PartBody::ToolCall(call) => {
                let call = ask.tool_call(call)?;
                self.tool_calls.push(extended(self.signed(call, part))?.into());
            }
            _ if !self.tool_calls.is_empty() => {
                return Err(Failure::unsupported(
                    "this provider keeps an assistant's content before its tool calls",
                ));
            }
            PartBody::Text(text) if ask.has_more(part.cache.as_ref(), &part.extra) => {
                self.content.json(extended(text_part(text))?);
            }
            PartBody::Text(text) => self.content.text(text),
            PartBody::Refusal(text) => self.content.json(extended(refusal_part(text))?),
            PartBody::Media(media) if self.message.role == Role::Assistant => {
                self.echo(media, part)?;
            }
            PartBody::Media(media) => self.content.json(extended(ask.media_part(media)?)?),
            PartBody::Native(json) if ask.native => {
                self.content.json(raw(json, "messages.content")?);
            }
            PartBody::Native(_) => {
                return Err(Failure::unsupported("a part of another provider has no equal here"));
            }
            PartBody::ToolResult(_) => {}
        }
        Ok(())
    }

    fn reason(&mut self, part: &'a Part) {
        if self.ask.options.send_reasoning != SendReasoning::Chunks {
            self.reasoning.push(part);
        } else if let Some(text) = plain(part) {
            let thought = vec![text_part(text).into()];
            self.content.json(Object::of_type("thinking").with("thinking", Json::List(thought)));
        }
    }

    /// What an assistant said aloud goes back by its id alone, what it drew as it is.
    fn echo(&mut self, media: &'a Media, part: &'a Part) -> Result<(), Failure> {
        match (&media.kind, &media.source, &part.id) {
            (MediaKind::Audio, MediaSource::FileId(id), _) | (MediaKind::Audio, _, Some(id)) => {
                self.audio_id = Some(id);
            }
            (MediaKind::Image, ..) if self.ask.options.echo_images => {
                self.images.push(self.ask.media_part(media)?.into());
            }
            _ => {
                let message = "media of an assistant cannot be sent back here";
                return Err(Failure::unsupported(message));
            }
        }
        Ok(())
    }

    /// A call with its proof, where the server keeps that on the call.
    fn signed(&self, call: Object<'a>, part: &'a Part) -> Object<'a> {
        let own = part.format.as_deref() == Some(EXTRA_CONTENT_FORMAT);
        match (&part.signature, self.ask.options.send_reasoning) {
            (Some(signature), SendReasoning::Calls) if own => {
                let signature = Object::new().with("thought_signature", signature);
                call.with("extra_content", Object::new().with("google", signature))
            }
            _ => call,
        }
    }

    fn finish(self, thread: &mut Thread<'a>) -> Result<(), Failure> {
        let empty = self.content.is_empty()
            && self.tool_calls.is_empty()
            && self.images.is_empty()
            && self.audio_id.is_none()
            && self.sent_reasoning().is_none();
        if !empty {
            thread.say(self.into_json()?);
        }
        Ok(())
    }

    fn into_json(self) -> Result<Json<'a>, Failure> {
        let reasoning = self.sent_reasoning();
        let wordless =
            !self.tool_calls.is_empty() || !self.images.is_empty() || self.audio_id.is_some();
        let content = match self.content.is_empty() && wordless {
            true => Json::Null,
            false => self.content.into_json(),
        };
        let mut message = Object::new()
            .with("role", role_name(self.message.role, self.ask))
            .with_some("name", self.message.name.as_ref())
            .with("content", content);
        if let Some((field, reasoning)) = reasoning {
            message.push(field, reasoning);
        }
        if let Some(id) = self.audio_id {
            message.push("audio", Object::new().with("id", id));
        }
        if !self.images.is_empty() {
            message.push("images", self.images);
        }
        if !self.tool_calls.is_empty() {
            message.push("tool_calls", self.tool_calls);
        }
        if self.prefix && !self.message.extra.iter().any(|(name, _)| name == "prefix") {
            message.push("prefix", true);
        }
        Ok(if self.ask.native {
            message.with_extra(&self.message.extra)?.into()
        } else {
            message.into()
        })
    }

    /// The field that takes the reasoning back, and what goes into it.
    fn sent_reasoning(&self) -> Option<(&'static str, Json<'a>)> {
        match self.ask.options.send_reasoning {
            SendReasoning::No | SendReasoning::Chunks | SendReasoning::Calls => None,
            SendReasoning::Field(field) => {
                let mut texts = self.reasoning.iter().filter_map(|part| plain(part)).peekable();
                texts.peek()?;
                Some((field, Json::Made(texts.collect())))
            }
            SendReasoning::Details => {
                let details = self.reasoning.iter().zip(0..);
                let details: Vec<Json<'_>> =
                    details.filter_map(|(part, index)| self.detail(part, index)).collect();
                (!details.is_empty()).then(|| ("reasoning_details", details.into()))
            }
        }
    }

    /// Reasoning of any format, for a server that passes it on to whom it came from.
    fn detail(&self, part: &'a Part, index: u32) -> Option<Json<'a>> {
        let signature = part.signature.as_ref();
        let (detail, id) = match &part.body {
            PartBody::Reasoning(Reasoning::Text(text)) => {
                let detail = Object::of_type("reasoning.text").with("text", text);
                (detail.with_some("signature", signature), part.id.as_deref())
            }
            PartBody::Reasoning(Reasoning::Summary(text)) => {
                (Object::of_type("reasoning.summary").with("summary", text), part.id.as_deref())
            }
            PartBody::Reasoning(Reasoning::Encrypted(data)) => {
                (Object::of_type("reasoning.encrypted").with("data", data), part.id.as_deref())
            }
            // A proof on a call or a text travels under its id.
            PartBody::ToolCall(call) => {
                let detail = Object::of_type("reasoning.encrypted").with("data", signature?);
                (detail, Some(call.id.as_str()))
            }
            _ => {
                let detail = Object::of_type("reasoning.encrypted").with("data", signature?);
                (detail, part.id.as_deref())
            }
        };
        let detail = detail
            .with_some("id", id)
            .with_some("format", part.format.as_ref())
            .with("index", index);
        let native = self.ask.native && matches!(part.body, PartBody::Reasoning(_));
        if !native {
            return Some(detail.into());
        }
        detail.with_extra(&part.extra).ok().map(Json::from)
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

fn role_name<'a>(role: Role, ask: &Ask<'a>) -> &'a str {
    match role {
        Role::System => &ask.options.system_role,
        Role::Developer => &ask.options.developer_role,
        Role::User => "user",
        Role::Assistant => "assistant",
        Role::Tool => "tool",
    }
}
