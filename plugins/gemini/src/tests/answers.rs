//! Answers as the router gets them, whole and streamed.

use super::*;
use plugway_sdk::chat::*;

#[test]
fn text_and_who_answered() {
    let usage = json!({"promptTokenCount": 5, "candidatesTokenCount": 2, "thoughtsTokenCount": 7,
        "totalTokenCount": 14, "serviceTier": "standard"});
    let mut body = response(json!([{"text": "Hello"}]), "STOP");
    body["usageMetadata"] = usage.clone();
    let mut end = response(json!([{"text": "lo"}]), "STOP");
    end["usageMetadata"] = usage;
    let answer = decode_both(&body, &[chunk(json!([{"text": "Hel"}])), end], "openai-chat");
    assert_eq!(answer.text(0), "Hello");
    assert_eq!(answer.origin.id.as_deref(), Some("Ab12-cd_34"));
    assert_eq!(answer.origin.model.as_deref(), Some("gemini-3-flash"));
    assert_eq!(answer.origin.service_tier.as_deref(), Some("standard"));
    assert_eq!(answer.finishes, [Finish::new(0, FinishReason::Stop, "STOP")]);
    let [usage] = answer.usage.as_slice() else { panic!("one usage: {:?}", answer.usage) };
    let counts = (usage.prompt_tokens, usage.completion_tokens, usage.reasoning_tokens);
    assert_eq!(counts, (5, 9, 7));
}

#[test]
fn thoughts_texts_and_calls_bear_their_signatures() {
    let thought = json!({"text": "hm, so", "thought": true, "thoughtSignature": "dA=="});
    let said = json!({"text": "It is:", "thoughtSignature": "cw=="});
    let more = json!({"text": "calling"});
    let call = json!({"functionCall": {"name": "f", "args": {"a": 1.0}},
        "thoughtSignature": "Yw=="});
    let body = response(json!([thought, said, more, call]), "STOP");
    let chunks = [
        chunk(json!([{"text": "hm,", "thought": true}])),
        chunk(json!([{"text": " so", "thought": true}])),
        chunk(json!([{"thought": true, "thoughtSignature": "dA=="}])),
        chunk(json!([{"text": "It "}, {"text": "is:"}])),
        chunk(json!([{"text": "", "thoughtSignature": "cw=="}, {"text": "call"}])),
        response(json!([{"text": "ing"}, call]), "STOP"),
    ];
    let answer = decode_both(&body, &chunks, "openai-chat");
    let parts: Vec<_> = answer
        .parts
        .values()
        .map(|part| (&part.body, part.signature.as_deref(), part.format.as_deref()))
        .collect();
    let ours = Some("google-gemini-v1");
    let call = ToolCall::new("call_Ab12cd34_0_0", "f", r#"{"a":1.0}"#);
    assert_eq!(
        parts,
        [
            (&PartBody::Reasoning(Reasoning::Text("hm, so".into())), Some("dA=="), ours),
            (&PartBody::Text("It is:".into()), Some("cw=="), ours),
            (&PartBody::Text("calling".into()), None, None),
            (&PartBody::ToolCall(call), Some("Yw=="), ours),
        ]
    );
    assert_eq!(answer.finishes[0].reason, FinishReason::ToolCalls);
}

#[test]
fn calls_without_ids_get_their_own() {
    let call = |id: Value, name: &str| json!({"functionCall": {"id": id, "name": name}});
    let calls = json!([call(Value::Null, "f"), call(json!("x1"), "g"), call(json!("x1"), "f")]);
    let answer = decode_whole(&response(calls, "STOP"), "");
    let ids: Vec<String> = answer
        .parts
        .values()
        .filter_map(|part| match &part.body {
            PartBody::ToolCall(call) => Some(call.id.clone()),
            _ => None,
        })
        .collect();
    assert_eq!(ids, ["call_Ab12cd34_0_0", "x1", "call_Ab12cd34_0_2"]);
    assert_eq!(answer.calls(0), [("f", "{}"), ("g", "{}"), ("f", "{}")]);
}

#[test]
fn arguments_keep_their_bytes_but_for_white_space_between_them() {
    let body = r#"{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","args": {
        "n": 1.50, "big": 12345678901234567890, "s": "a \u003c b", "l": [ 1e3 ]
    }}}]},"finishReason":"STOP"}]}"#;
    let events = whole::<Gemini>(&Transcript::new(200, body), "");
    assert_eq!(
        Answer::of(&events).calls(0),
        [("f", r#"{"n":1.50,"big":12345678901234567890,"s":"a \u003c b","l":[1e3]}"#)]
    );
}

#[test]
fn arguments_that_come_in_bits_are_put_together() {
    let bits = |bits: Value, more: bool| json!([{"functionCall": {"partialArgs": bits, "willContinue": more}}]);
    let begun = json!([{"functionCall": {"name": "f", "id": "x1", "willContinue": true}}]);
    let first = json!([
        {"jsonPath": "$.city", "stringValue": "Flo", "willContinue": true},
        {"jsonPath": "$.days[0].n", "numberValue": 2},
    ]);
    let second = json!([
        {"jsonPath": "$.city", "stringValue": "rence"},
        {"jsonPath": "$['odd name']", "boolValue": true},
        {"jsonPath": "$.days[1]", "nullValue": "NULL_VALUE"},
    ]);
    let chunks = [
        chunk(begun.clone()),
        chunk(bits(first, true)),
        chunk(bits(second, true)),
        response(json!([{"functionCall": {}}]), "STOP"),
    ];
    let answer = decode_stream(&chunks, "gemini");
    let [(name, input)] = answer.calls(0)[..] else { panic!("one call") };
    let input: Value = serde_json::from_str(input).unwrap();
    let expected = json!({"city": "Florence", "days": [{"n": 2}, null], "odd name": true});
    assert_eq!((name, input), ("f", expected));
    for path in ["city", "$.a[", "$.a[-1]", "$.a[4000000000]", "$x"] {
        let astray = json!([{"jsonPath": path, "stringValue": "x"}]);
        let answer = decode_stream(&[chunk(begun.clone()), chunk(bits(astray, false))], "gemini");
        assert_eq!(answer.failure.map(|it| it.kind), Some(FailureKind::Unavailable), "{path}");
    }
}

#[test]
fn a_call_of_which_arguments_are_missing_is_no_call() {
    let begun = json!([{"functionCall": {"name": "f", "willContinue": true}}]);
    let answer = decode_stream(&[response(begun, "STOP")], "gemini");
    assert_eq!(answer.failure.map(|it| it.kind), Some(FailureKind::Unavailable));
}

#[test]
fn what_the_provider_ran_is_for_clients_of_this_format() {
    let parts = json!([
        {"executableCode": {"language": "PYTHON"}, "thoughtSignature": "cw=="},
        {"codeExecutionResult": {"outcome": "OUTCOME_OK"}},
        {"inlineData": {"data": "QQ=="}, "thought": true},
        {"text": "1"},
        {"aPartOfTheFuture": {"x": null}},
    ]);
    let body = response(parts, "STOP");
    let answer = decode_whole(&body, "gemini");
    let natives: Vec<_> = answer
        .parts
        .values()
        .filter_map(|part| match &part.body {
            PartBody::Native(json) => Some((json.as_str(), part.signature.as_deref())),
            _ => None,
        })
        .collect();
    assert_eq!(
        natives,
        [
            (r#"{"executableCode":{"language":"PYTHON"}}"#, Some("cw==")),
            (r#"{"codeExecutionResult":{"outcome":"OUTCOME_OK"}}"#, None),
            (r#"{"inlineData":{"data":"QQ=="},"thought":true}"#, None),
            (r#"{"aPartOfTheFuture":{"x":null}}"#, None),
        ]
    );
    let foreign = decode_whole(&body, "openai-chat");
    assert_eq!((foreign.text(0), foreign.parts.len()), ("1".into(), 1));
}

#[test]
fn images_and_sound() {
    let image = json!({"inlineData": {"mimeType": "image/png", "data": "aW1n"}});
    let sound = |data: &str| json!({"inlineData": {"mimeType": "audio/L16;codec=pcm;rate=24000", "data": data}});
    let body = response(json!([image, image, sound("QUFBQkJC")]), "STOP");
    let chunks = [
        chunk(json!([image])),
        chunk(json!([image, sound("QUFB")])),
        response(json!([sound("QkJC")]), "STOP"),
    ];
    let answer = decode_both(&body, &chunks, "");
    let kinds: Vec<_> = answer
        .parts
        .values()
        .filter_map(|part| match &part.body {
            PartBody::Media(media) => Some((media.kind, media.source.clone())),
            _ => None,
        })
        .collect();
    let base64 = |data: &str| MediaSource::Base64(data.into());
    assert_eq!(
        kinds,
        [
            (MediaKind::Image, base64("aW1n")),
            (MediaKind::Image, base64("aW1n")),
            (MediaKind::Audio, base64("QUFBQkJC")),
        ]
    );
    let linked = json!([{"fileData": {"mimeType": "video/mp4", "fileUri": "gs://b/v"}}]);
    let answer = decode_whole(&response(linked, "STOP"), "");
    let PartBody::Media(media) = &answer.parts[&(0, 0)].body else { panic!("a video") };
    assert_eq!(media.source, MediaSource::Uri("gs://b/v".into()));
}

#[test]
fn several_candidates_and_numbers_for_words() {
    let body = json!({
        "candidates": [
            {"content": {"parts": [{"text": "a"}]}, "finishReason": 1},
            {"content": {"parts": [{"text": "b"}]}, "finishReason": 2},
            {"content": {"role": "model"}, "finishReason": "SAFETY"},
        ],
        "usageMetadata": {"promptTokenCount": 9,
            "promptTokensDetails": [{"modality": 1, "tokenCount": 2},
                {"modality": 4, "tokenCount": 7}]},
    });
    let answer = decode_whole(&body, "");
    assert_eq!((answer.text(0), answer.text(1)), ("a".into(), "b".into()));
    let ends: Vec<_> = answer.finishes.iter().map(|it| (it.choice, it.reason)).collect();
    let filtered = (2, FinishReason::ContentFilter);
    assert_eq!(ends, [(0, FinishReason::Stop), (1, FinishReason::Length), filtered]);
    assert_eq!(answer.usage[0].meters, [("prompt-audio-tokens".into(), 7)]);
}

#[test]
fn every_meter() {
    let detail = |kind: &str, count: u64| json!({"modality": kind, "tokenCount": count});
    let mut body = response(json!([{"text": "a"}]), "STOP");
    body["usageMetadata"] = json!({
        "promptTokenCount": 100, "candidatesTokenCount": 20, "toolUsePromptTokenCount": 50,
        "cachedContentTokenCount": 30, "totalTokenCount": 170,
        "promptTokensDetails": [detail("TEXT", 10), detail("AUDIO", 40), detail("IMAGE", 50)],
        "toolUsePromptTokensDetails": [detail("IMAGE", 50)],
        "cacheTokensDetails": [detail("AUDIO", 30)],
        "candidatesTokensDetails": [detail("IMAGE", 20), detail("A_KIND_OF_THE_FUTURE", 1)],
    });
    body["candidates"][0]["groundingMetadata"] = json!({"webSearchQueries": ["a", "", "b"]});
    let answer = decode_whole(&body, "");
    let usage = &answer.usage[0];
    let counts = (usage.prompt_tokens, usage.completion_tokens, usage.cache_read_tokens);
    assert_eq!(counts, (150, 20, 30));
    let meter = |name: &str| {
        let found = usage.meters.iter().find(|(known, _)| known == name);
        found.map(|(_, count)| *count)
    };
    assert_eq!(meter("prompt-audio-tokens"), Some(40));
    assert_eq!(meter("prompt-image-tokens"), Some(100));
    assert_eq!(meter("cache-read-audio-tokens"), Some(30));
    assert_eq!(meter("completion-image-tokens"), Some(20));
    assert_eq!(meter("web-searches"), Some(2));
    assert_eq!(meter("prompt-video-tokens"), None);
}

#[test]
fn probabilities_of_tokens() {
    let token =
        |token: &str, value: f64| json!({"token": token, "tokenId": 7, "logProbability": value});
    let mut body = response(json!([{"text": "ab"}]), "STOP");
    body["candidates"][0]["logprobsResult"] = json!({
        "chosenCandidates": [token("a", -0.5), token("b", -0.25)],
        "topCandidates": [{"candidates": [token("a", -0.5), token("c", -2.0)]}],
    });
    let answer = decode_whole(&body, "gemini");
    let logprobs: Value = serde_json::from_str(&answer.logprobs[&(0, 0)][0]).unwrap();
    assert_eq!(
        logprobs,
        json!([
            {"token": "a", "logprob": -0.5, "top_logprobs":
                [{"token": "a", "logprob": -0.5}, {"token": "c", "logprob": -2.0}]},
            {"token": "b", "logprob": -0.25, "top_logprobs": []},
        ])
    );
}

#[test]
fn native_fields_go_to_clients_of_this_format() {
    let mut body = response(json!([{"text": "a", "partMetadata": {"k": 1}}]), "STOP");
    body["createTime"] = json!("2031-01-01T00:00:00Z");
    body["candidates"][0]["avgLogprobs"] = json!(-0.5);
    body["candidates"][0]["safetyRatings"] = json!([]);
    body["candidates"][0]["finishMessage"] = Value::Null;
    let answer = decode_whole(&body, "gemini");
    let time = r#""2031-01-01T00:00:00Z""#;
    assert_eq!(answer.origin.extra, [("createTime".into(), time.into())]);
    let extra = [("avgLogprobs".into(), "-0.5".into()), ("safetyRatings".into(), "[]".into())];
    assert_eq!(answer.finishes[0].extra, extra);
    let part = &answer.parts[&(0, 0)];
    assert_eq!(part.extra, [("partMetadata".into(), r#"{"k":1}"#.into())]);
    let foreign = decode_whole(&body, "openai-chat");
    assert!(foreign.origin.extra.is_empty() && foreign.finishes[0].extra.is_empty());
    assert!(foreign.parts[&(0, 0)].extra.is_empty());
}
