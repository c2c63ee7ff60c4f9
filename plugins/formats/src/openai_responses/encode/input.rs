//! The conversation as items, in the order in which they were said.

mod content;

use plugway_sdk::chat::{Failure, MediaSource, Message, Part, PartBody, Reasoning, Role};

use super::Ask;
use crate::json::{Json, Object, raw};
use crate::node::Node;
use crate::openai_chat::SendReasoning;

/// Fields that belong to the item, not to the part of its content that holds them.
const OF_THE_ITEM: [&str; 2] = ["status", "phase"];

pub(super) fn input<'a>(ask: &Ask<'a>) -> Result<Vec<Json<'a>>, Failure> {
    let mut items = Vec::new();
    for message in &ask.request.messages {
        match message.role {
            Role::System | Role::Developer if says_nothing(message) => {}
            Role::Assistant => said(ask, message, &mut items)?,
            _ => told(ask, message, &mut items)?,
        }
    }
    Ok(items)
}

/// Instructions that are empty, as clients of this format send them.
fn says_nothing(message: &Message) -> bool {
    message.parts.iter().all(|part| matches!(&part.body, PartBody::Text(text) if text.is_empty()))
}

/// What was told to the model: one message, with results and native items between
/// its parts.
fn told<'a>(ask: &Ask<'a>, message: &'a Message, items: &mut Vec<Json<'a>>) -> Result<(), Failure> {
    let before = items.len();
    let mut parts = Vec::new();
    for part in &message.parts {
        let item = match &part.body {
            PartBody::ToolResult(result) => Some(content::result(ask, result, part)?),
            PartBody::Native(json) if !ask.native => return Err(foreign(json)),
            PartBody::Native(json) if !content::is_part(json) => Some(raw(json, "input")?.into()),
            _ => None,
        };
        let Some(item) = item else {
            parts.push(part);
            continue;
        };
        flush(ask, message, &mut parts, items)?;
        items.push(item);
    }
    if !parts.is_empty() || items.len() == before {
        flush(ask, message, &mut parts, items)?;
        if items.len() == before {
            items.push(told_item(ask, message, &[])?);
        }
    }
    Ok(())
}

fn flush<'a>(
    ask: &Ask<'a>,
    message: &'a Message,
    parts: &mut Vec<&'a Part>,
    items: &mut Vec<Json<'a>>,
) -> Result<(), Failure> {
    if !parts.is_empty() {
        items.push(told_item(ask, message, parts)?);
        parts.clear();
    }
    Ok(())
}

fn told_item<'a>(
    ask: &Ask<'a>,
    message: &'a Message,
    parts: &[&'a Part],
) -> Result<Json<'a>, Failure> {
    let role: &str = match message.role {
        Role::System => &ask.options.system_role,
        Role::Developer => &ask.options.developer_role,
        _ => "user",
    };
    let content = content::told(ask, parts)?;
    let item = Object::of_type("message")
        .with_some("id", parts.first().and_then(|part| own_id(ask, part)))
        .with("role", role)
        .with("content", content);
    Ok(if ask.native { item.with_extra(&message.extra)?.into() } else { item.into() })
}

/// What the model said: an item for each id, and for each part that has none.
fn said<'a>(ask: &Ask<'a>, message: &'a Message, items: &mut Vec<Json<'a>>) -> Result<(), Failure> {
    let mut groups: Vec<Vec<&'a Part>> = Vec::new();
    for part in &message.parts {
        let same = |group: &&mut Vec<&Part>| part.id.is_some() && group[0].id == part.id;
        match groups.iter_mut().find(same) {
            Some(group) => group.push(part),
            None => groups.push(vec![part]),
        }
    }
    for group in &groups {
        items.extend(said_item(ask, group)?);
    }
    Ok(())
}

/// One item of the model's; none where it is reasoning of another provider.
fn said_item<'a>(ask: &Ask<'a>, parts: &[&'a Part]) -> Result<Option<Json<'a>>, Failure> {
    let [first, ..] = parts else { return Ok(None) };
    let item = match &first.body {
        PartBody::Reasoning(_) => match reasoning(ask, parts) {
            Some(item) => item,
            None => return Ok(None),
        },
        PartBody::Text(_) | PartBody::Refusal(_) => return spoken(ask, parts).map(Some),
        PartBody::ToolCall(call) => {
            let (kind, input) = if call.freeform {
                ("custom_tool_call", "input")
            } else {
                ("function_call", "arguments")
            };
            Object::of_type(kind)
                .with_some("id", own_id(ask, first))
                .with("call_id", &call.id)
                .with("name", &call.name)
                .with(input, &call.input)
        }
        PartBody::ToolResult(result) => return content::result(ask, result, first).map(Some),
        PartBody::Native(json) if ask.native => return Ok(Some(raw(json, "input")?.into())),
        PartBody::Native(json) => return Err(foreign(json)),
        PartBody::Media(media) => match (&media.source, own_id(ask, first)) {
            (MediaSource::Base64(data), Some(id)) => Object::of_type("image_generation_call")
                .with("id", id)
                .with("status", "completed")
                .with("result", data),
            _ => {
                let message = "media of an assistant cannot be sent back here";
                return Err(Failure::unsupported(message));
            }
        },
    };
    Ok(Some(if ask.native { item.with_extra(&first.extra)?.into() } else { item.into() }))
}

/// A message of the model's.
fn spoken<'a>(ask: &Ask<'a>, parts: &[&'a Part]) -> Result<Json<'a>, Failure> {
    let first = parts.first().copied();
    let of_item = |name: &str| OF_THE_ITEM.contains(&name);
    let mut item = Object::of_type("message")
        .with_some("id", first.and_then(|part| own_id(ask, part)))
        .with("role", "assistant");
    for (name, json) in first.iter().flat_map(|part| &part.extra).filter(|_| ask.native) {
        if of_item(name) {
            item.push(name, raw(json, "input")?);
        }
    }
    let mut said = Vec::with_capacity(parts.len());
    for part in parts {
        let mut object = match &part.body {
            PartBody::Text(text) => {
                let object = Object::of_type("output_text").with("text", text);
                let notes =
                    part.citations.iter().map(|citation| content::annotation(ask, citation));
                object.with("annotations", notes.collect::<Result<Vec<_>, _>>()?)
            }
            PartBody::Refusal(text) => Object::of_type("refusal").with("refusal", text),
            _ => return Err(Failure::unsupported("one item cannot hold these parts here")),
        };
        for (name, json) in part.extra.iter().filter(|(name, _)| ask.native && !of_item(name)) {
            object.push(name, raw(json, "input")?);
        }
        said.push(Json::from(object));
    }
    Ok(item.with("content", said).into())
}

/// One item of reasoning, where the provider can read it.
fn reasoning<'a>(ask: &Ask<'a>, parts: &[&'a Part]) -> Option<Object<'a>> {
    let format = parts.iter().find_map(|part| part.format.as_deref());
    let readable = match format {
        Some(format) => ask.profile.reasoning_formats.contains(&format),
        None => ask.profile.defaults.unsigned_reasoning,
    };
    if !readable {
        return None;
    }
    let mut summary: Vec<Json<'a>> = Vec::new();
    let mut content: Vec<Json<'a>> = Vec::new();
    let mut encrypted = None;
    for part in parts {
        match &part.body {
            // It stands for an item of which nothing is shown.
            PartBody::Reasoning(Reasoning::Summary(text)) if text.is_empty() => {}
            PartBody::Reasoning(Reasoning::Summary(text)) => {
                summary.push(Object::of_type("summary_text").with("text", text).into());
            }
            PartBody::Reasoning(Reasoning::Text(text)) => {
                content.push(Object::of_type("reasoning_text").with("text", text).into());
            }
            PartBody::Reasoning(Reasoning::Encrypted(data)) => encrypted = Some(data),
            _ => {}
        }
    }
    let mut item = Object::of_type("reasoning")
        .with_some("id", parts.first().and_then(|part| part.id.as_ref()));
    // An item that came without an id is one part, and what it shows stands beside.
    let mut beside = parts.iter().flat_map(|part| &part.extra);
    if !(ask.native && beside.any(|(name, _)| name == "summary")) {
        item.push("summary", summary);
    }
    if !content.is_empty() {
        item.push("content", content);
    }
    item = item.with_some("encrypted_content", encrypted);
    // A provider that passes it on wants to know to whom.
    if ask.options.send_reasoning == SendReasoning::Details {
        let signature = parts.iter().find_map(|part| part.signature.as_ref());
        item = item.with_some("signature", signature).with_some("format", format);
    }
    Some(item)
}

/// The id of a part's item, which no other provider than its own would know.
fn own_id<'a>(ask: &Ask<'a>, part: &'a Part) -> Option<&'a String> {
    part.id.as_ref().filter(|_| ask.native)
}

fn foreign(json: &str) -> Failure {
    let kind = Node::read(json.as_bytes()).and_then(|node| node.owned("type"));
    let kind = kind.unwrap_or_else(|| "part".into());
    Failure::unsupported(format!("a {kind} of another provider has no equal here"))
}
