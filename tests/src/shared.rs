//! What several tests of a process use at the same time.

use std::sync::{Arc, Mutex, PoisonError, Weak};

/// Something that is dear to start, and is dropped with its last user.
pub struct Shared<T>(Mutex<Weak<T>>);

impl<T> Shared<T> {
    /// Nothing yet.
    pub const fn new() -> Self {
        Self(Mutex::new(Weak::new()))
    }

    /// The one that others use at this moment, or a new one. Others wait while it is
    /// made.
    pub fn or_made(&self, make: impl FnOnce() -> Option<T>) -> Option<Arc<T>> {
        let mut shared = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = shared.upgrade() {
            return Some(found);
        }
        let made = Arc::new(make()?);
        *shared = Arc::downgrade(&made);
        Some(made)
    }
}

impl<T> Default for Shared<T> {
    fn default() -> Self {
        Self::new()
    }
}
