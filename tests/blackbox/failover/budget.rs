//! How often requests may be tried again, all together.

use super::{bounded, failing};
use crate::setup::ask;
use plugway_simulator::{Behaviour, Failure, Kind, Simulator};
use plugway_tests::LogLines;
use std::time::Duration;
use tokio::time::timeout;

#[tokio::test(flavor = "multi_thread")]
async fn an_exhausted_budget_answers_with_the_failure_as_it_is() {
    let first = Simulator::start(Kind::OpenAi, failing(Failure::status(500))).unwrap();
    let second = Simulator::start(Kind::Anthropic, Behaviour::new().reply("from second")).unwrap();
    // By price alone, whatever fails: each request is to fail first.
    let frugal = "retry_percent = 1\nretry_reserve = 1\nbreaker_failures = 1000\n\
                  [plugins.price.options]\nfallback_uptime = 0";
    let router = bounded(frugal, &first, &second).await;
    let request = ask("test/both", "Hi");
    let mut moved_on = 0;
    let refused = async {
        loop {
            let answer = router.client().chat(&request).await;
            if answer.status != 200 {
                return answer;
            }
            assert_eq!(answer.content(), "from second");
            moved_on += 1;
        }
    };
    let answer = timeout(Duration::from_secs(60), refused).await.expect("no end to the budget");
    assert!(moved_on >= 10, "the reserve of ten seconds is {moved_on}");
    assert_eq!(answer.status, 502, "{}", answer.text());
    let error = &answer.json()["error"];
    assert_eq!(error["metadata"]["code"], "provider_unavailable");
    assert_eq!(error["metadata"]["endpoints"][0]["endpoint"], "first/sim");
    let line = LogLines::access(answer.header("x-generation-id").unwrap()).await;
    assert_eq!(line["retry_refused"], true, "{line}");
    assert!(!line["attempts"].as_str().unwrap().contains("second"), "{line}");
    let metrics = router.client().get("/metrics").await.text();
    assert!(metrics.contains("plugway_retries_refused_total 1"), "{metrics}");

    // First attempts are none of its business.
    first.set(Behaviour::new().reply("from first"));
    for _ in 0..20 {
        assert_eq!(router.client().chat(&request).await.content(), "from first");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_router_may_try_its_share_again() {
    let first = Simulator::start(Kind::OpenAi, Behaviour::new().reply("from first")).unwrap();
    let second = Simulator::start(Kind::Anthropic, Behaviour::new().reply("from second")).unwrap();
    let share = "retry_percent = 100\nretry_reserve = 1\nbreaker_failures = 1000\n\
                 [plugins.price.options]\nfallback_uptime = 0";
    let router = bounded(share, &first, &second).await;
    first.set(failing(Failure::status(500)));
    // Each request brings what its own second attempt takes.
    for _ in 0..40 {
        let answer = router.client().chat(&ask("test/both", "Hi")).await;
        assert_eq!(answer.content(), "from second", "{}", answer.text());
    }
}
