//! The simulator as a program: `serve` on chosen ports, and `ceiling`.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::{Parser, Subcommand};
use plugway_simulator::{Kind, Script, State, ceiling, serve};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// Simulated providers with true wire formats, which misbehave on command.
#[derive(Parser)]
#[command(name = "plugway-simulator")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serves until interrupted.
    Serve {
        /// Port of the simulated OpenAI API; 0 takes a free one.
        #[arg(long)]
        openai_port: Option<u16>,
        /// Port of the simulated Anthropic API; 0 takes a free one.
        #[arg(long)]
        anthropic_port: Option<u16>,
        /// Port of another simulated API, as in `gemini=8081`; may be repeated.
        #[arg(long = "port", value_name = "KIND=PORT", value_parser = kind_and_port)]
        ports: Vec<(Kind, u16)>,
        /// Address to listen on.
        #[arg(long, default_value = "127.0.0.1")]
        host: IpAddr,
        /// JSON file that says what the providers do.
        #[arg(long)]
        script: Option<PathBuf>,
    },
    /// Measures what a load test through a simulator cannot exceed here.
    Ceiling {
        /// Seconds for each provider's measurement, at most 60.
        #[arg(long, default_value_t = 3)]
        seconds: u64,
        /// Connections at a time, at most 1000.
        #[arg(long, default_value_t = 32)]
        connections: u32,
    },
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    match Arguments::parse().command {
        Command::Serve { openai_port, anthropic_port, mut ports, host, script } => {
            ports.extend(openai_port.map(|port| (Kind::OpenAi, port)));
            ports.extend(anthropic_port.map(|port| (Kind::Anthropic, port)));
            serve_all(host, &ports, read_script(script)?).await
        }
        Command::Ceiling { seconds, connections } => {
            print_ceiling(seconds.clamp(1, 60), connections.clamp(1, 1000)).await
        }
    }
}

/// A kind by the name that scripts would have for it, and a port.
fn kind_and_port(text: &str) -> anyhow::Result<(Kind, u16)> {
    let (kind, port) = text.split_once('=').context("a kind and a port, as in gemini=8081")?;
    let kind = serde_json::from_value(kind.into()).context("an unknown kind")?;
    Ok((kind, port.parse().context("the port is none")?))
}

fn read_script(path: Option<PathBuf>) -> anyhow::Result<Script> {
    let Some(path) = path else {
        return Ok(Script::new());
    };
    let name = path.display();
    let text = std::fs::read(&path).with_context(|| format!("reading {name}"))?;
    serde_json::from_slice(&text).with_context(|| format!("reading {name}"))
}

#[expect(clippy::print_stdout, reason = "the addresses are the program's output")]
async fn serve_all(host: IpAddr, ports: &[(Kind, u16)], script: Script) -> anyhow::Result<()> {
    let mut servers = JoinSet::new();
    for (kind, port) in ports {
        let address = SocketAddr::new(host, *port);
        let listener =
            TcpListener::bind(address).await.with_context(|| format!("listening on {address}"))?;
        println!("{kind:?} on http://{}/v1", listener.local_addr()?);
        let interrupted = async {
            // Without a signal handler the process just ends.
            let _ = tokio::signal::ctrl_c().await;
        };
        servers.spawn(serve(listener, State::new(*kind, script.clone()), interrupted));
    }
    if servers.is_empty() {
        bail!("name a port: --openai-port, --anthropic-port or --port");
    }
    while let Some(server) = servers.join_next().await {
        server??;
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the numbers are the program's output")]
async fn print_ceiling(seconds: u64, connections: u32) -> anyhow::Result<()> {
    println!("loopback, {connections} connections, answers of 100 chunks, {seconds} s each");
    for kind in [Kind::OpenAi, Kind::Anthropic] {
        let ceiling = ceiling::measure(kind, Duration::from_secs(seconds), connections).await?;
        println!(
            "{kind:?}: {:.0} whole/s, {:.0} streamed/s ({:.0} chunks/s), \
             {:.0} chunks/s with a write for each",
            ceiling.whole,
            ceiling.streamed,
            ceiling.streamed * 100.0,
            ceiling.chunks,
        );
    }
    Ok(())
}
