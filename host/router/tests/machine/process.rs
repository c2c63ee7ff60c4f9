//! The binary as a process of its own, under conditions that a shell sets.

use plugway_simulator::Simulator;
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(60);

/// What a router is started with.
pub(crate) struct Start<'a> {
    /// Shell commands before the binary takes the shell's place.
    pub(crate) shell: &'a str,
    /// Besides the credential and the cache that all tests share.
    pub(crate) environment: &'a [(&'a str, &'a str)],
    /// Arguments behind those that every router needs.
    pub(crate) arguments: &'a [&'a str],
    /// Further configuration.
    pub(crate) toml: &'a str,
}

impl Default for Start<'_> {
    fn default() -> Self {
        Self { shell: ":", environment: &[], arguments: &[], toml: "" }
    }
}

/// A router process; ended when this is dropped.
pub(crate) struct Process {
    child: Child,
    log: Arc<Mutex<String>>,
    /// Its working directory, with its configuration.
    _directory: TempDir,
}

impl Start<'_> {
    /// Starts a router whose model `test/model` is served by `simulator`.
    pub(crate) fn run(&self, simulator: &Simulator) -> Process {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("router.toml");
        let toml = format!(
            "{}\n[providers.sim]\nadapter = \"openai\"\nbase_url = \"{}\"\napi_key_env = \"TEST_KEY\"\n\
             [models.\"test/model\"]\n[[models.\"test/model\".endpoints]]\nprovider = \"sim\"\n\
             model = \"sim\"\nprice = {{ prompt = 1.0, completion = 2.0 }}\n",
            self.toml,
            simulator.base_url(),
        );
        std::fs::write(&file, toml).unwrap();
        world_readable(directory.path());
        let cache = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/test-code-cache");
        let mut child = Command::new("sh")
            .args(["-c", &format!("{}; exec \"$0\" \"$@\"", self.shell)])
            .args([env!("CARGO_BIN_EXE_plugway"), "serve", "--config", file.to_str().unwrap()])
            .args(self.arguments)
            .args(if self.arguments.contains(&"--listen") {
                &[][..]
            } else {
                &["--listen", "127.0.0.1:0"]
            })
            .env_clear()
            .envs([("PATH", env!("PATH")), ("TEST_KEY", "sk-any"), ("XDG_CACHE_HOME", cache)])
            .envs(self.environment.iter().copied())
            .current_dir(directory.path())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        let (stderr, lines) = (child.stderr.take().unwrap(), log.clone());
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                lines.lock().unwrap().push_str(&(line + "\n"));
            }
        });
        Process { child, log, _directory: directory }
    }
}

impl Process {
    /// What it has logged so far.
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits until the log holds `text`.
    pub(crate) fn wait_for(&mut self, text: &str) {
        let began = Instant::now();
        while !self.log().contains(text) {
            let ended = self.child.try_wait().unwrap();
            assert!(ended.is_none(), "it ended by itself: {}", self.log());
            assert!(began.elapsed() < PATIENCE, "`{text}` was never logged: {}", self.log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Where it listens, once it does.
    pub(crate) fn address(&mut self) -> SocketAddr {
        const SAID: &str = "listening on http://";
        self.wait_for(SAID);
        let log = self.log();
        let line = log.lines().find(|line| line.contains(SAID)).unwrap();
        line.rsplit("http://").next().unwrap().trim().parse().unwrap()
    }

    pub(crate) fn connect(&mut self) -> TcpStream {
        TcpStream::connect(self.address()).unwrap()
    }

    /// Sends a signal, by its name.
    pub(crate) fn signal(&self, name: &str) {
        let status =
            Command::new("kill").args(["-s", name, &self.id().to_string()]).status().unwrap();
        assert!(status.success());
    }

    /// Its exit code, once it has ended, and all that it logged.
    pub(crate) fn end(&mut self) -> (Option<i32>, String) {
        let began = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(began.elapsed() < PATIENCE, "it never ended: {}", self.log());
            std::thread::sleep(Duration::from_millis(10));
        };
        // The reader is done a moment after the writer.
        std::thread::sleep(Duration::from_millis(100));
        self.assert_no_panic();
        (status.code(), self.log())
    }

    pub(crate) fn assert_no_panic(&self) {
        let log = self.log();
        assert!(!log.contains("panicked"), "{log}");
    }

    /// Processor time that it has used, in hundredths of a second.
    pub(crate) fn ticks(&self) -> u64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.id())).unwrap();
        // Behind the name in parentheses, user and system time are the 12th and 13th.
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
        fields[11..13].iter().map(|it| it.parse::<u64>().unwrap()).sum()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if !std::thread::panicking() {
            self.assert_no_panic();
        }
    }
}

fn world_readable(directory: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(directory, std::fs::Permissions::from_mode(0o755)).unwrap();
}
