//! The administration does what its published description says, whatever it is sent: a
//! tool of others reads the description, and thinks of what to send.

use super::Office;
use plugway_routing::Clock;
use plugway_tests::Python;
use std::time::Duration;

/// Some thousand requests.
const LIMIT: Duration = Duration::from_secs(600);

const MASTER: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_is_as_it_is_described() {
    let Some(python) = Python::venv("described", "tests/python/described.txt") else { return };
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("master");
    std::fs::write(&file, MASTER).unwrap();
    let toml = format!("secrets.master_key_file = {file:?}\n");
    let office = Office::open_at(&toml, Clock::machine()).await;
    let address = format!("http://{}", office.router.address());
    let key = office.manager.clone();
    let run = move || python.run("tests/python/described.py", &[&address, &key], LIMIT);
    let printed = tokio::task::spawn_blocking(run).await.unwrap();
    assert!(printed.contains("No issues found"), "{printed}");
}
