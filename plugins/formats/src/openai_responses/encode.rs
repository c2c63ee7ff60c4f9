//! A chat request as the body of a response to be created.

mod input;
mod tools;

use plugway_sdk::chat::{Failure, PartBody, Reasoning, Request, ResponseFormat};

use super::DIALECT;
use crate::json::{Json, Object, raw};
use crate::openai_chat::{Options, Profile, effort, json_schema};

/// What the body is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Answer,
    /// Only what is read is of interest.
    Count,
}

pub(super) fn body(
    profile: &Profile,
    options: &Options,
    request: &Request,
    purpose: Purpose,
) -> Result<Vec<u8>, Failure> {
    let ask = Ask { profile, request, options, native: request.dialect == DIALECT };
    let mut body = Object::new().with("model", &request.model);
    body.push("input", input::input(&ask)?);
    tools::add(&mut body, &ask)?;
    if let Some(text) = ask.text()? {
        body.push("text", text);
    }
    if let Some(reasoning) = ask.reasoning() {
        body.push("reasoning", reasoning);
    }
    if purpose == Purpose::Answer {
        ask.add_knobs(&mut body)?;
    }
    if ask.native {
        body = body.with_extra(&request.extra)?;
    }
    Json::Object(body).to_bytes()
}

/// A request on its way to one endpoint.
struct Ask<'a> {
    profile: &'a Profile,
    request: &'a Request,
    options: &'a Options,
    /// Native values of the request are in this format.
    native: bool,
}

impl<'a> Ask<'a> {
    /// What bounds and tunes the answer.
    fn add_knobs(&self, body: &mut Object<'a>) -> Result<(), Failure> {
        let request = self.request;
        let sampling = &request.sampling;
        let lacking = [
            ("stop", !sampling.stop.is_empty()),
            ("n", request.choices > 1),
            ("modalities", request.modalities.iter().any(|kind| kind != "text")),
        ];
        if let Some((name, _)) = lacking.iter().find(|(_, wanted)| *wanted) {
            let message = format!("{name} is not supported by the responses API");
            return Err(Failure { param: Some((*name).into()), ..Failure::unsupported(message) });
        }
        let mut tune = |name: &'static str, value: Option<Json<'a>>| {
            if let (Some(value), true) = (value, self.options.takes(name)) {
                body.push(name, value);
            }
        };
        tune("temperature", sampling.temperature.map(Json::from));
        tune("top_p", sampling.top_p.map(Json::from));
        tune("service_tier", request.service_tier.as_ref().map(Json::from));
        tune("prompt_cache_key", request.cache_key.as_ref().map(Json::from));
        if let (Some(user), true) = (&request.user, self.options.takes("user")) {
            body.push(&*self.options.user_field, user);
        }
        if let Some(limit) = request.max_tokens {
            body.push("max_output_tokens", limit);
        }
        let mut include = Vec::new();
        if let Some(alternatives) = sampling.top_logprobs {
            self.options.need("logprobs")?;
            body.push("top_logprobs", u32::from(alternatives));
            include.push(Json::from("message.output_text.logprobs"));
        }
        if self.keeps_reasoning() {
            include.push("reasoning.encrypted_content".into());
        }
        if !self.native {
            body.push("store", false);
            if !include.is_empty() {
                body.push("include", include);
            }
        }
        if request.streaming {
            body.push("stream", true);
        }
        Ok(())
    }

    /// Whether the answer's reasoning is to come back encrypted; models that do not
    /// reason refuse to.
    fn keeps_reasoning(&self) -> bool {
        let own = |format: &Option<String>| format.as_deref() == self.profile.responses_format;
        let mut parts = self.request.messages.iter().flat_map(|message| &message.parts);
        let asked = self.request.reasoning.as_ref().is_some_and(|it| it.enabled != Some(false));
        let thought = parts.any(|part| {
            matches!(part.body, PartBody::Reasoning(Reasoning::Encrypted(_))) && own(&part.format)
        });
        self.profile.responses_format.is_some() && (asked || thought)
    }

    fn text(&self) -> Result<Option<Object<'a>>, Failure> {
        let mut text = Object::new();
        if let Some(format) = &self.request.response_format {
            let format: Json<'a> = match format {
                ResponseFormat::Text => Object::of_type("text").into(),
                ResponseFormat::JsonObject => Object::of_type("json_object").into(),
                ResponseFormat::JsonSchema(wanted) => {
                    Object::of_type("json_schema").joined(json_schema(wanted)?).into()
                }
                ResponseFormat::Native(json) if self.native => raw(json, "text.format")?.into(),
                ResponseFormat::Native(_) => {
                    let message = "this response format has no equal at this provider";
                    return Err(Failure::unsupported(message));
                }
            };
            text.push("format", format);
        }
        if self.options.takes("verbosity") {
            text = text.with_some("verbosity", self.request.verbosity.as_ref());
        }
        Ok((!text.is_empty()).then_some(text))
    }

    fn reasoning(&self) -> Option<Object<'a>> {
        let wanted = self.request.reasoning.as_ref()?;
        let reasoning = Object::new()
            .with_some("effort", effort(wanted, &self.options.efforts))
            .with_some("summary", wanted.summary.as_ref());
        (!reasoning.is_empty()).then_some(reasoning)
    }
}
