//! What a decision is about: a chat, or something that adapters offer beside it.

use crate::account::Caller;
use bytes::Bytes;
use plugway_routing::estimate::Prompt;
use plugway_wire::{ChatCall, PromptSize, Routing};
use std::borrow::Cow;

/// What a request wants done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// An answer.
    Chat,
    /// The number of a prompt's tokens.
    TokenCount,
    /// Vectors.
    Embeddings,
    /// Documents in order.
    Rerank,
}

impl Service {
    /// What an adapter must offer for it, of [`plugway_engine::OFFERS`]; none where
    /// every adapter does it.
    pub fn offer(self) -> Option<&'static str> {
        match self {
            Self::Chat => None,
            Self::TokenCount => Some("token-count"),
            Self::Embeddings => Some("embeddings"),
            Self::Rerank => Some("rerank"),
        }
    }

    /// The same for people.
    pub fn activity(self) -> &'static str {
        match self {
            Self::Chat => "chats",
            Self::TokenCount => "counts tokens",
            Self::Embeddings => "makes embeddings",
            Self::Rerank => "orders documents",
        }
    }

    /// By what name an endpoint's health is kept. Providers limit the counting of
    /// prompts apart from chats, and an endpoint that cannot count may chat well.
    pub fn health_id(self, endpoint: &str) -> Cow<'_, str> {
        match self {
            Self::TokenCount => Cow::Owned(format!("{endpoint} token-count")),
            _ => Cow::Borrowed(endpoint),
        }
    }
}

/// All that a decision rests on. Borrows from the call.
#[derive(Clone, Copy)]
pub struct Asked<'c> {
    /// What is wanted.
    pub service: Service,
    /// Where the client would like it served.
    pub routing: &'c Routing,
    /// In which native values are written.
    pub dialect: &'c str,
    /// There are some that would be lost elsewhere.
    pub native: bool,
    /// The way to the first of them in the client's body.
    pub native_at: Option<&'c str>,
    /// What the request makes use of.
    pub needs: &'c [&'static str],
    /// OpenAI's names of the parameters that are set.
    pub parameters: &'c [&'static str],
    /// How large it is; for an estimate.
    pub size: PromptSize,
    /// To be counted where an estimate does not do; none where nothing is counted.
    pub call: Option<&'c ChatCall>,
    /// Who can read the signatures and sealed reasoning that it carries.
    pub reasoning_formats: &'c [String],
    /// The service tier that is asked for.
    pub service_tier: Option<&'c str>,
    /// Upper bound on what is written.
    pub max_tokens: Option<u32>,
    /// The answer is wanted bit by bit.
    pub streaming: bool,
    /// Names the conversation.
    pub session: Option<&'c str>,
    /// What it begins with and keeps.
    pub opening: &'c [Bytes],
    /// The client's own labels.
    pub metadata: &'c [(String, String)],
    /// All the randomness of the request; none: drawn for it.
    pub seed: Option<u64>,
    /// Who asks, and so may not go everywhere; none: the operator.
    pub caller: Option<&'c Caller>,
}

impl<'c> Asked<'c> {
    /// For an answer to a chat.
    pub fn chat(call: &'c ChatCall) -> Self {
        Self {
            service: Service::Chat,
            routing: &call.routing,
            dialect: &call.request.dialect,
            native: call.native,
            native_at: call.native_at.as_deref(),
            needs: &call.needs,
            parameters: &call.parameters,
            size: call.size,
            call: Some(call),
            reasoning_formats: &call.reasoning_formats,
            service_tier: call.request.service_tier.as_deref(),
            max_tokens: call.request.max_tokens,
            streaming: call.request.streaming,
            session: call.session_id.as_deref().or(call.request.cache_key.as_deref()),
            opening: &call.opening,
            metadata: &call.metadata,
            seed: None,
            caller: None,
        }
    }

    /// For something beside chats, of so much text and so many images. Nothing is
    /// written for it.
    pub fn beside(service: Service, routing: &'c Routing, text_bytes: usize, images: u32) -> Self {
        Self {
            service,
            routing,
            dialect: "",
            native: false,
            native_at: None,
            needs: &[],
            parameters: &[],
            size: PromptSize { text_bytes, images, ..PromptSize::default() },
            call: None,
            reasoning_formats: &[],
            service_tier: None,
            max_tokens: Some(0),
            streaming: false,
            session: None,
            opening: &[],
            metadata: &[],
            seed: None,
            caller: None,
        }
    }

    /// What takes tokens in the prompt.
    pub fn prompt(&self) -> Prompt {
        let wide = |count: usize| count as u64;
        let PromptSize { text_bytes, script, tool_bytes, .. } = self.size;
        let other = script.digits + script.marks + script.narrow + script.wide;
        Prompt {
            letters: wide(text_bytes.saturating_sub(other)),
            digits: wide(script.digits),
            marks: wide(script.marks),
            narrow: wide(script.narrow),
            wide: wide(script.wide),
            messages: self.size.messages.into(),
            tools: self.size.tools.into(),
            tool_bytes: wide(tool_bytes),
            images: self.size.images.into(),
            documents: self.size.documents.into(),
            audio: self.size.audio.into(),
            videos: self.size.videos.into(),
        }
    }
}
