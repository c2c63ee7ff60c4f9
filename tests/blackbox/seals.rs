//! Text crosses the sandbox as seals and arrives as it was written.

use crate::setup::{MODELS, Pair, ask};
use plugway_simulator::Behaviour;
use serde_json::{Value, json};

/// What the provider was sent as the user's text.
fn user_text(body: &Value) -> String {
    let content = &body["messages"][0]["content"];
    content.as_str().or_else(|| content[0]["text"].as_str()).unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn any_text_arrives_as_it_was_written() {
    let pair = Pair::start(Behaviour::new()).await;
    let texts = [
        "short".to_owned(),
        "quotes \" backslashes \\ newlines \n tabs \t and nulls \u{0} ".repeat(3),
        "grapheme e\u{301}, astral \u{1f9ea}, bidi \u{202e}, line \u{2028} ".repeat(4),
        "x".repeat(1_000_000),
    ];
    for model in MODELS {
        for text in &texts {
            let answer = pair.router.client().chat(&ask(model, text)).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            let sent = pair.upstream(model).requests().pop().unwrap().json();
            assert_eq!(user_text(&sent), *text);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn escapes_leave_as_the_client_wrote_them() {
    let pair = Pair::start(Behaviour::new()).await;
    let escaped =
        r"\u0041\u00e9\ud83e\uddea\/ and more text to make it long enough for a seal to be used";
    let body =
        format!(r#"{{"model":"test/open","messages":[{{"role":"user","content":"{escaped}"}}]}}"#);
    let answer = pair.router.client().post(body).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let sent = pair.open.requests().pop().unwrap();
    let sent = String::from_utf8(sent.body.to_vec()).unwrap();
    assert!(sent.contains(escaped), "{sent}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_adapter_that_was_granted_content_sends_the_same() {
    let text =
        "A text that is long enough to be sealed, with \"quotes\" and \u{1f9ea}, twice over. "
            .repeat(2);
    let mut sent = Vec::new();
    for grant in
        ["", "[plugins.openai]\nallow.content = true\n[plugins.anthropic]\nallow.content = true\n"]
    {
        let pair = Pair::with(Behaviour::new(), grant).await;
        for model in MODELS {
            let mut request = ask(model, &text);
            request["max_tokens"] = json!(100);
            let answer = pair.router.client().chat(&request).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            sent.push(pair.upstream(model).requests().pop().unwrap().json());
        }
    }
    assert_eq!(sent[..2], sent[2..]);
}
