//! What changed in the plugins directory since the last look, and what follows.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::load::{Job, Loaded};
use super::{Files, Shared};
use crate::directory::{self, Found, Listing};
use crate::status::ScanReport;

/// Between two looks at a file that must find it unchanged.
pub(crate) const SETTLE: Duration = Duration::from_millis(50);

/// A file as it was last found.
pub(super) struct Known {
    /// None: it is to be looked at anew.
    found: Option<Found>,
    /// Not before this, after a failure that was not the file's.
    not_before: Option<Instant>,
    /// Which find it was: what an older one came to is of no interest.
    pub(super) find: u64,
    pub(super) is_loading: bool,
}

/// Until what failed for want of something is tried again.
const RETRY_PAUSE: Duration = Duration::from_secs(5);

impl Known {
    /// Has the file looked at anew.
    pub(super) fn forget(&mut self) {
        self.found = None;
        self.not_before = None;
    }

    /// Has the file looked at anew after a while.
    pub(super) fn put_off(&mut self) {
        self.found = None;
        self.not_before = Some(Instant::now() + RETRY_PAUSE);
    }

    /// Nothing is to be done about a file that looks like this.
    fn covers(&self, file: &Found) -> bool {
        match &self.found {
            Some(found) => found == file,
            None => self.not_before.is_some_and(|time| Instant::now() < time),
        }
    }
}

/// A scan whose files are being loaded.
pub(super) struct Begun {
    /// As far as it is known.
    pub(super) report: ScanReport,
    loading: Receiver<(String, Loaded)>,
}

impl Begun {
    /// Waits until the last of them is loaded or refused.
    pub(super) fn wait(self) -> ScanReport {
        self.wait_at_most(Duration::MAX)
    }

    /// The same, and no longer than this; the rest goes on by itself.
    pub(super) fn wait_at_most(self, patience: Duration) -> ScanReport {
        let (began, mut report) = (Instant::now(), self.report);
        let left = || patience.saturating_sub(began.elapsed());
        while let Ok((id, loaded)) = self.loading.recv_timeout(left()) {
            match loaded {
                Loaded::Serving => report.loaded.push(id),
                Loaded::Refused(reason) => report.failed.push((id, reason)),
                Loaded::Changing => report.unsettled.push(id),
                Loaded::Unchanged => {}
            }
        }
        report.loaded.sort();
        report.failed.sort();
        report.unsettled.sort();
        report
    }
}

/// What watching a directory needs of the registry.
pub(crate) trait Scan: Send + Sync + 'static {
    /// Begins to load what changed. Yields whether another look is due soon: a file
    /// is being written, or something is still being loaded.
    fn begin_scan(&self) -> Due;
}

/// When to look again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    /// As soon as a file can have settled.
    Settling,
    /// Something is being loaded.
    Loading,
    /// When something happens.
    Idle,
}

impl Scan for Shared {
    fn begin_scan(&self) -> Due {
        let begun = self.scan(false);
        if !begun.report.unsettled.is_empty() {
            return Due::Settling;
        }
        let files = self.files();
        match files.known.values().any(|known| known.is_loading) {
            true => Due::Loading,
            false => Due::Idle,
        }
    }
}

impl Shared {
    /// Looks through the directory and has loaded what changed; with `again`, also
    /// what was refused before.
    pub(super) fn scan(&self, again: bool) -> Begun {
        let (done, loading) = mpsc::channel();
        let mut report = ScanReport::default();
        if let Some(directory) = &self.directory {
            let _look = self.look.lock().unwrap_or_else(PoisonError::into_inner);
            match self.settled(directory, &mut report) {
                Ok(listing) => self.apply(listing, again, &mut report, &done),
                Err(error) => {
                    // An unmounted disk is no wish to unload everything.
                    let trouble = format!(
                        "the plugins directory cannot be read (`{}`: {error}); what was loaded \
                         from it serves on; restore it",
                        directory.display()
                    );
                    self.note(Some(trouble.clone()));
                    report.trouble = Some(trouble);
                }
            }
        }
        Begun { report, loading }
    }

    /// What lies in the directory. Where something differs from what is known, looks
    /// again a moment later, and notes as unsettled what has changed meanwhile.
    fn settled(
        &self,
        directory: &std::path::Path,
        report: &mut ScanReport,
    ) -> std::io::Result<Listing> {
        let limit = self.engine.limits().max_plugins;
        let first = directory::look(directory, limit)?;
        if self.files().knows(&first.files) {
            return Ok(first);
        }
        thread::sleep(SETTLE);
        let second = directory::look(directory, limit)?;
        let moving = second.files.iter().filter(|(id, file)| first.files.get(*id) != Some(file));
        // Gone in between: it may be about to be put back.
        let missing = first.files.keys().filter(|id| !second.files.contains_key(*id));
        report.unsettled = moving.map(|(id, _)| id).chain(missing).cloned().collect();
        Ok(second)
    }

    /// Acts on the difference between what was found and what was known. Files
    /// that are still being written stay as they were known.
    fn apply(
        &self,
        listing: Listing,
        again: bool,
        report: &mut ScanReport,
        done: &Sender<(String, Loaded)>,
    ) {
        let mut files = self.files();
        if let Some(trouble) = files.is_elsewhere(&listing, again) {
            self.note(Some(trouble.clone()));
            report.trouble = Some(trouble);
            return;
        }
        files.root = listing.root;
        let left_out = (listing.left_out > 0).then(|| {
            format!(
                "{} files beyond the first {} (`max_plugins`) are left alone",
                listing.left_out,
                self.engine.limits().max_plugins
            )
        });
        report.trouble.clone_from(&left_out);
        self.note(left_out);
        let found = listing.files;
        // What more files pushed beyond the limit is still there.
        let is_there = |id: &str| listing.left_out > 0 && self.file_of(id).exists();
        let is_gone = |id: &&String| {
            !found.contains_key(*id) && !report.unsettled.contains(id) && !is_there(id)
        };
        let gone: Vec<String> = files.known.keys().filter(is_gone).cloned().collect();
        for id in gone {
            files.known.remove(&id);
            files.waiting.remove(&id);
            self.remove(&id, &mut files);
            tracing::info!(plugin = id, "plugin file is gone");
            report.removed.push(id);
        }
        for (id, file) in found {
            let known = files.known.get(&id).is_some_and(|known| known.covers(&file));
            let refused = || self.slots.load().get(&id).is_some_and(|it| it.refused.is_some());
            if report.unsettled.contains(&id) || (known && !(again && refused())) {
                continue;
            }
            files.enqueue(id, file, again, done.clone());
        }
        self.work.notify_all();
    }
}

impl Shared {
    /// Keeps what is wrong with the directory, and logs it once.
    fn note(&self, trouble: Option<String>) {
        if self.trouble.load().as_deref() == trouble.as_ref() {
            return;
        }
        match &trouble {
            Some(trouble) => tracing::error!("{trouble}"),
            None => tracing::info!("the plugins directory is readable again"),
        }
        self.trouble.store(trouble.map(Arc::new));
    }

    /// Where the plugin of this id lies, or would.
    pub(super) fn file_of(&self, id: &str) -> PathBuf {
        self.directory.clone().unwrap_or_default().join(format!("{id}.wasm"))
    }
}

impl Files {
    fn knows(&self, found: &BTreeMap<String, Found>) -> bool {
        self.known.len() == found.len()
            && found.iter().all(|(id, file)| self.known.get(id).is_some_and(|it| it.covers(file)))
    }

    /// Puts a find in line. One that was waiting under the same name gives way, and
    /// whoever waited for that waits for this.
    fn enqueue(&mut self, id: String, found: Found, again: bool, done: Sender<(String, Loaded)>) {
        self.finds += 1;
        let find = self.finds;
        let known = Known { found: Some(found.clone()), not_before: None, find, is_loading: true };
        self.known.insert(id.clone(), known);
        let before = self.waiting.remove(&id);
        let (place, mut waiters) = before.map_or((find, Vec::new()), |job| (job.place, job.done));
        waiters.push(done);
        self.waiting.insert(id, Job { found, find, place, again, done: waiters });
    }

    /// Whether the path leads to another directory than before, with nothing in it:
    /// a mount point whose disk is gone looks like that.
    fn is_elsewhere(&self, listing: &Listing, again: bool) -> Option<String> {
        let is_other = self.root.is_some() && listing.root != self.root;
        let is_loss = is_other && listing.files.is_empty() && !self.known.is_empty() && !again;
        is_loss.then(|| {
            "the plugins directory is another one now, and empty; what was loaded from it serves \
             on; put the files back, or ask for a reload to unload them"
                .to_owned()
        })
    }
}
