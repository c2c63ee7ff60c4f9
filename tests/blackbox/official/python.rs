//! Clients in Python. They share an environment: they do with the same dependencies,
//! and installing those is most of the time that these tests take at first.

use super::{Family, LIMIT, Stage, over_every_family};
use plugway_tests::Python;

over_every_family! { super::run:
    openai_chat "openai_chat.py",
    openrouter "openrouter_chat.py",
    langchain_openai "langchain_chat.py",
    litellm "litellm_chat.py",
    llm "llm_chat.py",
    openai_responses "openai_responses.py",
    anthropic "anthropic_messages.py",
    google_genai "google_genai.py",
    ollama "ollama_chat.py",
}

async fn run(script: &'static str, family: Family) {
    let stage = Stage::set(family).await;
    let arguments = stage.arguments();
    let run = move || {
        let python = Python::venv("clients", "tests/clients/python.txt")?;
        let arguments = arguments.each_ref().map(String::as_str);
        Some(python.run(&format!("tests/clients/{script}"), &arguments, LIMIT))
    };
    if let Some(printed) = tokio::task::spawn_blocking(run).await.unwrap() {
        stage.judge(&printed).await;
    }
}
