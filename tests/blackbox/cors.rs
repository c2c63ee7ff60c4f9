//! Web pages of other origins: shut out by default, let in by name.

use crate::setup::{Pair, ask};
use http::{HeaderMap, Method, Response, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use plugway_simulator::Behaviour;
use plugway_tests::TestRouter;
use serde_json::json;

const PAGE: &str = "https://chat.example.com";

const OTHER: &str = "https://other.example.com";

const CHAT: &str = "/v1/chat/completions";

async fn sent(
    router: &TestRouter,
    method: Method,
    path: &str,
    headers: &[(&'static str, &str)],
    body: String,
) -> Response<Incoming> {
    let client = router.client();
    let mut request = client.request(method, path, body);
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse().unwrap());
    }
    client.send(request).await
}

async fn asked_first(router: &TestRouter, path: &str, origin: &str) -> (StatusCode, HeaderMap) {
    let headers = [
        ("origin", origin),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "authorization,content-type"),
    ];
    let response = sent(router, Method::OPTIONS, path, &headers, String::new()).await;
    let (head, body) = response.into_parts();
    let length = body.collect().await.unwrap().to_bytes().len();
    assert!(length == 0 || head.status != 200, "a permission has no body");
    (head.status, head.headers)
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name).map(|value| value.to_str().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_is_shut_out_by_default() {
    let pair = Pair::start(Behaviour::new()).await;
    let (status, headers) = asked_first(&pair.router, CHAT, PAGE).await;
    assert_eq!(status, 403);
    assert_eq!(text(&headers, "access-control-allow-origin"), None);
    let own = format!("http://{}", pair.router.address());
    let (status, headers) = asked_first(&pair.router, CHAT, &own).await;
    assert_eq!(status, 405);
    assert_eq!(text(&headers, "access-control-allow-origin"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listed_page_is_let_in_and_no_other() {
    let toml = format!("[server.cors]\norigins = ['{PAGE}']\nmax_age = '90s'\n");
    let pair = Pair::with(Behaviour::new(), &toml).await;
    for path in [CHAT, "/api/chat", "/v1/models"] {
        let (status, headers) = asked_first(&pair.router, path, PAGE).await;
        assert_eq!(status, 200, "{path}");
        assert_eq!(text(&headers, "access-control-allow-origin"), Some(PAGE));
        let methods = if path == "/v1/models" { "GET, HEAD" } else { "POST" };
        assert_eq!(text(&headers, "access-control-allow-methods"), Some(methods));
        let allowed = text(&headers, "access-control-allow-headers");
        assert_eq!(allowed, Some("authorization,content-type"));
        assert_eq!(text(&headers, "access-control-max-age"), Some("90"));
        assert!(headers.get_all("vary").iter().any(|value| value == "origin"));
        assert_eq!(text(&headers, "access-control-allow-credentials"), None);

        let (status, headers) = asked_first(&pair.router, path, OTHER).await;
        assert_eq!(status, 403, "{path}");
        assert_eq!(text(&headers, "access-control-allow-origin"), None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_pages_are_listed_no_other_is_served_wherever_the_router_listens() {
    let listen = "[server]\nlisten = '0.0.0.0:8787'\n";
    let listed =
        Pair::with(Behaviour::new(), &format!("{listen}[server.cors]\norigins = ['{PAGE}']\n"))
            .await;
    let unlisted = Pair::with(Behaviour::new(), listen).await;
    let own = format!("http://{}", listed.router.address());
    for (pair, origin, status) in [
        (&listed, PAGE, 200),
        (&listed, own.as_str(), 200),
        (&listed, OTHER, 403),
        (&listed, "null", 403),
        // Who lists none says nothing of pages.
        (&unlisted, OTHER, 200),
    ] {
        // What a browser sends without asking first.
        let headers = [("origin", origin), ("content-type", "text/plain")];
        let body = ask("test/open", origin).to_string();
        let response = sent(&pair.router, Method::POST, CHAT, &headers, body).await;
        assert_eq!(response.status(), status, "{origin}");
    }
    assert_eq!(listed.open.requests().len(), 2, "a page that is shut out reached the provider");
    // No page at all.
    let plain = sent(&listed.router, Method::GET, "/v1/models", &[], String::new()).await;
    assert_eq!(plain.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_may_be_read_by_a_listed_page() {
    let toml = format!("[server.cors]\norigins = ['{PAGE}']\n");
    let pair = Pair::with(Behaviour::new(), &toml).await;
    let mut streamed = ask("test/open", "Hi");
    streamed["stream"] = true.into();
    for (method, path, body, status) in [
        (Method::POST, CHAT, ask("test/open", "Hi").to_string(), 200),
        (Method::POST, CHAT, streamed.to_string(), 200),
        (Method::POST, CHAT, "{".to_owned(), 400),
        (Method::GET, CHAT, String::new(), 405),
        (Method::GET, "/v1/models", String::new(), 200),
        (Method::GET, "/nowhere", String::new(), 404),
    ] {
        let response = sent(&pair.router, method, path, &[("origin", PAGE)], body).await;
        assert_eq!(response.status(), status, "{path}");
        let headers = response.headers();
        assert_eq!(text(headers, "access-control-allow-origin"), Some(PAGE), "{path}");
        let exposed = text(headers, "access-control-expose-headers").unwrap();
        assert!(exposed.contains("x-generation-id"), "{exposed}");
        assert_eq!(text(headers, "vary"), Some("origin"));
        response.into_body().collect().await.unwrap();
    }
    // Not a page: nothing is said of pages, but that the answer may differ for them.
    let plain = sent(&pair.router, Method::GET, "/v1/models", &[], String::new()).await;
    assert_eq!(text(plain.headers(), "access-control-allow-origin"), None);
    assert_eq!(text(plain.headers(), "vary"), Some("origin"));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_can_be_let_in_and_none_to_the_operators_routes() {
    let toml = "[server.cors]\norigins = ['*']\nheaders = ['Authorization', 'content-type']\n";
    let pair = Pair::with(Behaviour::new(), toml).await;
    let (status, headers) = asked_first(&pair.router, CHAT, OTHER).await;
    assert_eq!(status, 200);
    assert_eq!(text(&headers, "access-control-allow-origin"), Some("*"));
    let allowed = text(&headers, "access-control-allow-headers");
    assert_eq!(allowed, Some("authorization, content-type"));
    for path in ["/healthz", "/readyz", "/metrics", "/admin/reload"] {
        let (status, headers) = asked_first(&pair.router, path, OTHER).await;
        assert_eq!(status, 403, "{path}");
        assert_eq!(text(&headers, "access-control-allow-origin"), None);
    }
    // Whatever the page's origin, the name of the machine must be the router's own.
    let headers = [("origin", OTHER), ("host", "evil.example")];
    let rebound = sent(&pair.router, Method::GET, "/v1/models", &headers, String::new()).await;
    assert_eq!(rebound.status(), 403);
    let answer = sent(
        &pair.router,
        Method::POST,
        CHAT,
        &[("origin", OTHER)],
        json!({"model": "test/open", "messages": [{"role": "user", "content": "Hi"}]}).to_string(),
    );
    assert_eq!(answer.await.status(), 200);
}
