//! Strategies that misbehave: each is replaced, for the request, by the built-in
//! order, or is refused at load.

use super::scene::{Ask, Scene};
use plugway_tests::{Answer, LogLines};

/// A router that is to ask `guest` where each request goes.
async fn scene(guest: &str) -> Scene {
    let toml = format!("[routing]\nstrategies = [\"{guest}\"]");
    Scene::without("some-adapter", &toml).await
}

async fn with(guest: &str) -> Scene {
    let scene = scene(guest).await;
    scene.load(guest, guest).await;
    scene
}

/// The strategy's sentence, as the access log has it.
async fn reason(answer: &Answer) -> String {
    let id = answer.header("x-generation-id").unwrap();
    LogLines::access(id).await["reason"].as_str().unwrap().to_owned()
}

/// The request is served all the same, and the reason names the guest and `said`.
async fn check(guest: &str, said: &str) {
    let scene = with(guest).await;
    let answer = scene.undisturbed(scene.ask("test/both", Ask::Whole)).await;
    assert_eq!(answer.status, 200, "{guest}: {}", answer.text());
    assert_eq!(answer.header("x-plugway-strategy"), Some("built-in"), "{guest}");
    let reason = reason(&answer).await;
    assert!(reason.contains(&format!("`{guest}`")) && reason.contains(said), "{reason}");
    let metrics = scene.router.client().get("/metrics").await.text();
    let counted = format!("plugway_strategy_fallbacks_total{{plugin=\"{guest}\"}}");
    assert!(metrics.contains(&counted), "{metrics}");
}

/// One test for each guest: why it was replaced.
macro_rules! is_replaced {
    ($($guest:ident: $said:literal;)*) => {$(
        #[tokio::test(flavor = "multi_thread")]
        pub(super) async fn $guest() {
            check(&stringify!($guest).replace('_', "-"), $said).await;
        }
    )*};
}

is_replaced! {
    trap_in_route: "`policy.route`: trapped: ";
    spin_in_route: "`policy.route`: exceeded its CPU budget of 100 ms (`call_budget`)";
    nonsense_plan: "its plan names a candidate that does not exist";
    repeated_candidate: "its plan repeats a candidate";
    empty_plan: "its plan is empty";
    endless_plan: "its plan repeats a candidate";
}

#[tokio::test(flavor = "multi_thread")]
pub(super) async fn hedge_soon() {
    let scene = with("hedge-soon").await;
    let answer = scene.undisturbed(scene.ask("test/both", Ask::Whole)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(answer.header("x-plugway-strategy").unwrap().starts_with("hedge-soon@"));
}

#[tokio::test(flavor = "multi_thread")]
pub(super) async fn tells_candidates() {
    let scene = with("tells-candidates").await;
    let answer = scene.undisturbed(scene.ask("test/both", Ask::Whole)).await;
    let reason = reason(&answer).await;
    assert!(u64::from_str_radix(&reason, 16).is_ok(), "{reason}");
}

#[tokio::test(flavor = "multi_thread")]
pub(super) async fn huge_reason() {
    let scene = with("huge-reason").await;
    let answer = scene.undisturbed(scene.ask("test/both", Ask::Whole)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(answer.header("x-plugway-strategy").unwrap().starts_with("huge-reason@"));
    let reason = reason(&answer).await;
    assert!(reason.len() < 2048 && reason.ends_with("[cut]") && !reason.contains('\n'), "{reason}");
}

#[tokio::test(flavor = "multi_thread")]
pub(super) async fn huge_refusal() {
    let scene = with("huge-refusal").await;
    let answer = scene.ask("test/both", Ask::Whole).await;
    assert_eq!(answer.status, 404, "{}", answer.text());
    assert!(answer.body.len() < 8 * 1024, "the client got {} bytes", answer.body.len());
    let message = answer.json()["error"]["message"].as_str().unwrap().to_owned();
    assert!(message.ends_with("[cut]") && !message.contains('\n'), "{message}");
}

/// The guest is refused for reasons that hold `said`, and what served under its
/// name goes on deciding.
async fn check_refused(guest: &str, said: &str) {
    let scene = scene(guest).await;
    scene.load("strategy-minimal", guest).await;
    let before = scene.ask("test/both", Ask::Whole).await;
    let decider = before.header("x-plugway-strategy").unwrap();
    assert!(decider.starts_with(&format!("{guest}@")), "{decider}");
    let reason = scene.undisturbed(scene.refuse(guest, guest)).await;
    assert!(reason.contains(said), "{reason}");
    let after = scene.ask("test/both", Ask::Whole).await;
    assert_eq!(after.header("x-plugway-strategy"), Some(decider));
}

#[tokio::test(flavor = "multi_thread")]
pub(super) async fn trap_in_open() {
    check_refused("trap-in-open", "`open`: trapped: ").await;
}

#[tokio::test(flavor = "multi_thread")]
pub(super) async fn spin_in_open() {
    let said = "`open`: exceeded its CPU budget of 100 ms (`call_budget`)";
    check_refused("spin-in-open", said).await;
}
