//! The servers, each this very binary in another role and in a process of its own.

use crate::{provider, proxy};
use plugway::upstream::Credentials;
use plugway::{Router, config, server};
use plugway_engine::Compiler;
use plugway_store::{Location, Store};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use tokio::net::TcpListener;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Provider,
    Proxy,
    Router,
    /// A router with one place for a request.
    Crowded,
    /// A router whose bounds are the machine's alone.
    Spacious,
}

const ROLES: [(&str, Role); 5] = [
    ("provider", Role::Provider),
    ("proxy", Role::Proxy),
    ("router", Role::Router),
    ("crowded", Role::Crowded),
    ("spacious", Role::Spacious),
];

impl Role {
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        ROLES.iter().find(|(known, _)| *known == name).map(|(_, role)| *role)
    }

    fn name(self) -> &'static str {
        ROLES.iter().find(|(_, known)| *known == self).map_or("", |(name, _)| name)
    }
}

/// A server process; ended when this is dropped.
pub(crate) struct Child {
    process: std::process::Child,
    pub(crate) address: String,
}

/// Memory of a process, in bytes.
#[derive(Clone, Copy)]
pub(crate) struct Memory {
    /// All pages that it maps, a shared one once for each mapping.
    pub(crate) resident: f64,
    /// The same with shared pages shared out.
    pub(crate) proportional: f64,
}

impl Child {
    /// Starts this binary in a role, on some cores only, and waits until it listens.
    pub(crate) fn start(role: Role, upstream: &str, cores: Option<&str>) -> Self {
        let binary = std::env::current_exe().unwrap();
        let mut command = match cores {
            Some(cores) => {
                let mut command = Command::new("taskset");
                command.args(["-c", cores]).arg(binary);
                command
            }
            None => Command::new(binary),
        };
        let mut process =
            command.args([role.name(), upstream]).stdout(Stdio::piped()).spawn().unwrap();
        let mut address = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut address).unwrap();
        Self { process, address: address.trim().to_owned() }
    }

    /// CPU time that the process has used, in microseconds.
    pub(crate) fn cpu_us(&self) -> f64 {
        let stat = self.read("stat");
        // Behind the name in parentheses, user and system time are the 12th and
        // 13th field, in ticks of a hundredth of a second.
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
        let ticks: f64 = fields[11..13].iter().map(|it| it.parse::<f64>().unwrap()).sum();
        ticks * 10_000.0
    }

    /// For how long its busiest thread was ready to run while others ran on its
    /// core, in microseconds.
    pub(crate) fn waited_us(&self) -> f64 {
        let threads = std::fs::read_dir(format!("/proc/{}/task", self.process.id())).unwrap();
        let times = threads.filter_map(|thread| {
            let times = std::fs::read_to_string(thread.ok()?.path().join("schedstat")).ok()?;
            let mut times = times.split(' ').map(|it| it.trim().parse::<f64>().unwrap_or(0.0));
            Some((times.next()?, times.next()?))
        });
        times.max_by(|a, b| a.0.total_cmp(&b.0)).map_or(0.0, |(_, waited)| waited / 1e3)
    }

    pub(crate) fn memory(&self) -> Memory {
        let rollup = self.read("smaps_rollup");
        let field = |name: &str| {
            let line = rollup.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            line.trim().trim_end_matches("kB").trim().parse::<f64>().unwrap() * 1024.0
        };
        Memory { resident: field("Rss:"), proportional: field("Pss:") }
    }

    fn read(&self, file: &str) -> String {
        std::fs::read_to_string(format!("/proc/{}/{file}", self.process.id())).unwrap()
    }

    /// Where to post to.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/v1/chat/completions", self.address)
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Serves one role until the process is ended.
pub(crate) fn serve(role: Role, upstream: &str) {
    plugway_engine::machine::claim_descriptors();
    // A router with plugins is made before the runtime, for that blocks.
    let router = match role {
        Role::Provider | Role::Proxy => None,
        Role::Router => Some(router(upstream, "")),
        Role::Crowded => Some(router(upstream, "max_requests = 1\n")),
        Role::Spacious => Some(router(
            upstream,
            "max_connections = 1_000_000\n[plugins.limits]\nmax_instances = 1_000_000\n",
        )),
    };
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        println!("{}", listener.local_addr().unwrap());
        match router {
            Some(router) => {
                server::run(listener, Arc::new(router), std::future::pending()).await.unwrap();
            }
            None if role == Role::Proxy => proxy::run(listener, upstream.parse().unwrap()).await,
            None => provider::run(listener).await,
        }
    });
}

fn router(upstream: &str, server: &str) -> Router {
    let models = ["whole", "stream", "held"].map(|name| {
        format!(
            "[models.\"bench/{name}\"]\n[[models.\"bench/{name}\".endpoints]]\nprovider = \"sim\"\n\
             model = \"{name}\"\nprice = {{ prompt = 1.0, completion = 2.0 }}\n"
        )
    });
    let toml = format!(
        "[server]\nlisten = \"127.0.0.1:0\"\n{server}\
         [providers.sim]\nadapter = \"openai\"\nbase_url = \"http://{upstream}/v1\"\napi_key_env = \"BENCH_KEY\"\n{}",
        models.concat()
    );
    let environment = |name: &str| (name == "BENCH_KEY").then(|| "bench".to_owned());
    let mut config = config::load_str("bench.toml", &toml, &environment).unwrap();
    let cache = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/test-code-cache");
    config.plugins.cache_directory = Some(cache);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let store = runtime.block_on(Store::open(&Location::Memory)).unwrap();
    Router::new(config, Credentials::new(environment), store, Compiler::InProcess).unwrap()
}
