//! Clients in Node.

use super::{Family, LIMIT, Stage, over_every_family};
use plugway_tests::Node;

over_every_family! { super::run:
    openai_chat "openai_chat.js",
    ai_with_openrouter "ai_openrouter.js",
    openai_responses "openai_responses.js",
    anthropic "anthropic_messages.js",
    google_genai "google_genai.js",
}

async fn run(script: &'static str, family: Family) {
    let stage = Stage::set(family).await;
    let arguments = stage.arguments();
    let run = move || {
        let node = Node::packages("clients", "tests/clients")?;
        let arguments = arguments.each_ref().map(String::as_str);
        Some(node.run(&format!("tests/clients/{script}"), &arguments, LIMIT))
    };
    if let Some(printed) = tokio::task::spawn_blocking(run).await.unwrap() {
        stage.judge(&printed).await;
    }
}
