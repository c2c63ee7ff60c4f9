//! Rows and sums, told once or often.

mod model;

use super::*;
use crate::Store;
use crate::testing::{Place, shared, stores};
use std::time::Duration;

const NOW: u64 = 1_764_300_000_000;

fn row(id: &str) -> Row {
    Row {
        id: id.into(),
        run: 7,
        came_ms: NOW,
        key: Some("ab".repeat(32)),
        workspace: "default".into(),
        route: "/v1/chat/completions".into(),
        model: "model-name".into(),
        served_model: "author/model-name".into(),
        endpoint: "provider/model-name".into(),
        provider: "provider".into(),
        credential: "default".into(),
        outcome: "open".into(),
        cost: Some(5),
        detail: "{}".into(),
        ..Row::default()
    }
}

fn settled(id: &str, cost: u64) -> Row {
    Row { cost: Some(cost), outcome: "ok".into(), status: 200, state: State::Settled, ..row(id) }
}

/// With something in every column.
fn full(id: &str) -> Row {
    Row {
        ended_ms: Some(NOW + 9),
        is_byok: true,
        streamed: true,
        is_estimated: true,
        tokens: Tokens { prompt: 1, completion: 2, cache_read: 3, cache_write: 4, reasoning: 5 },
        upstream_cost: Some(12),
        byok_cost: Some(7),
        cache_discount: Some(-13),
        markup: Some(14),
        first_content_ms: Some(15),
        duration_ms: Some(16),
        detail: "{\"a\":[1]}".into(),
        ..settled(id, 11)
    }
}

async fn settle(store: &Store, rows: &[Row]) -> Written {
    let batch: Vec<_> = rows.iter().cloned().map(Entry::Settled).collect();
    store.write_ledger(&batch).await.unwrap()
}

async fn open(store: &Store, rows: &[Row]) {
    let batch: Vec<_> = rows.iter().cloned().map(Entry::Open).collect();
    assert_eq!(store.write_ledger(&batch).await.unwrap(), Written::default());
}

async fn days(store: &Store) -> Vec<Daily> {
    store.daily(&DayFilter::default()).await.unwrap()
}

#[tokio::test]
async fn a_row_is_opened_and_settles_once() {
    for store in stores().await {
        assert_eq!(store.write_ledger(&[]).await.unwrap(), Written::default());
        open(&store, &[row("gen-1")]).await;
        assert_eq!(store.generation("gen-1").await.unwrap(), Some(row("gen-1")));
        assert_eq!(days(&store).await, []);
        // Opened anew: another endpoint was tried.
        let elsewhere = Row { endpoint: "other/model".into(), cost: None, ..row("gen-1") };
        open(&store, std::slice::from_ref(&elsewhere)).await;
        assert_eq!(store.generation("gen-1").await.unwrap(), Some(elsewhere));

        assert_eq!(settle(&store, &[full("gen-1")]).await.settled, 1);
        let again = settle(&store, &[Row { cost: Some(99), ..full("gen-1") }]).await;
        assert_eq!((again.settled, &*again.repeated), (0, &["gen-1".to_owned()][..]));
        open(&store, &[row("gen-1")]).await;
        assert_eq!(store.generation("gen-1").await.unwrap(), Some(full("gen-1")));
        let expected = Daily {
            day: 20_420,
            workspace: "default".into(),
            key: Some("ab".repeat(32)),
            model: "author/model-name".into(),
            endpoint: "provider/model-name".into(),
            provider: "provider".into(),
            is_byok: true,
            requests: 1,
            errors: 0,
            estimated: 1,
            unpriced: 0,
            prompt: 1,
            completion: 2,
            cache_read: 3,
            cache_write: 4,
            reasoning: 5,
            cost: 11,
            upstream_cost: 12,
            byok_upstream: 7,
        };
        assert_eq!(days(&store).await, [expected]);
    }
}

#[tokio::test]
async fn within_a_batch_what_settles_counts_and_else_the_last() {
    for store in stores().await {
        let batch = [
            Entry::Open(row("gen-1")),
            Entry::Settled(settled("gen-1", 1)),
            Entry::Settled(settled("gen-1", 2)),
            Entry::Open(row("gen-1")),
            Entry::Open(row("gen-2")),
            Entry::Open(Row { cost: Some(6), ..row("gen-2") }),
        ];
        assert_eq!(store.write_ledger(&batch).await.unwrap().settled, 1);
        assert_eq!(store.generation("gen-1").await.unwrap(), Some(settled("gen-1", 1)));
        assert_eq!(store.generation("gen-2").await.unwrap().unwrap().cost, Some(6));
        assert_eq!(days(&store).await[0].cost, 1);
    }
}

#[tokio::test]
async fn errors_and_what_has_no_price_are_counted() {
    for store in stores().await {
        let of = |id: &str, outcome: &str, cost| Row {
            outcome: outcome.into(),
            cost,
            key: None,
            ..settled(id, 0)
        };
        let rows = [
            of("a", "ok", Some(1)),
            of("b", "rate-limited", Some(0)),
            of("c", "cancelled", None),
            of("d", "server-error", None),
        ];
        assert_eq!(settle(&store, &rows).await.settled, 4);
        let daily = days(&store).await;
        let day = &daily[0];
        assert_eq!(daily.len(), 1);
        assert_eq!((day.requests, day.errors, day.unpriced, day.estimated), (4, 2, 2, 0));
        assert_eq!(day.key, None);
    }
}

#[tokio::test]
async fn sums_are_exact_far_beyond_64_bits() {
    const ROWS: usize = 300;
    for store in stores().await {
        // 9.2 million dollars each; what is more than that is not, and nothing wraps.
        let huge = |n: usize| {
            let cost = if n.is_multiple_of(2) { u64::MAX } else { i64::MAX.cast_unsigned() - 1 };
            let tokens = Tokens { prompt: u64::MAX, completion: 3, ..Tokens::default() };
            let extremes = Row { came_ms: u64::MAX, ended_ms: Some(u64::MAX), ..row("") };
            let came_ms = if n == 0 { extremes.came_ms } else { NOW };
            Row {
                came_ms,
                ended_ms: extremes.ended_ms,
                upstream_cost: Some(cost),
                byok_cost: Some(cost),
                cache_discount: Some(i64::MIN),
                markup: Some(u64::MAX),
                status: u16::MAX,
                run: i64::MIN,
                is_byok: true,
                tokens,
                ..settled(&format!("gen-{n}"), cost)
            }
        };
        let rows: Vec<_> = (0..ROWS).map(huge).collect();
        for batch in rows.chunks(70) {
            settle(&store, batch).await;
        }
        let each = u128::from(i64::MAX.unsigned_abs());
        let expected = each * ROWS as u128 - (ROWS as u128 / 2);
        assert!(expected > 50_000_000 * 1_000_000_000_000 * 20);
        let daily = days(&store).await;
        assert_eq!(daily.len(), 2);
        assert_eq!(daily.iter().map(|it| it.cost).sum::<u128>(), expected);
        assert_eq!(daily.iter().map(|it| it.byok_upstream).sum::<u128>(), expected);
        let prompt: u64 = daily.iter().map(|it| it.prompt).sum();
        assert_eq!(prompt, MAX_TOKENS * ROWS as u64);
        let spent = store.spend().await.unwrap();
        assert_eq!(spent.iter().map(|it| it.cost).sum::<u128>(), expected);
        let kept = store.generation("gen-0").await.unwrap().unwrap();
        assert_eq!(kept.cost, Some(i64::MAX.cast_unsigned()));
        assert_eq!((kept.run, kept.cache_discount), (i64::MIN, Some(i64::MIN)));
        let page = store.generations(&Filter::default(), None, MAX_PAGE).await.unwrap();
        assert_eq!(page.len(), ROWS);
        assert_eq!(page.last().unwrap().id, "gen-0");
    }
}

#[tokio::test]
async fn fifty_million_dollars_in_small_change_are_exact() {
    const DOLLARS: u128 = 1_000_000_000_000;
    for store in stores().await {
        // As many rows as that takes would be too many for a test: a day has had them.
        let cost = 49_999_999 * DOLLARS + 999_999_999_999;
        let share = u64::try_from(cost / 10).unwrap();
        let rest = u64::try_from(cost - u128::from(share) * 10).unwrap();
        let mut rows: Vec<_> = (0..10).map(|n| settled(&format!("large-{n}"), share)).collect();
        rows.push(settled("rest", rest));
        rows.push(settled("smallest", 1));
        for row in &rows {
            settle(&store, std::slice::from_ref(row)).await;
        }
        assert_eq!(days(&store).await[0].cost, 50_000_000 * DOLLARS);
        assert_eq!(store.spend().await.unwrap()[0].cost, 50_000_000 * DOLLARS);
    }
}

#[tokio::test]
async fn what_a_client_says_is_text_whatever_it_is() {
    for store in stores().await {
        for (id, odd) in [
            ("a", "'); DROP TABLE generations; --"),
            ("b", "\"$1\" ? \u{1f600}\n"),
            ("c", "a\0b"),
            ("d", &*"long ".repeat(2_000)),
        ] {
            let row = Row {
                model: odd.into(),
                served_model: odd.into(),
                endpoint: odd.into(),
                provider: odd.into(),
                workspace: odd.into(),
                key: Some(odd.into()),
                outcome: odd.into(),
                detail: odd.into(),
                ..settled(id, 1)
            };
            assert_eq!(settle(&store, &[row]).await.settled, 1, "{odd}");
            let kept = store.generation(id).await.unwrap().unwrap();
            let shown = odd.replace('\0', "\u{fffd}");
            assert_eq!((&kept.model, &kept.detail), (&shown, &shown));
            assert!(shown.starts_with(&kept.provider) && !kept.provider.is_empty());
            let filter = Filter { provider: Some(odd.into()), ..Filter::default() };
            assert_eq!(store.generations(&filter, None, 9).await.unwrap(), [kept]);
            let filter = DayFilter { provider: Some(odd.into()), ..DayFilter::default() };
            assert_eq!(store.daily(&filter).await.unwrap().len(), 1);
        }
        assert_eq!(store.generation("\0'; --").await.unwrap(), None);
        assert_eq!(days(&store).await.len(), 4);
    }
}

#[tokio::test]
async fn pages_follow_one_another_and_filters_narrow_them() {
    for store in stores().await {
        // Several came at the same time.
        let rows: Vec<_> = (0..25_u64)
            .map(|n| Row {
                came_ms: NOW + n / 4,
                provider: format!("p{}", n % 2),
                workspace: format!("w{}", n % 3),
                served_model: format!("m{}", n % 5),
                key: (n % 2 == 0).then(|| "k".to_owned()),
                ..settled(&format!("gen-{:02}", (n * 7) % 25), n)
            })
            .collect();
        settle(&store, &rows).await;
        open(&store, &[Row { came_ms: NOW + 100, ..row("open") }]).await;
        let mut expected: Vec<_> = rows.iter().map(|row| (row.came_ms, row.id.clone())).collect();
        expected.push((NOW + 100, "open".into()));
        expected.sort();
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = store.generations(&Filter::default(), after, 4).await.unwrap();
            after = page.last().map(Cursor::from);
            found.extend(page.iter().map(|row| (row.came_ms, row.id.clone())));
            if page.len() < 4 {
                break;
            }
        }
        assert_eq!(found, expected);
        let count =
            async |filter: Filter| store.generations(&filter, None, MAX_PAGE).await.unwrap().len();
        let all = Filter::default();
        assert_eq!(count(Filter { from_ms: Some(NOW + 6), ..all.clone() }).await, 2);
        assert_eq!(count(Filter { to_ms: Some(NOW + 1), ..all.clone() }).await, 4);
        assert_eq!(count(Filter { key: Some("k".into()), ..all.clone() }).await, 13);
        assert_eq!(count(Filter { provider: Some("p1".into()), ..all.clone() }).await, 12);
        assert_eq!(count(Filter { workspace: Some("w2".into()), ..all.clone() }).await, 8);
        assert_eq!(count(Filter { model: Some("m0".into()), ..all.clone() }).await, 5);
        assert_eq!(count(Filter { state: Some(State::Open), ..all.clone() }).await, 1);
        assert_eq!(count(Filter { state: Some(State::Settled), ..all.clone() }).await, 25);
        let requests = async |filter: DayFilter| {
            store.daily(&filter).await.unwrap().iter().map(|it| it.requests).sum::<u64>()
        };
        let all = DayFilter::default();
        assert_eq!(requests(DayFilter { key: Some("k".into()), ..all.clone() }).await, 13);
        assert_eq!(requests(DayFilter { workspace: Some("w2".into()), ..all.clone() }).await, 8);
        assert_eq!(requests(DayFilter { model: Some("m0".into()), ..all.clone() }).await, 5);
        assert_eq!(requests(DayFilter { from_day: Some(20_421), ..all.clone() }).await, 0);
        assert_eq!(requests(DayFilter { to_day: Some(20_420), ..all.clone() }).await, 25);
    }
}

#[tokio::test]
async fn a_row_belongs_to_the_utc_day_on_which_it_came() {
    const DAY: u64 = DAY_MS.cast_unsigned();
    for store in stores().await {
        let midnight = 20_000 * DAY;
        let rows = [
            Row { came_ms: midnight - 1, ended_ms: Some(midnight + 5_000), ..settled("a", 1) },
            Row { came_ms: midnight, ..settled("b", 2) },
            Row { came_ms: 0, ..settled("c", 4) },
        ];
        settle(&store, &rows).await;
        let days: Vec<_> = days(&store).await.iter().map(|it| (it.day, it.cost)).collect();
        assert_eq!(days, [(0, 4), (19_999, 1), (20_000, 2)]);
    }
}

#[tokio::test]
async fn what_is_spent_is_told_by_day_for_two_months_and_before_that_as_one() {
    const DAY: u64 = DAY_MS.cast_unsigned();
    for store in stores().await {
        let rows: Vec<_> = (0..100_u64)
            .map(|day| Row {
                came_ms: (19_000 + day) * DAY,
                upstream_cost: Some(7),
                byok_cost: (day == 99).then_some(7),
                ..settled(&format!("gen-{day}"), day)
            })
            .collect();
        settle(&store, &rows).await;
        // The clock was ahead for a moment, by years.
        let ahead = Row { came_ms: 90_000 * DAY, workspace: "w".into(), ..settled("ahead", 1) };
        settle(&store, &[ahead]).await;
        let spent = store.spend().await.unwrap();
        let of = |day| spent.iter().find(|it| it.day == day).map(|it| (it.cost, it.byok_cost));
        assert_eq!(of(19_099), Some((99, 7)));
        assert_eq!(of(19_070), Some((70, 0)));
        let older = spent.iter().filter(|it| it.day == i64::MIN).collect::<Vec<_>>();
        assert_eq!(older.len(), 1);
        assert_eq!(spent.iter().map(|it| it.cost).sum::<u128>(), (0..100).sum::<u128>() + 1);
        assert_eq!(spent.len(), 63);
        let since = store.spend_since(19_098).await.unwrap();
        let since: Vec<_> =
            since.iter().map(|it| (&*it.workspace, it.day, it.cost, it.byok_cost)).collect();
        let of_default = &*spent[0].workspace;
        assert_eq!(
            since,
            [(of_default, 19_098, 98, 0), (of_default, 19_099, 99, 7), ("w", 90_000, 1, 0)]
        );
        assert_eq!(store.spend_since(90_001).await.unwrap(), []);
    }
}

#[tokio::test]
async fn what_is_old_goes_and_its_sums_stay_and_so_does_what_is_open() {
    for store in stores().await {
        let rows: Vec<_> =
            (0..10).map(|n| Row { came_ms: NOW + n, ..settled(&format!("gen-{n}"), 1) }).collect();
        settle(&store, &rows).await;
        open(&store, &[Row { came_ms: NOW - 5, ..row("open") }]).await;
        let before = days(&store).await;
        assert_eq!(store.prune_ledger(NOW + 8, 5).await.unwrap(), 5);
        assert_eq!(store.generation("gen-4").await.unwrap(), None);
        assert!(store.generation("gen-5").await.unwrap().is_some());
        assert_eq!(store.prune_ledger(NOW + 8, 5).await.unwrap(), 3);
        assert_eq!(store.prune_ledger(NOW + 8, 5).await.unwrap(), 0);
        let left = store.generations(&Filter::default(), None, 99).await.unwrap();
        let left: Vec<_> = left.iter().map(|row| &*row.id).collect();
        assert_eq!(left, ["open", "gen-8", "gen-9"]);
        assert_eq!(days(&store).await, before);
    }
}

#[tokio::test]
async fn so_many_rows_are_kept_and_their_sums_stay() {
    for store in stores().await {
        let rows: Vec<_> =
            (0..10).map(|n| Row { came_ms: NOW + n, ..settled(&format!("gen-{n}"), 1) }).collect();
        settle(&store, &rows).await;
        open(&store, &[Row { came_ms: NOW - 5, ..row("open") }]).await;
        let before = days(&store).await;
        assert_eq!(store.prune_ledger_to(11).await.unwrap(), 0);
        assert_eq!(store.prune_ledger_to(4).await.unwrap(), 6);
        let left = store.generations(&Filter::default(), None, 99).await.unwrap();
        let left: Vec<_> = left.iter().map(|row| &*row.id).collect();
        assert_eq!(left, ["open", "gen-6", "gen-7", "gen-8", "gen-9"]);
        assert_eq!(days(&store).await, before);
    }
}

/// What another run has left open, on this kind of database.
async fn interrupt(store: &Place, now_ms: u64) -> Vec<Row> {
    store.interrupt_orphans(99, now_ms, Duration::from_secs(60)).await.unwrap()
}

/// So much time passes for those who share this database. Elsewhere it is passed along.
async fn pass(store: &Place, time_ms: i64) {
    if store.location.is_postgres() {
        let mut work = store.work().await.unwrap();
        let query = sqlx::query("UPDATE runs SET beat_ms = beat_ms - $1").bind(time_ms);
        query.execute(&mut *work).await.unwrap();
        work.commit().await.unwrap();
    }
}

#[tokio::test]
async fn what_a_dead_process_left_open_counts_as_presumed_and_is_marked() {
    for store in stores().await {
        let many: Vec<_> =
            (0..1_203).map(|n| Row { cost: Some(2), ..row(&format!("gen-{n:04}")) }).collect();
        store.beat(7, NOW).await.unwrap();
        store.beat(99, NOW).await.unwrap();
        open(&store, &many).await;
        open(&store, &[Row { run: 99, ..row("own") }]).await;
        settle(&store, &[settled("done", 5)]).await;
        pass(&store, 61_000).await;
        let interrupted = interrupt(&store, NOW + 61_000).await;
        assert_eq!(interrupted.len(), many.len());
        let expected = Row {
            state: State::Interrupted,
            outcome: "interrupted".into(),
            is_estimated: true,
            ended_ms: Some(NOW + 61_000),
            ..many[3].clone()
        };
        assert!(interrupted.contains(&expected));
        assert_eq!(store.generation("gen-0003").await.unwrap(), Some(expected));
        assert_eq!(store.generation("own").await.unwrap().unwrap().state, State::Open);
        let day = &days(&store).await[0];
        assert_eq!((day.requests, day.estimated, day.errors), (1_204, 1_203, 0));
        assert_eq!(day.cost, 2 * 1_203 + 5);
        assert_eq!(interrupt(&store, NOW + 61_000).await, []);
        assert_eq!(days(&store).await[0].requests, 1_204);
    }
}

#[tokio::test]
async fn on_a_server_a_run_that_is_heard_of_is_left_alone_and_in_a_file_there_is_none_but_one() {
    for store in stores().await {
        store.beat(7, NOW).await.unwrap();
        open(&store, &[row("alive")]).await;
        // Nothing was ever heard of that one.
        open(&store, &[Row { run: 8, ..row("silent") }]).await;
        pass(&store, 50_000).await;
        let interrupted = interrupt(&store, NOW + 50_000).await;
        let mut ids: Vec<_> = interrupted.iter().map(|row| &*row.id).collect();
        ids.sort_unstable();
        match store.location.is_postgres() {
            true => assert_eq!(ids, ["silent"]),
            false => assert_eq!(ids, ["alive", "silent"]),
        }
        store.beat(7, NOW + 50_000).await.unwrap();
        pass(&store, 50_000).await;
        let again = interrupt(&store, NOW + 100_000).await;
        assert_eq!(again, []);
        pass(&store, 11_000).await;
        interrupt(&store, NOW + 111_000).await;
        assert_eq!(days(&store).await[0].requests, 2);
    }
}

#[tokio::test]
async fn on_a_server_its_own_clock_says_who_is_silent_and_not_that_of_a_router() {
    for store in shared().await.into_iter().filter(|it| it.location.is_postgres()) {
        // One whose clock stands at the epoch, and one that is years ahead.
        let ahead = u64::MAX / 4;
        let (first, second) =
            (store.beat(7, 0).await.unwrap(), store.beat(8, ahead).await.unwrap());
        assert!(first <= second && second - first < 60_000, "{first} {second}");
        open(&store, &[row("alive"), Row { run: 8, ..row("alive too") }]).await;
        assert_eq!(interrupt(&store, 0).await, []);
        assert_eq!(interrupt(&store, ahead).await, []);
        pass(&store, 61_000).await;
        store.beat(8, 0).await.unwrap();
        let interrupted = interrupt(&store, 0).await;
        assert_eq!(interrupted.iter().map(|row| &*row.id).collect::<Vec<_>>(), ["alive"]);
    }
}

#[tokio::test]
async fn what_settles_late_is_corrected_and_so_are_the_sums() {
    for store in stores().await {
        open(&store, &[Row { cost: Some(1_000), ..row("gen-1") }, row("gen-2")]).await;
        let before = interrupt(&store, NOW + 61_000).await;
        assert_eq!(before.len(), 2);
        // Nobody opens it again.
        open(&store, &[row("gen-1")]).await;
        assert_eq!(store.generation("gen-1").await.unwrap().unwrap().state, State::Interrupted);

        let after = Row { endpoint: "other/model".into(), ..full("gen-1") };
        let written = settle(&store, &[after.clone(), settled("gen-3", 3)]).await;
        assert_eq!(written.settled, 1);
        assert_eq!(written.corrected.len(), 1);
        assert_eq!(written.corrected[0].after, after);
        assert!(before.contains(&written.corrected[0].before));
        assert_eq!(store.generation("gen-1").await.unwrap(), Some(after.clone()));
        let costs: Vec<_> =
            days(&store).await.into_iter().map(|it| (it.endpoint, it.requests, it.cost)).collect();
        let expected =
            [("other/model".to_owned(), 1, 11), ("provider/model-name".to_owned(), 2, 8)];
        let mut sorted = costs;
        sorted.sort();
        assert_eq!(sorted, expected);
        let again = settle(&store, &[after]).await;
        assert_eq!((again.settled, again.corrected.len(), again.repeated.len()), (0, 0, 1));

        // Where nothing else counts, nothing is left.
        settle(&store, &[Row { endpoint: "other/model".into(), ..full("gen-2") }]).await;
        settle(&store, &[]).await;
        let requests: Vec<_> = days(&store).await.iter().map(|it| it.requests).collect();
        assert_eq!(requests.iter().sum::<u64>(), 3);
    }
}

#[tokio::test]
async fn two_who_write_the_same_rows_at_a_time_count_each_once() {
    const ROUNDS: usize = 12;
    const ROWS: usize = 90;
    for place in shared().await {
        let other = place.again().await;
        let batch = |round: usize, reversed: bool| {
            let mut entries: Vec<_> = (0..ROWS)
                .map(|n| {
                    let id = format!("gen-{round}-{n}");
                    let endpoint = format!("e{}", n % 7);
                    Entry::Settled(Row { endpoint, ..settled(&id, 1) })
                })
                .collect();
            if reversed {
                entries.reverse();
            }
            entries
        };
        let write = async |store: &Store, reversed: bool| {
            let mut settled = 0;
            for round in 0..ROUNDS {
                loop {
                    match store.write_ledger(&batch(round, reversed)).await {
                        Ok(written) => break settled += written.settled,
                        Err(error) => assert!(error.is_passing(), "{error}"),
                    }
                }
            }
            settled
        };
        let (one, two) = tokio::join!(write(&place, false), write(&other, true));
        let all = (ROUNDS * ROWS) as u64;
        assert_eq!(one + two, all);
        let daily = days(&place).await;
        assert_eq!(daily.iter().map(|it| it.requests).sum::<u64>(), all);
        assert_eq!(daily.iter().map(|it| it.cost).sum::<u128>(), u128::from(all));
        other.close().await;
    }
}

#[tokio::test]
async fn two_who_interrupt_at_a_time_count_each_once() {
    for place in shared().await {
        let other = place.again().await;
        let rows: Vec<_> = (0..1_500).map(|n| row(&format!("gen-{n}"))).collect();
        open(&place, &rows).await;
        let gone = |store: Store| async move {
            let silent = Duration::from_secs(60);
            store.interrupt_orphans(99, NOW + 61_000, silent).await.unwrap().len()
        };
        let (one, two) = tokio::join!(gone(place.store.clone()), gone(other.clone()));
        assert_eq!(one + two, rows.len());
        assert_eq!(days(&place).await[0].requests, rows.len() as u64);
        other.close().await;
    }
}
