//! What providers refuse, each in its own words, before an answer and within it.

use super::fleet::{FORMATS, Fleet, Wrong, asking};
use plugway_simulator::{Behaviour, Failure, When};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn every_class_of_error_has_its_status_in_every_format() {
    let fleet = Fleet::start(Behaviour::new()).await;
    let mut wrong = Wrong::default();
    for (code, status, error_type) in [
        (400, 400, "invalid_request"),
        (401, 502, "provider_authentication"),
        (403, 403, "permission_denied"),
        (404, 404, "provider_model_not_found"),
        (429, 429, "rate_limit_exceeded"),
        (500, 502, "provider_unavailable"),
        (503, 503, "provider_overloaded"),
    ] {
        for format in &FORMATS {
            let failing = Behaviour::new().fault(When::Always, Failure::status(code));
            fleet.of(format).set(failing);
            for streaming in [false, true] {
                let said = fleet.ask(format, &asking("Hi"), streaming).await;
                // A stream that has not begun is refused as a whole.
                let found = &said.error["metadata"]["error_type"];
                let right = streaming || (said.status == status && *found == error_type);
                wrong.check(right, format, format_args!("{code}: {} {found}", said.status));
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_within_a_stream_is_told_in_band_in_every_format() {
    let fleet = Fleet::start(Behaviour::new()).await;
    let mut wrong = Wrong::default();
    for failure in [
        Failure::StreamError { after_chunks: 2, code: 500 },
        Failure::Cut { after_chunks: 2 },
        Failure::Malformed { after_chunks: 2 },
    ] {
        for format in &FORMATS {
            // A pause between the chunks, so that the first of them commits.
            let slow = Behaviour::new().reply("a b c d e f").tokens_per_second(50);
            fleet.of(format).set(slow.fault(When::Always, failure.clone()));
            let said = fleet.ask(format, &asking("Hi"), true).await;
            wrong.check(said.status == 200, format, &said.error);
            let began = said.content.starts_with('a');
            wrong.check(began, format, format_args!("{failure:?}: {:?}", said.content));
            wrong.equal(format, &said.finish, &json!("error"));
            wrong.check(!said.error.is_null(), format, format_args!("{failure:?} is not told"));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_waits_says_for_how_long() {
    let fleet = Fleet::start(Behaviour::new()).await;
    let mut wrong = Wrong::default();
    for format in &FORMATS {
        let limited = Failure::rate_limited(9);
        fleet.of(format).set(Behaviour::new().fault(When::Always, limited));
        let mut request = asking("Hi");
        request["model"] = format!("test/{}", format.name).into();
        let answer = fleet.router.client().chat(&request).await;
        wrong.equal(format, &answer.header("retry-after"), &Some("9"));
    }
}
