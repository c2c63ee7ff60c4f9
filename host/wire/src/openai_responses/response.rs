//! The `response` object: the whole answer, and what the events of a stream hold of it.

use bytes::{Bytes, BytesMut};
use plugway_engine::chat::{Finish, FinishReason};

use super::layout::Layout;
use super::output::{self, Said};
use super::{Response, errors, usage};
use crate::answer::{Answer, Choice};
use crate::json::{Writer, write_extra};
use crate::{Bill, ErrorBody, Head, routed};

/// Names of a response that no native field may take.
const RESPONSE_FIELDS: [&str; 23] = [
    "id",
    "object",
    "created_at",
    "status",
    "error",
    "error_type",
    "incomplete_details",
    "model",
    "provider",
    "output",
    "output_text",
    "usage",
    "service_tier",
    "previous_response_id",
    "conversation",
    "store",
    "background",
    "instructions",
    "metadata",
    "safety_identifier",
    "user",
    "completed_at",
    routed::FIELD,
];

/// The tier where nobody names one.
const DEFAULT_TIER: &str = "default";

/// How a response stands.
#[derive(Clone, Copy, Debug)]
pub(super) enum Status<'a> {
    /// It is being told.
    InProgress,
    /// It is whole.
    Completed,
    /// It ended early, for this reason.
    Incomplete(&'static str),
    /// It broke off.
    Failed(Option<&'a ErrorBody>),
}

impl<'a> Status<'a> {
    /// How an answer ended.
    pub(super) fn of(finish: Option<&Finish>, failure: Option<&'a ErrorBody>) -> Self {
        if failure.is_some() {
            return Self::Failed(failure);
        }
        match finish.map(|finish| finish.reason) {
            Some(FinishReason::Error) => Self::Failed(None),
            Some(FinishReason::Length) => Self::Incomplete("max_output_tokens"),
            Some(FinishReason::ContentFilter) => Self::Incomplete("content_filter"),
            // This format has no word for an answer that pauses.
            Some(FinishReason::Stop | FinishReason::ToolCalls | FinishReason::Paused) | None => {
                Self::Completed
            }
        }
    }

    /// The last item may not be whole.
    pub(super) fn is_broken(self) -> bool {
        matches!(self, Self::Incomplete(_) | Self::Failed(_))
    }

    fn name(self) -> &'static str {
        match self {
            Self::InProgress => "in_progress",
            Self::Completed => "completed",
            Self::Incomplete(_) => "incomplete",
            Self::Failed(_) => "failed",
        }
    }
}

/// What a response is made of, as far as it is known.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known<'a> {
    pub(super) status: Status<'a>,
    pub(super) layout: &'a Layout,
    pub(super) said: Said<'a>,
    /// Native fields.
    pub(super) extra: &'a [(String, String)],
    /// The tier that served.
    pub(super) service_tier: Option<&'a str>,
    pub(super) bill: Option<&'a Bill>,
}

/// Writes a finished answer.
pub(super) fn whole(
    form: &Response,
    answer: &Answer,
    head: &Head,
    bill: Option<&Bill>,
    failure: Option<&ErrorBody>,
) -> Bytes {
    let nothing = Choice::new(0);
    let choice = answer.choices().first().unwrap_or(&nothing);
    let mut layout = Layout::new(&head.id, form.include_reasoning);
    let spots = output::arrange(&mut layout, &choice.parts);
    layout.prove(&choice.parts, &spots);
    let known = Known {
        status: Status::of(choice.finish.as_ref(), failure),
        layout: &layout,
        said: Said { parts: &choice.parts, logprobs: &choice.logprobs_by_part() },
        extra: answer.extra(),
        service_tier: answer.tally().service_tier.as_deref(),
        bill,
    };
    let mut out = BytesMut::new();
    write(&mut Writer::new(&mut out), form, head, &known);
    out.freeze()
}

/// Writes a response as far as it is known.
pub(super) fn write(json: &mut Writer<'_>, form: &Response, head: &Head, known: &Known<'_>) {
    json.open(b'{');
    json.key("id").string(&head.id);
    json.key("object").string("response");
    json.key("created_at").number(head.created);
    write_status(json, known);
    json.key("model").string(&head.model);
    json.key("provider").string(&head.provider);
    json.key("output");
    output::write_items(json, known.layout, known.said, known.status.is_broken());
    for name in ["previous_response_id", "conversation"] {
        json.key(name).literal("null");
    }
    json.key("store").boolean(false);
    json.key("background").boolean(false);
    for (name, value) in form.echo.own.iter() {
        json.key(name).raw(value);
    }
    for (name, asked) in form.echo.settings.iter() {
        json.key(name).raw(given(known.extra, name).unwrap_or(asked));
    }
    let tier = known.service_tier.or(form.echo.service_tier.as_deref());
    json.key("service_tier").string(tier.unwrap_or(DEFAULT_TIER));
    let settings = form.echo.settings.iter().map(|(name, _)| *name);
    let ours: Vec<&str> = settings.chain(RESPONSE_FIELDS).collect();
    write_extra(json, known.extra, &ours);
    match known.bill {
        Some(bill) => usage::write(json.key("usage"), bill),
        None => json.key("usage").literal("null"),
    }
    let failure = match known.status {
        Status::Failed(failure) => failure,
        _ => None,
    };
    routed::write(json, known.bill, failure);
    json.close(b'}');
}

/// What the provider says that it made of a setting.
fn given<'a>(extra: &'a [(String, String)], wanted: &str) -> Option<&'a str> {
    let field = extra.iter().rfind(|(name, _)| name == wanted);
    field.map(|(_, json)| json.as_str()).filter(|json| json.trim() != "null")
}

fn write_status(json: &mut Writer<'_>, known: &Known<'_>) {
    json.key("status").string(known.status.name());
    let is_complete = matches!(known.status, Status::Completed);
    let completed_at = given(known.extra, "completed_at").filter(|_| is_complete);
    json.key("completed_at").raw(completed_at.unwrap_or("null"));
    match known.status {
        Status::Failed(Some(failure)) => {
            errors::write(json.key("error"), errors::code(failure), &failure.message);
            json.key("error_type").string(failure.kind);
        }
        Status::Failed(None) => {
            let message = "The provider ended its answer with an error.";
            errors::write(json.key("error"), "server_error", message);
        }
        _ => json.key("error").literal("null"),
    }
    match known.status {
        Status::Incomplete(reason) => {
            json.key("incomplete_details").open(b'{');
            json.key("reason").string(reason);
            json.close(b'}');
        }
        _ => json.key("incomplete_details").literal("null"),
    }
}
