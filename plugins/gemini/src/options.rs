//! What the operator said about an endpoint: whose it is, and how its model differs.

use plugway_sdk::chat::Failure;
use plugway_sdk::provider::Endpoint;
use serde::Deserialize;

/// The two services that speak this API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Platform {
    AiStudio,
    Vertex,
}

/// How a model is told how much to think.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ThinkingStyle {
    /// `thinkingLevel`.
    Level,
    /// `thinkingBudget`.
    Budget,
    /// It cannot think.
    None,
}

/// How texts are sent to an embedding model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum EmbedMethod {
    BatchEmbedContents,
    EmbedContent,
    Predict,
}

/// The options of the crate's documentation, with their defaults.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) platform: Platform,
    pub(crate) api_version: Option<String>,
    pub(crate) project: Option<String>,
    pub(crate) location: String,
    pub(crate) publisher: String,
    pub(crate) thinking: Option<ThinkingStyle>,
    pub(crate) fetches_urls: Option<bool>,
    pub(crate) embed_method: Option<EmbedMethod>,
}

impl Options {
    /// # Errors
    /// Of kind `unsupported`, where an option has the wrong type.
    pub(crate) fn of(endpoint: &Endpoint) -> Result<Self, Failure> {
        let text = |name, default: &str| {
            Ok(endpoint.option::<String>(name)?.unwrap_or_else(|| default.to_owned()))
        };
        Ok(Self {
            platform: endpoint.option("platform")?.unwrap_or(Platform::AiStudio),
            api_version: endpoint.option("api_version")?,
            project: endpoint.option("project")?,
            location: text("location", "global")?,
            publisher: text("publisher", "google")?,
            thinking: endpoint.option("thinking")?,
            fetches_urls: endpoint.option("fetches_urls")?,
            embed_method: endpoint.option("embed_method")?,
        })
    }

    /// Whether the model is one of Anthropic's, which speaks a format of its own.
    pub(crate) fn is_claude(&self) -> bool {
        self.is_vertex() && self.publisher == "anthropic"
    }

    pub(crate) fn is_vertex(&self) -> bool {
        self.platform == Platform::Vertex
    }
}
