//! Guests whose calls trap, do not end, or want more than they may have.

use super::scene::{Ask, Scene, check, check_bounded};
use plugway_simulator::Behaviour;
use plugway_tests::{LogLines, Streamed};

/// One test for each guest: how it is asked, and what its error says.
macro_rules! costs_its_attempt {
    ($($guest:ident: $ask:ident, $said:literal;)*) => {$(
        #[tokio::test(flavor = "multi_thread")]
        pub(super) async fn $guest() {
            check(&stringify!($guest).replace('_', "-"), Ask::$ask, $said).await;
        }
    )*};
}

costs_its_attempt! {
    trap_in_encode: Whole, "`encode`: trapped: ";
    trap_in_decode: Whole, "`decode`: trapped: ";
    trap_in_explain: Refusal, "`explain`: trapped: ";
    trap_in_constructor: Stream, "`stream-decoder.constructor`: trapped: ";
    trap_in_push: Stream, "`stream-decoder.push`: trapped: ";
    trap_in_end: Stream, "`stream-decoder.end`: trapped: ";
    spin_in_encode: Whole, "`encode`: exceeded its CPU budget of 100 ms (`call_budget`)";
    spin_in_decode: Whole, "`decode`: exceeded its CPU budget of 100 ms (`call_budget`)";
    spin_in_explain: Refusal, "`explain`: exceeded its CPU budget of 100 ms (`call_budget`)";
    spin_in_constructor: Stream, "constructor`: exceeded its CPU budget of 100 ms (`call_budget`)";
    spin_in_push: Stream, "push`: exceeded its CPU budget of 100 ms (`call_budget`)";
    spin_in_end: Stream, "end`: exceeded its CPU budget of 100 ms (`call_budget`)";
    sleep_in_poll: Whole, "`encode`: exceeded its CPU budget of 100 ms (`call_budget`)";
    fill_memory: Whole, "`encode`: exceeded its CPU budget of 100 ms (`call_budget`)";
    hoard_handles: Whole, "`encode`: trapped: ";
    deep_recursion: Whole, "`encode`: trapped: wasm trap: call stack exhausted";
}

#[tokio::test(flavor = "multi_thread")]
pub(super) async fn eat_memory() {
    let said = "`encode`: exceeded its memory of 16777216 bytes (`max_memory_bytes`)";
    check_bounded("eat-memory", "max_memory = \"16MiB\"", Ask::Whole, said).await;
}

/// Time and memory enough to make 100 megabytes, on a busy machine too.
const PATIENT: &str = "call_budget = \"5s\"\nwall_deadline = \"20s\"\nmax_memory = \"256MiB\"";

#[tokio::test(flavor = "multi_thread")]
pub(super) async fn huge_output() {
    let said = "`encode`: exceeded its output of 67108864 bytes (`max_output_bytes`)";
    check_bounded("huge-output", PATIENT, Ask::Whole, said).await;
}

#[tokio::test(flavor = "multi_thread")]
pub(super) async fn huge_event() {
    let said = "end`: exceeded its output of 67108864 bytes (`max_output_bytes`)";
    check_bounded("huge-event", PATIENT, Ask::Stream, said).await;
}

#[tokio::test(flavor = "multi_thread")]
pub(super) async fn too_many_events() {
    let said = "end`: exceeded its output of 100000 events (`max_events_per_call`)";
    check_bounded("too-many-events", PATIENT, Ask::Stream, said).await;
}

#[tokio::test(flavor = "multi_thread")]
pub(super) async fn trap_after_content() {
    let scene = Scene::with("trap-after-content", "").await;
    let answer = scene.undisturbed(scene.ask("test/both", Ask::Stream)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let streamed = Streamed::of(answer);
    assert!(streamed.content().starts_with("before the fall"), "{:?}", streamed.chunks);
    let error = streamed.chunks.iter().find_map(|chunk| chunk.get("error")).unwrap();
    super::scene::blames(error, "trap-after-content", "`stream-decoder.end`: trapped: ");
    assert!(streamed.done, "the stream has no end: {:?}", streamed.chunks);
}

#[tokio::test(flavor = "multi_thread")]
pub(super) async fn println_storm() {
    let scene = Scene::with("println-storm", "").await;
    let answer = scene.undisturbed(scene.ask("test/bad", Ask::Whole)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let text = LogLines::text();
    let of_guest = text.lines().filter(|line| line.contains("plugway::plugin"));
    let lines: Vec<&str> = of_guest.filter(|line| line.contains("println-storm")).collect();
    // As many as a call may write, and one that says that there were more.
    assert_eq!(lines.len(), 51, "{lines:#?}");
    assert!(lines[50].contains("further lines of this call are dropped"), "{}", lines[50]);
}

#[tokio::test(flavor = "multi_thread")]
pub(super) async fn senses() {
    let scene = Scene::with("senses", "").await;
    scene.upstream.set(Behaviour::new());
    let short = crate::setup::ask("test/bad", "Hi");
    let answer = scene.undisturbed(scene.router.client().chat(&short)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let sent = scene.upstream.requests().pop().unwrap().json();
    let seen = sent["messages"][0]["content"].as_str().unwrap();
    for line in ["variables: 0", "root readable: false", "stdin: Some(\"\")", "slept: 0ns"] {
        assert!(seen.contains(line), "no `{line}` in: {seen}");
    }
}
