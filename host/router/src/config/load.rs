//! From a file, a text or nothing but the environment to a [`Config`]: the
//! embedded catalogue is read first, the operator's file on top of it.

use std::path::{Path, PathBuf};

use super::Config;
use super::diagnostic::{Diagnostic, Diagnostics, Severity};
use super::reader::{Section, Source};
use super::typed::{SECTIONS, Typed};

/// Value of an environment variable, if it is set. Passed in, so that whatever
/// reads the environment can be tested.
pub type Environment<'e> = &'e dyn Fn(&str) -> Option<String>;

/// The file that is read when none is named and it exists.
const DEFAULT_FILE: &str = "plugway.toml";
/// The plugins directory when none is named and it exists, beside the file.
const DEFAULT_PLUGINS: &str = "plugins";

/// Reads `path`, or `plugway.toml` of the working directory if there is one, or
/// else turns on the providers whose credentials the environment holds.
///
/// # Errors
/// Every mistake of the file, or that no provider can be used.
pub fn load(path: Option<&Path>, env: Environment<'_>) -> Result<Config, Diagnostics> {
    match path.or_else(default_file) {
        Some(path) => load_text(path, &read_file(path)?, env),
        None => Ok(with_default_plugins(Path::new(""), load_str("", "", env)?)),
    }
}

/// Reads what [`load`] reads, for whoever sends nothing to a provider and only needs what is
/// kept: that no provider can be used is no mistake.
///
/// # Errors
/// Every mistake of the file.
pub fn load_for_state(path: Option<&Path>, env: Environment<'_>) -> Result<Config, Diagnostics> {
    match path.or_else(default_file) {
        Some(path) => read(&path.to_string_lossy(), &read_file(path)?, env, false),
        None => read("", "", env, false),
    }
}

/// The file that is read when none is named, if there is one.
pub fn default_file<'a>() -> Option<&'a Path> {
    Some(Path::new(DEFAULT_FILE)).filter(|file| file.exists())
}

/// Reads a text as [`load`] reads it from the file `path`.
///
/// # Errors
/// As [`load`].
pub fn load_text(path: &Path, text: &str, env: Environment<'_>) -> Result<Config, Diagnostics> {
    let config = load_str(&path.to_string_lossy(), text, env)?;
    Ok(with_default_plugins(path.parent().unwrap_or(Path::new("")), config))
}

fn with_default_plugins(beside: &Path, mut config: Config) -> Config {
    let plugins = beside.join(DEFAULT_PLUGINS);
    if config.plugins.directory.is_none() && plugins.is_dir() {
        config.plugins.directory = Some(plugins);
    }
    config
}

/// Reads a file. Relative paths in it count from its directory.
///
/// # Errors
/// As [`load`]; also when the file cannot be read.
pub fn load_file(path: &Path, env: Environment<'_>) -> Result<Config, Diagnostics> {
    load_str(&path.to_string_lossy(), &read_file(path)?, env)
}

/// The text of a configuration file.
///
/// # Errors
/// When it cannot be read.
pub fn read_file(path: &Path) -> Result<String, Diagnostics> {
    std::fs::read_to_string(path).map_err(|error| {
        Diagnostics::new(vec![Diagnostic::general(
            format!("cannot read `{}`: {error}", path.display()),
            "name a readable file with `--config`, or leave it out to use the environment alone",
        )])
    })
}

/// Reads a text as if it were the file `name`.
///
/// # Errors
/// As [`load`].
pub fn load_str(name: &str, text: &str, env: Environment<'_>) -> Result<Config, Diagnostics> {
    read(name, text, env, true)
}

fn read(
    name: &str,
    text: &str,
    env: Environment<'_>,
    needs_provider: bool,
) -> Result<Config, Diagnostics> {
    let (mut typed, mut found) = Typed::embedded();
    let source = Source::new(name, text);
    let document = source.parse();
    let root = Section::root(&source, &document);
    found.extend(typed.add_offers(&root, env));
    root.read(SECTIONS, &mut typed);
    if typed.plugins.cache_directory.is_none() {
        typed.plugins.cache_directory = user_cache(env).map(|cache| cache.join("plugway"));
    }
    typed.check_media(&root);
    typed.check_aliases(&root);
    typed.note_missing_secrets(&root, env);
    typed.check_endpoints(&source, env);
    if needs_provider && typed.active(env).next().is_none() && !root.has("providers") {
        found.push(typed.no_provider());
    }
    found.extend(source.into_found());
    let found = Diagnostics::new(found);
    if found.has(Severity::Error) {
        return Err(found);
    }
    Ok(typed.finish(env, found))
}

impl Config {
    /// The same, or what keeps it from being served here: secrets that the
    /// configuration names and this machine lacks.
    ///
    /// # Errors
    /// The missing secrets.
    pub fn ready(self) -> Result<Self, Diagnostics> {
        let missing = self.warnings.as_errors(Severity::Missing);
        if missing.is_empty() { Ok(self) } else { Err(missing) }
    }
}

/// Where the system keeps what can be made again.
fn user_cache(env: Environment<'_>) -> Option<PathBuf> {
    let set = |name| env(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let of_home = if cfg!(target_os = "macos") { "Library/Caches" } else { ".cache" };
    let in_home = || set("HOME").map(|home| home.join(of_home));
    set("XDG_CACHE_HOME").or_else(in_home).or_else(|| set("LOCALAPPDATA"))
}
