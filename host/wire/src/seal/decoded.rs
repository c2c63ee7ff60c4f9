//! Sealing a request that is decoded already.

use plugway_engine::{EmbedInput, EmbedRequest, RerankRequest, chat};

use super::{NONCE_LENGTH, Seals, TOKEN_LENGTH, Table, escaped, token};
use rand::RngExt;
use rand::distr::Alphanumeric;
use std::sync::Arc;

impl Seals {
    /// Seals every text of a request that may be one, however short: for requests
    /// that no client's body stands behind. The content is held once more.
    pub fn of_every_text(request: &chat::Request) -> (chat::Request, Seals) {
        let mut request = request.clone();
        let mut sealer = DecodedSealer::new(0);
        for part in request.messages.iter_mut().flat_map(|message| &mut message.parts) {
            sealer.seal_part(&mut part.body);
        }
        (request, sealer.finish())
    }

    /// Seals the texts of a request for embeddings, and its media. Content of at most
    /// `min_bytes` stays plain.
    pub fn of_inputs(request: &mut EmbedRequest, min_bytes: usize) -> Self {
        let mut sealer = DecodedSealer::new(min_bytes.max(TOKEN_LENGTH));
        for input in &mut request.input {
            match input {
                EmbedInput::Text(text) => sealer.seal_text(text),
                EmbedInput::Tokens(_) => {}
                EmbedInput::Parts(parts) => {
                    parts.iter_mut().for_each(|part| sealer.seal_result(&mut part.body));
                }
            }
        }
        sealer.finish()
    }

    /// Seals the question and the documents of a request to put them in order. Content
    /// of at most `min_bytes` stays plain.
    pub fn of_documents(request: &mut RerankRequest, min_bytes: usize) -> Self {
        let mut sealer = DecodedSealer::new(min_bytes.max(TOKEN_LENGTH));
        sealer.seal_text(&mut request.query);
        request.documents.iter_mut().for_each(|document| sealer.seal_text(document));
        sealer.finish()
    }
}

/// Makes the seals of a request that no slices of a body stand behind.
struct DecodedSealer {
    /// Content of at most so many bytes stays plain.
    min_bytes: usize,
    table: Table,
}

impl DecodedSealer {
    fn new(min_bytes: usize) -> Self {
        let random = rand::rng().sample_iter(Alphanumeric);
        let nonce = random.take(NONCE_LENGTH).map(char::from).collect();
        Self { min_bytes, table: Table { nonce, contents: Vec::new() } }
    }

    fn finish(self) -> Seals {
        Seals { table: Arc::new(self.table) }
    }

    fn seal_part(&mut self, body: &mut chat::PartBody) {
        match body {
            chat::PartBody::Text(text) => self.seal_text(text),
            chat::PartBody::Media(media) => self.seal_media(media),
            chat::PartBody::ToolResult(result) => {
                result.content.iter_mut().for_each(|part| self.seal_result(&mut part.body));
            }
            chat::PartBody::Refusal(_)
            | chat::PartBody::Reasoning(_)
            | chat::PartBody::ToolCall(_)
            | chat::PartBody::Native(_) => {}
        }
    }

    fn seal_result(&mut self, body: &mut chat::ResultBody) {
        match body {
            chat::ResultBody::Text(text) => self.seal_text(text),
            chat::ResultBody::Media(media) => self.seal_media(media),
            chat::ResultBody::Json(_) | chat::ResultBody::Native(_) => {}
        }
    }

    fn seal_media(&mut self, media: &mut chat::Media) {
        match &mut media.source {
            chat::MediaSource::Base64(text) | chat::MediaSource::Text(text) => self.seal_text(text),
            chat::MediaSource::Uri(_) | chat::MediaSource::FileId(_) => {}
        }
    }

    fn seal_text(&mut self, text: &mut String) {
        if text.len() <= self.min_bytes {
            return;
        }
        let content = escaped(text);
        let Table { nonce, contents } = &mut self.table;
        contents.push(content);
        *text = token(nonce, contents.len() - 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plugway_engine::chat::{Media, MediaKind, MediaSource, ResultBody, ResultPart};

    const MIN_BYTES: usize = 40;

    fn long(text: &str) -> String {
        format!("{text}: \"quotes\" \\ \n \u{0} \u{1f9ea} ").repeat(4)
    }

    /// The text as it leaves, where it stands alone in a JSON string.
    fn sent(seals: &Seals, texts: &[&str]) -> Vec<String> {
        let body = serde_json::to_vec(texts).unwrap();
        serde_json::from_slice(&seals.splice(body, true).unwrap().chunks.concat()).unwrap()
    }

    fn is_token(text: &str) -> bool {
        text.len() == TOKEN_LENGTH && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
    }

    #[test]
    fn long_inputs_are_sealed_and_leave_as_they_are() {
        let image = Media {
            kind: MediaKind::Image,
            source: MediaSource::Base64("A".repeat(100)),
            mime: None,
            name: None,
            detail: None,
        };
        let part = |body| ResultPart { body, extra: Vec::new() };
        let parts = vec![part(ResultBody::Text(long("part"))), part(ResultBody::Media(image))];
        let mut request = EmbedRequest {
            model: "m".repeat(100),
            dialect: String::new(),
            input: vec![
                EmbedInput::Text(long("text")),
                EmbedInput::Text("s".repeat(MIN_BYTES)),
                EmbedInput::Tokens(vec![1; 100]),
                EmbedInput::Parts(parts),
            ],
            dimensions: None,
            purpose: None,
            user: None,
            extra: Vec::new(),
        };
        let seals = Seals::of_inputs(&mut request, MIN_BYTES);
        assert_eq!((seals.len(), request.model), (3, "m".repeat(100)));
        let [EmbedInput::Text(text), EmbedInput::Text(short), _, EmbedInput::Parts(parts)] =
            &request.input[..]
        else {
            panic!("{:?}", request.input)
        };
        let [ResultBody::Text(part), ResultBody::Media(image)] = [&parts[0].body, &parts[1].body]
        else {
            panic!("{parts:?}")
        };
        let MediaSource::Base64(image) = &image.source else { panic!("{image:?}") };
        assert!([text, part, image].iter().all(|it| is_token(it)), "{text} {part} {image}");
        let expected = [long("text"), "s".repeat(MIN_BYTES), long("part"), "A".repeat(100)];
        assert_eq!(sent(&seals, &[text, short, part, image]), expected);
    }

    #[test]
    fn long_documents_are_sealed_and_leave_as_they_are() {
        let mut request = RerankRequest {
            model: "m".to_owned(),
            query: long("query"),
            documents: vec![long("one"), String::new(), long("two")],
            top_n: None,
            extra: Vec::new(),
        };
        let seals = Seals::of_documents(&mut request, 0);
        let RerankRequest { query, documents, .. } = &request;
        assert!(is_token(query) && is_token(&documents[0]) && is_token(&documents[2]));
        let expected = [long("query"), long("one"), String::new(), long("two")];
        let texts = [query, &documents[0], &documents[1], &documents[2]].map(String::as_str);
        assert_eq!(sent(&seals, &texts), expected);
    }
}
