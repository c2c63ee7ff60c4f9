//! `price = { ... }` of an endpoint. Decimals in the file, whole picodollars
//! from here on.

use super::field::{Field, Slot, dollars};
use super::reader::{Entry, Section};
use crate::catalog::{PER_MILLION_DECIMALS, PER_REQUEST_DECIMALS, Price, PriceTier};

/// A price, or a tier of it, as typed.
#[derive(Clone, Debug, Default)]
pub(super) struct PriceTable {
    above_prompt_tokens: Option<u32>,
    prompt: Option<u64>,
    completion: Option<u64>,
    cache_read: Option<u64>,
    cache_write: Option<u64>,
    cache_write_1h: Option<u64>,
    reasoning: Option<u64>,
    meters: Vec<(String, u64)>,
    request: Option<u64>,
    tiers: Vec<PriceTable>,
}

/// What a price and a tier of it share.
pub(super) const RATE_FIELDS: &[Field<PriceTable>] = &[
    Field {
        key: "prompt",
        slot: Slot::Dollars(|c| &mut c.prompt, PER_MILLION_DECIMALS),
        about: "Per million prompt tokens. Required.",
    },
    Field {
        key: "completion",
        slot: Slot::Dollars(|c| &mut c.completion, PER_MILLION_DECIMALS),
        about: "Per million completion tokens. Required.",
    },
    Field {
        key: "cache_read",
        slot: Slot::Dollars(|c| &mut c.cache_read, PER_MILLION_DECIMALS),
        about: "Per million prompt tokens read from a cache. Default: as `prompt`.",
    },
    Field {
        key: "cache_write",
        slot: Slot::Dollars(|c| &mut c.cache_write, PER_MILLION_DECIMALS),
        about: "Per million prompt tokens written to a cache. Default: as `prompt`.",
    },
    Field {
        key: "cache_write_1h",
        slot: Slot::Dollars(|c| &mut c.cache_write_1h, PER_MILLION_DECIMALS),
        about: "The same, to be kept for an hour. Default: as `cache_write`.",
    },
    Field {
        key: "reasoning",
        slot: Slot::Dollars(|c| &mut c.reasoning, PER_MILLION_DECIMALS),
        about: "Per million completion tokens of reasoning. Default: as `completion`.",
    },
    Field {
        key: "meters",
        slot: Slot::Nested { shape: "table of US dollars", read: read_meters },
        about: "What usage counts by name. Tokens, per million, in place of what they would cost: `prompt-audio-tokens`, `prompt-image-tokens`, `cache-read-audio-tokens`, `completion-audio-tokens`, `completion-image-tokens` and their like. Anything else, per piece, on top: `web-searches`.",
    },
];

pub(super) const PRICE_FIELDS: &[Field<PriceTable>] = &[
    Field {
        key: "request",
        slot: Slot::Dollars(|c| &mut c.request, PER_REQUEST_DECIMALS),
        about: "Per request. Default: nothing.",
    },
    Field {
        key: "tiers",
        slot: Slot::Nested { shape: "array of tables", read: read_tiers },
        about: "Other prices for long prompts. See below.",
    },
];

pub(super) const TIER_FIELDS: &[Field<PriceTable>] = &[Field {
    key: "above_prompt_tokens",
    slot: Slot::Tokens(|c| &mut c.above_prompt_tokens),
    about: "The tier holds, for the whole request, when its prompt has more tokens than this. Required.",
}];

/// Reads `price`.
pub(super) fn read(section: &Section<'_>, price: &mut PriceTable) {
    section.read_with(&[RATE_FIELDS, PRICE_FIELDS], price, |_, _| false);
    require(section, &["prompt", "completion"]);
}

fn read_tiers(entry: &Entry<'_>, price: &mut PriceTable) {
    for section in entry.tables() {
        let mut tier = PriceTable::default();
        section.read_with(&[TIER_FIELDS, RATE_FIELDS], &mut tier, |_, _| false);
        require(&section, &["above_prompt_tokens", "prompt", "completion"]);
        price.tiers.push(tier);
    }
}

/// What ends in `-tokens` is priced per million, anything else by the piece.
fn read_meters(entry: &Entry<'_>, price: &mut PriceTable) {
    let section = entry.table();
    price.meters = section
        .iter()
        .flat_map(Section::entries)
        .filter_map(|meter| {
            let decimals = match meter.key().ends_with("-tokens") {
                true => PER_MILLION_DECIMALS,
                false => PER_REQUEST_DECIMALS,
            };
            Some((meter.key().to_owned(), dollars(&meter, decimals)?))
        })
        .collect();
}

fn require(section: &Section<'_>, keys: &[&str]) {
    for key in keys.iter().filter(|key| !section.has(key)) {
        section.error(key, "is missing", "write it, even if it is 0");
    }
}

impl PriceTable {
    /// As used; None where no price was given.
    pub(super) fn finish(self) -> Option<Price> {
        let mut tiers: Vec<PriceTier> = self
            .tiers
            .into_iter()
            .filter_map(|tier| {
                Some(PriceTier {
                    above_prompt_tokens: tier.above_prompt_tokens?.into(),
                    prompt: tier.prompt?,
                    completion: tier.completion?,
                    cache_read: tier.cache_read,
                    cache_write: tier.cache_write,
                    cache_write_1h: tier.cache_write_1h,
                    reasoning: tier.reasoning,
                    meters: tier.meters,
                })
            })
            .collect();
        tiers.sort_by_key(|tier| tier.above_prompt_tokens);
        Some(Price {
            prompt: self.prompt?,
            completion: self.completion?,
            cache_read: self.cache_read,
            cache_write: self.cache_write,
            cache_write_1h: self.cache_write_1h,
            reasoning: self.reasoning,
            meters: self.meters,
            request: self.request.unwrap_or(0),
            tiers,
        })
    }
}
