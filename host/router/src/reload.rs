//! The configuration, read again while the router runs: all of it or nothing. A
//! mistake leaves what holds in force, and shows in the log, in `/readyz` and in the
//! metrics.

use crate::config::{Config, Diagnostics};
use crate::router::{Router, Settings, plugin_options};
use plugway_engine::{ScanReport, Watch};
use sha2::{Digest, Sha256};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// Between two reads of a file that must find it unchanged.
const SETTLE: Duration = Duration::from_millis(50);

/// Larger files are no configuration, bytes.
const MAX_FILE_BYTES: u64 = 16 << 20;

/// Makes a configuration of a file's text.
type Read = dyn Fn(&str) -> Result<Config, Diagnostics> + Send + Sync;

/// The file that the configuration is from.
pub struct ConfigSource {
    file: PathBuf,
    /// Of the text that holds at the start.
    digest: [u8; 32],
    read: Box<Read>,
}

impl ConfigSource {
    /// `read` makes of the file's text what it made of `text` at the start.
    pub fn new(
        file: impl Into<PathBuf>,
        text: &str,
        read: impl Fn(&str) -> Result<Config, Diagnostics> + Send + Sync + 'static,
    ) -> Self {
        Self { file: file.into(), digest: digest(text), read: Box::new(read) }
    }
}

/// Which configuration holds, and what became of the newest.
#[derive(Clone, Debug, Default)]
pub struct ConfigStatus {
    /// The file; none where the environment alone configures.
    pub file: Option<PathBuf>,
    /// Counts what has held, from 1.
    pub generation: u64,
    /// Why the newest text does not hold.
    pub last_error: Option<String>,
    /// Keys whose new values hold from the next start on.
    pub restart_needed: Vec<&'static str>,
}

/// What reading again came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfigReload {
    /// The text is the one that was read last, or there is no file.
    Unchanged,
    /// Somebody is writing to the file.
    Unsettled,
    /// What was read holds now.
    Applied,
    /// It does not, for this reason.
    Refused(String),
}

/// What a reload of everything came to.
#[derive(Clone, Debug)]
pub struct Reload {
    /// Of the configuration.
    pub config: ConfigReload,
    /// Of the plugins.
    pub plugins: ScanReport,
}

/// What is remembered of the file. Locked for the length of a reload, so that
/// reloads follow each other.
#[derive(Default)]
pub(crate) struct Reloading {
    source: Option<ConfigSource>,
    /// Of the text that holds; none while the file is to be read in any case.
    seen: Option<[u8; 32]>,
    status: ConfigStatus,
}

impl Reloading {
    /// A router that was configured by `source`, if by a file.
    pub(crate) fn new(source: Option<ConfigSource>) -> Self {
        let file = source.as_ref().map(|source| source.file.clone());
        let seen = source.as_ref().map(|source| source.digest);
        let status = ConfigStatus { file, generation: 1, ..ConfigStatus::default() };
        Self { source, seen, status }
    }

    /// As of now.
    pub(crate) fn status(&self) -> &ConfigStatus {
        &self.status
    }
}

impl Router {
    /// Which configuration holds.
    pub fn config_status(&self) -> ConfigStatus {
        self.shown.load().as_ref().clone()
    }

    /// Reads the configuration again, also if it is what was read last, then looks
    /// through the plugins directory, and tries again what was refused. Blocks for as
    /// long as compiling takes: call it on a thread that may.
    pub fn reload(&self) -> Reload {
        let config = self.reload_config(true);
        Reload { config, plugins: self.registry.reload() }
    }

    /// Reads the configuration again if its text has changed, or in any case.
    pub fn reload_config(&self, in_any_case: bool) -> ConfigReload {
        let mut reloading = self.reloading();
        let Some(file) = reloading.status.file.clone() else { return ConfigReload::Unchanged };
        let text = match settled(&file, reloading.seen.as_ref(), in_any_case) {
            Ok(Settled::Text(text)) => text,
            Ok(Settled::Seen) => return ConfigReload::Unchanged,
            Ok(Settled::Moving) => return ConfigReload::Unsettled,
            Err(error) => {
                let reason = format!("cannot read `{}`: {error}", file.display());
                // Read again as soon as it can be.
                reloading.seen = None;
                return self.refuse(&mut reloading, reason);
            }
        };
        reloading.seen = Some(digest(&text));
        match self.apply(&reloading, &text, in_any_case) {
            Ok(restart_needed) => self.accept(&mut reloading, restart_needed),
            Err(reason) => {
                // What it lacks may come without a change to it.
                reloading.seen = None;
                self.refuse(&mut reloading, reason)
            }
        }
    }

    fn reloading(&self) -> MutexGuard<'_, Reloading> {
        self.reloading.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets a text hold. The error leaves everything as it was.
    fn apply(
        &self,
        reloading: &Reloading,
        text: &str,
        in_any_case: bool,
    ) -> Result<Vec<&'static str>, String> {
        let Some(source) = &reloading.source else { return Ok(Vec::new()) };
        let mut config = (source.read)(text).map_err(|mistakes| mistakes.to_string())?;
        let before = self.settings();
        let restart_needed = keep_until_restart(&before.config, &mut config);
        for warning in config.warnings.iter() {
            tracing::warn!("{warning}");
        }
        // A file of authorities may have changed without a word in the configuration.
        let keep = (!in_any_case).then_some(&*before);
        let settings = Settings::new(config, &self.admission.capacity(), keep)
            .map_err(|error| error.to_string())?;
        let options = plugin_options(&settings.config);
        self.registry.reconfigure(options).map_err(|error| error.to_string())?;
        let catalog = settings.config.catalog.clone();
        self.settings.store(Arc::new(settings));
        self.credential_health.keep(&catalog);
        self.rates.keep(&catalog);
        self.accounts.find_master_key_by(&self.settings().config.secrets);
        Ok(restart_needed)
    }

    fn accept(&self, reloading: &mut Reloading, restart_needed: Vec<&'static str>) -> ConfigReload {
        let status = &mut reloading.status;
        status.generation += 1;
        status.last_error = None;
        tracing::info!(generation = status.generation, "the new configuration holds");
        if !restart_needed.is_empty() {
            let keys = restart_needed.join(", ");
            tracing::warn!(keys, "these hold from the next start on");
        }
        status.restart_needed = restart_needed;
        self.show(status);
        ConfigReload::Applied
    }

    fn refuse(&self, reloading: &mut Reloading, reason: String) -> ConfigReload {
        let status = &mut reloading.status;
        if status.last_error.as_ref() != Some(&reason) {
            tracing::error!(error = reason, "the configuration before stays in force");
        }
        status.last_error = Some(reason.clone());
        self.show(status);
        ConfigReload::Refused(reason)
    }

    fn show(&self, status: &ConfigStatus) {
        self.shown.store(Arc::new(status.clone()));
    }
}

/// Keeps configuration and plugins up with their files, each on a thread of its own,
/// until what is returned is dropped.
pub fn watch(router: &Arc<Router>) -> Vec<Watch> {
    let interval = router.settings().config.plugins.rescan_interval;
    let mut watches = vec![router.registry.watch(interval)];
    if let Some(file) = router.config_status().file {
        let beside = match file.parent() {
            Some(parent) if parent != Path::new("") => parent.to_owned(),
            _ => PathBuf::from("."),
        };
        let router = Arc::clone(router);
        let look = move || match router.reload_config(false) {
            ConfigReload::Unsettled => SETTLE,
            ConfigReload::Applied => {
                // Another grant may be all that a refused plugin was waiting for.
                router.registry.rescan();
                interval
            }
            _ => interval,
        };
        watches.push(Watch::start("config-watch", Some(&beside), interval, look));
    }
    watches
}

enum Settled {
    Text(String),
    /// It was read before.
    Seen,
    /// It is being written.
    Moving,
}

/// The file's text, once it has been the same twice.
fn settled(file: &Path, seen: Option<&[u8; 32]>, in_any_case: bool) -> io::Result<Settled> {
    let first = read(file)?;
    if !in_any_case && seen == Some(&digest(&first)) {
        return Ok(Settled::Seen);
    }
    thread::sleep(SETTLE);
    let second = read(file)?;
    Ok(if first == second { Settled::Text(second) } else { Settled::Moving })
}

fn read(file: &Path) -> io::Result<String> {
    let found = std::fs::metadata(file)?;
    if !found.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    if found.len() > MAX_FILE_BYTES {
        return Err(io::Error::other(format!("it has more than {MAX_FILE_BYTES} bytes")));
    }
    std::fs::read_to_string(file)
}

fn digest(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

/// Leaves as they are the values that a running router cannot change, and names
/// those that would have changed.
fn keep_until_restart(before: &Config, after: &mut Config) -> Vec<&'static str> {
    let mut kept = Vec::new();
    macro_rules! keep {
        ($($section:ident . $field:ident = $key:literal),* $(,)?) => {$(
            if after.$section.$field != before.$section.$field {
                after.$section.$field = before.$section.$field.clone();
                kept.push($key);
            }
        )*};
    }
    keep! {
        server.listen = "server.listen",
        server.require_keys = "server.require_keys",
        server.max_connections = "server.max_connections",
        server.max_requests = "server.max_requests",
        server.max_header_bytes = "server.max_header",
        server.max_concurrent_streams = "server.max_concurrent_streams",
        server.max_buffered_bytes = "server.max_buffered",
        server.max_body_bytes = "server.max_body",
        server.header_timeout = "server.header_timeout",
        server.write_timeout = "server.write_timeout",
        server.drain_timeout = "server.drain_timeout",
        ledger.queue = "accounting.queue",
        ledger.durability = "synchronous",
        decisions.enabled = "decisions.enabled",
        decisions.queue = "decisions.queue",
        plugins.directory = "plugins.directory",
        plugins.rescan_interval = "plugins.rescan_interval",
        plugins.cache_directory = "plugins.cache_directory",
        plugins.limits = "plugins.limits",
    }
    if after.state != before.state {
        after.state.clone_from(&before.state);
        kept.push("state");
    }
    if after.log != before.log {
        after.log = before.log;
        kept.push("log");
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::load_str;

    #[test]
    fn what_needs_a_restart_is_kept_and_named() {
        let load = |text: &str| load_str("x.toml", text, &|_| None).unwrap();
        let provider = "\n[providers.x]\nbase_url = \"http://localhost\"\n";
        let before = load(provider);
        let check = |text: &str, expected: &[&str]| {
            let mut after = load(&format!("{text}{provider}"));
            assert_eq!(keep_until_restart(&before, &mut after), expected, "{text}");
            assert_eq!(after.server.listen, before.server.listen);
            after
        };
        check("", &[]);
        check("[server]\nlisten = \"127.0.0.1:1\"", &["server.listen"]);
        let after = check("synchronous = \"FULL\"", &["synchronous"]);
        assert_eq!(after.ledger.durability, before.ledger.durability);
        let queue = before.ledger.queue + 1;
        let after = check(&format!("[accounting]\nqueue = {queue}"), &["accounting.queue"]);
        assert_eq!(after.ledger.queue, before.ledger.queue);
        // What holds for each request holds at once.
        let after = check("[accounting]\nwhen_failing = \"continue\"", &[]);
        assert!(!after.ledger.refuses_when_failing);
        check("[plugins.limits]\nmax_instances = 7", &["plugins.limits"]);
        check("[log]\nlevel = \"debug\"", &["log"]);
        let after = check("[server]\nhead_hold = \"1s\"", &[]);
        assert_eq!(after.server.head_hold, Duration::from_secs(1));
    }
}
