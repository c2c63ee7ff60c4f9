//! Rescans the plugins directory when something happens in it, and every now and
//! then besides, because file events get lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, SyncSender};
use std::thread;
use std::time::Duration;

use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher as _};

use crate::registry::{Registry, SETTLE};

/// A directory being watched, until this is dropped. A scan that is under way
/// then is finished, without anyone waiting for it.
#[derive(Debug)]
pub struct Watch {
    stopped: Arc<AtomicBool>,
    wake: SyncSender<()>,
    /// None where the system's events are not to be had: time alone wakes then.
    _events: Option<RecommendedWatcher>,
}

impl Registry {
    /// Keeps the registry up with its directory, on a thread of its own: at once
    /// on the system's events, and at least every `interval`. Without a directory
    /// there is nothing to do, and nothing is done.
    pub fn watch(self: &Arc<Self>, interval: Duration) -> Watch {
        // One waiting wake-up stands for any number of events.
        let (wake, woken) = mpsc::sync_channel(1);
        let stopped = Arc::new(AtomicBool::new(false));
        let events = self.events(wake.clone());
        if self.directory().is_some() {
            let (registry, stopped) = (Arc::clone(self), Arc::clone(&stopped));
            let run = move || {
                // What was still being written at the start settles soon.
                let mut wait = SETTLE.min(interval);
                loop {
                    let woken = woken.recv_timeout(wait);
                    let stop = stopped.load(Ordering::Relaxed);
                    if stop || woken == Err(RecvTimeoutError::Disconnected) {
                        return;
                    }
                    let unsettled = !registry.rescan().unsettled.is_empty();
                    wait = if unsettled { SETTLE.min(interval) } else { interval };
                }
            };
            if let Err(error) = thread::Builder::new().name("plugin-watch".to_owned()).spawn(run) {
                tracing::error!(%error, "the plugins directory is not watched");
            }
        }
        Watch { stopped, wake, _events: events }
    }

    fn events(&self, wake: SyncSender<()>) -> Option<RecommendedWatcher> {
        let directory = self.directory()?;
        let on_event = move |event: notify::Result<Event>| {
            // Reading a file is an event too, and the scan reads them.
            if !event.is_ok_and(|event| event.kind.is_access()) {
                // A full channel means that a scan is due anyway.
                let _ = wake.try_send(());
            }
        };
        let watcher = notify::recommended_watcher(on_event).and_then(|mut watcher| {
            watcher.watch(directory, RecursiveMode::NonRecursive)?;
            Ok(watcher)
        });
        watcher
            .inspect_err(|error| {
                let directory = directory.display();
                tracing::warn!(%directory, %error, "no file events; the directory is rescanned on time alone");
            })
            .ok()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Relaxed);
        // A full channel wakes the thread as well.
        let _ = self.wake.try_send(());
    }
}
