//! What tools answered. The API wants one JSON object: whatever else a tool says
//! becomes a field of one.

use plugway_formats::json::{Json, Object, raw};
use plugway_sdk::chat::{Failure, ResultBody, ResultPart, ToolResult};

use super::{Context, media, native_value, parts};

const CONTENT: &str = "messages.content";

/// # Errors
/// Of kind `unsupported` for results without the name of their tool, and for media
/// where the model takes none.
pub(super) fn function_response<'a>(
    result: &'a ToolResult,
    context: &Context<'_>,
) -> Result<Object<'a>, Failure> {
    if result.freeform {
        return Err(Failure::unsupported("Gemini has no tools whose input is plain text"));
    }
    if result.name.is_empty() {
        return Err(Failure::unsupported(
            "Gemini needs the name of the tool that a result is from, and the conversation does \
             not hold its call",
        ));
    }
    let mut said = Vec::new();
    let mut media = Vec::new();
    for part in &result.content {
        match &part.body {
            ResultBody::Text(_) | ResultBody::Json(_) => said.push(part),
            ResultBody::Media(item) => media.push(media::in_result(item, part, context)?),
            ResultBody::Native(json) => media.push(native_value(json, context)?),
        }
    }
    if !media.is_empty() && !context.model.third_generation && !context.native {
        return Err(Failure::unsupported("this model takes no media in tool results"));
    }
    Ok(Object::new()
        .with_some("id", parts::id(&result.call_id, context))
        .with("name", &result.name)
        .with("response", response(result, &said)?)
        .with_some("parts", super::non_empty(media)))
}

fn response<'a>(result: &'a ToolResult, said: &[&'a ResultPart]) -> Result<Json<'a>, Failure> {
    let key = if result.failed { "error" } else { "output" };
    let value = match said {
        [] if result.failed => Json::from("the tool failed"),
        [] => return Ok(Object::new().into()),
        [part] => match &part.body {
            // An object stands for itself.
            ResultBody::Json(json) if !result.failed && json.trim_start().starts_with('{') => {
                return Ok(raw(json, CONTENT)?.into());
            }
            body => value(body)?,
        },
        // Texts are never joined: each may be one that only the router can read.
        several => {
            let values = several.iter().map(|part| value(&part.body));
            values.collect::<Result<Vec<_>, _>>()?.into()
        }
    };
    Ok(Object::new().with(key, value).into())
}

fn value(body: &ResultBody) -> Result<Json<'_>, Failure> {
    Ok(match body {
        ResultBody::Text(text) => text.into(),
        ResultBody::Json(json) | ResultBody::Native(json) => raw(json, CONTENT)?.into(),
        ResultBody::Media(_) => Json::Null,
    })
}
