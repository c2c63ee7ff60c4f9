//! `openrouter_metadata`: how a request was routed, in every dialect with a place for it.

use crate::json::Writer;
use crate::{Bill, ErrorBody};

/// Its name wherever it stands.
pub(crate) const FIELD: &str = "openrouter_metadata";

/// Writes it where somebody asked for it, from whichever of the two has it.
pub(crate) fn write(json: &mut Writer<'_>, bill: Option<&Bill>, failure: Option<&ErrorBody>) {
    let billed = bill.and_then(|bill| bill.metadata.as_deref());
    if let Some(told) = billed.or_else(|| failure.and_then(|failure| failure.router.as_deref())) {
        json.key(FIELD).raw(told);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Dialect;
    use crate::answer::Answer;
    use crate::events::{finish, piece, text, usage_of};
    use crate::{DecodeOptions, Head};
    use bytes::{Bytes, BytesMut};
    use http::Request;
    use plugway_engine::chat::FinishReason;
    use serde_json::{Value, json};

    /// Every dialect that has a place for it, its route, and a request.
    const PLACES: [(Dialect, &str, &str); 4] = [
        (
            Dialect::OpenAiChat,
            "/v1/chat/completions",
            r#"{"model":"m","messages":[{"role":"user","content":"Hi"}]}"#,
        ),
        (Dialect::OpenAiCompletions, "/v1/completions", r#"{"model":"m","prompt":"Hi"}"#),
        (Dialect::OpenAiResponses, "/v1/responses", r#"{"model":"m","input":"Hi"}"#),
        (
            Dialect::AnthropicMessages,
            "/v1/messages",
            r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"Hi"}]}"#,
        ),
    ];

    fn told() -> Option<String> {
        Some(r#"{"requested":"m"}"#.to_owned())
    }

    fn count(text: &[u8]) -> usize {
        String::from_utf8_lossy(text).matches(&format!("\"{FIELD}\":{{\"requested\"")).count()
    }

    #[test]
    fn it_stands_once_wherever_an_answer_or_a_stream_ends() {
        for (dialect, path, body) in PLACES {
            let (head, ()) = Request::post(path).body(()).unwrap().into_parts();
            let options = DecodeOptions::default();
            let call = dialect.decode(&head, Bytes::from(body), &options).unwrap();
            let events = [piece(0, 0, text("a")), finish(0, FinishReason::Stop)];
            let bill = Bill { metadata: told(), ..Bill::unpriced(usage_of(1, 1)) };
            let silent = Bill::unpriced(usage_of(1, 1));
            let error = ErrorBody { status: 502, router: told(), ..ErrorBody::default() };
            let answer = Answer::from_events(events.clone());
            let whole = |bill| {
                let body = call.form.encode_whole(&answer, &Head::default(), Some(bill), None);
                serde_json::from_slice::<Value>(&body.unwrap()).unwrap()
            };
            assert_eq!(whole(&bill)[FIELD], json!({"requested": "m"}), "{dialect:?}");
            assert_eq!(whole(&silent).get(FIELD), None, "{dialect:?}");
            let streamed = |failure: Option<&ErrorBody>, bill: Option<&Bill>| {
                let mut out = BytesMut::new();
                let mut encoder = call.form.stream(Head::default());
                events.iter().for_each(|event| encoder.push(event, &mut out));
                match failure {
                    Some(failure) => encoder.fail(failure, bill, &mut out),
                    None => encoder.end(bill, &mut out),
                }
                count(&out)
            };
            assert_eq!(streamed(None, Some(&bill)), 1, "{dialect:?}");
            assert_eq!(streamed(None, Some(&silent)), 0, "{dialect:?}");
            assert_eq!(streamed(Some(&error), Some(&bill)), 1, "{dialect:?}");
            assert_eq!(streamed(Some(&error), None), 1, "{dialect:?}");
            let refusal: Value = serde_json::from_slice(&dialect.encode_error(&error)).unwrap();
            assert_eq!(refusal[FIELD], json!({"requested": "m"}), "{dialect:?}");
        }
    }

    #[test]
    fn no_provider_can_write_it() {
        for (dialect, path, body) in PLACES {
            let (head, ()) = Request::post(path).body(()).unwrap().into_parts();
            let options = DecodeOptions::default();
            let call = dialect.decode(&head, Bytes::from(body), &options).unwrap();
            let origin = plugway_engine::chat::Origin {
                id: None,
                model: None,
                service_tier: None,
                extra: vec![(FIELD.to_owned(), "{}".to_owned())],
            };
            let events = [
                plugway_engine::chat::Event::Origin(origin),
                piece(0, 0, text("a")),
                finish(0, FinishReason::Stop),
            ];
            let answer = Answer::from_events(events);
            let whole = call.form.encode_whole(&answer, &Head::default(), None, None).unwrap();
            let whole: Value = serde_json::from_slice(&whole).unwrap();
            assert_eq!(whole.get(FIELD), None, "{dialect:?}");
        }
    }
}
