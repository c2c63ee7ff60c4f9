//! An answer as it is being told: the server-sent events that make up a message.
//!
//! Blocks stand one after the other, and one ends before the next begins, as clients
//! expect: some delete a block once it has ended. So what grows on after a later part
//! has begun gets a further block of its kind. Half a call would be useless: where
//! another part begins before a call's input is whole, that part is held until it is.

mod block;

use std::collections::BTreeMap;

use bytes::{BufMut, BytesMut};
use plugway_engine::chat::{Event, Finish, FinishReason, Part, PartBody};

use super::pieces::{self, Said};
use super::{carried, usage, whole};
use crate::answer::{Tally, merge_extra};
use crate::json::{Writer, write_extra};
use crate::{Bill, ErrorBody, Head, StreamEncoder, routed};
use block::{Block, Blocks};

/// What clients are told while there is nothing to tell.
pub(super) const PING: &[u8] = b"event: ping\ndata: {\"type\": \"ping\"}\n\n";

/// Writes one answer, event by event. Remembers none of its content but what is held,
/// and what can be told only whole.
pub(super) struct Events {
    head: Head,
    include_reasoning: bool,
    tally: Tally,
    /// Native fields that were not told yet.
    extra: Vec<(String, String)>,
    said: Said,
    finish: Option<Finish>,
    started: bool,
    blocks: Blocks,
    open: Option<Block>,
    /// Bits of the parts that wait for the open call, by the parts' indices.
    held: BTreeMap<u32, Vec<Part>>,
    /// Ids of the calls that were told, by their parts' indices.
    calls: BTreeMap<u32, String>,
}

impl Events {
    /// For one answer.
    pub(super) fn new(head: Head, include_reasoning: bool) -> Self {
        Self {
            head,
            include_reasoning,
            tally: Tally::default(),
            extra: Vec::new(),
            said: Said::default(),
            finish: None,
            started: false,
            blocks: Blocks::default(),
            open: None,
            held: BTreeMap::new(),
            calls: BTreeMap::new(),
        }
    }
}

impl StreamEncoder for Events {
    fn push(&mut self, event: &Event, out: &mut BytesMut) {
        self.tally.observe(event);
        match event {
            Event::Origin(origin) => merge_extra(&mut self.extra, &origin.extra),
            // The dialect knows one choice, and its requests ask for no other.
            Event::Piece(piece) if piece.choice == 0 => {
                self.start(out);
                self.said.note(&piece.part.body);
                self.bit(piece.index, &piece.part, out);
            }
            Event::Finish(finish) if finish.choice == 0 => self.finish = Some(finish.clone()),
            Event::Piece(_) | Event::Finish(_) | Event::Usage(_) | Event::Failed(_) => {}
        }
    }

    fn end(&mut self, bill: Option<&Bill>, out: &mut BytesMut) {
        self.start(out);
        while let Some((index, bits)) = self.held.pop_first() {
            self.replay(index, &bits, out);
        }
        self.close(out);
        if self.finish.as_ref().is_some_and(|finish| finish.reason == FinishReason::Error) {
            let error = ErrorBody {
                status: 502,
                message: "The model's answer ended in an error.".to_owned(),
                kind: "provider_unavailable",
                id: Some(self.head.id.clone()),
                ..ErrorBody::default()
            };
            self.fail(&error, bill, out);
            return;
        }
        self.blocks.ping(out);
        self.message_delta(bill, out);
        event("message_stop", out, |json| routed::write(json, bill, None));
    }

    fn fail(&mut self, error: &ErrorBody, bill: Option<&Bill>, out: &mut BytesMut) {
        event("error", out, |json| {
            error.write_message(json);
            if let Some(bill) = bill {
                let tier = self.tally.service_tier.as_deref();
                usage::write(json.key("usage"), &bill.usage, Some(bill), tier);
            }
            routed::write(json, bill, Some(error));
        });
    }
}

impl Events {
    /// The message without its content, once there is any: by then most providers have
    /// counted what they read.
    fn start(&mut self, out: &mut BytesMut) {
        if std::mem::replace(&mut self.started, true) {
            return;
        }
        event("message_start", out, |json| {
            json.key("message").open(b'{');
            self.head.write_message(json);
            json.key("content").literal("[]");
            pieces::write_end(json, None, self.said);
            whole::write_native(json, &self.extra);
            let used = whole::used(&self.tally, None);
            usage::write(json.key("usage"), &used, None, self.tally.service_tier.as_deref());
            json.close(b'}');
        });
        self.extra.clear();
    }

    fn message_delta(&mut self, bill: Option<&Bill>, out: &mut BytesMut) {
        event("message_delta", out, |json| {
            json.key("delta").open(b'{');
            pieces::write_end(json, self.finish.as_ref(), self.said);
            let container = self.extra.iter().find(|(name, _)| name == "container");
            json.key("container").raw(container.map_or("null", |(_, json)| json));
            json.close(b'}');
            let used = whole::used(&self.tally, bill);
            usage::write(json.key("usage"), &used, bill, self.tally.service_tier.as_deref());
            let ours = [&pieces::MESSAGE_FIELDS[..], &["delta", "container"]].concat();
            write_extra(json, &self.extra, &ours);
        });
    }

    /// A bit of the part of that index.
    fn bit(&mut self, index: u32, part: &Part, out: &mut BytesMut) {
        match &mut self.open {
            Some(open) if open.index == index => {
                open.grow(part, &mut self.blocks, out);
                self.release(out);
            }
            Some(open) if open.must_not_end() => {
                self.held.entry(index).or_default().push(part.clone());
            }
            _ => {
                self.close(out);
                self.begin(index, part, out);
            }
        }
    }

    /// Tells of what waited, as far as nothing keeps it waiting.
    fn release(&mut self, out: &mut BytesMut) {
        while !self.open.as_ref().is_some_and(Block::must_not_end) {
            let Some((index, bits)) = self.held.pop_first() else { return };
            self.replay(index, &bits, out);
        }
    }

    fn replay(&mut self, index: u32, bits: &[Part], out: &mut BytesMut) {
        self.close(out);
        let mut bits = bits.iter();
        if let Some(first) = bits.next() {
            self.begin(index, first, out);
        }
        for bit in bits {
            match &mut self.open {
                Some(open) => open.grow(bit, &mut self.blocks, out),
                None => self.begin(index, bit, out),
            }
        }
    }

    fn begin(&mut self, index: u32, part: &Part, out: &mut BytesMut) {
        if let PartBody::ToolCall(call) = &part.body {
            if let Some(id) = self.calls.get(&index) {
                // Its block has ended, with its input: all that can still come is a proof.
                if let Some(signature) = &part.signature {
                    let proof = carried::proof(part.format.as_deref(), signature, Some(id));
                    self.blocks.sole(out, |json| pieces::write_redacted(json, &proof));
                }
                return;
            }
            self.calls.insert(index, call.id.clone());
        }
        let open = Block::begin(index, part, self.include_reasoning, &mut self.blocks, out);
        self.open = Some(open);
    }

    fn close(&mut self, out: &mut BytesMut) {
        if let Some(open) = self.open.take() {
            open.end(&mut self.blocks, out);
        }
    }
}

/// Writes an event of that type, with the fields that `write` writes.
fn event(name: &str, out: &mut BytesMut, write: impl FnOnce(&mut Writer<'_>)) {
    out.put_slice(b"event: ");
    out.put_slice(name.as_bytes());
    out.put_slice(b"\ndata: ");
    let mut json = Writer::new(out);
    json.open(b'{');
    json.key("type").string(name);
    write(&mut json);
    json.close(b'}');
    json.end_event();
}

#[cfg(test)]
#[path = "stream_tests.rs"]
mod tests;
