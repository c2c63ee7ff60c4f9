//! What a client asks for, whatever it speaks.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use plugway_engine::chat;

use crate::conversation::Conversation;
use crate::seal::Seals;
use crate::{Form, PromptSize, Routing, needs};

/// How to decode.
#[derive(Clone, Copy, Debug)]
pub struct DecodeOptions {
    /// Text of at most so many bytes, as it stands in the body, is not sealed.
    pub seal_min_bytes: usize,
}

impl Default for DecodeOptions {
    fn default() -> Self {
        Self { seal_min_bytes: 64 }
    }
}

/// What a client asks for. `Debug` shows no content.
#[derive(Clone)]
pub struct ChatCall {
    /// With seals. The model is the client's word for it, empty where it named none;
    /// `user` is not set: see [`ChatCall::user`].
    pub request: chat::Request,
    /// Behind the request's tokens.
    pub seals: Seals,
    /// How the answer is to be told.
    pub form: Arc<dyn Form>,
    /// Where the client would like it served.
    pub routing: Routing,
    /// What the request makes use of: `tools`, `freeform-tools`, `native-tools`,
    /// `images`, `documents`, `audio`, `video`, `json`, `json-schema`, `reasoning`,
    /// `logprobs`, `several-choices`, `streaming`, `image-output`, `audio-output`.
    pub needs: Vec<&'static str>,
    /// OpenAI's names of the parameters that are set.
    pub parameters: Vec<&'static str>,
    /// The request holds a `native` case, which only this dialect's family reads.
    pub native: bool,
    /// The way to the first of them, where that is known.
    pub native_at: Option<String>,
    /// Nothing is asked of the model: the answer is an empty one, and nobody is asked.
    pub idle: bool,
    /// Who can read the signatures and the sealed reasoning that the conversation
    /// carries, each once, as `part.format` names them.
    pub reasoning_formats: Vec<String>,
    /// The raw id of the end user, to be made a pseudonym of and never forwarded.
    pub user: Option<String>,
    /// Groups requests for the same endpoint; beats the header of that name.
    pub session_id: Option<String>,
    /// What a conversation begins with and keeps: the first instruction and the
    /// first other message, as raw JSON. To be hashed into a conversation's key.
    pub opening: Vec<Bytes>,
    /// The client's own labels.
    pub metadata: Vec<(String, String)>,
    /// Name and JSON of what the client said to the router that is granted and asks for
    /// nothing: `trace`, and lists with nothing in them. No provider is shown it.
    pub router_fields: Vec<(String, String)>,
    /// The settings to put under it, by name.
    pub preset: Option<String>,
    /// The stream is to begin with what each attempt has sent.
    pub echo: bool,
    /// What takes tokens in it; for an estimate.
    pub size: PromptSize,
    /// Media in the messages.
    pub media: u32,
    /// JSON values in the body: beside its bytes, what the call takes grows with them.
    pub values: usize,
}

impl ChatCall {
    /// A call for `request`, and what follows from it. Whom it is for, where it is to be
    /// served and what it begins with is the dialect's to add.
    pub(crate) fn new(
        mut request: chat::Request,
        routing: Routing,
        mut conversation: Conversation,
        values: usize,
        form: Arc<dyn Form>,
    ) -> Self {
        request.model = routing.models.first().cloned().unwrap_or_default();
        let size = PromptSize::of(&request, conversation.text_bytes, conversation.script);
        Self {
            needs: needs::needs(&request),
            parameters: needs::parameters(&request),
            native: conversation.native.is_some() || needs::native(&request),
            native_at: conversation.native.take(),
            idle: false,
            reasoning_formats: needs::reasoning_formats(&request.messages),
            user: None,
            session_id: None,
            opening: Vec::new(),
            metadata: Vec::new(),
            router_fields: Vec::new(),
            preset: None,
            echo: false,
            size,
            media: conversation.media,
            values,
            seals: conversation.finish(),
            form,
            routing,
            request,
        }
    }
}

impl fmt::Debug for ChatCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChatCall")
            .field("routing", &self.routing)
            .field("needs", &self.needs)
            .field("messages", &self.request.messages.len())
            .field("size", &self.size)
            .finish_non_exhaustive()
    }
}
