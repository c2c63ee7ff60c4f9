//! Every way in which a client's JSON can be bad: status, envelope, and the field.

use crate::setup::{Pair, ask};
use plugway_simulator::Behaviour;
use serde_json::json;

/// One body and what the client is told of it.
#[track_caller]
fn check(body: &[u8], answer: &plugway_tests::Answer, status: u16, kind: &str, param: &str) {
    let shown = String::from_utf8_lossy(&body[..body.len().min(200)]).into_owned();
    assert_eq!(answer.status, status, "{shown}: {}", answer.text());
    let error = &answer.json()["error"];
    assert_eq!(error["code"], status, "{shown}: {error}");
    assert_eq!(error["metadata"]["code"], kind, "{shown}: {error}");
    assert_eq!(error["param"].as_str().unwrap_or(""), param, "{shown}: {error}");
    assert!(!error["message"].as_str().unwrap().is_empty(), "{shown}");
    assert!(answer.header("x-generation-id").is_some(), "{shown}");
}

/// A body with `rest` behind a good model and message.
fn with(rest: &str) -> Vec<u8> {
    format!(r#"{{"model":"test/open","messages":[{{"role":"user","content":"x"}}],{rest}}}"#).into()
}

async fn refuses(pair: &Pair, body: impl Into<Vec<u8>>, param: &str) {
    let body = body.into();
    let answer = pair.router.client().post(body.clone()).await;
    check(&body, &answer, 400, "invalid_request", param);
}

/// A neighbour is served, and the bad ones reached nobody.
async fn serves_on(pair: &Pair) {
    let answer = pair.router.client().chat(&ask("test/open", "Hi")).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(pair.open.requests().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_json_is_refused() {
    let pair = Pair::start(Behaviour::new()).await;
    let good = ask("test/open", "Hi").to_string();
    for body in ["", " ", "null", "7", "\"x\"", "[]", "nope", "{]", "{\"a\":1,}", "\u{feff}{}"] {
        refuses(&pair, body, "").await;
    }
    for cut in 0..good.len() {
        refuses(&pair, &good.as_bytes()[..cut], "").await;
    }
    for rest in ["x", "{}", ",", "\0"] {
        refuses(&pair, format!("{good}{rest}"), "").await;
    }
    serves_on(&pair).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_text_is_refused() {
    let pair = Pair::start(Behaviour::new()).await;
    for bytes in [&b"\xff"[..], b"\xc3", b"\xed\xa0\x80", b"\xf5\x80\x80\x80", b"\xc0\xaf"] {
        let body = [br#"{"model":"test/open","messages":"#, bytes, b"\"}"].concat();
        refuses(&pair, body, "messages").await;
        let text =
            [br#"{"model":"test/open","messages":[{"role":"user","content":""#, bytes, b"\"}]}"];
        refuses(&pair, text.concat(), "messages[0].content").await;
    }
    for text in [r"\ud800", r"\udc00", r"\ud800\ud800", r"\ud83d\\ude00"] {
        let body = with(&format!(r#""user":"{text}""#));
        refuses(&pair, body, "user").await;
    }
    for text in [r"\u12", r"\x41", "\n", "\0"] {
        let body = with(&format!(r#""user":"{text}""#));
        refuses(&pair, body, "").await;
    }
    serves_on(&pair).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_nested_too_deep_is_refused_however_deep() {
    let pair = Pair::start(Behaviour::new()).await;
    for (open, close, way) in [
        ("[", "]", "[0]".repeat(11)),
        ("{\"a\":", "}", ".a".repeat(11)),
        ("[{\"a\":", "}]", "[0].a".repeat(5) + "[0]"),
    ] {
        let way = format!("prediction{way}");
        for depth in [64, 65, 127, 128, 1000, 100_000] {
            let nested = format!("{}0{}", open.repeat(depth), close.repeat(depth));
            refuses(&pair, with(&format!("\"prediction\":{nested}")), &way).await;
            if depth > 64 {
                // An array is no field of the body's.
                let is_field = open.starts_with('{');
                let way = if is_field { format!("a{}", ".a".repeat(11)) } else { String::new() };
                refuses(&pair, nested, &way).await;
            }
            // Never closed.
            refuses(&pair, with(&format!("\"prediction\":{}", open.repeat(depth))), &way).await;
        }
    }
    let deep = format!("\"prediction\":{}0{}", "[".repeat(63), "]".repeat(63));
    let answer = pair.router.client().post(with(&deep)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_that_is_given_twice_is_refused_by_its_path() {
    let pair = Pair::start(Behaviour::new()).await;
    for (rest, param) in [
        (r#""model":"test/anth""#, "model"),
        (r#""mod\u0065l":"test/anth""#, "model"),
        (r#""messages":[]"#, "messages"),
        (r#""stream":false,"stream":true"#, "stream"),
        (r#""x":1,"x":1"#, "x"),
        (r#""x":[0,{"y":{"z":1,"z":2}}]"#, "x[1].y.z"),
        (r#""provider":{"only":["a"],"only":[]}"#, "provider.only"),
        (
            r#""tools":[{"type":"function","function":{"name":"f","parameters":{"a":{"b":1,"b":2}}}}]"#,
            "tools[0].function.parameters.a.b",
        ),
        (r#""tools":[{"type":"of the future","a":[{"b":1,"b":1}]}]"#, "tools[0].a[0].b"),
        (
            r#""response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{"type":"a","type":"b"}}}"#,
            "response_format.json_schema.schema.type",
        ),
        (r#""metadata":{"a":"1","a":"2"}"#, "metadata.a"),
        (r#""logit_bias":{"1":1,"1":-1}"#, "logit_bias.1"),
    ] {
        refuses(&pair, with(rest), param).await;
    }
    let body = r#"{"model":"test/open","messages":[{"role":"user","content":"x","content":"y"}]}"#;
    refuses(&pair, body, "messages[0].content").await;
    let body = r#"{"model":"test/open","messages":[{"role":"user","content":[{"type":"text","text":"x","text":"y"}]}]}"#;
    refuses(&pair, body, "messages[0].content[0].text").await;
    serves_on(&pair).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_of_another_type_is_refused_by_its_path() {
    let pair = Pair::start(Behaviour::new()).await;
    let wrong = [json!(7), json!("x"), json!(true), json!([1]), json!({"a": 1})];
    for (field, right) in [
        ("messages", "[]"),
        ("models", "[]"),
        ("stream", "tf"),
        ("temperature", "7"),
        ("top_p", "7"),
        ("max_tokens", "7"),
        ("n", "7"),
        ("seed", "7"),
        ("stop", "[]\""),
        ("tools", "[]"),
        ("tool_choice", "\"{"),
        ("response_format", "{"),
        ("provider", "{"),
        ("logit_bias", "{"),
        ("user", "\""),
        ("metadata", "{"),
        ("reasoning", "{"),
        ("modalities", "[]"),
        ("parallel_tool_calls", "tf"),
    ] {
        for value in &wrong {
            let text = value.to_string();
            if text.starts_with(|first| right.contains(first) || (right == "7" && first == '7')) {
                continue;
            }
            let mut body = ask("test/open", "Hi");
            body[field] = value.clone();
            let body = body.to_string();
            let answer = pair.router.client().post(body.clone()).await;
            check(body.as_bytes(), &answer, 400, "invalid_request", field);
        }
    }
    for (messages, param) in [
        (json!([]), "messages"),
        (json!([null]), "messages[0]"),
        (json!(["x"]), "messages[0]"),
        (json!([{"role": "user", "content": 7}]), "messages[0].content"),
        (json!([{"role": 7, "content": "x"}]), "messages[0].role"),
        (json!([{"role": "user", "content": [7]}]), "messages[0].content[0]"),
        (json!([{"role": "user", "content": [{"type": 7}]}]), "messages[0].content[0].type"),
        (json!([{"role": "user", "content": null}]), "messages[0].content"),
    ] {
        let body = json!({"model": "test/open", "messages": messages}).to_string();
        refuses(&pair, body, param).await;
    }
    for model in [json!(7), json!([]), json!({})] {
        let body = json!({"model": model, "messages": [{"role": "user", "content": "x"}]});
        refuses(&pair, body.to_string(), "model").await;
    }
    serves_on(&pair).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_out_of_range_is_refused_by_its_path() {
    let pair = Pair::start(Behaviour::new()).await;
    for (field, numbers) in [
        ("temperature", &["1e400", "-1e400"][..]),
        ("max_tokens", &["-1", "0.5", "1e3", "4294967296", "99999999999999999999999999", "1e400"]),
        ("n", &["-1", "0", "0.5", "100000", "18446744073709551616"]),
        ("seed", &["1e400", "99999999999999999999999999", "0.5"]),
        ("top_k", &["4294967296", "0.5"]),
        ("top_logprobs", &["-1", "4294967296"]),
    ] {
        for number in numbers {
            refuses(&pair, with(&format!("\"{field}\":{number}")), field).await;
        }
    }
    for number in ["01", "+1", ".5", "1.", "1e", "0x10", "NaN", "Infinity", "-"] {
        refuses(&pair, with(&format!("\"temperature\":{number}")), "").await;
    }
    serves_on(&pair).await;
    // Numbers that are nobody's here travel on, digit by digit.
    let digits = "123456789012345678901234567890.5e999";
    let answer = pair.router.client().post(with(&format!("\"x\":{digits}"))).await;
    assert_ne!(answer.status, 502, "{}", answer.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_model_is_told_with_the_near_names() {
    let pair = Pair::start(Behaviour::new()).await;
    for (name, near) in
        [("test/opem", "test/open"), ("test/ant", "test/anth"), ("test/anht", "test/anth")]
    {
        let body = ask(name, "Hi").to_string();
        let answer = pair.router.client().post(body.clone()).await;
        check(body.as_bytes(), &answer, 400, "model_not_found", "model");
        assert!(answer.text().contains(near), "{}", answer.text());
    }
    for name in ["x\u{0}y", "../../etc/passwd", "\u{202e}nepo/tset", &"x".repeat(256)] {
        let body = ask(name, "Hi").to_string();
        let answer = pair.router.client().post(body.clone()).await;
        assert_eq!(answer.status, 400, "{}", answer.text());
        assert!(!answer.text().contains("\\u0000"), "{}", answer.text());
    }
    let endless = ask(&"x".repeat(100_000), "Hi").to_string();
    let answer = pair.router.client().post(endless.clone()).await;
    check(endless.as_bytes(), &answer, 400, "invalid_request", "model");
    assert!(answer.text().len() < 1000, "{}", answer.text());
    serves_on(&pair).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn names_that_are_too_long_are_refused() {
    let pair = Pair::start(Behaviour::new()).await;
    let long = "x".repeat(257);
    let message = r#""messages":[{"role":"user","content":"x"}]"#;
    refuses(&pair, format!(r#"{{"model":"{long}",{message}}}"#), "model").await;
    refuses(&pair, with(&format!(r#""models":["a","{long}"]"#)), "models").await;
    let strategy = with(&format!(r#""provider":{{"strategy":"{long}"}}"#));
    refuses(&pair, strategy, "provider.strategy").await;
    let longest = format!(r#"{{"model":"{}",{message}}}"#, &long[1..]);
    let answer = pair.router.client().post(longest.clone()).await;
    check(longest.as_bytes(), &answer, 400, "model_not_found", "model");
    serves_on(&pair).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_whose_endpoints_are_all_ruled_out_is_404_with_each_reason() {
    let pair = Pair::start(Behaviour::new()).await;
    let mut request = ask("test/open", "Hi");
    request["models"] = json!(["test/anth"]);
    request["provider"] = json!({"only": ["nobody"]});
    let body = request.to_string();
    let answer = pair.router.client().post(body.clone()).await;
    check(body.as_bytes(), &answer, 404, "no_endpoint", "");
    let endpoints = answer.json()["error"]["metadata"]["endpoints"].clone();
    let endpoints = endpoints.as_array().unwrap();
    let ids: Vec<&str> = endpoints.iter().map(|it| it["endpoint"].as_str().unwrap()).collect();
    assert_eq!(ids, ["open/sim", "anth/sim"]);
    assert!(endpoints.iter().all(|it| it["reason"].as_str().is_some_and(|it| !it.is_empty())));
    serves_on(&pair).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn very_many_values_are_refused_and_many_take_room() {
    // Each value takes the router many times the bytes that the client spent on it.
    let many = |count: usize| with(&format!("\"prediction\":[{}0]", "0,".repeat(count)));
    let pair = Pair::with(Behaviour::new(), "[server]\nmax_buffered = \"32MiB\"").await;
    refuses(&pair, many(2_000_000), "").await;
    let answer = pair.router.client().post(many(400_000)).await;
    assert_eq!(answer.status, 503, "{}", answer.text());
    assert_eq!(answer.json()["error"]["metadata"]["code"], "overloaded");
    assert!(answer.header("retry-after").is_some());
    for _ in 0..3 {
        let answer = pair.router.client().post(many(100_000)).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
}
