//! What no provider should send, and some do.

use super::*;
use plugway_sdk::chat::*;

fn check_unreadable(body: &str) {
    let decoded = whole::<Gemini>(&Transcript::new(200, body), "gemini");
    let streamed = streamed::<Gemini>(&Transcript::sse([body]), Framing::Sse, "gemini");
    for events in [decoded, streamed] {
        let failure = Answer::of(&events).failure.unwrap_or_else(|| panic!("{body} was read"));
        assert_eq!(failure.kind, FailureKind::Unavailable, "{body}");
    }
}

#[test]
fn what_is_no_answer_is_unavailable() {
    for body in [
        "",
        "<html><body>502 Bad Gateway</body></html>",
        "null",
        "[]",
        "{}",
        r#"{"candidates":[]}"#,
        r#"{"candidates":null}"#,
        r#"{"candidates":[null]}"#,
        r#"{"candidates":"soon"}"#,
        r#"{"candidates":[{"content":{"parts":[{"text":7}]}}]}"#,
        r#"{"candidates":[{"content":{"parts":[{"functionCall":{"args":{}}}]}}]}"#,
        r#"{"candidates":[{"content":{"parts":[{"functionCall":{"name":""}}]}}]}"#,
        r#"{"error":"soon"}"#,
    ] {
        check_unreadable(body);
    }
    let events = whole::<Gemini>(&Transcript::new(200, b"{\"a\":\"\xff\xfe\"}".to_vec()), "");
    assert!(matches!(events.last(), Some(Event::Failed(_))));
}

#[test]
fn null_stands_for_nothing_everywhere() {
    let body = json!({
        "candidates": [
            {"index": 0, "finishReason": "STOP", "groundingMetadata": null,
                "citationMetadata": null, "logprobsResult": null, "finishMessage": null,
                "content": {"role": null, "parts": [
                    null,
                    {"text": null},
                    {"text": "a", "thought": null, "thoughtSignature": null, "inlineData": null},
                    {"functionCall": {"id": null, "name": "f", "args": null}},
                    {"functionCall": null},
                    {"inlineData": {"mimeType": null, "data": null}},
                    {"fileData": {"fileUri": null}},
                ]}},
            null,
        ],
        "promptFeedback": null, "modelVersion": null, "responseId": null, "error": null,
        "usageMetadata": {"promptTokenCount": null, "promptTokensDetails":
            [{"modality": null, "tokenCount": null}]},
    });
    let answer = decode_both(&body, std::slice::from_ref(&body), "");
    assert_eq!(answer.text(0), "a");
    assert_eq!(answer.calls(0), [("f", "{}")]);
    assert!(answer.usage.is_empty());
    let bare = json!({"candidates": [{"content": null, "finishReason": "OTHER"}]});
    assert_eq!(decode_whole(&bare, "").finishes[0].reason, FinishReason::Error);
}

#[test]
fn media_are_told_in_the_alphabet_of_the_contract() {
    let image = |data: &str| response(json!([{"inlineData": {"data": data}}]), "STOP");
    for (data, expected) in [("QQ", "QQ=="), ("_-8", "/+8="), ("QUFB", "QUFB")] {
        let answer = decode_whole(&image(data), "");
        let PartBody::Media(media) = &answer.parts[&(0, 0)].body else { panic!("an image") };
        assert_eq!(media.source, MediaSource::Base64(expected.into()));
    }
    let failure = decode_whole(&image("QUFBQ"), "").failure.unwrap();
    assert_eq!(failure.kind, FailureKind::Unavailable);
}

#[test]
fn odd_counts_are_none() {
    let mut body = response(json!([{"text": "a"}]), "STOP");
    for usage in [json!([]), json!("many"), json!({"promptTokenCount": -1}), json!({})] {
        body["usageMetadata"] = usage;
        let answer = decode_whole(&body, "");
        assert_eq!((answer.text(0).as_str(), answer.usage.len()), ("a", 0));
    }
    // An answer whose prompt nobody counted is left to the router to estimate.
    body["usageMetadata"] = json!({"candidatesTokenCount": 5});
    assert_eq!(decode_whole(&body, "").usage.len(), 0);
    body["usageMetadata"] = json!({"candidatesTokenCount": 5, "totalTokenCount": 12});
    assert_eq!(decode_whole(&body, "").usage[0].prompt_tokens, 7);
    body["usageMetadata"] = json!({"promptTokenCount": u64::MAX, "toolUsePromptTokenCount": 9});
    assert_eq!(decode_whole(&body, "").usage[0].prompt_tokens, u64::MAX);
}

#[test]
fn a_chunk_of_five_megabytes_is_read() {
    let characters = 5 << 19;
    let mut body = response(json!([{"text": "\u{e9}".repeat(characters)}]), "STOP");
    body["candidates"][0]["groundingMetadata"] = json!({
        "groundingChunks": [{"web": {"uri": "https://a"}}],
        "groundingSupports": [{"segment": {"startIndex": 2, "endIndex": 2 * characters},
            "groundingChunkIndices": [0]}],
    });
    let answer = decode_both(&body, std::slice::from_ref(&body), "");
    assert_eq!(answer.parts[&(0, 0)].citations[0].span, Some((1, 5 << 19)));
}

#[test]
fn numbers_of_candidates_may_be_anything() {
    let says = |index: u32, text: &str| json!({"index": index, "content": {"parts": [{"text": text}]}, "finishReason": "STOP"});
    let far = json!({"candidates": [says(4_000_000_000, "far")]});
    assert_eq!(decode_whole(&far, "").text(4_000_000_000), "far");
    // The same number twice is the same choice.
    let twice = json!({"candidates": [says(0, "a"), says(0, "b")]});
    assert_eq!(decode_whole(&twice, "").text(0), "ab");
}
