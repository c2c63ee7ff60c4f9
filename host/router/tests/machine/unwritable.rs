//! The ledger cannot be written for a while: the disk is full, or another process has the
//! database. What was declared for that time happens, and afterwards all is as before.

use crate::http::{Answer, chat, get, read, send_chat};
use crate::process::{Process, Start};
use plugway_simulator::{Behaviour, Kind, Simulator};
use plugway_store::ledger::State;
use plugway_store::{Location, Store};
use sqlx::{Connection as _, SqliteConnection};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(60);

/// What is in the way of the ledger.
trait Trouble {
    /// Where the state file is kept.
    fn directory(&self) -> &Path;
    fn begin(&mut self, process: &Process);
    fn end(&mut self, process: &Process);
}

/// Files may not grow, as on a disk that is full.
struct NoRoom(TempDir);

impl Trouble for NoRoom {
    fn directory(&self) -> &Path {
        self.0.path()
    }

    fn begin(&mut self, process: &Process) {
        limit_files(process, "4096");
    }

    fn end(&mut self, process: &Process) {
        limit_files(process, "unlimited");
    }
}

fn limit_files(process: &Process, bytes: &str) {
    let (id, limit) = (process.id().to_string(), format!("--fsize={bytes}:unlimited"));
    assert!(Command::new("prlimit").args(["--pid", &id, &limit]).status().unwrap().success());
}

/// A small disk, and what fills it.
struct FullDisk {
    mounted: TempDir,
    filler: PathBuf,
}

impl FullDisk {
    /// None where nothing may be mounted.
    fn mount() -> Option<Self> {
        let mounted = tempfile::tempdir().unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=4m", "tmpfs"]).arg(mounted.path());
        if !mount.output().is_ok_and(|it| it.status.success()) {
            return None;
        }
        let filler = mounted.path().join("filler");
        Some(Self { mounted, filler })
    }
}

/// With a small disk: here, or else in a namespace of its own, where whoever may make one
/// may mount.
fn with_small_disk(test: &str, run: impl FnOnce(FullDisk)) {
    const ARGUMENTS: [&str; 3] = ["--user", "--map-root-user", "--mount"];
    const INSIDE: &str = "PLUGWAY_TEST_MAY_MOUNT";
    if let Some(disk) = FullDisk::mount() {
        return run(disk);
    }
    assert!(std::env::var_os(INSIDE).is_none(), "nothing can be mounted in a namespace either");
    let unshare = |arguments: &[&str]| {
        let mut command = Command::new("unshare");
        command.args(ARGUMENTS).args(arguments).env(INSIDE, "1").output()
    };
    match unshare(&["true"]) {
        Ok(tried) if tried.status.success() => {}
        tried => {
            let why = "a full disk needs the right to mount, or unshare that of a namespace";
            let _ = writeln!(std::io::stderr(), "\nSKIPPED: {why}: {tried:?}");
            return;
        }
    }
    let program = std::env::current_exe().unwrap();
    let name = format!("unwritable::{test}");
    let run = unshare(&[program.to_str().unwrap(), "--exact", &name, "--nocapture"]).unwrap();
    let said = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success() && said.contains("1 passed"), "{run:?}");
}

impl Trouble for FullDisk {
    fn directory(&self) -> &Path {
        self.mounted.path()
    }

    fn begin(&mut self, _: &Process) {
        // What is reserved for the log of changes would be room enough.
        tokio::runtime::Runtime::new().unwrap().block_on(async {
            let mut connection = connect(&state_file(self)).await;
            let checkpoint = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)");
            checkpoint.execute(&mut connection).await.unwrap();
            connection.close().await.unwrap();
        });
        let mut filler = std::fs::File::create(&self.filler).unwrap();
        // Until there is no room for a single byte more.
        while filler.write(&[0; 512]).is_ok_and(|written| written > 0) {}
    }

    fn end(&mut self, _: &Process) {
        std::fs::remove_file(&self.filler).unwrap();
    }
}

impl Drop for FullDisk {
    fn drop(&mut self) {
        // The test fails by other means.
        let _ = Command::new("umount").arg("-l").arg(self.mounted.path()).status();
    }
}

/// Another process writes, and does not come to an end.
struct Locked {
    home: TempDir,
    runtime: tokio::runtime::Runtime,
    held: Option<SqliteConnection>,
}

impl Locked {
    fn new() -> Self {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        Self { home: tempfile::tempdir().unwrap(), runtime, held: None }
    }
}

impl Trouble for Locked {
    fn directory(&self) -> &Path {
        self.home.path()
    }

    fn begin(&mut self, _: &Process) {
        let file = state_file(self);
        self.held = Some(self.runtime.block_on(async {
            let mut connection = connect(&file).await;
            sqlx::query("BEGIN EXCLUSIVE").execute(&mut connection).await.unwrap();
            connection
        }));
    }

    fn end(&mut self, _: &Process) {
        let mut connection = self.held.take().unwrap();
        self.runtime.block_on(async {
            sqlx::query("ROLLBACK").execute(&mut connection).await.unwrap();
            connection.close().await.unwrap();
        });
    }
}

/// Somebody has moved the file away.
struct Moved(TempDir);

impl Moved {
    fn elsewhere(&self) -> PathBuf {
        self.0.path().join("elsewhere.db")
    }
}

impl Trouble for Moved {
    fn directory(&self) -> &Path {
        self.0.path()
    }

    fn begin(&mut self, _: &Process) {
        std::fs::rename(state_file(self), self.elsewhere()).unwrap();
    }

    fn end(&mut self, _: &Process) {
        assert!(!state_file(self).exists(), "another one was made");
        std::fs::rename(self.elsewhere(), state_file(self)).unwrap();
    }
}

/// As another process does.
async fn connect(file: &Path) -> SqliteConnection {
    let url = format!("sqlite:{}", file.display());
    let mut connection = SqliteConnection::connect(&url).await.unwrap();
    // The router may be writing just now.
    sqlx::query("PRAGMA busy_timeout = 30000").execute(&mut connection).await.unwrap();
    connection
}

fn state_file(trouble: &impl Trouble) -> PathBuf {
    trouble.directory().join("state.db")
}

#[test]
fn while_files_cannot_grow_requests_are_refused_and_then_served_again() {
    refuses(NoRoom(tempfile::tempdir().unwrap()));
}

#[test]
fn while_files_cannot_grow_requests_are_served_where_that_is_declared() {
    continues(NoRoom(tempfile::tempdir().unwrap()));
}

#[test]
fn while_a_disk_is_full_requests_are_refused_and_then_served_again() {
    let name = "while_a_disk_is_full_requests_are_refused_and_then_served_again";
    with_small_disk(name, refuses);
}

#[test]
fn while_a_disk_is_full_requests_are_served_where_that_is_declared() {
    let name = "while_a_disk_is_full_requests_are_served_where_that_is_declared";
    with_small_disk(name, continues);
}

#[test]
fn while_another_process_has_the_database_requests_are_refused_and_then_served_again() {
    refuses(Locked::new());
}

#[test]
fn while_another_process_has_the_database_requests_are_served_where_that_is_declared() {
    continues(Locked::new());
}

#[test]
fn while_the_file_is_elsewhere_requests_are_refused_and_then_served_again() {
    refuses(Moved(tempfile::tempdir().unwrap()));
}

#[test]
fn while_the_file_is_elsewhere_requests_are_served_where_that_is_declared() {
    continues(Moved(tempfile::tempdir().unwrap()));
}

#[test]
fn a_file_that_is_deleted_is_noticed_though_nothing_is_asked() {
    let simulator = Simulator::start(Kind::OpenAi, Behaviour::new()).unwrap();
    let trouble = Moved(tempfile::tempdir().unwrap());
    let mut process = start(&trouble, &simulator, "");
    let mut connection = process.connect();
    id_of_served(&mut connection);
    std::fs::remove_file(state_file(&trouble)).unwrap();
    wait_until_failing(&mut process, 1);
    assert_eq!(get(&mut connection, "/readyz").status, 503);
    assert_refused(&chat(&mut connection));
    let log = process.log();
    assert_eq!(log.matches("keeper: the ledger cannot be written").count(), 1, "{log}");
    assert!(!state_file(&trouble).exists(), "another one was made");
}

#[test]
fn a_router_that_starts_while_another_process_has_the_database_waits_for_it() {
    let simulator = Simulator::start(Kind::OpenAi, Behaviour::new()).unwrap();
    let mut trouble = Locked::new();
    let location = Location::File(state_file(&trouble));
    trouble.runtime.block_on(async { Store::open(&location).await.unwrap().close().await });
    let file = state_file(&trouble);
    trouble.held = Some(trouble.runtime.block_on(async {
        let mut connection = connect(&file).await;
        sqlx::query("BEGIN EXCLUSIVE").execute(&mut connection).await.unwrap();
        connection
    }));
    let mut process = start(&trouble, &simulator, "");
    process.wait_for("the start waits for the state database");
    trouble.end(&process);
    let id = id_of_served(&mut process.connect());
    assert_eq!(process.log().matches("the start waits").count(), 1, "{}", process.log());
    assert_settled(process, &trouble, &[id]);
}

fn start(trouble: &impl Trouble, simulator: &Simulator, accounting: &str) -> Process {
    let toml = format!(
        "state = {:?}\n[accounting]\ncommit_timeout = \"500ms\"\n{accounting}",
        state_file(trouble)
    );
    // Without it the system ends a process whose files may not grow.
    let shell = "trap '' XFSZ";
    Start { shell, toml: &toml, ..Start::default() }.run(simulator)
}

fn refuses(mut trouble: impl Trouble) {
    let slow = Behaviour::new().tokens_per_second(20).completion_tokens(40);
    let simulator = Simulator::start(Kind::OpenAi, slow).unwrap();
    let mut process = start(&trouble, &simulator, "");
    let mut stream = process.connect();
    send_chat(&mut stream, true);
    // The head is here: it streams.
    stream.peek(&mut [0]).unwrap();
    simulator.set(Behaviour::new());
    let mut connection = process.connect();
    let mut served: Vec<String> = (0..3).map(|_| id_of_served(&mut connection)).collect();

    trouble.begin(&process);
    let answer = chat(&mut connection);
    assert_refused(&answer);
    let broken = answer.header("x-generation-id").unwrap().to_owned();
    wait_until_failing(&mut process, 1);
    simulator.clear();
    let refused = chat(&mut connection);
    assert_refused(&refused);
    assert!(simulator.requests().is_empty(), "who is refused costs nothing");
    assert_eq!(get(&mut connection, "/healthz").status, 200);
    let ready = get(&mut connection, "/readyz");
    assert_eq!(ready.status, 503, "{ready:?}");
    let ready: serde_json::Value = serde_json::from_str(&ready.body).unwrap();
    assert_eq!(ready["ledger"]["state"], "failing", "{ready}");
    assert_eq!(ready["ledger"]["refuses_requests"], true, "{ready}");
    let streamed = read(&mut stream);
    assert!(streamed.body.contains("The ledger cannot be written now"), "{streamed:?}");
    let cut = streamed.header("x-generation-id").unwrap().to_owned();

    trouble.end(&process);
    process.wait_for("the ledger is written again");
    wait_until_failing(&mut process, 0);
    assert_eq!(get(&mut connection, "/readyz").status, 200);
    served.extend((0..3).map(|_| id_of_served(&mut connection)));
    served.extend([broken, cut]);
    assert_settled(process, &trouble, &served);
}

fn continues(mut trouble: impl Trouble) {
    const QUEUE: usize = 8;
    const ASKED: usize = 20;
    let simulator = Simulator::start(Kind::OpenAi, Behaviour::new()).unwrap();
    let accounting = format!("when_failing = \"continue\"\nqueue = {QUEUE}\n");
    let mut process = start(&trouble, &simulator, &accounting);
    let mut connection = process.connect();
    let mut kept = vec![id_of_served(&mut connection)];

    trouble.begin(&process);
    kept.push(id_of_served(&mut connection));
    wait_until_failing(&mut process, 1);
    let asked: Vec<_> = (0..ASKED).map(|_| id_of_served(&mut connection)).collect();
    // One has a place already, and waits.
    kept.extend_from_slice(&asked[..QUEUE - 1]);
    let metrics = get(&mut connection, "/metrics").body;
    let lost = format!("plugway_ledger_lost_total {}", ASKED - (QUEUE - 1));
    assert!(metrics.lines().any(|line| line == lost), "{metrics}");
    let ready = get(&mut connection, "/readyz");
    assert_eq!(ready.status, 200, "{ready:?}");
    let ready: serde_json::Value = serde_json::from_str(&ready.body).unwrap();
    assert_eq!(ready["ledger"]["state"], "failing", "{ready}");

    trouble.end(&process);
    process.wait_for("the ledger is written again");
    wait_until_failing(&mut process, 0);
    kept.extend((0..QUEUE * 2).map(|_| id_of_served(&mut connection)));
    assert_settled(process, &trouble, &kept);
}

fn id_of_served(connection: &mut std::net::TcpStream) -> String {
    let answer = chat(connection);
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.header("x-generation-id").unwrap().to_owned()
}

fn assert_refused(answer: &Answer) {
    assert_eq!(answer.status, 503, "{answer:?}");
    assert_eq!(answer.header("retry-after"), Some("5"), "{answer:?}");
    assert!(answer.body.contains("The ledger cannot be written now"), "{answer:?}");
}

fn wait_until_failing(process: &mut Process, value: u8) {
    let (began, mut connection) = (Instant::now(), process.connect());
    let line = format!("plugway_ledger_failing {value}");
    while !get(&mut connection, "/metrics").body.lines().any(|it| it == line) {
        assert!(began.elapsed() < PATIENCE, "never `{line}`: {}", process.log());
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// All of these are in the ledger, and nothing else, once the process has ended.
fn assert_settled(mut process: Process, trouble: &impl Trouble, ids: &[String]) {
    process.signal("TERM");
    let (code, log) = process.end();
    assert_eq!(code, Some(0), "{log}");
    assert!(!log.contains("cannot be written, and is lost"), "{log}");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let store = Store::open(&Location::File(state_file(trouble))).await.unwrap();
        let rows = crate::load::all_rows(&store).await;
        for id in ids {
            let row = rows.get(id).unwrap_or_else(|| panic!("{id} is not there: {log}"));
            assert_eq!(row.state, State::Settled, "{row:?}");
        }
        assert_eq!(rows.len(), ids.len());
        store.close().await;
    });
}
