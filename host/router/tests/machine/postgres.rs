//! State on a server, which stops and comes back, and which several routers share.

#[path = "../../../store/tests/postgres/mod.rs"]
#[allow(unreachable_pub, dead_code, reason = "other crates' tests take it up too")]
pub(crate) mod server;

use crate::corrupt::make_key;
use crate::http::{chat_with, get, get_with, send_chat_with};
use crate::load::{all_rows, assert_accounted, free_address, under_load};
use crate::process::{Process, Start};
use plugway_accounts::money::read_dollars;
use plugway_simulator::{Behaviour, Kind, Simulator};
use plugway_store::ledger::State;
use plugway_store::{Location, Store};
use server::{Schema, Server};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use std::collections::BTreeSet;
use std::net::TcpStream;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

const PATIENCE: Duration = Duration::from_secs(60);

fn wait(what: &str, is_so: impl FnMut() -> bool) {
    wait_for(what, PATIENCE, is_so);
}

fn wait_for(what: &str, patience: Duration, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < patience, "never: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn has_metric(connection: &mut TcpStream, line: &str) -> bool {
    get(connection, "/metrics").body.lines().any(|it| it == line)
}

/// What is left of a key's budget, in picodollars, as the router tells its holder.
fn remaining(connection: &mut TcpStream, key: &str) -> u128 {
    let told = get_with(connection, key, "/v1/key").body;
    let (_, rest) = told.split_once("\"limit_remaining\":").unwrap_or_else(|| panic!("{told}"));
    read_dollars(rest.split([',', '}']).next().unwrap()).unwrap()
}

/// What happens to the server.
trait Outage {
    fn begin(&mut self, server: &mut Server);
    fn end(&mut self, server: &mut Server);
}

/// It stops as if it had died.
struct Stopped;

impl Outage for Stopped {
    fn begin(&mut self, server: &mut Server) {
        server.stop();
    }

    fn end(&mut self, server: &mut Server) {
        server.resume();
    }
}

/// The password is changed, and those who know the former one are sent away.
struct Barred {
    runtime: Runtime,
    inside: PgConnection,
}

impl Barred {
    fn new(server: &Server) -> Self {
        let runtime = Runtime::new().unwrap();
        let inside = runtime.block_on(PgConnection::connect(&server.url)).unwrap();
        Self { runtime, inside }
    }

    fn set_password(&mut self, password: &str) {
        let query = format!("ALTER ROLE plugway PASSWORD '{password}'");
        let away = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
                    WHERE usename = 'plugway' AND pid <> pg_backend_pid()";
        self.runtime.block_on(async {
            self.inside.execute(AssertSqlSafe(query)).await.unwrap();
            self.inside.execute(away).await.unwrap();
        });
    }
}

impl Outage for Barred {
    fn begin(&mut self, _: &mut Server) {
        self.set_password("changed");
    }

    fn end(&mut self, server: &mut Server) {
        let (_, rest) = server.url.split_once("plugway:").unwrap();
        let (password, _) = rest.split_once('@').unwrap();
        self.set_password(password);
    }
}

#[test]
fn while_the_server_is_gone_requests_are_refused_and_nothing_that_was_answered_is_missing() {
    let Some(server) = Server::start() else { return };
    gone_and_back(server, Stopped, "refuse");
}

#[test]
fn while_the_server_is_gone_requests_are_served_where_that_is_declared_and_written_later() {
    let Some(server) = Server::start() else { return };
    gone_and_back(server, Stopped, "continue");
}

#[test]
fn while_the_password_is_another_requests_are_refused_and_nothing_that_was_answered_is_missing() {
    let Some(server) = Server::start() else { return };
    let barred = Barred::new(&server);
    gone_and_back(server, barred, "refuse");
}

#[test]
fn while_the_password_is_another_rows_wait_where_that_is_declared() {
    let Some(server) = Server::start() else { return };
    let barred = Barred::new(&server);
    gone_and_back(server, barred, "continue");
}

fn gone_and_back(mut server: Server, mut outage: impl Outage, when_failing: &str) {
    let behaviour = Behaviour::new().first_token_ms(2).tokens_per_second(2_000);
    let simulator = Simulator::start(Kind::OpenAi, behaviour).unwrap();
    let toml = format!(
        "state = {:?}\n[accounting]\ncommit_timeout = \"500ms\"\nwhen_failing = \"{when_failing}\"\n",
        server.url
    );
    let address = free_address();
    let start = Start { toml: &toml, arguments: &["--listen", &address], ..Start::default() };
    let mut process = start.run(&simulator);
    let mut connection = process.connect();
    let told = under_load(&address, |told| {
        let whole = || told.lock().unwrap().whole.len();
        wait("some are answered", || whole() > 50);
        outage.begin(&mut server);
        wait("the ledger fails", || has_metric(&mut connection, "plugway_ledger_failing 1"));
        let before = whole();
        match when_failing {
            "refuse" => {
                std::thread::sleep(Duration::from_secs(2));
                assert!(whole() <= before + crate::load::CLIENTS, "served without the ledger");
                assert_eq!(get(&mut connection, "/readyz").status, 503);
            }
            _ => wait("they are answered all the same", || whole() > before + 50),
        }
        assert_eq!(get(&mut connection, "/healthz").status, 200);
        outage.end(&mut server);
        wait("it is written again", || has_metric(&mut connection, "plugway_ledger_failing 0"));
        let before = whole();
        wait("some are answered again", || whole() > before + 50);
    });
    assert!(has_metric(&mut connection, "plugway_ledger_lost_total 0"));
    process.signal("TERM");
    assert_eq!(process.end().0, Some(0), "{}", process.log());
    Runtime::new().unwrap().block_on(async {
        let store = Store::open(&Location::Postgres(server.url.clone())).await.unwrap();
        assert_accounted(&store, &told).await;
        store.close().await;
    });
}

#[test]
fn two_routers_share_a_server_its_keys_and_what_the_other_leaves_behind() {
    let runtime = Runtime::new().unwrap();
    let Some(schema) = runtime.block_on(Schema::new()) else { return };
    let simulator = Simulator::start(Kind::OpenAi, Behaviour::new()).unwrap();
    let toml = format!("state = {:?}", schema.url);
    let start = Start { toml: &toml, ..Start::default() };
    let (mut one, mut other) = (start.run(&simulator), start.run(&simulator));
    let mut connections = [one.connect(), other.connect()];
    let location = Location::Postgres(schema.url.clone());
    let store = runtime.block_on(Store::open(&location)).unwrap();
    let key = runtime.block_on(make_key(&store, None));
    for connection in &mut connections {
        wait("the key is asked for", || chat_with(connection, "sk-unknown").status == 401);
        assert_eq!(chat_with(connection, key.expose()).status, 200);
    }
    let last = runtime.block_on(make_key(&store, None));
    for connection in &mut connections {
        wait("another key is known", || chat_with(connection, last.expose()).status == 200);
    }
    // What one of them spends counts against the budget at both.
    let limit = 1_000_000_000_000;
    let poor = runtime.block_on(make_key(&store, Some(limit)));
    for connection in &mut connections {
        wait("its key is known", || chat_with(connection, poor.expose()).status == 200);
    }
    let spent = || {
        let rows = runtime.block_on(all_rows(&store));
        let its = rows.values().filter(|row| row.key == Some(poor.hash()));
        its.filter_map(|row| row.cost).map(u128::from).sum::<u128>()
    };
    for connection in &mut connections {
        wait("what the other spent is known", || {
            let left = remaining(connection, poor.expose());
            left == limit - spent()
        });
    }
    assert!(runtime.block_on(store.delete_key(&key.hash(), 1)).unwrap());
    for connection in &mut connections {
        wait("it is revoked", || chat_with(connection, key.expose()).status == 401);
    }
    let rows = runtime.block_on(all_rows(&store));
    let runs: BTreeSet<_> = rows.values().map(|row| row.run).collect();
    assert_eq!(runs.len(), 2, "each has written");

    die_in_the_middle(&mut one, last.expose(), &simulator);
    wait("its row is there", || runtime.block_on(open_rows(&store)) == 1);
    // The other lives, and whoever comes takes neither's rows: both were heard of just now.
    start.run(&simulator).address();
    assert_eq!(runtime.block_on(open_rows(&store)), 1);
    // Whoever has been there for a minute, and has heard nothing of it for as long, ends it.
    wait_for("the dead one is known to be dead", 4 * PATIENCE, || {
        runtime.block_on(open_rows(&store)) == 0
    });
    let rows = runtime.block_on(all_rows(&store));
    let interrupted: Vec<_> = rows.values().filter(|row| row.state == State::Interrupted).collect();
    assert!(interrupted.len() == 1 && interrupted[0].is_estimated, "{interrupted:?}");
    wait("it is told", || other.log().contains("in the ledger as interrupted"));
    assert_eq!(chat_with(&mut other.connect(), last.expose()).status, 200);
    runtime.block_on(store.close());
}

async fn open_rows(store: &Store) -> usize {
    all_rows(store).await.values().filter(|row| row.state == State::Open).count()
}

/// Kills a router while an answer is under way.
fn die_in_the_middle(process: &mut Process, key: &str, simulator: &Simulator) {
    simulator.clear();
    simulator.set(Behaviour::new().head_delay_ms(600_000));
    let mut connection = process.connect();
    send_chat_with(&mut connection, key);
    wait("the provider is asked", || simulator.requests().len() == 1);
    // The open row is written by then, or never: nobody waits for it.
    std::thread::sleep(Duration::from_millis(500));
    process.signal("KILL");
    process.end();
    simulator.set(Behaviour::new());
}
