//! What a request makes use of: for choosing endpoints that can serve it.

use plugway_engine::chat;

/// Names from the contract's `query.needs`.
pub(crate) fn needs(request: &chat::Request) -> Vec<&'static str> {
    let mut needs = Vec::new();
    let mut need = |name: &'static str, holds: bool| {
        if holds {
            needs.push(name);
        }
    };
    let tool = |wanted: fn(&chat::Tool) -> bool| request.tools.iter().any(wanted);
    need("tools", tool(|it| matches!(it, chat::Tool::Function(_))));
    need("freeform-tools", tool(|it| matches!(it, chat::Tool::Freeform(_))));
    need("native-tools", tool(|it| matches!(it, chat::Tool::Native(_))));
    let kinds = media_kinds(&request.messages);
    need("images", kinds.contains(&chat::MediaKind::Image));
    need("documents", kinds.contains(&chat::MediaKind::Document));
    need("audio", kinds.contains(&chat::MediaKind::Audio));
    need("video", kinds.contains(&chat::MediaKind::Video));
    let format = request.response_format.as_ref();
    let json = matches!(format, Some(chat::ResponseFormat::JsonObject));
    let schema = matches!(format, Some(chat::ResponseFormat::JsonSchema(_)));
    need("json", json);
    need("json-schema", schema);
    let reasoning = request.reasoning.as_ref();
    need("reasoning", reasoning.is_some_and(wants_reasoning));
    need("logprobs", request.sampling.top_logprobs.is_some());
    need("several-choices", request.choices > 1);
    need("streaming", request.streaming);
    let output = |wanted: &str| request.modalities.iter().any(|kind| kind == wanted);
    need("image-output", output("image"));
    need("audio-output", output("audio"));
    needs
}

/// Whoever only hides reasoning, or turns it off, needs no model that reasons.
fn wants_reasoning(options: &chat::ReasoningOptions) -> bool {
    let asked = options.effort.is_some() || options.max_tokens.is_some();
    options.enabled.unwrap_or(asked)
}

pub(crate) fn media_kinds(messages: &[chat::Message]) -> Vec<chat::MediaKind> {
    let mut kinds = Vec::new();
    for part in messages.iter().flat_map(|message| &message.parts) {
        match &part.body {
            chat::PartBody::Media(media) => kinds.extend(medium(media)),
            chat::PartBody::ToolResult(result) => {
                kinds.extend(result.content.iter().filter_map(|part| match &part.body {
                    chat::ResultBody::Media(media) => medium(media),
                    _ => None,
                }));
            }
            _ => {}
        }
    }
    kinds
}

/// What kind of medium a model must read. A document of plain text is text.
fn medium(media: &chat::Media) -> Option<chat::MediaKind> {
    let is_text = matches!(media.source, chat::MediaSource::Text(_));
    (!is_text).then_some(media.kind)
}

/// Formats of the signatures and of the sealed reasoning, in the order in which they
/// come first.
pub(crate) fn reasoning_formats(messages: &[chat::Message]) -> Vec<String> {
    let mut formats: Vec<String> = Vec::new();
    for part in messages.iter().flat_map(|message| &message.parts) {
        let is_sealed =
            matches!(&part.body, chat::PartBody::Reasoning(chat::Reasoning::Encrypted(_)));
        if let Some(format) = &part.format
            && (is_sealed || part.signature.is_some())
            && !formats.contains(format)
        {
            formats.push(format.clone());
        }
    }
    formats
}

/// OpenAI's names of the parameters that are set.
pub(crate) fn parameters(request: &chat::Request) -> Vec<&'static str> {
    let sampling = &request.sampling;
    [
        ("max_tokens", request.max_tokens.is_some()),
        ("temperature", sampling.temperature.is_some()),
        ("top_p", sampling.top_p.is_some()),
        ("top_k", sampling.top_k.is_some()),
        ("min_p", sampling.min_p.is_some()),
        ("top_a", sampling.top_a.is_some()),
        ("frequency_penalty", sampling.frequency_penalty.is_some()),
        ("presence_penalty", sampling.presence_penalty.is_some()),
        ("repetition_penalty", sampling.repetition_penalty.is_some()),
        ("seed", sampling.seed.is_some()),
        ("stop", !sampling.stop.is_empty()),
        ("logit_bias", !sampling.logit_bias.is_empty()),
        ("logprobs", sampling.top_logprobs.is_some()),
        ("top_logprobs", sampling.top_logprobs.is_some_and(|n| n > 0)),
        ("n", request.choices > 1),
        ("tools", !request.tools.is_empty()),
        ("tool_choice", request.tool_choice.is_some()),
        ("parallel_tool_calls", request.parallel_tool_calls.is_some()),
        ("response_format", request.response_format.is_some()),
        ("reasoning", request.reasoning.is_some()),
        ("modalities", !request.modalities.is_empty()),
        ("verbosity", request.verbosity.is_some()),
    ]
    .into_iter()
    .filter_map(|(name, set)| set.then_some(name))
    .collect()
}

/// Native cases outside the messages.
pub(crate) fn native(request: &chat::Request) -> bool {
    let tool = |tool: &chat::Tool| matches!(tool, chat::Tool::Native(_));
    request.tools.iter().any(tool)
        || matches!(request.tool_choice, Some(chat::ToolChoice::Native(_)))
        || matches!(request.response_format, Some(chat::ResponseFormat::Native(_)))
}

/// Bytes that the tools add to the prompt.
pub(crate) fn tool_bytes(tools: &[chat::Tool]) -> usize {
    let length = |text: &Option<String>| text.as_ref().map_or(0, String::len);
    tools
        .iter()
        .map(|tool| match tool {
            chat::Tool::Function(tool) => {
                tool.name.len() + length(&tool.description) + length(&tool.parameters)
            }
            chat::Tool::Freeform(tool) => {
                let grammar = tool.grammar.as_ref().map_or(0, |it| it.definition.len());
                tool.name.len() + length(&tool.description) + grammar
            }
            chat::Tool::Native(native) => native.len(),
        })
        .sum()
}
