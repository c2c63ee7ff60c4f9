//! An answer as it is being told: chunks that each are a `GenerateContentResponse`.

use bytes::{BufMut, BytesMut};
use plugway_engine::chat::{Event, Part, PartBody, Piece};

use super::candidate::{Ending, write_logprobs};
use super::growing::Growing;
use super::{Framing, Generation, errors, pieces, usage, whole};
use crate::answer::merge_extra;
use crate::json::Writer;
use crate::{Bill, ErrorBody, Head, StreamEncoder};

/// Writes one answer, event by event.
pub(super) struct Chunks {
    head: Head,
    form: Generation,
    /// Native fields of the response, which the last chunk has.
    extra: Vec<(String, String)>,
    /// The tier that serves, where the provider tells.
    tier: Option<String>,
    /// In the order of their indices.
    candidates: Vec<Growing>,
    /// A chunk was written.
    begun: bool,
}

impl Chunks {
    /// For one answer.
    pub(super) fn new(head: Head, form: Generation) -> Self {
        let (extra, candidates) = (Vec::new(), Vec::new());
        Self { head, form, extra, tier: None, candidates, begun: false }
    }
}

impl StreamEncoder for Chunks {
    fn push(&mut self, event: &Event, out: &mut BytesMut) {
        match event {
            Event::Origin(origin) => {
                merge_extra(&mut self.extra, &origin.extra);
                if origin.service_tier.is_some() {
                    self.tier.clone_from(&origin.service_tier);
                }
            }
            Event::Piece(piece) => self.piece(piece, out),
            // Told in the last chunk, where clients look for it.
            Event::Finish(finish) => {
                let place = self.place(finish.choice);
                if let Some(candidate) = self.candidates.get_mut(place) {
                    candidate.finish = Some(finish.clone());
                }
            }
            Event::Usage(_) | Event::Failed(_) => {}
        }
    }

    /// One more chunk: what could not be told before, how it ended, what it took.
    fn end(&mut self, bill: Option<&Bill>, out: &mut BytesMut) {
        let mut candidates = std::mem::take(&mut self.candidates);
        self.open(out);
        let mut json = Writer::new(out);
        json.open(b'{');
        json.key("candidates").open(b'[');
        let mut is_blocked = false;
        for candidate in &mut candidates {
            is_blocked |= write_last(&mut json, candidate, self.form.include_thoughts);
        }
        json.close(b']');
        let bill = bill.map(|bill| (bill, self.tier.as_deref()));
        whole::write_end(&mut json, is_blocked, &self.extra, &self.head, bill);
        json.close(b'}');
        self.close(out);
        self.finish(out);
    }

    /// What is whole is still told, and then the error, with what was used until then.
    fn fail(&mut self, error: &ErrorBody, bill: Option<&Bill>, out: &mut BytesMut) {
        for mut candidate in std::mem::take(&mut self.candidates) {
            let parts = candidate.end(self.form.include_thoughts);
            if !parts.is_empty() {
                self.tell(candidate.index, &parts, &[], out);
            }
        }
        self.open(out);
        let mut json = Writer::new(out);
        json.open(b'{');
        errors::write(json.key("error"), error);
        if let Some(bill) = bill {
            usage::write(json.key("usageMetadata"), bill, self.tier.as_deref());
        }
        json.close(b'}');
        self.close(out);
        self.finish(out);
    }
}

impl Chunks {
    fn piece(&mut self, piece: &Piece, out: &mut BytesMut) {
        let place = self.place(piece.choice);
        let Some(candidate) = self.candidates.get_mut(place) else {
            return;
        };
        let parts = candidate.push(piece, self.form.include_thoughts);
        let of_thought = matches!(piece.part.body, PartBody::Reasoning(_));
        let logprobs = piece.logprobs.as_ref().filter(|_| !of_thought);
        if !parts.is_empty() || logprobs.is_some() {
            let arrays = logprobs.map_or(&[][..], std::slice::from_ref);
            self.tell(piece.choice, &parts, arrays, out);
        }
    }

    /// Where the candidate of that index is.
    fn place(&mut self, index: u32) -> usize {
        let place = self.candidates.partition_point(|candidate| candidate.index < index);
        if self.candidates.get(place).is_none_or(|candidate| candidate.index != index) {
            self.candidates.insert(place, Growing::new(index));
        }
        place
    }

    /// A chunk that adds to one candidate.
    fn tell(&mut self, index: u32, parts: &[Part], logprobs: &[String], out: &mut BytesMut) {
        self.open(out);
        let mut json = Writer::new(out);
        json.open(b'{');
        json.key("candidates").open(b'[');
        json.open(b'{');
        write_content(&mut json, parts, self.form.include_thoughts);
        json.key("index").number(u64::from(index));
        write_logprobs(&mut json, logprobs);
        json.close(b'}');
        json.close(b']');
        whole::write_head(&mut json, &self.head);
        json.close(b'}');
        self.close(out);
    }

    fn open(&mut self, out: &mut BytesMut) {
        out.put_slice(match (self.form.framing, self.begun) {
            (Framing::Events, _) => b"data: ",
            (Framing::Array, false) => b"[",
            (Framing::Array, true) => b",\r\n",
        });
        self.begun = true;
    }

    fn close(&mut self, out: &mut BytesMut) {
        out.put_slice(match self.form.framing {
            Framing::Events => b"\r\n\r\n",
            Framing::Array => b"\n",
        });
    }

    /// Events have no end mark.
    fn finish(&self, out: &mut BytesMut) {
        if self.form.framing == Framing::Array {
            out.put_u8(b']');
        }
    }
}

/// Whether nothing was said, and the answer withheld.
fn write_last(json: &mut Writer<'_>, candidate: &mut Growing, include_thoughts: bool) -> bool {
    let mut parts = candidate.end(include_thoughts);
    let is_silent = !candidate.spoke;
    if parts.is_empty() && !is_silent {
        // Clients print the text of each chunk, also of one that has none.
        parts.push(crate::conversation::plain(PartBody::Text(String::new())));
    }
    json.open(b'{');
    write_content(json, &parts, include_thoughts);
    json.key("index").number(u64::from(candidate.index));
    let (finish, malformed) = (candidate.finish.clone(), candidate.malformed.clone());
    let citations = candidate.citations();
    let ending =
        Ending { finish: finish.as_ref(), citations: &citations, malformed: malformed.as_deref() };
    ending.write(json);
    json.close(b'}');
    is_silent && ending.is_blocked()
}

fn write_content(json: &mut Writer<'_>, parts: &[Part], include_thoughts: bool) {
    json.key("content").open(b'{');
    if !parts.is_empty() {
        json.key("parts").open(b'[');
        parts.iter().for_each(|part| pieces::write_part(json, part, include_thoughts));
        json.close(b']');
    }
    json.key("role").string("model");
    json.close(b'}');
}

#[cfg(test)]
#[path = "stream_tests.rs"]
mod tests;
