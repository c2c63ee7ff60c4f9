//! Sealing a request that is decoded already.

use plugway_engine::chat;

use super::{NONCE_LENGTH, Seals, Table, escaped, token};
use rand::RngExt;
use rand::distr::Alphanumeric;
use std::sync::Arc;

impl Seals {
    /// Seals every text of a request that may be one, however short: for requests
    /// that no client's body stands behind. The content is held once more.
    pub fn of_every_text(request: &chat::Request) -> (chat::Request, Seals) {
        let mut request = request.clone();
        let random = rand::rng().sample_iter(Alphanumeric);
        let nonce = random.take(NONCE_LENGTH).map(char::from).collect();
        let mut table = Table { nonce, contents: Vec::new() };
        for part in request.messages.iter_mut().flat_map(|message| &mut message.parts) {
            table.seal_part(&mut part.body);
        }
        (request, Seals { table: Arc::new(table) })
    }
}

impl Table {
    fn seal_part(&mut self, body: &mut chat::PartBody) {
        match body {
            chat::PartBody::Text(text) => self.seal_text(text),
            chat::PartBody::Media(media) => self.seal_media(media),
            chat::PartBody::ToolResult(result) => {
                for part in &mut result.content {
                    match &mut part.body {
                        chat::ResultBody::Text(text) => self.seal_text(text),
                        chat::ResultBody::Media(media) => self.seal_media(media),
                        chat::ResultBody::Json(_) | chat::ResultBody::Native(_) => {}
                    }
                }
            }
            chat::PartBody::Refusal(_)
            | chat::PartBody::Reasoning(_)
            | chat::PartBody::ToolCall(_)
            | chat::PartBody::Native(_) => {}
        }
    }

    fn seal_media(&mut self, media: &mut chat::Media) {
        match &mut media.source {
            chat::MediaSource::Base64(text) | chat::MediaSource::Text(text) => self.seal_text(text),
            chat::MediaSource::Uri(_) | chat::MediaSource::FileId(_) => {}
        }
    }

    fn seal_text(&mut self, text: &mut String) {
        if text.is_empty() {
            return;
        }
        self.contents.push(escaped(text));
        *text = token(&self.nonce, self.contents.len() - 1);
    }
}
