//! Answers of Converse: each one whole and streamed, read alike.

use bedrock::Bedrock;
use plugway_sdk::chat::{
    Citation, Finish, FinishReason, Part, PartBody, Reasoning, ToolCall, Usage,
};
use plugway_sdk::provider::Frame;
use plugway_sdk::testing::{Answer, Transcript, check_contract, whole};
use serde_json::{Value, json};

use crate::{CLAUDE, NATIVE, OTHER, frame, memo, streamed};

/// One answer: its content whole, and the events that stream the same content.
struct Case {
    content: Value,
    blocks: Vec<Frame>,
}

impl Case {
    /// The answer as a client with this memo gets it, which is the same both ways.
    #[track_caller]
    fn answer(self, memo: &str) -> Answer {
        let body = json!({
            "output": {"message": {"role": "assistant", "content": self.content}},
            "stopReason": "end_turn",
            "usage": {"inputTokens": 3, "outputTokens": 2, "totalTokens": 5},
        });
        let transcript = Transcript::new(200, body.to_string()).header("x-amzn-requestid", "r-1");
        let from_whole = whole::<Bedrock>(&transcript, memo);
        check_contract(&from_whole).unwrap();

        let mut frames = vec![frame("messageStart", json!({"role": "assistant", "p": "ab"}))];
        frames.extend(self.blocks);
        frames.push(frame("messageStop", json!({"stopReason": "end_turn", "p": "abc"})));
        let usage = json!({"inputTokens": 3, "outputTokens": 2, "totalTokens": 5});
        frames.push(frame("metadata", json!({"usage": usage, "p": "a"})));
        let from_stream = streamed(frames, memo);
        check_contract(&from_stream).unwrap();

        let answer = Answer::of(&from_whole);
        assert_eq!(Answer::of(&from_stream), answer);
        answer
    }

    #[track_caller]
    fn check(self, memo: &str, parts: Vec<Part>) {
        let answer = self.answer(memo);
        assert_eq!(answer.parts.into_values().collect::<Vec<_>>(), parts);
    }
}

fn start(index: u32, start: Value) -> Frame {
    frame("contentBlockStart", json!({"contentBlockIndex": index, "start": start}))
}

fn delta(index: u32, delta: Value) -> Frame {
    frame("contentBlockDelta", json!({"contentBlockIndex": index, "delta": delta, "p": "abcd"}))
}

fn stop(index: u32) -> Frame {
    frame("contentBlockStop", json!({"contentBlockIndex": index}))
}

#[test]
fn texts_are_joined() {
    let case = Case {
        content: json!([{"text": "Hello, world"}, {"text": ""}, {"text": "!"}]),
        blocks: vec![
            delta(0, json!({"text": "Hello, "})),
            delta(0, json!({"text": "world"})),
            stop(0),
            stop(1),
            delta(2, json!({"text": "!"})),
            stop(2),
        ],
    };
    let answer = case.answer("");
    assert_eq!(answer.text(0), "Hello, world!");
    assert_eq!(answer.parts.len(), 2);
    assert_eq!(answer.origin.id.as_deref(), Some("r-1"), "the id is in the head");
    assert_eq!(answer.finishes, [Finish::new(0, FinishReason::Stop, "end_turn")]);
}

#[test]
fn calls_keep_their_input() {
    let input = json!({"a": 1});
    let case = Case {
        content: json!([
            {"text": "Looking."},
            {"toolUse": {"toolUseId": "t-1", "name": "look", "input": input, "type": "tool_use"}},
            {"toolUse": {"toolUseId": "t-2", "name": "rest", "input": {}}},
        ]),
        blocks: vec![
            delta(0, json!({"text": "Looking."})),
            stop(0),
            start(1, json!({"toolUse": {"toolUseId": "t-1", "name": "look"}})),
            delta(1, json!({"toolUse": {"input": ""}})),
            delta(1, json!({"toolUse": {"input": "{\"a\""}})),
            delta(1, json!({"toolUse": {"input": ":1}"}})),
            stop(1),
            start(2, json!({"toolUse": {"toolUseId": "t-2", "name": "rest"}})),
            stop(2),
        ],
    };
    let parts = vec![
        Part::text("Looking."),
        ToolCall::new("t-1", "look", r#"{"a":1}"#).into(),
        ToolCall::new("t-2", "rest", "{}").into(),
    ];
    case.check("", parts);
}

fn thoughts() -> Case {
    Case {
        content: json!([
            {"reasoningContent": {"reasoningText": {"text": "Hm, so", "signature": "c2ln"}}},
            // "opaque" in base64.
            {"reasoningContent": {"redactedContent": "b3BhcXVl"}},
            {"text": "Yes."},
        ]),
        blocks: vec![
            delta(0, json!({"reasoningContent": {"text": "Hm, "}})),
            delta(0, json!({"reasoningContent": {"text": "so"}})),
            delta(0, json!({"reasoningContent": {"signature": "c2ln"}})),
            stop(0),
            delta(1, json!({"reasoningContent": {"redactedContent": "b3BhcXVl"}})),
            stop(1),
            delta(2, json!({"text": "Yes."})),
            stop(2),
        ],
    }
}

#[test]
fn anthropic_takes_back_what_its_models_signed_here() {
    let proven = Part {
        signature: Some("c2ln".into()),
        format: Some("anthropic-claude-v1".into()),
        ..Part::reasoning("Hm, so")
    };
    let hidden = Part {
        format: Some("anthropic-claude-v1".into()),
        ..PartBody::Reasoning(Reasoning::Encrypted("opaque".into())).into()
    };
    thoughts().check(&memo(CLAUDE, "openai-chat"), vec![proven, hidden, Part::text("Yes.")]);
}

#[test]
fn what_others_signed_is_for_bedrock_alone() {
    let format = Some("bedrock-converse-v1".to_owned());
    let proven = Part {
        signature: Some("c2ln".into()),
        format: format.clone(),
        ..Part::reasoning("Hm, so")
    };
    let hidden =
        Part { format, ..PartBody::Reasoning(Reasoning::Encrypted("b3BhcXVl".into())).into() };
    thoughts().check(&memo(OTHER, "openai-chat"), vec![proven, hidden, Part::text("Yes.")]);
}

#[test]
fn reasoning_without_a_proof_has_no_format() {
    let case = Case {
        content: json!([{"reasoningContent": {"reasoningText": {"text": "Hm."}}}]),
        blocks: vec![delta(0, json!({"reasoningContent": {"text": "Hm."}})), stop(0)],
    };
    case.check(&memo(OTHER, "openai-chat"), vec![Part::reasoning("Hm.")]);
}

#[test]
fn citations_are_read() {
    let cited = json!({
        "title": "Law", "sourceContent": [{"text": "It "}, {"text": "says."}],
        "location": {"documentChar": {"documentIndex": 0, "start": 1, "end": 9}},
    });
    let web = json!({"title": "Page", "location": {"web": {"url": "https://a.test/", "domain": "a.test"}}});
    let case = || Case {
        content: json!([
            {"citationsContent": {"content": [{"text": "Twenty"}, {"text": " days."}],
                "citations": [cited, web]}},
        ]),
        blocks: vec![
            delta(0, json!({"citation": cited})),
            delta(0, json!({"text": "Twenty"})),
            delta(0, json!({"text": " days."})),
            delta(0, json!({"citation": web})),
            stop(0),
        ],
    };
    let citation = |url: Option<&str>, title: &str, quote: Option<&str>| Citation {
        url: url.map(Into::into),
        title: Some(title.into()),
        quote: quote.map(Into::into),
        span: None,
        extra: Vec::new(),
    };
    let mut citations = vec![
        citation(None, "Law", Some("It says.")),
        citation(Some("https://a.test/"), "Page", None),
    ];
    let part = Part { citations: citations.clone(), ..Part::text("Twenty days.") };
    case().check("", vec![part]);

    let extra = |json: Value| vec![("location".to_owned(), json["location"].to_string())];
    citations[0].extra = extra(cited.clone());
    citations[1].extra = extra(web.clone());
    let part = Part { citations, ..Part::text("Twenty days.") };
    case().check(&memo(OTHER, NATIVE), vec![part]);
}

#[test]
fn blocks_of_the_services_own_tools_are_for_native_clients() {
    let call = json!({"toolUse": {"toolUseId": "s-1", "name": "nova_code_interpreter",
        "type": "server_tool_use", "input": {"snippet": "6*7"}}});
    let result = json!({"toolResult": {"toolUseId": "s-1", "status": "success",
        "type": "nova_code_interpreter_result", "content": [{"json": {"stdOut": "42"}}]}});
    let case = || Case {
        content: json!([call, result, {"text": "42"}]),
        blocks: vec![
            start(
                0,
                json!({"toolUse": {"toolUseId": "s-1", "name": "nova_code_interpreter",
                "type": "server_tool_use"}}),
            ),
            delta(0, json!({"toolUse": {"input": "{\"snippet\":"}})),
            delta(0, json!({"toolUse": {"input": "\"6*7\"}"}})),
            stop(0),
            start(
                1,
                json!({"toolResult": {"toolUseId": "s-1", "status": "success",
                "type": "nova_code_interpreter_result"}}),
            ),
            delta(1, json!({"toolResult": [{"json": {"stdOut": "42"}}]})),
            stop(1),
            delta(2, json!({"text": "42"})),
            stop(2),
        ],
    };
    case().check("", vec![Part::text("42")]);

    // The order of an object's fields is the provider's: compared by value.
    let native = |frames| {
        let events = streamed(frames, &memo(OTHER, NATIVE));
        check_contract(&events).unwrap();
        let parts = Answer::of(&events).parts.into_values();
        parts.map(|part| part.body).collect::<Vec<_>>()
    };
    let mut frames = case().blocks;
    frames.push(frame("messageStop", json!({"stopReason": "end_turn"})));
    let [PartBody::Native(first), PartBody::Native(second), _] = &native(frames)[..] else {
        panic!("two native blocks and a text");
    };
    assert_eq!(serde_json::from_str::<Value>(first).unwrap(), call);
    assert_eq!(serde_json::from_str::<Value>(second).unwrap(), result);
}

#[test]
fn images_are_media() {
    let case = Case {
        content: json!([{"image": {"format": "png", "source": {"bytes": "iVBORw=="}}}]),
        blocks: vec![
            start(0, json!({"image": {"format": "png"}})),
            delta(0, json!({"image": {"source": {"bytes": "iVBORw=="}}})),
            stop(0),
        ],
    };
    let answer = case.answer("");
    let PartBody::Media(media) = &answer.parts[&(0, 0)].body else {
        panic!("an image");
    };
    assert_eq!(media.mime.as_deref(), Some("image/png"));
}

fn whole_answer(fields: Value, memo: &str) -> Answer {
    let mut body = json!({
        "output": {"message": {"role": "assistant", "content": [{"text": "ok"}]}},
        "stopReason": "end_turn",
    });
    for (name, value) in fields.as_object().unwrap() {
        body[name] = value.clone();
    }
    let events = whole::<Bedrock>(&Transcript::new(200, body.to_string()), memo);
    check_contract(&events).unwrap();
    Answer::of(&events)
}

#[test]
fn reasons_to_stop() {
    use FinishReason::{ContentFilter, Error, Length, Stop, ToolCalls};
    let reasons = [
        ("end_turn", Stop),
        ("stop_sequence", Stop),
        ("future", Stop),
        ("max_tokens", Length),
        ("model_context_window_exceeded", Length),
        ("tool_use", ToolCalls),
        ("guardrail_intervened", ContentFilter),
        ("content_filtered", ContentFilter),
        ("malformed_model_output", Error),
        ("malformed_tool_use", Error),
    ];
    for (word, reason) in reasons {
        let answer = whole_answer(json!({"stopReason": word}), "");
        assert_eq!(answer.finishes, [Finish::new(0, reason, word)]);
    }
    let more = json!({"stopReason": "stop_sequence",
        "additionalModelResponseFields": {"stop_sequence": "END"}});
    assert_eq!(whole_answer(more, "").finishes[0].stop_sequence.as_deref(), Some("END"));
}

#[test]
fn usage_counts_the_cache_in() {
    let usage = |counts: Value| whole_answer(json!({"usage": counts}), "").usage;
    let full = json!({
        "inputTokens": 10, "outputTokens": 5, "totalTokens": 1815,
        "cacheReadInputTokens": 800, "cacheReadInputTokenCount": 800,
        "cacheWriteInputTokens": 1000, "cacheWriteInputTokenCount": 1000,
        "cacheDetails": [{"ttl": "1h", "inputTokens": 600}, {"ttl": "5m", "inputTokens": 400}],
        "serverToolUsage": {},
    });
    let expected = Usage {
        prompt_tokens: 1810,
        completion_tokens: 5,
        cache_read_tokens: 800,
        cache_write_tokens: 1000,
        meters: vec![("cache-write-1h-tokens".into(), 600)],
        ..Usage::default()
    };
    assert_eq!(usage(full), [expected]);
    let odd = json!({"inputTokens": null, "outputTokens": 7, "cacheDetails": "future"});
    assert_eq!(usage(odd), [Usage { completion_tokens: 7, ..Usage::default() }]);
    assert_eq!(usage(json!(null)), [], "without usage the host counts for itself");
}

#[test]
fn who_answered_and_at_what_tier() {
    let trace = json!({"promptRouter": {"invokedModelId": "arn:aws:bedrock:m"}});
    let fields = json!({
        "trace": trace, "serviceTier": {"type": "flex"}, "metrics": {"latencyMs": 9},
        "performanceConfig": {"latency": "optimized"}, "p": "padding",
    });
    let answer = whole_answer(fields.clone(), "");
    assert_eq!(answer.origin.model.as_deref(), Some("arn:aws:bedrock:m"));
    assert_eq!(answer.origin.service_tier.as_deref(), Some("flex"));
    assert_eq!(answer.origin.extra, []);

    let names: Vec<String> = whole_answer(fields, &memo(OTHER, NATIVE))
        .origin
        .extra
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    assert_eq!(names, ["metrics", "performanceConfig", "trace"]);
}
