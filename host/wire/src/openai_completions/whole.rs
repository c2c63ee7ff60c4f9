//! An answer in one piece.

use bytes::{Bytes, BytesMut};
use plugway_engine::chat::{Part, PartBody};

use super::{OBJECT, logprobs};
use crate::answer::{Answer, Choice};
use crate::json::Writer;
use crate::openai_chat::pieces;
use crate::{Bill, ErrorBody, Head, routed};

/// Writes a `text_completion`. `failure` tells of an answer that broke off: what there is
/// of it is shown, and each choice that did not finish says why.
pub(super) fn encode(
    answer: &Answer,
    head: &Head,
    include_reasoning: bool,
    bill: Option<&Bill>,
    failure: Option<&ErrorBody>,
) -> Bytes {
    let mut out = BytesMut::new();
    let mut json = Writer::new(&mut out);
    json.open(b'{');
    head.write(&mut json, OBJECT);
    json.key("choices").open(b'[');
    for choice in answer.choices() {
        write_choice(&mut json, choice, include_reasoning, failure);
    }
    if let (Some(failure), []) = (failure, answer.choices()) {
        write_choice(&mut json, &Choice::new(0), include_reasoning, Some(failure));
    }
    json.close(b']');
    if let Some(bill) = bill {
        bill.write(json.key("usage"));
    }
    routed::write(&mut json, bill, failure);
    json.close(b'}');
    out.freeze()
}

fn write_choice(
    json: &mut Writer<'_>,
    choice: &Choice,
    include_reasoning: bool,
    failure: Option<&ErrorBody>,
) {
    json.open(b'{');
    json.key("index").number(u64::from(choice.index));
    json.key("text").string(&choice.parts.iter().filter_map(text).collect::<String>());
    if include_reasoning {
        let thoughts = choice.parts.iter().filter_map(thought).collect::<String>();
        json.key("reasoning").string_or_null(Some(&*thoughts).filter(|it| !it.is_empty()));
    }
    logprobs::write(json.key("logprobs"), &choice.logprobs, &mut 0);
    match (&choice.finish, failure) {
        (None, Some(failure)) => {
            json.key("finish_reason").string("error");
            json.key("native_finish_reason").literal("null");
            failure.write(json.key("error"));
        }
        (finish, _) => pieces::write_finish(json, finish.as_ref()),
    }
    json.close(b'}');
}

/// What a part says to whoever reads text alone.
pub(super) fn text(part: &Part) -> Option<&str> {
    match &part.body {
        PartBody::Text(text) | PartBody::Refusal(text) => Some(text),
        _ => None,
    }
}

pub(super) fn thought(part: &Part) -> Option<&str> {
    match &part.body {
        PartBody::Reasoning(reasoning) => Some(pieces::readable(reasoning)),
        _ => None,
    }
}
