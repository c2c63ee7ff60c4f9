//! Node programs as test partners: pinned packages in a directory of their own
//! below `target/`, each program bounded in time.

use crate::program::{Program, alone, installed, or_skip, output, root};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// The files that pin the packages.
const PINS: [&str; 2] = ["package.json", "package-lock.json"];

/// Packages, and the Node that runs them.
pub struct Node {
    directory: PathBuf,
}

impl Node {
    /// The packages that a folder of the repository pins, installed unless an earlier
    /// run left them. No package's own scripts are run.
    ///
    /// None, with a notice, where there is no Node or no package.
    ///
    /// # Panics
    /// In place of the notice, where [`crate::is_ci`].
    pub fn packages(name: &str, folder: &str) -> Option<Self> {
        or_skip(name, "Node 20.15 and npm", Self::make(name, &root().join(folder)))
    }

    fn make(name: &str, folder: &Path) -> Result<Self, String> {
        let mut stamp = output(Command::new("node").arg("--version"))?;
        let version = stamp.trim().trim_start_matches('v').split('.');
        let version: Vec<u32> = version.map_while(|part| part.parse().ok()).collect();
        if version < vec![20, 15] {
            return Err(format!("this is {}", stamp.trim()));
        }
        let told = |error: std::io::Error| error.to_string();
        for file in PINS {
            stamp += &fs::read_to_string(folder.join(file)).map_err(told)?;
        }
        let install = |directory: &Path| {
            fs::create_dir_all(directory).map_err(told)?;
            for file in PINS {
                fs::copy(folder.join(file), directory.join(file)).map_err(told)?;
            }
            let install = ["ci", "--ignore-scripts", "--no-audit", "--no-fund"];
            output(Command::new("npm").args(install).current_dir(directory)).map(drop)
        };
        let directory = installed(&format!("test-node-{name}"), &stamp, install)?;
        Ok(Self { directory })
    }

    /// Starts a script of an installed package in the repository, with a variable in
    /// its environment.
    pub fn start(&self, script: &str, arguments: &[&str], variable: (&str, &str)) -> Program {
        let mut command = Command::new("node");
        command
            .arg(self.modules().join(script))
            .args(arguments)
            .env(variable.0, variable.1)
            .current_dir(root());
        Program::start(script, &mut command)
    }

    /// Runs a script of the repository, which finds the packages by their names, to its
    /// end and returns what it printed.
    ///
    /// # Panics
    /// When it fails, or runs for longer than `limit`.
    pub fn run(&self, script: &str, arguments: &[&str], limit: Duration) -> String {
        let mut command = Command::new("node");
        alone(&mut command).arg(root().join(script)).args(arguments);
        command.env("NODE_PATH", self.modules());
        Program::start(script, &mut command).finish(limit)
    }

    /// Runs a program that a package brings to its end in a directory, which is its home
    /// as well, and returns what it printed.
    ///
    /// # Panics
    /// When it fails, or runs for longer than `limit`.
    pub fn run_binary(
        &self,
        binary: &str,
        arguments: &[&str],
        home: &Path,
        limit: Duration,
    ) -> String {
        let mut command = Command::new(self.modules().join(binary));
        alone(&mut command).args(arguments).env("HOME", home).current_dir(home);
        Program::start(binary, &mut command).finish(limit)
    }

    fn modules(&self) -> PathBuf {
        self.directory.join("node_modules")
    }
}
