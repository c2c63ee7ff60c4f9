//! Python programs as test partners: each set of pinned packages in an
//! environment of its own below `target/`, each program bounded in time.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use crate::is_ci;

/// A Python interpreter that has the packages that a program needs.
pub struct Python {
    interpreter: PathBuf,
}

/// A running program. Dropping it ends it.
pub struct Program {
    name: String,
    child: Child,
    lines: Receiver<String>,
    stderr: File,
}

impl Python {
    /// The environment `name` with the packages of a requirements file, made
    /// unless an earlier run left it. The file lists everything: dependencies
    /// are not looked for.
    ///
    /// None, with a notice, where there is no Python or no package.
    ///
    /// # Panics
    /// In place of the notice, where [`is_ci`].
    pub fn venv(name: &str, requirements: &str) -> Option<Self> {
        match Self::make(name, &root().join(requirements)) {
            Ok(python) => Some(python),
            Err(reason) if is_ci() => panic!("no Python for {name}: {reason}"),
            Err(reason) => {
                // Not by eprintln: the test runner would keep it to itself.
                let _ = writeln!(io::stderr(), "\nSKIPPED: {name} needs Python: {reason}");
                None
            }
        }
    }

    fn make(name: &str, requirements: &Path) -> Result<Self, String> {
        let wanted = fs::read_to_string(requirements).map_err(|error| error.to_string())?;
        let identity = "import sys; print(sys.executable, sys.version)";
        let identity = output(Command::new("python3").args(["-c", identity]))?;
        let stamp = format!("{identity}{wanted}");
        let directory = root().join("target").join(format!("test-venv-{name}"));
        let stamped = directory.join("stamp");
        // Several test processes may want it at once.
        let lock = directory.with_extension("lock");
        let lock = File::create(&lock).and_then(|file| file.lock().map(|()| file));
        let _lock = lock.map_err(|error| error.to_string())?;
        let python = Self { interpreter: directory.join("bin/python") };
        if fs::read_to_string(&stamped).is_ok_and(|found| found == stamp) {
            return Ok(python);
        }
        let _ = fs::remove_dir_all(&directory);
        output(Command::new("python3").args(["-m", "venv"]).arg(&directory))?;
        let install = ["-m", "pip", "install", "--quiet", "--no-deps", "-r"];
        output(Command::new(&python.interpreter).args(install).arg(requirements))?;
        fs::write(&stamped, stamp).map_err(|error| error.to_string())?;
        Ok(python)
    }

    /// Starts a script, by its path in the repository.
    pub fn start(&self, script: &str, arguments: &[&str]) -> Program {
        let stderr = tempfile::tempfile().unwrap();
        let mut child = Command::new(&self.interpreter)
            .args(["-I", "-B"])
            .arg(root().join(script))
            .args(arguments)
            // What is tested is on this machine, and not what a person set up here.
            .env("NO_PROXY", "127.0.0.1")
            .env_remove("OPENAI_API_KEY")
            .env_remove("OPENAI_ORG_ID")
            .env_remove("OPENAI_PROJECT_ID")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(stderr.try_clone().unwrap())
            .spawn()
            .unwrap();
        let lines = read_lines(child.stdout.take().unwrap());
        Program { name: script.to_owned(), child, lines, stderr }
    }

    /// Runs a script to its end and returns what it printed.
    ///
    /// # Panics
    /// When it fails, or runs for longer than `limit`.
    pub fn run(&self, script: &str, arguments: &[&str], limit: Duration) -> String {
        self.start(script, arguments).finish(limit)
    }
}

impl Program {
    /// The next line that it prints.
    ///
    /// # Panics
    /// When it ends before, or takes longer than `limit`.
    pub fn line(&mut self, limit: Duration) -> String {
        match self.lines.recv_timeout(limit) {
            Ok(line) => line,
            Err(RecvTimeoutError::Timeout) => self.fail("printed no line in time", ""),
            Err(RecvTimeoutError::Disconnected) => self.fail("ended", ""),
        }
    }

    fn finish(mut self, limit: Duration) -> String {
        let deadline = Instant::now() + limit;
        let mut printed = String::new();
        loop {
            match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => {
                    printed.push_str(&line);
                    printed.push('\n');
                }
                Err(RecvTimeoutError::Timeout) => self.fail("did not end in time", &printed),
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        if !self.child.wait().unwrap().success() {
            self.fail("failed", &printed);
        }
        printed
    }

    fn fail(&mut self, how: &str, printed: &str) -> ! {
        let _ = self.child.kill();
        let mut stderr = Vec::new();
        self.stderr.rewind().unwrap();
        self.stderr.read_to_end(&mut stderr).unwrap();
        panic!("{} {how}\n{printed}{}", self.name, String::from_utf8_lossy(&stderr));
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The lines as they come; the channel closes with the pipe.
fn read_lines(stdout: ChildStdout) -> Receiver<String> {
    let (sender, lines) = channel();
    thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    lines
}

/// What a command printed, or why it failed.
fn output(command: &mut Command) -> Result<String, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|error| format!("{name}: {error}"))?;
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        false => Err(format!("{name}: {}", String::from_utf8_lossy(&output.stderr).trim())),
    }
}

/// The repository.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}
