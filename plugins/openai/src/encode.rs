//! A chat request as the body of a chat completion.

mod content;
mod effort;
mod messages;
mod tools;

use plugway_sdk::chat::{Failure, Request, ResponseFormat, Sampling};
use plugway_sdk::provider::{Endpoint, UpstreamRequest};

use crate::DIALECT;
use crate::json::{Object, array};
use crate::options::Options;

pub(crate) fn encode(request: &Request, endpoint: &Endpoint) -> Result<UpstreamRequest, Failure> {
    let options = Options::of(endpoint)?;
    let path = options.path.replace("{model}", &percent_encoded(&request.model));
    let mut upstream = UpstreamRequest::post_json(path, body(request, &options)?);
    if native(request) {
        upstream.headers.extend(request.headers.iter().cloned());
    }
    upstream.memo = request.dialect.clone();
    Ok(upstream)
}

fn body(request: &Request, options: &Options) -> Result<Vec<u8>, Failure> {
    let mut body = Object::with("model", &request.model);
    body.raw("messages", &messages::messages(request, options)?);
    tools(&mut body, request)?;
    if let Some(format) = &request.response_format {
        body.raw("response_format", &response_format(format, native(request))?);
    }
    sampling(&mut body, &request.sampling, options);
    if request.choices > 1 {
        body.set("n", &request.choices);
    }
    body.some(&options.max_tokens_field, request.max_tokens);
    if let Some(reasoning) = &request.reasoning {
        body.some("reasoning_effort", effort::effort(reasoning, &options.efforts));
    }
    if !request.modalities.is_empty() {
        body.set("modalities", &request.modalities);
    }
    body.some("verbosity", request.verbosity.as_ref())
        .some("service_tier", request.service_tier.as_ref())
        .some(&options.user_field, request.user.as_ref())
        .some("prompt_cache_key", request.cache_key.as_ref());
    if request.streaming {
        body.set("stream", &true);
        if options.stream_usage {
            body.raw("stream_options", r#"{"include_usage":true}"#);
        }
    }
    if native(request) {
        body.extras(&request.extra);
    }
    Ok(body.into_json().into_bytes())
}

/// Whether native values of the request are in this adapter's own format.
fn native(request: &Request) -> bool {
    request.dialect == DIALECT
}

/// The tools and what goes with them: without any, OpenAI refuses the rest.
fn tools(body: &mut Object, request: &Request) -> Result<(), Failure> {
    if request.tools.is_empty() {
        return Ok(());
    }
    let tools: Result<Vec<_>, _> =
        request.tools.iter().map(|tool| tools::tool(tool, native(request))).collect();
    body.raw("tools", &array(tools?));
    if let Some(choice) = &request.tool_choice {
        body.raw("tool_choice", &tools::choice(choice, request)?);
    }
    body.some("parallel_tool_calls", request.parallel_tool_calls);
    Ok(())
}

fn sampling(body: &mut Object, sampling: &Sampling, options: &Options) {
    body.some("temperature", sampling.temperature)
        .some("top_p", sampling.top_p)
        .some("frequency_penalty", sampling.frequency_penalty)
        .some("presence_penalty", sampling.presence_penalty)
        .some("seed", sampling.seed);
    if options.extended_sampling {
        body.some("top_k", sampling.top_k)
            .some("min_p", sampling.min_p)
            .some("top_a", sampling.top_a)
            .some("repetition_penalty", sampling.repetition_penalty);
    }
    if !sampling.stop.is_empty() {
        body.set("stop", &sampling.stop);
    }
    if !sampling.logit_bias.is_empty() {
        let mut biases = Object::default();
        for (token, bias) in &sampling.logit_bias {
            biases.set(token, bias);
        }
        body.raw("logit_bias", &biases.into_json());
    }
    if let Some(alternatives) = sampling.top_logprobs {
        body.set("logprobs", &true);
        body.some("top_logprobs", (alternatives > 0).then_some(alternatives));
    }
}

fn response_format(format: &ResponseFormat, native: bool) -> Result<String, Failure> {
    Ok(match format {
        ResponseFormat::Text => r#"{"type":"text"}"#.into(),
        ResponseFormat::JsonObject => r#"{"type":"json_object"}"#.into(),
        ResponseFormat::JsonSchema(wanted) => {
            let mut schema = Object::with("name", wanted.name.as_deref().unwrap_or("response"));
            schema
                .some("description", wanted.description.as_ref())
                .raw("schema", &wanted.schema)
                .some("strict", wanted.strict);
            let mut format = Object::with("type", "json_schema");
            format.raw("json_schema", &schema.into_json());
            format.into_json()
        }
        ResponseFormat::Native(json) if native => json.clone(),
        ResponseFormat::Native(_) => {
            return Err(Failure::unsupported("this response format has no equal at this provider"));
        }
    })
}

/// The model's name as one segment of a path.
fn percent_encoded(name: &str) -> String {
    let mut encoded = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}
