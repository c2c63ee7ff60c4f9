//! The master key that clients' own provider keys are sealed with, found where the
//! configuration says. It is looked for when it is needed, and kept by nobody.

use crate::config::SecretsConfig;
use plugway_accounts::Keyring;
use plugway_accounts::seal::{self, MasterKey};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// What a file or a program may say, in bytes: a key is 64 at most.
const MAX_BYTES: u64 = 4 * 1024;

/// How long the program may take.
const COMMAND_PATIENCE: Duration = Duration::from_secs(10);

/// Between two looks at whether it has ended.
const COMMAND_POLL: Duration = Duration::from_millis(10);

/// Why there is no master key. Holds nothing of what was found.
#[derive(Debug, thiserror::Error)]
pub enum MasterKeyError {
    /// The configuration names none.
    #[error(
        "no master key is configured; name one with `master_key_env`, `master_key_file` or \
         `master_key_command` in [secrets]"
    )]
    Unnamed,
    /// The variable is not set.
    #[error("the master key's variable `{0}` is not set")]
    Unset(String),
    /// The file cannot be read.
    #[error("the master key's file `{path}` cannot be read: {cause}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        cause: io::Error,
    },
    /// The program cannot be run, or failed.
    #[error("the master key's program `{program}` {problem}")]
    Command {
        /// Which.
        program: String,
        /// What it did.
        problem: String,
    },
    /// What was found is no key.
    #[error("what was found as master key {0}")]
    Unfit(#[from] seal::MasterKeyError),
}

/// Finds the master key. Blocks while a program is asked.
///
/// # Errors
/// When there is none, or it is of no use.
pub fn find(
    secrets: &SecretsConfig,
    env: impl Fn(&str) -> Option<String>,
) -> Result<MasterKey, MasterKeyError> {
    let text = if let Some(variable) = &secrets.master_key_env {
        of_variable(variable, env)?
    } else if let Some(path) = &secrets.master_key_file {
        of_file(path)?
    } else if let Some((program, arguments)) = secrets.master_key_command.split_first() {
        of_program(program, arguments)
            .map_err(|problem| MasterKeyError::Command { program: program.clone(), problem })?
    } else {
        return Err(MasterKeyError::Unnamed);
    };
    Ok(MasterKey::read(&text)?)
}

/// The master key, and the one of before where that is configured. Blocks as [`find`] does.
/// What the one of before has sealed stays shut while that is not found, which is told.
///
/// # Errors
/// When there is no master key of now, or it is of no use.
pub(super) fn ring(
    secrets: &SecretsConfig,
    env: impl Fn(&str) -> Option<String>,
) -> Result<Keyring, MasterKeyError> {
    let now = find(secrets, &env)?;
    let previous = secrets.previous().map(|secrets| find(&secrets, &env)).transpose();
    let older = previous.unwrap_or_else(|error| {
        tracing::warn!(%error, "the master key of before is not found");
        None
    });
    Ok(Keyring::new(now, older.into_iter().collect()))
}

fn of_variable(
    name: &str,
    env: impl Fn(&str) -> Option<String>,
) -> Result<Zeroizing<String>, MasterKeyError> {
    let text = env(name).map(Zeroizing::new).filter(|text| !text.trim().is_empty());
    text.ok_or_else(|| MasterKeyError::Unset(name.to_owned()))
}

fn of_file(path: &Path) -> Result<Zeroizing<String>, MasterKeyError> {
    let file = std::fs::File::open(path).and_then(bounded);
    file.map_err(|cause| MasterKeyError::File { path: path.to_owned(), cause })
}

/// What the program prints, or what is wrong with it.
fn of_program(program: &str, arguments: &[String]) -> Result<Zeroizing<String>, String> {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = command.spawn().map_err(|error| format!("cannot be run: {error}"))?;
    let Some(stdout) = child.stdout.take() else { return Err("has no output".to_owned()) };
    let (tell, told) = mpsc::channel();
    // Whoever the program started may keep its output open: nobody waits for this thread.
    thread::spawn(move || tell.send(bounded(stdout)));
    let end = Instant::now() + COMMAND_PATIENCE;
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if Instant::now() < end => thread::sleep(COMMAND_POLL),
            Ok(None) | Err(_) => {
                // It may have ended just now.
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!("had no answer for {COMMAND_PATIENCE:?}"));
            }
        }
    };
    if !status.success() {
        return Err(format!("failed: {status}"));
    }
    let left = end.saturating_duration_since(Instant::now()).max(COMMAND_POLL);
    match told.recv_timeout(left) {
        Ok(text) => text.map_err(|error| format!("cannot be understood: {error}")),
        Err(_) => Err("did not end its answer".to_owned()),
    }
}

/// The text, if it is short.
fn bounded(from: impl Read) -> io::Result<Zeroizing<String>> {
    let mut text = Zeroizing::new(String::new());
    // Grows never, or a copy would stay behind.
    text.reserve(MAX_BYTES as usize + 1);
    from.take(MAX_BYTES + 1).read_to_string(&mut text)?;
    match text.len() as u64 > MAX_BYTES {
        true => Err(io::Error::other(format!("it has more than {MAX_BYTES} bytes"))),
        false => Ok(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

    fn nothing(_: &str) -> Option<String> {
        None
    }

    fn program(script: &str) -> SecretsConfig {
        let command = ["sh", "-c", script].map(str::to_owned);
        SecretsConfig { master_key_command: command.to_vec(), ..SecretsConfig::default() }
    }

    #[test]
    fn is_found_in_a_variable_a_file_or_by_a_program() {
        let variable =
            SecretsConfig { master_key_env: Some("M".to_owned()), ..SecretsConfig::default() };
        let env = |name: &str| (name == "M").then(|| format!(" {KEY}\n"));
        let by_variable = find(&variable, env).unwrap();
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("key");
        std::fs::write(&path, format!("{KEY}\n")).unwrap();
        let file = SecretsConfig { master_key_file: Some(path), ..SecretsConfig::default() };
        let by_file = find(&file, nothing).unwrap();
        let by_program = find(&program(&format!("echo {KEY}")), nothing).unwrap();
        assert_eq!(by_variable.key_id(), by_file.key_id());
        assert_eq!(by_variable.key_id(), by_program.key_id());
    }

    #[test]
    fn what_is_missing_or_unfit_is_told_without_what_was_found() {
        for (secrets, part) in [
            (SecretsConfig::default(), "no master key is configured"),
            (
                SecretsConfig { master_key_env: Some("M".into()), ..SecretsConfig::default() },
                "`M` is not set",
            ),
            (
                SecretsConfig {
                    master_key_file: Some("/nowhere/key".into()),
                    ..SecretsConfig::default()
                },
                "`/nowhere/key` cannot be read",
            ),
            (program("exit 3"), "failed"),
            (program("echo sesame"), "32 random bytes"),
            (program("yes sesame"), "failed"),
        ] {
            let error = find(&secrets, nothing).err().unwrap().to_string();
            assert!(error.contains(part) && !error.contains("sesame"), "{error}");
        }
    }
}
