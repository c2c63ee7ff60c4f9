//! Looks through a directory when something happens in it, and every now and then
//! besides, because file events get lost, and directories get replaced.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, SyncSender};
use std::thread;
use std::time::Duration;

use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher as _};

use crate::directory::{Identity, identity};
use crate::registry::{Due, Registry, SETTLE, Scan as _};

/// Between two looks while something is being loaded: what else happens meanwhile
/// is told by events, or found then.
const WHILE_LOADING: Duration = Duration::from_millis(250);

/// Between an event and the look that it causes: the least time between two looks.
const LULL: Duration = Duration::from_millis(20);

/// A directory being watched, until this is dropped. A look that is under way then
/// is finished, without anyone waiting for it.
#[derive(Debug)]
pub struct Watch {
    stopped: Arc<AtomicBool>,
    wake: SyncSender<()>,
}

impl Registry {
    /// Keeps the registry up with its directory, on a thread of its own: at once
    /// on the system's events, and at least every `interval`. Without a directory
    /// there is nothing to do, and nothing is done.
    pub fn watch(&self, interval: Duration) -> Watch {
        let scan = self.shared();
        let look = move || match scan.begin_scan() {
            Due::Settling => SETTLE,
            Due::Loading => WHILE_LOADING,
            Due::Idle => interval,
        };
        Watch::start("plugin-watch", self.directory(), interval, look)
    }
}

impl Watch {
    /// Calls `look` on a thread of this name: soon, when something happens directly in
    /// `directory`, after as long as it asks for, and at least every `interval`.
    pub fn start(
        name: &str,
        directory: Option<&Path>,
        interval: Duration,
        mut look: impl FnMut() -> Duration + Send + 'static,
    ) -> Self {
        // One waiting wake-up stands for any number of events.
        let (wake, woken) = mpsc::sync_channel(1);
        let stopped = Arc::new(AtomicBool::new(false));
        let watch = Self { stopped: Arc::clone(&stopped), wake: wake.clone() };
        let Some(directory) = directory else { return watch };
        let mut events = Events::new(directory, wake);
        let run = move || {
            // What was still being written at the start settles soon.
            let mut wait = SETTLE.min(interval);
            loop {
                // Before the look: what happens after it must not be missed.
                events.follow();
                let woke = woken.recv_timeout(wait);
                if woke == Ok(()) {
                    // A file that is being written makes one event after the other.
                    thread::sleep(LULL.min(interval));
                    while woken.try_recv().is_ok() {}
                }
                let stop = stopped.load(Ordering::Relaxed);
                if stop || woke == Err(RecvTimeoutError::Disconnected) {
                    return;
                }
                events.follow();
                wait = look().min(interval);
            }
        };
        if let Err(error) = thread::Builder::new().name(name.to_owned()).spawn(run) {
            tracing::error!(%error, "`{name}` does not run: changes are noticed on request only");
        }
        watch
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Relaxed);
        // A full channel wakes the thread as well.
        let _ = self.wake.try_send(());
    }
}

/// The system's events of whatever directory has the path now.
struct Events {
    directory: PathBuf,
    wake: SyncSender<()>,
    /// None where events are not to be had: time alone wakes then.
    watcher: Option<RecommendedWatcher>,
    /// Which directory is watched.
    watched: Option<Identity>,
}

impl Events {
    fn new(directory: &Path, wake: SyncSender<()>) -> Self {
        Self { directory: directory.to_owned(), wake, watcher: None, watched: None }
    }

    /// Watches the directory that is there now, if it is another one.
    fn follow(&mut self) {
        let there = identity(&self.directory);
        if there == self.watched {
            return;
        }
        self.watched = there;
        self.watcher = None;
        if there.is_some() {
            let watcher = self.watch().inspect_err(|error| {
                let directory = self.directory.display();
                tracing::warn!(%directory, %error, "no file events; the directory is looked through on time alone");
            });
            self.watcher = watcher.ok();
            // What happened before it was watched.
            let _ = self.wake.try_send(());
        }
    }

    fn watch(&self) -> notify::Result<RecommendedWatcher> {
        let wake = self.wake.clone();
        let on_event = move |event: notify::Result<Event>| {
            // Reading a file is an event too, and looks read them.
            if !event.is_ok_and(|event| event.kind.is_access()) {
                // A full channel means that a look is due anyway.
                let _ = wake.try_send(());
            }
        };
        let mut watcher = notify::recommended_watcher(on_event)?;
        watcher.watch(&self.directory, RecursiveMode::NonRecursive)?;
        Ok(watcher)
    }
}
