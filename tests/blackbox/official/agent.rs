//! A coding agent at work, with nobody watching: opencode. It is asked for a file, the
//! model calls its tool, and what the tool said goes back to the model.

use super::{ANTHROPIC, Family, GEMINI, LIMIT, OPENAI, Stage};
use plugway_simulator::{Behaviour, Exchange, Outcome, Script};
use plugway_tests::Node;
use serde_json::{Value, json};
use std::path::Path;

const BINARY: &str = "opencode-linux-x64/bin/opencode";

/// What the model wants written.
const CONTENT: &str = "Written by an agent: äöü \u{1F600}\n\t\"quoted\"";

/// A way in which the agent asks: the package that speaks it, which it brings along, and
/// where that looks for a router.
#[derive(Clone, Copy)]
struct Tongue {
    package: &'static str,
    path: &'static str,
}

const CHAT: Tongue = Tongue { package: "@ai-sdk/openai-compatible", path: "/v1" };
const RESPONSES: Tongue = Tongue { package: "@ai-sdk/openai", path: "/v1" };
const MESSAGES: Tongue = Tongue { package: "@ai-sdk/anthropic", path: "/v1" };
const CONTENTS: Tongue = Tongue { package: "@ai-sdk/google", path: "/v1beta" };

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_chats_works_through_openai() {
    check(CHAT, OPENAI).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_chats_works_through_anthropic() {
    check(CHAT, ANTHROPIC).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_chats_works_through_gemini() {
    check(CHAT, GEMINI).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_wants_responses_works_through_anthropic() {
    check(RESPONSES, ANTHROPIC).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_sends_messages_works_through_openai() {
    check(MESSAGES, OPENAI).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_generates_contents_works_through_anthropic() {
    check(CONTENTS, ANTHROPIC).await;
}

async fn check(tongue: Tongue, family: Family) {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("made/hello.txt");
    let call = json!({"filePath": file, "content": CONTENT});
    let behaviour = Behaviour::new().chunk_chars(4).calls("write", call);
    let stage = Stage::with(family, Script::from(behaviour)).await;
    let [root, model, _] = stage.arguments();
    configure(home.path(), tongue, &root, &model);
    let directory = home.path().to_owned();
    let run = move || {
        let node = Node::packages("agent", "tests/clients/agent")?;
        let arguments = ["run", "--format", "json", "Write me a file."];
        Some(node.run_binary(BINARY, &arguments, &directory, LIMIT))
    };
    let Some(printed) = tokio::task::spawn_blocking(run).await.unwrap() else { return };
    println!("{printed}");

    let events = printed.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let parts: Vec<Value> = events.map(|event| event["part"].clone()).collect();
    let of = |kind: &str| parts.iter().filter(|it| it["type"] == kind).collect::<Vec<_>>();
    let [tool] = of("tool")[..] else { panic!("not one call") };
    assert_eq!((&tool["tool"], &tool["state"]["status"]), (&json!("write"), &json!("completed")));
    assert_eq!(std::fs::read_to_string(file).unwrap(), CONTENT);
    // The simulator repeats what the tool said; some agents wrap that in JSON.
    let said = tool["state"]["output"].as_str().unwrap();
    let [text] = of("text")[..] else { panic!("not one text") };
    let told = text["text"].as_str().unwrap();
    assert!(told.starts_with("The tool said: ") && told.contains(said), "{told}");

    let seen = stage.upstream.requests();
    assert!(seen.iter().all(|it| it.outcome == Outcome::Answered), "{seen:?}");
    let holds_result = |it: &&Exchange| String::from_utf8_lossy(&it.body).contains(said);
    assert_eq!(seen.iter().filter(holds_result).count(), 1);
}

/// Tells the agent of one model, of which alone it is to know.
fn configure(home: &Path, tongue: Tongue, root: &str, model: &str) {
    let options = json!({"baseURL": format!("{root}{}", tongue.path), "apiKey": "unused"});
    let models = json!({model: {"name": model, "tool_call": true}});
    let provider = json!({"npm": tongue.package, "options": options, "models": models});
    let name = format!("router/{model}");
    let config = json!({
        "autoupdate": false,
        "share": "disabled",
        "enabled_providers": ["router"],
        "model": name,
        "small_model": name,
        "provider": {"router": provider},
        "permission": {"edit": "allow"},
    });
    std::fs::write(home.join("opencode.json"), config.to_string()).unwrap();
}
