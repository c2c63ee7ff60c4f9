//! Ordering documents in the format that Cohere began: Jina's, Voyage's, and that of
//! most servers of open models.
//!
//! Option of an endpoint beside those of [`crate::openai_chat`]: `top_n_field`, the field
//! for how many documents are wanted; by default `top_n`.

use std::marker::PhantomData;

use plugway_sdk::chat::{Failure, Usage};
use plugway_sdk::provider::{Endpoint, UpstreamRequest, UpstreamResponse};
use plugway_sdk::rerank::{Ranking, Rerank, RerankRequest, RerankResponse};

use crate::json::{Json, Object};
use crate::node::Node;
use crate::openai_chat::{Options, Profiled, in_band};
use crate::openai_embeddings;

/// The ordering of documents by a provider.
pub struct DocumentRerank<P>(PhantomData<P>);

impl<P: Profiled> Rerank for DocumentRerank<P> {
    fn encode(request: RerankRequest, endpoint: Endpoint) -> Result<UpstreamRequest, Failure> {
        let path = Options::of(P::PROFILE, &endpoint)?.rerank_path;
        let top_n_field = endpoint.option::<String>("top_n_field")?;
        let documents = request.documents.iter().map(Json::from).collect::<Vec<_>>();
        let body = Object::new()
            .with("model", &request.model)
            .with("query", &request.query)
            .with("documents", documents)
            .with_some(top_n_field.as_deref().unwrap_or("top_n"), request.top_n)
            .with_extra(&request.extra)?;
        let mut upstream =
            UpstreamRequest::post_json(path.into_owned(), Json::Object(body).to_bytes()?);
        upstream.memo = request.documents.len().to_string();
        Ok(upstream)
    }

    fn decode(response: UpstreamResponse, memo: String) -> Result<RerankResponse, Failure> {
        let unreadable = || Failure::unavailable("the provider sent a ranking that cannot be read");
        let body = Node::read(&response.body).ok_or_else(unreadable)?;
        let results = match &body {
            Node::List(items) => items.as_slice(),
            _ => match body.get("results").or_else(|| body.get("data")) {
                Some(Node::List(items)) => items.as_slice(),
                _ => return Err(in_band(&body).unwrap_or_else(unreadable)),
            },
        };
        let documents = memo.parse().unwrap_or(u32::MAX);
        let rankings = results.iter().map(ranking).collect::<Option<Vec<_>>>();
        let mut rankings = rankings
            .filter(|rankings| rankings.iter().all(|ranking| ranking.document < documents))
            .ok_or_else(unreadable)?;
        rankings.sort_by(|a, b| b.score.total_cmp(&a.score));
        Ok(RerankResponse { rankings, usage: usage(&body) })
    }
}

fn ranking(item: &Node) -> Option<Ranking> {
    let score = item.get("relevance_score").or_else(|| item.get("score"))?.as_f64()?;
    Some(Ranking { document: item.index("index")?, score })
}

fn usage(body: &Node) -> Option<Usage> {
    if let Some(usage) = body.get("usage").and_then(openai_embeddings::usage) {
        return Some(usage);
    }
    let read = body.at(&["meta", "tokens", "input_tokens"]).and_then(Node::as_count);
    let units = body.at(&["meta", "billed_units", "search_units"]).and_then(Node::as_count);
    (read.is_some() || units.is_some()).then(|| Usage {
        prompt_tokens: read.unwrap_or_default(),
        meters: units.map(|units| ("search-units".into(), units)).into_iter().collect(),
        ..Usage::default()
    })
}
