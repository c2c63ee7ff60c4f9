//! An answer in one piece.

use bytes::{Bytes, BytesMut};
use plugway_engine::chat::{Citation, PartBody};

use super::candidate::{Ending, write_logprobs};
use super::{pieces, usage};
use crate::answer::{Answer, Choice};
use crate::json::{Writer, write_extra};
use crate::{Bill, Head};

/// Names of a response that no native field may take.
const RESPONSE_FIELDS: [&str; 7] = [
    "candidates",
    "promptFeedback",
    "usageMetadata",
    "modelVersion",
    "responseId",
    "plugway",
    "error",
];

/// Writes a `GenerateContentResponse`.
pub(super) fn encode(
    answer: &Answer,
    head: &Head,
    include_thoughts: bool,
    bill: Option<&Bill>,
) -> Bytes {
    let mut out = BytesMut::new();
    let mut json = Writer::new(&mut out);
    json.open(b'{');
    json.key("candidates").open(b'[');
    let mut is_blocked = false;
    for choice in answer.choices() {
        is_blocked |= write_candidate(&mut json, choice, include_thoughts);
    }
    json.close(b']');
    let tier = answer.tally().service_tier.as_deref();
    write_end(&mut json, is_blocked, answer.extra(), head, bill.map(|bill| (bill, tier)));
    json.close(b'}');
    out.freeze()
}

/// What stands behind the candidates of an answer that is all there; with the bill, the
/// tier that served.
pub(super) fn write_end(
    json: &mut Writer<'_>,
    is_blocked: bool,
    extra: &[(String, String)],
    head: &Head,
    bill: Option<(&Bill, Option<&str>)>,
) {
    if is_blocked {
        json.key("promptFeedback").open(b'{');
        json.key("blockReason").string("SAFETY");
        json.close(b'}');
    }
    if let Some((bill, tier)) = bill {
        usage::write(json.key("usageMetadata"), bill, tier);
    }
    write_head(json, head);
    write_extra(json, extra, &RESPONSE_FIELDS);
    json.key("plugway").open(b'{');
    json.key("provider").string(&head.provider);
    if let Some((bill, _)) = bill {
        json.key("cost").dollars(bill.cost);
    }
    json.close(b'}');
}

/// Who answers, in every chunk.
pub(super) fn write_head(json: &mut Writer<'_>, head: &Head) {
    json.key("modelVersion").string(&head.model);
    json.key("responseId").string(&head.id);
}

/// Whether nothing was said, and the answer withheld.
fn write_candidate(json: &mut Writer<'_>, choice: &Choice, include_thoughts: bool) -> bool {
    json.open(b'{');
    json.key("content").open(b'{');
    let is_shown = |part: &&_| pieces::is_told(part, include_thoughts);
    let mut parts = choice.parts.iter().filter(is_shown).peekable();
    let is_silent = parts.peek().is_none();
    if !is_silent {
        json.key("parts").open(b'[');
        parts.for_each(|part| pieces::write_part(json, part, include_thoughts));
        json.close(b']');
    }
    json.key("role").string("model");
    json.close(b'}');
    json.key("index").number(u64::from(choice.index));
    write_logprobs(json, &choice.logprobs);
    let said = |body: &PartBody| matches!(body, PartBody::Text(_) | PartBody::Refusal(_));
    let texts = choice.parts.iter().filter(|part| said(&part.body));
    let citations: Vec<&Citation> = texts.flat_map(|part| &part.citations).collect();
    let malformed = choice.parts.iter().find_map(|part| pieces::malformed(&part.body));
    let ending = Ending { finish: choice.finish.as_ref(), citations: &citations, malformed };
    ending.write(json);
    json.close(b'}');
    is_silent && ending.is_blocked()
}
