//! `[log]`: what is written about the router's work, and how.

use super::field::{Field, Slot};

/// How log lines look and which are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogConfig {
    /// Shape of a line.
    pub format: LogFormat,
    /// The least severe that is written.
    pub level: LogLevel,
}

/// Shape of a log line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    #[default]
    Pretty,
    /// One JSON object per line.
    Json,
}

/// Severity of log lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogLevel {
    /// What failed.
    Error,
    /// And what may become a failure.
    Warn,
    /// And one line per request.
    #[default]
    Info,
    /// And what a developer asks for.
    Debug,
    /// And everything.
    Trace,
}

impl LogLevel {
    /// As `tracing` and its filters spell it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            LogLevel::Error => "error",
            LogLevel::Warn => "warn",
            LogLevel::Info => "info",
            LogLevel::Debug => "debug",
            LogLevel::Trace => "trace",
        }
    }
}

pub(super) const FIELDS: &[Field<LogConfig>] = &[
    Field {
        key: "format",
        slot: Slot::Choice {
            names: &["pretty", "json"],
            set: |c, name| {
                c.format = match name {
                    "json" => LogFormat::Json,
                    _ => LogFormat::Pretty,
                }
            },
            get: |c| match c.format {
                LogFormat::Json => "json",
                LogFormat::Pretty => "pretty",
            },
        },
        about: "`pretty` for people, `json` for one object per line.",
    },
    Field {
        key: "level",
        slot: Slot::Choice {
            names: &["error", "warn", "info", "debug", "trace"],
            set: |c, name| {
                c.level = match name {
                    "error" => LogLevel::Error,
                    "warn" => LogLevel::Warn,
                    "debug" => LogLevel::Debug,
                    "trace" => LogLevel::Trace,
                    _ => LogLevel::Info,
                }
            },
            get: |c| c.level.as_str(),
        },
        about: "The least severe lines that are written.",
    },
];
