//! State files that cannot be used, or are used already: the router says so, ends, and
//! leaves them as they are.

use crate::http::{chat, chat_with, get};
use crate::process::Start;
use plugway::account::issue::NewKey;
use plugway_accounts::Secret;
use plugway_simulator::{Behaviour, Kind, Simulator};
use plugway_store::ledger::{Entry, Row};
use plugway_store::{Change, DEFAULT_WORKSPACE, Interval, Location, Store};
use sqlx::{Connection as _, SqliteConnection};
use std::fs::OpenOptions;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

fn simulator() -> Simulator {
    Simulator::start(Kind::OpenAi, Behaviour::new()).unwrap()
}

/// A file as a router leaves it that has served a few requests.
fn used(file: &Path, simulator: &Simulator) {
    let toml = format!("state = {file:?}");
    let mut process = Start { toml: &toml, ..Start::default() }.run(simulator);
    let mut connection = process.connect();
    for _ in 0..3 {
        assert_eq!(chat(&mut connection).status, 200);
    }
    process.signal("TERM");
    assert_eq!(process.end().0, Some(0), "{}", process.log());
}

#[test]
fn a_file_that_is_of_no_use_is_named_and_left_as_it_is() {
    let simulator = simulator();
    let home = tempfile::tempdir().unwrap();
    let good = home.path().join("good.db");
    used(&good, &simulator);
    let good = std::fs::read(good).unwrap();
    let noise = |bytes: &mut [u8]| {
        bytes.iter_mut().zip(0_u32..).for_each(|(byte, at)| *byte = (at * 37 % 251) as u8);
    };
    let mut headless = good.clone();
    noise(&mut headless[..100]);
    let mut first_page = good.clone();
    noise(&mut first_page[100..4096]);
    let mut inside = good.clone();
    noise(&mut inside[4096..]);
    let short = good[..good.len() / 2].to_vec();
    for (name, bytes, said) in [
        ("text.db", b"Dear diary, today nothing happened.\n".repeat(400), "is no database"),
        ("headless.db", headless, "is no database"),
        ("first.db", first_page, "is damaged"),
        ("inside.db", inside, "is damaged"),
        ("short.db", short, "is damaged"),
    ] {
        let file = home.path().join(name);
        std::fs::write(&file, &bytes).unwrap();
        let toml = format!("state = {file:?}");
        let (code, log) = Start { toml: &toml, ..Start::default() }.run(&simulator).end();
        assert_eq!(code, Some(1), "{name}: {log}");
        let line = log.lines().find(|line| line.starts_with("plugway: ")).unwrap_or(&log);
        assert!(line.contains(said) && line.contains(name), "{name}: {log}");
        assert!(line.contains("left as it is"), "{name}: {log}");
        assert!(std::fs::read(&file).unwrap() == bytes, "{name} was changed");
    }
}

#[test]
fn a_file_that_is_damaged_while_it_is_served_from_refuses_what_cannot_be_accounted() {
    // More than is held in memory.
    const ROWS: u64 = 20_000;
    let simulator = simulator();
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("state.db");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let store = Store::open(&Location::File(file.clone())).await.unwrap();
        let rows: Vec<_> = (0..ROWS)
            .map(|n| Row {
                // In no order, as those of requests.
                id: format!("gen-{:016x}", (n + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)),
                detail: "{}".to_owned(),
                ..Row::default()
            })
            .map(Entry::Settled)
            .collect();
        for batch in rows.chunks(1_000) {
            store.write_ledger(batch).await.unwrap();
        }
        store.close().await;
    });
    let whole = std::fs::read(&file).unwrap();
    let toml = format!("state = {file:?}\n[accounting]\ncommit_timeout = \"500ms\"");
    let start = Start { toml: &toml, ..Start::default() };
    let mut process = start.run(&simulator);
    let mut connection = process.connect();
    assert_eq!(chat(&mut connection).status, 200);

    let damaged = OpenOptions::new().write(true).open(&file).unwrap();
    damaged.write_all_at(&vec![0xa5; whole.len() - 4096], 4096).unwrap();
    let began = Instant::now();
    while chat(&mut connection).status == 200 {
        assert!(began.elapsed() < Duration::from_secs(60), "never noticed: {}", process.log());
    }
    process.wait_for("the ledger cannot be written");
    assert!(process.log().contains("is damaged"), "{}", process.log());
    assert_eq!(chat(&mut connection).status, 503);
    assert_eq!(get(&mut connection, "/readyz").status, 503);
    assert_eq!(get(&mut connection, "/healthz").status, 200);
    // It ends as it is told to, and the next one names what is wrong.
    process.signal("TERM");
    let (code, log) = process.end();
    assert_eq!(code, Some(0), "{log}");
    let (code, log) = start.run(&simulator).end();
    assert_eq!(code, Some(1), "{log}");
    assert!(log.contains("is damaged") && log.contains("left as it is"), "{log}");
}

#[test]
fn a_file_of_a_newer_version_is_left_to_it() {
    let simulator = simulator();
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("newer.db");
    used(&file, &simulator);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let url = format!("sqlite:{}", file.display());
        let mut connection = SqliteConnection::connect(&url).await.unwrap();
        let newer = "INSERT INTO _sqlx_migrations \
            (version, description, success, checksum, execution_time) \
            VALUES (99990101, 'of tomorrow', 1, x'00', 1)";
        sqlx::query(newer).execute(&mut connection).await.unwrap();
        sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    });
    let before = std::fs::read(&file).unwrap();
    let toml = format!("state = {file:?}");
    let (code, log) = Start { toml: &toml, ..Start::default() }.run(&simulator).end();
    assert_eq!(code, Some(1), "{log}");
    assert!(log.contains("was written by a newer version of this program"), "{log}");
    assert!(log.contains("99990101") && log.contains("newer.db"), "{log}");
    assert!(std::fs::read(&file).unwrap() == before, "it was changed");
}

#[test]
fn of_two_routers_on_one_file_the_second_ends_and_the_command_line_works_beside_the_first() {
    let simulator = simulator();
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("state.db");
    let toml = format!("state = {file:?}");
    let start = Start { toml: &toml, ..Start::default() };
    let mut first = start.run(&simulator);
    let mut connection = first.connect();
    assert_eq!(chat(&mut connection).status, 200);
    let (code, log) = start.run(&simulator).end();
    assert_eq!(code, Some(1), "{log}");
    for said in ["is held by another process", "state.db.lock", "name another file with `state`"] {
        assert!(log.contains(said), "{said} is not in\n{log}");
    }
    assert_eq!(chat(&mut connection).status, 200);

    // As the command line does it.
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let location = Location::File(file);
    let beside = runtime.block_on(Store::open(&location)).unwrap();
    let secret = runtime.block_on(make_key(&beside, None));
    let until = |connection: &mut _, key: &str, status| {
        let began = Instant::now();
        while chat_with(connection, key).status != status {
            assert!(began.elapsed() < Duration::from_secs(60), "never {status}");
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    // Before there are keys, everybody is served.
    until(&mut connection, "sk-unknown", 401);
    until(&mut connection, secret.expose(), 200);
    runtime.block_on(beside.delete_key(&secret.hash(), 1)).unwrap();
    until(&mut connection, secret.expose(), 401);
    runtime.block_on(beside.close());
}

/// A key of the default workspace that may spend so much, in picodollars, each day.
pub(crate) async fn make_key(store: &Store, limit: Option<u128>) -> Secret {
    let reset = limit.map(|_| Interval::Daily);
    let workspace = DEFAULT_WORKSPACE.to_owned();
    let (row, secret) = NewKey { workspace, limit, reset, ..NewKey::default() }.issue(0).unwrap();
    assert_eq!(store.create_key(&row).await.unwrap(), Change::Done);
    secret
}
