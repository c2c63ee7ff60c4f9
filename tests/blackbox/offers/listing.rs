//! Which models make vectors.

use super::Scene;

#[tokio::test(flavor = "multi_thread")]
async fn models_that_make_vectors_are_listed_apart() {
    let scene = Scene::start(&["openai-compatible"]).await;
    let client = scene.router.client();
    for prefix in ["/v1", "/api/v1"] {
        let listed = client.get(&format!("{prefix}/embeddings/models")).await.json();
        let ids: Vec<_> = listed["data"].as_array().unwrap().iter().map(|it| &it["id"]).collect();
        assert_eq!(ids, [super::MODEL]);
        assert_eq!(listed["total_count"], 1);
        assert_eq!(listed["data"][0]["architecture"]["modality"], "text->embeddings");
    }
    let chats = plugway_tests::TestRouter::start(
        "[providers.p]\nadapter = \"openai\"\nbase_url = \"http://127.0.0.1:9\"\n\
         [models.\"a/chat\"]\n[[models.\"a/chat\".endpoints]]\nprovider = \"p\"\n",
    )
    .await;
    let listed = chats.client().get("/v1/embeddings/models").await.json();
    assert_eq!(listed["data"], serde_json::json!([]));
}
