//! Answers that are good HTTP and bad, or merely unusual, as what they say.

use crate::wire::{
    LAST_CHUNK, Rude, SECRET, STREAM_HEAD, WIRES, Wire, chunk, failure, json_response,
    nothing_was_logged, response, said, stream_response,
};
use plugway_tests::{KEY, Play};
use serde_json::{Value, json};

const UNAVAILABLE: &str = "provider_unavailable";

/// A megabyte, as text.
const MEGABYTE: usize = 1024 * 1024;

#[tokio::test(flavor = "multi_thread")]
async fn a_frame_may_be_large_but_not_too_large() {
    let rude = Rude::start("").await;
    let bounded = Rude::start("[upstream]\nmax_frame = \"9MiB\"").await;
    let text = "0123456789abcde ".repeat(10 * MEGABYTE / 16);
    for wire in WIRES {
        let stream = stream_response(wire.stream(&[&text]));
        rude.play_once(stream.clone());
        rude.serves(wire, true, "10 MB", &text).await;
        bounded.play_once(stream);
        bounded.fails(wire, true, "10 MB", UNAVAILABLE).await;
        // Not so much as a line end ever comes.
        let endless = [STREAM_HEAD.as_bytes(), &chunk(format!("data: {text}"))].concat();
        bounded.play([Play::write(endless), Play::Hang]);
        bounded.fails(wire, true, "an endless line", UNAVAILABLE).await;
        let comment = [STREAM_HEAD.as_bytes(), &chunk(format!(": {text}"))].concat();
        bounded.play([Play::write(comment), Play::Hang]);
        bounded.fails(wire, true, "an endless comment", UNAVAILABLE).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_larger_than_the_bound_is_refused() {
    let rude = Rude::start("[upstream]\nmax_frame = \"64KiB\"\nmax_response = \"64KiB\"").await;
    let text = "x".repeat(100_000);
    for wire in WIRES {
        let declared = json_response(&wire.whole(&text));
        let chunks = ["HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".as_bytes()];
        let body = chunk(wire.whole(&text).to_string());
        let streamed = [chunks[0], &body, LAST_CHUNK.as_bytes()].concat();
        for (case, answer) in [("declared", declared), ("in chunks", streamed)] {
            rude.play_once(answer);
            rude.fails(wire, false, case, UNAVAILABLE).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bytes_decide_where_the_content_type_does_not_say() {
    let rude = Rude::start("").await;
    for wire in WIRES {
        let stream = wire.stream(&["all is", " well"]);
        for kind in ["text/plain", "application/octet-stream", "TEXT/EVENT-STREAM; x=y", "\u{e9}"] {
            rude.play_once(response(&format!("200 OK\r\ncontent-type: {kind}"), &stream));
            rude.serves(wire, true, kind, "all is well").await;
        }
        rude.play_once(response("200 OK", &stream));
        rude.serves(wire, true, "no content-type", "all is well").await;
        // JSON where a stream was asked for, and what JSON was asked for as.
        rude.play_once(json_response(&wire.whole("all is well")));
        rude.serves(wire, true, "JSON for a stream", "all is well").await;
        let plain = response("200 OK\r\ncontent-type: text/plain", wire.whole("well").to_string());
        rude.play_once(plain);
        rude.serves(wire, false, "JSON as text", "well").await;
        // A stream where JSON was asked for.
        rude.play_once(stream_response(&stream));
        rude.fails(wire, false, "a stream for JSON", UNAVAILABLE).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn text_arrives_whole_however_the_stream_is_cut_and_marked() {
    let rude = Rude::start("").await;
    let text = [
        "caf\u{e9} \u{1F600}",
        " \u{65E5}\u{672C}",
        " \u{1F1E9}\u{1F1EA}.",
        "\u{2028}\u{feff}\u{85}",
    ];
    for wire in WIRES {
        let lf = wire.stream(&text);
        let mixed: String = lf
            .split_inclusive('\n')
            .enumerate()
            .map(|(n, line)| match n % 3 {
                0 => line.to_owned(),
                1 => line.replace('\n', "\r"),
                _ => line.replace('\n', "\r\n"),
            })
            .collect();
        let commented = format!("\u{feff}: hello\n\n:\n\n{}", lf.replace("\n\n", "\n\n: ping\n\n"));
        let fields = lf.replace("data: ", "id: 1\nretry: 5\nunknown\ndata:");
        for (case, stream) in [
            ("LF", lf.clone()),
            ("CR", lf.replace('\n', "\r")),
            ("CRLF", lf.replace('\n', "\r\n")),
            ("mixed", mixed),
            ("BOM and comments", commented),
            ("other fields", fields),
        ] {
            // Each byte is a chunk of its own: cut at every byte, all at once.
            let chunks: Vec<u8> = stream.bytes().flat_map(|byte| chunk([byte])).collect();
            let cut = [STREAM_HEAD.as_bytes(), &chunks, LAST_CHUNK.as_bytes()].concat();
            rude.play([Play::write(cut)]);
            rude.serves(wire, true, case, &text.concat()).await;
            let (first, rest) = stream.as_bytes().split_at(stream.len() / 2);
            let halves = [STREAM_HEAD.as_bytes(), &chunk(first), &chunk(rest)].concat();
            rude.play([Play::drip(halves), Play::write(LAST_CHUNK)]);
            rude.serves(wire, true, case, &text.concat()).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nonsense_in_a_stream_fails_and_is_never_passed_on() {
    let rude = Rude::start("").await;
    for wire in WIRES {
        let begun = wire.opening() + &wire.delta("good ");
        let not_utf8 = b"data: {\"type\":\"content_block_delta\",\"choices\":\"\xff\xfe\"}\n\n";
        for (case, nonsense) in [
            ("no JSON", format!("data: {SECRET}\n\n").into_bytes()),
            ("half JSON", format!("data: {{\"x\":\"{SECRET}\n\n").into_bytes()),
            ("no UTF-8", not_utf8.to_vec()),
            ("too deep", format!("data: {}\n\n", "[".repeat(10_000)).into_bytes()),
            (
                "half a surrogate",
                br#"data: {"x":"\ud800"}"#.iter().copied().chain(*b"\n\n").collect(),
            ),
        ] {
            let stream = [begun.as_bytes(), &nonsense, wire.delta("more").as_bytes()].concat();
            // What came first leaves first, as the connection shows it.
            let begun = [STREAM_HEAD.as_bytes(), &chunk(&begun)].concat();
            let pause = Play::Wait(std::time::Duration::from_millis(50));
            let rest = chunk(&stream[stream.len() - nonsense.len() - wire.delta("more").len()..]);
            rude.play([Play::write(begun), pause, Play::write(rest), Play::write(LAST_CHUNK)]);
            rude.breaks(wire, case, "good ", UNAVAILABLE).await;
            rude.play([Play::write(stream_response(nonsense))]);
            rude.fails(wire, true, case, UNAVAILABLE).await;
        }
    }
    nothing_was_logged();
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_say_nothing_move_on() {
    let rude = Rude::start("").await;
    for wire in WIRES {
        let mut empty = wire.whole("");
        empty["usage"] = json!({"prompt_tokens": 3, "input_tokens": 3});
        let mut none = empty.clone();
        none["choices"] = json!([]);
        none["content"] = json!([]);
        let mut null = empty.clone();
        null["choices"] = Value::Null;
        null["content"] = Value::Null;
        for (case, body) in [
            ("empty", empty),
            ("no choices", none),
            ("null choices", null),
            ("null", Value::Null),
            ("a string", json!(SECRET)),
            ("a list", json!([])),
            ("an object", json!({})),
            ("an error", wire.error("the machine is on fire")),
        ] {
            rude.play_once(json_response(&body));
            rude.fails(wire, false, case, UNAVAILABLE).await;
            rude.fails(wire, true, case, UNAVAILABLE).await;
        }
        for (case, stream) in [
            ("nothing", String::new()),
            ("only a mark", wire.mark()),
            ("only an opening", wire.opening()),
            ("no words", wire.stream(&[])),
            ("empty words", wire.stream(&["", ""])),
            ("an error", format!("event: error\ndata: {}\n\n", wire.error("on fire"))),
            ("comments", ": hello\n\n".repeat(100)),
        ] {
            // What was generated and is not shown would be an answer.
            let unspent = ["1", "5"].iter().fold(stream, |stream, count| {
                stream.replace(&format!("\"output_tokens\":{count}"), "\"output_tokens\":0")
            });
            rude.play_once(stream_response(unspent));
            rude.fails(wire, true, case, UNAVAILABLE).await;
        }
    }
    nothing_was_logged();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_unknown_or_null_is_passed_over() {
    let rude = Rude::start("").await;
    let extra = "event: weather\ndata: {\"type\":\"weather\",\"sun\":null}\n\n";
    let nulls = [
        json!({"id": null, "model": null, "usage": null, "error": null, "choices": [
            {"index": 0, "delta": {"role": null, "content": null, "tool_calls": null,
             "refusal": null, "function_call": null, "audio": null}, "finish_reason": null,
             "logprobs": null}]}),
        json!({"choices": []}),
        json!({"choices": [], "usage": null, "x": {"y": [1, null]}}),
        json!({"type": "ping", "x": null}),
        json!({"type": "content_block_delta", "index": 0, "x": null,
            "delta": {"type": "text_delta", "text": null, "y": 1}}),
        json!({"type": "content_block_delta", "index": 0, "delta": {"type": "of the future"}}),
    ];
    for wire in WIRES {
        let nulls = nulls.iter().filter(|it| it["type"].is_null() == (wire == Wire::OpenAi));
        let nulls: String = nulls.map(|it| format!("data: {it}\n\n")).collect();
        let between = [extra, &nulls].concat();
        let stream = [
            wire.opening(),
            wire.delta("all is"),
            between,
            wire.delta(" well"),
            wire.closing(),
            wire.mark(),
        ];
        rude.play_once(stream_response(stream.concat()));
        rude.serves(wire, true, "unknown and null", "all is well").await;
        let mut whole = wire.whole("all is well");
        whole["x"] = json!({"y": null});
        whole["usage"] = Value::Null;
        rude.play_once(json_response(&whole));
        rude.serves(wire, false, "unknown and null", "all is well").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_mark_alone_and_a_finish_without_mark() {
    let rude = Rude::start("").await;
    for wire in WIRES {
        let words = wire.opening() + &wire.delta("all is well");
        // The finish of every choice says that nothing is missing; many servers of
        // the one format leave the mark out. In the other the mark is the finish.
        rude.play_once(stream_response([words.clone(), wire.closing()].concat()));
        match wire {
            Wire::OpenAi => rude.serves(wire, true, "no mark", "all is well").await,
            Wire::Anthropic => rude.breaks(wire, "no mark", "all is well", UNAVAILABLE).await,
        }
        rude.play_once(stream_response(words));
        rude.breaks(wire, "no finish and no mark", "all is well", UNAVAILABLE).await;
        // The end of the connection does not finish an answer either.
        let head = "HTTP/1.0 200 OK\r\ncontent-type: text/event-stream\r\n\r\n";
        rude.play_once([head, &wire.opening(), &wire.delta("all is well")].concat());
        rude.breaks(wire, "cut without a length", "all is well", UNAVAILABLE).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn arguments_that_are_no_json_reach_the_client_as_they_are() {
    let rude = Rude::start("").await;
    let broken = "{\"city\": \"Par";
    let openai = json!({"id": "c", "model": "m", "choices": [{"index": 0,
        "message": {"role": "assistant", "content": null, "tool_calls": [{"id": "call_1",
            "type": "function", "function": {"name": "weather", "arguments": broken}}]},
        "finish_reason": "tool_calls"}]});
    rude.play_once(json_response(&openai));
    let answer = rude.ask(&Wire::OpenAi.alone(), false).await;
    let call = &answer.json()["choices"][0]["message"]["tool_calls"][0];
    assert_eq!(call["function"]["arguments"], broken, "{}", answer.text());

    let event = |data: Value| format!("event: x\ndata: {data}\n\n");
    let stream = [
        Wire::Anthropic.opening(),
        event(json!({"type": "content_block_stop", "index": 0})),
        event(json!({"type": "content_block_start", "index": 1, "content_block":
            {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {}}})),
        event(json!({"type": "content_block_delta", "index": 1, "delta":
            {"type": "input_json_delta", "partial_json": broken}})),
        event(json!({"type": "content_block_stop", "index": 1})),
        event(json!({"type": "message_delta", "delta": {"stop_reason": "tool_use"}})),
        Wire::Anthropic.mark(),
    ];
    rude.play_once(stream_response(stream.concat()));
    let answer = rude.ask(&Wire::Anthropic.alone(), true).await;
    assert_eq!(failure(&answer), None, "{}", answer.text());
    let data = answer.text();
    let chunks = data.lines().filter_map(|line| line.strip_prefix("data: {"));
    let chunks = chunks.map(|rest| serde_json::from_str::<Value>(&format!("{{{rest}")).unwrap());
    let arguments: String = chunks
        .filter_map(|chunk| {
            let call = &chunk["choices"][0]["delta"]["tool_calls"][0];
            call["function"]["arguments"].as_str().map(str::to_owned)
        })
        .collect();
    assert_eq!(arguments, broken, "{data}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_within_a_200_is_told_with_what_came_before() {
    let rude = Rude::start("").await;
    for wire in WIRES {
        let begun = [STREAM_HEAD.as_bytes(), &chunk(wire.opening() + &wire.delta("so far "))];
        let error = format!("event: error\ndata: {}\n\n", wire.error("the machine is on fire"));
        let late = chunk(error + &wire.delta("and on"));
        let pause = Play::Wait(std::time::Duration::from_millis(50));
        let script =
            [Play::write(begun.concat()), pause, Play::write(late), Play::write(LAST_CHUNK)];
        rude.play(script);
        rude.breaks(wire, "an error", "so far ", UNAVAILABLE).await;
        let answer = rude.ask(&wire.alone(), true).await;
        assert!(answer.text().contains("on fire"), "{}", answer.text());
        // Whole, what came before is shown beside the error.
        rude.play_once(json_response(&wire.error("the machine is on fire")));
        let answer = rude.ask(&wire.alone(), false).await;
        assert_eq!(answer.status, 502, "{}", answer.text());
        assert_eq!(said(&answer), "");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn much_without_content_is_given_up_on() {
    let rude = Rude::start("[upstream]\nmax_frame = \"64KiB\"").await;
    let comments = format!(": {}\n\n", "x".repeat(1000)).repeat(200);
    for wire in WIRES {
        let stream = [wire.opening(), comments.clone()].concat();
        rude.play([Play::write([STREAM_HEAD.as_bytes(), &chunk(stream)].concat()), Play::Hang]);
        rude.fails(wire, true, "much and nothing", UNAVAILABLE).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_there_is_no_room_for_is_the_routers_overload() {
    let bounds = "[server]\nmax_body = \"64KiB\"\nmax_buffered = \"64KiB\"";
    let rude = Rude::start(bounds).await;
    for wire in WIRES {
        rude.play_once(json_response(&wire.whole(&"x".repeat(100_000))));
        let answer = rude.ask(&wire.alone(), false).await;
        assert_eq!(answer.status, 503, "{}", answer.text());
        assert_eq!(failure(&answer).as_deref(), Some("overloaded"), "{}", answer.text());
        assert!(answer.header("retry-after").is_some(), "{:?}", answer.headers);
        assert!(!answer.text().contains("provider_name"), "{}", answer.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_a_provider_quotes_reaches_nobody() {
    let rude = Rude::start("").await;
    let head = format!("200 OK\r\ncontent-type: application/json\r\nx-echo: {KEY}");
    for wire in WIRES {
        rude.play_once(response(&head, wire.whole(KEY).to_string()));
        let answer = rude.ask(&wire.alone(), false).await;
        assert_eq!(said(&answer), "*".repeat(KEY.len()), "{wire:?}: {}", answer.text());
        rude.play_once(response(&head, wire.error(KEY).to_string()));
        let answer = rude.ask(&wire.alone(), false).await;
        assert!(failure(&answer).is_some(), "{wire:?}: {}", answer.text());
        assert!(!answer.text().contains(KEY), "{wire:?}: {}", answer.text());
        let error = format!("event: error\ndata: {}\n\n", wire.error(KEY));
        for begun in [String::new(), [wire.opening(), wire.delta("well")].concat()] {
            rude.play_once(stream_response([begun, error.clone()].concat()));
            let answer = rude.ask(&wire.alone(), true).await;
            assert!(failure(&answer).is_some(), "{wire:?}: {}", answer.text());
            assert!(!answer.text().contains(KEY), "{wire:?}: {}", answer.text());
        }
    }
    nothing_was_logged();
}
