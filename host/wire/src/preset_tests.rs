use super::*;
use crate::{Partition, Sort};
use serde_json::json;

fn preset(dialect: Dialect, body: &Value) -> Preset {
    let kept = keep(dialect, &Bytes::from(body.to_string())).unwrap();
    Preset::read(dialect, &kept).unwrap()
}

fn call(dialect: Dialect, body: &Value) -> ChatCall {
    let (head, ()) = http::Request::new(()).into_parts();
    dialect.decode(&head, Bytes::from(body.to_string()), &DecodeOptions::default()).unwrap()
}

fn asking(more: &Value) -> Value {
    let mut body = json!({"messages": [{"role": "user", "content": "Hi"}]});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

fn tool(name: &str) -> Value {
    json!({"type": "function", "function": {"name": name, "parameters": {}}})
}

#[test]
fn what_belongs_to_one_request_is_not_kept() {
    let body = json!({
        "model": "a/m", "temperature": 0.5, "stream": true, "user": "u", "preset": "p",
        "messages": [{"role": "system", "content": "Be brief."},
            {"role": "developer", "content": [{"type": "text", "text": "Be kind."}]},
            {"role": "user", "content": "Hi"}],
    });
    let kept = keep(Dialect::OpenAiChat, &Bytes::from(body.to_string())).unwrap();
    let config: Value = serde_json::from_str(&kept.config).unwrap();
    assert_eq!(config, json!({"model": "a/m", "temperature": 0.5}));
    assert_eq!(kept.system_prompt.as_deref(), Some("Be brief.\n\nBe kind."));
    let messages = json!({"system": [{"type": "text", "text": "Be brief."}], "max_tokens": 5});
    let kept = keep(Dialect::AnthropicMessages, &Bytes::from(messages.to_string())).unwrap();
    assert_eq!(
        (&*kept.config, kept.system_prompt.as_deref()),
        (r#"{"max_tokens":5}"#, Some("Be brief."))
    );
    let response = json!({"instructions": "Be brief.", "input": "Hi"});
    let kept = keep(Dialect::OpenAiResponses, &Bytes::from(response.to_string())).unwrap();
    assert_eq!((&*kept.config, kept.system_prompt.as_deref()), ("{}", Some("Be brief.")));
}

#[test]
fn what_a_preset_adds_counts_in_the_prompt() {
    let format = json!({"type": "json_schema", "json_schema": {"name": "s", "schema": {"a": 1}}});
    let body = json!({
        "model": "a/m", "tools": [tool("xyz")], "response_format": format,
        "messages": [{"role": "system", "content": "Be 2 kind."}],
    });
    let preset = preset(Dialect::OpenAiChat, &body);
    let mut call = call(Dialect::OpenAiChat, &asking(&json!({})));
    let before = call.size;
    preset.apply(&mut call).unwrap();
    let after = call.size;
    assert_eq!(after.text_bytes, before.text_bytes + "Be 2 kind.".len());
    assert_eq!((after.script.digits, after.script.marks), (1, before.script.marks + 1));
    assert_eq!((before.messages, after.messages, after.tools), (1, 2, 1));
    assert_eq!(after.tool_bytes, "xyz".len() + "{}".len() + r#"{"a":1}"#.len());
}

#[test]
fn what_the_request_says_itself_wins() {
    let preset = preset(
        Dialect::OpenAiChat,
        &json!({
            "model": "a/m", "temperature": 0.5, "top_p": 0.9, "max_tokens": 7, "future": 1,
            "tools": [tool("x"), tool("y")],
            "provider": {"sort": "price", "zdr": true, "strategy": "s", "options": {"a": 1, "b": 2}},
        }),
    );
    let mut bare = call(Dialect::OpenAiChat, &asking(&json!({})));
    preset.apply(&mut bare).unwrap();
    assert_eq!(bare.routing.models, ["a/m"]);
    assert_eq!(bare.request.model, "a/m");
    assert_eq!((bare.request.sampling.temperature, bare.request.max_tokens), (Some(0.5), Some(7)));
    assert_eq!(bare.request.extra, [("future".to_owned(), "1".to_owned())]);
    assert!(bare.needs.contains(&"tools") && bare.parameters.contains(&"top_p"));
    let mut full = call(
        Dialect::OpenAiChat,
        &asking(&json!({
            "model": "b/n", "temperature": 0.1, "tools": [tool("y"), tool("z")],
            "provider": {"sort": "latency", "options": {"b": 3}},
        })),
    );
    preset.apply(&mut full).unwrap();
    let names: Vec<_> = full.request.tools.iter().filter_map(name).collect();
    assert_eq!(names, ["y", "z", "x"]);
    assert_eq!((full.routing.sort, full.routing.zdr), (Some(Sort::Latency), true));
    assert_eq!(full.routing.models, ["b/n"]);
    assert_eq!(
        (full.request.sampling.temperature, full.request.sampling.top_p),
        (Some(0.1), Some(0.9))
    );
    let options: Vec<_> = full.routing.options.iter().map(|(a, b)| format!("{a}={b}")).collect();
    assert_eq!(
        (full.routing.strategy.as_deref(), options.join(" ")),
        (Some("s"), "b=3 a=1".into())
    );
    // The options of another strategy mean nothing to this one.
    let mut other = call(Dialect::OpenAiChat, &asking(&json!({"provider": {"strategy": "t"}})));
    preset.apply(&mut other).unwrap();
    assert!(other.routing.options.is_empty());
}

#[test]
fn regions_of_a_preset_bind_a_request_that_names_none() {
    let preset = preset(Dialect::OpenAiChat, &json!({"provider": {"regions": ["eu"]}}));
    let regions = |provider: Value| {
        let mut call = call(Dialect::OpenAiChat, &asking(&json!({"provider": provider})));
        preset.apply(&mut call).unwrap();
        call.routing.regions
    };
    assert_eq!(regions(json!({"sort": "price"})), ["eu"]);
    assert_eq!(regions(json!({"regions": ["us"]})), ["us"]);
}

#[test]
fn how_far_a_request_sorts_is_not_undone_by_a_preset_that_does_not_say() {
    let partition = |kept: &Value, asked: &Value| {
        let mut call = call(Dialect::OpenAiChat, &asking(asked));
        preset(Dialect::OpenAiChat, kept).apply(&mut call).unwrap();
        (call.routing.sort, call.routing.partition)
    };
    let over_all = [json!({"route": "sort"}), json!({"provider": {"sort": {"partition": "none"}}})];
    for asked in &over_all {
        assert_eq!(partition(&json!({}), asked), (None, Partition::None), "{asked}");
        let by_price = json!({"provider": {"sort": "price"}});
        let expected = (Some(Sort::Price), Partition::None);
        assert_eq!(partition(&by_price, asked), expected, "{asked}");
    }
    let kept = json!({"provider": {"sort": {"by": "price", "partition": "none"}}});
    assert_eq!(partition(&kept, &json!({})), (Some(Sort::Price), Partition::None));
    // Whoever says by what says how far.
    let by_latency = json!({"provider": {"sort": "latency"}});
    assert_eq!(partition(&kept, &by_latency), (Some(Sort::Latency), Partition::Model));
}

#[test]
fn a_preset_works_in_other_formats_unless_it_is_native() {
    let made = preset(Dialect::AnthropicMessages, &json!({"model": "a/m", "max_tokens": 7}));
    let mut call_ = call(Dialect::OpenAiResponses, &json!({"input": "Hi"}));
    made.apply(&mut call_).unwrap();
    assert_eq!((call_.request.max_tokens, &*call_.request.model), (Some(7), "a/m"));
    let native = json!({"tools": [{"type": "code_interpreter", "container": {"type": "auto"}}]});
    let native = preset(Dialect::OpenAiResponses, &native);
    let mut own = call(Dialect::OpenAiResponses, &json!({"input": "Hi"}));
    native.apply(&mut own).unwrap();
    assert!(own.native);
    let mut other = call(Dialect::OpenAiChat, &asking(&json!({})));
    assert_eq!(native.apply(&mut other).unwrap_err().param.as_deref(), Some("preset"));
}

#[test]
fn the_system_prompt_comes_first_and_crosses_as_a_seal() {
    let text = "Say \"yes\"\nor no. ".repeat(9);
    let preset =
        preset(Dialect::OpenAiChat, &json!({"messages": [{"role": "system", "content": text}]}));
    let body = json!({"messages": [{"role": "system", "content": "Mine."}, {"role": "user", "content": "Hi"}]});
    let mut call = call(Dialect::OpenAiChat, &body);
    preset.apply(&mut call).unwrap();
    let chat::PartBody::Text(token) = &call.request.messages[0].parts[0].body else { panic!() };
    assert_eq!(call.seals.open(token), Some(text.clone()));
    assert!(!token.contains("yes") && !format!("{call:?}{preset:?}").contains("yes"));
    let clear = call.seals.unseal(&call.request);
    let first = |index: usize| clear.messages[index].parts[0].body.clone();
    assert_eq!(first(0), chat::PartBody::Text(text));
    assert_eq!(first(1), chat::PartBody::Text("Mine.".into()));
}

#[test]
fn settings_that_no_request_could_hold_are_refused() {
    for (dialect, body, param) in [
        (Dialect::OpenAiChat, json!({"temperature": "hot"}), "temperature"),
        (Dialect::OpenAiChat, json!({"provider": {"sort": "beauty"}}), "provider.sort"),
        (Dialect::OpenAiResponses, json!({"max_output_tokens": true}), "max_output_tokens"),
        (Dialect::AnthropicMessages, json!({"max_tokens": "many"}), "max_tokens"),
    ] {
        let kept = keep(dialect, &Bytes::from(body.to_string())).unwrap();
        assert_eq!(Preset::read(dialect, &kept).unwrap_err().param.as_deref(), Some(param));
    }
    assert!(keep(Dialect::OpenAiChat, &Bytes::from_static(b"[]")).is_err());
    assert!(keep(Dialect::OpenAiChat, &Bytes::from_static(b"{\"a\":1,\"a\":2}")).is_err());
}

#[test]
fn a_request_for_vectors_takes_over_models_preferences_and_what_is_kept_of_vectors() {
    let preset = preset(
        Dialect::OpenAiChat,
        &json!({
            "model": "a/e", "temperature": 0.5, "dimensions": 256, "input_type": "search_query",
            "top_n": 3, "provider": {"only": ["p"], "ignore": ["x"]},
        }),
    );
    let read = |body: Value| {
        let body = Bytes::from(body.to_string());
        crate::openai_embeddings::decode(body).unwrap().call
    };
    let mut bare = read(json!({"preset": "p", "input": "text"}));
    assert_eq!(bare.preset.as_deref(), Some("p"));
    preset.apply_to_embeddings(&mut bare).unwrap();
    assert_eq!((&*bare.request.model, &*bare.routing.models), ("a/e", &["a/e".to_owned()][..]));
    assert_eq!(
        (bare.request.dimensions, bare.request.purpose.as_deref()),
        (Some(256), Some("search_query"))
    );
    assert_eq!(
        (&*bare.routing.only, &*bare.routing.ignore),
        (&["p".to_owned()][..], &["x".to_owned()][..])
    );
    assert!(bare.request.extra.is_empty(), "{:?}", bare.request.extra);
    let mut own = read(json!({
        "model": "a/own", "input": "text", "dimensions": 8, "input_type": "document",
        "provider": {"only": ["q"], "ignore": ["y"]},
    }));
    preset.apply_to_embeddings(&mut own).unwrap();
    assert_eq!((&*own.request.model, own.request.dimensions), ("a/own", Some(8)));
    assert_eq!(own.request.purpose.as_deref(), Some("document"));
    assert_eq!((&*own.routing.only, own.routing.ignore.len()), (&["q".to_owned()][..], 2));
}

#[test]
fn a_request_for_an_order_of_documents_does_so_too() {
    let body = |more: Value| {
        let mut body = json!({"query": "q", "documents": ["a", "b"]});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        crate::rerank::decode(&Bytes::from(body.to_string()), crate::rerank::Version::V1).unwrap()
    };
    let kept = preset(Dialect::OpenAiChat, &json!({"model": "a/r", "top_n": 1}));
    let mut bare = body(json!({"preset": "p"}));
    assert_eq!(bare.preset.as_deref(), Some("p"));
    kept.apply_to_ranking(&mut bare).unwrap();
    assert_eq!((&*bare.request.model, bare.request.top_n), ("a/r", Some(1)));
    let mut own = body(json!({"model": "a/own", "top_n": 2}));
    kept.apply_to_ranking(&mut own).unwrap();
    assert_eq!((&*own.request.model, own.request.top_n), ("a/own", Some(2)));
    let wrong = preset(Dialect::OpenAiChat, &json!({"model": "a/r", "top_n": "few"}));
    let refusal = wrong.apply_to_ranking(&mut body(json!({}))).unwrap_err();
    assert_eq!(refusal.param.as_deref(), Some("preset"), "{refusal}");
}
