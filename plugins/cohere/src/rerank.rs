//! Ordering documents: `POST rerank`.

use plugway_formats::json::{Json, Object};
use plugway_sdk::chat::Failure;
use plugway_sdk::provider::{Endpoint, UpstreamRequest, UpstreamResponse};
use plugway_sdk::rerank::{Ranking, Rerank, RerankRequest, RerankResponse};
use serde_json::Value;

use crate::errors::unreadable;
use crate::{Cohere, usage};

impl Rerank for Cohere {
    fn encode(request: RerankRequest, _: Endpoint) -> Result<UpstreamRequest, Failure> {
        let documents: Vec<Json<'_>> = request.documents.iter().map(Json::from).collect();
        let body = Object::new()
            .with("model", &request.model)
            .with("query", &request.query)
            .with("documents", documents)
            .with_some("top_n", request.top_n)
            .with_extra(&request.extra)?;
        Ok(UpstreamRequest::post_json("rerank", Json::from(body).to_bytes()?))
    }

    fn decode(response: UpstreamResponse, _: String) -> Result<RerankResponse, Failure> {
        let answer: Value = serde_json::from_slice(&response.body).map_err(|_| unreadable())?;
        let results = answer.get("results").and_then(Value::as_array).ok_or_else(unreadable)?;
        let rankings: Option<Vec<Ranking>> = results.iter().map(ranking).collect();
        let mut rankings = rankings.ok_or_else(unreadable)?;
        rankings.sort_by(|a, b| b.score.total_cmp(&a.score));
        Ok(RerankResponse { rankings, usage: usage::of_meta(&answer) })
    }
}

fn ranking(result: &Value) -> Option<Ranking> {
    Some(Ranking {
        document: u32::try_from(result.get("index")?.as_u64()?).ok()?,
        score: result.get("relevance_score")?.as_f64()?,
    })
}
