//! Opening: what is there, what is not, and what is something else. And what goes wrong
//! later.

use super::*;
use crate::ledger::{Entry, Row, State};
use crate::open::MAX_LOG_PAGES;
use crate::testing::{postgres::Schema, shared, stores};
use crate::{Durability, Location, Options, PresetVersion, Settings};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

fn settings() -> Settings {
    Settings { dialect: "openai-chat".into(), config: "{}".into(), system_prompt: None }
}

async fn save(store: &Store, slug: &str) -> Result<Option<PresetVersion>, Error> {
    store.save_preset(slug, &settings(), 1).await
}

fn settled(id: &str) -> Entry {
    Entry::Settled(Row {
        id: id.into(),
        state: State::Settled,
        outcome: "ok".into(),
        cost: Some(1),
        detail: "{}".into(),
        ..Row::default()
    })
}

#[tokio::test]
async fn a_database_is_made_once_and_opened_again() {
    for place in shared().await {
        save(&place, "a").await.unwrap();
        place.close().await;
        let again = place.again().await;
        assert_eq!(again.presets(0, 9).await.unwrap().1, 1);
        again.close().await;
    }
}

#[tokio::test]
async fn a_file_may_have_any_name() {
    let home = tempfile::tempdir().unwrap();
    for name in [
        "?mode=memory",
        "a?b#c.db",
        "100%25 %41.db",
        " leading and trailing ",
        "file:x?cache=shared",
        ":memory:",
        "sqlite:x.db",
        "it's \"quoted\" & \\ <odd>.db",
        "ünï\u{1f600}.db",
        "new/../line\nbreak.db",
    ] {
        let path = home.path().join("deep").join(name);
        let store = Store::open(&Location::File(path.clone())).await.unwrap();
        save(&store, "a").await.unwrap();
        store.close().await;
        assert!(path.metadata().is_ok_and(|it| it.len() > 0), "{name}");
        let again = Store::open(&Location::File(path)).await.unwrap();
        assert_eq!(again.presets(0, 9).await.unwrap().1, 1, "{name}");
        again.close().await;
    }
    let made = std::fs::read_dir(home.path().join("deep")).unwrap().count();
    // `new` was made for the sake of `..`.
    assert_eq!(made, 11);
}

#[tokio::test]
async fn a_file_is_opened_as_durable_as_is_wanted() {
    let home = tempfile::tempdir().unwrap();
    for (durability, expected) in [(Durability::Normal, 1_i64), (Durability::Full, 2)] {
        let location = Location::File(home.path().join("state.db"));
        let options = Options { durability, ..Options::default() };
        let store = Store::open_with(&location, &options).await.unwrap();
        let asked = async |what: &'static str| {
            sqlx::query_scalar::<_, i64>(what).fetch_one(&store.writer).await.unwrap()
        };
        assert_eq!(asked("PRAGMA synchronous").await, expected);
        assert_eq!(asked("PRAGMA wal_autocheckpoint").await, i64::from(MAX_LOG_PAGES));
        let mode = sqlx::query_scalar::<_, String>("PRAGMA journal_mode");
        assert_eq!(mode.fetch_one(store.readers()).await.unwrap(), "wal");
        // Whoever reads cannot write.
        let refused = sqlx::query("DELETE FROM presets").execute(store.readers()).await;
        assert!(refused.unwrap_err().to_string().contains("readonly"));
        store.close().await;
    }
}

#[tokio::test]
async fn what_was_written_moves_to_the_file_when_it_is_told_to() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("state.db");
    let store = Store::open(&Location::File(path.clone())).await.unwrap();
    let length = |path: &Path| path.metadata().unwrap().len();
    let empty = length(&path);
    for round in 0..40 {
        let batch: Vec<_> = (0..64).map(|n| settled(&format!("gen-{round}-{n}"))).collect();
        store.write_ledger(&batch).await.unwrap();
    }
    assert_eq!(length(&path), empty);
    store.checkpoint().await.unwrap();
    assert!(length(&path) > empty);
    // The log begins anew instead of growing.
    let log = home.path().join("state.db-wal");
    let before = length(&log);
    store.write_ledger(&[settled("one-more")]).await.unwrap();
    assert_eq!(length(&log), before);
    store.close().await;
    for place in stores().await {
        place.checkpoint().await.unwrap();
    }
}

#[tokio::test]
async fn many_may_open_a_new_database_at_a_time() {
    let home = tempfile::tempdir().unwrap();
    let mut locations = vec![Location::File(home.path().join("state.db"))];
    let schema = Schema::new().await;
    locations.extend(schema.iter().map(|it| Location::Postgres(it.url.clone())));
    for location in locations {
        let location = Arc::new(location);
        let opening: Vec<_> = (0..5)
            .map(|_| Arc::clone(&location))
            .map(|location| tokio::spawn(async move { Store::open(&location).await.unwrap() }))
            .collect();
        for store in opening {
            let store = store.await.unwrap();
            assert!(store.workspace("default").await.unwrap().is_some());
            store.close().await;
        }
    }
}

#[tokio::test]
async fn whatever_is_asked_may_move_between_threads() {
    for place in stores().await {
        let store = place.store.clone();
        let asked = tokio::spawn(async move {
            store.write_ledger(&[settled("gen-1")]).await.unwrap();
            store.beat(1, 1).await.unwrap();
            store.interrupt_orphans(1, 1, Duration::ZERO).await.unwrap();
            store.generations(&crate::ledger::Filter::default(), None, 1).await.unwrap();
            store.daily(&crate::ledger::DayFilter::default()).await.unwrap();
            store.spend().await.unwrap();
            store.prune_ledger(0, 1).await.unwrap();
            store.accounts(None).await.unwrap();
            store.keys(&crate::KeyFilter::default(), 0, 1).await.unwrap();
            store.update_key("k", |key| key.disabled = true).await.unwrap();
            store.delete_key("k", 1).await.unwrap();
            store.workspaces(0, 1).await.unwrap();
            let _ = store.update_workspace("w", |it| it.updated_ms = 1).await.unwrap();
            let _ = store.set_budget("w", crate::Interval::Daily, None).await.unwrap();
            store.update_byok("b", |it| it.disabled = true).await.unwrap();
            store.reseal_byok(1, |_| Ok::<_, ()>(None)).await.unwrap().unwrap();
            store.checkpoint().await.unwrap();
        });
        asked.await.unwrap();
    }
}

#[tokio::test]
async fn what_is_no_database_is_refused_by_name_and_left_as_it_is() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("plugway.toml");
    std::fs::write(&path, "listen = 1\n".repeat(1000)).unwrap();
    let error = Store::open(&Location::File(path.clone())).await.unwrap_err();
    assert!(matches!(error, Error::Foreign { .. }), "{error:?}");
    assert!(error.to_string().contains(&*path.to_string_lossy()), "{error}");
    assert!(error.to_string().contains("`state`"), "{error}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "listen = 1\n".repeat(1000));
    let error = Store::open(&Location::File(home.path().to_owned())).await.unwrap_err();
    assert!(matches!(error, Error::Open { .. }), "{error:?}");
    let below = Location::File(path.join("state.db"));
    let error = Store::open(&below).await.unwrap_err();
    assert!(matches!(error, Error::Open { .. }), "{error:?}");
}

#[tokio::test]
async fn a_damaged_file_is_refused_and_left_as_it_is() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("state.db");
    let location = Location::File(path.clone());
    let store = Store::open(&location).await.unwrap();
    let batch: Vec<_> = (0..500).map(|n| settled(&format!("gen-{n}"))).collect();
    store.write_ledger(&batch).await.unwrap();
    store.close().await;
    let whole = std::fs::read(&path).unwrap();

    // The tables' own table: it cannot be opened.
    let mut damaged = whole.clone();
    damaged[100..4000].fill(0xa5);
    std::fs::write(&path, &damaged).unwrap();
    let error = Store::open(&location).await.unwrap_err();
    assert!(matches!(error, Error::Damaged { .. }), "{error:?}");
    let told = error.to_string();
    assert!(told.contains(&*path.to_string_lossy()) && told.contains("left as it is"), "{told}");
    assert_eq!(std::fs::read(&path).unwrap(), damaged);

    // All but that: it is told by whoever comes upon it.
    let mut damaged = whole.clone();
    damaged[2 * 4096..].fill(0xa5);
    std::fs::write(&path, &damaged).unwrap();
    let error = match Store::open(&location).await {
        Ok(store) => {
            store.generations(&crate::ledger::Filter::default(), None, 9).await.unwrap_err()
        }
        Err(error) => error,
    };
    assert!(matches!(error, Error::Damaged { .. }), "{error:?}");
    assert!(!error.is_passing());
}

#[tokio::test]
async fn a_full_disk_is_told_and_nothing_is_half_written() {
    for place in shared().await {
        place.write_ledger(&[settled("before")]).await.unwrap();
        let batch: Vec<_> = (0..5_000).map(|n| settled(&format!("gen-{n}"))).collect();
        let error: Error = match place.kind {
            // Not one page more. It is what SQLite says where the disk has none.
            Kind::Memory | Kind::File => {
                let pages: i64 =
                    sqlx::query_scalar("PRAGMA page_count").fetch_one(&place.writer).await.unwrap();
                let bound = sqlx::AssertSqlSafe(format!("PRAGMA max_page_count = {pages}"));
                place.writer.execute(bound).await.unwrap();
                place.write_ledger(&batch).await.unwrap_err()
            }
            Kind::Postgres => {
                let full = "DO $$ BEGIN RAISE EXCEPTION 'no space' USING ERRCODE = '53100'; END $$";
                place.writer.execute(full).await.unwrap_err().into()
            }
        };
        assert!(error.is_full() && !error.is_passing(), "{error:?}");
        assert_eq!(place.generation("gen-0").await.unwrap(), None);
        assert!(place.generation("before").await.unwrap().is_some());
        if place.kind == Kind::File {
            // Somebody has made room.
            place.writer.execute("PRAGMA max_page_count = 1000000").await.unwrap();
            assert_eq!(place.write_ledger(&batch).await.unwrap().settled, 5_000);
        }
    }
}

#[tokio::test]
async fn a_transaction_that_the_database_has_ended_by_itself_ends_nothing_else() {
    for place in shared().await.into_iter().filter(|it| it.kind == Kind::File) {
        for round in 0..3 {
            let mut work = place.work().await.unwrap();
            let ending = "INSERT OR ROLLBACK INTO counters VALUES ('revision', 1)";
            sqlx::query(ending).execute(&mut *work).await.unwrap_err();
            // As a disk that is full would.
            work.commit().await.unwrap_err();
            let batch = [settled(&format!("gen-{round}"))];
            assert_eq!(place.write_ledger(&batch).await.unwrap().settled, 1);
        }
    }
}

#[tokio::test]
async fn who_is_kept_waiting_too_long_by_another_may_try_again() {
    for place in shared().await {
        let other = place.again().await;
        let held = other.turn("presets").await.unwrap();
        let error = save(&place, "a").await.unwrap_err();
        assert!(matches!(error, Error::Busy(_)) && error.is_passing(), "{error:?}");
        drop(held);
        assert!(save(&place, "a").await.unwrap().is_some());
        other.close().await;
    }
}

#[tokio::test]
async fn a_server_that_hangs_up_is_found_again() {
    let Some(place) = shared().await.into_iter().find(|it| it.schema.is_some()) else { return };
    let schema = place.schema.as_ref().unwrap();
    place.write_ledger(&[settled("gen-0")]).await.unwrap();
    // In the middle of it.
    let mut work = place.work().await.unwrap();
    schema.disconnect().await;
    let query = sqlx::query("UPDATE runs SET beat_ms = 1").execute(&mut *work).await;
    let error = Error::from(query.unwrap_err());
    assert!(matches!(error, Error::Gone(_)) && error.is_passing(), "{error:?}");
    drop(work);
    // And between: what is told twice counts once.
    for round in 0..5 {
        schema.disconnect().await;
        let batch = [settled("gen-0"), settled(&format!("gen-{round}"))];
        while let Err(error) = place.write_ledger(&batch).await {
            assert!(error.is_passing(), "{error:?}");
        }
    }
    let days = place.daily(&crate::ledger::DayFilter::default()).await.unwrap();
    assert_eq!(days[0].requests, 5);
}

#[tokio::test]
async fn a_server_that_says_nothing_is_given_up_in_time() {
    let Some(place) = shared().await.into_iter().find(|it| it.schema.is_some()) else { return };
    let options = Options { server_timeout: Duration::from_millis(300), ..Options::default() };
    let hasty = Store::open_with(&place.location, &options).await.unwrap();
    let mut work = place.work().await.unwrap();
    work.execute("LOCK TABLE generations IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let error = hasty.write_ledger(&[settled("gen-1")]).await.unwrap_err();
    assert!(matches!(error, Error::Late(_)) && error.is_passing(), "{error:?}");
    work.rollback().await.unwrap();
    while let Err(error) = hasty.write_ledger(&[settled("gen-1")]).await {
        assert!(error.is_passing(), "{error:?}");
    }
    let days = place.daily(&crate::ledger::DayFilter::default()).await.unwrap();
    assert_eq!(days[0].requests, 1);
    hasty.close().await;

    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("postgres://me:secret@{}/x", silent.local_addr().unwrap());
    let error = Store::open_with(&Location::Postgres(url), &options).await.unwrap_err();
    assert!(matches!(error, Error::Open { .. }), "{error:?}");
}

/// Passes on what is said between clients and a server, until it falls silent: then those
/// who are connected hear nothing any more, and are not sent away. Who comes later is.
struct Line {
    url: String,
    calls: Arc<AtomicUsize>,
}

impl Line {
    async fn to(url: &str) -> Self {
        let (front, rest) = url.split_once('@').unwrap();
        let (server, path) = rest.split_once('/').unwrap();
        let (server, listener) =
            (server.to_owned(), TcpListener::bind("127.0.0.1:0").await.unwrap());
        let url = format!("{front}@{}/{path}", listener.local_addr().unwrap());
        let calls = Arc::new(AtomicUsize::new(0));
        let silenced = calls.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(&server).await.unwrap();
                let (from_client, to_client) = client.into_split();
                let (from_server, to_server) = server.into_split();
                let call = silenced.load(Ordering::SeqCst);
                tokio::spawn(pass_on(from_client, to_server, call, silenced.clone()));
                tokio::spawn(pass_on(from_server, to_client, call, silenced.clone()));
            }
        });
        Self { url, calls }
    }

    fn fall_silent(&self) {
        self.calls.fetch_add(1, Ordering::SeqCst);
    }
}

async fn pass_on(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    call: usize,
    silenced: Arc<AtomicUsize>,
) {
    let mut said = [0; 4096];
    while let Ok(length) = from.read(&mut said).await {
        if silenced.load(Ordering::SeqCst) != call {
            // Neither end is closed.
            return std::future::pending().await;
        }
        if length == 0 || to.write_all(&said[..length]).await.is_err() {
            return;
        }
    }
}

#[tokio::test]
async fn connections_that_fall_silent_stop_nothing_for_long() {
    let Some(place) = shared().await.into_iter().find(|it| it.schema.is_some()) else { return };
    let line = Line::to(&place.schema.as_ref().unwrap().url).await;
    let options = Options { server_timeout: Duration::from_secs(3), ..Options::default() };
    let location = Location::Postgres(line.url.clone());
    let store = Store::open_with(&location, &options).await.unwrap();
    let all = async |round: u32| {
        let begun = tokio::time::Instant::now();
        // In any order, as in a router: each of them a connection of its own.
        let written = async { store.write_ledger(&[settled(&format!("gen-{round}"))]).await };
        let results = tokio::join!(
            async { written.await.map(drop) },
            async { store.beat(1, 1).await.map(drop) },
            async { store.revision().await.map(drop) },
            async { store.accounts(None).await.map(drop) },
            async { store.keys(&crate::KeyFilter::default(), 0, 1).await.map(drop) },
            async { store.spend().await.map(drop) },
            async { store.generation("gen-0").await.map(drop) },
            async { store.presets(0, 9).await.map(drop) },
            async { save(&store, "a").await.map(drop) },
            async { store.delete_key("k", 1).await.map(drop) },
            async { store.prune_ledger(0, 1).await.map(drop) },
            async { store.load_health::<u32>(1).await.map(drop) },
        );
        assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
        let results = <[Result<(), Error>; 12]>::from(results);
        for error in results.iter().filter_map(|it| it.as_ref().err()) {
            assert!(error.is_passing(), "{error:?}");
        }
        results.iter().all(Result::is_ok)
    };
    assert!(all(0).await);
    line.fall_silent();
    let mut round = 1;
    while !all(round).await {
        round += 1;
        assert!(round < 6, "they do not come back");
    }
    // Those that are silent may keep it waiting for ever.
    let _ = tokio::time::timeout(Duration::from_secs(5), store.close()).await;
}

#[tokio::test]
async fn on_a_server_the_ledger_is_written_whatever_else_is_asked() {
    let Some(place) = shared().await.into_iter().find(|it| it.schema.is_some()) else { return };
    let mut held = Vec::new();
    while let Some(connection) = place.readers().try_acquire() {
        held.push(connection);
    }
    while place.readers().size() < place.readers().options().get_max_connections() {
        held.push(place.readers().acquire().await.unwrap());
    }
    assert!(place.readers().try_acquire().is_none() && !held.is_empty());
    assert_eq!(place.write_ledger(&[settled("gen-1")]).await.unwrap().settled, 1);
    place.beat(1, 1).await.unwrap();
}

#[tokio::test]
async fn no_error_tells_a_password() {
    let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let mut urls = vec![
        format!("postgres://me:sesame@127.0.0.1:{port}/x"),
        "postgres://me:sesame@127.0.0.1:badport/x".to_owned(),
        "postgres://me:sesame@127.0.0.1/x?sslmode=nonsense".to_owned(),
        "postgres://me:sesame@127.0.0.1/x?sslrootcert=/nowhere&sslmode=verify-full".to_owned(),
        "mysql://me:sesame@127.0.0.1/x".to_owned(),
        "sesame".to_owned(),
    ];
    // The right server, and the wrong password, user and database.
    if let Some(schema) = Schema::new().await {
        let (_, place) = schema.url.split_once('@').unwrap();
        let (place, _) = place.split_once('/').unwrap();
        urls.push(format!("postgres://plugway:sesame@{place}/postgres"));
        urls.push(format!("postgres://nobody:sesame@{place}/postgres"));
        urls.push(format!("postgres://plugway:sesame@{place}/nothing"));
    }
    for url in urls {
        let error = Store::open(&Location::Postgres(url.clone())).await.unwrap_err();
        let told = format!("{error} {error:?}");
        assert!(!told.contains("sesame"), "{told}");
        assert!(matches!(error, Error::Open { .. }), "{url}: {error:?}");
    }
    for place in stores().await {
        let told = format!("{:?} {:?}", place.store, place.location);
        assert!(!told.contains("postgres://"), "{told}");
    }
}
