//! What the routers of this process log, kept for tests that read it.

use serde_json::Value;
use std::io::Write;
use std::sync::{Arc, Mutex, Once, OnceLock, PoisonError};
use std::time::Duration;
use tracing_subscriber::fmt::MakeWriter;

/// The process's log, as JSON lines. Tests share it: pick lines by what is
/// unique to the test.
#[derive(Clone, Default)]
pub struct LogLines(Arc<Mutex<Vec<u8>>>);

static LINES: OnceLock<LogLines> = OnceLock::new();

impl LogLines {
    /// Starts to collect, once per process.
    pub fn install() {
        static ONCE: Once = Once::new();
        ONCE.call_once(|| {
            let lines = LINES.get_or_init(Self::default).clone();
            tracing_subscriber::fmt()
                .json()
                .flatten_event(true)
                .with_env_filter("warn,plugway=debug")
                .with_writer(lines)
                .init();
        });
    }

    /// Everything logged so far.
    pub fn text() -> String {
        let lines = LINES.get_or_init(Self::default);
        let bytes = lines.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// The first line that `wanted` accepts, waiting for it if need be.
    pub async fn wait(wanted: impl Fn(&Value) -> bool) -> Value {
        let found = async {
            loop {
                let text = Self::text();
                let mut lines =
                    text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
                if let Some(line) = lines.find(|line| wanted(line)) {
                    return line;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), found).await.expect("no such line was logged")
    }

    /// The access-log line of one generation.
    pub async fn access(generation: &str) -> Value {
        Self::wait(|line| line["target"] == "plugway::access" && line["id"] == generation).await
    }
}

impl Write for LogLines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for LogLines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}
