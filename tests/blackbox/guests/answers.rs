//! Guests whose answer breaks the contract: in its JSON, its order, its end.

use super::scene::{Ask, Scene, at_guest, blames, check};
use plugway_tests::Streamed;
use serde_json::Value;

#[tokio::test(flavor = "multi_thread")]
pub(super) async fn index_gap() {
    check("index-gap", Ask::Stream, "the adapter's piece begins before the one ahead of it").await;
}

#[tokio::test(flavor = "multi_thread")]
pub(super) async fn foreign_choice() {
    check("foreign-choice", Ask::Stream, "has a choice that was not asked for").await;
}

/// Where an answer may hold JSON, and how an error names the place.
const PLACES: [(&str, &str); 8] = [
    ("origin", "response's extra"),
    ("finish", "finish's extra"),
    ("logprobs", "logprobs"),
    ("part", "part's extra"),
    ("citation", "citation's extra"),
    ("native", "native part"),
    ("result", "tool result"),
    ("native result", "tool result"),
];

/// What is no JSON, or is more than 64 levels deep.
fn spellings() -> Vec<String> {
    let flat = ["", " ", "[", "[nope]", "[1,]", "[1]x", "[NaN]", "['a']", "[01]", "[\"\u{1}\"]"];
    let deep = format!("{}{}", "[".repeat(65), "]".repeat(65));
    flat.into_iter().map(str::to_owned).chain([deep]).collect()
}

fn row(n: usize, place: &str, json: &str) -> String {
    let model = format!("test/row{n}");
    let json = Value::from(json);
    format!(
        "[models.\"{model}\"]\ncontext_length = 1000\n{}options = {{ place = \"{place}\", json = {json} }}\n",
        at_guest(&model, &format!("row{n}"))
    )
}

#[tokio::test(flavor = "multi_thread")]
pub(super) async fn bad_json() {
    let spellings = spellings();
    let mut rows: Vec<(&str, &str, &str)> = Vec::new();
    for (place, named) in PLACES {
        rows.extend(spellings.iter().map(|json| (place, named, json.as_str())));
    }
    rows.push(("logprobs", "logprobs are no array", "{}"));
    let toml: String =
        rows.iter().enumerate().map(|(n, (place, _, json))| row(n, place, json)).collect();
    let scene = Scene::with("bad-json", &toml).await;
    let asked = async {
        for (n, (_, named, json)) in rows.iter().enumerate() {
            let answer = scene.ask(&format!("test/row{n}"), Ask::Whole).await;
            assert_eq!(answer.status, 502, "{named} {json:?}: {}", answer.text());
            blames(&answer.json()["error"], "bad-json", named);
        }
    };
    scene.undisturbed(asked).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_model_wrote_as_arguments_is_handed_on_as_it_is() {
    let arguments = "{\"cut\": \"off\n";
    let scene = Scene::with("bad-json", &row(0, "call", arguments)).await;
    let answer = scene.ask("test/row0", Ask::Whole).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let call = &answer.json()["choices"][0]["message"]["tool_calls"][0];
    assert_eq!(call["function"]["arguments"], arguments);
}

#[tokio::test(flavor = "multi_thread")]
pub(super) async fn beyond_the_end() {
    let scene = Scene::with("beyond-the-end", "").await;
    let answer = scene.undisturbed(scene.ask("test/bad", Ask::Stream)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let streamed = Streamed::of(answer);
    assert_eq!(streamed.content(), "before the end", "{:?}", streamed.chunks);
    let error = streamed.chunks.iter().find_map(|chunk| chunk.get("error")).unwrap();
    assert_eq!(error["message"], "the end");
    assert!(streamed.done, "the stream has no end: {:?}", streamed.chunks);
}
