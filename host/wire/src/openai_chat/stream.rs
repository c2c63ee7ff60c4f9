//! An answer as it is being told: server-sent `chat.completion.chunk`s.

use bytes::{BufMut, BytesMut};
use plugway_engine::chat::{Event, Finish, Media, MediaKind, Origin, Part, PartBody, Piece};

use super::pieces::{self, CHOICE_FIELDS, MESSAGE_FIELDS, RESPONSE_FIELDS};
use crate::answer::merge_extra;
use crate::json::{Writer, write_extra};
use crate::{Bill, ErrorBody, Head, StreamEncoder, routed};

/// Bytes of a native field, name and value together, that may stand in every chunk.
/// So do a fingerprint and a tier, for client libraries keep the last chunk's. All
/// chunks pay for them.
const MAX_REPEATED_BYTES: usize = 128;

/// How many of those there may be.
const MAX_REPEATED_FIELDS: usize = 4;

const DONE: &[u8] = b"data: [DONE]\n\n";

/// Writes one answer, event by event. Remembers which part is which, and none of
/// their content but the bits of an image that is not yet whole.
pub(super) struct Chunks {
    head: Head,
    include_reasoning: bool,
    service_tier: Option<String>,
    /// Native fields that stand in every chunk, as `system_fingerprint` does.
    extra: Vec<(String, String)>,
    /// Larger ones: they stand in the next chunk only.
    once: Vec<(String, String)>,
    /// What each chunk begins with, up to its choices.
    prefix: BytesMut,
    /// The prefix no longer says what it should.
    stale: bool,
    /// In the order of their indices.
    choices: Vec<Choice>,
}

/// What was said of one choice.
struct Choice {
    index: u32,
    /// In the order of their indices.
    parts: Vec<Told>,
    calls: u32,
    details: u32,
    image: Option<(u32, Media)>,
}

/// What was said of one part.
struct Told {
    index: u32,
    /// Its place among the tool calls, and whether it is a freeform one.
    call: Option<(u32, bool)>,
    /// Until it is told among the `reasoning_details`.
    call_id: Option<String>,
    /// Its place among the `reasoning_details`.
    detail: Option<u32>,
    /// Characters of text so far.
    characters: u32,
}

impl Chunks {
    /// For one answer.
    pub(super) fn new(head: Head, include_reasoning: bool) -> Self {
        Self {
            head,
            include_reasoning,
            service_tier: None,
            extra: Vec::new(),
            once: Vec::new(),
            prefix: BytesMut::new(),
            stale: true,
            choices: Vec::new(),
        }
    }
}

impl StreamEncoder for Chunks {
    fn echo(&mut self, body: &str, out: &mut BytesMut) {
        self.write_prefix();
        out.put_slice(&self.prefix);
        let mut json = Writer::resume(out);
        json.key("choices").literal("[]");
        json.key("debug").open(b'{');
        json.key("echo_upstream_body").raw(body);
        json.close(b'}');
        json.close(b'}');
        json.end_event();
    }

    fn push(&mut self, event: &Event, out: &mut BytesMut) {
        let before = out.len();
        match event {
            Event::Origin(origin) => self.origin(origin),
            Event::Piece(piece) => self.piece(piece, out),
            Event::Finish(finish) => self.finish(finish, out),
            Event::Usage(_) | Event::Failed(_) => {}
        }
        if out.len() > before && !self.once.is_empty() {
            self.once.clear();
            self.stale = true;
        }
    }

    fn end(&mut self, bill: Option<&Bill>, out: &mut BytesMut) {
        self.write_prefix();
        self.flush_images(out);
        if let Some(bill) = bill {
            out.put_slice(&self.prefix);
            let mut json = Writer::resume(out);
            json.key("choices").literal("[]");
            bill.write(json.key("usage"));
            routed::write(&mut json, Some(bill), None);
            json.close(b'}');
            json.end_event();
        }
        out.put_slice(DONE);
    }

    fn fail(&mut self, error: &ErrorBody, bill: Option<&Bill>, out: &mut BytesMut) {
        self.write_prefix();
        self.flush_images(out);
        out.put_slice(&self.prefix);
        let mut json = Writer::resume(out);
        error.write(json.key("error"));
        json.key("choices").literal(
            r#"[{"index":0,"delta":{"content":""},"finish_reason":"error","native_finish_reason":null}]"#,
        );
        if let Some(bill) = bill {
            bill.write(json.key("usage"));
        }
        routed::write(&mut json, bill, Some(error));
        json.close(b'}');
        json.end_event();
        out.put_slice(DONE);
    }
}

impl Chunks {
    /// Not before a chunk needs it: there may be many news between two chunks.
    fn write_prefix(&mut self) {
        if !std::mem::take(&mut self.stale) {
            return;
        }
        self.prefix.clear();
        self.prefix.put_slice(b"data: ");
        let mut json = Writer::new(&mut self.prefix);
        json.open(b'{');
        self.head.write(&mut json, "chat.completion.chunk");
        if let Some(tier) = &self.service_tier {
            json.key("service_tier").string(tier);
        }
        write_extra(&mut json, &self.extra, &RESPONSE_FIELDS);
        write_extra(&mut json, &self.once, &RESPONSE_FIELDS);
    }

    fn origin(&mut self, origin: &Origin) {
        let tier = origin.service_tier.as_ref();
        if let Some(tier) = tier.filter(|tier| tier.len() <= MAX_REPEATED_BYTES) {
            self.service_tier = Some(tier.clone());
        }
        for field in &origin.extra {
            // A name stands in one of the two, else a chunk would hold it twice.
            self.extra.retain(|(name, _)| *name != field.0);
            let repeats = field.0.len() + field.1.len() <= MAX_REPEATED_BYTES
                && self.extra.len() < MAX_REPEATED_FIELDS;
            if repeats {
                self.once.retain(|(name, _)| *name != field.0);
                self.extra.push(field.clone());
            } else {
                merge_extra(&mut self.once, std::slice::from_ref(field));
            }
        }
        self.stale = true;
    }

    /// The choice of that index, introduced by a chunk with its role.
    fn choice(&mut self, index: u32, out: &mut BytesMut) -> usize {
        let place = self.choices.partition_point(|choice| choice.index < index);
        if self.choices.get(place).is_none_or(|choice| choice.index != index) {
            let choice = Choice { index, parts: Vec::new(), calls: 0, details: 0, image: None };
            self.choices.insert(place, choice);
            let mut json = chunk(&self.prefix, index, out);
            json.key("role").string("assistant");
            json.key("content").string("");
            close(json, None, None);
        }
        place
    }

    fn piece(&mut self, piece: &Piece, out: &mut BytesMut) {
        self.write_prefix();
        let place = self.choice(piece.choice, out);
        let Some(choice) = self.choices.get_mut(place) else {
            return;
        };
        if let PartBody::Media(media) = &piece.part.body
            && media.kind == MediaKind::Image
        {
            let whole = choice.image(piece.index, media);
            self.tell_image(piece.choice, whole, out);
            return;
        }
        if matches!(piece.part.body, PartBody::Reasoning(_)) && !self.include_reasoning {
            return;
        }
        let start = out.len();
        let mut json = chunk(&self.prefix, piece.choice, out);
        choice.tell(piece, self.include_reasoning, &mut json);
        if json.wrote() || piece.logprobs.is_some() {
            close(json, Some(piece), None);
        } else {
            out.truncate(start);
        }
    }

    fn finish(&mut self, finish: &Finish, out: &mut BytesMut) {
        self.write_prefix();
        let place = self.choice(finish.choice, out);
        let image = self.choices.get_mut(place).and_then(|it| it.image.take());
        self.tell_image(finish.choice, image.map(|(_, image)| image), out);
        let json = chunk(&self.prefix, finish.choice, out);
        close(json, None, Some(finish));
    }

    /// Images whose last bit nothing has followed.
    fn flush_images(&mut self, out: &mut BytesMut) {
        for place in 0..self.choices.len() {
            let choice = &mut self.choices[place];
            let (index, image) = (choice.index, choice.image.take());
            self.tell_image(index, image.map(|(_, image)| image), out);
        }
    }

    fn tell_image(&self, choice: u32, image: Option<Media>, out: &mut BytesMut) {
        let Some(image) = image else {
            return;
        };
        let mut json = chunk(&self.prefix, choice, out);
        json.key("images").open(b'[');
        pieces::write_image(&mut json, &image);
        json.close(b']');
        close(json, None, None);
    }
}

/// Begins a chunk for one choice and leaves its delta open.
fn chunk<'o>(prefix: &[u8], choice: u32, out: &'o mut BytesMut) -> Writer<'o> {
    out.put_slice(prefix);
    let mut json = Writer::resume(out);
    json.key("choices").open(b'[');
    json.open(b'{');
    json.key("index").number(u64::from(choice));
    json.key("delta").open(b'{');
    json
}

impl Choice {
    /// Writes what a piece adds to the message.
    fn tell(&mut self, piece: &Piece, include_reasoning: bool, json: &mut Writer<'_>) {
        let part = &piece.part;
        let told = self.told(piece.index);
        match &part.body {
            PartBody::Text(text) if !text.is_empty() => json.key("content").string(text),
            PartBody::Refusal(text) if !text.is_empty() => json.key("refusal").string(text),
            PartBody::Reasoning(reasoning) => {
                let text = pieces::readable(reasoning);
                if !text.is_empty() {
                    json.key("reasoning").string(text);
                }
            }
            PartBody::Media(audio) if audio.kind == MediaKind::Audio => {
                pieces::write_audio(json.key("audio"), part, audio);
            }
            // Calls follow below; the rest has no form in this dialect.
            _ => {}
        }
        self.tell_call(told, part, json);
        self.tell_detail(told, part, include_reasoning, json);
        self.tell_citations(told, part, json);
        if matches!(part.body, PartBody::Text(_) | PartBody::Refusal(_)) {
            write_extra(json, &part.extra, &MESSAGE_FIELDS);
        }
    }

    fn tell_call(&mut self, told: usize, part: &Part, json: &mut Writer<'_>) {
        let PartBody::ToolCall(call) = &part.body else {
            return;
        };
        let next = self.calls;
        let told = &mut self.parts[told];
        let first = told.call.is_none();
        let (place, freeform) = *told.call.get_or_insert((next, call.freeform));
        if first {
            self.calls += 1;
            told.call_id = Some(call.id.clone());
        }
        if first || !call.input.is_empty() || !part.extra.is_empty() {
            json.key("tool_calls").open(b'[');
            pieces::write_call(json, call, &part.extra, Some(place), freeform);
            json.close(b']');
        }
    }

    fn tell_detail(
        &mut self,
        told: usize,
        part: &Part,
        include_reasoning: bool,
        json: &mut Writer<'_>,
    ) {
        if !pieces::has_detail(part, include_reasoning) {
            return;
        }
        let next = self.details;
        let told = &mut self.parts[told];
        if told.detail.is_none() {
            self.details += 1;
        }
        let index = *told.detail.get_or_insert(next);
        json.key("reasoning_details").open(b'[');
        // Once, as everything that comes whole: it may be long, and bits many.
        let call_id = told.call_id.take();
        pieces::write_detail(json, part, call_id.as_deref(), index);
        json.close(b']');
    }

    fn tell_citations(&mut self, told: usize, part: &Part, json: &mut Writer<'_>) {
        if pieces::has_annotations(part) {
            let earlier = self.parts.iter().take(told);
            let offset = earlier.fold(0_u32, |sum, part| sum.saturating_add(part.characters));
            json.key("annotations").open(b'[');
            pieces::write_annotations(json, &part.citations, offset);
            json.close(b']');
        }
        if let PartBody::Text(text) = &part.body {
            let characters = &mut self.parts[told].characters;
            *characters = characters.saturating_add(pieces::characters(text));
        }
    }

    /// Where the part of that index is remembered.
    fn told(&mut self, index: u32) -> usize {
        let place = self.parts.partition_point(|part| part.index < index);
        if self.parts.get(place).is_none_or(|part| part.index != index) {
            let told = Told { index, call: None, call_id: None, detail: None, characters: 0 };
            self.parts.insert(place, told);
        }
        place
    }

    /// Adds a bit of an image. Gives back the image before it, which is now whole:
    /// a client is shown an image at once, for half a URL is none.
    fn image(&mut self, index: u32, bit: &Media) -> Option<Media> {
        match &mut self.image {
            Some((growing, image)) if *growing == index => {
                crate::answer::join_media(image, bit.clone());
                None
            }
            image => image.replace((index, bit.clone())).map(|(_, image)| image),
        }
    }
}

/// Ends the chunk that [`chunk`] began.
fn close(mut json: Writer<'_>, piece: Option<&Piece>, finish: Option<&Finish>) {
    json.close(b'}');
    pieces::write_finish(&mut json, finish);
    let logprobs = piece.and_then(|piece| piece.logprobs.as_ref());
    let arrays: &[String] = logprobs.map_or(&[], std::slice::from_ref);
    let of_reasoning = piece.is_some_and(|it| matches!(it.part.body, PartBody::Reasoning(_)));
    if of_reasoning {
        pieces::write_logprobs(json.key("logprobs"), &[], arrays);
    } else {
        pieces::write_logprobs(json.key("logprobs"), arrays, &[]);
    }
    if let Some(finish) = finish {
        write_extra(&mut json, &finish.extra, &CHOICE_FIELDS);
    }
    json.close(b'}');
    json.close(b']');
    json.close(b'}');
    json.end_event();
}

#[cfg(test)]
#[path = "stream_tests.rs"]
mod tests;
