//! Moments as people and other programs read them.

use plugway_wire::ollama;

/// Milliseconds since the Unix epoch, as RFC 3339 has them.
pub(crate) fn rfc3339(unix_ms: u64) -> String {
    let seconds = ollama::rfc3339(unix_ms / 1000);
    let seconds = seconds.trim_end_matches('Z');
    format!("{seconds}.{:03}Z", unix_ms % 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_have_milliseconds() {
        assert_eq!(rfc3339(1_755_697_701_007), "2025-08-20T13:48:21.007Z");
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00.000Z");
    }
}
