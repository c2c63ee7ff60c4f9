//! What a response amounts to: its events counted, folded and checked.
//!
//! A whole response and a streamed one are the same events in pieces of different
//! size, so both are understood here, once.

mod calls;
mod check;
mod extra;
mod fold;
mod order;

use plugway_engine::chat;

pub use calls::{Calls, Unusable};
pub use check::{MalformedEvent, check};
pub(crate) use extra::merge as merge_extra;
pub use fold::{Answer, Choice};
pub(crate) use fold::{join, join_media};
pub use order::Order;

/// Bytes of text that make a token, roughly, where nobody counted.
const BYTES_PER_TOKEN: u64 = 4;

/// The event carries content: something that a client would see, so that from here
/// on no other endpoint can take over.
pub fn commits(event: &chat::Event) -> bool {
    let chat::Event::Piece(piece) = event else {
        return false;
    };
    match &piece.part.body {
        chat::PartBody::Text(text)
        | chat::PartBody::Refusal(text)
        | chat::PartBody::Reasoning(
            chat::Reasoning::Text(text)
            | chat::Reasoning::Summary(text)
            | chat::Reasoning::Encrypted(text),
        ) => !text.is_empty(),
        chat::PartBody::Media(media) => !media_text(media).is_empty(),
        chat::PartBody::ToolCall(_) | chat::PartBody::ToolResult(_) | chat::PartBody::Native(_) => {
            true
        }
    }
}

fn media_text(media: &chat::Media) -> &str {
    match &media.source {
        chat::MediaSource::Uri(text)
        | chat::MediaSource::Base64(text)
        | chat::MediaSource::Text(text)
        | chat::MediaSource::FileId(text) => text,
    }
}

/// Counts a response while its events pass by; keeps none of its content.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// The last record for each model, in order of appearance.
    pub usage: Vec<chat::Usage>,
    /// The response failed with this.
    pub failure: Option<chat::Failure>,
    /// Choices that finished.
    pub finished: u32,
    /// Why the first choice finished.
    pub finish_reason: Option<chat::FinishReason>,
    /// The provider's word for it; none where it has none.
    pub native_finish: Option<String>,
    /// Bytes of text and refusals.
    pub text_bytes: u64,
    /// Bytes of reasoning that is readable.
    pub reasoning_bytes: u64,
    /// Bytes of tool calls: names and inputs.
    pub tool_bytes: u64,
    /// Bits of media.
    pub media: u32,
    /// The provider's id of the response.
    pub upstream_id: Option<String>,
    /// The model that the provider says it used.
    pub upstream_model: Option<String>,
    /// The tier that served.
    pub service_tier: Option<String>,
}

impl Tally {
    /// Counts one event.
    pub fn observe(&mut self, event: &chat::Event) {
        match event {
            chat::Event::Origin(origin) => {
                replace(&mut self.upstream_id, &origin.id);
                replace(&mut self.upstream_model, &origin.model);
                replace(&mut self.service_tier, &origin.service_tier);
            }
            chat::Event::Piece(piece) => self.observe_part(&piece.part.body),
            chat::Event::Usage(usage) => {
                let mut records = self.usage.iter_mut();
                match records.find(|record| record.model == usage.model) {
                    Some(record) => record.clone_from(usage),
                    None => self.usage.push(usage.clone()),
                }
            }
            chat::Event::Finish(finish) => {
                self.finished += 1;
                if self.finish_reason.is_none() || finish.choice == 0 {
                    self.finish_reason = Some(finish.reason);
                    self.native_finish =
                        Some(finish.native.clone()).filter(|native| !native.is_empty());
                }
            }
            chat::Event::Failed(failure) => self.failure = Some(failure.clone()),
        }
    }

    fn observe_part(&mut self, body: &chat::PartBody) {
        match body {
            chat::PartBody::Text(text) | chat::PartBody::Refusal(text) => {
                self.text_bytes += text.len() as u64;
            }
            chat::PartBody::Reasoning(
                chat::Reasoning::Text(text) | chat::Reasoning::Summary(text),
            ) => self.reasoning_bytes += text.len() as u64,
            chat::PartBody::ToolCall(call) => {
                self.tool_bytes += (call.name.len() + call.input.len()) as u64;
            }
            chat::PartBody::Media(_) => self.media += 1,
            chat::PartBody::Reasoning(chat::Reasoning::Encrypted(_))
            | chat::PartBody::ToolResult(_)
            | chat::PartBody::Native(_) => {}
        }
    }

    /// What was consumed, over all models that were consulted; none where the
    /// provider reported nothing. A subcount that exceeds its whole is cut.
    pub fn total_usage(&self) -> Option<chat::Usage> {
        let mut records = self.usage.iter();
        let mut total = records.next()?.clone();
        if self.usage.len() > 1 {
            total.model = None;
        }
        for record in records {
            add(&mut total, record);
        }
        total.cache_read_tokens = total.cache_read_tokens.min(total.prompt_tokens);
        let uncached = total.prompt_tokens - total.cache_read_tokens;
        total.cache_write_tokens = total.cache_write_tokens.min(uncached);
        total.reasoning_tokens = total.reasoning_tokens.min(total.completion_tokens);
        Some(total)
    }

    /// Tokens that were written, guessed from the bytes: for a provider that does
    /// not count, or a stream that broke before it did.
    pub fn approx_completion_tokens(&self) -> u64 {
        let bytes = self.text_bytes + self.reasoning_bytes + self.tool_bytes;
        bytes.div_ceil(BYTES_PER_TOKEN)
    }
}

fn replace(option: &mut Option<String>, given: &Option<String>) {
    if given.is_some() {
        option.clone_from(given);
    }
}

fn add(total: &mut chat::Usage, more: &chat::Usage) {
    let counts = [
        (&mut total.prompt_tokens, more.prompt_tokens),
        (&mut total.completion_tokens, more.completion_tokens),
        (&mut total.cache_read_tokens, more.cache_read_tokens),
        (&mut total.cache_write_tokens, more.cache_write_tokens),
        (&mut total.reasoning_tokens, more.reasoning_tokens),
    ];
    for (total, more) in counts {
        *total = total.saturating_add(more);
    }
    for (name, count) in &more.meters {
        match total.meters.iter_mut().find(|(known, _)| known == name) {
            Some((_, total)) => *total = total.saturating_add(*count),
            None => total.meters.push((name.clone(), *count)),
        }
    }
    // A sum with an unknown addend is unknown.
    total.cost = match (total.cost, more.cost) {
        (Some(total), Some(more)) => total.checked_add(more),
        _ => None,
    };
}

#[cfg(test)]
mod tests;
