//! The servers under test, each this very binary in another role.

use crate::proxy;
use plugway::upstream::Credentials;
use plugway::{Router, config, server};
use plugway_engine::Compiler;
use plugway_simulator::{Behaviour, Kind, State};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use tokio::net::TcpListener;

#[derive(Clone, Copy, Debug)]
pub(crate) enum Role {
    Simulator,
    Proxy,
    Router,
}

impl Role {
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        match name {
            "simulator" => Some(Self::Simulator),
            "proxy" => Some(Self::Proxy),
            "router" => Some(Self::Router),
            _ => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Simulator => "simulator",
            Self::Proxy => "proxy",
            Self::Router => "router",
        }
    }
}

/// A server process; ended when this is dropped.
pub(crate) struct Child {
    process: std::process::Child,
    pub(crate) address: String,
}

impl Child {
    /// Starts this binary in a role and waits until it listens.
    pub(crate) fn start(role: Role, upstream: &str) -> Self {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args([role.name(), upstream])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut address = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut address).unwrap();
        Self { process, address: address.trim().to_owned() }
    }

    /// CPU time that the process has used, in microseconds.
    pub(crate) fn cpu_us(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.process.id())).unwrap();
        // Behind the name in parentheses, user and system time are the 12th and
        // 13th field, in ticks of a hundredth of a second.
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
        let ticks: f64 = fields[11..13].iter().map(|it| it.parse::<f64>().unwrap()).sum();
        ticks * 10_000.0
    }

    /// Where to post to, and the model to ask for.
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
    // A router with plugins is made before the runtime, for that blocks.
    let router = matches!(role, Role::Router).then(|| Arc::new(router(upstream)));
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        println!("{}", listener.local_addr().unwrap());
        let never = std::future::pending();
        match (role, router) {
            (Role::Router, Some(router)) => server::run(listener, router, never).await.unwrap(),
            (Role::Proxy, _) => proxy::run(listener, upstream.parse::<SocketAddr>().unwrap()).await,
            _ => {
                let answer = Behaviour::new().completion_tokens(50).frames_per_write(1);
                let state = State::new(Kind::OpenAi, answer);
                plugway_simulator::serve(listener, state, never).await.unwrap();
            }
        }
    });
}

fn router(upstream: &str) -> Router {
    let toml = format!(
        "[server]\nlisten = \"127.0.0.1:0\"\n\
         [providers.sim]\nadapter = \"openai\"\nbase_url = \"http://{upstream}/v1\"\napi_key_env = \"BENCH_KEY\"\n\
         [models.\"bench/model\"]\n[[models.\"bench/model\".endpoints]]\nprovider = \"sim\"\nmodel = \"model\"\n\
         price = {{ prompt = 1.0, completion = 2.0 }}\n"
    );
    let environment = |name: &str| (name == "BENCH_KEY").then(|| "bench".to_owned());
    let mut config = config::load_str("bench.toml", &toml, &environment).unwrap();
    let cache = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/test-code-cache");
    config.plugins.cache_directory = Some(cache);
    Router::new(config, Credentials::new(environment), Compiler::InProcess).unwrap()
}
