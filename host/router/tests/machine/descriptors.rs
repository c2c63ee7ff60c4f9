//! Too few descriptors: at start, and while serving.

use crate::http::{chat, get};
use crate::process::{Process, Start};
use plugway_simulator::{Behaviour, Kind, Simulator};
use std::process::Command;
use std::time::{Duration, Instant};

#[test]
fn a_limit_that_nothing_can_be_served_within_is_named_at_start() {
    let simulator = Simulator::start(Kind::OpenAi, Behaviour::new()).unwrap();
    let mut process = Start { shell: "ulimit -n 20", ..Start::default() }.run(&simulator);
    let (code, log) = process.end();
    assert_eq!(code, Some(1), "{log}");
    for said in ["20 files and sockets", "at least 40", "ulimit -n"] {
        assert!(log.contains(said), "{said} is not in\n{log}");
    }
}

#[test]
fn a_soft_limit_is_raised_to_the_hard_one() {
    let simulator = Simulator::start(Kind::OpenAi, Behaviour::new()).unwrap();
    let shell = "ulimit -Sn 20; ulimit -Hn 600";
    let mut process = Start { shell, ..Start::default() }.run(&simulator);
    let metrics = get(&mut process.connect(), "/metrics").body;
    assert!(metrics.contains("plugway_capacity{resource=\"descriptors\"} 600"), "{metrics}");
}

#[test]
fn few_descriptors_serve_few_requests_and_turn_the_others_away() {
    let slow = Behaviour::new().head_delay_ms(300);
    let simulator = Simulator::start(Kind::OpenAi, slow).unwrap();
    let mut process = Start { shell: "ulimit -n 40", ..Start::default() }.run(&simulator);
    let address = process.address();
    let clients: Vec<_> = (0..60)
        .map(|_| {
            std::thread::spawn(move || chat(&mut std::net::TcpStream::connect(address).unwrap()))
        })
        .collect();
    let (mut served, mut shed) = (0, 0);
    for client in clients {
        let answer = client.join().unwrap();
        match answer.status {
            200 => served += 1,
            503 => {
                assert!(answer.head.contains("\r\nretry-after: "), "{answer:?}");
                assert!(answer.body.contains("\"overloaded\""), "{answer:?}");
                shed += 1;
            }
            _ => panic!("{answer:?}"),
        }
    }
    assert!(served > 0 && shed > 0, "{served} served, {shed} shed");
    assert_eq!(chat(&mut process.connect()).status, 200);
    let log = process.log();
    assert!(!log.contains("no descriptor is left") && !log.contains("can be accepted"), "{log}");
}

/// Sets how many descriptors `process` may have from now on.
fn allow(process: &Process, descriptors: u32) {
    let limit = format!("--nofile={descriptors}:64");
    let status =
        Command::new("prlimit").args(["--pid", &process.id().to_string(), &limit]).status();
    assert!(status.unwrap().success());
}

#[test]
fn descriptors_that_run_out_cost_requests_and_nothing_else() {
    let simulator = Simulator::start(Kind::OpenAi, Behaviour::new()).unwrap();
    let mut process = Start { shell: "ulimit -n 64", ..Start::default() }.run(&simulator);
    let mut connection = process.connect();
    assert_eq!(get(&mut connection, "/healthz").status, 200);
    allow(&process, 1);

    let refused = chat(&mut connection);
    assert_eq!(refused.status, 503, "{refused:?}");
    assert!(refused.body.contains("\"overloaded\""), "{refused:?}");
    assert!(refused.head.contains("\r\nretry-after: "), "{refused:?}");
    assert_eq!(get(&mut connection, "/metrics").status, 200);

    // The next client waits, and nobody spins for it.
    let mut waiting = process.connect();
    process.wait_for("no further connection can be accepted for now");
    let (began, before) = (Instant::now(), process.ticks());
    std::thread::sleep(Duration::from_secs(1));
    let used = Duration::from_millis((process.ticks() - before) * 10);
    assert!(used < began.elapsed() / 2, "{used:?}");

    allow(&process, 64);
    assert_eq!(chat(&mut waiting).status, 200);
    assert_eq!(chat(&mut connection).status, 200);
    process.assert_no_panic();
}
