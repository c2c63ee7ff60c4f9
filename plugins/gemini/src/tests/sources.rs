//! What an answer rests on.

use super::*;
use plugway_sdk::chat::*;

fn web(uri: &str, title: &str) -> Value {
    json!({"web": {"uri": uri, "title": title}})
}

fn support(first: Option<u32>, end: u32, sources: Value) -> Value {
    let mut segment = json!({"endIndex": end, "text": "as said"});
    if let Some(first) = first {
        segment["startIndex"] = json!(first);
    }
    json!({"segment": segment, "groundingChunkIndices": sources})
}

type Cited<'a> = (Option<&'a str>, Option<(u32, u32)>);

fn cited(part: &Part) -> Vec<Cited<'_>> {
    part.citations.iter().map(|it| (it.url.as_deref(), it.span)).collect()
}

#[test]
fn spans_are_counted_in_characters() {
    // 16 bytes and 14 characters, then 10 of both.
    let (first, second) = ("20\u{b0}C in K\u{f6}ln, ", "and sunny.");
    let grounding = json!({
        "groundingChunks": [web("https://a", "A"), web("https://b", "")],
        "groundingSupports": [
            support(None, 5, json!([0])),
            support(Some(16), 26, json!([1, 0, 9])),
        ],
        "webSearchQueries": ["weather"],
    });
    let mut body = response(json!([{"text": format!("{first}{second}")}]), "STOP");
    body["candidates"][0]["groundingMetadata"] = grounding.clone();
    let mut end = response(json!([{"text": second}]), "STOP");
    end["candidates"][0]["groundingMetadata"] = grounding;
    let mut begin = chunk(json!([{"text": first}]));
    begin["candidates"][0]["groundingMetadata"] = json!({});
    let answer = decode_both(&body, &[begin, end], "");
    let part = &answer.parts[&(0, 0)];
    assert_eq!(
        cited(part),
        [
            (Some("https://a"), Some((0, 4))),
            (Some("https://b"), Some((14, 24))),
            (Some("https://a"), Some((14, 24))),
        ]
    );
    assert_eq!(part.citations[0].title.as_deref(), Some("A"));
    assert_eq!(part.citations[1].title, None);
    assert_eq!(answer.text(0), format!("{first}{second}"));
}

#[test]
fn sources_without_a_segment_are_for_all_of_it() {
    let passage = json!({"retrievedContext": {"title": "Doc", "text": "the passage", "uri": null}});
    let mut body = response(json!([{"text": "a"}]), "STOP");
    body["candidates"][0]["groundingMetadata"] = json!({"groundingChunks": [passage]});
    let answer = decode_whole(&body, "");
    let citation = &answer.parts[&(0, 0)].citations[0];
    assert_eq!((citation.span, citation.quote.as_deref()), (None, Some("the passage")));
}

#[test]
fn texts_among_other_parts_are_cited_each() {
    let parts = json!([
        {"text": "thinking", "thought": true},
        {"text": "one ", "thoughtSignature": "cw=="},
        {"functionCall": {"name": "f"}},
        {"text": "two"},
    ]);
    let mut body = response(parts, "STOP");
    body["candidates"][0]["groundingMetadata"] = json!({
        "groundingChunks": [web("https://a", "A")],
        "groundingSupports": [
            support(Some(4), 7, json!([0])),
            support(Some(0), 3, json!([0])),
            {"segment": {"partIndex": 2, "endIndex": 3}, "groundingChunkIndices": [0]},
        ],
    });
    let answer = decode_whole(&body, "");
    assert_eq!(cited(&answer.parts[&(0, 1)]), [(Some("https://a"), Some((0, 3)))]);
    let last = cited(&answer.parts[&(0, 3)]);
    assert_eq!(last, [(Some("https://a"), Some((0, 3))), (Some("https://a"), None)]);
}

#[test]
fn recited_works_are_cited() {
    let work = json!({"startIndex": 2, "endIndex": 4, "uri": "https://w", "license": "mit"});
    for list in ["citationSources", "citations"] {
        let mut body = response(json!([{"text": "a b c"}]), "RECITATION");
        body["candidates"][0]["citationMetadata"] = json!({list: [work]});
        let answer = decode_whole(&body, "");
        assert_eq!(cited(&answer.parts[&(0, 0)]), [(Some("https://w"), Some((2, 4)))]);
        assert_eq!(answer.finishes[0].reason, FinishReason::ContentFilter);
    }
}

#[test]
fn sources_that_cannot_be_read_cost_no_answer() {
    let mut body = response(json!([{"text": "a"}]), "STOP");
    body["candidates"][0]["groundingMetadata"] = json!({"groundingChunks": "soon"});
    body["candidates"][0]["citationMetadata"] = json!(7);
    let answer = decode_whole(&body, "");
    assert_eq!((answer.text(0).as_str(), answer.failure), ("a", None));
    // Nor do sources without a text to put them on.
    let mut body = response(json!([{"functionCall": {"name": "f"}}]), "STOP");
    body["candidates"][0]["groundingMetadata"] = json!({"groundingChunks": [web("u", "t")]});
    assert_eq!(decode_whole(&body, "").finishes.len(), 1);
}
