//! From a client's body to a call.

use std::sync::Arc;

use bytes::Bytes;
use plugway_engine::chat;

use super::TextCompletion;
use crate::conversation::{Conversation, plain};
use crate::json::{self, Fields, Node};
use crate::openai_chat::{DIALECT, options};
use crate::seal::Sealer;
use crate::{BadRequest, ChatCall, DecodeOptions, labels, routing};

/// Alternatives per token that a request may ask for.
const MAX_LOGPROBS: u8 = 5;

/// What belongs to a chat. A provider that is asked for one would be given it, and the
/// client could not read what comes of it.
const OF_CHATS: [&str; 8] = [
    "messages",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "functions",
    "function_call",
    "modalities",
    "audio",
];

/// Reads the body of a request for a completion. The prompt is neither copied nor
/// unescaped where it is long enough to be sealed.
///
/// # Errors
/// Where the body is not what the dialect asks for; the first fault is named.
pub fn decode(body: Bytes, decode_options: &DecodeOptions) -> Result<ChatCall, BadRequest> {
    let (text, values) = json::checked(&body)?;
    let root = Node::root(text);
    let mut fields = root.object()?;
    let sealer = Sealer::new(body.clone(), decode_options.seal_min_bytes);
    let mut conversation = Conversation::new(sealer);
    let node = fields.need("prompt")?;
    let opening = vec![body.slice_ref(node.raw().as_bytes())];
    let prompt = prompt(&node, &mut conversation)?;
    let routing = routing::routing(&mut fields)?;
    let choices = options::choices(&mut fields)?;
    refuse(&mut fields, choices)?;
    let user = labels::user(&mut fields)?;
    let session_id = labels::session_id(&mut fields)?;
    let metadata = fields.take("metadata").map(|node| labels::metadata(&node)).transpose()?;
    let mut request = request(&mut fields, prompt, choices)?;
    let include_reasoning = request.reasoning.as_ref().is_none_or(|it| !it.hidden);
    let asides = labels::asides(&mut fields, false)?;
    request.extra.extend(fields.rest()?);
    let form = Arc::new(TextCompletion { include_reasoning });
    Ok(ChatCall {
        user,
        session_id,
        opening,
        metadata: metadata.unwrap_or_default(),
        router_fields: asides.fields,
        preset: asides.preset,
        ..ChatCall::new(request, routing, conversation, values, form)
    })
}

/// One text, alone or in a list.
fn prompt(node: &Node<'_, '_>, conversation: &mut Conversation) -> Result<String, BadRequest> {
    let tokens = "must be text: lists of tokens cannot be passed on as a chat";
    if !node.is_array() {
        return conversation.text(node);
    }
    let items = node.array()?;
    match items.as_slice() {
        [] => Err(node.invalid("must not be empty")),
        [first, ..] if first.is_number() || first.is_array() => {
            Err(node.fault("unsupported_parameter", tokens))
        }
        [only] => conversation.text(only),
        _ => {
            Err(node.fault("unsupported_parameter", "must hold one prompt: send the others apart"))
        }
    }
}

/// What no chat can be asked for.
fn refuse(fields: &mut Fields<'_, '_>, choices: u32) -> Result<(), BadRequest> {
    let unsupported =
        |node: &Node<'_, '_>, why: &'static str| Err(node.fault("unsupported_parameter", why));
    if let Some(node) = fields.take("suffix")
        && !node.text()?.is_empty()
    {
        return unsupported(&node, "is not supported: nothing can be put after an answer");
    }
    if let Some(node) = fields.take("echo")
        && node.boolean()?
    {
        return unsupported(&node, "is not supported: an answer does not repeat its prompt");
    }
    if let Some(node) = fields.take("best_of")
        && node.integer::<u32>()? > choices
    {
        return unsupported(&node, "must not exceed `n`: no answers are made to be dropped");
    }
    for name in OF_CHATS {
        if let Some(node) = fields.take(name) {
            return unsupported(&node, "is not known here: use /v1/chat/completions");
        }
    }
    Ok(())
}

fn request(
    fields: &mut Fields<'_, '_>,
    prompt: String,
    choices: u32,
) -> Result<chat::Request, BadRequest> {
    let message = chat::Message {
        role: chat::Role::User,
        parts: vec![plain(chat::PartBody::Text(prompt))],
        name: None,
        extra: Vec::new(),
    };
    let top_logprobs = logprobs(fields)?;
    let mut extra = Vec::new();
    Ok(chat::Request {
        model: String::new(),
        dialect: DIALECT.to_owned(),
        headers: Vec::new(),
        messages: vec![message],
        tools: Vec::new(),
        tool_choice: None,
        parallel_tool_calls: None,
        response_format: crate::openai_chat::response_format(fields, &mut extra)?,
        sampling: chat::Sampling { top_logprobs, ..options::knobs(fields)? },
        choices,
        max_tokens: options::max_tokens(fields)?,
        reasoning: options::reasoning(fields, &mut extra)?,
        modalities: Vec::new(),
        verbosity: fields.string("verbosity")?,
        service_tier: labels::service_tier(fields)?,
        user: None,
        cache_key: fields.string("prompt_cache_key")?,
        auto_cache: None,
        streaming: options::streaming(fields)?,
        extra,
    })
}

/// How many alternatives are wanted; the chosen token is told beside them.
fn logprobs(fields: &mut Fields<'_, '_>) -> Result<Option<u8>, BadRequest> {
    let Some(node) = fields.take("logprobs") else { return Ok(None) };
    match node.integer()? {
        count @ ..=MAX_LOGPROBS => Ok(Some(count)),
        _ => Err(node.invalid(format!("must be at most {MAX_LOGPROBS}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn read(body: &Value) -> Result<ChatCall, BadRequest> {
        decode(Bytes::from(body.to_string()), &DecodeOptions::default())
    }

    fn with(prompt: Value) -> Value {
        json!({"model": "a/m", "prompt": prompt})
    }

    #[test]
    fn a_prompt_is_one_message_of_the_users() {
        for prompt in [json!("Say hi"), json!(["Say hi"])] {
            let call = read(&with(prompt)).unwrap();
            let [message] = call.request.messages.as_slice() else { panic!("{call:?}") };
            assert_eq!(message.role, chat::Role::User);
            assert_eq!(message.parts, [plain(chat::PartBody::Text("Say hi".to_owned()))]);
            assert_eq!((call.size.text_bytes, call.request.choices), (6, 1));
        }
        let long = "word ".repeat(40);
        let call = read(&with(json!(long))).unwrap();
        assert_eq!(call.seals.len(), 1);
        let unsealed = call.seals.unseal(&call.request);
        assert_eq!(unsealed.messages[0].parts[0].body, chat::PartBody::Text(long));
    }

    #[test]
    fn knobs_are_those_of_a_chat_and_logprobs_are_a_number() {
        let mut body = with(json!("a"));
        let more = json!({
            "n": 2, "best_of": 2, "max_tokens": 5, "temperature": 0.5, "stop": ["x", "y"],
            "logprobs": 3, "stream": true, "echo": false, "suffix": null, "user": "u",
            "seed": 7, "provider": {"order": ["p"]}, "reasoning": {"exclude": true}, "future": 1,
        });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let call = read(&body).unwrap();
        let request = &call.request;
        assert_eq!((request.choices, request.max_tokens, request.streaming), (2, Some(5), true));
        assert_eq!(request.sampling.temperature, Some(0.5));
        assert_eq!(request.sampling.stop, ["x", "y"]);
        assert_eq!((request.sampling.top_logprobs, request.sampling.seed), (Some(3), Some(7)));
        assert_eq!(request.extra, [("future".to_owned(), "1".to_owned())]);
        assert_eq!((call.user.as_deref(), call.routing.order.len()), (Some("u"), 1));
        assert!(call.needs.contains(&"logprobs") && call.needs.contains(&"several-choices"));
    }

    #[test]
    fn the_end_user_is_named_to_nobody() {
        let mut body = with(json!("a"));
        body["safety_identifier"] = json!("s");
        body["user"] = json!("u");
        let call = read(&body).unwrap();
        assert_eq!(call.user.as_deref(), Some("s"));
        assert!(call.request.extra.is_empty(), "{:?}", call.request.extra);
    }

    #[test]
    fn what_no_chat_can_do_is_named() {
        let and = |name: &str, value: Value| {
            let mut body = with(json!("a"));
            body[name] = value;
            body
        };
        for (body, param) in [
            (json!({"model": "m"}), "prompt"),
            (with(json!([])), "prompt"),
            (with(json!(["a", "b"])), "prompt"),
            (with(json!([1, 2])), "prompt"),
            (with(json!([[1, 2]])), "prompt"),
            (with(json!([{}])), "prompt[0]"),
            (with(json!({})), "prompt"),
            (and("suffix", json!("b")), "suffix"),
            (and("echo", json!(true)), "echo"),
            (and("best_of", json!(2)), "best_of"),
            (and("logprobs", json!(6)), "logprobs"),
            (and("logprobs", json!(true)), "logprobs"),
            (and("n", json!(0)), "n"),
            (and("messages", json!([])), "messages"),
            (and("tools", json!([])), "tools"),
            (and("functions", json!([])), "functions"),
            (and("function_call", json!("auto")), "function_call"),
            (and("audio", json!({})), "audio"),
            (and("stream", json!(1)), "stream"),
        ] {
            let refused = read(&body).unwrap_err();
            assert_eq!(refused.param.as_deref(), Some(param), "{body}: {refused}");
        }
    }
}
