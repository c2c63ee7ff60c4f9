//! The list of a server's models in OpenAI's format, with what those who took it over
//! say of each.

use std::marker::PhantomData;

use plugway_sdk::chat::Failure;
use plugway_sdk::models::{Model, Models, Page};
use plugway_sdk::provider::{Endpoint, Framing, UpstreamRequest, UpstreamResponse};

use crate::node::Node;
use crate::openai_chat::{Options, Profiled, in_band};
use crate::path::percent_encoded;

/// The models of a provider.
pub struct OpenAiModels<P>(PhantomData<P>);

impl<P: Profiled> Models for OpenAiModels<P> {
    fn encode(cursor: Option<String>, endpoint: Endpoint) -> Result<UpstreamRequest, Failure> {
        let path = Options::of(P::PROFILE, &endpoint)?.models_path;
        let path = match cursor {
            None => path.into_owned(),
            Some(cursor) => {
                let joint = if path.contains('?') { '&' } else { '?' };
                format!("{path}{joint}after={}", percent_encoded(&cursor))
            }
        };
        Ok(UpstreamRequest {
            method: "GET".into(),
            path,
            headers: Vec::new(),
            body: Vec::new(),
            framing: Framing::Raw,
            memo: String::new(),
        })
    }

    fn decode(response: UpstreamResponse, _memo: String) -> Result<Page, Failure> {
        let unreadable = || Failure::unavailable("the provider sent models that cannot be read");
        let body = Node::read(&response.body).ok_or_else(unreadable)?;
        let listed = match &body {
            Node::List(items) => Some(items.as_slice()),
            _ => ["data", "models"].iter().find_map(|name| match body.get(name)? {
                Node::List(items) => Some(items.as_slice()),
                _ => None,
            }),
        };
        let listed = listed.ok_or_else(|| in_band(&body).unwrap_or_else(unreadable))?;
        let more = body.flag("has_more") == Some(true);
        Ok(Page {
            models: listed.iter().filter_map(model).collect(),
            cursor: body.owned("last_id").filter(|_| more),
        })
    }
}

/// Where a model says how much it reads.
const CONTEXT: [&[&str]; 8] = [
    &["context_length"],
    &["context_window"],
    &["max_context_length"],
    &["max_model_len"],
    &["capabilities", "limits", "max_context_window_tokens"],
    &["meta", "n_ctx"],
    &["meta", "n_ctx_train"],
    &["max_input_tokens"],
];

/// Where a model says how much it writes.
const OUTPUT: [&[&str]; 6] = [
    &["max_completion_tokens"],
    &["max_output_tokens"],
    &["max_output_length"],
    &["max_tokens"],
    &["top_provider", "max_completion_tokens"],
    &["capabilities", "limits", "max_output_tokens"],
];

fn model(item: &Node) -> Option<Model> {
    let id = item.owned("id").or_else(|| item.owned("model")).or_else(|| item.owned("name"))?;
    let limit = |places: &[&[&str]]| {
        let mut found = places.iter().filter_map(|place| item.at(place)?.as_count());
        found.find(|limit| *limit > 0).and_then(|limit| u32::try_from(limit).ok())
    };
    Some(Model {
        id,
        context_length: limit(&CONTEXT),
        max_output_tokens: limit(&OUTPUT),
        extra: item.extras(&["id"]),
    })
}
