//! A PostgreSQL for tests: the one that `PLUGWAY_TEST_POSTGRES` names, or one that is started
//! for this process and ends with it. Taken up by path, by all crates whose tests need one.
//!
//! Where there is none, a test has nothing to test. On CI that is a failure.

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use std::hash::{BuildHasher, RandomState};
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::OnceLock;

/// URL of a database that may be used, by a role that may make schemas in it.
const VARIABLE: &str = "PLUGWAY_TEST_POSTGRES";

/// A schema of a test's own, so that tests run side by side. It goes with this.
pub struct Schema {
    /// With the schema in it.
    pub url: String,
    name: String,
    server: &'static str,
}

impl Schema {
    /// None where there is no PostgreSQL.
    pub async fn new() -> Option<Self> {
        let server = tokio::task::spawn_blocking(server).await.expect("the starter ended")?;
        let name = format!("test_{:016x}", random());
        run(server, &format!("CREATE SCHEMA {name}")).await;
        let joint = if server.contains('?') { '&' } else { '?' };
        let url = format!("{server}{joint}options[search_path]={name}&application_name={name}");
        Some(Self { url, name, server })
    }

    /// Ends all connections to it, as a server does that is stopped.
    pub async fn disconnect(&self) {
        run(self.server, &ending(&self.name)).await;
    }
}

impl Drop for Schema {
    fn drop(&mut self) {
        // A test that ends leaves transactions behind, and the schema does not go before them.
        let server = self.server;
        let queries = [ending(&self.name), format!("DROP SCHEMA {} CASCADE", self.name)];
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let runtime = runtime.expect("a runtime");
            queries.iter().for_each(|query| runtime.block_on(run(server, query)));
        });
        // A test that fails has more to say than this.
        let _ = dropped.join();
    }
}

/// A server of a test's own, which may be stopped. It ends with this.
pub struct Server {
    /// Of its one database.
    pub url: String,
    child: Child,
    said: BufReader<ChildStdout>,
}

impl Server {
    /// None where there is no PostgreSQL to start.
    pub fn start() -> Option<Self> {
        let programs = programs()?;
        Some((0..3).find_map(|_| start(&programs)).expect("PostgreSQL starts"))
    }

    /// Stops it as if it had died, and returns once it has.
    pub fn stop(&mut self) {
        self.command("stop");
    }

    /// Starts it again, with what it had committed, and returns once it answers.
    pub fn resume(&mut self) {
        self.command("start");
    }

    fn command(&mut self, word: &str) {
        let stdin = self.child.stdin.as_mut().expect("it is piped");
        writeln!(stdin, "{word}").expect("the shell listens");
        assert!(self.is_ready(), "PostgreSQL does not {word}");
    }

    fn is_ready(&mut self) -> bool {
        let mut said = String::new();
        self.said.read_line(&mut said).is_ok() && said.trim() == "ready"
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        // A test that fails has more to say than this.
        let _ = self.child.wait();
    }
}

/// Ends whatever connections know a schema.
fn ending(schema: &str) -> String {
    format!(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
         WHERE application_name = '{schema}'"
    )
}

async fn run(server: &str, query: &str) {
    let mut connection = PgConnection::connect(server).await.expect("PostgreSQL answers");
    connection.execute(AssertSqlSafe(query)).await.expect("PostgreSQL does it");
    connection.close().await.expect("it was there until now");
}

/// Its URL.
fn server() -> Option<&'static str> {
    // Never dropped: it ends with this process.
    static SERVER: OnceLock<Option<(String, Option<Server>)>> = OnceLock::new();
    let found = SERVER.get_or_init(|| {
        if let Ok(url) = std::env::var(VARIABLE) {
            return Some((url, None));
        }
        let Some(programs) = programs() else {
            assert!(
                std::env::var("CI").as_deref() != Ok("true"),
                "on CI, PostgreSQL has to be installed, or {VARIABLE} to name a database"
            );
            println!("no PostgreSQL: set {VARIABLE}, or install one, to test on it");
            return None;
        };
        let started = (0..3).find_map(|_| start(&programs));
        let server = started.expect("PostgreSQL starts");
        Some((server.url.clone(), Some(server)))
    });
    found.as_ref().map(|(url, _)| &**url)
}

/// Where `initdb`, `postgres` and `pg_ctl` are.
fn programs() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path).map(|directory| directory.join("initdb"));
    let installed = std::fs::read_dir("/usr/lib/postgresql").ok();
    let versions = installed.into_iter().flatten().flatten();
    let elsewhere = versions.map(|version| version.path().join("bin/initdb"));
    let directory = |initdb: PathBuf| {
        let directory = initdb.canonicalize().ok()?.parent()?.to_owned();
        let is_whole = |directory: &Path| directory.join("pg_ctl").is_file();
        Some(directory).filter(|directory| is_whole(directory))
    };
    on_path.chain(elsewhere).find_map(directory)
}

/// Starts a server, which ends when this process does: the shell waits for the end of its
/// input, which the system closes, however a process dies.
fn start(programs: &Path) -> Option<Server> {
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).ok()?;
    let port = free.local_addr().ok()?.port();
    drop(free);
    let password = format!("{:016x}", random());
    let mut child = Command::new("sh")
        .args(["-c", SCRIPT, "postgres-for-tests", &port.to_string(), &password])
        .env("PROGRAMS", programs)
        .env_remove("PGDATA")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .ok()?;
    let said = BufReader::new(child.stdout.take()?);
    let url = format!("postgres://plugway:{password}@127.0.0.1:{port}/postgres");
    let mut server = Server { url, child, said };
    server.is_ready().then_some(server)
}

/// PostgreSQL refuses to be run by root. What it keeps may be lost: nothing is flushed.
const SCRIPT: &str = r#"
set -eu
trap '' INT
port=$1 password=$2
home=$(mktemp -d "${TMPDIR:-/tmp}/plugway-postgres.XXXXXX")
as=
if [ "$(id -u)" = 0 ]; then
    user=nobody
    if id -u postgres >/dev/null 2>&1; then user=postgres; fi
    as="setpriv --reuid=$(id -u $user) --regid=$(id -g $user) --clear-groups"
fi
printf '%s\n' "$password" > "$home/password"
mkdir "$home/data"
if [ -n "$as" ]; then chown -R "$user" "$home"; fi
cd "$home"
end() {
    $as "$PROGRAMS/pg_ctl" -D "$home/data" -m immediate stop >/dev/null 2>&1 || true
    cd /
    rm -rf "$home"
}
trap end EXIT
$as "$PROGRAMS/initdb" -D "$home/data" -U plugway -A scram-sha-256 --pwfile="$home/password" \
    -E UTF8 --locale=C --no-sync >"$home/initdb.log" 2>&1 || { cat "$home/initdb.log" >&2; exit 1; }
begin() {
    $as "$PROGRAMS/pg_ctl" -D "$home/data" -l "$home/data/server.log" -w -t 60 -o "-p $port \
        -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c max_connections=300 \
        -c fsync=off -c full_page_writes=off" start >/dev/null \
        || { cat "$home/data/server.log" >&2; exit 1; }
}
begin
echo ready
while read -r line; do
    case $line in
        stop) $as "$PROGRAMS/pg_ctl" -D "$home/data" -m immediate -w stop >/dev/null 2>&1 ;;
        start) begin ;;
    esac
    echo ready
done
"#;

fn random() -> u64 {
    RandomState::new().hash_one(std::process::id())
}
