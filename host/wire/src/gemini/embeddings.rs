//! `embedContent` and `batchEmbedContents`: contents in, vectors out.

use bytes::{Bytes, BytesMut};
use http::request::Parts;
use plugway_engine::chat::{PartBody, ResultBody, ResultPart, Role};
use plugway_engine::{EmbedInput, EmbedRequest};

use super::contents::Contents;
use super::names::items;
use super::{DIALECT, Method, Target};
use crate::conversation::Conversation;
use crate::json::{self, Node, Writer};
use crate::seal::Sealer;
use crate::{BadRequest, EmbedCall, Routing};

/// Contents of one request. Each is a vector of some kilobytes in the answer.
const MAX_CONTENTS: usize = 2048;

/// What is wished of every vector.
#[derive(PartialEq)]
struct Wishes {
    dimensions: Option<u32>,
    purpose: Option<String>,
    extra: Vec<(String, String)>,
}

/// Reads a request for the vector of one content, or for those of several.
///
/// # Errors
/// Where it is not what the dialect asks for; the first fault is named.
pub fn decode_embeddings(head: &Parts, body: Bytes) -> Result<EmbedCall, BadRequest> {
    let target = Target::of(&head.uri)?;
    let (text, values) = json::checked(&body)?;
    let root = Node::root(text);
    let mut reader = Contents::new(Conversation::new(Sealer::unsealed(body.clone())));
    let (input, wishes) = match target.method {
        Method::BatchEmbedContents => batch(&root, &mut reader)?,
        _ => {
            let (input, wishes) = one(&root, &mut reader)?;
            (vec![input], wishes)
        }
    };
    let request = EmbedRequest {
        model: String::new(),
        dialect: DIALECT.to_owned(),
        input,
        dimensions: wishes.dimensions,
        purpose: wishes.purpose,
        user: None,
        extra: wishes.extra,
    };
    let routing = Routing { models: vec![target.model], ..Routing::default() };
    Ok(EmbedCall::new(request, routing, values))
}

/// The vectors as the method has them, one or a list, and how many tokens were read.
pub fn encode_embeddings(vectors: &[Vec<f32>], method: Method, tokens: u64) -> Bytes {
    let mut out = BytesMut::new();
    let mut json = Writer::new(&mut out);
    json.open(b'{');
    if method == Method::BatchEmbedContents {
        json.key("embeddings").open(b'[');
        vectors.iter().for_each(|vector| write(&mut json, vector));
        json.close(b']');
    } else if let Some(vector) = vectors.first() {
        write(json.key("embedding"), vector);
    }
    json.key("usageMetadata").open(b'{');
    json.key("promptTokenCount").number(tokens);
    json.close(b'}');
    json.close(b'}');
    out.freeze()
}

fn batch(
    root: &Node<'_, '_>,
    reader: &mut Contents,
) -> Result<(Vec<EmbedInput>, Wishes), BadRequest> {
    let mut fields = root.object()?;
    fields.take("model");
    let requests = fields.need("requests")?;
    fields.nothing_left()?;
    let nodes = requests.array()?;
    if nodes.is_empty() || nodes.len() > MAX_CONTENTS {
        return Err(requests.invalid(format!("must have from 1 to {MAX_CONTENTS} items")));
    }
    let mut input = Vec::with_capacity(nodes.len());
    let mut common: Option<Wishes> = None;
    for node in &nodes {
        let (content, wishes) = one(node, reader)?;
        if common.as_ref().is_some_and(|common| *common != wishes) {
            return Err(node.invalid("must wish for what the first wishes for"));
        }
        input.push(content);
        common.get_or_insert(wishes);
    }
    let nothing = Wishes { dimensions: None, purpose: None, extra: Vec::new() };
    Ok((input, common.unwrap_or(nothing)))
}

fn one(node: &Node<'_, '_>, reader: &mut Contents) -> Result<(EmbedInput, Wishes), BadRequest> {
    let mut fields = node.object()?;
    fields.take("model");
    let content = fields.need("content")?;
    let input = self::content(&content, reader)?;
    let dimensions = fields.either("outputDimensionality", "output_dimensionality")?;
    let purpose = fields.either("taskType", "task_type")?;
    let wishes = Wishes {
        dimensions: dimensions.map(|node| node.integer()).transpose()?,
        purpose: purpose.map(|node| node.string()).transpose()?,
        extra: fields.rest()?,
    };
    Ok((input, wishes))
}

fn content(node: &Node<'_, '_>, reader: &mut Contents) -> Result<EmbedInput, BadRequest> {
    let mut fields = node.object()?;
    fields.take("role");
    let parts = fields.need("parts")?;
    fields.nothing_left()?;
    let nodes = items(&parts)?;
    if nodes.is_empty() {
        return Err(parts.invalid("must hold at least one part"));
    }
    let mut list = Vec::with_capacity(nodes.len());
    for node in &nodes {
        let part = reader.part(node, Role::User)?;
        let body = match part.body {
            PartBody::Text(text) => ResultBody::Text(text),
            PartBody::Media(media) => ResultBody::Media(media),
            PartBody::Native(native) => ResultBody::Native(native),
            _ => return Err(node.invalid("must be text or data: nothing else has a vector")),
        };
        list.push(ResultPart { body, extra: part.extra });
    }
    if let [ResultPart { body: ResultBody::Text(text), .. }] = &mut *list {
        return Ok(EmbedInput::Text(std::mem::take(text)));
    }
    Ok(EmbedInput::Parts(list))
}

fn write(json: &mut Writer<'_>, vector: &[f32]) {
    json.open(b'{');
    json.key("values").open(b'[');
    vector.iter().for_each(|number| json.float(*number));
    json.close(b']');
    json.close(b'}');
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;
    use serde_json::{Value, json};

    fn read(method: &str, body: &Value) -> Result<EmbedCall, BadRequest> {
        let uri = format!("/v1beta/models/a/b:{method}");
        let (head, ()) = Request::post(uri).body(()).unwrap().into_parts();
        decode_embeddings(&head, Bytes::from(body.to_string()))
    }

    fn texts(call: &EmbedCall) -> Vec<&str> {
        let inputs = call.request.input.iter();
        let texts = inputs.map(|input| match input {
            EmbedInput::Text(text) => text.as_str(),
            other => panic!("{other:?}"),
        });
        texts.collect()
    }

    #[test]
    fn one_content_or_several_become_inputs() {
        let one = json!({"content": {"parts": [{"text": "a"}]}, "taskType": "RETRIEVAL_QUERY",
            "outputDimensionality": 8, "title": "t"});
        let call = read("embedContent", &one).unwrap();
        assert_eq!(texts(&call), ["a"]);
        assert_eq!(call.routing.models, ["a/b"]);
        assert_eq!(call.request.dimensions, Some(8));
        assert_eq!(call.request.purpose.as_deref(), Some("RETRIEVAL_QUERY"));
        assert_eq!(call.request.extra, [("title".to_owned(), "\"t\"".to_owned())]);
        let several = json!({"requests": [
            {"model": "models/a/b", "content": {"parts": [{"text": "a"}], "role": "user"}},
            {"content": {"parts": {"text": "b"}}},
        ]});
        assert_eq!(texts(&read("batchEmbedContents", &several).unwrap()), ["a", "b"]);
        let mixed = json!({"content": {"parts": [{"text": "a"},
            {"inlineData": {"mimeType": "image/png", "data": "AAAA"}}]}});
        let call = read("embedContent", &mixed).unwrap();
        assert!(matches!(&call.request.input[0], EmbedInput::Parts(parts) if parts.len() == 2));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let text = json!({"parts": [{"text": "a"}]});
        for (method, body, param) in [
            ("embedContent", json!({}), "content"),
            ("embedContent", json!({"content": {"parts": []}}), "content.parts"),
            (
                "embedContent",
                json!({"content": {"parts": [{"functionResponse": {"id": "c", "name": "f"}}]}}),
                "content.parts[0].functionResponse.id",
            ),
            ("batchEmbedContents", json!({"requests": []}), "requests"),
            (
                "batchEmbedContents",
                json!({"requests": [{"content": text}, {"content": text, "taskType": "X"}]}),
                "requests[1]",
            ),
        ] {
            let error = read(method, &body).expect_err(param);
            assert_eq!(error.param.as_deref(), Some(param), "{error}");
        }
    }

    #[test]
    fn vectors_are_one_or_a_list() {
        let vectors = [vec![0.5, -1.0], vec![2.0, 0.25]];
        let read = |method| -> Value {
            serde_json::from_slice(&encode_embeddings(&vectors, method, 3)).unwrap()
        };
        let one = json!({"embedding": {"values": [0.5, -1.0]},
            "usageMetadata": {"promptTokenCount": 3}});
        assert_eq!(read(Method::EmbedContent), one);
        let all = json!({"embeddings": [{"values": [0.5, -1.0]}, {"values": [2.0, 0.25]}],
            "usageMetadata": {"promptTokenCount": 3}});
        assert_eq!(read(Method::BatchEmbedContents), all);
    }
}
