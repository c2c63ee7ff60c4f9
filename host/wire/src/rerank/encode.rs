//! The ranking in the client's format: OpenRouter's fields, and those that Cohere's
//! clients look for beside them.

use bytes::{Bytes, BytesMut};
use plugway_engine::Ranking;

use crate::json::Writer;
use crate::{Bill, Head, RerankCall, routed};

/// By this name searches are counted that are billed in place of tokens.
const SEARCH_UNITS: &str = "search-units";

/// Writes a ranking, no longer than the client wants it.
pub fn encode(call: &RerankCall, rankings: &[Ranking], head: &Head, bill: &Bill) -> Bytes {
    let mut out = BytesMut::new();
    let mut json = Writer::new(&mut out);
    json.open(b'{');
    json.key("id").string(&head.id);
    json.key("model").string(&head.model);
    json.key("provider").string(&head.provider);
    json.key("results").open(b'[');
    // Some servers know no such bound.
    let most = call.request.top_n.map_or(usize::MAX, |n| n as usize);
    for ranking in rankings.iter().take(most) {
        json.open(b'{');
        json.key("index").number(u64::from(ranking.document));
        json.key("relevance_score").double(ranking.score);
        let document = call.request.documents.get(ranking.document as usize);
        if let (true, Some(text)) = (call.return_documents, document) {
            json.key("document").open(b'{');
            json.key("text").string(text);
            json.close(b'}');
        }
        json.close(b'}');
    }
    json.close(b']');
    write_counts(&mut json, bill);
    routed::write(&mut json, Some(bill), None);
    json.close(b'}');
    out.freeze()
}

fn write_counts(json: &mut Writer<'_>, bill: &Bill) {
    let read = bill.usage.prompt_tokens;
    let units = bill.meter(SEARCH_UNITS);
    json.key("usage").open(b'{');
    json.key("total_tokens").number(read.saturating_add(bill.usage.completion_tokens));
    if units > 0 {
        json.key("search_units").number(units);
    }
    // Clients take a price that is unknown for a mistake, unless nothing is said of it.
    if bill.cost.is_some() {
        json.key("cost").dollars(bill.cost);
    }
    json.close(b'}');
    json.key("meta").open(b'{');
    json.key("api_version").open(b'{');
    json.key("version").string("2");
    json.close(b'}');
    if units > 0 {
        json.key("billed_units").open(b'{');
        json.key("search_units").number(units);
        json.close(b'}');
    }
    json.close(b'}');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::usage_of;
    use crate::rerank::{Version, decode};
    use serde_json::{Value, json};

    fn written(body: &Value, bill: &Bill) -> Value {
        let call = decode(&Bytes::from(body.to_string()), Version::V1).unwrap();
        let rankings = [Ranking { document: 1, score: 0.75 }, Ranking { document: 0, score: 1e-9 }];
        let head =
            Head { id: "gen-1".into(), created: 7, model: "a/r".into(), provider: "A".into() };
        serde_json::from_slice(&encode(&call, &rankings, &head, bill)).unwrap()
    }

    #[test]
    fn the_best_come_first_with_their_texts() {
        let mut body = json!({"model": "a/r", "query": "q", "documents": ["a", {"text": "b"}]});
        let bill = Bill::unpriced(usage_of(5, 0));
        let whole = written(&body, &bill);
        let expected = json!([
            {"index": 1, "relevance_score": 0.75, "document": {"text": "b"}},
            {"index": 0, "relevance_score": 1e-9, "document": {"text": "a"}},
        ]);
        assert_eq!(whole["results"], expected);
        assert_eq!(whole["usage"], json!({"total_tokens": 5}));
        assert_eq!((&whole["id"], &whole["provider"]), (&json!("gen-1"), &json!("A")));
        body["return_documents"] = json!(false);
        body["top_n"] = json!(1);
        let expected = json!([{"index": 1, "relevance_score": 0.75}]);
        assert_eq!(written(&body, &bill)["results"], expected);
    }

    #[test]
    fn whoever_asks_is_told_how_the_request_was_routed() {
        let body = json!({"model": "a/r", "query": "q", "documents": ["a", "b"]});
        let silent = Bill::unpriced(usage_of(5, 0));
        assert_eq!(written(&body, &silent).get("openrouter_metadata"), None);
        let bill = Bill { metadata: Some(r#"{"requested":"m"}"#.to_owned()), ..silent };
        assert_eq!(written(&body, &bill)["openrouter_metadata"], json!({"requested": "m"}));
    }

    #[test]
    fn searches_are_told_where_clients_of_either_kind_look() {
        let body = json!({"model": "a/r", "query": "q", "documents": ["a", "b"]});
        let mut bill = Bill { cost: Some(2_000_000_000), ..Bill::unpriced(usage_of(0, 0)) };
        bill.usage.meters = vec![(SEARCH_UNITS.to_owned(), 1)];
        let whole = written(&body, &bill);
        assert_eq!(whole["usage"], json!({"total_tokens": 0, "search_units": 1, "cost": 0.002}));
        assert_eq!(whole["meta"]["billed_units"]["search_units"], 1);
    }
}
