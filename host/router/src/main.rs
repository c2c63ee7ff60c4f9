//! Wiring and exit codes; everything else is in the library.

#![expect(clippy::print_stdout, reason = "a command line talks on stdout")]

use anyhow::Context;
use clap::Parser;
use plugway::account::Door;
use plugway::cli::{self, Cli, Command, CompileArgs, DemoArgs, ModelsArgs, RouteArgs, ServeArgs};
use plugway::config::{self, Config, LogConfig, LogFormat, ServerConfig};
use plugway::demo::{self, Demo};
use plugway::upstream::Credentials;
use plugway::usage::{self, MAX_INVOICE_BYTES, ReconcileArgs, UsageArgs};
use plugway::{Router, discovery, explain, reload, server, state};
use plugway_engine::compile_here;
use plugway_store::ledger::DayFilter;
use plugway_store::{Location, Store};
use std::fs::File;
use std::io::{self, IsTerminal, Read, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(code) => code,
        // Whoever read this has seen enough.
        Err(error) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("plugway: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn is_closed_pipe(error: &anyhow::Error) -> bool {
    let cause = error.root_cause().downcast_ref::<io::Error>();
    cause.is_some_and(|cause| cause.kind() == io::ErrorKind::BrokenPipe)
}

fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Serve(args) => serve(&args),
        Command::Check(args) => Ok(cli::check(&args, &process_environment, &mut io::stdout())?),
        Command::Models(args) => models(&args),
        Command::Route(args) => route(&args),
        Command::Keys(args) => {
            let mut out = io::stdout();
            Runtime::new()?.block_on(cli::keys(args, &process_environment, &mut out))?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Byok(args) => {
            let mut out = io::stdout();
            Runtime::new()?.block_on(cli::byok(args, &process_environment, &mut out))?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Demo(args) => demonstrate(args),
        Command::Usage(args) => report(&args),
        Command::Reconcile(args) => match reconcile(&args) {
            Err(error) if !is_closed_pipe(&error) => {
                eprintln!("plugway: {error:#}");
                Ok(ExitCode::from(NO_COMPARISON))
            }
            compared => compared,
        },
        Command::ConfigReference => {
            io::stdout().write_all(config::reference().as_bytes())?;
            Ok(ExitCode::SUCCESS)
        }
        Command::CompileComponent(CompileArgs { memory, seconds }) => {
            match compile_here(memory, seconds, io::stdin(), io::stdout()) {
                Ok(()) => Ok(ExitCode::SUCCESS),
                Err(failed) => {
                    eprintln!("{failed}");
                    Ok(ExitCode::from(failed.exit_code()))
                }
            }
        }
    }
}

fn process_environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn serve(args: &ServeArgs) -> anyhow::Result<ExitCode> {
    let (mut config, source) = match args.load_from(process_environment) {
        Ok(loaded) => loaded,
        Err(mistakes) => {
            eprintln!("{mistakes}");
            return Ok(ExitCode::FAILURE);
        }
    };
    log(config.log);
    for warning in config.warnings.iter() {
        tracing::warn!("{warning}");
    }
    let process = Process::new()?;
    let (store, _serving) = process.runtime.block_on(state::open(&mut config))?;
    let door = Door::of(&config.server, process.runtime.block_on(store.has_keys())?)?;
    let router = Router::new(config, Credentials::from_process(), store, cli::compiler())?;
    listen(process, router.configured_by(source), |address| {
        tracing::info!("listening on http://{address}");
        if door == Door::Local {
            tracing::info!(
                "whoever is on this machine may use it without a key; from the first one on, \
                 which `plugway keys create` makes, everybody needs one"
            );
        }
    })
}

fn models(args: &ModelsArgs) -> anyhow::Result<ExitCode> {
    let loading = ServeArgs { config: args.config.clone(), ..ServeArgs::default() };
    let config = match loading.load(process_environment) {
        Ok(config) => config,
        Err(mistakes) => {
            eprintln!("{mistakes}");
            return Ok(ExitCode::FAILURE);
        }
    };
    let catalog = config.catalog.clone();
    let named = args.provider.as_deref();
    if let Some(name) = named.filter(|name| !catalog.providers.contains_key(*name)) {
        eprintln!("plugway: no provider `{name}` is active; `plugway check` tells which are");
        return Ok(ExitCode::FAILURE);
    }
    let mut out = io::stdout().lock();
    if !args.live {
        discovery::print_known(&catalog, named, &mut out)?;
        return Ok(ExitCode::SUCCESS);
    }
    let process = Process::new()?;
    // Nothing of what is kept is asked for.
    let store = process.runtime.block_on(Store::open(&Location::Memory))?;
    let router = Router::new(config, Credentials::from_process(), store, cli::compiler())?;
    let mut code = ExitCode::SUCCESS;
    for provider in catalog.providers.values() {
        if named.is_some_and(|name| name != provider.name) {
            continue;
        }
        match process.runtime.block_on(discovery::live(&router, provider)) {
            Ok(listed) => discovery::print_live(&catalog, provider, &listed, &mut out)?,
            Err(error) => {
                eprintln!("plugway: {}: {}", provider.name, error.message);
                code = ExitCode::FAILURE;
            }
        }
    }
    process.runtime.shutdown_background();
    Ok(code)
}

fn route(args: &RouteArgs) -> anyhow::Result<ExitCode> {
    // A secret that is missing here rules its endpoints out, and that is told.
    let config = match config::load(args.config.as_deref(), &process_environment) {
        Ok(config) => config,
        Err(mistakes) => {
            eprintln!("{mistakes}");
            return Ok(ExitCode::FAILURE);
        }
    };
    let mut body = Vec::new();
    let limit = config.server.max_body_bytes as u64;
    match args.request.to_str() {
        Some("-") => io::stdin().take(limit).read_to_end(&mut body),
        _ => File::open(&args.request).and_then(|file| file.take(limit).read_to_end(&mut body)),
    }
    .with_context(|| format!("cannot read `{}`", args.request.display()))?;
    // To look is no reason to make one.
    let state = match &config.state.location {
        Location::File(path) if !path.exists() => Location::Memory,
        state => state.clone(),
    };
    let process = Process::new()?;
    let store = process.runtime.block_on(Store::open_as_it_is(&state))?;
    let router = Router::new(config, Credentials::from_process(), store, cli::compiler())?;
    let explaining = explain::explain(&router, &args.path, body.into(), args.seed);
    let explained = process.runtime.block_on(explaining);
    process.runtime.shutdown_background();
    let explanation = match explained {
        Ok(explanation) => explanation,
        Err(error) => {
            eprintln!("plugway: {}", error.message);
            return Ok(ExitCode::FAILURE);
        }
    };
    let mut out = io::stdout().lock();
    match args.json {
        true => writeln!(out, "{:#}", explanation.json())?,
        false => explanation.print(&mut out)?,
    }
    Ok(if explanation.is_routed() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn demonstrate(args: DemoArgs) -> anyhow::Result<ExitCode> {
    let listen_on = args.listen.unwrap_or(ServerConfig::default().listen);
    let demo = Demo::start(listen_on, Path::new("plugins"))?;
    log(demo.config.log);
    let process = Process::new()?;
    let store = process.runtime.block_on(Store::open(&demo.config.state.location))?;
    let credentials = Credentials::new(demo::environment);
    let router = Router::new(demo.config.clone(), credentials, store, cli::compiler())?;
    listen(process, router, |address| println!("{}", demo.guide(address)))
}

fn report(args: &UsageArgs) -> anyhow::Result<ExitCode> {
    let Some(Ledger { process, store, .. }) = ledger(args.config.as_deref())? else {
        return Ok(ExitCode::FAILURE);
    };
    let mut out = io::BufWriter::new(io::stdout().lock());
    process.runtime.block_on(usage::usage(args, &store, &mut out))?;
    Ok(ExitCode::SUCCESS)
}

fn reconcile(args: &ReconcileArgs) -> anyhow::Result<ExitCode> {
    let Some(Ledger { config, process, store }) = ledger(args.config.as_deref())? else {
        return Ok(ExitCode::from(NO_COMPARISON));
    };
    if !config.catalog.providers.contains_key(&args.provider) {
        let known = store_has(&process, &store, &args.provider)?;
        anyhow::ensure!(known, "no provider `{}` is active or in the ledger", args.provider);
    }
    let mut invoice = Vec::new();
    let limit = MAX_INVOICE_BYTES + 1;
    match args.invoice.to_str() {
        Some("-") => io::stdin().take(limit).read_to_end(&mut invoice),
        _ => File::open(&args.invoice).and_then(|it| it.take(limit).read_to_end(&mut invoice)),
    }
    .with_context(|| format!("cannot read `{}`", args.invoice.display()))?;
    if invoice.len() as u64 >= limit {
        anyhow::bail!("the invoice has more than {MAX_INVOICE_BYTES} bytes; split it");
    }
    let reconciling = usage::reconcile(args, &invoice, &config.catalog, &store);
    match process.runtime.block_on(reconciling) {
        Ok(reconciled) => {
            for note in &reconciled.notes {
                eprintln!("plugway: {note}");
            }
            reconciled.print(args.format, &mut io::BufWriter::new(io::stdout().lock()))?;
            Ok(if reconciled.is_within { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        Err(error) => {
            eprintln!("plugway: {error}");
            Ok(ExitCode::from(NO_COMPARISON))
        }
    }
}

/// Whether a provider ever served anything here.
fn store_has(process: &Process, store: &Store, provider: &str) -> anyhow::Result<bool> {
    let filter = DayFilter { provider: Some(provider.to_owned()), ..DayFilter::default() };
    Ok(!process.runtime.block_on(store.daily(&filter))?.is_empty())
}

/// `reconcile` compared nothing.
const NO_COMPARISON: u8 = 2;

/// The ledger that a configuration names, and what it takes to read it.
struct Ledger {
    config: Config,
    process: Process,
    store: Store,
}

/// Opens it, whether or not a router is running; none where the configuration is wrong.
fn ledger(config: Option<&Path>) -> anyhow::Result<Option<Ledger>> {
    // Neither a secret nor a provider is needed to read what was written.
    let config = match config::load_for_state(config, &process_environment) {
        Ok(config) => config,
        Err(mistakes) => {
            eprintln!("{mistakes}");
            return Ok(None);
        }
    };
    // To look is no reason to make one.
    match &config.state.location {
        Location::Memory => anyhow::bail!("there is no ledger: `state` names no place for one"),
        Location::File(path) if !path.exists() => {
            anyhow::bail!("there is no ledger yet: `{}` does not exist", path.display())
        }
        _ => {}
    }
    let process = Process::new()?;
    let store = process.runtime.block_on(Store::open_as_it_is(&config.state.location))?;
    Ok(Some(Ledger { config, process, store }))
}

/// What stands before the router, whose plugins take their time: a hangup that nobody
/// waits for would end the process.
struct Process {
    runtime: Runtime,
    hangup: Signal,
}

impl Process {
    fn new() -> anyhow::Result<Self> {
        let runtime = Runtime::new().context("the runtime could not start")?;
        let entered = runtime.enter();
        let hangup = signal(SignalKind::hangup())?;
        drop(entered);
        Ok(Self { runtime, hangup })
    }
}

/// Serves until the process is asked to end, then drains.
fn listen(
    Process { runtime, hangup }: Process,
    router: Router,
    ready: impl FnOnce(SocketAddr),
) -> anyhow::Result<ExitCode> {
    let router = Arc::new(router);
    let settings = router.settings();
    let _watches = reload::watch(&router);
    let served = runtime.block_on(async {
        let address = settings.config.server.listen;
        let listener = TcpListener::bind(address)
            .await
            .with_context(|| format!("cannot listen on {address}; choose another with --listen"))?;
        let mut terminate = signal(SignalKind::terminate())?;
        tokio::spawn(reload_on_hangup(router.clone(), hangup));
        ready(listener.local_addr()?);
        let asked_to_end = async move {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
        };
        server::run(listener, router.clone(), asked_to_end).await?;
        Ok(ExitCode::SUCCESS)
    });
    // A plugin that is being compiled is not waited for.
    runtime.shutdown_background();
    served
}

/// SIGHUP asks for what `POST /admin/reload` asks for.
async fn reload_on_hangup(router: Arc<Router>, mut hangup: Signal) {
    while hangup.recv().await.is_some() {
        let router = router.clone();
        // What it comes to is in the log.
        let _ = tokio::task::spawn_blocking(move || router.reload()).await;
    }
}

fn log(config: LogConfig) {
    let level = config.level.as_str();
    let filter = EnvFilter::try_from_env("PLUGWAY_LOG")
        .unwrap_or_else(|_| EnvFilter::new(format!("warn,plugway={level},plugway::access=info")));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(io::stderr().is_terminal())
        .with_writer(io::stderr)
        // It would be told on the same stderr, and panic if nobody reads that.
        .log_internal_errors(false);
    match config.format {
        LogFormat::Json => log.json().flatten_event(true).init(),
        LogFormat::Pretty => log.init(),
    }
}
