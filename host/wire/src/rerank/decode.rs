//! From a client's body to a call.

use bytes::Bytes;
use plugway_engine::RerankRequest;

use crate::json::{self, Fields, Node};
use crate::{BadRequest, RerankCall, labels, routing};

/// Documents of one request: as many as Cohere takes.
const MAX_DOCUMENTS: usize = 10_000;

/// Whose words the native fields are.
const DIALECT: &str = "cohere-chat";

/// Fields of that dialect that the contract has no place for.
const NATIVE: [&str; 2] = ["max_tokens_per_doc", "priority"];

/// By which route a request came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// The older one, which is also OpenRouter's: documents are repeated unless the
    /// client says otherwise.
    V1,
    /// Cohere's newer one: they are not.
    V2,
}

/// Reads the body of a request to put documents in order.
///
/// # Errors
/// Where the body is not what the dialect asks for; the first fault is named.
pub fn decode(body: &Bytes, version: Version) -> Result<RerankCall, BadRequest> {
    let (text, values) = json::checked(body)?;
    let root = Node::root(text);
    let mut fields = root.object()?;
    let routing = routing::routing(&mut fields)?;
    let query = fields.need("query")?.string()?;
    let documents = documents(&fields.need("documents")?)?;
    let top_n = fields.take("top_n").map(|node| top_n(&node)).transpose()?;
    let repeated = fields.boolean("return_documents")?;
    let mut extra = Vec::new();
    for name in NATIVE {
        if let Some(node) = fields.take(name) {
            extra.push((name.to_owned(), node.json()?));
        }
    }
    let preset = labels::asides(&mut fields, false)?.preset;
    nothing_left(&fields)?;
    let model = routing.models.first().cloned().unwrap_or_default();
    Ok(RerankCall {
        request: RerankRequest { model, query, documents, top_n, extra },
        dialect: DIALECT,
        routing,
        preset,
        return_documents: repeated.unwrap_or(version == Version::V1),
        values,
    })
}

fn documents(node: &Node<'_, '_>) -> Result<Vec<String>, BadRequest> {
    let items = node.array()?;
    if items.is_empty() {
        return Err(node.invalid("must not be empty"));
    }
    if items.len() > MAX_DOCUMENTS {
        return Err(node.invalid(format!("must have at most {MAX_DOCUMENTS} items")));
    }
    items.iter().map(document).collect()
}

/// A text, or an object that holds one.
fn document(node: &Node<'_, '_>) -> Result<String, BadRequest> {
    if !node.is_object() {
        return node.string();
    }
    let mut fields = node.object()?;
    if let Some(image) = fields.take("image") {
        return Err(image.fault("unsupported_parameter", "cannot be put in order: only texts can"));
    }
    let text = fields.need("text")?.string()?;
    match fields.left().next() {
        None => Ok(text),
        Some((_, node)) => Err(node.fault("unknown_parameter", "is not known: only `text` is")),
    }
}

fn top_n(node: &Node<'_, '_>) -> Result<u32, BadRequest> {
    match node.integer()? {
        0 => Err(node.invalid("must be at least 1")),
        count => Ok(count),
    }
}

/// What nobody reads would be a wish that is silently not kept.
fn nothing_left(fields: &Fields<'_, '_>) -> Result<(), BadRequest> {
    match fields.left().next() {
        None => Ok(()),
        Some((_, node)) => Err(node.fault("unknown_parameter", "is not known")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn read(body: &Value, version: Version) -> Result<RerankCall, BadRequest> {
        decode(&Bytes::from(body.to_string()), version)
    }

    fn with(documents: Value) -> Value {
        json!({"model": "a/r", "query": "q", "documents": documents})
    }

    #[test]
    fn documents_are_texts_or_hold_one() {
        let mut body = with(json!(["a", {"text": "b"}]));
        body["top_n"] = json!(1);
        body["provider"] = json!({"order": ["p"]});
        body["max_tokens_per_doc"] = json!(512);
        let call = read(&body, Version::V1).unwrap();
        let expected = RerankRequest {
            model: "a/r".to_owned(),
            query: "q".to_owned(),
            documents: vec!["a".to_owned(), "b".to_owned()],
            top_n: Some(1),
            extra: vec![("max_tokens_per_doc".to_owned(), "512".to_owned())],
        };
        assert_eq!(call.request, expected);
        assert_eq!(call.routing.order, ["p"]);
        assert_eq!(call.approx_bytes(), 4);
    }

    #[test]
    fn documents_are_repeated_as_the_route_or_the_client_says() {
        let mut body = with(json!(["a"]));
        assert!(read(&body, Version::V1).unwrap().return_documents);
        assert!(!read(&body, Version::V2).unwrap().return_documents);
        for wish in [true, false] {
            body["return_documents"] = json!(wish);
            for version in [Version::V1, Version::V2] {
                assert_eq!(read(&body, version).unwrap().return_documents, wish);
            }
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        let and = |name: &str, value: Value| {
            let mut body = with(json!(["a"]));
            body[name] = value;
            body
        };
        for (body, param) in [
            (json!({"documents": ["a"]}), "query"),
            (json!({"query": "q"}), "documents"),
            (with(json!([])), "documents"),
            (with(json!("a")), "documents"),
            (with(json!(vec!["a"; MAX_DOCUMENTS + 1])), "documents"),
            (with(json!(["a", 1])), "documents[1]"),
            (with(json!([{}])), "documents[0].text"),
            (with(json!([{"text": "a", "image": "https://a"}])), "documents[0].image"),
            (with(json!([{"text": "a", "title": "b"}])), "documents[0].title"),
            (and("top_n", json!(0)), "top_n"),
            (and("top_n", json!("1")), "top_n"),
            (and("return_documents", json!(1)), "return_documents"),
            (and("rank_fields", json!(["text"])), "rank_fields"),
            (and("stream", json!(true)), "stream"),
        ] {
            let refused = read(&body, Version::V2).unwrap_err();
            assert_eq!(refused.param.as_deref(), Some(param), "{body}: {refused}");
        }
    }
}
