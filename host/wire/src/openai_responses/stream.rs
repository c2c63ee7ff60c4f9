//! An answer as it is being told: events, each with its number.
//!
//! Items begin in the order of their parts. One ends when the next begins; a call may
//! grow beside others, so calls, and all that begins after the first of them, end with
//! the answer. Where a provider goes back to a part that has ended, an item of its own goes
//! on with it: what was told to be done stays as it was told.

use bytes::{BufMut, BytesMut};
use plugway_engine::chat::{Event, Finish, Origin, Part, PartBody, Piece, Reasoning};

use super::events::{
    Numbered, Progress, end_input, names, of_item, of_part, readable, tell_citations, tell_input,
};
use super::layout::{Kind, Layout, Spot};
use super::output::{self, Said};
use super::response::{Known, Status};
use super::{Response, errors, response};
use crate::answer::{join, merge_extra};
use crate::json::write_joined;
use crate::{Bill, ErrorBody, Head, StreamEncoder};

const DONE: &[u8] = b"data: [DONE]\n\n";

/// Writes one answer, event by event. Keeps all of it: the end of each part, of each
/// item and of the response says again what it holds.
pub(super) struct Events {
    form: Response,
    head: Head,
    events: Numbered,
    has_begun: bool,
    layout: Layout,
    parts: Vec<Part>,
    /// Where each part of the answer grows: its place among `parts`, where a part that was
    /// gone back to has several.
    places: Vec<usize>,
    /// Arrays of the tokens of each part.
    logprobs: Vec<Vec<String>>,
    /// Where each part stands, once it is shown.
    spots: Vec<Option<Spot>>,
    progress: Vec<Progress>,
    /// Place of the part that grows, of each item.
    open: Vec<Option<usize>>,
    /// Items before this place have ended.
    ended: usize,
    extra: Vec<(String, String)>,
    service_tier: Option<String>,
    finish: Option<Finish>,
}

impl Events {
    /// For one answer.
    pub(super) fn new(form: Response, head: Head) -> Self {
        Self {
            events: Numbered::default(),
            has_begun: false,
            layout: Layout::new(&head.id, form.include_reasoning),
            parts: Vec::new(),
            places: Vec::new(),
            logprobs: Vec::new(),
            spots: Vec::new(),
            progress: Vec::new(),
            open: Vec::new(),
            ended: 0,
            extra: Vec::new(),
            service_tier: None,
            finish: None,
            form,
            head,
        }
    }
}

impl StreamEncoder for Events {
    fn echo(&mut self, body: &str, out: &mut BytesMut) {
        self.begin(out);
        self.events.event("response.debug", out, |json| {
            json.key("debug").open(b'{');
            json.key("echo_upstream_body").raw(body);
            json.close(b'}');
        });
    }

    fn push(&mut self, event: &Event, out: &mut BytesMut) {
        match event {
            Event::Origin(origin) => self.origin(origin),
            Event::Piece(piece) if piece.choice == 0 => {
                self.begin(out);
                self.piece(piece, out);
            }
            Event::Finish(finish) if finish.choice == 0 => self.finish = Some(finish.clone()),
            Event::Piece(_) | Event::Finish(_) | Event::Usage(_) | Event::Failed(_) => {}
        }
    }

    fn end(&mut self, bill: Option<&Bill>, out: &mut BytesMut) {
        self.begin(out);
        let finish = self.finish.take();
        let status = Status::of(finish.as_ref(), None);
        self.end_all(status, out);
        let kind = match status {
            Status::Failed(_) => "response.failed",
            Status::Incomplete(_) => "response.incomplete",
            Status::Completed | Status::InProgress => "response.completed",
        };
        self.response(kind, status, bill, out);
        out.put_slice(DONE);
    }

    fn fail(&mut self, error: &ErrorBody, bill: Option<&Bill>, out: &mut BytesMut) {
        self.begin(out);
        self.layout.prove(&self.parts, &self.spots);
        self.events.event("error", out, |json| {
            let code = errors::code(error);
            json.key("code").string(code);
            json.key("message").string(&error.message);
            json.key("param").string_or_null(error.param.as_deref());
            // Where the newer clients look.
            json.key("error").open(b'{');
            json.key("type").string(error.class);
            json.key("code").string(code);
            json.key("message").string(&error.message);
            json.key("param").string_or_null(error.param.as_deref());
            json.close(b'}');
            json.key("error_type").string(error.kind);
        });
        self.response("response.failed", Status::Failed(Some(error)), bill, out);
        out.put_slice(DONE);
    }
}

impl Events {
    fn origin(&mut self, origin: &Origin) {
        merge_extra(&mut self.extra, &origin.extra);
        if origin.service_tier.is_some() {
            self.service_tier.clone_from(&origin.service_tier);
        }
    }

    /// The first two events, which hold no item.
    fn begin(&mut self, out: &mut BytesMut) {
        if !std::mem::replace(&mut self.has_begun, true) {
            self.response("response.created", Status::InProgress, None, out);
            self.response("response.in_progress", Status::InProgress, None, out);
        }
    }

    /// An event that holds the response as it is.
    fn response(
        &mut self,
        kind: &str,
        status: Status<'_>,
        bill: Option<&Bill>,
        out: &mut BytesMut,
    ) {
        let known = Known {
            status,
            layout: &self.layout,
            said: Said { parts: &self.parts, logprobs: &self.logprobs },
            extra: &self.extra,
            service_tier: self.service_tier.as_deref(),
            bill,
        };
        let (form, head) = (&self.form, &self.head);
        self.events.event(kind, out, |json| {
            response::write(json.key("response"), form, head, &known);
        });
    }

    fn piece(&mut self, piece: &Piece, out: &mut BytesMut) {
        let place = self.joined(piece);
        self.logprobs[place].extend(piece.logprobs.clone());
        if self.spots[place].is_some() {
            let logprobs: Vec<String> = piece.logprobs.iter().cloned().collect();
            return self.grow(place, &piece.part, &logprobs, out);
        }
        if self.layout.shows(&self.parts[place]) {
            self.show(place, out);
            // What it held before it said anything is told now.
            let (part, logprobs) = (self.parts[place].clone(), self.logprobs[place].clone());
            self.grow(place, &part, &logprobs, out);
            self.end_items(self.open.len(), None, out);
        }
    }

    /// Joins a bit onto its part; onto a new one, where there is none yet or what there is
    /// of it was told to be done. Gives back the place.
    fn joined(&mut self, piece: &Piece) -> usize {
        // Parts begin in order: whoever checked the event has seen to it.
        let number = (piece.index as usize).min(self.places.len());
        let known = self.places.get(number).copied();
        if let Some(place) = known.filter(|place| !self.is_over(*place, &piece.part)) {
            join(&mut self.parts[place], piece.part.clone());
            return place;
        }
        let mut part = piece.part.clone();
        if let Some(before) = known {
            // By the id it would be found again.
            part.id = None;
            part.format = part.format.or_else(|| self.parts[before].format.clone());
        }
        let place = self.parts.len();
        self.parts.push(part);
        self.logprobs.push(Vec::new());
        self.spots.push(None);
        self.progress.push(Progress::default());
        match self.places.get_mut(number) {
            Some(known) => *known = place,
            None => self.places.push(place),
        }
        place
    }

    /// Whether the part at that place was told to be done, and the bit says more of it.
    fn is_over(&self, place: usize, bit: &Part) -> bool {
        let Some(spot) = self.spots[place] else { return false };
        let is_done = self.open[spot.item] != Some(place);
        let says_more = match &bit.body {
            PartBody::Text(_) | PartBody::Refusal(_) => !readable(bit).is_empty(),
            PartBody::Reasoning(Reasoning::Encrypted(data)) => !data.is_empty(),
            PartBody::Reasoning(_) => !readable(bit).is_empty() || bit.signature.is_some(),
            _ => false,
        };
        is_done && says_more
    }

    /// Gives a part its place in an item, which may begin with it.
    fn show(&mut self, place: usize, out: &mut BytesMut) {
        let spot = self.layout.place(place, &self.parts[place], &self.parts);
        self.spots[place] = Some(spot);
        if spot.item == self.open.len() {
            self.open.push(None);
            self.end_items(spot.item, None, out);
            self.add(spot.item, place, out);
        } else if let Some(before) = self.open[spot.item].take() {
            self.end_part(before, out);
        }
        self.open[spot.item] = Some(place);
    }

    /// Tells of an item that begins.
    fn add(&mut self, place: usize, first: usize, out: &mut BytesMut) {
        let Self { layout, parts, events, .. } = self;
        let item = &layout.items()[place];
        events.event("response.output_item.added", out, |json| {
            json.key("output_index").number(place as u64);
            output::write_begun(json.key("item"), item, &parts[first]);
        });
        if item.kind == Kind::Image {
            for kind in [
                "response.image_generation_call.in_progress",
                "response.image_generation_call.generating",
            ] {
                events.event(kind, out, |json| of_item(json, item, place));
            }
        }
    }

    /// Tells what a bit adds to its part.
    fn grow(&mut self, place: usize, bit: &Part, logprobs: &[String], out: &mut BytesMut) {
        let Some(spot) = self.spots[place] else { return };
        let Self { layout, parts, events, progress, .. } = self;
        let (item, part, progress) =
            (&layout.items()[spot.item], &parts[place], &mut progress[place]);
        if let (PartBody::ToolCall(call), PartBody::ToolCall(bit)) = (&part.body, &bit.body) {
            return tell_input(events, item, spot, call, bit, out);
        }
        let Some(names) = names(part) else { return };
        let says = matches!(part.body, PartBody::Text(_) | PartBody::Refusal(_));
        if !progress.has_begun && (says || !readable(part).is_empty()) {
            progress.has_begun = true;
            events.event(names.added, out, |json| {
                of_part(json, item, spot, names);
                output::write_empty_content(json.key("part"), part);
            });
        }
        let fresh = readable(bit);
        if !fresh.is_empty() || !logprobs.is_empty() {
            events.event(names.delta, out, |json| {
                of_part(json, item, spot, names);
                json.key("delta").string(fresh);
                if matches!(part.body, PartBody::Text(_)) {
                    write_joined(json.key("logprobs"), logprobs);
                }
            });
        }
        progress.characters = progress.characters.saturating_add(output::characters(fresh));
        tell_citations(events, item, spot, names, progress, bit, out);
    }

    /// Ends what may end of the items before that place: all of it, where the answer is
    /// over.
    fn end_items(&mut self, before: usize, over: Option<Status<'_>>, out: &mut BytesMut) {
        let count = self.layout.items().len();
        while let Some(item) = self.layout.items().get(self.ended).filter(|_| self.ended < before) {
            let is_last = self.ended + 1 == count;
            let may_end = match item.kind {
                Kind::Native => true,
                Kind::Call => over.is_some(),
                _ => over.is_some() || !is_last,
            };
            if !may_end {
                return;
            }
            let is_cut = is_last && over.is_some_and(Status::is_broken);
            self.end_item(self.ended, if is_cut { "incomplete" } else { "completed" }, out);
            self.ended += 1;
        }
    }

    /// Ends every item, and shows the proofs that calls and texts carry.
    fn end_all(&mut self, status: Status<'_>, out: &mut BytesMut) {
        self.end_items(self.open.len(), Some(status), out);
        // What came for items that had ended.
        for place in 0..self.open.len() {
            if let Some(part) = self.open[place].take() {
                self.end_part(part, out);
            }
        }
        let shown = self.layout.items().len();
        self.layout.prove(&self.parts, &self.spots);
        for place in shown..self.layout.items().len() {
            let first = self.layout.items()[place].parts[0];
            self.add(place, first, out);
            self.item_done(place, "completed", out);
        }
    }

    fn end_item(&mut self, place: usize, status: &str, out: &mut BytesMut) {
        if let Some(part) = self.open[place].take() {
            self.end_part(part, out);
        }
        self.item_done(place, status, out);
    }

    fn item_done(&mut self, place: usize, status: &str, out: &mut BytesMut) {
        let Self { layout, parts, logprobs, events, .. } = self;
        let item = &layout.items()[place];
        let said = Said { parts, logprobs };
        events.event("response.output_item.done", out, |json| {
            json.key("output_index").number(place as u64);
            output::write_item(json.key("item"), item, said, status);
        });
    }

    /// Tells of a part that has grown to its end.
    fn end_part(&mut self, place: usize, out: &mut BytesMut) {
        let Some(spot) = self.spots[place] else { return };
        let Self { layout, parts, logprobs, events, progress, .. } = self;
        let (item, part) = (&layout.items()[spot.item], &parts[place]);
        match &part.body {
            PartBody::ToolCall(call) => end_input(events, item, spot, call, out),
            PartBody::Media(_) => {
                let kind = "response.image_generation_call.completed";
                events.event(kind, out, |json| of_item(json, item, spot.item));
            }
            _ => {}
        }
        let Some(names) = names(part).filter(|_| progress[place].has_begun) else { return };
        events.event(names.done, out, |json| {
            of_part(json, item, spot, names);
            json.key(names.text).string(readable(part));
            if matches!(part.body, PartBody::Text(_)) {
                write_joined(json.key("logprobs"), &logprobs[place]);
            }
        });
        events.event(names.part_done, out, |json| {
            of_part(json, item, spot, names);
            output::write_content(json.key("part"), Said { parts, logprobs }, place);
        });
    }
}

#[cfg(test)]
#[path = "stream_tests.rs"]
mod tests;
