//! A chat request as the body of a chat completion.

mod ask;
mod content;
mod effort;
mod messages;
mod tools;

use plugway_sdk::chat::{Failure, JsonSchema, Request, ResponseFormat, Sampling};
use plugway_sdk::provider::UpstreamRequest;

use super::DIALECT;
use super::options::Options;
use super::profile::CachePoints;
use crate::json::{Json, Object, raw};
use crate::path::percent_encoded;

pub(crate) use effort::effort;

pub(crate) fn encode(options: &Options, request: &Request) -> Result<UpstreamRequest, Failure> {
    let ask = Ask { request, options, native: request.dialect == DIALECT };
    let path = match &options.prefix_path {
        Some(path) if options.prefix && ask.continues() => path,
        _ => &options.path,
    };
    let path = path.replace("{model}", &percent_encoded(&request.model));
    let mut upstream = UpstreamRequest::post_json(path, ask.body()?);
    if ask.native {
        upstream.headers.extend(request.headers.iter().cloned());
    }
    upstream.memo = request.dialect.clone();
    Ok(upstream)
}

/// A request on its way to one endpoint.
struct Ask<'a> {
    request: &'a Request,
    options: &'a Options,
    /// Native values of the request are in this format.
    native: bool,
}

impl<'a> Ask<'a> {
    fn body(&self) -> Result<Vec<u8>, Failure> {
        let request = self.request;
        let mut body = Object::new().with("model", &request.model);
        body.push("messages", messages::messages(self)?);
        self.tools(&mut body)?;
        if let Some(format) = &request.response_format {
            body.push("response_format", self.response_format(format)?);
        }
        self.sampling(&mut body, &request.sampling)?;
        if request.choices > 1 {
            self.options.need("n")?;
            body.push("n", request.choices);
        }
        if let Some(limit) = request.max_tokens {
            body.push(&*self.options.max_tokens_field, limit);
        }
        if let Some(wanted) = &request.reasoning {
            ask::reasoning(&mut body, wanted, self.options);
        }
        if request.modalities.iter().any(|kind| kind != "text") {
            self.options.need("modalities")?;
            let kinds = request.modalities.iter().map(Json::from).collect::<Vec<_>>();
            body.push("modalities", kinds);
        }
        self.tune(&mut body, "verbosity", request.verbosity.as_ref());
        self.tune(&mut body, "service_tier", request.service_tier.as_ref());
        if self.options.takes("user") {
            body = body.with_some(&self.options.user_field, request.user.as_ref());
        }
        self.tune(&mut body, "prompt_cache_key", request.cache_key.as_ref());
        if let Some(point) = &request.auto_cache
            && self.options.cache_points == CachePoints::Control
        {
            body.push("cache_control", content::cache_control(point));
        }
        self.streaming(&mut body);
        if self.native {
            body = body.with_extra(&request.extra)?;
        }
        Json::Object(body).to_bytes()
    }

    /// Whether a trailing assistant message is to be continued.
    fn continues(&self) -> bool {
        self.request.messages.last().is_some_and(messages::is_prefix)
    }

    /// A parameter that only tunes: left out where the server has none of the name.
    fn tune(&self, body: &mut Object<'a>, name: &'static str, value: Option<impl Into<Json<'a>>>) {
        if let (Some(value), true) = (value, self.options.takes(name)) {
            body.push(name, value);
        }
    }

    fn streaming(&self, body: &mut Object<'a>) {
        if self.request.streaming {
            body.push("stream", true);
            if self.options.stream_usage && !self.options.refuses("stream_options") {
                body.push("stream_options", Object::new().with("include_usage", true));
            }
        }
    }

    /// The tools and what goes with them: without any, OpenAI refuses the rest.
    fn tools(&self, body: &mut Object<'a>) -> Result<(), Failure> {
        let tools = tools::tools(self)?;
        if tools.is_empty() {
            return Ok(());
        }
        self.options.need("tools")?;
        body.push("tools", tools);
        if let Some(choice) = &self.request.tool_choice {
            body.push("tool_choice", tools::choice(choice, self)?);
        }
        self.tune(body, "parallel_tool_calls", self.request.parallel_tool_calls);
        Ok(())
    }

    fn sampling(&self, body: &mut Object<'a>, sampling: &'a Sampling) -> Result<(), Failure> {
        self.tune(body, "temperature", sampling.temperature);
        self.tune(body, "top_p", sampling.top_p);
        self.tune(body, "top_k", sampling.top_k);
        self.tune(body, "min_p", sampling.min_p);
        self.tune(body, "top_a", sampling.top_a);
        self.tune(body, "frequency_penalty", sampling.frequency_penalty);
        self.tune(body, "presence_penalty", sampling.presence_penalty);
        self.tune(body, "repetition_penalty", sampling.repetition_penalty);
        if let (Some(seed), true) = (sampling.seed, self.options.takes("seed")) {
            body.push(&*self.options.seed_field, seed);
        }
        let stop = sampling.stop.iter().map(Json::from).collect::<Vec<_>>();
        self.tune(body, "stop", Some(stop).filter(|stop| !stop.is_empty()));
        let mut biases = Object::new();
        for (token, bias) in &sampling.logit_bias {
            biases.push(token, *bias);
        }
        self.tune(body, "logit_bias", Some(biases).filter(|biases| !biases.is_empty()));
        if let Some(alternatives) = sampling.top_logprobs {
            self.options.need("logprobs")?;
            body.push("logprobs", true);
            if alternatives > 0 {
                body.push("top_logprobs", u32::from(alternatives));
            }
        }
        Ok(())
    }

    fn response_format(&self, format: &'a ResponseFormat) -> Result<Json<'a>, Failure> {
        Ok(match format {
            ResponseFormat::Text => Object::of_type("text").into(),
            ResponseFormat::JsonObject => {
                self.options.need("response_format")?;
                Object::of_type("json_object").into()
            }
            ResponseFormat::JsonSchema(wanted) => {
                self.options.need("structured_outputs")?;
                let schema = json_schema(wanted)?;
                Object::of_type("json_schema").with("json_schema", schema).into()
            }
            ResponseFormat::Native(json) if self.native => raw(json, "response_format")?.into(),
            ResponseFormat::Native(_) => {
                let message = "this response format has no equal at this provider";
                return Err(Failure::unsupported(message));
            }
        })
    }
}

/// A schema with its name, as both of OpenAI's formats write it.
pub(crate) fn json_schema(wanted: &JsonSchema) -> Result<Object<'_>, Failure> {
    Ok(Object::new()
        .with("name", wanted.name.as_deref().unwrap_or("response"))
        .with_some("description", wanted.description.as_ref())
        .with("schema", raw(&wanted.schema, "response_format")?)
        .with_some("strict", wanted.strict))
}
