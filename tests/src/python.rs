//! Python programs as test partners: each set of pinned packages in an
//! environment of its own below `target/`, each program bounded in time.

use crate::program::{Program, alone, installed, or_skip, output, root};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// A Python interpreter that has the packages that a program needs.
pub struct Python {
    interpreter: PathBuf,
}

impl Python {
    /// The environment `name` with the packages of a requirements file, made
    /// unless an earlier run left it. The file lists everything: dependencies
    /// are not looked for.
    ///
    /// None, with a notice, where there is no Python or no package.
    ///
    /// # Panics
    /// In place of the notice, where [`crate::is_ci`].
    pub fn venv(name: &str, requirements: &str) -> Option<Self> {
        or_skip(name, "Python", Self::make(name, &root().join(requirements)))
    }

    fn make(name: &str, requirements: &Path) -> Result<Self, String> {
        let wanted = fs::read_to_string(requirements).map_err(|error| error.to_string())?;
        let identity = "import sys; print(sys.executable, sys.version)";
        let identity = output(Command::new("python3").args(["-c", identity]))?;
        let interpreter = "bin/python";
        let install = |directory: &Path| {
            output(Command::new("python3").args(["-m", "venv"]).arg(directory))?;
            let install = ["-m", "pip", "install", "--quiet", "--no-deps", "-r"];
            let interpreter = directory.join(interpreter);
            output(Command::new(interpreter).args(install).arg(requirements)).map(drop)
        };
        let stamp = format!("{identity}{wanted}");
        let directory = installed(&format!("test-venv-{name}"), &stamp, install)?;
        Ok(Self { interpreter: directory.join(interpreter) })
    }

    /// Starts a script, by its path in the repository.
    pub fn start(&self, script: &str, arguments: &[&str]) -> Program {
        let mut command = Command::new(&self.interpreter);
        // Not isolated: scripts import what lies beside them.
        alone(&mut command).args(["-E", "-s", "-B"]).arg(root().join(script)).args(arguments);
        Program::start(script, &mut command)
    }

    /// Runs a script to its end and returns what it printed.
    ///
    /// # Panics
    /// When it fails, or runs for longer than `limit`.
    pub fn run(&self, script: &str, arguments: &[&str], limit: Duration) -> String {
        self.start(script, arguments).finish(limit)
    }
}
