//! Streams, and how they end.

use super::*;
use plugway_sdk::chat::*;

fn counted(mut chunk: Value, usage: Value) -> Value {
    chunk["usageMetadata"] = usage;
    chunk
}

#[test]
fn the_last_count_stands_and_missing_ones_are_kept() {
    let chunks = [
        counted(
            chunk(json!([{"text": "a"}])),
            json!({"promptTokenCount": 15, "candidatesTokenCount": 21, "totalTokenCount": 36}),
        ),
        counted(chunk(json!([{"text": "b"}])), json!({"promptTokenCount": 15})),
        counted(
            response(json!([{"text": ""}]), "STOP"),
            json!({"promptTokenCount": 14, "thoughtsTokenCount": 3}),
        ),
    ];
    let answer = decode_stream(&chunks, "");
    let [usage] = answer.usage.as_slice() else { panic!("one usage: {:?}", answer.usage) };
    assert_eq!((usage.prompt_tokens, usage.completion_tokens), (14, 24));
}

#[test]
fn the_tier_that_served_is_told() {
    let served = |usage: Value| {
        let answer = decode_whole(&counted(response(json!([{"text": "a"}]), "STOP"), usage), "");
        answer.origin.service_tier
    };
    assert_eq!(served(json!({"serviceTier": "priority"})).as_deref(), Some("priority"));
    assert_eq!(served(json!({"trafficType": "ON_DEMAND_FLEX"})).as_deref(), Some("ON_DEMAND_FLEX"));
    assert_eq!(served(json!({"trafficType": "ON_DEMAND"})), None);
    assert_eq!(served(json!({"trafficType": 1})), None);
}

#[test]
fn counts_and_sources_may_follow_the_end_of_a_choice() {
    let mut late = json!({"usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 1}});
    late["candidates"] = json!([{"index": 0,
        "groundingMetadata": {"groundingChunks": [{"web": {"uri": "https://a"}}]}}]);
    let answer = decode_stream(&[response(json!([{"text": "a"}]), "STOP"), late], "");
    assert_eq!(answer.usage[0].prompt_tokens, 3);
    assert_eq!(answer.parts[&(0, 0)].citations.len(), 1);
}

#[test]
fn a_stream_that_breaks_off_is_no_answer() {
    let usage = json!({"promptTokenCount": 4, "candidatesTokenCount": 1});
    let cut = counted(chunk(json!([{"text": "half"}])), usage);
    let answer = decode_stream(std::slice::from_ref(&cut), "");
    assert_eq!(answer.text(0), "half");
    assert_eq!(answer.usage[0].prompt_tokens, 4);
    assert_eq!(answer.failure.unwrap().kind, FailureKind::Unavailable);
    assert_eq!(decode_stream(&[], "").failure.unwrap().kind, FailureKind::Unavailable);
    // A whole answer needs no word for its end.
    assert_eq!(decode_whole(&cut, "").finishes, [Finish::new(0, FinishReason::Stop, "")]);
}

#[test]
fn a_prompt_that_is_refused_is_a_failure() {
    let refused = |feedback: Value| {
        let body = json!({"promptFeedback": feedback, "usageMetadata": {"promptTokenCount": 4},
            "modelVersion": "m", "responseId": "r"});
        decode_both(&body, std::slice::from_ref(&body), "")
    };
    let answer = refused(json!({"blockReason": "PROHIBITED_CONTENT"}));
    let failure = answer.failure.unwrap();
    assert_eq!(failure.kind, FailureKind::ContentPolicy);
    assert_eq!(failure.code.as_deref(), Some("PROHIBITED_CONTENT"));
    assert_eq!(answer.usage[0].prompt_tokens, 4);
    let said = json!({"blockReason": "MODEL_ARMOR", "blockReasonMessage": "It is an injection."});
    let message = refused(said).failure.unwrap().message;
    assert!(message.ends_with("It is an injection."), "{message}");
    // Ratings of a prompt that was taken are none of it.
    let mut taken = response(json!([{"text": "a"}]), "STOP");
    taken["promptFeedback"] = json!({"safetyRatings": [], "blockReason": null});
    assert_eq!(decode_whole(&taken, "").failure, None);
}

#[test]
fn an_error_in_the_stream_ends_it() {
    let said = counted(chunk(json!([{"text": "a"}])), json!({"promptTokenCount": 4}));
    let error = json!({"error": {"code": 503, "message": "The model is overloaded.",
        "status": "UNAVAILABLE"}});
    let answer = decode_stream(&[said, error, chunk(json!([{"text": "never"}]))], "");
    let failure = answer.failure.clone().unwrap();
    assert_eq!(failure.kind, FailureKind::Overloaded);
    assert_eq!(failure.message, "The model is overloaded.");
    assert_eq!((answer.text(0).as_str(), answer.usage[0].prompt_tokens), ("a", 4));
}

#[test]
fn a_list_of_chunks_is_a_stream_without_frames() {
    let chunks = json!([chunk(json!([{"text": "a"}])), response(json!([{"text": "b"}]), "STOP")]);
    assert_eq!(decode_whole(&chunks, "").text(0), "ab");
    assert_eq!(decode_stream(std::slice::from_ref(&chunks), "").text(0), "ab");
    let error = json!({"code": 429, "message": "slow", "status": "RESOURCE_EXHAUSTED"});
    let failed = decode_whole(&json!([{"error": error}]), "").failure.unwrap();
    assert_eq!(failed.kind, FailureKind::RateLimited);
}

#[test]
fn line_ends_and_comments_are_none_of_it() {
    let data = response(json!([{"text": "a"}]), "STOP").to_string();
    for body in [
        format!("data: {data}\r\n\r\n"),
        format!(": hello\n\nevent: message\ndata: {data}\n\n"),
        format!("data: {data}\n\ndata: [DONE]\n\ndata: [DONE]\n\n"),
    ] {
        let events = streamed::<Gemini>(&Transcript::new(200, body), Framing::Sse, "");
        check_contract(&events).unwrap();
        assert_eq!(Answer::of(&events).text(0), "a");
    }
}
