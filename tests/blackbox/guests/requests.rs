//! Guests whose request must not leave: where it goes, what frames and signs it,
//! and the seals in it.

use super::scene::{Ask, Scene, at_guest, blames, check};
use crate::setup::ask;
use serde_json::{Value, json};

/// Asks the guest once for each row, with the row as its endpoint's options. None
/// of it reaches the provider, and the error says which rule was broken.
async fn refused(guest: &str, rows: &[Value], said: &str) {
    let scene = Scene::with(guest, &endpoints(rows)).await;
    let asked = async {
        for (n, row) in rows.iter().enumerate() {
            let answer = scene.ask(&format!("test/row{n}"), Ask::Whole).await;
            assert_eq!(answer.status, 502, "{row}: {}", answer.text());
            blames(&answer.json()["error"], guest, said);
        }
    };
    scene.undisturbed(asked).await;
    assert!(scene.upstream.requests().is_empty(), "something left");
}

/// A model for each row, served by the guest's provider.
fn endpoints(rows: &[Value]) -> String {
    let row = |(n, row): (usize, &Value)| {
        let options: Vec<String> = row
            .as_object()
            .unwrap()
            .iter()
            .map(|(name, value)| format!("{name} = {value}"))
            .collect();
        let model = format!("test/row{n}");
        format!(
            "[models.\"{model}\"]\ncontext_length = 1000\n{}options = {{ {} }}\n",
            at_guest(&model, &format!("row{n}")),
            // TOML wants one character more escaped than JSON does.
            options.join(", ").replace('\u{7f}', "\\u007F")
        )
    };
    rows.iter().enumerate().map(row).collect()
}

#[tokio::test(flavor = "multi_thread")]
pub(super) async fn escaping_path() {
    let rows = [
        "..",
        "/..",
        "../admin",
        "a/../../b",
        "a/..",
        "./a",
        "a/./b",
        "%2e%2e/a",
        "%2E%2E/a",
        ".%2e/a",
        "%2e./a",
        "%252e%252e/a",
        "a%2f..%2fb",
        "a%2F%2e%2e",
        "a%5c..%5cb",
        "..;/a",
        "..;x=1/a",
        "a%2f..;x%2fb",
        "//evil.example/a",
        "///evil.example",
        "https://evil.example/a",
        "/https://evil.example",
        "a/https://evil.example",
        "\\\\evil.example",
        "a\\..\\b",
        "a%00",
        "a\u{0}b",
        "a b",
        "a\tb",
        "a\r\nhost: evil.example",
        "a#b",
        "\u{e9}",
        "a\u{2025}/b",
    ];
    let rows = rows.map(|path| json!({ "path": path }));
    refused("escaping-path", &rows, "broke its contract: the path ").await;

    let scene =
        Scene::with("escaping-path", &endpoints(&[json!({"path": "chat/completions"})])).await;
    let answer = scene.ask("test/row0", Ask::Whole).await;
    assert_eq!(answer.status, 200, "a path that stays is not refused: {}", answer.text());
}

#[tokio::test(flavor = "multi_thread")]
pub(super) async fn odd_header() {
    let reserved = [
        "host",
        "Host",
        "authorization",
        "Authorization",
        "proxy-authorization",
        "cookie",
        "content-length",
        "transfer-encoding",
        "connection",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "upgrade",
        "expect",
        "forwarded",
        "via",
        "accept-encoding",
        "",
        " ",
        "x y",
        "x:",
        ":authority",
        "x\r\nhost",
        "x\u{0}",
        "x-\u{e9}",
    ];
    let values = ["a\r\nhost: evil.example", "a\nb", "a\rb", "a\u{0}b", "a\u{7f}b"];
    let rows: Vec<Value> = reserved
        .iter()
        .map(|name| json!({"name": name, "value": "1"}))
        .chain(values.iter().map(|value| json!({"name": "x-odd", "value": value})))
        .collect();
    refused("odd-header", &rows, "is not the adapter's to set").await;

    let scene =
        Scene::with("odd-header", &endpoints(&[json!({"name": "x-even", "value": "1"})])).await;
    let answer = scene.ask("test/row0", Ask::Whole).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(scene.upstream.requests()[0].header("x-even"), Some("1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_providers_credential_goes_is_not_the_adapters_to_write() {
    let headers = ["x-own-key", "X-Own-Key"].map(|name| json!({"name": name, "value": "mine"}));
    let paths = ["chat?own=mine", "chat?a=b&%6fwn=mine"].map(|path| json!({ "path": path }));
    for (guest, rows, auth, said) in [
        ("odd-header", headers, "{ header = \"x-own-key\" }", "is not the adapter's to set"),
        ("escaping-path", paths, "{ query = \"own\" }", "sets the credential's query parameter"),
    ] {
        let scene = Scene::keyed(guest, &endpoints(&rows), &format!("auth = {auth}")).await;
        for n in 0..rows.len() {
            let answer = scene.ask(&format!("test/row{n}"), Ask::Whole).await;
            blames(&answer.json()["error"], guest, said);
        }
        assert!(scene.upstream.requests().is_empty(), "something left");
    }
}

#[tokio::test(flavor = "multi_thread")]
pub(super) async fn odd_method() {
    let rows = [
        "",
        " ",
        "get",
        "Post",
        "PUT",
        "DELETE",
        "CONNECT",
        "TRACE",
        "HEAD",
        "POST ",
        "P\u{0}ST",
        "GET /admin HTTP/1.1\r\nhost: evil.example\r\n\r\nPOST",
    ];
    let rows = rows.map(|method| json!({ "method": method }));
    refused("odd-method", &rows, "the method is neither GET nor POST").await;
}

#[tokio::test(flavor = "multi_thread")]
pub(super) async fn huge_memo() {
    check("huge-memo", Ask::Whole, "the memo's bytes exceeds 65536").await;
}

#[tokio::test(flavor = "multi_thread")]
pub(super) async fn seal_twice() {
    check("seal-twice", Ask::Whole, "the body holds a seal twice").await;
}

#[tokio::test(flavor = "multi_thread")]
pub(super) async fn seal_left_out() {
    check("seal-left-out", Ask::Stream, "the body leaves out a seal").await;
}

#[tokio::test(flavor = "multi_thread")]
pub(super) async fn seal_forged() {
    check("seal-forged", Ask::Whole, "the body holds a seal that was never made").await;
}

#[tokio::test(flavor = "multi_thread")]
pub(super) async fn seal_misplaced() {
    let bare = [json!({"place": "bare"})];
    refused("seal-misplaced", &bare, "the body holds a seal outside a JSON string").await;
    let elsewhere = ["path", "header", "memo"].map(|place| json!({ "place": place }));
    refused("seal-misplaced", &elsewhere, "a seal stands outside the body").await;
}

#[tokio::test(flavor = "multi_thread")]
pub(super) async fn tells_seals() {
    let scene = Scene::with("tells-seals", "").await;
    let told = scene.undisturbed(scene.ask("test/bad", Ask::Whole)).await;
    let error = told.json()["error"].clone();
    assert_eq!(error["metadata"]["code"], "unsupported", "{error}");
    let seal = error["message"].as_str().unwrap().to_owned();
    assert!(seal.len() == 28 && seal.bytes().all(|b| b.is_ascii_alphanumeric()), "{seal}");

    // Good for one request, and that one is over: as a text it is a text.
    for text in [seal.clone(), seal.repeat(4), format!("Please open {seal} for me, {seal}. {seal}")]
    {
        let answer = scene.router.client().chat(&ask("test/good", &text)).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let sent = scene.good.requests().pop().unwrap().json();
        assert_eq!(sent["messages"][0]["content"], text.as_str());
    }
}

#[tokio::test(flavor = "multi_thread")]
pub(super) async fn huge_failure() {
    let scene = Scene::with("huge-failure", "").await;
    let answer = scene.undisturbed(scene.ask("test/bad", Ask::Whole)).await;
    assert_eq!(answer.status, 400, "{}", answer.text());
    let error = answer.json()["error"].clone();
    assert_eq!(error["metadata"]["code"], "unsupported", "{error}");
    assert!(answer.body.len() < 8 * 1024, "the client got {} bytes", answer.body.len());
    let message = error["message"].as_str().unwrap();
    assert!(message.ends_with("[cut]") && !message.contains('\n'), "{message}");
    assert_eq!(scene.ask("test/both", Ask::Whole).await.status, 200);
}
