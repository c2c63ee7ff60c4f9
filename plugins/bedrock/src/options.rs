//! What the operator said about the endpoint, and what its model's name says.

use plugway_sdk::chat::{Failure, Request};
use plugway_sdk::provider::Endpoint;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::model::{Family, Model};

/// The options of the crate's documentation, with their defaults.
pub(crate) struct Options {
    pub(crate) api: Api,
    pub(crate) model: Model,
    pub(crate) guardrail: Option<Box<RawValue>>,
    pub(crate) latency: Option<String>,
    /// None: all are passed on.
    pub(crate) betas: Option<Vec<String>>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Api {
    #[default]
    Converse,
    Invoke,
}

#[derive(Deserialize)]
pub(crate) struct Guardrail {
    #[serde(rename = "guardrailIdentifier")]
    pub(crate) identifier: String,
    #[serde(rename = "guardrailVersion")]
    pub(crate) version: String,
    pub(crate) trace: Option<String>,
}

impl Options {
    /// # Errors
    /// Of kind `unsupported`, naming the option whose value is none.
    pub(crate) fn of(model: &str, endpoint: &Endpoint) -> Result<Self, Failure> {
        let family: Option<Family> = endpoint.option("family")?;
        let mut model = Model::of(model, family);
        if let Some(takes) = endpoint.option("cache_points")? {
            model.cache_points = takes;
            model.tool_cache_points = takes;
        }
        Ok(Self {
            api: endpoint.option("api")?.unwrap_or_default(),
            model,
            guardrail: endpoint.option("guardrail")?,
            latency: endpoint.option("latency")?,
            betas: endpoint.option("betas")?,
        })
    }

    /// The guardrail as Invoke wants it: field by field.
    ///
    /// # Errors
    /// Of kind `unsupported`, where the option is not Converse's object.
    pub(crate) fn guardrail(&self) -> Result<Option<Guardrail>, Failure> {
        let Some(json) = &self.guardrail else {
            return Ok(None);
        };
        let guardrail = serde_json::from_str(json.get());
        guardrail.map(Some).map_err(|error| {
            Failure::unsupported(format!("the endpoint's option \"guardrail\" is wrong: {error}"))
        })
    }

    /// The request without the features in beta that the service is not to be told of.
    pub(crate) fn without_unknown_betas(&self, mut request: Request) -> Request {
        let Some(known) = &self.betas else {
            return request;
        };
        for (name, value) in &mut request.headers {
            if name == "anthropic-beta" {
                let betas = value.split(',').map(str::trim);
                let kept: Vec<_> = betas.filter(|beta| known.iter().any(|it| it == beta)).collect();
                *value = kept.join(",");
            }
        }
        request.headers.retain(|(_, value)| !value.is_empty());
        request
    }
}
