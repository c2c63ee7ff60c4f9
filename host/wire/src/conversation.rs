//! What is known of a conversation while a dialect reads its messages, in order.

use std::collections::HashMap;

use plugway_engine::chat;

use crate::BadRequest;
use crate::json::{Fields, Node, unescape};
use crate::seal::{Sealer, Seals};

/// Bytes of the name of a tool that was called. Every result of the call gets a
/// copy of it; providers take 64 to 128.
const MAX_CALLED: usize = 256;

/// Bytes in which the scheme of a URL must end: a text without one is not searched.
const LONGEST_SCHEME: usize = 32;

/// Seals texts, counts what the messages hold, and remembers the calls for whoever
/// reads their results.
pub(crate) struct Conversation {
    sealer: Sealer,
    /// Name of each call's tool, and whether it is a freeform one; by the call's id.
    calls: HashMap<String, (String, bool)>,
    /// Something native is in it.
    pub(crate) native: bool,
    /// Bytes of text so far, as they stand in the body.
    pub(crate) text_bytes: usize,
    /// Media so far.
    pub(crate) media: u32,
}

impl Conversation {
    pub(crate) fn new(sealer: Sealer) -> Self {
        Self { sealer, calls: HashMap::new(), native: false, text_bytes: 0, media: 0 }
    }

    pub(crate) fn finish(self) -> Seals {
        self.sealer.finish()
    }

    /// Text that is sealed where it is long.
    pub(crate) fn text(&mut self, node: &Node<'_, '_>) -> Result<String, BadRequest> {
        let content = node.escaped()?;
        self.text_bytes += content.len();
        Ok(self.sealer.seal(content))
    }

    /// A part of a kind that only the client's dialect knows.
    pub(crate) fn native(&mut self, part: &Node<'_, '_>) -> Result<chat::Part, BadRequest> {
        self.native = true;
        self.text_bytes += part.raw().len();
        Ok(plain(chat::PartBody::Native(part.json()?)))
    }

    /// The part of a call, which is remembered. `call.id` must not be empty.
    pub(crate) fn call(
        &mut self,
        call: chat::ToolCall,
        extra: Vec<(String, String)>,
    ) -> chat::Part {
        self.text_bytes += call.name.len() + call.input.len();
        let known = (call.name.clone(), call.freeform);
        self.calls.insert(call.id.clone(), known);
        chat::Part { extra, ..plain(chat::PartBody::ToolCall(call)) }
    }

    /// Name and freeform of the call of that id; an empty name where there was none.
    pub(crate) fn called(&self, id: &str) -> (String, bool) {
        self.calls.get(id).cloned().unwrap_or_default()
    }

    /// A medium, counted.
    pub(crate) fn medium(
        &mut self,
        kind: chat::MediaKind,
        source: chat::MediaSource,
        mime: Option<String>,
    ) -> chat::Media {
        self.media += 1;
        chat::Media { kind, source, mime, name: None, detail: None }
    }

    /// Base64 as it stands in the body, sealed where it is long.
    pub(crate) fn base64(&mut self, node: &Node<'_, '_>) -> Result<chat::MediaSource, BadRequest> {
        Ok(chat::MediaSource::Base64(self.sealer.seal(node.escaped()?)))
    }

    /// Base64 in any alphabet, padded or not, as the standard one, sealed where it is
    /// long. What stands in the body so already stays the slice of it.
    pub(crate) fn any_base64(
        &mut self,
        node: &Node<'_, '_>,
    ) -> Result<chat::MediaSource, BadRequest> {
        let content = node.escaped()?;
        if content.len().is_multiple_of(4) && content.bytes().all(is_base64) {
            return Ok(chat::MediaSource::Base64(self.sealer.seal(content)));
        }
        let mut text = String::with_capacity(content.len() + 2);
        for byte in unescape(content).bytes() {
            match byte {
                b'-' => text.push('+'),
                b'_' => text.push('/'),
                // Mail breaks its lines, and some encoders do as mail does.
                b' ' | b'\t' | b'\r' | b'\n' => {}
                _ if is_base64(byte) => text.push(char::from(byte)),
                _ => return Err(node.invalid("must be base64")),
            }
        }
        match text.len() % 4 {
            0 => {}
            1 => return Err(node.invalid("must be base64")),
            rest => text.push_str(if rest == 2 { "==" } else { "=" }),
        }
        Ok(chat::MediaSource::Base64(self.sealer.seal_copy(text)))
    }

    /// What a URL points at, and its media type where the URL tells. Of a data URL
    /// the base64 text stays the slice of the body that it is.
    pub(crate) fn located(
        &mut self,
        node: &Node<'_, '_>,
    ) -> Result<(chat::MediaSource, Option<String>), BadRequest> {
        let content = node.escaped()?;
        if scheme(content).as_deref() == Some("data") {
            let parts = content.get(5..).and_then(|rest| rest.split_once(','));
            let (head, data) = parts.ok_or_else(|| node.invalid("is a data URL without data"))?;
            let head = unescape(head);
            let mime = head
                .strip_suffix(";base64")
                .ok_or_else(|| node.invalid("is a data URL, but not in base64"))?;
            // Parameters such as a charset are no part of the type.
            let mime = mime.split(';').next().filter(|mime| !mime.is_empty());
            let source = chat::MediaSource::Base64(self.sealer.seal(data));
            return Ok((source, mime.map(str::to_ascii_lowercase)));
        }
        let url = node.string()?;
        match scheme(&url).as_deref() {
            None => Err(node.invalid("must be a URL, or a data URL in base64")),
            // A provider must not read files of the machine that it runs on.
            Some("file") => Err(node.invalid("must not be a file of the provider's")),
            Some("data") => Err(node.invalid("is a data URL whose scheme is escaped")),
            Some(_) => Ok((chat::MediaSource::Uri(url), None)),
        }
    }
}

/// Of the standard alphabet, or padding.
fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=')
}

/// The name of the tool that was called.
pub(crate) fn called(fields: &mut Fields<'_, '_>) -> Result<String, BadRequest> {
    let node = fields.need("name")?;
    let name = node.string()?;
    if name.len() > MAX_CALLED {
        return Err(node.invalid(format!("must have at most {MAX_CALLED} bytes")));
    }
    Ok(name)
}

/// `cache_control`, or the marker without a time to live that stands for it.
pub(crate) fn cache_point(
    fields: &mut Fields<'_, '_>,
) -> Result<Option<chat::CachePoint>, BadRequest> {
    let marker = fields.take("prompt_cache_breakpoint");
    let Some(node) = fields.take("cache_control") else {
        return Ok(marker.map(|_| chat::CachePoint { ttl: None }));
    };
    let mut fields = node.object()?;
    let kind = fields.need("type")?;
    if kind.text()? != "ephemeral" {
        return Err(kind.invalid("must be ephemeral"));
    }
    let ttl = fields.string("ttl")?;
    Ok(Some(chat::CachePoint { ttl }))
}

/// A part with a body and nothing else.
pub(crate) fn plain(body: chat::PartBody) -> chat::Part {
    chat::Part {
        body,
        id: None,
        signature: None,
        format: None,
        citations: Vec::new(),
        cache: None,
        extra: Vec::new(),
    }
}

/// The scheme of a URL, in lower case; none where the text is no URL.
pub(crate) fn scheme(text: &str) -> Option<String> {
    let mut head = text.bytes().take(LONGEST_SCHEME);
    let scheme = text.get(..head.position(|byte| byte == b':')?)?;
    let mut characters = scheme.chars();
    let plausible = characters.next().is_some_and(|c| c.is_ascii_alphabetic())
        && characters.all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'));
    plausible.then(|| scheme.to_ascii_lowercase())
}
