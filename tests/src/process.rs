//! A router in a process of its own, for what can be told of a process alone: its
//! memory, its descriptors, its signals.

use crate::{Client, KEY, binary};
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use tempfile::TempDir;

/// The real binary, serving. Dropping it ends it.
pub struct RouterProcess {
    child: Child,
    home: TempDir,
    address: SocketAddr,
    stderr: Arc<Mutex<String>>,
}

impl RouterProcess {
    /// Starts it with this configuration, an empty plugins directory, a code cache
    /// of its own, and `TEST_KEY` in its environment.
    pub fn start(toml: &str) -> Self {
        let home = TempDir::new().unwrap();
        fs::create_dir(home.path().join("plugins")).unwrap();
        fs::write(home.path().join("plugway.toml"), toml).unwrap();
        let mut child = Command::new(binary())
            .args(["serve", "--listen", "127.0.0.1:0"])
            .current_dir(home.path())
            .env_clear()
            .env("HOME", home.path())
            .env("TEST_KEY", KEY)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stderr = Arc::new(Mutex::new(String::new()));
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut address = None;
        while address.is_none() {
            let line = lines.next().expect("it ended before it listened").unwrap();
            address = line.split_once("listening on http://").map(|(_, at)| at.parse().unwrap());
            keep(&stderr, &line);
        }
        let kept = Arc::clone(&stderr);
        // Read to its end: a full pipe would stop the router.
        thread::spawn(move || lines.map_while(Result::ok).for_each(|line| keep(&kept, &line)));
        Self { child, home, address: address.unwrap(), stderr }
    }

    /// A client of this router.
    pub fn client(&self) -> Client {
        Client::new(self.address)
    }

    /// Where plugins are dropped.
    pub fn plugins(&self) -> PathBuf {
        self.home.path().join("plugins")
    }

    /// The file that configures it.
    pub fn config_file(&self) -> PathBuf {
        self.home.path().join("plugway.toml")
    }

    /// Sends it a signal, by its name without `SIG`.
    pub fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
    }

    /// What it has written to its log so far.
    pub fn log(&self) -> String {
        self.stderr.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Descriptors that it has open.
    pub fn descriptors(&self) -> usize {
        fs::read_dir(format!("/proc/{}/fd", self.child.id())).unwrap().count()
    }

    /// Its threads by name, and how long each has been on a processor, nanoseconds.
    pub fn threads(&self) -> Vec<(String, u64)> {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.child.id())).unwrap();
        let of_task = |task: std::io::Result<fs::DirEntry>| {
            let path = task.ok()?.path();
            // It may have ended meanwhile.
            let name = fs::read_to_string(path.join("comm")).ok()?;
            let times = fs::read_to_string(path.join("schedstat")).ok()?;
            Some((name.trim().to_owned(), times.split(' ').next()?.parse().ok()?))
        };
        tasks.filter_map(of_task).collect()
    }

    /// Memory that is its own alone, bytes.
    pub fn memory_bytes(&self) -> u64 {
        let rollup = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = rollup.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
    }
}

fn keep(stderr: &Mutex<String>, line: &str) {
    let mut stderr = stderr.lock().unwrap_or_else(PoisonError::into_inner);
    stderr.push_str(line);
    stderr.push('\n');
}

impl Drop for RouterProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
