//! What a client reads from a stream is what it would have read in one piece.

use plugway_engine::chat::{
    Citation, Finish, FinishReason, Media, MediaKind, MediaSource, Origin, Reasoning,
};
use rand::SeedableRng;
use rand::rngs::StdRng;
use serde_json::{Value, json};

use super::*;
use crate::answer::Answer;
use crate::events::*;

fn head() -> Head {
    Head { id: "gen-1".into(), created: 7, model: "m".into(), provider: "P".into() }
}

fn form(include_thoughts: bool, framing: Framing) -> Generation {
    Generation { include_thoughts, framing }
}

fn written(events: &[Event], form: Generation) -> String {
    let mut encoder = Chunks::new(head(), form);
    let mut out = BytesMut::new();
    for event in events {
        encoder.push(event, &mut out);
    }
    encoder.end(Some(&Bill::unpriced(usage_of(3, 4))), &mut out);
    String::from_utf8(out.to_vec()).unwrap()
}

fn chunks(text: &str) -> Vec<Value> {
    let chunks = text.strip_suffix("\r\n\r\n").unwrap().split("\r\n\r\n");
    let data = chunks.map(|chunk| chunk.strip_prefix("data: ").unwrap());
    data.map(|data| serde_json::from_str(data).unwrap()).collect()
}

fn whole(events: &[Event], include_thoughts: bool) -> Value {
    let answer = Answer::from_events(events.iter().cloned());
    let bill = Bill::unpriced(usage_of(3, 4));
    let body = whole::encode(&answer, &head(), include_thoughts, Some(&bill));
    serde_json::from_slice(&body).unwrap()
}

/// Reads a stream as client libraries do: the parts of a candidate are laid end to end,
/// what else there is replaces what was there before.
fn assemble(chunks: &[Value]) -> Value {
    let mut answer = json!({});
    let mut candidates: Vec<Value> = Vec::new();
    for chunk in chunks {
        for (name, value) in chunk.as_object().unwrap() {
            if name != "candidates" {
                answer[name] = value.clone();
            }
        }
        for bit in chunk["candidates"].as_array().unwrap() {
            let known = candidates.iter().position(|it| it["index"] == bit["index"]);
            let place = known.unwrap_or_else(|| {
                candidates.push(json!({"index": bit["index"]}));
                candidates.len() - 1
            });
            join(&mut candidates[place], bit);
        }
    }
    candidates.sort_by_key(|candidate| candidate["index"].as_u64());
    answer["candidates"] = candidates.into();
    answer
}

fn join(candidate: &mut Value, bit: &Value) {
    for (name, value) in bit.as_object().unwrap() {
        match (name.as_str(), candidate.get_mut(name)) {
            ("content", Some(content)) => append(content, value, "parts"),
            ("logprobsResult", Some(result)) => {
                append(result, value, "chosenCandidates");
                append(result, value, "topCandidates");
            }
            _ => candidate[name] = value.clone(),
        }
    }
}

fn append(whole: &mut Value, bit: &Value, name: &str) {
    let Some(more) = bit[name].as_array() else { return };
    match whole[name].as_array_mut() {
        Some(list) => list.extend(more.iter().cloned()),
        None => whole[name] = more.clone().into(),
    }
}

/// Joins the texts of one kind that follow each other, up to a proof, and forgets those
/// that are empty.
fn normalise(mut answer: Value) -> Value {
    for candidate in answer["candidates"].as_array_mut().unwrap() {
        let Some(parts) = candidate["content"]["parts"].as_array_mut() else { continue };
        let mut joined: Vec<Value> = Vec::new();
        for part in std::mem::take(parts) {
            let goes_on = joined.last().is_some_and(|last| {
                last["text"].is_string()
                    && part["text"].is_string()
                    && last["thought"] == part["thought"]
                    && last["thoughtSignature"].is_null()
            });
            match joined.last_mut().filter(|_| goes_on) {
                Some(last) => {
                    let text = format!(
                        "{}{}",
                        last["text"].as_str().unwrap(),
                        part["text"].as_str().unwrap()
                    );
                    for (name, value) in part.as_object().unwrap() {
                        last[name] = value.clone();
                    }
                    last["text"] = text.into();
                }
                None => joined.push(part),
            }
        }
        joined.retain(|part| part["text"] != "" || !part["thoughtSignature"].is_null());
        *parts = joined;
        if parts.is_empty() {
            candidate["content"].as_object_mut().unwrap().remove("parts");
        }
    }
    answer
}

#[track_caller]
fn same_both_ways(events: &[Event]) {
    for include_thoughts in [true, false] {
        let streamed = written(events, form(include_thoughts, Framing::Events));
        let expected = normalise(whole(events, include_thoughts));
        assert_eq!(normalise(assemble(&chunks(&streamed))), expected);
        let array = written(events, form(include_thoughts, Framing::Array));
        let array: Vec<Value> = serde_json::from_str(&array).unwrap();
        assert_eq!(array, chunks(&streamed));
    }
}

fn signed(event: Event, format: &str, signature: &str) -> Event {
    let mut piece = piece_of(event);
    piece.part.format = Some(format.into());
    piece.part.signature = Some(signature.into());
    Event::Piece(piece)
}

fn stop() -> Event {
    finish(0, FinishReason::Stop)
}

/// A name, and what an adapter says.
type Told = (&'static str, Vec<Event>);

/// Answers of every kind; each is told in both forms.
fn answers() -> Vec<Told> {
    [texts(), calls(), media(), endings()].concat()
}

fn texts() -> Vec<Told> {
    let encrypted = PartBody::Reasoning(Reasoning::Encrypted("gAAA".into()));
    let summary = |text: &str| PartBody::Reasoning(Reasoning::Summary(text.into()));
    let mut item = piece_of(piece(0, 0, summary("Su")));
    item.part.id = Some("rs_1".into());
    item.part.format = Some("openai-responses-v1".into());
    vec![
        ("nothing", vec![]),
        ("no content", vec![stop()]),
        ("text", vec![piece(0, 0, text("One ")), piece(0, 0, text("two.")), stop()]),
        (
            "thoughts with a proof of another's",
            vec![
                piece(0, 0, reasoning("Let ")),
                piece(0, 0, reasoning("me see.")),
                signed(piece(0, 0, reasoning("")), "anthropic-claude-v1", "EqQB"),
                piece(0, 1, text("Yes.")),
                stop(),
            ],
        ),
        (
            "googles own proofs",
            vec![
                piece(0, 0, reasoning("Hm")),
                signed(piece(0, 1, text("Yes")), "google-gemini-v1", "c2ln"),
                signed(piece(0, 2, call("c1", "f", "{}")), "google-gemini-v1", "c2lx"),
                finish(0, FinishReason::ToolCalls),
            ],
        ),
        (
            "summaries and what is encrypted",
            vec![
                Event::Piece(item),
                piece(0, 0, summary("m")),
                piece(0, 1, encrypted),
                piece(0, 2, text("x")),
                stop(),
            ],
        ),
    ]
}

fn calls() -> Vec<Told> {
    vec![
        (
            "calls in bits, made at once",
            vec![
                piece(0, 0, text("Well. ")),
                piece(0, 1, call("c1", "f", "")),
                piece(0, 2, call("c2", "g", "{\"b\"")),
                piece(0, 1, call("", "", "{\"a\":")),
                piece(0, 1, call("", "", "1}")),
                piece(0, 2, call("", "", ":2}")),
                piece(0, 3, call("unnamed-1", "h", "")),
                finish(0, FinishReason::ToolCalls),
            ],
        ),
        (
            "text behind a call that was not whole",
            vec![
                piece(0, 0, call("c1", "f", "{\"a\"")),
                piece(0, 1, text("By the way")),
                piece(0, 0, call("", "", ":1}")),
                piece(0, 1, text(", yes.")),
                finish(0, FinishReason::ToolCalls),
            ],
        ),
        (
            "a call that nobody can make",
            vec![
                piece(0, 0, text("So.")),
                piece(0, 1, call("c1", "f", "{\"a\": tru")),
                piece(0, 2, call("c2", "g", "[]")),
                finish(0, FinishReason::ToolCalls),
            ],
        ),
    ]
}

fn media() -> Vec<Told> {
    let picture = |data: &str| PartBody::Media(image(data));
    let sound = |data: &str| {
        PartBody::Media(Media {
            kind: MediaKind::Audio,
            source: MediaSource::Base64(data.into()),
            mime: Some("audio/wav".into()),
            name: None,
            detail: None,
        })
    };
    vec![
        (
            "media",
            vec![
                piece(0, 0, picture("AAAA")),
                piece(0, 0, picture("AAAA")),
                piece(0, 1, sound("AAAA")),
                piece(0, 1, sound("BBBB")),
                piece(0, 2, text("There.")),
                stop(),
            ],
        ),
        (
            "native parts and fields",
            vec![
                Event::Origin(Origin {
                    id: None,
                    model: None,
                    service_tier: Some("priority".into()),
                    extra: vec![
                        ("createTime".into(), "\"t\"".into()),
                        ("responseId".into(), "1".into()),
                    ],
                }),
                piece(0, 0, PartBody::Native("{\"executableCode\": {\"code\":\"1\"}}".into())),
                Event::Finish(Finish {
                    choice: 0,
                    reason: FinishReason::ContentFilter,
                    native: "RECITATION".into(),
                    stop_sequence: None,
                    extra: vec![("safetyRatings".into(), "[]".into())],
                }),
            ],
        ),
    ]
}

fn endings() -> Vec<Told> {
    let mut cited = piece_of(piece(0, 0, text("")));
    cited.part.citations.push(Citation {
        url: Some("https://x.example".into()),
        title: Some("X".into()),
        quote: None,
        span: None,
        extra: Vec::new(),
    });
    let mut likely = piece_of(piece(0, 0, text("b")));
    likely.logprobs = Some(
        r#"[{"token":"b","logprob":-0.5,"top_logprobs":[{"token":"c","logprob":-1}]}]"#.into(),
    );
    vec![
        (
            "sources and likelihoods",
            vec![piece(0, 0, text("a")), Event::Piece(likely), Event::Piece(cited), stop()],
        ),
        (
            "several candidates",
            vec![
                piece(1, 0, text("second")),
                piece(0, 0, reasoning("hm")),
                piece(0, 1, text("first")),
                finish(1, FinishReason::Length),
                stop(),
                usage(3, 4),
            ],
        ),
        ("withheld", vec![finish(0, FinishReason::ContentFilter)]),
        ("a refusal", vec![piece(0, 0, PartBody::Refusal("No.".into())), stop()]),
    ]
}

#[test]
fn a_stream_says_what_a_whole_answer_says() {
    for (name, events) in answers() {
        println!("{name}");
        same_both_ways(&events);
    }
}

#[test]
fn any_answer_is_the_same_streamed_and_whole() {
    let mut draws = StdRng::seed_from_u64(7);
    for _ in 0..1000 {
        same_both_ways(&drawn(&mut draws));
    }
}

#[test]
fn whole_answers_are_shaped_as_googles() {
    let of = |name: &str, include_thoughts: bool| {
        let (_, events) = answers().into_iter().find(|(known, _)| *known == name).unwrap();
        whole(&events, include_thoughts)
    };
    assert_eq!(
        of("text", false),
        json!({
            "candidates": [{
                "content": {"parts": [{"text": "One two."}], "role": "model"},
                "index": 0, "finishReason": "STOP",
            }],
            "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 4, "totalTokenCount": 7},
            "modelVersion": "m", "responseId": "gen-1",
            "plugway": {"provider": "P", "cost": null},
        })
    );
    let parts = |answer: Value| answer["candidates"][0]["content"]["parts"].clone();
    let calls = of("calls in bits, made at once", false);
    assert_eq!(
        parts(calls.clone()),
        json!([
            {"text": "Well. "},
            {"functionCall": {"id": "c1", "name": "f", "args": {"a": 1}}},
            {"functionCall": {"id": "c2", "name": "g", "args": {"b": 2}}},
            {"functionCall": {"name": "h", "args": {}}},
        ])
    );
    assert_eq!(calls["candidates"][0]["finishReason"], "STOP");
    let own = json!([
        {"text": "Yes", "thoughtSignature": "c2ln"},
        {"functionCall": {"id": "c1", "name": "f", "args": {}}, "thoughtSignature": "c2lx"},
    ]);
    assert_eq!(parts(of("googles own proofs", false)), own);
    let foreign = of("thoughts with a proof of another's", true);
    assert_eq!(foreign["candidates"][0]["content"]["parts"][0]["thought"], true);
    let broken = of("a call that nobody can make", false);
    assert_eq!(parts(broken.clone()), json!([{"text": "So."}]));
    assert_eq!(broken["candidates"][0]["finishReason"], "MALFORMED_FUNCTION_CALL");
    assert_eq!(broken["candidates"][0]["finishMessage"], "Malformed function call: f");
    let native = of("native parts and fields", false);
    assert_eq!(native["candidates"][0]["finishReason"], "RECITATION");
    assert_eq!(native["candidates"][0]["safetyRatings"], json!([]));
    assert_eq!((&native["createTime"], &native["responseId"]), (&json!("t"), &json!("gen-1")));
    assert_eq!(native["promptFeedback"], Value::Null);
    let withheld = of("withheld", false);
    assert_eq!(withheld["promptFeedback"], json!({"blockReason": "SAFETY"}));
    assert_eq!(withheld["candidates"][0]["finishReason"], "SAFETY");
    let sources = of("sources and likelihoods", false);
    assert_eq!(
        sources["candidates"][0]["citationMetadata"],
        json!({"citationSources": [{"uri": "https://x.example", "title": "X"}]})
    );
    assert_eq!(
        sources["candidates"][0]["logprobsResult"],
        json!({
            "chosenCandidates": [{"token": "b", "logProbability": -0.5}],
            "topCandidates": [{"candidates": [{"token": "c", "logProbability": -1}]}],
        })
    );
}

#[test]
fn the_tier_that_served_stands_with_the_usage() {
    let (_, events) =
        answers().into_iter().find(|(known, _)| *known == "native parts and fields").unwrap();
    assert_eq!(whole(&events, false)["usageMetadata"]["serviceTier"], "priority");
}

#[test]
fn text_is_told_as_it_comes_and_calls_once_they_are_whole() {
    let mut encoder = Chunks::new(head(), form(true, Framing::Events));
    let mut told = |event: Event| {
        let mut out = BytesMut::new();
        encoder.push(&event, &mut out);
        match out.is_empty() {
            true => Vec::new(),
            false => chunks(std::str::from_utf8(&out).unwrap()),
        }
    };
    assert_eq!(told(piece(0, 0, text("a"))).len(), 1);
    assert_eq!(told(piece(0, 0, text("b"))).len(), 1);
    assert_eq!(told(piece(0, 1, call("c", "f", "{\"a\":"))).len(), 0);
    assert_eq!(told(piece(0, 1, call("", "", "1}"))).len(), 0);
    let chunk = told(piece(0, 2, text("c"))).remove(0);
    let parts = &chunk["candidates"][0]["content"]["parts"];
    assert_eq!(parts[0]["functionCall"]["args"], json!({"a": 1}));
    assert_eq!(parts[1]["text"], "c");
}

#[test]
fn what_is_hidden_is_proved_all_the_same() {
    let mut item = piece_of(piece(0, 1, PartBody::Reasoning(Reasoning::Summary("secret".into()))));
    item.part.id = Some("rs_1".into());
    item.part.format = Some("openai-responses-v1".into());
    let events = [
        piece(0, 0, reasoning("sec")),
        signed(piece(0, 0, reasoning("ret")), "anthropic-claude-v1", "EqQB"),
        Event::Piece(item.clone()),
        piece(0, 2, reasoning("secret")),
        piece(0, 3, call("c", "f", "{}")),
        finish(0, FinishReason::ToolCalls),
    ];
    same_both_ways(&events);
    assert!(!written(&events, form(false, Framing::Events)).contains("sec"));
    let whole = whole(&events, false);
    let parts = whole["candidates"][0]["content"]["parts"].as_array().unwrap();
    let signed = piece_of(signed(piece(0, 0, reasoning("")), "anthropic-claude-v1", "EqQB")).part;
    let proof = |part: &Part| {
        let proof = crate::gemini::signature::written(part).unwrap().into_owned();
        json!({"text": "", "thought": true, "thoughtSignature": proof})
    };
    assert_eq!(parts[..2], [proof(&signed), proof(&item.part)]);
    assert_eq!((parts.len(), &parts[2]["functionCall"]["name"]), (3, &json!("f")));
}

#[test]
fn what_comes_late_for_a_call_is_its_proof_alone() {
    let events = [
        piece(0, 0, call("c", "f", "{\"a\":1}")),
        piece(0, 1, text("x")),
        piece(0, 0, call("", "", "")),
        signed(piece(0, 0, call("", "", "")), "google-gemini-v1", "c2ln"),
    ];
    let answer = assemble(&chunks(&written(&events, form(true, Framing::Events))));
    let parts = answer["candidates"][0]["content"]["parts"].as_array().unwrap();
    let calls: Vec<&Value> =
        parts.iter().filter(|part| part.get("functionCall").is_some()).collect();
    assert_eq!(calls, [&json!({"functionCall": {"id": "c", "name": "f", "args": {"a": 1}}})]);
    let proofs = parts.iter().filter(|part| part.get("thoughtSignature").is_some());
    let expected = json!({"text": "", "thoughtSignature": "c2ln"});
    assert_eq!(proofs.collect::<Vec<_>>(), [&expected]);
}

#[test]
fn counts_leave_thoughts_out_of_what_was_written() {
    let mut usage = usage_of(10, 9);
    usage.reasoning_tokens = 4;
    usage.cache_read_tokens = 6;
    usage.meters = vec![("prompt-image-tokens".into(), 3)];
    let mut out = BytesMut::new();
    super::usage::write(&mut Writer::new(&mut out), &Bill::unpriced(usage), None);
    assert_eq!(
        serde_json::from_slice::<Value>(&out).unwrap(),
        json!({
            "promptTokenCount": 10, "candidatesTokenCount": 5, "totalTokenCount": 19,
            "cachedContentTokenCount": 6, "thoughtsTokenCount": 4,
            "promptTokensDetails": [
                {"modality": "TEXT", "tokenCount": 7}, {"modality": "IMAGE", "tokenCount": 3}],
        })
    );
}

#[test]
fn an_error_in_the_stream_is_a_chunk_of_its_own() {
    for framing in [Framing::Events, Framing::Array] {
        let mut encoder = Chunks::new(head(), form(false, framing));
        let mut out = BytesMut::new();
        encoder.push(&piece(0, 0, text("Half")), &mut out);
        encoder.push(&piece(0, 1, call("c", "f", "{\"a\"")), &mut out);
        let error = ErrorBody {
            status: 502,
            message: "It broke.".into(),
            kind: "provider_unavailable",
            ..ErrorBody::default()
        };
        encoder.fail(&error, Some(&Bill::unpriced(usage_of(1, 2))), &mut out);
        let text = std::str::from_utf8(&out).unwrap();
        let told: Vec<Value> = match framing {
            Framing::Events => chunks(text),
            Framing::Array => serde_json::from_str(text).unwrap(),
        };
        assert_eq!(told.len(), 2);
        assert_eq!(told[0]["candidates"][0]["content"]["parts"][0]["text"], "Half");
        assert_eq!(told[1]["error"]["status"], "UNAVAILABLE");
        assert_eq!(told[1]["usageMetadata"]["totalTokenCount"], 3);
    }
}

#[test]
fn an_answer_that_broke_off_has_no_whole_form() {
    let answer = Answer::from_events([piece(0, 0, text("Half"))]);
    let error = ErrorBody::default();
    let form = form(false, Framing::Array);
    assert!(crate::Form::encode_whole(&form, &answer, &head(), None, Some(&error)).is_none());
}
