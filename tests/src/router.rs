//! A router on a port of its own, in this process.

use crate::{Client, LogLines, binary};
use plugway::config::{Config, Diagnostics};
use plugway::reload::ConfigSource;
use plugway::upstream::Credentials;
use plugway::{Router, cli, config, server, state};
use plugway_engine::ScanReport;
use plugway_guest_build::graft;
use plugway_routing::Clock;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// The variable that tests name in `api_key_env`.
const KEY_VARIABLE: &str = "TEST_KEY";

/// What it holds. Tests look for it where it must not be.
pub const KEY: &str = "sk-test-0123456789-secret";

/// What `TEST_ID` holds, for credentials that are more than a secret.
pub const ID: &str = "test-id-0123456789";

/// What `TEST_KEY_A`, `TEST_KEY_B` and so on hold. One begins with another.
pub const KEYS: [&str; 4] =
    ["sk-test-aaaaaaaa", "sk-test-bbbbbbbb", "sk-test-cccccccc", "sk-test-aaaaaaaa-dddd"];

/// A running router. Dropping it stops it.
pub struct TestRouter {
    /// Its state, for looking inside.
    pub router: Arc<Router>,
    address: SocketAddr,
    home: TempDir,
    shutdown: Option<oneshot::Sender<()>>,
    served: Option<JoinHandle<()>>,
}

impl TestRouter {
    /// Starts a router with this configuration and an empty plugins directory.
    /// Its environment holds `TEST_KEY`, `TEST_ID`, `TEST_TOKEN`, `TEST_KEY_A` to
    /// `TEST_KEY_D`, and nothing else.
    pub async fn start(toml: &str) -> Self {
        Self::start_at(toml, Clock::machine()).await
    }

    /// The same, where what is remembered of endpoints and conversations lives in this
    /// clock's time.
    pub async fn start_at(toml: &str, clock: Clock) -> Self {
        LogLines::install();
        let home = TempDir::new().unwrap();
        let (plugins, file) = (home.path().join(PLUGINS), home.path().join(FILE));
        std::fs::create_dir(&plugins).unwrap();
        std::fs::write(&file, toml).unwrap();
        let text = toml.to_owned();
        let read = move |toml: &str| configuration(toml, &plugins);
        let mut config = read(toml).unwrap_or_else(|mistakes| panic!("{mistakes}"));
        let (store, serving_lock) = state::open(&mut config).await.unwrap();
        let make = move || {
            // Components are compiled as the real program has them compiled.
            let compiler = cli::compiler_of(binary().to_owned());
            let router = Router::new(config, Credentials::new(environment), store, compiler);
            let router = router.unwrap().timed_by(clock);
            router.configured_by(Some(ConfigSource::new(file, &text, read)))
        };
        let router = Arc::new(tokio::task::spawn_blocking(make).await.unwrap());
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (shutdown, asked) = oneshot::channel();
        let serving = router.clone();
        let served = tokio::spawn(async move {
            let _serving_lock = serving_lock;
            let asked = async move {
                let _ = asked.await;
            };
            server::run(listener, serving, asked).await.unwrap();
        });
        // Its first steps are not to be mixed with those of the test.
        while router.accounts.now().revision.is_none() && !served.is_finished() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        Self { router, address, home, shutdown: Some(shutdown), served: Some(served) }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A client of this router.
    pub fn client(&self) -> Client {
        Client::new(self.address)
    }

    /// Where plugins are dropped.
    pub fn plugins(&self) -> PathBuf {
        self.home.path().join(PLUGINS)
    }

    /// The file that configures it.
    pub fn config_file(&self) -> PathBuf {
        self.home.path().join(FILE)
    }

    /// Drops the component of the guest `name` into the plugins directory as
    /// `id` and has it picked up.
    pub async fn drop_plugin(&self, name: &str, id: &str) -> ScanReport {
        std::fs::write(self.plugins().join(format!("{id}.wasm")), guest(name)).unwrap();
        self.rescan().await
    }

    /// Looks through the plugins directory until what is there has settled.
    pub async fn rescan(&self) -> ScanReport {
        let registry = self.router.registry.clone();
        // A file is read once it looked the same twice.
        let scan = move || {
            registry.rescan();
            registry.rescan()
        };
        tokio::task::spawn_blocking(scan).await.unwrap()
    }

    /// Asks it to end; resolves when it has drained.
    pub async fn stop(mut self) {
        self.begin_stop();
        self.served.take().unwrap().await.unwrap();
    }

    /// Asks it to end and does not wait.
    pub fn begin_stop(&mut self) {
        if let Some(shutdown) = self.shutdown.take() {
            let _ = shutdown.send(());
        }
    }
}

/// In the router's home directory.
const PLUGINS: &str = "plugins";
const FILE: &str = "plugway.toml";

fn environment(name: &str) -> Option<String> {
    let value = match name {
        KEY_VARIABLE => KEY,
        "TEST_ID" => ID,
        "TEST_TOKEN" => "a-session+token/==",
        "TEST_KEY_A" => KEYS[0],
        "TEST_KEY_B" => KEYS[1],
        "TEST_KEY_C" => KEYS[2],
        "TEST_KEY_D" => KEYS[3],
        _ => return None,
    };
    Some(value.to_owned())
}

fn configuration(toml: &str, plugins: &Path) -> Result<Config, Diagnostics> {
    let mut config = config::load_str(FILE, toml, &environment)?;
    config.plugins.directory = Some(plugins.to_owned());
    config.plugins.cache_directory = Some(cache());
    Ok(config)
}

/// The component of a guest, by its name.
pub fn guest(name: &str) -> &'static [u8] {
    include!(concat!(env!("OUT_DIR"), "/guests.rs"))
}

/// A good adapter with this component in it, which no compiler would write.
fn grafted(text: &str) -> &'static [u8] {
    let component = wat::parse_str(text).unwrap();
    graft(guest("provider-minimal"), &component).unwrap().leak()
}

/// Compiled code is shared by all tests: compiling it is most of their time.
fn cache() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/test-code-cache")
}
