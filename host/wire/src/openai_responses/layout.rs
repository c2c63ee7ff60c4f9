//! Which parts of an answer make which of its items.

use std::collections::HashMap;

use plugway_engine::chat::{MediaKind, Part, PartBody, Reasoning};

use super::citations;

/// What an item is, which decides what its parts can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    /// Texts and refusals.
    Message,
    /// What was thought, summed up or sealed.
    Reasoning,
    /// One call of a tool.
    Call,
    /// One image that was made.
    Image,
    /// One item of the provider's own, as it is.
    Native,
    /// The proof that a call or a text carries, which goes back as sealed reasoning.
    Proof,
}

/// One item of the answer.
#[derive(Clone, Debug)]
pub(super) struct Item {
    pub(super) kind: Kind,
    pub(super) id: String,
    /// Places of its parts among all parts, in order.
    pub(super) parts: Vec<usize>,
    /// The id is made up.
    is_made_up: bool,
}

/// Where a part stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Spot {
    /// Place of its item.
    pub(super) item: usize,
    /// Its place among the parts of the item that are listed with it.
    pub(super) index: usize,
}

/// The items of one answer, in the order in which they began.
#[derive(Debug)]
pub(super) struct Layout {
    items: Vec<Item>,
    /// Place of the item of each id that a provider gave.
    given: HashMap<(Kind, String), usize>,
    /// What ids that are made up have in common: they are of this generation.
    generation: String,
    include_reasoning: bool,
}

impl Layout {
    /// For the answer of this id.
    pub(super) fn new(id: &str, include_reasoning: bool) -> Self {
        let generation = id.strip_prefix("gen-").unwrap_or(id).to_owned();
        Self { items: Vec::new(), given: HashMap::new(), generation, include_reasoning }
    }

    pub(super) fn items(&self) -> &[Item] {
        &self.items
    }

    /// Whether a part, as far as it has grown, is to be shown.
    pub(super) fn shows(&self, part: &Part) -> bool {
        let known = part.id.is_some();
        match &part.body {
            PartBody::Text(text) => {
                known || !text.is_empty() || part.citations.iter().any(citations::has_form)
            }
            PartBody::Refusal(text) => known || !text.is_empty(),
            PartBody::Reasoning(
                Reasoning::Text(text) | Reasoning::Summary(text) | Reasoning::Encrypted(text),
            ) => self.include_reasoning && (known || !text.is_empty() || part.signature.is_some()),
            PartBody::ToolCall(_) => true,
            PartBody::Media(media) => media.kind == MediaKind::Image,
            PartBody::Native(json) => json.trim_start().starts_with('{'),
            PartBody::ToolResult(_) => false,
        }
    }

    /// Gives the part at `place` an item: that of its id, a message that goes on, or one
    /// of its own. `parts` are all so far.
    pub(super) fn place(&mut self, place: usize, part: &Part, parts: &[Part]) -> Spot {
        let kind = kind(&part.body);
        let last = self.items.len().saturating_sub(1);
        let goes_on = |item: &Item| kind == Kind::Message && item.kind == kind && item.is_made_up;
        let known = match &part.id {
            Some(id) => self.given.get(&(kind, id.clone())).copied(),
            None => self.items.last().filter(|item| goes_on(item)).map(|_| last),
        };
        let item = known.unwrap_or_else(|| self.begin(kind, part.id.clone()));
        let siblings = self.items.get(item).map_or(&[][..], |item| &item.parts);
        let listed = list(&part.body);
        let alike = |other: &&usize| parts.get(**other).is_some_and(|it| list(&it.body) == listed);
        let index = siblings.iter().filter(alike).count();
        if let Some(item) = self.items.get_mut(item) {
            item.parts.push(place);
        }
        Spot { item, index }
    }

    fn begin(&mut self, kind: Kind, id: Option<String>) -> usize {
        let place = self.items.len();
        if let Some(id) = &id
            && matches!(kind, Kind::Message | Kind::Reasoning)
        {
            self.given.insert((kind, id.clone()), place);
        }
        let is_made_up = id.is_none();
        let id = id.unwrap_or_else(|| format!("{}_{}_{place}", prefix(kind), self.generation));
        self.items.push(Item { kind, id, parts: Vec::new(), is_made_up });
        place
    }

    /// Adds the proofs that go back: to each an item, under the id of the call, or of
    /// the text's item. `spots` are where the parts stand.
    pub(super) fn prove(&mut self, parts: &[Part], spots: &[Option<Spot>]) {
        for (place, part) in parts.iter().enumerate().filter(|(_, part)| part.signature.is_some()) {
            let of_item = spots.get(place).copied().flatten();
            let id = match &part.body {
                PartBody::ToolCall(call) => Some(call.id.clone()),
                PartBody::Text(_) if self.include_reasoning => {
                    of_item.and_then(|spot| Some(self.items.get(spot.item)?.id.clone()))
                }
                _ => continue,
            };
            let item = self.begin(Kind::Proof, id);
            if let Some(item) = self.items.get_mut(item) {
                item.parts.push(place);
            }
        }
    }
}

fn kind(body: &PartBody) -> Kind {
    match body {
        PartBody::Text(_) | PartBody::Refusal(_) => Kind::Message,
        PartBody::Reasoning(_) => Kind::Reasoning,
        PartBody::ToolCall(_) => Kind::Call,
        PartBody::Media(_) => Kind::Image,
        PartBody::Native(_) | PartBody::ToolResult(_) => Kind::Native,
    }
}

/// Which of an item's lists the part stands in.
fn list(body: &PartBody) -> u8 {
    match body {
        PartBody::Reasoning(Reasoning::Summary(_)) => 1,
        PartBody::Reasoning(Reasoning::Encrypted(_)) => 2,
        _ => 0,
    }
}

/// What the ids of items of a kind begin with.
fn prefix(kind: Kind) -> &'static str {
    match kind {
        Kind::Message => "msg",
        Kind::Reasoning | Kind::Proof => "rs",
        Kind::Call => "fc",
        Kind::Image => "ig",
        Kind::Native => "it",
    }
}
