//! An answer in one piece.

use bytes::{Bytes, BytesMut};
use plugway_engine::chat::Usage;

use super::pieces::{self, MESSAGE_FIELDS, Said};
use super::usage;
use crate::answer::{Answer, Tally};
use crate::json::{Writer, write_extra};
use crate::{Bill, Head, routed};

/// Writes a `message`.
pub(super) fn encode(
    answer: &Answer,
    head: &Head,
    include_reasoning: bool,
    bill: Option<&Bill>,
) -> Bytes {
    let mut out = BytesMut::new();
    let mut json = Writer::new(&mut out);
    json.open(b'{');
    head.write_message(&mut json);
    json.key("content").open(b'[');
    let choice = answer.choices().first();
    let mut said = Said::default();
    for part in choice.iter().flat_map(|choice| &choice.parts) {
        said.note(&part.body);
        pieces::write_part(&mut json, part, include_reasoning);
    }
    json.close(b']');
    pieces::write_end(&mut json, choice.and_then(|choice| choice.finish.as_ref()), said);
    write_native(&mut json, answer.extra());
    let used = used(answer.tally(), bill);
    usage::write(json.key("usage"), &used, bill, answer.tally().service_tier.as_deref());
    routed::write(&mut json, bill, None);
    json.close(b'}');
    out.freeze()
}

impl Head {
    /// The fields that a message begins with.
    pub(super) fn write_message(&self, json: &mut Writer<'_>) {
        json.key("id").string(&self.id);
        json.key("type").string("message");
        json.key("role").string("assistant");
        json.key("model").string(&self.model);
        json.key("provider").string(&self.provider);
    }
}

/// Native fields of a message. That it ran in no container is always said.
pub(super) fn write_native(json: &mut Writer<'_>, extra: &[(String, String)]) {
    if !extra.iter().any(|(name, _)| name == "container") {
        json.key("container").literal("null");
    }
    write_extra(json, extra, &MESSAGE_FIELDS);
}

/// What the router settled on, or else what was counted so far.
pub(super) fn used(tally: &Tally, bill: Option<&Bill>) -> Usage {
    let settled = bill.map(|bill| bill.usage.clone());
    settled.or_else(|| tally.total_usage()).unwrap_or_else(usage::none)
}
