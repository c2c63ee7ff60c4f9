//! What a client was told by one answer, whole or streamed.

use plugway_tests::{Answer, LogLines, Streamed, TestRouter};
use serde_json::Value;

/// An answer.
pub(crate) struct Told {
    pub(crate) id: String,
    pub(crate) content: String,
    pub(crate) reasoning: String,
    /// Id, name and input of each.
    pub(crate) calls: Vec<[String; 3]>,
    /// How many chunks carried text; none where it came whole.
    pub(crate) pieces: Option<u64>,
    /// One, if all is well.
    pub(crate) finish: Vec<String>,
    /// The provider's own word for it, which is what the log tells.
    native: String,
    pub(crate) usage: Value,
}

impl Told {
    /// Whole, and streamed.
    pub(crate) async fn both(router: &TestRouter, request: &Value) -> [Self; 2] {
        let whole = Self::whole(&router.client().chat(request).await);
        [whole, Self::streamed(&router.client().stream(request).await)]
    }

    pub(crate) fn whole(answer: &Answer) -> Self {
        assert_eq!(answer.status, 200, "{}", answer.text());
        let body = answer.json();
        let choice = &body["choices"][0];
        let message = &choice["message"];
        let calls = message["tool_calls"].as_array().into_iter().flatten();
        Self {
            id: text(&body["id"]),
            content: text(&message["content"]),
            reasoning: text(&message["reasoning"]),
            calls: calls.map(call).collect(),
            pieces: None,
            finish: vec![text(&choice["finish_reason"])],
            native: text(&choice["native_finish_reason"]),
            usage: body["usage"].clone(),
        }
    }

    /// # Panics
    /// Where it did not end as a stream has to.
    pub(crate) fn streamed(answer: &Streamed) -> Self {
        assert_eq!(answer.status, 200, "{:?}", answer.chunks);
        assert!(answer.done, "{:?}", answer.chunks);
        let of = |path: &'static str| {
            let found = answer.chunks.iter().filter_map(move |chunk| chunk.pointer(path));
            found.filter_map(Value::as_str)
        };
        let mut calls: Vec<[String; 3]> = Vec::new();
        let deltas = answer.chunks.iter().map(|it| &it["choices"][0]["delta"]["tool_calls"]);
        for delta in deltas.filter_map(Value::as_array).flatten() {
            let index = delta["index"].as_u64().unwrap() as usize;
            assert!(index <= calls.len(), "a call before that of less index: {delta}");
            calls.resize(calls.len().max(index + 1), Default::default());
            calls[index].iter_mut().zip(call(delta)).for_each(|(known, more)| *known += &more);
        }
        let last = answer.chunks.last().unwrap();
        Self {
            id: text(&last["id"]),
            content: answer.content(),
            reasoning: of("/choices/0/delta/reasoning").collect(),
            calls,
            pieces: Some(of("/choices/0/delta/content").filter(|it| !it.is_empty()).count() as u64),
            finish: of("/choices/0/finish_reason").map(Into::into).collect(),
            native: of("/choices/0/native_finish_reason").collect(),
            usage: last["usage"].clone(),
        }
    }

    pub(crate) fn count(&self, name: &str) -> u64 {
        self.usage[name].as_u64().unwrap_or_else(|| panic!("no {name}: {}", self.usage))
    }

    /// Its line of the access log, which agrees with what the client was told.
    pub(crate) async fn logged(&self) -> Value {
        let line = LogLines::access(&self.id).await;
        assert_eq!(line["outcome"], "ok");
        assert_eq!(line["stream"], self.pieces.is_some());
        assert_eq!(line["finish"], *self.native);
        assert_eq!(line["prompt_tokens"], self.count("prompt_tokens"));
        assert_eq!(line["completion_tokens"], self.count("completion_tokens"));
        let total = self.count("prompt_tokens") + self.count("completion_tokens");
        assert_eq!(self.count("total_tokens"), total);
        line
    }
}

fn call(call: &Value) -> [String; 3] {
    let function = &call["function"];
    [text(&call["id"]), text(&function["name"]), text(&function["arguments"])]
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().into()
}
