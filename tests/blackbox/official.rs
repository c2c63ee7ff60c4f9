//! The official Python client, over both adapters. What it has to see is in
//! `tests/python/openai_client.py`.

use crate::setup::Pair;
use plugway_simulator::{Behaviour, Failure, Script, Simulator, When};
use plugway_tests::Python;
use std::time::Duration;

/// An interpreter starts, and imports the client, in two or three seconds.
const LIMIT: Duration = Duration::from_secs(120);

#[tokio::test(flavor = "multi_thread")]
async fn the_openai_client_is_served_through_openai() {
    let pair = Pair::start(Behaviour::new()).await;
    check(&pair, "open", &pair.open).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_openai_client_is_served_through_anthropic() {
    let pair = Pair::start(Behaviour::new()).await;
    check(&pair, "anth", &pair.anth).await;
}

async fn check(pair: &Pair, provider: &'static str, upstream: &Simulator) {
    let always = |failure| Behaviour::new().fault(When::Always, failure);
    let breaking = always(Failure::StreamError { after_chunks: 2, code: 500 });
    let script = Script { behaviour: Behaviour::new().chunk_chars(4), ..Script::new() }
        .model("limited", always(Failure::rate_limited(7)))
        .model("limited-too", always(Failure::rate_limited(7)))
        .model("failing", always(Failure::status(500)))
        // A pause between the chunks, so that the first of them commits.
        .model("breaking", breaking.tokens_per_second(50).reply("a b c d e f"));
    upstream.set(script);
    let base_url = format!("http://{}/v1", pair.router.address());
    let run = move || {
        let python = Python::venv("openai-client", "tests/python/openai_client.txt")?;
        let model = format!("test/{provider}");
        Some(python.run("tests/python/openai_client.py", &[&base_url, &model, provider], LIMIT))
    };
    let Some(printed) = tokio::task::spawn_blocking(run).await.unwrap() else { return };
    println!("{printed}");
    assert!(printed.contains("ok a_tool_loop_closes"), "the script ran nothing: {printed}");
}
