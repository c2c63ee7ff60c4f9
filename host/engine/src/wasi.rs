//! An inert WASI: what the standard library of a guest drags in, and nothing
//! that reaches the machine. No directories, no environment, no sockets; output
//! goes to the log; clocks answer the call's time and randomness its seed; poll
//! never waits, because a guest asleep in the host would outlive its deadline.
//!
//! What is not here traps with its name when it is called. The types are those of
//! `wasmtime-wasi`, generated from WASI's own definitions; none of its behaviour
//! is used, and its handles are numbers here, with nothing behind them.

use wasmtime::component::{LinkerInstance, Resource, ResourceType};
use wasmtime::{Result, StoreContextMut, bail};
use wasmtime_wasi::p2::bindings::cli::terminal_input::TerminalInput;
use wasmtime_wasi::p2::bindings::cli::terminal_output::TerminalOutput;
use wasmtime_wasi::p2::bindings::clocks::wall_clock::Datetime;
use wasmtime_wasi::p2::bindings::filesystem::types::Descriptor;
use wasmtime_wasi::p2::bindings::sync::io::streams::{
    Error, InputStream, OutputStream, Pollable, StreamError,
};

use crate::log::Stream;
use crate::sandbox::State;

/// Random bytes that a guest may ask for at once.
const MAX_RANDOM_BYTES: u64 = 64 << 10;

/// What `check-write` answers: the size of the pieces in which a well-behaved guest
/// writes. A guest that writes more at once is not refused, for the line is cut and
/// the call's output is bounded anyway.
const WRITE_PERMIT: u64 = 64 << 10;

const NANOSECONDS_PER_MILLISECOND: u64 = 1_000_000;

/// The time and the randomness that one instance sees.
pub(crate) struct Senses {
    now_ms: u64,
    random: u64,
}

impl Senses {
    pub(crate) fn new(seed: u64, now_ms: u64) -> Self {
        Self { now_ms, random: seed }
    }

    /// SplitMix64: small, fast, and good enough for hash maps and jitter.
    fn next(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn bytes(&mut self, len: u64) -> Result<Vec<u8>> {
        if len > MAX_RANDOM_BYTES {
            bail!("more than {MAX_RANDOM_BYTES} random bytes at once");
        }
        let mut bytes = Vec::new();
        while (bytes.len() as u64) < len {
            bytes.extend_from_slice(&self.next().to_le_bytes());
        }
        bytes.truncate(usize::try_from(len)?);
        Ok(bytes)
    }
}

type Host<'a> = StoreContextMut<'a, State>;
type Interface<'a, 'b> = &'a mut LinkerInstance<'b, State>;

/// Defines what is known of `interface`, a name without version, and all of its
/// `resources`: those that it has and those that it takes over from others.
pub(crate) fn link<'a>(
    interface: &str,
    resources: impl IntoIterator<Item = &'a str>,
    linker: Interface<'_, '_>,
) -> Result<()> {
    for name in resources {
        let ty = match name {
            "descriptor" => ResourceType::host::<Descriptor>(),
            "error" => ResourceType::host::<Error>(),
            "input-stream" => ResourceType::host::<InputStream>(),
            "output-stream" => ResourceType::host::<OutputStream>(),
            "pollable" => ResourceType::host::<Pollable>(),
            "terminal-input" => ResourceType::host::<TerminalInput>(),
            "terminal-output" => ResourceType::host::<TerminalOutput>(),
            _ => continue,
        };
        linker.resource(name, ty, |_, _| Ok(()))?;
    }
    functions(interface, linker)
}

fn functions(interface: &str, linker: Interface<'_, '_>) -> Result<()> {
    match interface {
        "wasi:cli/environment" => environment(linker),
        "wasi:cli/exit" => exit(linker),
        "wasi:cli/stdin" => linker
            .func_wrap("get-stdin", |_: Host<'_>, ()| Ok((Resource::<InputStream>::new_own(0),))),
        "wasi:cli/stdout" => output(linker, "get-stdout", Stream::Out),
        "wasi:cli/stderr" => output(linker, "get-stderr", Stream::Err),
        "wasi:cli/terminal-stdin" => no_terminal::<TerminalInput>(linker, "get-terminal-stdin"),
        "wasi:cli/terminal-stdout" => no_terminal::<TerminalOutput>(linker, "get-terminal-stdout"),
        "wasi:cli/terminal-stderr" => no_terminal::<TerminalOutput>(linker, "get-terminal-stderr"),
        "wasi:clocks/monotonic-clock" => monotonic_clock(linker),
        "wasi:clocks/wall-clock" => wall_clock(linker),
        "wasi:filesystem/preopens" => linker.func_wrap("get-directories", |_: Host<'_>, ()| {
            Ok((Vec::<(Resource<Descriptor>, String)>::new(),))
        }),
        "wasi:io/poll" => poll(linker),
        "wasi:io/streams" => streams(linker),
        "wasi:random/insecure" => {
            random(linker, "get-insecure-random-bytes", "get-insecure-random-u64")
        }
        "wasi:random/insecure-seed" => {
            linker.func_wrap("insecure-seed", |mut host: Host<'_>, ()| {
                let senses = &mut host.data_mut().senses;
                Ok(((senses.next(), senses.next()),))
            })
        }
        "wasi:random/random" => random(linker, "get-random-bytes", "get-random-u64"),
        _ => Ok(()),
    }
}

fn environment(linker: Interface<'_, '_>) -> Result<()> {
    linker.func_wrap("get-environment", |_: Host<'_>, ()| Ok((Vec::<(String, String)>::new(),)))?;
    linker.func_wrap("get-arguments", |_: Host<'_>, ()| Ok((Vec::<String>::new(),)))?;
    linker.func_wrap("initial-cwd", |_: Host<'_>, ()| Ok((None::<String>,)))
}

fn exit(linker: Interface<'_, '_>) -> Result<()> {
    linker.func_wrap("exit", |_: Host<'_>, (_status,): (Result<(), ()>,)| -> Result<()> {
        bail!("the plugin called `exit`")
    })
}

fn output(linker: Interface<'_, '_>, name: &str, stream: Stream) -> Result<()> {
    linker.func_wrap(name, move |_: Host<'_>, ()| {
        Ok((Resource::<OutputStream>::new_own(stream.handle()),))
    })
}

fn no_terminal<T: 'static>(linker: Interface<'_, '_>, name: &str) -> Result<()> {
    linker.func_wrap(name, |_: Host<'_>, ()| Ok((None::<Resource<T>>,)))
}

fn monotonic_clock(linker: Interface<'_, '_>) -> Result<()> {
    linker.func_wrap("now", |host: Host<'_>, ()| {
        Ok((host.data().senses.now_ms.saturating_mul(NANOSECONDS_PER_MILLISECOND),))
    })?;
    linker.func_wrap("resolution", |_: Host<'_>, ()| Ok((NANOSECONDS_PER_MILLISECOND,)))?;
    for subscribe in ["subscribe-instant", "subscribe-duration"] {
        linker.func_wrap(subscribe, |_: Host<'_>, (_when,): (u64,)| Ok((ready(),)))?;
    }
    Ok(())
}

fn wall_clock(linker: Interface<'_, '_>) -> Result<()> {
    let datetime = |milliseconds: u64| Datetime {
        seconds: milliseconds / 1_000,
        nanoseconds: (milliseconds % 1_000) as u32 * 1_000_000,
    };
    linker
        .func_wrap("now", move |host: Host<'_>, ()| Ok((datetime(host.data().senses.now_ms),)))?;
    linker.func_wrap("resolution", move |_: Host<'_>, ()| Ok((datetime(1),)))
}

fn random(linker: Interface<'_, '_>, bytes: &str, number: &str) -> Result<()> {
    linker.func_wrap(bytes, |mut host: Host<'_>, (len,): (u64,)| {
        Ok((host.data_mut().senses.bytes(len)?,))
    })?;
    linker.func_wrap(number, |mut host: Host<'_>, ()| Ok((host.data_mut().senses.next(),)))
}

/// Everything is ready, always.
fn ready() -> Resource<Pollable> {
    Resource::new_own(0)
}

fn poll(linker: Interface<'_, '_>) -> Result<()> {
    linker.func_wrap("[method]pollable.ready", |_: Host<'_>, (_,): (Resource<Pollable>,)| {
        Ok((true,))
    })?;
    linker
        .func_wrap("[method]pollable.block", |_: Host<'_>, (_,): (Resource<Pollable>,)| Ok(()))?;
    linker.func_wrap("poll", |_: Host<'_>, (list,): (Vec<Resource<Pollable>>,)| {
        Ok(((0..u32::try_from(list.len())?).collect::<Vec<u32>>(),))
    })
}

fn streams(linker: Interface<'_, '_>) -> Result<()> {
    for read in ["[method]input-stream.read", "[method]input-stream.blocking-read"] {
        linker.func_wrap(read, |_: Host<'_>, (_, _len): (Resource<InputStream>, u64)| {
            Ok((Err::<Vec<u8>, _>(StreamError::Closed),))
        })?;
    }
    for skip in ["[method]input-stream.skip", "[method]input-stream.blocking-skip"] {
        linker.func_wrap(skip, |_: Host<'_>, (_, _len): (Resource<InputStream>, u64)| {
            Ok((Err::<u64, _>(StreamError::Closed),))
        })?;
    }
    linker.func_wrap(
        "[method]input-stream.subscribe",
        |_: Host<'_>, (_,): (Resource<InputStream>,)| Ok((ready(),)),
    )?;
    linker.func_wrap(
        "[method]output-stream.check-write",
        |_: Host<'_>, (_,): (Resource<OutputStream>,)| Ok((Ok::<_, StreamError>(WRITE_PERMIT),)),
    )?;
    for write in ["[method]output-stream.write", "[method]output-stream.blocking-write-and-flush"] {
        linker.func_wrap(
            write,
            |mut host: Host<'_>, (stream, bytes): (Resource<OutputStream>, Vec<u8>)| {
                host.data_mut().log.write_stream(Stream::of_handle(stream.rep()), &bytes);
                Ok((Ok::<(), StreamError>(()),))
            },
        )?;
    }
    for flush in ["[method]output-stream.flush", "[method]output-stream.blocking-flush"] {
        linker.func_wrap(flush, |_: Host<'_>, (_,): (Resource<OutputStream>,)| {
            Ok((Ok::<(), StreamError>(()),))
        })?;
    }
    linker.func_wrap(
        "[method]output-stream.subscribe",
        |_: Host<'_>, (_,): (Resource<OutputStream>,)| Ok((ready(),)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn randomness_comes_from_the_seed_alone() {
        let draw = |seed| Senses::new(seed, 0).bytes(20).unwrap();
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
        assert_eq!(draw(1).len(), 20);
        assert!(Senses::new(1, 0).bytes(MAX_RANDOM_BYTES + 1).is_err());
    }
}
