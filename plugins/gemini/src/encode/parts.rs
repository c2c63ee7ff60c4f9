//! Parts of messages, each with the signature that it came with.

use plugway_formats::json::{Fields, Json, Object, raw_object};
use plugway_sdk::chat::{Failure, Message, Part, PartBody, Reasoning, ToolCall};
use serde_json::value::to_raw_value;

use super::{Context, media, native_value, results};
use crate::{REASONING_FORMAT, UNNAMED};

/// Google's own word for a call that another model made: models from the third
/// generation on refuse calls without a signature.
const SIGNED_BY_NONE: &str = "skip_thought_signature_validator";

const ARGUMENTS: &str = "messages.tool_calls.arguments";

/// The parts of a message, in order; those that only others can read are left out.
pub(super) fn of_message<'a>(
    message: &'a Message,
    context: &Context<'_>,
) -> Result<Vec<Json<'a>>, Failure> {
    let mut list = Vec::with_capacity(message.parts.len());
    let mut first_call = true;
    for part in &message.parts {
        let mut signature = signature(part, context);
        if let PartBody::ToolCall(_) = part.body {
            // Of calls that were made at once, the first bears the proof.
            if first_call && context.model.third_generation && !context.native {
                signature = signature.or(Some(SIGNED_BY_NONE));
            }
            first_call = false;
        }
        list.extend(self::part(part, signature, context)?);
    }
    Ok(list)
}

/// The signature, where this provider can check it.
fn signature<'a>(part: &'a Part, context: &Context<'_>) -> Option<&'a str> {
    part.signature.as_deref().filter(|_| is_ours(part, context))
}

fn is_ours(part: &Part, context: &Context<'_>) -> bool {
    part.format.as_deref().map_or(context.native, |format| format == REASONING_FORMAT)
}

fn part<'a>(
    part: &'a Part,
    signature: Option<&'a str>,
    context: &Context<'_>,
) -> Result<Option<Json<'a>>, Failure> {
    let object = match &part.body {
        PartBody::Text(text) | PartBody::Refusal(text) => {
            if text.is_empty() && signature.is_none() && !context.native {
                return Ok(None);
            }
            Object::new().with("text", text)
        }
        PartBody::Media(media) => media::part(media, context)?,
        PartBody::Reasoning(reasoning) => {
            return Ok(thought(part, reasoning, signature, context)?.map(Json::from));
        }
        PartBody::ToolCall(call) => {
            Object::new().with("functionCall", function_call(call, context)?)
        }
        PartBody::ToolResult(result) => {
            Object::new().with("functionResponse", results::function_response(result, context)?)
        }
        PartBody::Native(json) => return native(json, signature, context).map(Some),
    };
    finished(object, part, signature, context).map(|object| Some(object.into()))
}

fn finished<'a>(
    object: Object<'a>,
    part: &'a Part,
    signature: Option<&'a str>,
    context: &Context<'_>,
) -> Result<Object<'a>, Failure> {
    let object = object.with_some("thoughtSignature", signature);
    object.with_extra(context.extra(&part.extra))
}

/// What the model thought goes back to its own kind alone.
fn thought<'a>(
    part: &'a Part,
    reasoning: &'a Reasoning,
    signature: Option<&'a str>,
    context: &Context<'_>,
) -> Result<Option<Object<'a>>, Failure> {
    if !is_ours(part, context) {
        return Ok(None);
    }
    let object = match reasoning {
        Reasoning::Text(text) | Reasoning::Summary(text) => {
            if text.is_empty() && signature.is_none() {
                return Ok(None);
            }
            Object::new().with("text", text).with("thought", true)
        }
        // A signature that a client kept apart from the text that it was on.
        Reasoning::Encrypted(proof) => {
            return Ok(Some(Object::new().with("text", "").with("thoughtSignature", proof)));
        }
    };
    finished(object, part, signature, context).map(Some)
}

fn function_call<'a>(call: &'a ToolCall, context: &Context<'_>) -> Result<Object<'a>, Failure> {
    if call.freeform {
        return Err(Failure::unsupported("Gemini has no tools whose input is plain text"));
    }
    Ok(Object::new()
        .with_some("id", id(&call.id, context))
        .with("name", &call.name)
        .with("args", raw_object(&call.input, ARGUMENTS)?))
}

/// The id of a call. Parts of Vertex refuse it; without ids calls are told apart by
/// name and order. A client of this dialect has given its ids itself, or none.
pub(super) fn id<'a>(id: &'a str, context: &Context<'_>) -> Option<&'a str> {
    match context.native {
        true => (!id.starts_with(UNNAMED)).then_some(id),
        false => (!context.options.is_vertex()).then_some(id),
    }
}

/// A whole part of this dialect, with its signature where that was kept beside it.
fn native<'a>(
    json: &'a str,
    signature: Option<&'a str>,
    context: &Context<'_>,
) -> Result<Json<'a>, Failure> {
    let value = native_value(json, context)?;
    let (Some(signature), Some(mut fields)) = (signature, Fields::read(json)) else {
        return Ok(value);
    };
    if fields.get("thoughtSignature").or(fields.get("thought_signature")).is_some() {
        return Ok(value);
    }
    let signed = to_raw_value(signature).and_then(|signature| {
        fields.set("thoughtSignature", signature);
        to_raw_value(&fields)
    });
    Ok(signed.map_or(value, Json::from))
}
