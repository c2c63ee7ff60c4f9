//! Reading a request to generate content as strictly as Google does.

use serde_json::Value;

use super::body::{
    Content, Count, Declaration, FunctionResponse, GenerationConfig, OfferedTools, Part, Request,
    ToolConfig,
};
use crate::dialect::Refusal;
use crate::ids;
use crate::prompt::{
    Body, Called, Format, Item, Media, Prompt, Returned, Role, Source, Tool, ToolChoice, Visibility,
};
use crate::strict;

/// Google's own word for a call that nobody signed.
const SIGNED_BY_NONE: &str = "skip_thought_signature_validator";

pub(super) fn read(body: &[u8], model: &str, vertex: bool) -> Result<Prompt, Refusal> {
    let request: Request = serde_json::from_slice(body).map_err(|error| not_read(&error))?;
    if request.model.is_some() {
        return Err(unknown("model"));
    }
    prompt(request, model, vertex)
}

/// A prompt that is only counted, alone or in a whole request.
pub(super) fn counted(body: &[u8], model: &str, vertex: bool) -> Result<Prompt, Refusal> {
    if let Ok(count) = serde_json::from_slice::<Count>(body) {
        let inner = &count.generate_content_request;
        if vertex || inner.model.as_deref() != Some(&format!("models/{model}")) {
            return Err(unknown("generateContentRequest"));
        }
        return prompt(count.generate_content_request, model, vertex);
    }
    read(body, model, vertex)
}

fn prompt(request: Request, model: &str, vertex: bool) -> Result<Prompt, Refusal> {
    if vertex && request.service_tier.is_some() {
        return Err(unknown("serviceTier"));
    }
    let contents = request.contents.unwrap_or_default();
    if contents.is_empty() {
        let refusal = invalid("* GenerateContentRequest.contents: contents is not specified\n");
        return Err(refusal.param("contents"));
    }
    let config = request.generation_config.unwrap_or_default();
    let mut prompt = Prompt { model: model.to_owned(), ..asked(&config) };
    prompt.tools = tools(request.tools);
    prompt.tool_choice = tool_choice(request.tool_config);
    prompt.format = format(&config)?;
    if let Some(system) = request.system_instruction {
        prompt.add(Role::System, items(&system, "systemInstruction", vertex)?);
    }
    check_responses(&contents)?;
    for (index, content) in contents.iter().enumerate() {
        let role = match content.role.as_deref() {
            Some("model") => Role::Assistant,
            Some("user" | "function" | "") | None => Role::User,
            Some(_) => return Err(invalid("Please use a valid role: user, model.")),
        };
        prompt.add(role, items(content, &format!("contents[{index}]"), vertex)?);
    }
    Ok(prompt)
}

/// What is asked for beside the conversation.
fn asked(config: &GenerationConfig) -> Prompt {
    let thinking = config.thinking_config.as_ref();
    let shown = thinking.is_some_and(|thinking| thinking.include_thoughts == Some(true));
    let budget = thinking.and_then(|thinking| thinking.thinking_budget);
    Prompt {
        include_usage: true,
        max_tokens: config.max_output_tokens,
        stop: config.stop_sequences.clone().unwrap_or_default(),
        temperature: config.temperature,
        top_p: config.top_p,
        top_k: config.top_k,
        seed: config.seed.map(i64::from),
        effort: thinking.and_then(|thinking| thinking.thinking_level.clone()),
        thinking_tokens: budget.and_then(|budget| u32::try_from(budget).ok()),
        reasoning: if shown { Visibility::IfScripted } else { Visibility::Hidden },
        ..Prompt::default()
    }
}

fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::new(400, "INVALID_ARGUMENT", message)
}

fn unknown(name: &str) -> Refusal {
    invalid(format!("Invalid JSON payload received. Unknown name \"{name}\": Cannot find field."))
}

pub(super) fn not_read(error: &serde_json::Error) -> Refusal {
    match strict::unknown_field(error) {
        Some(name) => unknown(&name),
        None => invalid(format!("Invalid JSON payload received. {error}")),
    }
}

/// Calls that were made at once must be answered at once, and nothing else may be.
fn check_responses(contents: &[Content]) -> Result<(), Refusal> {
    let parts = |content: &Content, is: fn(&Part) -> bool| {
        content.parts.iter().flatten().filter(|part| is(part)).count()
    };
    let calls = |content| parts(content, |part| part.function_call.is_some());
    let responses = |content| parts(content, |part| part.function_response.is_some());
    let mut called = 0;
    for content in contents {
        if responses(content) != called {
            return Err(invalid(
                "Please ensure that the number of function response parts is equal to the \
                 number of function call parts of the function call turn.",
            ));
        }
        called = calls(content);
    }
    match called {
        0 => Ok(()),
        _ => Err(invalid(
            "Please ensure that function call turn comes immediately before a function \
             response turn.",
        )),
    }
}

fn items(content: &Content, place: &str, vertex: bool) -> Result<Vec<Item>, Refusal> {
    let parts = content.parts.as_deref().unwrap_or_default();
    if parts.is_empty() {
        let refusal = invalid(format!(
            "* GenerateContentRequest.{place}.parts: contents.parts \
                                       must not be empty.\n"
        ));
        return Err(refusal.param(format!("{place}.parts")));
    }
    let items = parts.iter().map(|part| item(part, place, vertex));
    Ok(items.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
}

fn item(part: &Part, place: &str, vertex: bool) -> Result<Option<Item>, Refusal> {
    let body = if let Some(call) = &part.function_call {
        check_id(call.id.as_ref(), vertex)?;
        let arguments = call.args.as_ref().map_or("{}", |args| args.get()).to_owned();
        check_signature(part, &call.name, &arguments)?;
        Body::Call(Called { id: call.id.clone(), name: call.name.clone(), arguments })
    } else if let Some(response) = &part.function_response {
        check_id(response.id.as_ref(), vertex)?;
        Body::Result(returned(response)?)
    } else if let Some(media) = media(part) {
        Body::Media(media)
    } else if part.executable_code.is_some() || part.code_execution_result.is_some() {
        return Ok(None);
    } else {
        let text = part.text.clone();
        let text = text.ok_or_else(|| {
            invalid(format!(
                "* GenerateContentRequest.{place}.parts: contents.parts must have \
                             one initialized field.\n"
            ))
        })?;
        match part.thought {
            Some(true) => Body::Reasoning(text),
            _ => Body::Text(text),
        }
    };
    Ok(Some(Item { signature: part.thought_signature.clone(), ..Item::new(body) }))
}

/// Vertex AI tells calls apart by name and order.
fn check_id(id: Option<&String>, vertex: bool) -> Result<(), Refusal> {
    if vertex && id.is_some() { Err(unknown("id")) } else { Ok(()) }
}

/// A signature must come back as it went out, on the call that it was on.
fn check_signature(part: &Part, name: &str, arguments: &str) -> Result<(), Refusal> {
    match part.thought_signature.as_deref() {
        None | Some(SIGNED_BY_NONE) => Ok(()),
        Some(shown) if shown == call_signature(name, arguments) => Ok(()),
        Some(_) => Err(invalid("Corrupted thought signature.")),
    }
}

/// The signature of a call: that of its name and of what its arguments mean.
pub(super) fn call_signature(name: &str, arguments: &str) -> String {
    let value: Value = serde_json::from_str(arguments).unwrap_or_default();
    ids::signature(&format!("{name} {value}"))
}

fn media(part: &Part) -> Option<Media> {
    let kind = |mime: &str| match mime.split('/').next() {
        Some("image") => "image",
        Some("audio") => "audio",
        Some("video") => "video",
        _ => "document",
    };
    if let Some(blob) = &part.inline_data {
        return Some(Media {
            kind: kind(&blob.mime_type),
            source: Source::Data(blob.data.clone()),
            mime: Some(blob.mime_type.clone()),
            name: blob.display_name.clone(),
        });
    }
    let link = part.file_data.as_ref()?;
    Some(Media {
        kind: kind(link.mime_type.as_deref().unwrap_or("image/")),
        source: Source::Url(link.file_uri.clone()),
        mime: link.mime_type.clone(),
        name: link.display_name.clone(),
    })
}

/// What a function gave back: under a name that says how it went, or as it is.
fn returned(response: &FunctionResponse) -> Result<Returned, Refusal> {
    let fields = &response.response;
    let only = |name: &str| fields.get(name).filter(|_| fields.len() == 1);
    let (failed, value) = match (only("error"), only("output")) {
        (Some(error), _) => (true, error.clone()),
        (None, Some(output)) => (false, output.clone()),
        (None, None) => (false, fields.clone().into()),
    };
    let mut content = match value {
        Value::Array(list) => list.into_iter().map(said).collect(),
        Value::Object(fields) if fields.is_empty() => Vec::new(),
        value => vec![said(value)],
    };
    for part in response.parts.iter().flatten() {
        let media = media(part).ok_or_else(|| invalid("functionResponse.parts hold media only"))?;
        content.push(Body::Media(media));
    }
    Ok(Returned { id: response.id.clone(), name: Some(response.name.clone()), content, failed })
}

fn said(value: Value) -> Body {
    match value {
        Value::String(text) => Body::Text(text),
        value => Body::Json(value),
    }
}

fn tools(offered: Option<Vec<OfferedTools>>) -> Vec<Tool> {
    let declared = offered.into_iter().flatten().filter_map(|tool| tool.function_declarations);
    let tool = |it: Declaration| Tool {
        name: it.name,
        description: it.description,
        schema: it.parameters_json_schema.or(it.parameters).unwrap_or_default(),
        ..Tool::default()
    };
    declared.flatten().map(tool).collect()
}

fn tool_choice(config: Option<ToolConfig>) -> ToolChoice {
    let Some(calling) = config.and_then(|config| config.function_calling_config) else {
        return ToolChoice::Auto;
    };
    match (calling.mode.as_deref(), calling.allowed_function_names.as_deref()) {
        (Some("NONE"), _) => ToolChoice::Forbidden,
        (Some("ANY"), Some([name])) => ToolChoice::Named(name.clone()),
        (Some("ANY"), _) => ToolChoice::Required,
        _ => ToolChoice::Auto,
    }
}

fn format(config: &GenerationConfig) -> Result<Format, Refusal> {
    let schema = config.response_json_schema.as_ref().or(config.response_schema.as_ref());
    match (config.response_mime_type.as_deref(), schema) {
        (Some("application/json"), Some(schema)) => Ok(Format::Schema(schema.clone())),
        (Some("application/json"), None) => Ok(Format::Json),
        (_, Some(_)) => Err(invalid(
            "Response schema is only supported with response mime type: 'application/json'",
        )),
        _ => Ok(Format::Text),
    }
}
