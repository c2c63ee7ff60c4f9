//! A program beside the tests, bounded in time, ended with its handle; and where a
//! program keeps the packages that it needs.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use crate::is_ci;

/// A running program. Dropping it ends it.
pub struct Program {
    name: String,
    child: Child,
    /// Never contended: the lock lets tests share a program.
    lines: Mutex<Receiver<String>>,
    stderr: File,
}

impl Program {
    /// Starts a command under a name that failures are told by.
    pub(crate) fn start(name: &str, command: &mut Command) -> Self {
        let stderr = tempfile::tempfile().unwrap();
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(stderr.try_clone().unwrap())
            .spawn()
            .unwrap();
        let lines = read_lines(child.stdout.take().unwrap());
        Self { name: name.to_owned(), child, lines: Mutex::new(lines), stderr }
    }

    /// The next line that it prints.
    ///
    /// # Panics
    /// When it ends before, or takes longer than `limit`.
    pub fn line(&mut self, limit: Duration) -> String {
        match self.lines.get_mut().unwrap().recv_timeout(limit) {
            Ok(line) => line,
            Err(RecvTimeoutError::Timeout) => self.fail("printed no line in time", ""),
            Err(RecvTimeoutError::Disconnected) => self.fail("ended", ""),
        }
    }

    pub(crate) fn finish(mut self, limit: Duration) -> String {
        let deadline = Instant::now() + limit;
        let mut printed = String::new();
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.lines.get_mut().unwrap().recv_timeout(left) {
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

/// Fills a directory below `target/` unless an earlier run left it for the same
/// `stamp`, one test process at a time.
pub(crate) fn installed(
    name: &str,
    stamp: &str,
    install: impl FnOnce(&Path) -> Result<(), String>,
) -> Result<PathBuf, String> {
    let directory = root().join("target").join(name);
    let stamped = directory.join("stamp");
    let lock = directory.with_extension("lock");
    let lock = File::create(&lock).and_then(|file| file.lock().map(|()| file));
    let _lock = lock.map_err(|error| error.to_string())?;
    if !fs::read_to_string(&stamped).is_ok_and(|found| found == stamp) {
        let _ = fs::remove_dir_all(&directory);
        install(&directory)?;
        fs::write(&stamped, stamp).map_err(|error| error.to_string())?;
    }
    Ok(directory)
}

/// Has a command see nothing of what a person set up here, and reach nothing but this
/// machine.
pub(crate) fn alone(command: &mut Command) -> &mut Command {
    // Nobody listens there.
    const NOWHERE: &str = "http://127.0.0.1:9";
    let path = std::env::var_os("PATH").unwrap_or_default();
    command
        .env_clear()
        .env("PATH", path)
        .env("HTTP_PROXY", NOWHERE)
        .env("HTTPS_PROXY", NOWHERE)
        .env("NO_PROXY", "127.0.0.1")
}

/// None, with a notice, where what `name` needs is not there.
///
/// # Panics
/// In place of the notice, where [`is_ci`].
pub(crate) fn or_skip<T>(name: &str, needed: &str, found: Result<T, String>) -> Option<T> {
    match found {
        Ok(found) => Some(found),
        Err(reason) if is_ci() => panic!("no {needed} for {name}: {reason}"),
        Err(reason) => {
            // Not by eprintln: the test runner would keep it to itself.
            let _ = writeln!(io::stderr(), "\nSKIPPED: {name} needs {needed}: {reason}");
            None
        }
    }
}

/// What a command printed, or why it failed.
pub(crate) fn output(command: &mut Command) -> Result<String, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|error| format!("{name}: {error}"))?;
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        false => Err(format!("{name}: {}", String::from_utf8_lossy(&output.stderr).trim())),
    }
}

/// The repository.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
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
