//! Settings that are kept by name and put under a request: what of a request's body is
//! kept, and how a request is completed by it. Works on what every format becomes, so
//! that a preset made in one is used in all.

use std::num::NonZeroU32;

use bytes::Bytes;
use plugway_engine::chat;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::anthropic_messages::decode_count;
use crate::conversation::plain;
use crate::json::{self, Node};
use crate::seal;
use crate::{
    BadRequest, ChatCall, DecodeOptions, Dialect, EmbedCall, MaxPrice, Partition, RerankCall,
    Routing, needs,
};

/// Fields that belong to one request alone, and are not kept.
const OF_ONE_REQUEST: [&str; 22] = [
    "messages",
    "input",
    "prompt",
    "system",
    "instructions",
    "stream",
    "stream_options",
    "usage",
    "user",
    "safety_identifier",
    "session_id",
    "metadata",
    "trace",
    "preset",
    "debug",
    "plugins",
    "transforms",
    "store",
    "background",
    "previous_response_id",
    "prompt_cache_key",
    "n",
];

/// What is kept of a request.
#[derive(Clone, PartialEq, Eq)]
pub struct Kept {
    /// A JSON object of the fields that may be kept.
    pub config: String,
    /// The texts of its instructions.
    pub system_prompt: Option<String>,
}

/// Reads what is to be kept of a request's body.
///
/// # Errors
/// Where the body is not what the dialect asks for; the first fault is named.
pub fn keep(dialect: Dialect, body: &Bytes) -> Result<Kept, BadRequest> {
    let (text, _) = json::checked(body)?;
    let root = Node::root(text);
    let fields = root.object()?;
    let mut kept = Vec::new();
    for (name, raw) in fields.rest()? {
        if !OF_ONE_REQUEST.contains(&&*name) {
            kept.push(format!("{}:{raw}", Value::from(name)));
        }
    }
    let config = format!("{{{}}}", kept.join(","));
    // Checked above.
    let body: Value = serde_json::from_str(text).unwrap_or_default();
    Ok(Kept { config, system_prompt: instructions(dialect, &body) })
}

fn instructions(dialect: Dialect, body: &Value) -> Option<String> {
    let is_instruction = |it: &&Value| matches!(it["role"].as_str(), Some("system" | "developer"));
    let texts: Vec<String> = match dialect {
        Dialect::AnthropicMessages => text(&body["system"]).into_iter().collect(),
        Dialect::OpenAiResponses => text(&body["instructions"]).into_iter().collect(),
        _ => {
            let messages = body["messages"].as_array().into_iter().flatten();
            messages.filter(is_instruction).filter_map(|it| text(&it["content"])).collect()
        }
    };
    let joined = texts.join("\n\n");
    if joined.is_empty() { None } else { Some(joined) }
}

/// Text, alone or in parts.
fn text(content: &Value) -> Option<String> {
    match content {
        Value::String(text) => Some(text.clone()),
        Value::Array(parts) => Some(parts.iter().filter_map(|it| it["text"].as_str()).collect()),
        _ => None,
    }
}

/// Settings, read. `Debug` shows no content.
pub struct Preset {
    dialect: Dialect,
    request: chat::Request,
    routing: Routing,
    native: bool,
    /// What stands between the quotes of the JSON string that says it.
    system: Option<Bytes>,
}

impl std::fmt::Debug for Preset {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Preset").field("dialect", &self.dialect).finish_non_exhaustive()
    }
}

impl Preset {
    /// Reads settings in a dialect that has presets: OpenAI's two, and Anthropic's.
    ///
    /// # Errors
    /// Where a setting is not what the dialect asks for; the first fault is named.
    pub fn read(dialect: Dialect, kept: &Kept) -> Result<Self, BadRequest> {
        let fields = kept.config.trim().strip_prefix('{').and_then(|it| it.strip_suffix('}'));
        let fields = fields.unwrap_or_default().trim();
        let comma = if fields.is_empty() { "" } else { "," };
        // Nobody is asked this; a body without a conversation is none.
        let asked = match dialect {
            Dialect::OpenAiResponses => r#""input":"-""#,
            _ => r#""messages":[{"role":"user","content":"-"}]"#,
        };
        let body = Bytes::from(format!("{{{fields}{comma}{asked}}}"));
        let (head, ()) = http::Request::new(()).into_parts();
        let options = DecodeOptions::default();
        let call = match dialect {
            // A limit may be left to the request.
            Dialect::AnthropicMessages => decode_count(&head, body, &options)?,
            _ => dialect.decode(&head, body, &options)?,
        };
        Ok(Self {
            dialect,
            native: call.native,
            routing: call.routing,
            request: call.request,
            system: kept.system_prompt.as_deref().map(seal::escaped),
        })
    }

    /// The models that it names.
    pub fn models(&self) -> &[String] {
        &self.routing.models
    }

    /// Completes a call: what it says itself holds, and its instructions come after the
    /// preset's.
    ///
    /// # Errors
    /// Where the preset holds what the call's dialect has no word for.
    pub fn apply(&self, call: &mut ChatCall) -> Result<(), BadRequest> {
        let is_same = self.dialect.name() == call.request.dialect;
        if self.native && !is_same {
            let message = format!(
                "holds settings that only the format `{}` knows: use it there",
                self.dialect.name()
            );
            return Err(BadRequest::at("preset".to_owned(), "unsupported_parameter", message));
        }
        self.complete(&mut call.request);
        if is_same {
            add_unnamed(&mut call.request.extra, &self.request.extra);
        }
        complete_routing(&mut call.routing, &self.routing);
        call.request.model = call.routing.models.first().cloned().unwrap_or_default();
        if let Some(system) = &self.system {
            let (seals, text) = call.seals.with_text(system);
            call.seals = seals;
            let message = chat::Message {
                role: chat::Role::System,
                parts: vec![plain(chat::PartBody::Text(text))],
                name: None,
                extra: Vec::new(),
            };
            call.request.messages.insert(0, message);
            call.opening.insert(0, system.clone());
        }
        let said = self.system.as_deref().map(String::from_utf8_lossy).unwrap_or_default();
        call.size = call.size.completed(&call.request, &said);
        call.needs = needs::needs(&call.request);
        call.parameters = needs::parameters(&call.request);
        call.native |= self.native;
        Ok(())
    }

    /// Completes a request for vectors: its models, where they are served, and what it
    /// keeps of vectors. What it says of a conversation is said to nobody.
    ///
    /// # Errors
    /// Where what it keeps of vectors is not what they are asked for by.
    pub fn apply_to_embeddings(&self, call: &mut EmbedCall) -> Result<(), BadRequest> {
        complete_routing(&mut call.routing, &self.routing);
        let request = &mut call.request;
        request.model = call.routing.models.first().cloned().unwrap_or_default();
        let dimensions: Option<NonZeroU32> = self.unnamed("dimensions")?;
        fill(&mut request.dimensions, &dimensions.map(NonZeroU32::get));
        fill(&mut request.purpose, &self.unnamed("input_type")?);
        Ok(())
    }

    /// Completes a request to put documents in order, likewise.
    ///
    /// # Errors
    /// Where what it keeps of them is not what they are asked for by.
    pub fn apply_to_ranking(&self, call: &mut RerankCall) -> Result<(), BadRequest> {
        complete_routing(&mut call.routing, &self.routing);
        let request = &mut call.request;
        request.model = call.routing.models.first().cloned().unwrap_or_default();
        let top_n: Option<NonZeroU32> = self.unnamed("top_n")?;
        fill(&mut request.top_n, &top_n.map(NonZeroU32::get));
        Ok(())
    }

    /// A setting that means nothing to a chat, if it is kept.
    fn unnamed<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, BadRequest> {
        let kept = self.request.extra.iter().find(|(it, _)| it == name);
        let value = kept.map(|(_, json)| serde_json::from_str(json)).transpose();
        value.map_err(|_| {
            let message = format!("holds a `{name}` that is none: save it anew");
            BadRequest::at("preset".to_owned(), "invalid_value", message)
        })
    }

    fn complete(&self, request: &mut chat::Request) {
        let own = &self.request;
        for tool in &own.tools {
            if request.tools.iter().all(|it| name(it).is_none() || name(it) != name(tool)) {
                request.tools.push(tool.clone());
            }
        }
        fill(&mut request.tool_choice, &own.tool_choice);
        fill(&mut request.parallel_tool_calls, &own.parallel_tool_calls);
        fill(&mut request.response_format, &own.response_format);
        fill(&mut request.max_tokens, &own.max_tokens);
        fill(&mut request.reasoning, &own.reasoning);
        fill_list(&mut request.modalities, &own.modalities);
        fill(&mut request.verbosity, &own.verbosity);
        fill(&mut request.service_tier, &own.service_tier);
        fill(&mut request.auto_cache, &own.auto_cache);
        let (knobs, own) = (&mut request.sampling, &own.sampling);
        fill(&mut knobs.temperature, &own.temperature);
        fill(&mut knobs.top_p, &own.top_p);
        fill(&mut knobs.top_k, &own.top_k);
        fill(&mut knobs.min_p, &own.min_p);
        fill(&mut knobs.top_a, &own.top_a);
        fill(&mut knobs.frequency_penalty, &own.frequency_penalty);
        fill(&mut knobs.presence_penalty, &own.presence_penalty);
        fill(&mut knobs.repetition_penalty, &own.repetition_penalty);
        fill(&mut knobs.seed, &own.seed);
        fill_list(&mut knobs.stop, &own.stop);
        fill_list(&mut knobs.logit_bias, &own.logit_bias);
        fill(&mut knobs.top_logprobs, &own.top_logprobs);
    }
}

/// What a request prefers holds; what either forbids is forbidden. Every field is named, so
/// that none is forgotten.
fn complete_routing(routing: &mut Routing, own: &Routing) {
    let Routing {
        models,
        order,
        only,
        ignore,
        quantizations,
        regions,
        // Suffixes of models' names ask for tiers, and are read later than presets.
        tiers: _,
        no_fallbacks,
        require_parameters,
        deny_data_collection,
        zdr,
        enforce_distillable_text,
        sort,
        partition,
        max_price,
        min_throughput,
        max_latency_ms,
        strategy,
        options,
    } = own;
    fill_list(&mut routing.models, models);
    fill_list(&mut routing.order, order);
    fill_list(&mut routing.only, only);
    fill_list(&mut routing.quantizations, quantizations);
    fill_list(&mut routing.regions, regions);
    routing.ignore.extend(ignore.iter().cloned());
    routing.no_fallbacks |= no_fallbacks;
    routing.require_parameters |= require_parameters;
    routing.deny_data_collection |= deny_data_collection;
    routing.zdr |= zdr;
    routing.enforce_distillable_text |= enforce_distillable_text;
    // How far a request sorts it may say without saying by what.
    if routing.sort.is_none() && routing.partition == Partition::default() {
        routing.partition = *partition;
    }
    fill(&mut routing.sort, sort);
    complete_price(&mut routing.max_price, max_price);
    fill(&mut routing.min_throughput, min_throughput);
    fill(&mut routing.max_latency_ms, max_latency_ms);
    // Options are one strategy's.
    if routing.strategy.is_none() || routing.strategy == *strategy {
        fill(&mut routing.strategy, strategy);
        add_unnamed(&mut routing.options, options);
    }
}

fn complete_price(price: &mut MaxPrice, own: &MaxPrice) {
    let MaxPrice { prompt, completion, request, image, audio } = own;
    fill(&mut price.prompt, prompt);
    fill(&mut price.completion, completion);
    fill(&mut price.request, request);
    fill(&mut price.image, image);
    fill(&mut price.audio, audio);
}

fn fill<T: Clone>(slot: &mut Option<T>, own: &Option<T>) {
    if slot.is_none() {
        slot.clone_from(own);
    }
}

fn fill_list<T: Clone>(list: &mut Vec<T>, own: &[T]) {
    if list.is_empty() {
        list.extend_from_slice(own);
    }
}

fn add_unnamed(fields: &mut Vec<(String, String)>, own: &[(String, String)]) {
    for (name, value) in own {
        if fields.iter().all(|(it, _)| it != name) {
            fields.push((name.clone(), value.clone()));
        }
    }
}

fn name(tool: &chat::Tool) -> Option<&str> {
    match tool {
        chat::Tool::Function(tool) => Some(&tool.name),
        chat::Tool::Freeform(tool) => Some(&tool.name),
        chat::Tool::Native(_) => None,
    }
}

#[cfg(test)]
#[path = "preset_tests.rs"]
mod tests;
