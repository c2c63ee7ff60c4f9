//! Every adapter over recorded traffic of real providers, where a machine has it: each
//! answer decoded whole and cut at every byte, each request encoded again with and
//! without seals, each error explained. What is right is said by `judge/`, a reading in
//! another language that shares nothing with the adapters.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test may panic, and print"
)]

mod bad_input;
mod published;
mod replay;

use std::fs::{self, File};
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use plugway_engine::{Engine, Limits};
use plugway_tests::corpus::{Adapters, Task};

/// Names another directory of recordings.
const TRAFFIC: &str = "PLUGWAY_TRAFFIC";

#[test]
fn recorded_exchanges_agree_with_an_independent_reading() {
    let Some(traffic) = traffic() else {
        println!("skipped: there is no recorded traffic here; {TRAFFIC} names a directory");
        return;
    };
    let scratch = tempfile::tempdir().unwrap();
    let (tasks, outcomes) = (scratch.path().join("tasks"), scratch.path().join("outcomes"));
    let read = judge("read.py").arg(&traffic).stdout(File::create(&tasks).unwrap()).status();
    assert!(read.unwrap().success(), "the recordings could not be read");
    run(&tasks, &outcomes);
    let judged = judge("judge.py").args([&tasks, &outcomes]).output().unwrap();
    println!("{}", String::from_utf8_lossy(&judged.stdout));
    assert!(
        judged.status.success(),
        "adapters and recordings disagree, see above\n{}",
        String::from_utf8_lossy(&judged.stderr)
    );
}

#[test]
fn the_judge_finds_what_is_wrong() {
    for tests in ["tests", "lift_tests", "encode_tests"] {
        let run = judge("-m").args(["unittest", "-q", tests]).output().unwrap();
        assert!(run.status.success(), "{tests}: {}", String::from_utf8_lossy(&run.stderr));
    }
}

/// Where recordings are, if anywhere.
fn traffic() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/traffic");
    let named = std::env::var_os(TRAFFIC).map(PathBuf::from);
    named.or_else(|| beside.is_dir().then_some(beside))
}

/// Python in the judge's directory.
fn judge(program: &str) -> Command {
    let mut python = Command::new("python3");
    python.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/judge")).arg(program);
    python.env("PYTHONDONTWRITEBYTECODE", "1").stdin(Stdio::null());
    python
}

/// Runs all tasks through the components that the router brings along.
fn run(tasks: &Path, outcomes: &Path) {
    let cache = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/test-code-cache");
    let engine = Engine::new(Limits::default(), Some(cache)).unwrap();
    let adapters = Adapters::of(&engine, plugway::FIRST_PARTY).unwrap();
    let tasks: Vec<Task> = BufReader::new(File::open(tasks).unwrap())
        .lines()
        .filter_map(|line| Task::read(&line.unwrap()).unwrap())
        .collect();
    assert!(!tasks.is_empty(), "there are recordings, and none that is an exchange");
    let mut out = BufWriter::new(fs::File::create(outcomes).unwrap());
    for outcome in adapters.run_all(&tasks) {
        serde_json::to_writer(&mut out, &outcome).unwrap();
        out.write_all(b"\n").unwrap();
    }
    out.flush().unwrap();
}
