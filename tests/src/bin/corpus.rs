//! Runs tasks, one JSON object per line of the input, through the components of a
//! directory: `corpus COMPONENTS < tasks > outcomes`. Outcomes come in the order of
//! the tasks.

use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use plugway_engine::{Engine, Limits};
use plugway_tests::corpus::{Adapters, Outcome, Task};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let directory = arguments.next().ok_or("name the directory of the components")?;
    let cache = arguments.next().map(PathBuf::from);
    let engine = Engine::new(Limits::default(), cache)?;
    let adapters = Adapters::load(&engine, directory.as_ref())?;
    let tasks: Vec<Task> = io::stdin()
        .lines()
        .map(|line| Ok(serde_json::from_str(&line?)?))
        .collect::<Result<_, Box<dyn std::error::Error>>>()?;
    let mut out = BufWriter::new(io::stdout().lock());
    for outcome in run(&adapters, &tasks) {
        serde_json::to_writer(&mut out, &outcome)?;
        out.write_all(b"\n")?;
    }
    out.flush()?;
    Ok(())
}

/// Runs all tasks on all cores.
fn run(adapters: &Adapters, tasks: &[Task]) -> Vec<Outcome> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(task) = tasks.get(at) else { return done };
            done.push((at, adapters.run(task)));
        }
    };
    let mut outcomes: Vec<(usize, Outcome)> = thread::scope(|scope| {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let threads: Vec<_> = (0..cores).map(|_| scope.spawn(work)).collect();
        let done = threads.into_iter().flat_map(|thread| {
            thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        });
        done.collect()
    });
    outcomes.sort_by_key(|(at, _)| *at);
    outcomes.into_iter().map(|(_, outcome)| outcome).collect()
}
