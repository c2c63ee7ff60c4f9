//! The plugin's voice: `plugway:host/log` and its standard streams become lines
//! of the router's log, cut and rate limited, under the target `plugway::plugin`.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use crate::bindings::adapter::plugway::host::log::{Host, Level};
use crate::limits::Limits;
use crate::plugin::Identity;
use crate::sandbox::State;
use crate::spoken::clean;

/// Longer lines are cut here, at a character's boundary.
const MAX_LINE_BYTES: usize = 4 << 10;

/// A standard stream of the guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stream {
    Out,
    Err,
}

impl Stream {
    /// The number that stands for the stream in the guest.
    pub(crate) fn handle(self) -> u32 {
        match self {
            Self::Out => 1,
            Self::Err => 2,
        }
    }

    pub(crate) fn of_handle(handle: u32) -> Self {
        if handle == Self::Out.handle() { Self::Out } else { Self::Err }
    }
}

/// The log of one instance.
pub(crate) struct Log {
    identity: Arc<Identity>,
    limits: Arc<Limits>,
    /// In the call under way.
    lines: u32,
    /// The line that each stream has begun.
    out: Vec<u8>,
    err: Vec<u8>,
}

impl Log {
    pub(crate) fn new(identity: Arc<Identity>, limits: Arc<Limits>) -> Self {
        Self { identity, limits, lines: 0, out: Vec::new(), err: Vec::new() }
    }

    /// Another call may write its own share of lines.
    pub(crate) fn begin_call(&mut self) {
        self.lines = 0;
    }

    /// Logs what the call printed without ending the line: in a warm instance it
    /// would run into the line of another request.
    pub(crate) fn end_call(&mut self) {
        for (level, line) in [
            (Level::Info, std::mem::take(&mut self.out)),
            (Level::Warn, std::mem::take(&mut self.err)),
        ] {
            if !line.is_empty() {
                self.line(level, &String::from_utf8_lossy(&line));
            }
        }
    }

    /// Takes in what the guest printed and logs the lines that it completes.
    pub(crate) fn write_stream(&mut self, stream: Stream, bytes: &[u8]) {
        let level = match stream {
            Stream::Out => Level::Info,
            Stream::Err => Level::Warn,
        };
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            let line = match stream {
                Stream::Out => &mut self.out,
                Stream::Err => &mut self.err,
            };
            let (text, complete) = match part.strip_suffix(b"\n") {
                Some(text) => (text, true),
                None => (part, false),
            };
            // One byte more than fits shows that the line was cut.
            let room = (MAX_LINE_BYTES + 1).saturating_sub(line.len());
            line.extend_from_slice(&text[..text.len().min(room)]);
            if complete {
                let line = std::mem::take(line);
                self.line(level, &String::from_utf8_lossy(&line));
            }
        }
    }

    fn line(&mut self, level: Level, text: &str) {
        self.lines = self.lines.saturating_add(1);
        let allowed = self.limits.max_log_lines;
        if self.lines > allowed {
            if self.lines == allowed + 1 {
                emit(&self.identity, Level::Warn, "further lines of this call are dropped");
            }
            return;
        }
        match self.identity.pace.admit(self.limits.max_log_lines_per_second) {
            Admission::Line => emit(&self.identity, level, &clean(text, MAX_LINE_BYTES)),
            Admission::LastLine => {
                emit(&self.identity, Level::Warn, "further lines of this second are dropped");
            }
            Admission::Nothing => {}
        }
    }
}

impl Host for State {
    fn write(&mut self, level: Level, message: String) {
        self.log.line(level, &message);
    }

    fn skipped(&mut self, what: String) {
        self.log.identity.skipped.fetch_add(1, Ordering::Relaxed);
        self.log.line(Level::Debug, &format!("skipped {what}"));
    }
}

/// How many lines a plugin wrote in the current second. Shared by all of its
/// instances; the lock is held for a comparison.
#[derive(Default)]
pub(crate) struct Pace(Mutex<Option<(Instant, u32)>>);

#[derive(Debug, PartialEq, Eq)]
enum Admission {
    Line,
    /// The first that is one too many.
    LastLine,
    Nothing,
}

impl Pace {
    fn admit(&self, per_second: u32) -> Admission {
        let mut second = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (_, lines) = match &mut *second {
            Some(current) if current.0.elapsed().as_secs() == 0 => current,
            other => other.insert((Instant::now(), 0)),
        };
        *lines = lines.saturating_add(1);
        match (*lines).cmp(&per_second.saturating_add(1)) {
            std::cmp::Ordering::Less => Admission::Line,
            std::cmp::Ordering::Equal => Admission::LastLine,
            std::cmp::Ordering::Greater => Admission::Nothing,
        }
    }
}

fn emit(identity: &Identity, level: Level, text: &str) {
    let (plugin, digest) = (identity.id.as_str(), identity.short_digest());
    macro_rules! event {
        ($level:ident) => {
            tracing::event!(target: "plugway::plugin", tracing::Level::$level, plugin, digest, "{text}")
        };
    }
    match level {
        Level::Trace => event!(TRACE),
        Level::Debug => event!(DEBUG),
        Level::Info => event!(INFO),
        Level::Warn => event!(WARN),
        Level::Error => event!(ERROR),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_cut_and_cleaned() {
        assert_eq!(clean("a\nb\x1b[2J", MAX_LINE_BYTES), "a b [2J");
        let long = clean(&"é".repeat(MAX_LINE_BYTES), MAX_LINE_BYTES);
        assert_eq!(long.len(), MAX_LINE_BYTES + "[cut]".len());
    }

    #[test]
    fn an_unfinished_line_ends_with_its_call() {
        let digest = "0".repeat(64);
        let identity = Identity::new("x", digest);
        let mut log = Log::new(Arc::new(identity), Arc::new(Limits::default()));
        log.begin_call();
        log.write_stream(Stream::Out, b"whole\nbegun");
        log.write_stream(Stream::Err, b"begun");
        assert_eq!((&log.out[..], &log.err[..], log.lines), (&b"begun"[..], &b"begun"[..], 1));
        log.end_call();
        assert_eq!((log.out.len(), log.err.len(), log.lines), (0, 0, 3));
    }

    #[test]
    fn a_second_admits_its_share_and_one_notice() {
        let pace = Pace::default();
        let admitted: Vec<_> = (0..4).map(|_| pace.admit(2)).collect();
        use Admission::{LastLine, Line, Nothing};
        assert_eq!(admitted, [Line, Line, LastLine, Nothing]);
    }
}
