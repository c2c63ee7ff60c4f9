//! In what form the model answers, and how fast.

use plugway_formats::anthropic_messages::JSON_INSTRUCTION;
use plugway_formats::json::{Json, Object, raw};
use plugway_sdk::chat::{Failure, JsonSchema, Request, ResponseFormat};

use super::is_native;
use super::tuning::Tuned;

/// The field `outputConfig` of the body.
///
/// # Errors
/// Of kind `unsupported`, where the model takes no schema for its answer.
pub(super) fn format<'a>(
    request: &'a Request,
    tuned: &Tuned<'_>,
) -> Result<Option<Object<'a>>, Failure> {
    let format: Json<'a> = match &request.response_format {
        None | Some(ResponseFormat::Text | ResponseFormat::JsonObject) => return Ok(None),
        Some(ResponseFormat::Native(json)) if is_native(request) => {
            raw(json, "response_format")?.into()
        }
        Some(ResponseFormat::Native(_)) => return Err(foreign()),
        Some(ResponseFormat::JsonSchema(_)) if !tuned.structured_outputs => {
            return Err(Failure::unsupported("this model takes no JSON schema for its answer"));
        }
        Some(ResponseFormat::JsonSchema(schema)) => json_schema(schema)?.into(),
    };
    Ok(Some(Object::new().with("textFormat", format)))
}

/// Converse takes the schema as a text.
fn json_schema(format: &JsonSchema) -> Result<Object<'_>, Failure> {
    raw(&format.schema, "response_format.json_schema.schema")?;
    let schema = Object::new()
        .with("schema", &format.schema)
        .with_some("name", format.name.as_ref())
        .with_some("description", format.description.as_ref());
    Ok(Object::of_type("json_schema").with("structure", Object::new().with("jsonSchema", schema)))
}

/// A block for the end of the system prompt, where JSON without a schema is wanted.
pub(super) fn json_instruction(request: &Request) -> Option<Json<'static>> {
    matches!(request.response_format, Some(ResponseFormat::JsonObject))
        .then(|| Object::new().with("text", JSON_INSTRUCTION).into())
}

/// The nearest tier that the service has; none for its default.
pub(super) fn service_tier(request: &Request) -> Option<Object<'_>> {
    let tier = match request.service_tier.as_deref()? {
        tier if is_native(request) => tier,
        tier @ ("priority" | "flex" | "reserved") => tier,
        _ => return None,
    };
    Some(Object::of_type(tier))
}

pub(super) fn performance(latency: &String) -> Object<'_> {
    Object::new().with("latency", latency)
}

/// A native value of another dialect.
pub(super) fn foreign() -> Failure {
    Failure::unsupported("Converse does not read the native values of other providers")
}
