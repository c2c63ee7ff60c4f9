//! Compiling, which is the one thing that a hostile component can make expensive
//! before it ever runs: in a process of its own, which has little priority, a
//! bound on its memory and a bound on its time, and whose end harms nobody.
//!
//! The process is this very program, asked by its command line to call
//! [`compile_here`]: component on standard input, compiled code on standard output.

use std::fmt;
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::engine;
use crate::error::{LoadErrorKind, chain};
use crate::limits::Limits;
use crate::spoken;

/// Compiled code that this program has compiled: what may be run without a doubt
/// that the compiler's checks were made. Made here and nowhere else.
pub(crate) struct Compiled(Vec<u8>);

impl Compiled {
    pub(crate) fn code(&self) -> &[u8] {
        &self.0
    }
}

/// Who compiles.
#[derive(Clone, Debug, Default)]
pub enum Compiler {
    /// The calling thread, without bounds: for components that are trusted, and for
    /// systems without processes.
    #[default]
    InProcess,
    /// A process for each component.
    Child {
        /// This very program: what it prints is run as native code.
        program: PathBuf,
        /// Make it call [`compile_here`].
        arguments: Vec<String>,
    },
}

/// Code is larger than its component by no more than this.
const MAX_EXPANSION: u64 = 64;

/// Code that any component may have, and that none may exceed, bytes.
const CODE_BYTES: (u64, u64) = (32 << 20, 512 << 20);

/// What one component may be, whatever the limit for files, bytes.
const MAX_INPUT_BYTES: u64 = 1 << 30;

/// What a compiler may say, bytes.
const MAX_MESSAGE_BYTES: u64 = 4 << 10;

/// The exit code of a process that looked at the component and refused it.
const REFUSED: i32 = 3;

/// What a process says that got no more memory: Rust's allocator, the system, the
/// compiler.
const OUT_OF_MEMORY: [&str; 3] =
    ["memory allocation of", "Cannot allocate memory", "out of memory"];

/// Lets so many compile at once; others wait.
pub(crate) struct Places {
    free: Mutex<usize>,
    freed: Condvar,
}

/// A place to compile in, until it is dropped.
struct Place<'a>(&'a Places);

impl Places {
    pub(crate) fn new(count: usize) -> Self {
        Self { free: Mutex::new(count.max(1)), freed: Condvar::new() }
    }

    fn take(&self) -> Place<'_> {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let free = self.freed.wait_while(free, |free| *free == 0);
        *free.unwrap_or_else(PoisonError::into_inner) -= 1;
        Place(self)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        *self.0.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.0.freed.notify_one();
    }
}

impl Compiler {
    /// Compiles a component for `engine`. Blocks for seconds.
    pub(crate) fn compile(
        &self,
        engine: &wasmtime::Engine,
        places: &Places,
        limits: &Limits,
        wasm: &[u8],
    ) -> Result<Compiled, LoadErrorKind> {
        let _place = places.take();
        match self {
            Self::InProcess => match engine.precompile_component(wasm) {
                Ok(code) => Ok(Compiled(code)),
                Err(error) => Err(LoadErrorKind::Invalid(chain(&error))),
            },
            Self::Child { program, arguments } => {
                let mut command = Command::new(program);
                command
                    .args(arguments)
                    .args(["--memory", &limits.max_compile_memory_bytes.to_string()]);
                command.args(["--seconds", &limits.compile_timeout.as_secs().max(1).to_string()]);
                run(command, limits, wasm).map(Compiled)
            }
        }
    }
}

/// Has a process compile, and waits for it as long as it may take.
fn run(mut command: Command, limits: &Limits, wasm: &[u8]) -> Result<Vec<u8>, LoadErrorKind> {
    let trouble = |error: io::Error| LoadErrorKind::Compiler(error.to_string());
    // It needs nothing of this process: no secret of the environment, no directory.
    command.env_clear().current_dir("/");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = Running(command.spawn().map_err(trouble)?);
    let (stdin, stdout, stderr) =
        (child.0.stdin.take(), child.0.stdout.take(), child.0.stderr.take());
    thread::scope(|scope| {
        let most = (wasm.len() as u64).saturating_mul(MAX_EXPANSION);
        let most = most.clamp(CODE_BYTES.0, CODE_BYTES.1);
        // A byte more than may be shows that it was cut.
        let (code, message) = (read(stdout, most + 1), read(stderr, MAX_MESSAGE_BYTES));
        let deadline = Instant::now() + limits.compile_timeout;
        scope.spawn(move || {
            // A process that stopped reading has said why.
            let _ = stdin.map(|mut stdin| stdin.write_all(wasm));
        });
        let ended = code.recv_timeout(limits.compile_timeout);
        if ended == Err(RecvTimeoutError::Timeout) {
            child.end();
            return Err(LoadErrorKind::CompileTimeout { limit: limits.compile_timeout });
        }
        let Some(status) = child.wait_until(deadline).map_err(trouble)? else {
            return Err(LoadErrorKind::CompileTimeout { limit: limits.compile_timeout });
        };
        let code = ended.unwrap_or_default();
        if code.len() as u64 > most {
            return Err(LoadErrorKind::TooMany {
                what: "bytes of code",
                count: most + 1,
                limit: most,
            });
        }
        if status.success() && !code.is_empty() {
            return Ok(code);
        }
        let message = message.recv_timeout(limits.compile_timeout).unwrap_or_default();
        Err(explain(status, &String::from_utf8_lossy(&message), limits))
    })
}

/// What a pipe yields until it is closed, or has yielded too much.
fn read(pipe: Option<impl Read + Send + 'static>, limit: u64) -> Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::sync_channel(1);
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(pipe) = pipe {
            // What came before an error is all there is.
            let _ = pipe.take(limit).read_to_end(&mut bytes);
        }
        let _ = sender.send(bytes);
    });
    receiver
}

fn explain(status: ExitStatus, message: &str, limits: &Limits) -> LoadErrorKind {
    if status.code() == Some(REFUSED) {
        return LoadErrorKind::Invalid(spoken::sentence(message.trim()));
    }
    if OUT_OF_MEMORY.iter().any(|words| message.contains(words)) {
        return LoadErrorKind::CompileMemory { limit_bytes: limits.max_compile_memory_bytes };
    }
    #[cfg(unix)]
    {
        use std::os::unix::process::ExitStatusExt as _;
        if status.signal() == Some(rustix::process::Signal::XCPU.as_raw()) {
            return LoadErrorKind::CompileTimeout { limit: limits.compile_timeout };
        }
    }
    LoadErrorKind::Compiler(spoken::sentence(&format!("{status} {}", message.trim())))
}

/// A process that does not outlive whoever waits for it.
struct Running(Child);

impl Running {
    /// Waits for its end; none if that does not come in time. Its output has ended, so
    /// that there is next to nothing to wait for.
    fn wait_until(&mut self, deadline: Instant) -> io::Result<Option<ExitStatus>> {
        loop {
            match self.0.try_wait()? {
                Some(status) => return Ok(Some(status)),
                None if Instant::now() >= deadline => return Ok(None),
                None => thread::sleep(Duration::from_millis(1)),
            }
        }
    }

    fn end(&mut self) {
        // Fails on a process that has ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end();
    }
}

/// The other side: bounds this process, compiles what `input` yields and writes the
/// code to `output`. The process is of no other use afterwards.
///
/// # Errors
/// What is wrong with the component, for the exit code [`CompileFailed::exit_code`].
pub fn compile_here(
    memory_bytes: u64,
    seconds: u64,
    input: impl Read,
    mut output: impl Write,
) -> Result<(), CompileFailed> {
    bound(memory_bytes, seconds).map_err(|error| CompileFailed::trouble(&error))?;
    let engine = engine::for_compiling().map_err(|error| CompileFailed::trouble(&error))?;
    let mut wasm = Vec::new();
    input.take(MAX_INPUT_BYTES).read_to_end(&mut wasm).map_err(|e| CompileFailed::trouble(&e))?;
    let code = engine.precompile_component(&wasm);
    let code = code.map_err(|error| CompileFailed { message: chain(&error), refused: true })?;
    output
        .write_all(&code)
        .and_then(|()| output.flush())
        .map_err(|error| CompileFailed::trouble(&error))
}

/// Why a component was not compiled.
#[derive(Debug)]
pub struct CompileFailed {
    message: String,
    refused: bool,
}

impl CompileFailed {
    fn trouble(error: &dyn fmt::Display) -> Self {
        Self { message: error.to_string(), refused: false }
    }

    /// Tells the waiting side whether the component is to blame.
    pub fn exit_code(&self) -> u8 {
        if self.refused { REFUSED as u8 } else { 1 }
    }
}

impl fmt::Display for CompileFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// Leaves this process little, and little priority.
#[cfg(unix)]
fn bound(memory_bytes: u64, seconds: u64) -> io::Result<()> {
    use rustix::process::{Resource, Rlimit, setrlimit};

    give_way();
    // The second between tells a process that ran out of time from one that was killed.
    let time = Rlimit { current: Some(seconds), maximum: Some(seconds.saturating_add(1)) };
    setrlimit(Resource::Cpu, time)?;
    // A core file would hold the component, and this needs no other file.
    for (resource, limit) in
        [(Resource::As, memory_bytes), (Resource::Core, 0), (Resource::Fsize, 0)]
    {
        setrlimit(resource, Rlimit { current: Some(limit), maximum: Some(limit) })?;
    }
    Ok(())
}

#[cfg(not(unix))]
fn bound(_memory_bytes: u64, _seconds: u64) -> io::Result<()> {
    Ok(())
}

/// Lets traffic go first: on Linux the calling thread, where niceness is of threads;
/// elsewhere nothing, for it would be the process.
pub(crate) fn give_way() {
    /// A tenth of what a thread without niceness gets beside it: traffic is hardly
    /// slowed, and a plugin dropped into a busy router still loads within seconds.
    #[cfg(target_os = "linux")]
    const NICE: i32 = 10;
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::nice(NICE) {
        tracing::debug!(%error, "loading plugins has the priority of traffic");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_compile_at_once_than_there_are_places() {
        use std::sync::atomic::{AtomicUsize, Ordering};

        let places = Places::new(2);
        let (now, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let _place = places.take();
                    most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    thread::yield_now();
                    now.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        assert!((1..=2).contains(&most.load(Ordering::SeqCst)));
        assert_eq!(*places.free.lock().unwrap(), 2);
    }

    #[cfg(unix)]
    #[test]
    fn a_compiler_that_fails_is_explained() {
        let limits =
            Limits { compile_timeout: std::time::Duration::from_millis(200), ..Limits::default() };
        let check = |script: &str, expected: &str| {
            let mut command = Command::new("/bin/sh");
            command.args(["-c", script]);
            let error = run(command, &limits, b"component").unwrap_err().to_string();
            assert!(error.contains(expected), "{script}: {error}");
        };
        check("echo 'unknown section' >&2; exit 3", "component (unknown section)");
        check(
            "cat >/dev/null; echo 'memory allocation of 9 bytes failed' >&2; kill -ABRT $$",
            "`max_compile_memory`",
        );
        check("kill -XCPU $$", "`compile_timeout`");
        check("exec sleep 60", "`compile_timeout`");
        check("kill -SEGV $$", "could not be compiled (signal: 11");
        check("exit 0", "could not be compiled");
        let missing = run(Command::new("/nonexistent"), &limits, b"").unwrap_err();
        assert!(matches!(missing, LoadErrorKind::Compiler(_)), "{missing}");
    }
}
