//! Items of reasoning: what is shown of them, what is sealed, and its proof.

use plugway_sdk::chat::Event;

use super::Items;
use super::kind::{Key, Kind, Said, of, summary};
use crate::node::Node;

impl Items {
    pub(super) fn reasoning(
        &mut self,
        place: u32,
        item: &Node,
        ended: bool,
        events: &mut Vec<Event>,
    ) {
        let encrypted = item.text("encrypted_content");
        let signature = item.owned("signature");
        let sealed = encrypted.is_some() || signature.is_some();
        if let Some(known) = self.items.get_mut(&place).filter(|item| item.format.is_none()) {
            // Who seals some of it and shows the rest means all of it to come back.
            let own = sealed || !self.profile.defaults.unsigned_reasoning;
            known.format = self.profile.responses_format.filter(|_| own).map(Into::into);
        }
        for (summary, number) in item.list("summary").iter().zip(0..) {
            let said = summary.text("text").map(Said::All);
            self.grow((place, Kind::Summary, number), said, events);
        }
        for (content, number) in item.list("content").iter().zip(0..) {
            self.content(place, number, content, events);
        }
        if !ended {
            return;
        }
        self.grow((place, Kind::Encrypted, 0), encrypted.map(Said::All), events);
        if !self.ended(place) {
            // Nothing is shown of it, and yet it is an item that may be asked for.
            self.piece((place, Kind::Summary, 0), summary(""), None, events);
        }
        self.sign(place, signature, events);
    }

    /// Tells of each part of an item of reasoning who can read it, and of the first
    /// its proof.
    fn sign(&mut self, place: u32, mut signature: Option<String>, events: &mut Vec<Event>) {
        let format = self.items.get(&place).and_then(|item| item.format.clone());
        let parts = (place, Kind::Summary, 0)..(place, Kind::Encrypted, 0);
        let keys: Vec<Key> = self.begun.range(parts).map(|(key, _)| *key).collect();
        for key in keys {
            let Some(begun) = self.begun.get(&key) else { continue };
            let unsigned = signature.is_some() && !begun.signed;
            if begun.format != format || unsigned {
                let mut part = of(key.1, "");
                part.signature = signature.take().filter(|_| unsigned);
                self.piece(key, part, None, events);
            }
            signature = None;
        }
    }
}
