use super::*;
use std::sync::Barrier;
use std::sync::atomic::{AtomicU32, Ordering};

const BEGAN_MS: u64 = 1_000_000;

fn clock() -> Clock {
    Clock::stopped(Duration::from_millis(BEGAN_MS))
}

fn settings(requests: u32, tokens: u32, concurrent: u32) -> RateSettings {
    RateSettings {
        requests_per_minute: NonZeroU32::new(requests),
        tokens_per_minute: NonZeroU32::new(tokens),
        concurrent_requests: NonZeroU32::new(concurrent),
    }
}

fn limits(whose: &str, settings: RateSettings, clock: &Clock) -> Arc<Limits> {
    Arc::new(Limits::new(whose, settings, clock.clone()))
}

fn remaining(limits: &Limits) -> Vec<(Limit, u32)> {
    limits.now().into_iter().map(|standing| (standing.which, standing.remaining)).collect()
}

#[test]
fn requests_are_counted_by_the_minute() {
    let clock = clock();
    let key = limits("key a", settings(2, 0, 0), &clock);
    let _first = key.try_enter(10).unwrap();
    let [standing] = &key.now()[..] else { panic!("there is one limit") };
    assert_eq!((standing.which, standing.limit, standing.remaining), (Limit::Requests, 2, 1));
    assert_eq!(standing.reset_ms, BEGAN_MS + 30_000);
    assert!(key.has(Limit::Requests) && !key.has(Limit::Tokens) && !key.has(Limit::Concurrent));
    let _second = key.try_enter(10).unwrap();
    let refused = key.try_enter(10).unwrap_err();
    assert_eq!((refused.standing.which, refused.standing.remaining), (Limit::Requests, 0));
    assert_eq!(refused.standing.reset_ms, BEGAN_MS + 60_000);
    assert_eq!(refused.retry_after, Duration::from_secs(30));
    assert_eq!(refused.to_string(), "key a allows 2 requests per minute; try again in 30 s");
    clock.advance(Duration::from_millis(29_999));
    assert_eq!(key.try_enter(10).unwrap_err().retry_after_s(), 1);
    clock.advance(Duration::from_millis(1));
    assert!(key.try_enter(10).is_ok());
}

#[test]
fn a_step_of_the_wall_clock_lets_nobody_in() {
    let clock = clock();
    let key = limits("key a", settings(1, 0, 0), &clock);
    let _first = key.try_enter(1).unwrap();
    clock.step_wall(600_000);
    let refused = key.try_enter(1).unwrap_err();
    assert_eq!(refused.retry_after, Duration::from_secs(60));
    assert_eq!(refused.standing.reset_ms, BEGAN_MS + 660_000);
    clock.step_wall(-1_600_000);
    assert_eq!(key.try_enter(1).unwrap_err().standing.reset_ms, 60_000);
}

#[test]
fn tokens_are_charged_by_estimate_and_then_put_right() {
    let clock = clock();
    let key = limits("key a", settings(0, 600, 0), &clock);
    let mut low = key.try_enter(100).unwrap();
    assert_eq!(remaining(&key), [(Limit::Tokens, 500)]);
    low.used(250);
    assert_eq!(remaining(&key), [(Limit::Tokens, 350)]);
    // Told again: the last word counts.
    low.used(240);
    assert_eq!(remaining(&key), [(Limit::Tokens, 360)]);
    let mut high = key.try_enter(300).unwrap();
    high.used(10);
    assert_eq!(remaining(&key), [(Limit::Tokens, 350)]);
    // Into debt: what is owed is waited for.
    high.used(960);
    assert_eq!(remaining(&key), [(Limit::Tokens, 0)]);
    let refused = key.try_enter(50).unwrap_err();
    assert_eq!((refused.standing.which, refused.retry_after_s()), (Limit::Tokens, 65));
    clock.advance(Duration::from_secs(65));
    assert!(key.try_enter(50).is_ok());
}

#[test]
fn a_prompt_larger_than_the_limit_waits_for_all_of_it() {
    let clock = clock();
    let key = limits("key a", settings(0, 600, 0), &clock);
    drop(key.try_enter(1).unwrap());
    assert_eq!(key.try_enter(6_000).unwrap_err().retry_after, Duration::from_millis(100));
    clock.advance(Duration::from_millis(100));
    drop(key.try_enter(6_000).unwrap());
    assert_eq!(key.try_enter(1).unwrap_err().retry_after, Duration::from_millis(540_100));
}

#[test]
fn places_are_held_until_a_pass_is_dropped() {
    let clock = clock();
    let key = limits("key a", settings(0, 0, 2), &clock);
    let first = key.try_enter(1).unwrap();
    assert_eq!(remaining(&key), [(Limit::Concurrent, 1)]);
    let _second = key.try_enter(1).unwrap();
    let refused = key.try_enter(1).unwrap_err();
    assert_eq!(
        (refused.standing.which, refused.retry_after),
        (Limit::Concurrent, CONCURRENT_RETRY)
    );
    assert_eq!(refused.to_string(), "key a allows 2 requests at a time; try again in 1 s");
    drop(first);
    assert_eq!(key.running(), 1);
    assert!(key.try_enter(1).is_ok());
}

#[test]
fn all_are_entered_or_none() {
    let clock = clock();
    let key = limits("key a", settings(10, 1_000, 10), &clock);
    let workspace = limits("workspace b", settings(0, 0, 1), &clock);
    let held = workspace.try_enter(1).unwrap();
    let before = remaining(&key);
    for all in [[key.clone(), workspace.clone()], [workspace.clone(), key.clone()]] {
        let refused = enter(&all, 100).unwrap_err();
        assert_eq!(&*refused.standing.whose, "workspace b");
        assert_eq!((remaining(&key), key.running()), (before.clone(), 0));
    }
    drop(held);
    let pass = enter(&[key.clone(), workspace.clone(), key.clone()], 100).unwrap();
    assert_eq!((key.running(), workspace.running()), (1, 1));
    let expected = [(Limit::Requests, 9), (Limit::Tokens, 900), (Limit::Concurrent, 9)];
    assert_eq!(remaining(&key), expected);
    drop(pass);
    assert_eq!((key.running(), workspace.running()), (0, 0));
}

#[test]
fn a_refusal_by_one_limit_is_not_counted_by_another() {
    let clock = clock();
    let key = limits("key a", settings(5, 100, 0), &clock);
    drop(key.try_enter(100).unwrap());
    for _ in 0..10 {
        assert_eq!(key.try_enter(1).unwrap_err().standing.which, Limit::Tokens);
    }
    assert_eq!(remaining(&key), [(Limit::Requests, 4), (Limit::Tokens, 0)]);
}

#[test]
fn the_refusal_that_holds_longest_is_told() {
    let clock = clock();
    let key = limits("key a", settings(60, 0, 0), &clock);
    let workspace = limits("workspace b", settings(100, 0, 0), &clock);
    let endpoint = limits("endpoint c", settings(1, 0, 0), &clock);
    let all = [key, endpoint, workspace];
    let _only = enter(&all, 1).unwrap();
    let refused = enter(&all, 1).unwrap_err();
    assert_eq!((&*refused.standing.whose, refused.retry_after_s()), ("endpoint c", 60));
}

#[test]
fn other_limits_keep_what_was_used_and_who_is_under_way() {
    let clock = clock();
    let key = limits("key a", RateSettings::default(), &clock);
    let pass = key.try_enter(1_000_000).unwrap();
    assert!(key.now().is_empty());
    key.change(settings(10, 100, 1));
    assert_eq!(key.try_enter(1).unwrap_err().standing.which, Limit::Concurrent);
    drop(pass);
    drop(key.try_enter(60).unwrap());
    key.change(settings(20, 200, 0));
    assert_eq!(remaining(&key), [(Limit::Requests, 19), (Limit::Tokens, 140)]);
    key.change(RateSettings::default());
    assert!(key.try_enter(1_000_000).is_ok());
}

#[test]
fn a_limit_that_came_later_is_charged_what_was_used_and_gives_nothing_back() {
    let clock = clock();
    let key = limits("key a", RateSettings::default(), &clock);
    let mut early = key.try_enter(100).unwrap();
    key.change(settings(0, 600, 0));
    drop(key.try_enter(200).unwrap());
    early.used(30);
    assert_eq!(remaining(&key), [(Limit::Tokens, 370)]);
    early.used(20);
    assert_eq!(remaining(&key), [(Limit::Tokens, 380)]);
}

#[test]
fn many_threads_let_in_no_more_than_the_limits_allow() {
    let clock = clock();
    let key = limits("key a", settings(100, 10_000, 0), &clock);
    let workspace = limits("workspace b", settings(0, 0, 50), &clock);
    let (barrier, entered) = (Barrier::new(8), AtomicU32::new(0));
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let (key, workspace, barrier, entered) = (&key, &workspace, &barrier, &entered);
            scope.spawn(move || {
                let mut all = [key.clone(), workspace.clone()];
                if thread % 2 == 0 {
                    all.reverse();
                }
                barrier.wait();
                let held: Vec<_> = (0..20).filter_map(|_| enter(&all, 10).ok()).collect();
                entered.fetch_add(u32::try_from(held.len()).unwrap(), Ordering::SeqCst);
                barrier.wait();
                assert!(workspace.running() <= 50);
                drop(held);
            });
        }
    });
    assert_eq!(entered.into_inner(), 50);
    assert_eq!((key.running(), workspace.running()), (0, 0));
    assert_eq!(remaining(&key), [(Limit::Requests, 50), (Limit::Tokens, 9_500)]);
}

#[test]
fn a_prompt_is_weighed_when_it_is_known_under_all_limits_or_none() {
    let clock = clock();
    let (key, workspace) =
        (limits("a", settings(0, 100, 0), &clock), limits("b", settings(0, 60, 0), &clock));
    let both = [key.clone(), workspace.clone()];
    let left = || (remaining(&key), remaining(&workspace));
    let of = |a, b| (vec![(Limit::Tokens, a)], vec![(Limit::Tokens, b)]);
    let mut first = enter(&both, 0).unwrap();
    first.weigh(40).unwrap();
    assert_eq!(left(), of(60, 20));
    let mut second = enter(&both, 0).unwrap();
    let refused = second.weigh(40).unwrap_err();
    assert_eq!((&*refused.standing.whose, refused.standing.which), ("b", Limit::Tokens));
    // What it was let in with is all that it has taken.
    assert_eq!(left(), of(59, 19));
    first.used(50);
    assert_eq!(left(), of(49, 9));
    // More than a minute brings is let in where nothing else is used.
    clock.advance(Duration::from_secs(120));
    let mut large = enter(&both, 0).unwrap();
    large.weigh(500).unwrap();
    assert_eq!(left(), of(0, 0));
}

#[test]
fn what_was_weighed_late_is_given_back_in_whole() {
    let clock = clock();
    let key = limits("key a", settings(0, 60, 0), &clock);
    let mut slow = enter(std::slice::from_ref(&key), 0).unwrap();
    // Its body takes half a minute to come.
    clock.advance(Duration::from_secs(30));
    slow.weigh(40).unwrap();
    assert_eq!(remaining(&key), [(Limit::Tokens, 20)]);
    slow.used(0);
    assert_eq!(remaining(&key), [(Limit::Tokens, 60)]);
}
