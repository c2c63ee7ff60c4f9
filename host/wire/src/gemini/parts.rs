//! The parts of a content: each holds one thing, and perhaps a proof of thought.

use plugway_engine::chat::{
    Media, MediaKind, MediaSource, Part, PartBody, Reasoning, Role, ToolCall,
};

use super::FORMAT;
use super::contents::Contents;
use super::signature::Proof;
use crate::BadRequest;
use crate::conversation::{called, plain, scheme};
use crate::json::{Fields, Node, inside};
use crate::media_type::kind;

/// What a part is, in either case, where that is modelled.
const MODELLED: [(&str, &str); 5] = [
    ("text", "text"),
    ("inlineData", "inline_data"),
    ("fileData", "file_data"),
    ("functionCall", "function_call"),
    ("functionResponse", "function_response"),
];

/// What a part says of what it is.
const ASIDES: [&str; 6] = [
    "videoMetadata",
    "video_metadata",
    "mediaResolution",
    "media_resolution",
    "partMetadata",
    "part_metadata",
];

impl Contents {
    /// Reads one part of what this role said.
    pub(super) fn part(&mut self, node: &Node<'_, '_>, role: Role) -> Result<Part, BadRequest> {
        let mut fields = node.object()?;
        let thought = fields.take("thought");
        let signature = fields.either("thoughtSignature", "thought_signature")?;
        let modelled = modelled(&mut fields)?;
        if let Some(other) = other(&fields, modelled.is_some())? {
            return match other {
                Other::Native => self.conversation.native(node),
                Other::Nothing if signature.is_some() => self.signed_nothing(node, thought, role),
                Other::Nothing => Err(node.invalid("must hold text, data, a call or a response")),
            };
        }
        let Some((kind, value)) = modelled else {
            return self.conversation.native(node);
        };
        let thought = match thought {
            Some(node) => node.boolean()?,
            None => false,
        };
        let mut extra = Vec::new();
        let body = match kind {
            "text" if thought => self.thought(&value, role)?,
            "text" => PartBody::Text(self.conversation.text(&value)?),
            "inlineData" => PartBody::Media(self.inline(&value, &mut extra)?),
            "fileData" => PartBody::Media(self.file(&value, &mut extra)?),
            "functionCall" => return self.call(&value, (fields, thought), signature, role),
            _ => {
                let part = self.result(&value, &fields, role)?;
                return self.signed(part, signature.as_ref());
            }
        };
        if thought && kind != "text" {
            extra.push(("thought".to_owned(), "true".to_owned()));
        }
        extra.extend(fields.rest()?);
        self.signed(Part { extra, ..plain(body) }, signature.as_ref())
    }

    /// A part that holds a proof and nothing that it would be of.
    fn signed_nothing(
        &mut self,
        node: &Node<'_, '_>,
        thought: Option<Node<'_, '_>>,
        role: Role,
    ) -> Result<Part, BadRequest> {
        let mut fields = node.object()?;
        fields.take("thought");
        let signature = fields.either("thoughtSignature", "thought_signature")?;
        let is_thought = match thought {
            Some(node) => node.boolean()? && role == Role::Assistant,
            None => false,
        };
        let body = match is_thought {
            true => PartBody::Reasoning(Reasoning::Text(String::new())),
            false => PartBody::Text(String::new()),
        };
        self.signed(Part { extra: fields.rest()?, ..plain(body) }, signature.as_ref())
    }

    /// Puts the proof on its part, or what a proof of the router's keeps.
    fn signed(
        &mut self,
        mut part: Part,
        signature: Option<&Node<'_, '_>>,
    ) -> Result<Part, BadRequest> {
        let Some(text) = signature.map(|node| node.string()).transpose()? else {
            return Ok(part);
        };
        match Proof::read(&text) {
            Some(proof) => {
                self.foreign = true;
                proof.restore(&mut part);
            }
            None => {
                part.signature = Some(text);
                part.format = Some(FORMAT.to_owned());
            }
        }
        Ok(part)
    }

    fn thought(&mut self, node: &Node<'_, '_>, role: Role) -> Result<PartBody, BadRequest> {
        let text = node.string()?;
        if role != Role::Assistant {
            return Err(node.invalid("is a thought, which only the model has"));
        }
        Ok(PartBody::Reasoning(Reasoning::Text(text)))
    }

    fn call(
        &mut self,
        node: &Node<'_, '_>,
        (fields, thought): (Fields<'_, '_>, bool),
        signature: Option<Node<'_, '_>>,
        role: Role,
    ) -> Result<Part, BadRequest> {
        if role != Role::Assistant {
            return Err(node.invalid("is a call, which only the model makes"));
        }
        let mut call = node.object()?;
        let args = call.take("args");
        if let Some(args) = args.filter(|args| !args.is_object()) {
            return Err(args.invalid("must be an object"));
        }
        let input = args.map(|args| args.json()).transpose()?;
        let id = call.string("id")?.filter(|id| !id.is_empty());
        let name = called(&mut call)?;
        let call_id = self.call_id(id);
        let mut extra: Vec<_> = inside("functionCall", call.rest()?).into_iter().collect();
        if thought {
            extra.push(("thought".to_owned(), "true".to_owned()));
        }
        extra.extend(fields.rest()?);
        let input = input.unwrap_or_else(|| "{}".to_owned());
        let call = ToolCall { id: call_id, name, input, freeform: false };
        let part = self.conversation.call(node, call, extra);
        self.signed(part, signature.as_ref())
    }

    /// Bytes, in either of the alphabets that base64 has.
    pub(super) fn inline(
        &mut self,
        node: &Node<'_, '_>,
        extra: &mut Vec<(String, String)>,
    ) -> Result<Media, BadRequest> {
        let mut fields = node.object()?;
        let mime = fields.either("mimeType", "mime_type")?;
        let mime = mime.ok_or_else(|| fields.missing("mimeType"))?.string()?;
        let kind = kind(&mime);
        let (source, mime) = self.conversation.base64(&fields.need("data")?, kind, Some(mime))?;
        let name = name(&mut fields)?;
        extra.extend(inside("inlineData", rest(&fields, name.as_deref())?));
        let medium = self.conversation.medium(kind, source, mime);
        Ok(Media { name, ..medium })
    }

    /// Where Google finds it, or anybody.
    pub(super) fn file(
        &mut self,
        node: &Node<'_, '_>,
        extra: &mut Vec<(String, String)>,
    ) -> Result<Media, BadRequest> {
        let mut fields = node.object()?;
        let mime = fields.either("mimeType", "mime_type")?;
        let mime = mime.map(|node| node.string()).transpose()?;
        let uri = fields.either("fileUri", "file_uri")?;
        let uri = uri.ok_or_else(|| fields.missing("fileUri"))?;
        let text = uri.string()?;
        let (source, told) = match scheme(&text) {
            None if text.starts_with("files/") => (MediaSource::FileId(text.clone()), None),
            _ => self.conversation.located(&uri, mime.as_deref().map(kind))?,
        };
        let name = name(&mut fields)?;
        extra.extend(inside("fileData", rest(&fields, name.as_deref())?));
        let mime = mime.or(told);
        let kind = mime.as_deref().map_or_else(|| guessed(&text), kind);
        let medium = self.conversation.medium(kind, source, mime);
        Ok(Media { name, ..medium })
    }
}

/// The one thing that a part is, by its name in camel case.
fn modelled<'b, 'p>(
    fields: &mut Fields<'b, 'p>,
) -> Result<Option<(&'static str, Node<'b, 'p>)>, BadRequest> {
    let mut found: Option<(&'static str, Node<'b, 'p>)> = None;
    for (camel, snake) in MODELLED {
        let Some(node) = fields.either(camel, snake)? else { continue };
        if let Some((first, _)) = found {
            return Err(node.invalid(format!("must not stand beside `{first}`: a part is one")));
        }
        found = Some((camel, node));
    }
    Ok(found)
}

/// A part that is none of what is modelled.
enum Other {
    /// Something that only this dialect knows.
    Native,
    Nothing,
}

/// # Errors
/// Where the part is something else beside what is modelled.
fn other(fields: &Fields<'_, '_>, is_modelled: bool) -> Result<Option<Other>, BadRequest> {
    let mut others = fields.left().filter(|(name, _)| !ASIDES.contains(name));
    let is_data = |name: &str| {
        matches!(name, "executableCode" | "executable_code" | "toolCall" | "tool_call")
            || matches!(name, "codeExecutionResult" | "code_execution_result")
            || matches!(name, "toolResponse" | "tool_response")
    };
    match others.next() {
        Some((name, node)) if is_modelled && is_data(name) => {
            Err(node.invalid("must not stand beside another: a part is one"))
        }
        _ if is_modelled => Ok(None),
        Some(_) => Ok(Some(Other::Native)),
        None => Ok(Some(Other::Nothing)),
    }
}

/// `displayName`.
fn name(fields: &mut Fields<'_, '_>) -> Result<Option<String>, BadRequest> {
    fields.either("displayName", "display_name")?.map(|node| node.string()).transpose()
}

/// What is left of data, for the provider: the name too, which few have room for.
fn rest(fields: &Fields<'_, '_>, name: Option<&str>) -> Result<Vec<(String, String)>, BadRequest> {
    let mut rest = fields.rest()?;
    if let Some(name) = name {
        rest.push(("displayName".to_owned(), serde_json::Value::from(name).to_string()));
    }
    Ok(rest)
}

/// What is behind an address that comes without a media type: Google takes videos by
/// the address alone, and else goes by how it ends.
fn guessed(uri: &str) -> MediaKind {
    let (path, _) = uri.split_once(['?', '#']).unwrap_or((uri, ""));
    let is_video_host = ["youtube.com/", "youtu.be/"].iter().any(|host| uri.contains(host));
    let ending = path.rsplit_once('.').map_or("", |(_, ending)| ending).to_ascii_lowercase();
    match &*ending {
        "png" | "jpg" | "jpeg" | "webp" | "gif" | "heic" | "heif" => MediaKind::Image,
        "mp3" | "wav" | "ogg" | "flac" | "aac" | "m4a" => MediaKind::Audio,
        "mp4" | "webm" | "mov" | "mpeg" => MediaKind::Video,
        _ if is_video_host => MediaKind::Video,
        _ => MediaKind::Document,
    }
}
