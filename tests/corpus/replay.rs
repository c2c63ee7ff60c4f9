//! Recorded requests, sent through the router in their own dialect to a replay of the
//! recorded response, come back as that client's recorded answer. What that is, and what
//! may differ, is said by `tests/replay`; what an answer must look like, by the published
//! descriptions of the APIs.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use plugway_tests::Python;
use plugway_tests::replay::{self, Exchange};
use serde_json::Value;

/// Reading three large descriptions and holding every chunk against them takes a while
/// on a busy machine.
const LIMIT: Duration = Duration::from_secs(600);

const DESCRIPTIONS: &str = "../../shared/specs";

#[tokio::test(flavor = "multi_thread")]
async fn recorded_requests_come_back_as_recorded_answers() {
    let Some(traffic) = crate::traffic() else {
        println!(
            "skipped: there is no recorded traffic here; {} names a directory",
            crate::TRAFFIC
        );
        return;
    };
    let scratch = tempfile::tempdir().unwrap();
    let (plan, outcomes) = (scratch.path().join("plan"), scratch.path().join("outcomes"));
    let planned = python("plan.py").arg(&traffic).stdout(File::create(&plan).unwrap()).status();
    assert!(planned.unwrap().success(), "the recordings could not be read");
    write(&outcomes, replay::play(read(&plan)).await);
    let mut verdict = python("verdict.py");
    verdict.args([&plan, &outcomes]);
    if std::env::var_os(crate::TRAFFIC).is_none() {
        verdict.arg("--whole");
    }
    let judged = verdict.output().unwrap();
    println!("{}", String::from_utf8_lossy(&judged.stdout));
    assert!(
        judged.status.success(),
        "the router's answers are not the recorded ones, see above\n{}",
        String::from_utf8_lossy(&judged.stderr)
    );
    validate(&plan, &outcomes);
}

#[test]
fn the_judge_of_replays_finds_what_is_wrong() {
    let run = python("-m").args(["unittest", "-q", "replay_tests"]).output().unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
}

/// Holds every answer, whole or chunk by chunk, against the published schemas.
fn validate(plan: &Path, outcomes: &Path) {
    let descriptions = Path::new(env!("CARGO_MANIFEST_DIR")).join(DESCRIPTIONS);
    if !descriptions.is_dir() {
        println!("not validated: the descriptions of the APIs are not here");
        return;
    }
    if let Some(python) = Python::venv("listings", "tests/python/listings.txt") {
        python.run("tests/replay/validate_tests.py", &[], LIMIT);
        let arguments = [&descriptions, plan, outcomes].map(|it| it.to_str().unwrap());
        print!("{}", python.run("tests/replay/validate.py", &arguments, LIMIT));
    }
}

fn read(plan: &Path) -> Vec<Exchange> {
    let lines = BufReader::new(File::open(plan).unwrap()).lines();
    let lines = lines.map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap());
    let played = lines.filter(|line| line.get("skipped").is_none());
    let exchanges: Vec<_> = played.map(|line| serde_json::from_value(line).unwrap()).collect();
    assert!(!exchanges.is_empty(), "there are recordings, and none in a client's dialect");
    exchanges
}

fn write(path: &Path, outcomes: Vec<replay::Outcome>) {
    let mut out = BufWriter::new(File::create(path).unwrap());
    for outcome in outcomes {
        serde_json::to_writer(&mut out, &outcome).unwrap();
        out.write_all(b"\n").unwrap();
    }
    out.flush().unwrap();
}

/// Python in this judge's directory; it borrows from the other one's.
fn python(program: &str) -> Command {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut python = Command::new("python3");
    python.current_dir(here.join("replay")).arg(program);
    python.env("PYTHONPATH", here.join("corpus/judge"));
    python.env("PYTHONDONTWRITEBYTECODE", "1").stdin(Stdio::null());
    python
}
