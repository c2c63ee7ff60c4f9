//! `[models."author/name"]` and its endpoints: who serves a model, at what
//! price. A slug of the embedded catalogue starts from what is known about it.

use std::collections::BTreeMap;
use std::sync::Arc;

use plugway_accounts::calendar::{DAY_MS, read_day};
use plugway_engine::Setting;
use plugway_routing::estimate::Vocabulary;
use toml::de::DeValue;

use super::diagnostic::Place;
use super::field::{Field, Slot};
use super::options::{read_options, read_pairs};
use super::prices::{self, PriceTable};
use super::providers::is_slug;
use super::rates::{self, RateTable, Rated};
use super::reader::{Entry, Section};
use crate::catalog::{Endpoint, Model, Provider};

/// A model as typed, on top of what the embedded catalogue says of it.
#[derive(Clone, Debug, Default)]
pub(super) struct ModelTable {
    /// The embedded catalogue has it.
    is_known: bool,
    name: Option<String>,
    created: u64,
    description: Option<String>,
    context_length: Option<u32>,
    max_output_tokens: Option<u32>,
    input_modalities: Vec<String>,
    output_modalities: Vec<String>,
    supported_parameters: Vec<String>,
    tokenizer: Option<Vocabulary>,
    pub(super) endpoints: Vec<EndpointTable>,
}

/// An endpoint as typed.
#[derive(Clone, Debug, Default)]
pub(super) struct EndpointTable {
    pub(super) place: Place,
    /// Written by the operator, not embedded.
    pub(super) own: bool,
    pub(super) provider: Option<String>,
    model: Option<String>,
    price: PriceTable,
    context_length: Option<u32>,
    max_output_tokens: Option<u32>,
    supported_parameters: Vec<String>,
    refused_parameters: Vec<String>,
    quantization: Option<String>,
    region: Option<String>,
    service_tier: Option<String>,
    variant: Option<String>,
    input_modalities: Vec<String>,
    output_modalities: Vec<String>,
    options: Vec<Setting>,
    tags: Vec<(String, String)>,
    rates: RateTable,
}

impl Rated for EndpointTable {
    fn rates(&mut self) -> &mut RateTable {
        &mut self.rates
    }
}

/// What a model may read.
const INPUT_MODALITIES: &[&str] = &["text", "image", "file", "audio", "video"];

/// What it may write.
const OUTPUT_MODALITIES: &[&str] =
    &["text", "image", "file", "audio", "video", "embeddings", "rerank"];

pub(super) const FIELDS: &[Field<ModelTable>] = &[
    Field {
        key: "name",
        slot: Slot::Text(|c| &mut c.name),
        about: "Name for people. Default: the slug.",
    },
    Field { key: "description", slot: Slot::Text(|c| &mut c.description), about: "For people." },
    Field {
        key: "released",
        slot: Slot::Nested {
            shape: "date",
            read: |entry, model| model.created = read_date(entry).unwrap_or(model.created),
        },
        about: "Day of release, e.g. `2026-03-05`.",
    },
    Field {
        key: "context_length",
        slot: Slot::Tokens(|c| &mut c.context_length),
        about: "Tokens of prompt and answer together.",
    },
    Field {
        key: "max_output_tokens",
        slot: Slot::Tokens(|c| &mut c.max_output_tokens),
        about: "Tokens of the longest answer.",
    },
    Field {
        key: "input_modalities",
        slot: Slot::Words(|c| &mut c.input_modalities),
        about: "What the model reads: `text`, `image`, `file`, `audio`, `video`. Requests with other media leave it out. Default: unknown, and nothing is left out.",
    },
    Field {
        key: "output_modalities",
        slot: Slot::Words(|c| &mut c.output_modalities),
        about: "What the model writes: the same, or `embeddings` or `rerank`, of a model that makes vectors or puts documents in order. Default: unknown.",
    },
    Field {
        key: "supported_parameters",
        slot: Slot::Words(|c| &mut c.supported_parameters),
        about: "Request parameters that the model takes. Default: all that the adapter translates.",
    },
    Field {
        key: "tokenizer",
        slot: Slot::Nested {
            shape: "`o200k` or `cl100k`",
            read: |entry, model| model.tokenizer = read_tokenizer(entry).or(model.tokenizer),
        },
        about: "The published vocabulary that the model reads in. With it a prompt near the limit is counted exactly. Default: unknown, and prompts are estimated.",
    },
    Field {
        key: "endpoints",
        slot: Slot::Nested { shape: "array of tables", read: read_endpoints },
        about: "Who serves the model; at least one. See below.",
    },
];

pub(super) const ENDPOINT_FIELDS: &[Field<EndpointTable>] = &[
    Field {
        key: "provider",
        slot: Slot::Text(|c| &mut c.provider),
        about: "Name of a provider. Required.",
    },
    Field {
        key: "model",
        slot: Slot::Text(|c| &mut c.model),
        about: "What the provider calls the model. Default: the slug's last part.",
    },
    Field {
        key: "price",
        slot: Slot::Nested {
            shape: "table",
            read: |entry, endpoint| {
                if let Some(section) = entry.table() {
                    prices::read(&section, &mut endpoint.price);
                }
            },
        },
        about: "What the provider charges. Without it the endpoint's costs are unknown. See below.",
    },
    Field {
        key: "context_length",
        slot: Slot::Tokens(|c| &mut c.context_length),
        about: "Where it differs from the model's.",
    },
    Field {
        key: "max_output_tokens",
        slot: Slot::Tokens(|c| &mut c.max_output_tokens),
        about: "Where it differs from the model's.",
    },
    Field {
        key: "supported_parameters",
        slot: Slot::Words(|c| &mut c.supported_parameters),
        about: "Where they differ from the model's.",
    },
    Field {
        key: "refused_parameters",
        slot: Slot::Words(|c| &mut c.refused_parameters),
        about: "Tuning parameters that the provider refuses for this model, e.g. `temperature`; they are left out of requests.",
    },
    Field { key: "quantization", slot: Slot::Text(|c| &mut c.quantization), about: "E.g. `fp8`." },
    Field { key: "region", slot: Slot::Text(|c| &mut c.region), about: "E.g. `eu`." },
    Field {
        key: "service_tier",
        slot: Slot::Text(|c| &mut c.service_tier),
        about: "E.g. `flex`. Only requests that ask for the tier go there.",
    },
    Field {
        key: "variant",
        slot: Slot::Text(|c| &mut c.variant),
        about: "Tells it apart from other offers of the provider for the same model: requests name it `provider/variant`, and its id ends in it. Default: its service tier.",
    },
    Field {
        key: "input_modalities",
        slot: Slot::Words(|c| &mut c.input_modalities),
        about: "Where they differ from the model's.",
    },
    Field {
        key: "output_modalities",
        slot: Slot::Words(|c| &mut c.output_modalities),
        about: "Where they differ from the model's.",
    },
    Field {
        key: "options",
        slot: Slot::Nested {
            shape: "table of any values",
            read: |entry, endpoint| endpoint.options = read_options(entry),
        },
        about: "Handed to the adapter; override the provider's.",
    },
    Field {
        key: "tags",
        slot: Slot::Nested {
            shape: "table of strings",
            read: |entry, endpoint| endpoint.tags = read_pairs(entry),
        },
        about: "Labels for strategies, added to the provider's.",
    },
    rates::requests_per_minute(),
    rates::tokens_per_minute(),
    rates::concurrent_requests(),
];

/// Reads `[models."author/name"]` on top of `model`. In the catalogue's own data,
/// who serves a model may stand elsewhere.
pub(super) fn read(section: &Section<'_>, model: &mut ModelTable, is_embedded: bool) {
    section.read(FIELDS, model);
    let slug = section.name();
    // An endpoint that the embedded catalogue has too takes its place.
    let own = model.endpoints.iter().filter(|endpoint| endpoint.own);
    let ids: Vec<String> = own.map(|endpoint| endpoint.id(slug)).collect();
    let endpoints = &mut model.endpoints;
    endpoints.retain(|endpoint| endpoint.own || !ids.contains(&endpoint.id(slug)));
    let well_formed = slug.split_once('/').is_some_and(|(author, name)| {
        is_slug(author) && !name.is_empty() && !name.contains(char::is_whitespace)
    });
    if !well_formed {
        section.error("", "is no model slug", "name models `author/name`");
    }
    if is_embedded {
        // Its generator leaves out what is text alone.
        if !model.is_known {
            for modalities in [&mut model.input_modalities, &mut model.output_modalities] {
                if modalities.is_empty() {
                    modalities.push("text".to_owned());
                }
            }
        }
        model.is_known = true;
    } else if model.endpoints.is_empty() && !model.is_known {
        let remedy = format!("add `[[models.{slug:?}.endpoints]]` with a `provider`");
        section.error("endpoints", "nobody serves this model", remedy);
    }
    for (key, words, known) in [
        ("input_modalities", &model.input_modalities, INPUT_MODALITIES),
        ("output_modalities", &model.output_modalities, OUTPUT_MODALITIES),
    ] {
        for word in words.iter().filter(|word| !known.contains(&word.as_str())) {
            let remedy = format!("choose of `{}`", known.join("`, `"));
            section.error(key, format!("`{word}` is unknown"), remedy);
        }
    }
}

fn read_endpoints(entry: &Entry<'_>, model: &mut ModelTable) {
    for section in entry.tables() {
        let mut endpoint = EndpointTable {
            place: section.place("provider"),
            own: true,
            ..EndpointTable::default()
        };
        section.read(ENDPOINT_FIELDS, &mut endpoint);
        if endpoint.provider.is_none() && !section.has("provider") {
            section.error("provider", "is missing", "name the provider that serves the model");
        }
        model.endpoints.push(endpoint);
    }
}

fn read_tokenizer(entry: &Entry<'_>) -> Option<Vocabulary> {
    let name = entry.text()?;
    let read = name.parse();
    let remedy = || format!("choose `{}`", Vocabulary::NAMES.join("` or `"));
    read.map_err(|error| entry.error(format!("`{name}` {error}"), remedy())).ok()
}

fn read_date(entry: &Entry<'_>) -> Option<u64> {
    let date = match entry.value() {
        DeValue::Datetime(datetime) => datetime.date,
        _ => None,
    };
    let day = date.and_then(|date| read_day(&date.to_string()).ok());
    let seconds = day.and_then(|day| u64::try_from(day).ok()).map(|day| day * DAY_MS / 1_000);
    if seconds.is_none() {
        entry.error("is no date since 1970", "write a date such as 2026-03-05");
    }
    seconds
}

impl ModelTable {
    /// As used, with the endpoints of active providers. None where those are none.
    pub(super) fn finish(
        self,
        slug: &str,
        providers: &BTreeMap<String, Arc<Provider>>,
    ) -> Option<Model> {
        let endpoints: Vec<_> = self
            .endpoints
            .iter()
            .filter_map(|endpoint| {
                let provider = providers.get(endpoint.provider.as_deref()?)?;
                Some(Arc::new(self.finish_endpoint(slug, endpoint, provider)))
            })
            .collect();
        if endpoints.is_empty() {
            return None;
        }
        Some(Model {
            slug: slug.to_owned(),
            name: self.name.unwrap_or_else(|| slug.to_owned()),
            created: self.created,
            description: self.description.unwrap_or_default(),
            context_length: self.context_length,
            max_output_tokens: self.max_output_tokens,
            input_modalities: self.input_modalities,
            output_modalities: self.output_modalities,
            supported_parameters: self.supported_parameters,
            endpoints,
        })
    }

    fn finish_endpoint(
        &self,
        slug: &str,
        endpoint: &EndpointTable,
        provider: &Arc<Provider>,
    ) -> Endpoint {
        let EndpointTable { options, tags, .. } = endpoint.clone();
        let own_or = |own: &[String], model: &[String]| match own.is_empty() {
            true => model.to_vec(),
            false => own.to_vec(),
        };
        Endpoint {
            id: endpoint.id(slug),
            is_listed: true,
            provider: Arc::clone(provider),
            model_slug: slug.to_owned(),
            upstream_model: endpoint.upstream_model(slug).to_owned(),
            price: endpoint.price.clone().finish(),
            context_length: endpoint.context_length.or(self.context_length),
            max_output_tokens: endpoint.max_output_tokens.or(self.max_output_tokens),
            options: overlay(&provider.options, options),
            quantization: endpoint.quantization.clone(),
            region: endpoint.region.clone(),
            service_tier: endpoint.service_tier.clone(),
            variant: endpoint.variant().map(str::to_owned),
            input_modalities: own_or(&endpoint.input_modalities, &self.input_modalities),
            output_modalities: own_or(&endpoint.output_modalities, &self.output_modalities),
            tokenizer: self.tokenizer,
            tags: overlay(&provider.tags, tags),
            supported_parameters: own_or(
                &endpoint.supported_parameters,
                &self.supported_parameters,
            ),
            refused_parameters: endpoint.refused_parameters.clone(),
            rates: endpoint.rates.settings(),
        }
    }
}

impl EndpointTable {
    /// `<provider>/<upstream model>`, and the variant where it is one.
    pub(super) fn id(&self, slug: &str) -> String {
        let provider = self.provider.as_deref().unwrap_or_default();
        let model = self.upstream_model(slug);
        match self.variant() {
            Some(variant) => format!("{provider}/{model}/{variant}"),
            None => format!("{provider}/{model}"),
        }
    }

    fn variant(&self) -> Option<&str> {
        self.variant.as_deref().or(self.service_tier.as_deref())
    }

    fn upstream_model<'a>(&'a self, slug: &'a str) -> &'a str {
        let of_slug = slug.split_once('/').map_or(slug, |(_, name)| name);
        self.model.as_deref().unwrap_or(of_slug)
    }
}

/// The base's pairs that are not overridden, then the others.
fn overlay(base: &[(String, String)], own: Vec<(String, String)>) -> Vec<(String, String)> {
    let kept = base.iter().filter(|(name, _)| own.iter().all(|(other, _)| other != name));
    let mut all: Vec<_> = kept.cloned().collect();
    all.extend(own);
    all
}
