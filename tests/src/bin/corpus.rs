//! Runs tasks, one JSON object per line of the input, through the components of a
//! directory: `corpus COMPONENTS < tasks > outcomes`. Outcomes come in the order of
//! the tasks.

use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use plugway_engine::{Engine, Limits};
use plugway_tests::corpus::{Adapters, Task};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let directory = arguments.next().ok_or("name the directory of the components")?;
    let cache = arguments.next().map(PathBuf::from);
    let engine = Engine::new(Limits::default(), cache)?;
    let adapters = Adapters::load(&engine, directory.as_ref())?;
    let mut tasks = Vec::new();
    for line in io::stdin().lines() {
        tasks.extend(Task::read(&line?)?);
    }
    let mut out = BufWriter::new(io::stdout().lock());
    for outcome in adapters.run_all(&tasks) {
        serde_json::to_writer(&mut out, &outcome)?;
        out.write_all(b"\n")?;
    }
    out.flush()?;
    Ok(())
}
