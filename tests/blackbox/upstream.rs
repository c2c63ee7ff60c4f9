//! The way to the providers: redirects, an egress proxy, rotated credentials.

use crate::setup::ask;
use plugway_simulator::{Behaviour, Kind, Simulator};
use plugway_tests::TestRouter;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// Configuration of the one provider `raw` at an address.
fn provider(address: SocketAddr, key: &str) -> String {
    format!(
        "[providers.raw]\nadapter = \"openai\"\nbase_url = \"http://{address}/v1\"\nauth = \"bearer\"\n{key}\n"
    )
}

const KEY: &str = "api_key_env = \"TEST_KEY\"";

/// Reads a request's or response's head.
async fn head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(head).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_is_not_followed() {
    let elsewhere = Simulator::start(Kind::OpenAi, Behaviour::new()).unwrap();
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let location = elsewhere.base_url();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        head(&mut stream).await;
        let answer = format!(
            "HTTP/1.1 307 Temporary Redirect\r\nlocation: {location}/chat/completions\r\ncontent-length: 0\r\n\r\n"
        );
        stream.write_all(answer.as_bytes()).await.unwrap();
        let _ = stream.read_u8().await;
    });
    let router = TestRouter::start(&provider(address, KEY)).await;
    let answer = router.client().chat(&ask("raw/model", "Hi")).await;
    assert_eq!(answer.status, 502, "{}", answer.text());
    assert!(elsewhere.requests().is_empty(), "a prompt and a key went where no operator sent them");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_egress_proxy_is_used_but_for_what_is_excepted() {
    let simulator = Simulator::start(Kind::OpenAi, Behaviour::new().reply("through")).unwrap();
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let proxy = listener.local_addr().unwrap();
    let tunnels = Arc::new(Mutex::new(Vec::new()));
    let seen = tunnels.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let head = head(&mut stream).await;
            let target = head.split(' ').nth(1).unwrap().to_owned();
            let mut upstream = TcpStream::connect(&target).await.unwrap();
            seen.lock().unwrap().push(target);
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
            tokio::spawn(async move {
                let _ = copy_bidirectional(&mut stream, &mut upstream).await;
            });
        }
    });
    for (exceptions, tunnelled) in [("", 1), ("no_proxy = [\"127.0.0.1\"]\n", 0)] {
        tunnels.lock().unwrap().clear();
        let upstream = format!("[upstream]\nproxy = \"http://{proxy}\"\n{exceptions}");
        let toml = format!("{upstream}{}", provider(simulator.addr(), KEY));
        let router = TestRouter::start(&toml).await;
        let answer = router.client().chat(&ask("raw/model", "Hi")).await;
        assert_eq!(answer.content(), "through", "{}", answer.text());
        assert_eq!(tunnels.lock().unwrap().len(), tunnelled, "{exceptions}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotated_credential_is_picked_up_and_never_told() {
    let simulator = Simulator::start(Kind::OpenAi, Behaviour::new()).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("key");
    std::fs::write(&file, "sk-first-0123456789\n").unwrap();
    let key = format!("api_key_file = {file:?}");
    let router = TestRouter::start(&provider(simulator.addr(), &key)).await;
    let sent = || simulator.requests_with_credentials().pop().unwrap();
    router.client().chat(&ask("raw/model", "Hi")).await;
    assert_eq!(sent().header("authorization"), Some("Bearer sk-first-0123456789"));

    std::fs::write(&file, "sk-second-0123456789\n").unwrap();
    let rotated = async {
        loop {
            router.client().chat(&ask("raw/model", "Hi")).await;
            if sent().header("authorization") == Some("Bearer sk-second-0123456789") {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), rotated).await.expect("never rotated");
    assert!(!plugway_tests::LogLines::text().contains("sk-second"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_quotes_the_key_does_not_give_it_away() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let request = head(&mut stream).await;
        let line = request.lines().find(|line| line.to_lowercase().starts_with("authorization"));
        let body = format!(r#"{{"error":{{"message":"bad request with {}"}}}}"#, line.unwrap());
        let answer = format!(
            "HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(answer.as_bytes()).await.unwrap();
        let _ = stream.read_u8().await;
    });
    let router = TestRouter::start(&provider(address, KEY)).await;
    let answer = router.client().chat(&ask("raw/model", "Hi")).await;
    assert_eq!(answer.status, 400, "{}", answer.text());
    assert!(answer.text().contains("bad request with"), "{}", answer.text());
    assert!(!answer.text().contains(plugway_tests::KEY), "{}", answer.text());
    assert!(!plugway_tests::LogLines::text().contains(plugway_tests::KEY));
}

/// What speaks TLS for `localhost` with a certificate of the test's own authority.
fn tls() -> TlsAcceptor {
    let chain = CertificateDer::from_pem_slice(include_bytes!("tls/server.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("tls/server.key")).unwrap();
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![chain], key)
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    TlsAcceptor::from(Arc::new(config))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_of_a_private_authority_is_spoken_to_in_http2_once_it_is_trusted() {
    // TLS in front of a simulator, which speaks both protocols in clear.
    let simulator = Simulator::start(Kind::OpenAi, Behaviour::new().reply("in private")).unwrap();
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (acceptor, upstream) = (tls(), simulator.addr());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                let mut upstream = TcpStream::connect(upstream).await.unwrap();
                let _ = copy_bidirectional(&mut stream, &mut upstream).await;
            });
        }
    });
    let authority = concat!(env!("CARGO_MANIFEST_DIR"), "/blackbox/tls/ca.pem");
    let raw = format!(
        "[providers.raw]\nadapter = \"openai\"\nbase_url = \"https://localhost:{port}/v1\"\n{KEY}\n"
    );
    let stranger = TestRouter::start(&raw).await;
    let answer = stranger.client().chat(&ask("raw/model", "Hi")).await;
    assert_eq!(answer.status, 502, "{}", answer.text());
    assert!(simulator.requests().is_empty(), "a key went to somebody whom nobody vouched for");

    let trusting =
        TestRouter::start(&format!("[upstream]\nca_files = [{authority:?}]\n{raw}")).await;
    let answer = trusting.client().chat(&ask("raw/model", "Hi")).await;
    assert_eq!(answer.content(), "in private", "{}", answer.text());
    assert_eq!(simulator.requests().pop().unwrap().version, http::Version::HTTP_2);
}
