//! Credentials that are more than a secret: signatures, and access tokens from a token
//! endpoint. The tests' own code checks what arrives, by the published rules.

use crate::setup::ask;
use crate::wire::{Wire, json_response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use plugway_tests::{Answer, ID, KEY, LogLines, Play, RawUpstream, TestRouter};
use ring::digest::{SHA256, digest};
use ring::hmac;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const PRIVATE: &str = include_str!("../../host/credentials/src/service_account/test-key.pem");
const PUBLIC: &[u8] =
    include_bytes!("../../host/credentials/src/service_account/test-key.public.der");

const SCOPE: &str = "https://service.example/.default";

/// A provider, the endpoint where its tokens are obtained, and a router.
struct Tokened {
    router: TestRouter,
    provider: RawUpstream,
    endpoint: RawUpstream,
}

impl Tokened {
    /// With a client's id and secret.
    async fn start(upstream: &str) -> Self {
        let (provider, endpoint) = (RawUpstream::start().await, RawUpstream::start().await);
        let credential = format!(
            "{{ client_id_env = \"TEST_ID\", client_secret_env = \"TEST_KEY\", token_url = \"{}/{{tenant}}/token\" }}",
            endpoint.base_url()
        );
        let toml = format!(
            "[upstream]\n{upstream}\n[providers.raw]\nadapter = \"openai\"\nbase_url = \"{}\"\n\
             auth = {{ oauth = \"{SCOPE}\" }}\ncredential = {credential}\n\
             variables = {{ tenant = \"our-tenant\" }}\nrelay = [\"/files\"]\n",
            provider.base_url()
        );
        provider.play([Play::write(json_response(&Wire::OpenAi.whole("served")))]);
        Self { router: TestRouter::start(&toml).await, provider, endpoint }
    }

    fn grant(&self, token: &str, lifetime: u64) {
        let token = json!({"access_token": token, "token_type": "Bearer", "expires_in": lifetime});
        self.endpoint.play([Play::write(json_response(&token))]);
    }

    async fn ask(&self) -> Answer {
        self.router.client().chat(&ask("raw/model", "Hi")).await
    }

    /// The tokens that the provider was shown, in order.
    fn shown(&self) -> Vec<String> {
        let requests = self.provider.requests();
        requests.iter().map(|request| header(request, "authorization").unwrap()).collect()
    }

    /// The attempt fails so, and neither client nor log is told a secret.
    async fn fails(&self, status: u16, error_type: &str, told: &str) {
        let before = self.provider.requests().len();
        let answer = self.ask().await;
        assert_eq!(answer.status, status, "{}", answer.text());
        let error = answer.json()["error"].clone();
        assert_eq!(error["metadata"]["code"], error_type, "{error}");
        assert!(error["message"].as_str().unwrap().contains(told), "{error}");
        assert_eq!(self.provider.requests().len(), before, "it left without a token");
        assert!(!answer.text().contains(KEY) && !LogLines::text().contains(KEY));
    }
}

fn header(request: &str, name: &str) -> Option<String> {
    let head = request.split("\r\n\r\n").next().unwrap();
    let mut lines = head.lines().filter_map(|line| line.split_once(": "));
    lines.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_owned())
}

fn body(request: &str) -> &str {
    request.split_once("\r\n\r\n").unwrap().1
}

/// The fields of a form.
fn form(request: &str) -> BTreeMap<String, String> {
    assert_eq!(header(request, "content-type").unwrap(), "application/x-www-form-urlencoded");
    let fields = body(request).split('&').map(|field| field.split_once('=').unwrap());
    fields.map(|(name, value)| (name.to_owned(), decoded(value))).collect()
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        bytes.extend(before.bytes());
        bytes.push(u8::from_str_radix(&after[..2], 16).unwrap());
        rest = &after[2..];
    }
    bytes.extend(rest.bytes());
    String::from_utf8(bytes).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_obtained_once_and_sent_until_it_runs_out() {
    let it = Tokened::start("").await;
    it.grant("token-one", 3600);
    let (a, b) = tokio::join!(it.ask(), it.ask());
    for answer in [a, b, it.ask().await] {
        assert_eq!(answer.content(), "served", "{}", answer.text());
    }
    assert_eq!(it.shown(), ["Bearer token-one"; 3]);
    let asked = it.endpoint.requests();
    assert_eq!(asked.len(), 1, "once for all");
    assert!(asked[0].starts_with("POST /v1/our-tenant/token HTTP/1.1\r\n"), "{}", asked[0]);
    let expected = [
        ("client_id", ID),
        ("client_secret", KEY),
        ("grant_type", "client_credentials"),
        ("scope", SCOPE),
    ];
    let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(form(&asked[0]), BTreeMap::from(expected));
    let log = LogLines::text();
    assert!(!log.contains(KEY) && !log.contains("token-one"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_has_run_out_is_replaced() {
    let it = Tokened::start("").await;
    it.grant("token-one", 0);
    it.ask().await;
    it.grant("token-two", 3600);
    it.ask().await;
    it.ask().await;
    assert_eq!(it.shown(), ["Bearer token-one", "Bearer token-two", "Bearer token-two"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_the_provider_refuses_is_not_sent_again() {
    let it = Tokened::start("").await;
    it.grant("token-one", 3600);
    let refusal = "HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n";
    it.provider.play([Play::write(refusal)]);
    assert_eq!(it.ask().await.status, 502);
    it.provider.play([Play::write(json_response(&Wire::OpenAi.whole("served")))]);
    it.grant("token-two", 3600);
    assert_eq!(it.ask().await.content(), "served");
    assert_eq!(it.shown(), ["Bearer token-one", "Bearer token-two"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_endpoint_that_refuses_is_told_from_one_that_fails() {
    let it = Tokened::start("token_timeout = \"300ms\"").await;
    let answers = |status: &str, body: &str| {
        let length = body.len();
        let answer = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\n\r\n{body}");
        it.endpoint.play([Play::write(answer)]);
    };
    answers("401 No", &format!(r#"{{"error":"invalid_client","error_description":"not {KEY}"}}"#));
    it.fails(502, "provider_authentication", "`invalid_client`").await;
    answers("400 Bad", "");
    it.fails(502, "provider_authentication", "status 400").await;
    answers("500 Internal", &format!("<html>{KEY}</html>"));
    it.fails(502, "provider_unavailable", "status 500").await;
    answers("302 Found", "");
    it.fails(502, "provider_unavailable", "status 302").await;
    answers("200 OK", "<html>sign in</html>");
    it.fails(502, "provider_unavailable", "no usable token").await;
    answers("200 OK", &format!("{{\"access_token\":\"{}\"}}", "x".repeat(70_000)));
    it.fails(502, "provider_unavailable", "no usable token").await;
    it.endpoint.play([Play::Hang]);
    it.fails(504, "timeout", "in time").await;
    it.endpoint.play([Play::Close]);
    it.fails(502, "provider_unavailable", "could not be reached").await;
    // And then it recovers.
    it.grant("token", 3600);
    assert_eq!(it.ask().await.content(), "served");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_the_provider_quotes_is_masked() {
    let it = Tokened::start("").await;
    it.grant("token-very-secret", 3600);
    let body = format!(r#"{{"error":{{"message":"bad: token-very-secret and {KEY}"}}}}"#);
    let length = body.len();
    let answer = format!("HTTP/1.1 400 Bad\r\ncontent-length: {length}\r\n\r\n{body}");
    it.provider.play([Play::write(answer)]);
    let answer = it.ask().await;
    assert_eq!(answer.status, 400, "{}", answer.text());
    assert!(!answer.text().contains("very-secret") && !answer.text().contains(KEY));
    // Nor where no adapter reads the answer.
    let answer = it.router.client().get("/v1/providers/raw/files").await;
    assert!(answer.text().contains("bad: *****"), "{}", answer.text());
    assert!(!answer.text().contains("very-secret") && !answer.text().contains(KEY));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_relayed_carries_a_token_too() {
    let it = Tokened::start("").await;
    it.grant("token-one", 3600);
    it.provider.play([Play::write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n[]")]);
    assert_eq!(it.router.client().get("/v1/providers/raw/files").await.status, 200);
    assert_eq!(it.shown(), ["Bearer token-one"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_account_asserts_who_it_is_with_its_key() {
    let (provider, endpoint) = (RawUpstream::start().await, RawUpstream::start().await);
    let token_url = format!("{}/token", endpoint.base_url());
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("account.json");
    let account = json!({
        "type": "service_account", "client_email": "router@p.example",
        "private_key": PRIVATE, "private_key_id": "k1", "token_uri": token_url,
    });
    std::fs::write(&file, account.to_string()).unwrap();
    let toml = format!(
        "[providers.raw]\nadapter = \"openai\"\nbase_url = \"{}\"\n\
         auth = {{ oauth = \"{SCOPE}\" }}\ncredential = {{ service_account_file = {file:?} }}\n",
        provider.base_url()
    );
    let router = TestRouter::start(&toml).await;
    provider.play([Play::write(json_response(&Wire::OpenAi.whole("served")))]);
    let token = json!({"access_token": "of-the-account", "expires_in": 3600});
    endpoint.play([Play::write(json_response(&token))]);
    let answer = router.client().chat(&ask("raw/model", "Hi")).await;
    assert_eq!(answer.content(), "served", "{}", answer.text());
    let sent = header(&provider.requests()[0], "authorization").unwrap();
    assert_eq!(sent, "Bearer of-the-account");

    let fields = form(&endpoint.requests()[0]);
    assert_eq!(fields["grant_type"], "urn:ietf:params:oauth:grant-type:jwt-bearer");
    let (signed, signature) = fields["assertion"].rsplit_once('.').unwrap();
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, PUBLIC);
    assert!(public.verify(signed.as_bytes(), &signature).is_ok(), "it is not the key's");
    let claims = URL_SAFE_NO_PAD.decode(signed.split_once('.').unwrap().1).unwrap();
    let claims: Value = serde_json::from_slice(&claims).unwrap();
    assert_eq!(claims["iss"], "router@p.example");
    assert_eq!((&claims["aud"], &claims["scope"]), (&token_url.into(), &SCOPE.into()));
    let now = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs();
    let (issued, expires) = (claims["iat"].as_u64().unwrap(), claims["exp"].as_u64().unwrap());
    assert!(issued <= now && now < expires, "{claims}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_request_is_the_one_that_arrives() {
    let provider = RawUpstream::start().await;
    let toml = format!(
        "[providers.raw]\nadapter = \"openai\"\nbase_url = \"{}\"\n\
         auth = {{ sigv4 = \"inference\" }}\nvariables = {{ region = \"test-1\" }}\n\
         credential = {{ access_key_id_env = \"TEST_ID\", secret_access_key_env = \"TEST_KEY\", session_token_env = \"TEST_TOKEN\" }}\n\
         relay = [\"/files\"]\n",
        provider.base_url()
    );
    let router = TestRouter::start(&toml).await;
    provider.play([Play::write(json_response(&Wire::OpenAi.whole("served")))]);
    let answer = router.client().chat(&ask("raw/model", &"Hi ".repeat(100))).await;
    assert_eq!(answer.content(), "served", "{}", answer.text());
    router.client().get("/v1/providers/raw/files?b=2&a=1%20%3A").await;
    let requests = provider.requests();
    assert_eq!(requests.len(), 2);
    for request in &requests {
        let sent = header(request, "authorization").unwrap();
        let (_, signature) = sent.rsplit_once("Signature=").unwrap();
        assert_eq!(signature, signature_of(request, &sent), "{request}");
        assert!(sent.contains("host;"), "{sent}");
    }
    // What streams through cannot be signed.
    let upload = router.client().request(http::Method::POST, "/v1/providers/raw/files", "{}");
    assert_eq!(router.client().send(upload).await.status(), 400);
    assert_eq!(provider.requests().len(), 2, "it left unsigned");
    assert!(!LogLines::text().contains(KEY));
}

/// Computed from what arrived, by the published rules.
fn signature_of(request: &str, authorization: &str) -> String {
    let between = |from: &str, to: &str| {
        authorization.split_once(from).unwrap().1.split(to).next().unwrap().to_owned()
    };
    let scope = between("Credential=", ",");
    let scope = scope.strip_prefix(&format!("{ID}/")).unwrap();
    let names = between("SignedHeaders=", ",");
    let date = header(request, "x-amz-date").unwrap();
    let line = request.lines().next().unwrap();
    let [method, target, _] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut query: Vec<&str> = query.split('&').collect();
    query.sort_unstable();
    let headers: String = names
        .split(';')
        .map(|name| format!("{name}:{}\n", header(request, name).unwrap()))
        .collect();
    let canonical = format!(
        "{method}\n{path}\n{}\n{headers}\n{names}\n{}",
        query.join("&"),
        hex(digest(&SHA256, body(request).as_bytes()).as_ref())
    );
    let signed = format!(
        "AWS4-HMAC-SHA256\n{date}\n{scope}\n{}",
        hex(digest(&SHA256, canonical.as_bytes()).as_ref())
    );
    let mut key = format!("AWS4{KEY}").into_bytes();
    for part in scope.split('/') {
        key = mac(&key, part);
    }
    hex(&mac(&key, &signed))
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes()).as_ref().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
