//! What providers say, in every format that can say it.

use super::fleet::{FORMATS, Fleet, Wrong, asking};
use plugway_simulator::{Behaviour, Cite, Ending, Kind, Say};
use serde_json::{Value, json};

/// Something of every plane, and what JSON escapes.
const WORDS: &str = "Grüße, \"你好\" \\ \u{1F9EA} \u{1D518} \u{20BB7} \u{E0001}\u{10FFFD}\t.";

#[tokio::test(flavor = "multi_thread")]
async fn text_comes_through_every_format() {
    let fleet = Fleet::start(Behaviour::new().reply(WORDS).chunk_chars(2).extras()).await;
    let mut wrong = Wrong::default();
    for format in &FORMATS {
        for streaming in [false, true] {
            let said = fleet.ask(format, &asking("Hi"), streaming).await;
            wrong.check(said.status == 200, format, &said.error);
            wrong.equal(format, &said.content.as_str(), &WORDS);
            wrong.equal(format, &said.finish, &json!("stop"));
            let counted = said.usage["prompt_tokens"].as_u64() > Some(0)
                && said.usage["completion_tokens"].as_u64() > Some(0);
            wrong.check(counted, format, &said.usage);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_answer_is_a_failed_attempt_in_every_format() {
    let fleet = Fleet::start(Behaviour::new().reply("")).await;
    let mut wrong = Wrong::default();
    for format in &FORMATS {
        let said = fleet.ask(format, &asking("Hi"), false).await;
        wrong.equal(format, &said.status, &502);
        let told = said.error["message"].to_string();
        wrong.check(told.contains("nothing in it"), format, told);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reasoning_comes_through_where_it_is_shown() {
    let behaviour =
        Behaviour::new().says([Say::Reasoning("First I think.".into()), Say::Text("So.".into())]);
    let fleet = Fleet::start(behaviour.clone()).await;
    let mut wrong = Wrong::default();
    let mut request = asking("Think!");
    request["reasoning"] = json!({"effort": "high"});
    request["max_tokens"] = json!(20_000);
    for format in Fleet::saying(&behaviour) {
        for streaming in [false, true] {
            let said = fleet.ask(format, &request, streaming).await;
            wrong.check(said.status == 200, format, &said.error);
            wrong.equal(format, &said.content.as_str(), &"So.");
            // Without a wish for a summary it comes encrypted alone.
            let shown = if format.kind == Kind::OpenAiResponses { "" } else { "First I think." };
            wrong.equal(format, &said.reasoning.as_str(), &shown);
            let reasoned = &said.usage["completion_tokens_details"]["reasoning_tokens"];
            let counts = !matches!(
                format.kind,
                Kind::Anthropic | Kind::Bedrock | Kind::Cohere | Kind::Mistral | Kind::Ollama
            ) && format.name != "vertex-claude";
            wrong.check(!counts || reasoned.as_u64() > Some(0), format, &said.usage);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn parallel_calls_come_through_with_their_arguments() {
    let behaviour = Behaviour::new().says([
        Say::Text("I look.".into()),
        Say::call("weather", r#"{"city":"Zürich","days":[1,2]}"#),
        Say::call("time", "{}"),
    ]);
    let fleet = Fleet::start(behaviour.clone()).await;
    let mut wrong = Wrong::default();
    let expected = [("weather", r#"{"city":"Zürich","days":[1,2]}"#), ("time", "{}")];
    let expected = expected.map(|(name, arguments)| (name.to_owned(), arguments.to_owned()));
    let mut request = asking("How is it?");
    request["tools"] = tools();
    for format in Fleet::saying(&behaviour) {
        for streaming in [false, true] {
            let said = fleet.ask(format, &request, streaming).await;
            wrong.check(said.status == 200, format, &said.error);
            wrong.equal(format, &said.calls, &expected.to_vec());
            wrong.equal(format, &said.content.as_str(), &"I look.");
            wrong.equal(format, &said.finish, &json!("tool_calls"));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sources_come_through_where_the_format_has_them() {
    let sources = ["one", "two"].map(|name| Cite {
        url: format!("https://{name}.example/page"),
        title: format!("Page {name}"),
        quote: format!("As {name} says."),
    });
    let text = "Wörter with sources".to_owned();
    let behaviour = Behaviour::new().says([Say::Cited { text, sources: sources.to_vec() }]);
    let fleet = Fleet::start(behaviour.clone()).await;
    let mut wrong = Wrong::default();
    let expected: Vec<String> = sources.iter().map(|source| source.url.clone()).collect();
    for format in Fleet::saying(&behaviour) {
        for streaming in [false, true] {
            let said = fleet.ask(format, &asking("Search!"), streaming).await;
            wrong.check(said.status == 200, format, &said.error);
            wrong.equal(format, &said.content.as_str(), &"Wörter with sources");
            wrong.equal(format, &said.sources, &expected);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn endings_are_told_where_the_format_has_them() {
    let mut wrong = Wrong::default();
    let text = || Behaviour::new().says([Say::Text("one two".into())]);
    for (behaviour, expected) in [
        (text().ending(Ending::Length), "length"),
        (text().ending(Ending::ContentFilter), "content_filter"),
    ] {
        let fleet = Fleet::start(behaviour.clone()).await;
        for format in Fleet::saying(&behaviour) {
            for streaming in [false, true] {
                let said = fleet.ask(format, &asking("Hi"), streaming).await;
                wrong.check(said.status == 200, format, &said.error);
                wrong.equal(format, &said.content.as_str(), &"one two");
                wrong.equal(format, &said.finish, &json!(expected));
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_one_where_the_format_has_it() {
    let behaviour = Behaviour::new().says([Say::Refusal("I will not.".into())]);
    let fleet = Fleet::start(behaviour.clone()).await;
    let mut wrong = Wrong::default();
    for format in Fleet::saying(&behaviour) {
        for streaming in [false, true] {
            let said = fleet.ask(format, &asking("Do it!"), streaming).await;
            wrong.check(said.status == 200, format, &said.error);
            wrong.equal(format, &said.refusal.as_str(), &"I will not.");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn cached_tokens_are_counted_where_the_format_tells_them() {
    let fleet = Fleet::start(Behaviour::new().cached_tokens(7)).await;
    let mut wrong = Wrong::default();
    let long = "word ".repeat(40);
    for format in &FORMATS {
        let silent = matches!(format.kind, Kind::Ollama | Kind::Perplexity);
        for streaming in [false, true] {
            let said = fleet.ask(format, &asking(&long), streaming).await;
            let cached = &said.usage["prompt_tokens_details"]["cached_tokens"];
            wrong.check(silent || *cached == 7, format, &said.usage);
        }
    }
}

/// Two tools, one of which takes nothing.
pub(super) fn tools() -> Value {
    json!([
        {"type": "function", "function": {
            "name": "weather", "description": "Weather of a city",
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}},
                           "required": ["city"]}}},
        {"type": "function", "function": {
            "name": "time", "parameters": {"type": "object", "properties": {}}}},
    ])
}
