//! Tables from before, from after, and from half-way between.

use super::*;
use crate::testing::{postgres::Schema, shared};
use crate::{Location, Settings, Store};
use sqlx::any::AnyPoolOptions;
use sqlx::migrate::MigrationType;
use sqlx::{AnyPool, Executor};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

/// The last one of those that users' databases had before there was a ledger.
const BEFORE: i64 = 6;

/// A file that is as `only` says, for this kind of database.
fn files(is_postgres: bool, only: impl Fn(&Migration) -> bool) -> Migrator {
    let files = if is_postgres { for_postgres(&FILES) } else { for_sqlite() };
    Migrator::with_migrations(files.iter().filter(|file| only(file)).cloned().collect())
}

fn for_sqlite() -> Migrator {
    Migrator::with_migrations(FILES.iter().cloned().collect())
}

async fn apply(files: &Migrator, pool: &AnyPool, is_postgres: bool) -> Result<(), Error> {
    match is_postgres {
        true => apply_on_postgres(files, pool, "it").await,
        false => apply_on_sqlite(files, pool, "it").await,
    }
}

async fn connect(location: &Location) -> AnyPool {
    sqlx::any::install_default_drivers();
    if let Location::File(path) = location {
        crate::file::make(path).unwrap();
    }
    let options = location.options().unwrap();
    AnyPoolOptions::new().max_connections(1).connect_with(options).await.unwrap()
}

/// New databases, in which there is nothing yet.
async fn places() -> (tempfile::TempDir, Option<Schema>, Vec<Location>) {
    let home = tempfile::tempdir().unwrap();
    let schema = Schema::new().await;
    let mut places = vec![Location::File(home.path().join("state.db"))];
    places.extend(schema.iter().map(|it| Location::Postgres(it.url.clone())));
    (home, schema, places)
}

#[test]
fn users_databases_hold_the_checksums_of_these_files() {
    let sums = FILES.iter().take_while(|file| file.version <= BEFORE).map(|file| {
        file.checksum.iter().take(4).map(|byte| format!("{byte:02x}")).collect::<String>()
    });
    assert_eq!(sums.collect::<Vec<_>>(), CHECKSUMS);
    let translated = for_postgres(&FILES);
    for (file, other) in FILES.iter().zip(translated.iter()) {
        assert_eq!((file.version, &file.checksum), (other.version, &other.checksum));
        assert!(!other.sql.as_str().contains("STRICT"), "{}", other.description);
    }
}

#[tokio::test]
async fn tables_from_before_are_brought_up_to_date_with_what_is_in_them() {
    let (_home, _schema, places) = places().await;
    for location in places {
        let is_postgres = location.is_postgres();
        let pool = connect(&location).await;
        apply(&files(is_postgres, |it| it.version <= BEFORE), &pool, is_postgres).await.unwrap();
        let preset = "INSERT INTO presets VALUES ('a', 1, 1, 1, 'd', '{}', NULL)";
        pool.execute(preset).await.unwrap();
        pool.close().await;
        let store = Store::open(&location).await.unwrap();
        assert_eq!(store.presets(0, 9).await.unwrap().1, 1);
        assert!(!store.has_keys().await.unwrap());
        store.close().await;
    }
}

#[tokio::test]
async fn several_may_bring_tables_with_data_up_to_date_at_a_time() {
    let (_home, _schema, places) = places().await;
    for location in places {
        let is_postgres = location.is_postgres();
        let pool = connect(&location).await;
        apply(&files(is_postgres, |it| it.version <= BEFORE), &pool, is_postgres).await.unwrap();
        let presets = "INSERT INTO presets VALUES ('a', 1, 1, 1, 'd', '{}', NULL), \
                       ('b', 1, 1, 1, 'd', '{}', NULL)";
        pool.execute(presets).await.unwrap();
        pool.close().await;
        let location = Arc::new(location);
        let opening: Vec<_> = (0..4)
            .map(|_| Arc::clone(&location))
            .map(|location| tokio::spawn(async move { Store::open(&location).await.unwrap() }))
            .collect();
        for store in opening {
            let store = store.await.unwrap();
            assert_eq!(store.presets(0, 9).await.unwrap().1, 2);
            assert_eq!(store.workspaces(0, 9).await.unwrap().1, 1);
            store.close().await;
        }
    }
}

#[tokio::test]
async fn whoever_only_looks_changes_no_tables() {
    let (_home, _schema, places) = places().await;
    for location in places {
        let is_postgres = location.is_postgres();
        let refused = async || {
            let error = Store::open_as_it_is(&location).await.unwrap_err();
            assert!(matches!(error, Error::Older { .. }), "{error:?}");
            assert!(error.to_string().contains("start the router"), "{error}");
        };
        refused().await;
        let pool = connect(&location).await;
        apply(&files(is_postgres, |it| it.version <= BEFORE), &pool, is_postgres).await.unwrap();
        refused().await;
        let count = sqlx::query_scalar::<_, i64>("SELECT max(version) FROM _sqlx_migrations");
        assert_eq!(count.fetch_one(&pool).await.unwrap(), BEFORE);
        pool.close().await;
        Store::open(&location).await.unwrap().close().await;
        Store::open_as_it_is(&location).await.unwrap().close().await;
        let pool = connect(&location).await;
        let newer = with("CREATE TABLE newer (a INTEGER NOT NULL) STRICT;", is_postgres);
        apply(&newer, &pool, is_postgres).await.unwrap();
        pool.close().await;
        let error = Store::open_as_it_is(&location).await.unwrap_err();
        assert!(matches!(error, Error::Newer { .. }), "{error:?}");
    }
}

#[tokio::test]
async fn tables_that_are_up_to_date_are_opened_while_another_process_writes() {
    for place in shared().await {
        let held = place.turn("presets").await.unwrap();
        let began = std::time::Instant::now();
        place.again().await.close().await;
        Store::open_as_it_is(&place.location).await.unwrap().close().await;
        // Well within what it takes to be told that somebody else has it.
        assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
        drop(held);
    }
}

#[tokio::test]
async fn tables_from_a_newer_version_are_left_alone_and_it_is_said_what_to_do() {
    for place in shared().await {
        let is_postgres = place.location.is_postgres();
        let settings = Settings { dialect: "d".into(), config: "{}".into(), system_prompt: None };
        place.save_preset("a", &settings, 1).await.unwrap();
        let pool = connect(&place.location).await;
        let newer = with("CREATE TABLE newer (a INTEGER NOT NULL) STRICT;", is_postgres);
        apply(&newer, &pool, is_postgres).await.unwrap();
        pool.close().await;
        let error = Store::open(&place.location).await.unwrap_err();
        assert!(matches!(error, Error::Newer { version: 9_999, .. }), "{error:?}");
        assert!(error.to_string().contains("newer version of this program"), "{error}");
        assert_eq!(place.preset("a").await.unwrap().map(|it| it.version), Some(1));
    }
}

#[tokio::test]
async fn a_change_that_fails_half_way_has_changed_nothing() {
    for place in shared().await {
        let is_postgres = place.location.is_postgres();
        let pool = connect(&place.location).await;
        let table = "CREATE TABLE half (a INTEGER NOT NULL) STRICT;";
        let failing = with(&format!("{table} INSERT INTO nowhere VALUES (1);"), is_postgres);
        let error = apply(&failing, &pool, is_postgres).await.unwrap_err();
        assert!(matches!(error, Error::Migrate { .. }), "{error:?}");
        assert!(pool.execute("SELECT a FROM half").await.is_err());
        // This version goes on with what there is, and so does the next, which has mended it.
        place.again().await.close().await;
        apply(&with(table, is_postgres), &pool, is_postgres).await.unwrap();
        pool.execute("SELECT a FROM half").await.unwrap();
        pool.close().await;
    }
}

#[tokio::test]
async fn a_file_that_was_changed_by_hand_is_refused() {
    for place in shared().await {
        let pool = connect(&place.location).await;
        let query = "DELETE FROM _sqlx_migrations WHERE version = 8";
        pool.execute(query).await.unwrap();
        pool.close().await;
        let error = Store::open(&place.location).await.unwrap_err();
        assert!(matches!(error, Error::Migrate { .. }), "{error:?}");
        assert!(!error.is_passing());
    }
}

#[tokio::test]
async fn a_process_that_dies_half_way_leaves_the_tables_as_they_were() {
    let (_home, _schema, places) = places().await;
    for location in places {
        let is_postgres = location.is_postgres();
        let pool = connect(&location).await;
        apply(&files(is_postgres, |it| it.version <= BEFORE), &pool, is_postgres).await.unwrap();
        pool.close().await;
        let told = match &location {
            Location::Postgres(url) => url.clone(),
            Location::File(path) => path.to_str().unwrap().to_owned(),
            Location::Memory => unreachable!("it is gone with its process"),
        };
        let died = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "migrations::tests::dies_half_way", "--ignored", "--nocapture"])
            .env(DIES_AT, told)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&died.stdout);
        assert!(!died.status.success() && said.contains("half-way"), "{died:?}");
        assert!(!said.contains("it is done"), "{died:?}");
        let store = Store::open(&location).await.unwrap();
        assert!(!store.has_keys().await.unwrap());
        assert_eq!(store.workspaces(0, 9).await.unwrap().1, 1);
        store.close().await;
    }
}

/// Where [`dies_half_way`] does.
const DIES_AT: &str = "PLUGWAY_TEST_DIES_AT";

#[tokio::test]
#[ignore = "another test runs it in a process of its own"]
async fn dies_half_way() {
    let Ok(at) = std::env::var(DIES_AT) else { return };
    let is_postgres = at.starts_with("postgres:");
    let location = if is_postgres { Location::Postgres(at) } else { Location::File(at.into()) };
    let pool = connect(&location).await;
    // The last of them takes its time, at its end.
    let last = newest(&FILES);
    let all = files(is_postgres, |_| true);
    let slow = all.iter().cloned().map(|mut file| {
        if file.version == last {
            let sql = format!("{} {}", file.sql.as_str(), endless(is_postgres));
            file.sql = AssertSqlSafe(sql).into_sql_str();
        }
        file
    });
    let slow = Migrator::with_migrations(slow.collect());
    std::thread::spawn(|| {
        std::thread::sleep(Duration::from_millis(1_500));
        println!("half-way");
        std::process::abort();
    });
    apply(&slow, &pool, is_postgres).await.unwrap();
    println!("it is done, and should not be");
}

/// A server notices that its client is gone once it has something to say to it. That is after
/// a lock would have been waited for too long.
fn endless(is_postgres: bool) -> &'static str {
    match is_postgres {
        true => "SELECT pg_sleep(9);",
        false => {
            "WITH RECURSIVE numbers (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM numbers) \
             SELECT count(*) FROM numbers;"
        }
    }
}

/// All files, and one from a version to come.
fn with(sql: &str, is_postgres: bool) -> Migrator {
    let sql = AssertSqlSafe(sql.to_owned()).into_sql_str();
    let next = Migration::new(9_999, "next".into(), MigrationType::Simple, sql, false);
    let all = Migrator::with_migrations(FILES.iter().cloned().chain([next]).collect());
    if is_postgres { for_postgres(&all) } else { all }
}

/// The first bytes of each.
const CHECKSUMS: [&str; 5] = ["96e9c0ee", "6c15843a", "a85d68a4", "02246aab", "2a8ff780"];
