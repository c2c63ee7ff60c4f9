//! Which of the measured percentiles a strategy goes by.

use super::{Percentiles, Setting, setting};

/// One of the percentiles that the router measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Percentile {
    /// The median.
    P50,
    /// The 75th.
    P75,
    /// The 90th.
    P90,
    /// The 99th.
    P99,
}

impl Percentile {
    /// The percentile that a setting names, as `"p90"`.
    ///
    /// # Errors
    /// A sentence naming the setting, where its value is something else.
    pub fn from_settings(settings: &[Setting], name: &str) -> Result<Option<Self>, String> {
        let Some(word) = setting::<String>(settings, name)? else { return Ok(None) };
        match &*word {
            "p50" => Ok(Some(Self::P50)),
            "p75" => Ok(Some(Self::P75)),
            "p90" => Ok(Some(Self::P90)),
            "p99" => Ok(Some(Self::P99)),
            _ => Err(format!("option {name:?} must be \"p50\", \"p75\", \"p90\" or \"p99\"")),
        }
    }

    /// Its value; none where nothing was measured.
    #[must_use]
    pub fn of(self, measured: Option<&Percentiles>) -> Option<f64> {
        let measured = measured?;
        Some(match self {
            Self::P50 => measured.p50,
            Self::P75 => measured.p75,
            Self::P90 => measured.p90,
            Self::P99 => measured.p99,
        })
    }
}
