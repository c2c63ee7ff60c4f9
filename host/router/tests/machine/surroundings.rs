//! Ports in use, clocks that step, logs that nobody reads, signals.

use crate::http::{chat, read, send_chat};
use crate::process::Start;
use plugway_simulator::{Behaviour, Kind, Simulator};
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);

#[test]
fn a_port_in_use_is_named_with_its_remedy() {
    let simulator = Simulator::start(Kind::OpenAi, Behaviour::new()).unwrap();
    let taken = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let arguments = ["--listen", &address];
    let mut process = Start { arguments: &arguments, ..Start::default() }.run(&simulator);
    let (code, log) = process.end();
    assert_eq!(code, Some(1), "{log}");
    for said in [&*address, "choose another with --listen", "in use"] {
        assert!(log.contains(said), "{said} is not in\n{log}");
    }
}

#[test]
fn an_address_space_too_small_for_plugins_is_named() {
    let simulator = Simulator::start(Kind::OpenAi, Behaviour::new()).unwrap();
    let shell = "ulimit -v 8000000";
    let mut process = Start { shell, ..Start::default() }.run(&simulator);
    let (code, log) = process.end();
    assert_eq!(code, Some(1), "{log}");
    assert_eq!(log.matches("ulimit -v").count(), 1, "{log}");
}

#[test]
fn a_smaller_address_space_holds_fewer_requests() {
    let simulator = Simulator::start(Kind::OpenAi, Behaviour::new()).unwrap();
    let shell = "ulimit -v 300000000";
    let mut process = Start { shell, ..Start::default() }.run(&simulator);
    assert_eq!(chat(&mut process.connect()).status, 200);
    assert!(process.log().contains("holds fewer plugin instances"), "{}", process.log());
}

#[test]
fn a_log_that_nobody_reads_is_lost_and_requests_are_not() {
    let simulator = Simulator::start(Kind::OpenAi, Behaviour::new()).unwrap();
    // The first reader takes what says where it listens and goes away; then
    // there is none, and then stderr is no file at all.
    let fifo = "mkfifo log; (grep -m1 listening <log >&2) & exec 2>log";
    let mut process = Start { shell: fifo, ..Start::default() }.run(&simulator);
    let mut connection = process.connect();
    for _ in 0..20 {
        assert_eq!(chat(&mut connection).status, 200);
    }
    let address = free_address();
    let arguments = ["--listen", &address];
    let process =
        Start { shell: "exec 2>&-", arguments: &arguments, ..Start::default() }.run(&simulator);
    let mut connection = connect_patiently(&address);
    for _ in 0..20 {
        assert_eq!(chat(&mut connection).status, 200);
    }
    drop(process);
}

fn free_address() -> String {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().to_string()
}

fn connect_patiently(address: &str) -> std::net::TcpStream {
    for _ in 0..600 {
        if let Ok(connection) = std::net::TcpStream::connect(address) {
            return connection;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    panic!("nobody listens on {address}");
}

#[test]
fn streams_under_way_are_finished_after_a_signal_to_end() {
    let slow = Behaviour::new().tokens_per_second(20).completion_tokens(20);
    let simulator = Simulator::start(Kind::OpenAi, slow).unwrap();
    let mut process = Start::default().run(&simulator);
    let mut streams: Vec<_> = (0..5).map(|_| process.connect()).collect();
    for stream in &mut streams {
        send_chat(stream, true);
        // The head is here: it streams.
        let mut byte = [0];
        stream.peek(&mut byte).unwrap();
    }
    process.signal("TERM");
    for stream in &mut streams {
        let answer = read(stream);
        assert_eq!(answer.status, 200);
        assert!(answer.body.ends_with("data: [DONE]\n\n"), "{answer:?}");
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).unwrap();
        assert!(rest.is_empty());
    }
    let (code, log) = process.end();
    assert_eq!(code, Some(0), "{log}");
}

/// The library that lies about the time; none where it is not installed.
pub(crate) fn faketime() -> Option<String> {
    let found = ["x86_64", "aarch64"]
        .map(|machine| format!("/usr/lib/{machine}-linux-gnu/faketime/libfaketimeMT.so.1"))
        .into_iter()
        .find(|path| std::path::Path::new(path).exists());
    let is_ci = std::env::var_os("CI").is_some_and(|value| value == "true");
    assert!(found.is_some() || !is_ci, "the package faketime is not installed");
    found
}

#[test]
fn a_clock_that_steps_by_a_year_disturbs_no_request() {
    let Some(library) = faketime() else {
        // Not by println: the test runner would keep it to itself.
        let _ =
            writeln!(std::io::stderr(), "\nSKIPPED: the clock's steps need the package faketime");
        return;
    };
    let slow = Behaviour::new().tokens_per_second(50).completion_tokens(60);
    let simulator = Simulator::start(Kind::OpenAi, slow).unwrap();
    let scratch = tempfile::tempdir().unwrap();
    let file = scratch.path().join("time");
    let set = |time: SystemTime| {
        // It stands still, which is a clock's worst behaviour but for stepping.
        let seconds = time.duration_since(UNIX_EPOCH).unwrap().as_secs();
        let next = scratch.path().join("next");
        std::fs::write(&next, format!("{}\n", calendar(seconds))).unwrap();
        std::fs::rename(&next, &file).unwrap();
    };
    let now = SystemTime::now();
    set(now);
    let environment = [
        ("LD_PRELOAD", &*library),
        ("FAKETIME_TIMESTAMP_FILE", file.to_str().unwrap()),
        ("FAKETIME_NO_CACHE", "1"),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
        ("TZ", "UTC"),
    ];
    let toml = "[plugins]\nrescan_interval = \"100ms\"";
    let mut process = Start { environment: &environment, toml, ..Start::default() }.run(&simulator);
    let mut stream = process.connect();
    send_chat(&mut stream, true);
    let mut connection = process.connect();
    for step in [now + YEAR, now - YEAR, UNIX_EPOCH + YEAR, now + YEAR, now] {
        set(step);
        let answer = chat(&mut connection);
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    let streamed = read(&mut stream);
    assert!(streamed.body.ends_with("data: [DONE]\n\n"), "{streamed:?}");
    // The steps were seen.
    let year = |time| calendar(time).split('-').next().unwrap().to_owned();
    let seconds = (now + YEAR).duration_since(UNIX_EPOCH).unwrap().as_secs();
    assert!(process.log().contains(&year(seconds)) && process.log().contains("1971-"));
}

/// As `date` writes it, in UTC.
pub(crate) fn calendar(seconds: u64) -> String {
    let date = std::process::Command::new("date")
        .args(["-u", "+%Y-%m-%d %H:%M:%S", "-d", &format!("@{seconds}")])
        .output()
        .unwrap();
    String::from_utf8(date.stdout).unwrap().trim().to_owned()
}
