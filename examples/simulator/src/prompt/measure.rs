//! How long a prompt is, and how far it is marked for caching.

use std::hash::{DefaultHasher, Hash, Hasher};

use super::{Body, Media, Prompt, Source};

/// A prefix of the prompt that is to be cached.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CachePrefix {
    pub(crate) digest: u64,
    pub(crate) text_bytes: usize,
}

/// Tokens that an image counts for.
const IMAGE_TOKENS: u32 = 85;

/// Bytes of a text that its digest looks at: with its length they tell prompts apart
/// well enough here.
const DIGESTED_BYTES: usize = 64;

/// The tokens of so many bytes of text.
pub(crate) fn text_tokens(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(4)).unwrap_or(u32::MAX)
}

impl Prompt {
    /// Tokens of the whole prompt.
    pub(crate) fn tokens(&self) -> u32 {
        let images = self.images().saturating_mul(IMAGE_TOKENS);
        text_tokens(self.measured().text_bytes).saturating_add(images).max(1)
    }

    /// The prefix that the request marks for caching.
    pub(crate) fn cache_prefix(&self) -> Option<CachePrefix> {
        self.measured().prefix
    }

    fn measured(&self) -> Measure {
        let mut measure = Measure::default();
        for tool in &self.tools {
            measure.text(&tool.name);
            measure.mark(tool.breakpoint);
        }
        for (_, item) in self.said() {
            measure.body(&item.body);
            measure.mark(item.breakpoint);
        }
        measure
    }
}

/// Measures a prompt, and how far it is marked for caching.
#[derive(Default)]
struct Measure {
    text_bytes: usize,
    hasher: DefaultHasher,
    prefix: Option<CachePrefix>,
}

impl Measure {
    fn body(&mut self, body: &Body) {
        match body {
            Body::Text(text) | Body::Reasoning(text) => self.text(text),
            Body::Json(value) => self.text(&value.to_string()),
            Body::Call(call) => {
                self.text(&call.name);
                self.text(&call.arguments);
            }
            Body::Result(result) => result.content.iter().for_each(|body| self.body(body)),
            Body::Media(Media { source: Source::Text(text), .. }) => self.text(text),
            Body::Media(_) | Body::Sealed(_) => {}
        }
    }

    fn text(&mut self, text: &str) {
        let beginning = &text.as_bytes()[..text.len().min(DIGESTED_BYTES)];
        (beginning, text.len()).hash(&mut self.hasher);
        self.text_bytes += text.len();
    }

    fn mark(&mut self, marked: bool) {
        if marked {
            let digest = self.hasher.finish();
            self.prefix = Some(CachePrefix { digest, text_bytes: self.text_bytes });
        }
    }
}
