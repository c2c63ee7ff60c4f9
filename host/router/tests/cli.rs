//! The binary, as it is started.

#![allow(clippy::unwrap_used, reason = "a test may end with any error")]

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Output, Stdio};

/// The binary in an empty environment and directory.
fn plugway(arguments: &[&str], environment: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_plugway"));
    command.args(arguments).env_clear().envs(environment.iter().copied());
    command
}

fn run(arguments: &[&str], environment: &[(&str, &str)]) -> (Output, String) {
    let directory = tempfile::tempdir().unwrap();
    let output = plugway(arguments, environment).current_dir(directory.path()).output().unwrap();
    let text = [&*output.stdout, &*output.stderr].concat();
    (output, String::from_utf8(text).unwrap())
}

#[test]
fn check_prints_every_mistake_with_its_place_and_remedy() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("plugway.toml");
    let toml = "[server]\nlisten = \"nowhere\"\nmax_bodi = \"1MiB\"\n\n[providers.x]\nbase_ulr = \"ftp://x\"\n";
    std::fs::write(&file, toml).unwrap();
    let (output, text) = run(&["check", "--config", file.to_str().unwrap()], &[]);
    assert_eq!(output.status.code(), Some(1), "{text}");
    for said in ["plugway.toml:2:", "plugway.toml:3:", "max_body", "plugway.toml:6:", "base_url"] {
        assert!(text.contains(said), "{said} is not in\n{text}");
    }
}

#[test]
fn check_tells_what_would_be_served_but_no_secret() {
    let secret = "sk-0123456789-very-secret";
    let (output, text) = run(&["check"], &[("OPENAI_API_KEY", secret)]);
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(text.contains("openai"), "{text}");
    assert!(!text.contains(secret), "{text}");
}

#[test]
fn serve_without_anything_says_what_to_do() {
    let (output, text) = run(&["serve"], &[]);
    assert_eq!(output.status.code(), Some(1), "{text}");
    for said in ["OPENAI_API_KEY", "ANTHROPIC_API_KEY", "plugway demo"] {
        assert!(text.contains(said), "{said} is not in\n{text}");
    }
}

#[test]
fn serve_turns_on_the_providers_whose_variables_are_set_and_ends_when_asked() {
    let cache = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/test-code-cache");
    let directory = tempfile::tempdir().unwrap();
    let environment = [("ANTHROPIC_API_KEY", "sk-any"), ("XDG_CACHE_HOME", cache)];
    let mut process = plugway(&["serve", "--listen", "127.0.0.1:0"], &environment)
        .current_dir(directory.path())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut log = BufReader::new(process.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("listening on http://127.0.0.1:") {
        line.clear();
        assert_ne!(log.read_line(&mut line).unwrap(), 0, "it ended by itself");
    }
    let status = Command::new("kill").arg(process.id().to_string()).status().unwrap();
    assert!(status.success());
    let mut rest = String::new();
    log.read_to_string(&mut rest).unwrap();
    assert_eq!(process.wait().unwrap().code(), Some(0), "{rest}");
    assert!(!rest.contains("sk-any"), "{rest}");
}
