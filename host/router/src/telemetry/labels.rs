//! What metrics are told apart by. Nothing that a client thinks of may become a
//! label: their number must not grow with the traffic.

use crate::catalog::Endpoint;
use prometheus_client::encoding::EncodeLabelSet;

/// Who asked what, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RequestLabels {
    /// Route pattern, never the raw path.
    pub route: &'static str,
    /// HTTP status.
    pub status: u16,
}

/// Where an attempt went, and how it ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct AttemptLabels {
    /// Provider slug.
    pub provider: String,
    /// `ok`, `cancelled` where the client left, `hedged` where another attempt was
    /// faster, or the error's type.
    pub outcome: &'static str,
}

/// With which credential an attempt was made, and how it ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct CredentialAttemptLabels {
    /// Provider slug.
    pub provider: String,
    /// As the configuration names it.
    pub credential: String,
    /// `ok`, `cancelled`, or the error's type.
    pub outcome: &'static str,
}

/// One of a provider's credentials.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct CredentialLabels {
    /// Provider slug.
    pub provider: String,
    /// As the configuration names it.
    pub credential: String,
}

/// To whom.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ProviderLabels {
    /// Provider slug.
    pub provider: String,
}

/// Which endpoint. What clients name and the catalogue does not is one endpoint
/// per provider here: labels must not grow with what clients think of.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct EndpointLabels {
    /// Endpoint id, or `<provider>/*`.
    pub endpoint: String,
}

impl EndpointLabels {
    /// The labels of an endpoint.
    pub fn of(endpoint: &Endpoint) -> Self {
        let endpoint = match endpoint.is_listed {
            true => endpoint.id.clone(),
            false => format!("{}/*", endpoint.provider.name),
        };
        Self { endpoint }
    }

    /// It stands for all of a provider's endpoints that the catalogue does not list.
    pub fn is_unlisted(&self) -> bool {
        self.endpoint.ends_with("/*")
    }
}

/// How an endpoint called tools.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ToolCallLabels {
    /// As in [`EndpointLabels`].
    pub endpoint: String,
    /// `usable` or `unusable`.
    pub outcome: &'static str,
}

/// What was left out, and for whom.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ParameterLabels {
    /// Provider slug.
    pub provider: String,
    /// The router's own list of names.
    pub parameter: &'static str,
}

/// What left no room.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ShedLabels {
    /// `requests` or `connections`.
    pub bound: &'static str,
}

/// What there is only so much of.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ResourceLabels {
    /// `connections`, `requests`, `instances`, `descriptors` or `buffered_bytes`.
    pub resource: &'static str,
}

/// Which plugin.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct PluginLabels {
    /// Plugin id.
    pub plugin: String,
}

/// A plugin that serves.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ServingLabels {
    /// Plugin id.
    pub plugin: String,
    /// SHA-256 in hexadecimal.
    pub digest: String,
}

/// A file that does not serve, although it was put there to.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RefusedLabels {
    /// Plugin id.
    pub plugin: String,
    /// In the plugins directory.
    pub file: String,
    /// SHA-256 in hexadecimal; empty where it could not be read.
    pub digest: String,
    /// Why, and what to do.
    pub reason: String,
}

/// Tokens of one kind at one provider.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct TokenLabels {
    /// Provider slug.
    pub provider: String,
    /// `prompt` or `completion`.
    pub kind: &'static str,
}
