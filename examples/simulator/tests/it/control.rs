//! Scripting and watching, from the handle and over HTTP, and the demo fleet.

use http::Method;
use plugway_simulator::{Behaviour, Kind, Simulator};
use serde_json::{Value, json};

use crate::client::{chat, collect, plain, send};

fn ask(model: &str) -> Value {
    json!({
        "model": model,
        "max_tokens": 100,
        "messages": [{"role": "user", "content": "hello"}],
    })
}

async fn control(simulator: &Simulator, method: Method, path: &str, body: &str) -> (u16, String) {
    let response = send(simulator, plain(method, path, body)).await.unwrap();
    let answer = collect(response).await;
    (answer.status.as_u16(), answer.body)
}

#[tokio::test]
async fn the_script_is_replaced_over_http() {
    let simulator = Simulator::start(Kind::OpenAi, Behaviour::new()).unwrap();
    let script = r#"{"behaviour": {"reply": "changed"}}"#;
    let post = Method::POST;
    let set = control(&simulator, post.clone(), "/sim/script", script).await;
    assert_eq!(set, (204, String::new()));
    assert_eq!(chat(&simulator, ask("m")).await.text(), "changed");
    let (status, error) = control(&simulator, post, "/sim/script", r#"{"reply": "x"}"#).await;
    assert_eq!(status, 400);
    assert!(error.contains("unknown field `reply`"), "{error}");
    let (_, shown) = control(&simulator, Method::GET, "/sim/script", "").await;
    let shown: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(shown["behaviour"]["reply"], "changed");
}

#[tokio::test]
async fn the_log_shows_what_was_asked_and_no_credential() {
    let simulator = Simulator::start(Kind::OpenAi, Behaviour::new()).unwrap();
    chat(&simulator, ask("m")).await;
    let exchange = &simulator.requests()[0];
    assert_eq!(exchange.method, "POST");
    assert_eq!(exchange.path, "/v1/chat/completions");
    assert_eq!(exchange.model.as_deref(), Some("m"));
    assert_eq!(exchange.json(), ask("m"));
    assert_eq!(exchange.header("authorization"), Some("***"));
    let open = &simulator.requests_with_credentials()[0];
    assert_eq!(open.header("authorization"), Some("Bearer sk-test"));

    let (_, log) = control(&simulator, Method::GET, "/sim/requests", "").await;
    assert!(log.contains("answered") && !log.contains("sk-test"), "{log}");
    control(&simulator, Method::DELETE, "/sim/requests", "").await;
    assert!(simulator.requests().is_empty());
}

#[tokio::test]
async fn a_dropped_simulator_leaves_its_port() {
    let simulator = Simulator::start(Kind::OpenAi, Behaviour::new()).unwrap();
    let address = simulator.addr();
    chat(&simulator, ask("m")).await;
    drop(simulator);
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn the_demo_fleet_does_what_it_says() {
    let fleet = Simulator::demo_fleet().unwrap();
    let names: Vec<&str> = fleet.iter().map(|provider| &*provider.name).collect();
    assert_eq!(names, ["steady-one", "steady-two", "flaky"]);
    for provider in &fleet {
        for model in &provider.models {
            let answer = chat(&provider.simulator, ask(model)).await;
            assert!(answer.text().contains(&provider.name), "{}", answer.text());
        }
        let unknown = chat(&provider.simulator, ask("unknown")).await;
        assert_eq!(unknown.status, 404);
    }
    let second = chat(&fleet[2].simulator, ask("demo-small")).await;
    assert_eq!(second.status, 503);
}
