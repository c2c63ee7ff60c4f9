//! Other conditions for the plugins that serve: whoever they concern is brought up
//! once more from the code that is there, and all change over at once, or none.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::load::{embedded, not_replaceable, reload};
use super::{Live, RegistryOptions, Shared, Slot, Slots};
use crate::error::Error;
use crate::grants::PluginKind;
use crate::status::{RefusedFile, Source};

impl Shared {
    pub(super) fn reconfigure(&self, options: RegistryOptions) -> Result<(), Error> {
        // Compiling takes its time, in which nobody is to wait for the lock.
        let (bundled, loaded) = {
            let files = self.files();
            (Arc::clone(&files.bundled), files.embedded.clone())
        };
        let wanted = embedded(&self.engine, &bundled, &loaded, &options)?;
        let mut files = self.files();
        let before = Arc::clone(&files.options);
        let ids: BTreeSet<String> =
            files.embedded.keys().chain(self.slots.load().keys()).cloned().collect();
        let concerned: BTreeSet<String> =
            ids.into_iter().filter(|id| !same(id, &before, &options)).collect();
        let mut embedded = files.embedded.clone();
        for (id, live) in embedded.iter_mut().filter(|(id, _)| concerned.contains(*id)) {
            *live = reload(&self.engine, id, live.code(), &options)?;
        }
        let mut slots = Slots::clone(&self.slots.load());
        for (id, live) in wanted {
            // Where a file serves under that name, it goes on.
            if slots.get(&id).is_none_or(|slot| slot.live.is_none()) {
                let generation = files.next_generation(&id);
                let mut slot =
                    Slot::serving(live.clone(), Source::Embedded, generation, Duration::ZERO);
                slot.refused = slots.remove(&id).and_then(|former| former.refused);
                slots.insert(id.clone(), slot);
            }
            embedded.insert(id, live);
        }
        for (id, slot) in slots.iter_mut().filter(|(id, _)| concerned.contains(*id)) {
            demote(id, slot, &embedded, &options);
            slot.live = self.under(id, slot, &embedded, &options)?;
            if slot.live.is_some() {
                slot.generation = files.next_generation(id);
            }
        }
        // What was refused under the old conditions is to be tried anew.
        for (id, slot) in slots.iter_mut().filter(|(id, _)| concerned.contains(*id)) {
            if let (Some(refusal), Some(known)) = (&mut slot.refused, files.known.get_mut(id)) {
                refusal.digest = None;
                known.forget();
            }
        }
        files.options = Arc::new(options);
        files.embedded = embedded;
        self.slots.store(Arc::new(slots));
        Ok(())
    }

    /// What serves under the new conditions in place of what serves now.
    fn under(
        &self,
        id: &str,
        slot: &Slot,
        embedded: &BTreeMap<String, Live>,
        options: &RegistryOptions,
    ) -> Result<Option<Live>, Error> {
        let Some(live) = &slot.live else { return Ok(None) };
        match &slot.source {
            Source::Embedded => Ok(embedded.get(id).cloned()),
            Source::File(_) => Ok(Some(reload(&self.engine, id, live.code(), options)?)),
        }
    }
}

/// Nothing that concerns this plugin has changed.
fn same(id: &str, before: &RegistryOptions, after: &RegistryOptions) -> bool {
    before.grants.get(id).cloned().unwrap_or_default()
        == after.grants.get(id).cloned().unwrap_or_default()
        && before.setups.get(id).cloned().unwrap_or_default()
            == after.setups.get(id).cloned().unwrap_or_default()
        && before.replaceable_providers.contains(id) == after.replaceable_providers.contains(id)
}

/// Puts the embedded adapter back where a file may no longer replace it.
fn demote(id: &str, slot: &mut Slot, embedded: &BTreeMap<String, Live>, options: &RegistryOptions) {
    let Some(own) = embedded.get(id).filter(|own| own.kind() == PluginKind::Adapter) else {
        return;
    };
    if let Source::File(file) = &slot.source
        && !options.replaceable_providers.contains(id)
    {
        let reason = not_replaceable(id);
        tracing::warn!(plugin = id, reason, "the embedded adapter serves again");
        let (file, digest) = (file.clone(), None);
        slot.refused = Some(RefusedFile { file, digest, reason, is_passing: false });
        slot.source = Source::Embedded;
        slot.live = Some(own.clone());
    }
}
