//! Endpoints whose providers ask to be left alone.

use super::{bounded, content, counts, failing, in_front_of};
use crate::setup::ask;
use plugway_simulator::{Behaviour, Failure, Kind, Simulator};
use std::time::Duration;
use tokio::time::timeout;

fn busy(code: u16, seconds: u64) -> Behaviour {
    failing(Failure::Status { code, retry_after: Some(seconds), message: None })
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_asks_for_a_pause_is_left_out() {
    let second = Simulator::start(Kind::OpenAi, Behaviour::new().reply("from second")).unwrap();
    for (kind, code) in [
        (Kind::OpenAi, 429),
        (Kind::OpenAi, 503),
        (Kind::OpenAi, 529),
        (Kind::Anthropic, 429),
        (Kind::Anthropic, 529),
    ] {
        let first = Simulator::start(kind, busy(code, 3600)).unwrap();
        let router = in_front_of(&first, &second).await;
        for streaming in [true, false, true] {
            assert_eq!(content(&router, streaming).await, "from second", "{code}");
        }
        assert_eq!(first.requests().len(), 1, "{kind:?} {code}: it was not left alone");
        let line = "plugway_cooldowns_total{endpoint=\"first/sim\"} 1";
        assert!(counts(&router, line).await, "{kind:?} {code}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_wish_there_is_no_pause() {
    let first = Simulator::start(Kind::OpenAi, failing(Failure::status(429))).unwrap();
    let second = Simulator::start(Kind::OpenAi, Behaviour::new().reply("from second")).unwrap();
    let router = in_front_of(&first, &second).await;
    for _ in 0..3 {
        assert_eq!(content(&router, false).await, "from second");
    }
    assert_eq!(first.requests().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn when_all_cool_down_the_client_learns_for_how_long() {
    let first = Simulator::start(Kind::OpenAi, busy(429, 3600)).unwrap();
    let second = Simulator::start(Kind::Anthropic, busy(429, 40)).unwrap();
    let router = in_front_of(&first, &second).await;
    assert_eq!(router.client().chat(&ask("test/both", "Hi")).await.status, 429);
    let answer = router.client().chat(&ask("test/both", "Hi")).await;
    assert_eq!(answer.status, 503, "{}", answer.text());
    let error = &answer.json()["error"];
    assert_eq!(error["metadata"]["code"], "temporarily_unavailable");
    let wait: u64 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=40).contains(&wait), "{wait}");
    let endpoints = error["metadata"]["endpoints"].as_array().unwrap();
    let ids: Vec<_> = endpoints.iter().map(|it| it["endpoint"].as_str().unwrap()).collect();
    assert_eq!(ids, ["first/sim", "second/sim"]);
    for endpoint in endpoints {
        let reason = endpoint["reason"].as_str().unwrap();
        assert!(
            reason.contains("cooling down for") && reason.contains("as the provider asked"),
            "{reason}"
        );
    }
    assert_eq!((first.requests().len(), second.requests().len()), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_ends_at_the_bound_at_the_latest() {
    let first = Simulator::start(Kind::OpenAi, busy(429, 3600)).unwrap();
    let second = Simulator::start(Kind::OpenAi, Behaviour::new().reply("from second")).unwrap();
    let router = bounded("max_cooldown = \"200ms\"", &first, &second).await;
    assert_eq!(content(&router, false).await, "from second");
    first.set(Behaviour::new().reply("from first"));
    let recovered = async { while content(&router, false).await != "from first" {} };
    timeout(Duration::from_secs(20), recovered).await.expect("it was left out for good");
}
