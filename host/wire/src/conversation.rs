//! What is known of a conversation while a dialect reads its messages, in order.

use std::borrow::Cow;
use std::collections::{HashMap, VecDeque};

use plugway_engine::chat;

use crate::json::{Fields, Node, unescape};
use crate::seal::{Sealer, Seals};
use crate::size::{self, Script};
use crate::{BadRequest, base64, media_type};

/// Bytes of the name of a tool that was called. Every result of the call gets a
/// copy of it; providers take 64 to 128.
const MAX_CALLED: usize = 256;

/// Bytes in which the scheme of a URL must end: a text without one is not searched.
const LONGEST_SCHEME: usize = 32;

/// Where a medium is, and its media type where that is known.
pub(crate) type Located = (chat::MediaSource, Option<String>);

/// A call that a model made.
struct Call {
    name: String,
    freeform: bool,
    /// Which of all calls it is, and the way to it; none once it has its result.
    open: Option<(usize, String)>,
}

/// Seals texts, counts what the messages hold, and remembers the calls for whoever
/// reads their results.
pub(crate) struct Conversation {
    sealer: Sealer,
    /// By their ids.
    calls: HashMap<String, Call>,
    /// Calls so far. An id may come again, and then stands for the later call.
    made: usize,
    /// Ids in the order of the calls; those that have their result are left out late.
    waiting: VecDeque<String>,
    /// The same of each tool.
    waiting_of: HashMap<String, VecDeque<String>>,
    /// The way to the first native thing in it.
    pub(crate) native: Option<String>,
    /// Bytes of text so far, as they stand in the body; reasoning is not in it.
    pub(crate) text_bytes: usize,
    /// Which bytes those of the longer texts are.
    pub(crate) script: Script,
    /// Media so far.
    pub(crate) media: u32,
}

impl Conversation {
    pub(crate) fn new(sealer: Sealer) -> Self {
        Self {
            sealer,
            calls: HashMap::new(),
            made: 0,
            waiting: VecDeque::new(),
            waiting_of: HashMap::new(),
            native: None,
            text_bytes: 0,
            script: Script::default(),
            media: 0,
        }
    }

    pub(crate) fn finish(self) -> Seals {
        self.sealer.finish()
    }

    /// Text that is sealed where it is long.
    pub(crate) fn text(&mut self, node: &Node<'_, '_>) -> Result<String, BadRequest> {
        let content = node.escaped()?;
        self.text_bytes += content.len();
        self.script.add(content);
        Ok(self.sealer.seal(content))
    }

    /// A part of a kind that only the client's dialect knows.
    pub(crate) fn native(&mut self, part: &Node<'_, '_>) -> Result<chat::Part, BadRequest> {
        self.holds_native(part);
        self.saw(part.raw());
        Ok(plain(chat::PartBody::Native(part.json()?)))
    }

    /// What can be read of a value that only the client's dialect knows counts as text.
    pub(crate) fn saw(&mut self, value: &str) {
        self.text_bytes += size::legible(value).map(str::len).sum::<usize>();
    }

    /// Something in it only the client's dialect knows.
    pub(crate) fn holds_native(&mut self, node: &Node<'_, '_>) {
        self.native.get_or_insert_with(|| node.way());
    }

    /// The part of a call, which is remembered. `call.id` must not be empty.
    pub(crate) fn call(
        &mut self,
        node: &Node<'_, '_>,
        call: chat::ToolCall,
        extra: Vec<(String, String)>,
    ) -> chat::Part {
        self.text_bytes += call.name.len() + call.input.len();
        let open = Some((self.made, node.way()));
        self.made += 1;
        let known = Call { name: call.name.clone(), freeform: call.freeform, open };
        self.calls.insert(call.id.clone(), known);
        self.waiting.push_back(call.id.clone());
        self.waiting_of.entry(call.name.clone()).or_default().push_back(call.id.clone());
        chat::Part { extra, ..plain(chat::PartBody::ToolCall(call)) }
    }

    /// A call that only the client's dialect knows: whether it wants a result, and by
    /// which name, is not known here.
    pub(crate) fn native_call(&mut self, id: String) {
        let unknown = Call { name: String::new(), freeform: false, open: None };
        self.calls.entry(id).or_insert(unknown);
    }

    /// Name and freeform of the call of that id, which has its result now; none where
    /// there was none.
    pub(crate) fn answered(&mut self, id: &str) -> Option<(String, bool)> {
        let call = self.calls.get_mut(id)?;
        call.open = None;
        Some((call.name.clone(), call.freeform))
    }

    /// Id of the first call that has no result yet, of this tool or of any.
    pub(crate) fn next_open(&mut self, tool: Option<&str>) -> Option<String> {
        let queue = match tool {
            Some(tool) => self.waiting_of.get_mut(tool)?,
            None => &mut self.waiting,
        };
        let is_open = |id: &String| self.calls.get(id).is_some_and(|call| call.open.is_some());
        while !is_open(queue.front()?) {
            queue.pop_front();
        }
        queue.front().cloned()
    }

    /// Name of the tool that the call of that id is of; empty where there was none.
    pub(crate) fn called(&self, id: &str) -> String {
        self.calls.get(id).map(|call| call.name.clone()).unwrap_or_default()
    }

    /// Every call has its result: no provider goes on without.
    pub(crate) fn all_answered(&self) -> Result<(), BadRequest> {
        let open = self.calls.values().filter_map(|call| call.open.as_ref());
        match open.min_by_key(|(number, _)| *number) {
            None => Ok(()),
            Some((_, way)) => {
                let message = "is a call without a result: send what the tool gave back, too";
                Err(BadRequest::at(way.clone(), "missing_tool_result", message))
            }
        }
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

    /// What is attached as base64, in any alphabet, sealed where it is long; and its
    /// media type, which the client may have declared.
    pub(crate) fn base64(
        &mut self,
        node: &Node<'_, '_>,
        kind: chat::MediaKind,
        mime: Option<String>,
    ) -> Result<Located, BadRequest> {
        self.attached(node, node.escaped()?, kind, mime)
    }

    /// The same for a part of the node's text. What is in the standard alphabet stays
    /// the slice of the body that it is.
    fn attached(
        &mut self,
        node: &Node<'_, '_>,
        data: &str,
        kind: chat::MediaKind,
        mime: Option<String>,
    ) -> Result<Located, BadRequest> {
        if data.is_empty() {
            return Err(node.invalid("must hold data"));
        }
        // Some clients escape a slash.
        let text = unescape(data);
        let standard = base64::standard(&text).ok_or_else(|| node.invalid("must be base64"))?;
        let mime = media_type::settled(kind, mime, &standard);
        let mime = mime.map_err(|why| node.invalid(why))?;
        let sealed = match (&text, standard) {
            (Cow::Borrowed(_), Cow::Borrowed(_)) => self.sealer.seal(data),
            (_, standard) => self.sealer.seal_copy(standard.into_owned()),
        };
        Ok((chat::MediaSource::Base64(sealed), mime))
    }

    /// What a URL points at, and its media type where the URL tells. It is attached as
    /// `kind`, or as what its type says.
    pub(crate) fn located(
        &mut self,
        node: &Node<'_, '_>,
        kind: Option<chat::MediaKind>,
    ) -> Result<Located, BadRequest> {
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
            let mime = mime.map(str::to_ascii_lowercase);
            let said = || mime.as_deref().map_or(chat::MediaKind::Document, media_type::kind);
            return self.attached(node, data, kind.unwrap_or_else(said), mime);
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
