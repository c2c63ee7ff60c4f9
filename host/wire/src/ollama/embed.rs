//! Vectors: `/api/embed`, and `/api/embeddings` as it was before.

use bytes::{Bytes, BytesMut};
use plugway_engine::{EmbedInput, EmbedRequest};

use super::DIALECT;
use crate::json::{self, Fields, Node, Writer};
use crate::{BadRequest, EmbedCall, labels, routing};

/// Inputs of one request. Each is a vector of some kilobytes in the answer.
const MAX_INPUTS: usize = 2048;

/// Reads the body of a request for vectors. The `older` path takes one prompt.
///
/// # Errors
/// Where the body is not what the dialect asks for; the first fault is named.
pub fn decode_embed(body: &Bytes, older: bool) -> Result<EmbedCall, BadRequest> {
    let (text, values) = json::checked(body)?;
    let root = Node::root(text);
    let mut fields = root.object()?;
    let routing = routing::routing(&mut fields)?;
    let input = match older {
        true => vec![EmbedInput::Text(fields.need("prompt")?.string()?)],
        false => inputs(&fields.need("input")?)?,
    };
    let dimensions = dimensions(&mut fields)?;
    let preset = labels::asides(&mut fields, false)?.preset;
    let extra = fields.rest()?;
    let request = EmbedRequest {
        model: String::new(),
        dialect: DIALECT.to_owned(),
        input,
        dimensions,
        purpose: None,
        user: None,
        extra,
    };
    Ok(EmbedCall { preset, ..EmbedCall::new(request, routing, values) })
}

/// A string, or some.
fn inputs(node: &Node<'_, '_>) -> Result<Vec<EmbedInput>, BadRequest> {
    if !node.is_array() {
        return Ok(vec![EmbedInput::Text(node.string()?)]);
    }
    let items = node.array()?;
    if !(1..=MAX_INPUTS).contains(&items.len()) {
        return Err(node.invalid(format!("must have from 1 to {MAX_INPUTS} items")));
    }
    items.iter().map(|item| item.string().map(EmbedInput::Text)).collect()
}

/// 0 asks for as many as the model has.
fn dimensions(fields: &mut Fields<'_, '_>) -> Result<Option<u32>, BadRequest> {
    Ok(fields.integer("dimensions")?.filter(|dimensions| *dimensions > 0))
}

/// Writes the vectors, of finite numbers, as the path that was asked wants them.
pub fn encode_embed(vectors: &[Vec<f32>], older: bool, model: &str, prompt_tokens: u64) -> Bytes {
    let mut out = BytesMut::new();
    let mut json = Writer::new(&mut out);
    json.open(b'{');
    if older {
        let first = vectors.first().map(Vec::as_slice).unwrap_or_default();
        write_vector(json.key("embedding"), first);
    } else {
        json.key("model").string(model);
        json.key("embeddings").open(b'[');
        vectors.iter().for_each(|vector| write_vector(&mut json, vector));
        json.close(b']');
        // Nobody measured.
        json.key("total_duration").number(0);
        json.key("load_duration").number(0);
        json.key("prompt_eval_count").number(prompt_tokens);
    }
    json.close(b'}');
    out.freeze()
}

fn write_vector(json: &mut Writer<'_>, vector: &[f32]) {
    // A list of numbers can always be written.
    json.raw(&serde_json::to_string(vector).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(path: &str, body: &str) -> Result<EmbedCall, BadRequest> {
        decode_embed(&Bytes::copy_from_slice(body.as_bytes()), path == "/api/embeddings")
    }

    fn texts(call: &EmbedCall) -> Vec<&str> {
        let text = |input: &'_ EmbedInput| matches!(input, EmbedInput::Text(_));
        assert!(call.request.input.iter().all(text));
        let inputs = call.request.input.iter();
        inputs
            .filter_map(|input| match input {
                EmbedInput::Text(text) => Some(text.as_str()),
                _ => None,
            })
            .collect()
    }

    #[test]
    fn inputs_are_a_string_or_some() {
        let one = decoded("/api/embed", r#"{"model":"m","input":"a"}"#).unwrap();
        assert_eq!(texts(&one), ["a"]);
        let body = r#"{"model":"m","input":["a","b"],"dimensions":64,"truncate":false,
            "options":{"num_ctx":1},"keep_alive":"5m"}"#;
        let some = decoded("/api/embed", body).unwrap();
        assert_eq!(texts(&some), ["a", "b"]);
        assert_eq!((some.request.dimensions, some.request.model.as_str()), (Some(64), "m"));
        let extra = [
            ("truncate".into(), "false".into()),
            ("options".into(), r#"{"num_ctx":1}"#.into()),
            ("keep_alive".into(), r#""5m""#.into()),
        ];
        assert_eq!(some.request.extra, extra);
        let older = decoded("/api/embeddings", r#"{"model":"m","prompt":"a"}"#).unwrap();
        assert_eq!(texts(&older), ["a"]);
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (path, body, param) in [
            ("/api/embed", r#"{"model":"m"}"#, "input"),
            ("/api/embed", r#"{"input":[]}"#, "input"),
            ("/api/embed", r#"{"input":["a",1]}"#, "input[1]"),
            ("/api/embed", r#"{"input":{}}"#, "input"),
            ("/api/embed", r#"{"input":"a","dimensions":-1}"#, "dimensions"),
            ("/api/embeddings", r#"{"input":"a"}"#, "prompt"),
        ] {
            let error = decoded(path, body).unwrap_err();
            assert_eq!(error.param.as_deref(), Some(param), "{error}");
        }
    }

    #[test]
    fn vectors_are_told_as_the_path_wants_them() {
        let vectors = [vec![0.5, -1.0, 1e-10], vec![]];
        let newer = r#"{"model":"m","embeddings":[[0.5,-1.0,1e-10],[]],"total_duration":0,"load_duration":0,"prompt_eval_count":7}"#;
        assert_eq!(encode_embed(&vectors, false, "m", 7), newer);
        let older = r#"{"embedding":[0.5,-1.0,1e-10]}"#;
        assert_eq!(encode_embed(&vectors, true, "m", 7), older);
    }
}
