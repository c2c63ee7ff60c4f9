//! The features, and how an adapter is asked for each.

use serde_json::{Value, json};

use crate::asking::{Asking, Cell};
use crate::requests::{MARK, plain, schema, showing, thought, two_calls, with_tool};

/// A row of the table.
pub(crate) struct Feature {
    pub(crate) name: &'static str,
    pub(crate) ask: fn(&Asking<'_>) -> Cell,
}

const fn feature(name: &'static str, ask: fn(&Asking<'_>) -> Cell) -> Feature {
    Feature { name, ask }
}

/// In the order of the table; chat comes first.
pub(crate) const FEATURES: &[Feature] = &[
    feature("chat, whole", |it| it.takes(&plain())),
    feature("chat, streamed", |it| it.changes(&plain(), |it| it["streaming"] = true.into())),
    feature("tools", tools),
    feature("several calls at once", |it| it.sends(&two_calls()).given(tools(it))),
    feature("one call at a time", |it| {
        it.changes(&with_tool(), |it| it["parallel_tool_calls"] = false.into()).given(tools(it))
    }),
    feature("forced tool call", |it| {
        it.changes(&with_tool(), |it| it["tool_choice"] = "Required".into()).given(tools(it))
    }),
    feature("strict tools", |it| {
        let strict = |it: &mut Value| it["tools"][0]["Function"]["strict"] = true.into();
        it.changes(&with_tool(), strict).given(tools(it))
    }),
    feature("freeform tools", |it| {
        let freeform = json!({"name": "sh", "description": null, "grammar": null, "extra": []});
        it.changes(&plain(), |it| it["tools"] = json!([{"Freeform": freeform}]))
    }),
    feature("images by URL", |it| it.takes(&by_url("Image", "image/png"))),
    feature("images as data", |it| it.sends(&as_data("Image", "image/png"))),
    feature("documents by URL", |it| it.takes(&by_url("Document", "application/pdf"))),
    feature("documents as data", |it| it.sends(&as_data("Document", "application/pdf"))),
    feature("plain text documents", |it| {
        it.sends(&showing("Document", "text/plain", json!({"Text": MARK})))
    }),
    feature("audio", |it| it.sends(&as_data("Audio", "audio/wav"))),
    feature("video", |it| it.sends(&as_data("Video", "video/mp4"))),
    feature("JSON schema", |it| it.changes(&plain(), |it| it["response_format"] = schema())),
    feature("JSON mode", |it| {
        it.changes(&plain(), |it| it["response_format"] = "JsonObject".into())
    }),
    feature("reasoning effort", reasoning),
    feature("reasoning budget", |it| {
        it.changes(&plain(), |it| it["reasoning"] = reasoned(json!({"max_tokens": 2000})))
    }),
    feature("unsigned reasoning sent back", |it| it.sends(&thought())),
    feature("signed reasoning sent back", |it| it.proves()),
    feature("cache points", |it| {
        let point = json!({"ttl": null});
        it.changes(&plain(), |it| it["messages"][0]["parts"][0]["cache"] = point.clone())
    }),
    feature("citations", |it| it.cites()),
    feature("log probabilities", |it| sampling(it, "top_logprobs", json!(0))),
    feature("alternatives per token", |it| sampling(it, "top_logprobs", json!(2))),
    feature("several choices", |it| it.changes(&plain(), |it| it["choices"] = 2.into())),
    feature("stop sequences", |it| sampling(it, "stop", json!(["END"]))),
    feature("temperature", |it| sampling(it, "temperature", json!(0.5))),
    feature("`top_k`", |it| sampling(it, "top_k", json!(5))),
    feature("`min_p`", |it| sampling(it, "min_p", json!(0.5))),
    feature("seed", |it| sampling(it, "seed", json!(7))),
    feature("`logit_bias`", |it| sampling(it, "logit_bias", json!([["5", 1.0]]))),
    feature("embeddings", |it| it.offers("embeddings")),
    feature("rerank", |it| it.offers("rerank")),
    feature("token count", |it| it.offers("token-count")),
    feature("list of models", |it| it.offers("models")),
    feature("native fields of its own dialect", |it| it.passes_native_fields()),
];

fn tools(it: &Asking<'_>) -> Cell {
    it.changes(&plain(), |request| request["tools"] = with_tool()["tools"].clone())
}

fn reasoning(it: &Asking<'_>) -> Cell {
    it.changes(&plain(), |it| it["reasoning"] = reasoned(json!({"effort": "high"})))
}

fn reasoned(options: Value) -> Value {
    let mut all = json!({
        "enabled": null, "effort": null, "max_tokens": null, "summary": null, "hidden": false,
    });
    for (name, value) in options.as_object().unwrap() {
        all[name] = value.clone();
    }
    all
}

fn sampling(it: &Asking<'_>, name: &str, value: Value) -> Cell {
    it.changes(&plain(), |it| it["sampling"][name] = value.clone())
}

fn by_url(kind: &str, mime: &str) -> Value {
    showing(kind, mime, json!({"Uri": "https://example.test/it"}))
}

fn as_data(kind: &str, mime: &str) -> Value {
    showing(kind, mime, json!({"Base64": MARK}))
}
