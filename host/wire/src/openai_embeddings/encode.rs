//! The vectors in the client's format.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};

use super::Encoding;
use crate::json::Writer;
use crate::{Bill, Head, routed};

/// Kinds of tokens that are counted apart: the field, and the meter.
const KINDS: [(&str, &str); 3] = [
    ("image_tokens", "prompt-image-tokens"),
    ("audio_tokens", "prompt-audio-tokens"),
    ("video_tokens", "prompt-video-tokens"),
];

/// Writes a list of embeddings.
pub fn encode(vectors: &[Vec<f32>], encoding: Encoding, head: &Head, bill: &Bill) -> Bytes {
    let mut out = BytesMut::new();
    let mut json = Writer::new(&mut out);
    json.open(b'{');
    json.key("object").string("list");
    json.key("data").open(b'[');
    for (vector, index) in vectors.iter().zip(0..) {
        json.open(b'{');
        json.key("object").string("embedding");
        json.key("index").number(index);
        write_vector(json.key("embedding"), vector, encoding);
        json.close(b'}');
    }
    json.close(b']');
    json.key("id").string(&head.id);
    json.key("model").string(&head.model);
    json.key("provider").string(&head.provider);
    write_usage(json.key("usage"), bill);
    routed::write(&mut json, Some(bill), None);
    json.close(b'}');
    out.freeze()
}

fn write_vector(json: &mut Writer<'_>, vector: &[f32], encoding: Encoding) {
    match encoding {
        Encoding::Float => {
            json.open(b'[');
            vector.iter().for_each(|number| json.float(*number));
            json.close(b']');
        }
        Encoding::Base64 => {
            let bytes: Vec<u8> = vector.iter().flat_map(|number| number.to_le_bytes()).collect();
            json.string(&STANDARD.encode(bytes));
        }
    }
}

fn write_usage(json: &mut Writer<'_>, bill: &Bill) {
    let read = bill.usage.prompt_tokens;
    json.open(b'{');
    json.key("prompt_tokens").number(read);
    json.key("total_tokens").number(read.saturating_add(bill.usage.completion_tokens));
    if bill.cost.is_some() {
        json.key("cost").dollars(bill.cost);
    }
    json.key("is_byok").boolean(bill.own_key);
    let kinds = KINDS.map(|(key, meter)| (key, bill.meter(meter)));
    let other = kinds.iter().fold(0_u64, |sum, (_, count)| sum.saturating_add(*count));
    if other > 0 {
        json.key("prompt_tokens_details").open(b'{');
        json.key("text_tokens").number(read.saturating_sub(other));
        for (key, count) in kinds {
            json.key(key).number(count);
        }
        json.close(b'}');
    }
    // Clients take a price that is unknown for a mistake, unless nothing is said of it.
    if bill.prompt_cost.is_some() && bill.completion_cost.is_some() {
        json.key("cost_details").open(b'{');
        json.key("upstream_inference_cost").dollars(bill.upstream_cost);
        json.key("upstream_inference_prompt_cost").dollars(bill.prompt_cost);
        json.key("upstream_inference_completions_cost").dollars(bill.completion_cost);
        json.close(b'}');
    }
    json.close(b'}');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::usage_of;
    use serde_json::{Value, json};

    fn written(vectors: &[Vec<f32>], encoding: Encoding, bill: &Bill) -> Value {
        let head =
            Head { id: "gen-1".into(), created: 7, model: "a/m".into(), provider: "A".into() };
        serde_json::from_slice(&encode(vectors, encoding, &head, bill)).unwrap()
    }

    fn bill() -> Bill {
        Bill {
            cost: Some(1_500_000),
            upstream_cost: Some(1_500_000),
            prompt_cost: Some(1_500_000),
            completion_cost: Some(0),
            ..Bill::unpriced(usage_of(8, 0))
        }
    }

    #[test]
    fn vectors_are_numbers_or_the_base64_of_their_bytes() {
        let vectors = [vec![1.0, -0.5], vec![0.1, 1e-30]];
        let whole = written(&vectors, Encoding::Float, &bill());
        assert_eq!(whole["object"], "list");
        assert_eq!(
            whole["data"][0],
            json!({"object": "embedding", "index": 0, "embedding": [1.0, -0.5]})
        );
        for (index, expected) in vectors[1].iter().enumerate() {
            let number = whole["data"][1]["embedding"][index].as_f64().unwrap();
            assert_eq!(number as f32, *expected);
        }
        let whole = written(&vectors[..1], Encoding::Base64, &bill());
        // 00 00 80 3f, 00 00 00 bf.
        assert_eq!(whole["data"][0]["embedding"], "AACAPwAAAL8=");
    }

    #[test]
    fn usage_has_what_it_costs() {
        let whole = written(&[vec![1.0]], Encoding::Float, &bill());
        assert_eq!((&whole["id"], &whole["model"]), (&json!("gen-1"), &json!("a/m")));
        assert_eq!(whole["provider"], "A");
        let expected = json!({
            "prompt_tokens": 8, "total_tokens": 8, "cost": 0.0000015, "is_byok": false,
            "cost_details": {
                "upstream_inference_cost": 0.0000015,
                "upstream_inference_prompt_cost": 0.0000015,
                "upstream_inference_completions_cost": 0,
            },
        });
        assert_eq!(whole["usage"], expected);
    }

    #[test]
    fn whoever_asks_is_told_how_the_request_was_routed() {
        let metadata = Some(r#"{"requested":"m"}"#.to_owned());
        let whole = written(&[vec![1.0]], Encoding::Float, &Bill { metadata, ..bill() });
        assert_eq!(whole["openrouter_metadata"], json!({"requested": "m"}));
        let whole = written(&[vec![1.0]], Encoding::Float, &bill());
        assert_eq!(whole.get("openrouter_metadata"), None);
    }

    #[test]
    fn a_price_that_is_unknown_is_not_told() {
        let whole = written(&[vec![1.0]], Encoding::Float, &Bill::unpriced(usage_of(8, 0)));
        let expected = json!({"prompt_tokens": 8, "total_tokens": 8, "is_byok": false});
        assert_eq!(whole["usage"], expected);
        let partly = Bill { completion_cost: None, ..bill() };
        let whole = written(&[vec![1.0]], Encoding::Float, &partly);
        assert_eq!(whole["usage"]["cost"], 0.0000015);
        assert_eq!(whole["usage"].get("cost_details"), None);
    }

    #[test]
    fn tokens_that_are_no_text_are_told_apart() {
        let mut bill = bill();
        bill.usage.meters = vec![("prompt-image-tokens".into(), 6)];
        let whole = written(&[vec![1.0]], Encoding::Float, &bill);
        let expected =
            json!({"text_tokens": 2, "image_tokens": 6, "audio_tokens": 0, "video_tokens": 0});
        assert_eq!(whole["usage"]["prompt_tokens_details"], expected);
    }
}
