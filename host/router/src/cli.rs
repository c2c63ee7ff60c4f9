//! The command line: what can be asked for, and the commands that need no
//! running router.

mod byok;
mod failed;
mod keys;
mod table;

pub use byok::{ByokAction, ByokArgs, RotateArgs, byok};
pub use failed::CommandError;
pub use keys::{CreateArgs, KeysAction, KeysArgs, ListArgs, OneArgs, ResetArg, keys};

use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use plugway_engine::Compiler;
use plugway_store::{Location, Store};

use crate::config::{self, Config, Diagnostic, Diagnostics, Environment};
use crate::reload::ConfigSource;
use crate::usage::{ReconcileArgs, UsageArgs};

/// One endpoint in front of every model provider.
#[derive(Debug, Parser)]
#[command(name = "plugway", version)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve requests.
    Serve(ServeArgs),
    /// Print every mistake of the configuration, or what it amounts to.
    Check(CheckArgs),
    /// List the models of the active providers.
    Models(ModelsArgs),
    /// Tell where a request would go, and why, without sending it.
    Route(RouteArgs),
    /// Make, list and revoke the keys that clients need.
    Keys(KeysArgs),
    /// Look after clients' own provider keys.
    Byok(ByokArgs),
    /// Serve simulated providers, to look around: no key, no configuration, no network.
    Demo(DemoArgs),
    /// Sum up what was used and what it cost, or list it request by request.
    Usage(UsageArgs),
    /// Hold a provider's invoice against the ledger. Ends with 1 if they are too far apart,
    /// with 2 if the invoice cannot be read.
    Reconcile(ReconcileArgs),
    /// Print the reference of the configuration, as Markdown.
    ConfigReference,
    /// Compile the component on standard input; `serve` starts this for itself.
    #[command(hide = true)]
    CompileComponent(CompileArgs),
}

/// Arguments of `compile-component`.
#[derive(Args, Debug)]
pub struct CompileArgs {
    /// Address space that compiling may take, in bytes.
    #[arg(long, value_name = "BYTES")]
    pub memory: u64,
    /// Processor time that compiling may take.
    #[arg(long, value_name = "SECONDS")]
    pub seconds: u64,
}

/// Arguments of `serve`.
#[derive(Args, Clone, Debug, Default)]
pub struct ServeArgs {
    /// Configuration file [default: plugway.toml, if there is one].
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Address and port to listen on, instead of the configured one.
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub listen: Option<SocketAddr>,
    /// Directory to load plugins from, instead of the configured one.
    #[arg(long, value_name = "DIR")]
    pub plugins: Option<PathBuf>,
}

/// Arguments of `check`.
#[derive(Args, Debug, Default)]
pub struct CheckArgs {
    /// Configuration file [default: plugway.toml, if there is one].
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// Arguments of `models`.
#[derive(Args, Clone, Debug, Default)]
pub struct ModelsArgs {
    /// Configuration file [default: plugway.toml, if there is one].
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Ask the providers instead of the catalogue alone: `=` known to both, `+` to the
    /// provider alone, `-` to the catalogue alone.
    #[arg(long)]
    pub live: bool,
    /// Of this provider only.
    #[arg(long, value_name = "NAME")]
    pub provider: Option<String>,
}

/// Arguments of `route`.
#[derive(Args, Clone, Debug)]
pub struct RouteArgs {
    /// The request's body, as a client would post it; `-` is standard input.
    #[arg(value_name = "FILE")]
    pub request: PathBuf,
    /// Configuration file [default: plugway.toml, if there is one].
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Where it would be posted: that says in which format it is.
    #[arg(long, value_name = "PATH", default_value = "/v1/chat/completions")]
    pub path: String,
    /// All the randomness of the decision [default: another one each time].
    #[arg(long, value_name = "NUMBER")]
    pub seed: Option<u64>,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `demo`.
#[derive(Args, Debug, Default)]
pub struct DemoArgs {
    /// Address and port to listen on.
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub listen: Option<SocketAddr>,
}

impl ServeArgs {
    /// The configuration with these arguments on top.
    ///
    /// # Errors
    /// Every mistake in it, and secrets that are missing.
    pub fn load(&self, env: fn(&str) -> Option<String>) -> Result<Config, Diagnostics> {
        Ok(self.load_from(env)?.0)
    }

    /// The same, and where the configuration is to be read again from: nowhere, if the
    /// environment alone configures.
    ///
    /// # Errors
    /// As [`ServeArgs::load`].
    pub fn load_from(
        &self,
        env: fn(&str) -> Option<String>,
    ) -> Result<(Config, Option<ConfigSource>), Diagnostics> {
        let Some(file) = self.config.as_deref().or_else(config::default_file) else {
            return Ok((self.on_top_of(config::load(None, &env)?)?, None));
        };
        let text = config::read_file(file)?;
        let (args, name) = (self.clone(), file.to_owned());
        let read = move |text: &str| args.on_top_of(config::load_text(&name, text, &env)?);
        let config = read(&text)?;
        Ok((config, Some(ConfigSource::new(file, &text, read))))
    }

    fn on_top_of(&self, config: Config) -> Result<Config, Diagnostics> {
        let mut config = config.ready()?;
        if let Some(listen) = self.listen {
            config.server.listen = listen;
        }
        if let Some(plugins) = &self.plugins {
            if !plugins.is_dir() {
                return Err(no_directory(plugins));
            }
            config.plugins.directory = Some(plugins.clone());
        }
        Ok(config)
    }
}

/// Who compiles plugins: this very program, started anew for each.
pub fn compiler() -> Compiler {
    // On Linux this is the program that runs, also after its file was replaced.
    let own = PathBuf::from("/proc/self/exe");
    let program = if own.exists() { Ok(own) } else { std::env::current_exe() };
    match program {
        Ok(program) => compiler_of(program),
        Err(error) => {
            tracing::warn!(%error, "plugins are compiled within this process");
            Compiler::InProcess
        }
    }
}

/// The same, where the program is not the one that runs.
pub fn compiler_of(program: PathBuf) -> Compiler {
    Compiler::Child { program, arguments: vec!["compile-component".to_owned()] }
}

/// The state that the configuration names, which has to outlast this process, and where it is.
async fn state(
    config: Option<&Path>,
    env: Environment<'_>,
) -> Result<(Store, Location), CommandError> {
    let config = config::load_for_state(config, env)?;
    Ok((state_of(&config).await?, config.state.location))
}

async fn state_of(config: &Config) -> Result<Store, CommandError> {
    match &config.state.location {
        Location::Memory => Err(CommandError::Nowhere),
        location => Ok(Store::open(location).await?),
    }
}

fn no_directory(path: &Path) -> Diagnostics {
    Diagnostics::new(vec![Diagnostic::general(
        format!("--plugins: `{}` is no directory", path.display()),
        "create it, or leave the argument out",
    )])
}

/// Prints mistakes and fails, or prints warnings and a summary.
///
/// # Errors
/// When `out` cannot be written to.
pub fn check(args: &CheckArgs, env: Environment<'_>, out: &mut dyn Write) -> io::Result<ExitCode> {
    match config::load(args.config.as_deref(), env) {
        Err(mistakes) => {
            writeln!(out, "{mistakes}")?;
            Ok(ExitCode::FAILURE)
        }
        Ok(config) => {
            for warning in config.warnings.iter() {
                writeln!(out, "{warning}")?;
            }
            write!(out, "{}", config::summary(&config, env))?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn no_keys(_: &str) -> Option<String> {
        None
    }

    #[test]
    fn arguments_are_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn arguments_win_over_the_file() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("plugway.toml");
        std::fs::write(&file, "providers.x = { base_url = 'http://localhost' }").unwrap();
        let load = |more: &[&str]| {
            let file = file.to_str().unwrap();
            let typed = ["plugway", "serve", "--config", file].into_iter();
            let Command::Serve(args) = Cli::parse_from(typed.chain(more.iter().copied())).command
            else {
                panic!("not serve");
            };
            args.load(no_keys).unwrap()
        };
        let config = load(&[]);
        assert_eq!(config.server.listen.port(), 8787);
        assert_eq!(config.plugins.directory, None);
        let beside = directory.path().join("plugins");
        std::fs::create_dir(&beside).unwrap();
        assert_eq!(load(&[]).plugins.directory, Some(beside));
        let elsewhere = directory.path().join("elsewhere");
        std::fs::create_dir(&elsewhere).unwrap();
        let named = ["--listen", "127.0.0.1:0", "--plugins", elsewhere.to_str().unwrap()];
        let config = load(&named);
        assert_eq!(config.server.listen.port(), 0);
        assert_eq!(config.plugins.directory, Some(elsewhere));
    }

    #[test]
    fn check_tells_mistakes_from_warnings() {
        let directory = tempfile::tempdir().unwrap();
        let check = |text: &str, expected: ExitCode, part: &str| {
            let file = directory.path().join("plugway.toml");
            std::fs::write(&file, text).unwrap();
            let mut out = Vec::new();
            let args = CheckArgs { config: Some(file) };
            assert_eq!(check(&args, &no_keys, &mut out).unwrap(), expected, "{text}");
            let out = String::from_utf8(out).unwrap();
            assert!(out.contains(part), "{out}");
        };
        check(
            "provider = 1",
            ExitCode::FAILURE,
            "plugway.toml:1:1: provider: unknown key; did you mean `providers`?",
        );
        check(
            "[providers.openai]",
            ExitCode::SUCCESS,
            "plugway.toml:1:12: warning: providers.openai.api_key_env: ",
        );
        check(
            "[providers.openai]",
            ExitCode::SUCCESS,
            "provider    openai at https://api.openai.com/v1, adapter openai, key in OPENAI_API_KEY (not set)",
        );
        check(
            "providers.x = { base_url = 'http://localhost' }",
            ExitCode::SUCCESS,
            "no credential",
        );
    }
}
