//! Embeddings in OpenAI's format, and in that of those who took it over.
//!
//! Options of an endpoint beside those of [`crate::openai_chat`]:
//!
//! | option | default | meaning |
//! |---|---|---|
//! | `dimensions_field` | `dimensions` | the field for the length of a vector, e.g. `output_dimension` |
//! | `purpose_field` | none | the field for what the vectors are for, e.g. `input_type`; without one it is left out |
//! | `purposes` | none | what the server calls a purpose: an object, e.g. `{"search_query": "query"}` |

mod vector;

use std::collections::HashMap;
use std::marker::PhantomData;

use plugway_sdk::chat::{Failure, Usage};
use plugway_sdk::embeddings::{EmbedInput, EmbedRequest, EmbedResponse, Embeddings};
use plugway_sdk::provider::{Endpoint, UpstreamRequest, UpstreamResponse};
use serde::Deserialize;

use crate::json::{Json, Object};
use crate::node::Node;
use crate::openai_chat::{Options, Profiled, in_band};
use crate::path::percent_encoded;
use vector::Vector;

/// The embeddings of a provider.
pub struct OpenAiEmbeddings<P>(PhantomData<P>);

impl<P: Profiled> Embeddings for OpenAiEmbeddings<P> {
    fn encode(request: EmbedRequest, endpoint: Endpoint) -> Result<UpstreamRequest, Failure> {
        let profile = P::PROFILE;
        let options = Options::of(profile, &endpoint)?;
        let dimensions_field = endpoint.option::<String>("dimensions_field")?;
        let dimensions_field =
            dimensions_field.as_deref().unwrap_or(profile.defaults.dimensions_field);
        let purpose_field = endpoint.option::<String>("purpose_field")?;
        let purposes: HashMap<String, String> = endpoint.option("purposes")?.unwrap_or_default();
        let mut body = Object::new().with("model", &request.model).with("input", input(&request)?);
        body = body.with_some(dimensions_field, request.dimensions);
        if let (Some(field), Some(purpose)) = (&purpose_field, &request.purpose) {
            body.push(field.as_str(), purposes.get(purpose).unwrap_or(purpose));
        }
        if options.takes("user") {
            body = body.with_some(&options.user_field, request.user.as_ref());
        }
        if profile.speaks(&request.dialect) {
            body = body.with_extra(&request.extra)?;
        }
        let path = options.embeddings_path.replace("{model}", &percent_encoded(&request.model));
        let mut upstream = UpstreamRequest::post_json(path, Json::Object(body).to_bytes()?);
        upstream.memo = request.input.len().to_string();
        Ok(upstream)
    }

    fn decode(response: UpstreamResponse, memo: String) -> Result<EmbedResponse, Failure> {
        let Ok(mut answer) = serde_json::from_slice::<Answer>(&response.body) else {
            let failure = Node::read(&response.body).and_then(|body| in_band(&body));
            return Err(failure.unwrap_or_else(|| {
                Failure::unavailable("the provider sent embeddings that cannot be read")
            }));
        };
        answer.data.sort_by_key(|item| item.index);
        if memo.parse().is_ok_and(|wanted: usize| wanted != answer.data.len()) {
            return Err(Failure::unavailable("the provider left out some of the embeddings"));
        }
        let vectors = answer.data.into_iter().map(|item| item.embedding.0).collect();
        Ok(EmbedResponse { vectors, usage: answer.usage.as_ref().and_then(usage) })
    }
}

fn input(request: &EmbedRequest) -> Result<Json<'_>, Failure> {
    request.input.iter().map(one).collect::<Result<Vec<_>, _>>().map(Json::from)
}

fn one(input: &EmbedInput) -> Result<Json<'_>, Failure> {
    match input {
        EmbedInput::Text(text) => Ok(text.into()),
        EmbedInput::Tokens(tokens) => {
            Ok(tokens.iter().map(|token| Json::from(*token)).collect::<Vec<_>>().into())
        }
        EmbedInput::Parts(_) => {
            Err(Failure::unsupported("only text and tokens can be embedded here"))
        }
    }
}

#[derive(Deserialize)]
struct Answer {
    data: Vec<Item>,
    #[serde(default)]
    usage: Option<Node>,
}

#[derive(Deserialize)]
struct Item {
    #[serde(default)]
    index: u32,
    embedding: Vector,
}

/// Servers count what they read by one of two names.
pub(crate) fn usage(usage: &Node) -> Option<Usage> {
    let read = usage.count("prompt_tokens").or_else(|| usage.count("total_tokens"))?;
    let cost = crate::openai_chat::named_price(usage);
    Some(Usage { prompt_tokens: read, cost, ..Usage::default() })
}
