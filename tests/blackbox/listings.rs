//! What the catalogue's listings look like to a client, held against the published
//! description of OpenRouter's API where that is at hand.

use plugway::reload::ConfigReload;
use plugway_tests::{LogLines, Python, TestRouter};
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// An interpreter starts and reads a large description in a few seconds.
const LIMIT: Duration = Duration::from_secs(120);

const DESCRIPTION: &str = "../../shared/specs/openrouter_2026-08-22_openapi.yaml.gz";

const SOURCES: &str = "../shared/catalogue";

const PROVIDERS: &str = "[providers.openai]
api_key_env = 'TEST_KEY'
[providers.anthropic]
api_key_env = 'TEST_KEY'
[providers.google-ai-studio]
api_key_env = 'TEST_KEY'
[providers.deepinfra]
api_key_env = 'TEST_KEY'
";

#[tokio::test(flavor = "multi_thread")]
async fn only_what_active_providers_serve_is_listed() {
    let router = TestRouter::start(PROVIDERS).await;
    let client = router.client();
    for prefix in ["/v1", "/api/v1"] {
        let providers = client.get(&format!("{prefix}/providers")).await.json();
        let slugs = providers["data"].as_array().unwrap().iter().map(|it| &it["slug"]);
        let slugs: Vec<_> = slugs.collect();
        assert_eq!(slugs, ["anthropic", "deepinfra", "google-ai-studio", "openai"]);
        assert_eq!(providers["data"][3]["headquarters"], "US");
    }
    let models = client.get("/v1/models").await.json();
    let models = models["data"].as_array().unwrap();
    let of = |id: &str| models.iter().find(|it| it["id"] == id);
    assert!(of("x-ai/grok-4.6").is_none());
    let long = of("openai/gpt-5.4").unwrap();
    assert_eq!(long["pricing"]["overrides"][0]["min_prompt_tokens"], 272_000);
    assert_eq!(long["pricing"]["overrides"][0]["completion"], "0.0000225");
    let cached = of("anthropic/claude-sonnet-4.6").unwrap();
    assert_eq!(cached["pricing"]["input_cache_write_1h"], "0.000006");
    assert_eq!(cached["pricing"]["web_search"], "0.01");
    let heard = of("google/gemini-2.5-flash").unwrap();
    assert_eq!(heard["pricing"]["audio"], "0.000001");
    let path = "/v1/models/openai/gpt-oss-120b/endpoints";
    let offers = client.get(path).await.json();
    assert_eq!(offers["data"]["endpoints"][0]["tag"], "deepinfra");
    let route = "/v1/providers";
    LogLines::wait(|line| line["route"] == route && line["status"] == 200).await;
    let posted = client.request(http::Method::POST, "/v1/providers", "");
    assert_eq!(client.send(posted).await.status(), 405);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_whose_adapter_is_not_loaded_says_so_when_it_is_asked() {
    let router = TestRouter::start(
        "[providers.odd]\nadapter = 'unheard-of'\nbase_url = 'http://127.0.0.1:9'\n",
    )
    .await;
    let client = router.client();
    assert_eq!(client.get("/healthz").await.status, 200);
    let refused = client.chat(&crate::setup::ask("odd/model", "Hi")).await;
    assert_eq!(refused.status, 503);
    let reason = refused.json()["error"]["metadata"]["endpoints"][0]["reason"].clone();
    assert_eq!(reason, "its adapter `unheard-of` is not loaded");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_brings_the_offers_of_another_provider() {
    let of = |toml: &str| format!("{toml}api_key_env = 'TEST_KEY'\n");
    let router = TestRouter::start(&of("[providers.openai]\n")).await;
    let client = router.client();
    let price = "[models.\"meta-llama/llama-3.3-70b-instruct\"]\nname = \"Ours\"\n";
    let after = of(&format!("{price}[providers.groq]\n"));
    std::fs::write(router.config_file(), after).unwrap();
    let state = router.router.clone();
    let reloaded = tokio::task::spawn_blocking(move || state.reload_config(true)).await.unwrap();
    assert_eq!(reloaded, ConfigReload::Applied);
    let models = client.get("/v1/models").await.json();
    let models = models["data"].as_array().unwrap();
    let of = |id: &str| models.iter().find(|it| it["id"] == id);
    assert!(of("openai/gpt-5.4").is_none());
    let corrected = of("meta-llama/llama-3.3-70b-instruct").unwrap();
    assert_eq!(corrected["name"], "Ours");
    assert_eq!(corrected["pricing"]["prompt"], "0.00000059");
}

#[test]
fn the_catalogue_is_what_its_sources_give() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let sources = root.join(SOURCES);
    if !sources.exists() {
        // Not by eprintln: the test runner would keep it to itself.
        let _ = writeln!(std::io::stderr(), "\nSKIPPED: there is no {}", sources.display());
        return;
    }
    let update = root.join("host/router/catalog/update.py");
    let run = Command::new("python3").arg(update).arg(sources).arg("--check").output().unwrap();
    let told = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success(), "{told}{}", String::from_utf8_lossy(&run.stderr));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_listings_are_valid_by_the_published_description() {
    let description = Path::new(env!("CARGO_MANIFEST_DIR")).join(DESCRIPTION);
    if !description.exists() {
        // Not by eprintln: the test runner would keep it to itself.
        let _ = writeln!(std::io::stderr(), "\nSKIPPED: there is no {}", description.display());
        return;
    }
    let router = TestRouter::start(PROVIDERS).await;
    let base_url = format!("http://{}/api/v1", router.address());
    let run = move || {
        let python = Python::venv("listings", "tests/python/listings.txt")?;
        let arguments = [base_url.as_str(), description.to_str().unwrap()];
        Some(python.run("tests/python/listings.py", &arguments, LIMIT))
    };
    let Some(printed) = tokio::task::spawn_blocking(run).await.unwrap() else { return };
    println!("{printed}");
    assert!(printed.contains("ok endpoints"), "the script checked nothing: {printed}");
}
