//! What can be asked for and what it costs: models, the endpoints that serve
//! them, the providers behind those. Built once from the embedded data and the
//! operator's file, then only read.

pub(crate) mod brought;
mod cost;
mod credential;
mod family;
mod price;

use std::collections::BTreeMap;
use std::sync::Arc;

use plugway_accounts::RateSettings;
use plugway_engine::{AuthScheme, Setting};
use plugway_routing::estimate::Vocabulary;

pub use brought::{Brought, KeyMaterial};
pub use cost::{Consumption, cost};
pub use credential::{
    AccessKeySource, ClientSource, Credential, CredentialSource, FileSource, SecretSource,
};
pub use price::{
    PER_MILLION_DECIMALS, PER_REQUEST_DECIMALS, Price, PriceError, PriceTier,
    dollars_to_picodollars,
};

/// The embedded data, name and text of each file: the providers, and the models that
/// several of them serve. The reader of the operator's file reads these too.
pub(crate) const EMBEDDED: &[(&str, &str)] = &[
    ("catalog/providers.toml", include_str!("../../catalog/providers.toml")),
    ("catalog/models.toml", include_str!("../../catalog/models.toml")),
];

/// What each provider offers, by its name. Read only for those that are active:
/// together they hold thousands of endpoints.
pub(crate) const OFFERS: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/offers.rs"));

/// Where an HTTP service of a model provider is, and how to speak to it.
#[derive(Clone, Debug)]
pub struct Provider {
    /// Lower-case slug, unique; the first part of endpoint ids.
    pub name: String,
    /// For people.
    pub display_name: String,
    /// Id of the adapter plugin that speaks this provider's format.
    pub adapter: String,
    /// Adapters' paths are appended. Http or https, without user or query; its
    /// path is `/` or ends without a slash.
    pub base_url: http::Uri,
    /// Where its models are listed, if not there.
    pub models_url: Option<http::Uri>,
    /// How a credential is attached; `None` exactly when none is needed.
    pub auth: AuthScheme,
    /// Where the secrets are kept that it may be called with, each by its own name.
    /// Never a secret itself. None where one is needed: only clients' own keys are used.
    pub credentials: Vec<Arc<Credential>>,
    /// For the adapter: name and JSON value, each name once.
    pub options: Vec<Setting>,
    /// The operator's labels, for strategies.
    pub tags: Vec<(String, String)>,
    /// Sent with every request to the provider.
    pub headers: Vec<(http::HeaderName, http::HeaderValue)>,
    /// Paths below the base URL that clients are relayed to as they ask, and all
    /// below them.
    pub relay: Vec<String>,
    /// What all its endpoints together are asked for at most.
    pub rates: RateSettings,
    /// What it publishes of itself.
    pub facts: ProviderFacts,
}

/// What a provider publishes of itself; none where nobody looked it up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProviderFacts {
    /// Whether it may train models on what it is sent.
    pub trains_on_prompts: Option<bool>,
    /// Whether it keeps what it is sent, for any time and any reason.
    pub retains_prompts: Option<bool>,
    /// Country, as two letters.
    pub headquarters: Option<String>,
    /// Page.
    pub privacy_policy_url: Option<String>,
    /// Page.
    pub terms_of_service_url: Option<String>,
    /// Page.
    pub status_page_url: Option<String>,
}

impl Provider {
    /// The option of this name, where its value is text.
    #[must_use]
    pub fn text_option(&self, name: &str) -> Option<String> {
        let (_, json) = self.options.iter().find(|(key, _)| key == name)?;
        serde_json::from_str(json).ok()
    }
}

/// What a client asks for by name.
#[derive(Clone, Debug)]
pub struct Model {
    /// `author/name`, unique.
    pub slug: String,
    /// For people.
    pub name: String,
    /// Release, seconds since the Unix epoch; 0 when unknown.
    pub created: u64,
    /// For people; may be empty.
    pub description: String,
    /// Prompt and answer together, in tokens.
    pub context_length: Option<u32>,
    /// Longest answer, in tokens.
    pub max_output_tokens: Option<u32>,
    /// Of `text`, `image`, `file`, `audio`, `video`; empty: unknown.
    pub input_modalities: Vec<String>,
    /// As above, or `embeddings` or `rerank`; empty: unknown.
    pub output_modalities: Vec<String>,
    /// Request parameters that the model takes; empty: whatever the adapter translates.
    pub supported_parameters: Vec<String>,
    /// Never empty: a model that no active provider serves is not in the catalogue.
    pub endpoints: Vec<Arc<Endpoint>>,
}

/// One provider's offer of one model.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// `<provider>/<upstream model>`, and `/<variant>` where it is one; unique.
    pub id: String,
    /// In the catalogue. Otherwise a client made the name up, and may make up more.
    pub is_listed: bool,
    /// Whose offer it is.
    pub provider: Arc<Provider>,
    /// Slug of the model; the name as asked for when the catalogue does not know it.
    pub model_slug: String,
    /// What the provider calls the model.
    pub upstream_model: String,
    /// None: unpriced, its cost is unknown rather than nothing.
    pub price: Option<Price>,
    /// The model's, unless this offer has its own.
    pub context_length: Option<u32>,
    /// The model's, unless this offer has its own.
    pub max_output_tokens: Option<u32>,
    /// For the adapter: name and JSON value; the endpoint's own override the provider's.
    pub options: Vec<Setting>,
    /// E.g. `fp8`.
    pub quantization: Option<String>,
    /// E.g. `eu`.
    pub region: Option<String>,
    /// E.g. `flex`.
    pub service_tier: Option<String>,
    /// Tells it apart from other offers of its provider for the model, e.g. `turbo`.
    pub variant: Option<String>,
    /// What the model reads here, as in [`Model`].
    pub input_modalities: Vec<String>,
    /// What the model writes here, as in [`Model`].
    pub output_modalities: Vec<String>,
    /// The published vocabulary that it reads in; none: unknown.
    pub tokenizer: Option<Vocabulary>,
    /// The operator's labels: the provider's, then the endpoint's.
    pub tags: Vec<(String, String)>,
    /// The model's, unless this offer has its own.
    pub supported_parameters: Vec<String>,
    /// Tuning parameters that the provider refuses for this model.
    pub refused_parameters: Vec<String>,
    /// What it is asked for at most.
    pub rates: RateSettings,
}

impl Endpoint {
    /// An endpoint for a model that the catalogue does not know: unpriced, with
    /// no limits of its own.
    #[must_use]
    pub fn passthrough(provider: &Arc<Provider>, upstream_model: &str) -> Self {
        let id = format!("{}/{upstream_model}", provider.name);
        Endpoint {
            model_slug: id.clone(),
            id,
            is_listed: false,
            provider: Arc::clone(provider),
            upstream_model: upstream_model.to_owned(),
            price: None,
            context_length: None,
            max_output_tokens: None,
            options: provider.options.clone(),
            quantization: None,
            region: None,
            service_tier: None,
            variant: None,
            input_modalities: Vec::new(),
            output_modalities: Vec::new(),
            tokenizer: None,
            tags: provider.tags.clone(),
            supported_parameters: Vec::new(),
            refused_parameters: Vec::new(),
            rates: RateSettings::default(),
        }
    }
}

/// What a model name turned out to mean.
#[derive(Clone, Debug)]
pub enum Resolution {
    /// In the catalogue.
    Known(Arc<Model>),
    /// The part before the slash names an active provider; the rest is passed on
    /// to it. Unpriced; see [`Endpoint::passthrough`].
    Passthrough {
        /// Who is asked.
        provider: Arc<Provider>,
        /// Never empty.
        upstream_model: String,
    },
    /// Only a provider that is not active could serve it.
    Inactive {
        /// Its slug.
        provider: String,
        /// What turns it on, for people.
        remedy: String,
    },
    /// Nothing fits.
    Unknown {
        /// Similar slugs, nearest first, at most three.
        near: Vec<String>,
    },
}

/// Every active provider, and every model that they serve.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    /// By slug.
    pub providers: BTreeMap<String, Arc<Provider>>,
    /// By slug.
    pub models: BTreeMap<String, Arc<Model>>,
    /// The operator's own names, and what each stands for. Never another of them.
    pub aliases: BTreeMap<String, String>,
    /// Known but not active: slug, and what would turn it on.
    pub(crate) inactive: BTreeMap<String, String>,
    /// Names other than the slug: endpoint ids, and what stands after the slash
    /// of a slug where only one model has it.
    names: BTreeMap<String, Arc<Model>>,
}

impl Catalog {
    /// Takes over what the configuration put together.
    pub(crate) fn new(
        providers: BTreeMap<String, Arc<Provider>>,
        models: BTreeMap<String, Arc<Model>>,
        aliases: BTreeMap<String, String>,
        inactive: BTreeMap<String, String>,
    ) -> Self {
        let names = other_names(&models);
        Catalog { providers, models, aliases, inactive, names }
    }

    /// The model of exactly this name: its slug, an endpoint's id, or what stands after
    /// the slash of a slug that no other model shares.
    pub(crate) fn known(&self, name: &str) -> Option<&Arc<Model>> {
        self.models.get(name).or_else(|| self.names.get(name))
    }

    /// What people call a provider: its slug, where it is active no more.
    #[must_use]
    pub fn display_name<'a>(&'a self, provider: &'a str) -> &'a str {
        self.providers.get(provider).map_or(provider, |provider| &provider.display_name)
    }

    /// What `name`, as a client wrote it, means. A slug wins over an endpoint's
    /// id, that over a bare model name, that over passing through.
    #[must_use]
    pub fn resolve(&self, name: &str) -> Resolution {
        if let Some(model) = self.known(name) {
            return Resolution::Known(Arc::clone(model));
        }
        if let Some((author, rest)) = name.split_once('/')
            && !rest.is_empty()
        {
            if let Some(provider) = self.providers.get(author) {
                return Resolution::Passthrough {
                    provider: Arc::clone(provider),
                    upstream_model: rest.to_owned(),
                };
            }
            if let Some(remedy) = self.inactive.get(author) {
                return Resolution::Inactive {
                    provider: author.to_owned(),
                    remedy: remedy.clone(),
                };
            }
        }
        Resolution::Unknown { near: self.near(name) }
    }

    fn near(&self, name: &str) -> Vec<String> {
        /// Below this similarity (0 to 1) a suggestion confuses more than it helps.
        const ALIKE: f64 = 0.8;
        /// Client input: comparing costs its length times every slug's.
        const MAX_NAME_BYTES: usize = 128;
        if name.len() > MAX_NAME_BYTES {
            return Vec::new();
        }
        let mut scored: Vec<(f64, &String)> = self
            .models
            .keys()
            .map(|slug| {
                let tail = slug.split_once('/').map_or(slug.as_str(), |(_, tail)| tail);
                let score = strsim::jaro_winkler(name, slug).max(strsim::jaro_winkler(name, tail));
                (score, slug)
            })
            .filter(|(score, _)| *score >= ALIKE)
            .collect();
        scored.sort_by(|a, b| b.0.total_cmp(&a.0));
        scored.into_iter().take(3).map(|(_, slug)| slug.clone()).collect()
    }
}

fn other_names(models: &BTreeMap<String, Arc<Model>>) -> BTreeMap<String, Arc<Model>> {
    let mut names: BTreeMap<String, Option<Arc<Model>>> = BTreeMap::new();
    for (slug, model) in models {
        if let Some((_, tail)) = slug.split_once('/') {
            // A second model of that name makes it ambiguous, so nobody's.
            names
                .entry(tail.to_owned())
                .and_modify(|owner| *owner = None)
                .or_insert_with(|| Some(Arc::clone(model)));
        }
    }
    let mut names: BTreeMap<_, _> =
        names.into_iter().filter_map(|(name, model)| Some((name, model?))).collect();
    for model in models.values() {
        for endpoint in &model.endpoints {
            names.insert(endpoint.id.clone(), Arc::clone(model));
        }
    }
    names
}
