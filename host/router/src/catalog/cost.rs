//! What an answer costs. Every token is billed exactly once: the whole counts are
//! taken apart, the parts with a price of their own first.

use super::Price;

/// The meter that counts hour-long cache writes.
const CACHE_WRITE_1H: &str = "cache-write-1h-tokens";

/// What an answer used, as its provider counted it. The other counts of tokens are
/// parts of `prompt` or `completion`; what exceeds its whole is cut.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Consumption<'u> {
    /// All that was read, in tokens.
    pub prompt: u64,
    /// All that was written, in tokens.
    pub completion: u64,
    /// Read from a cache.
    pub cache_read: u64,
    /// Written to a cache, for any time to live.
    pub cache_write: u64,
    /// Written in thought.
    pub reasoning: u64,
    /// Everything else, by the contract's names; the first of a name counts.
    pub meters: &'u [(String, u64)],
}

/// What one answer costs, in picodollars, exactly. A cost that does not fit (18
/// million dollars) becomes `u64::MAX`.
#[must_use]
pub fn cost(price: &Price, used: Consumption<'_>) -> u64 {
    let rates = Rates::of(price, used.prompt);
    let mut sum = u128::from(price.request);
    let mut bill = |count: u64, rate: u64| {
        sum = sum.saturating_add(u128::from(count) * u128::from(rate));
    };
    let mut prompt = Pool(used.prompt);
    let mut read = prompt.split(used.cache_read);
    let mut written = prompt.split(used.cache_write);
    let mut completion = Pool(used.completion);
    bill(written.take(used.meter(CACHE_WRITE_1H)), rates.cache_write_1h);
    for (name, rate) in rates.meters() {
        let count = used.meter(name);
        let billed = match Whole::of(name) {
            Whole::Prompt(kind) => prompt.take(count.saturating_sub(used.cached(kind))),
            Whole::CacheRead => read.take(count),
            Whole::CacheWrite => written.take(count),
            Whole::Completion => completion.take(count),
            Whole::None => count,
        };
        bill(billed, rate);
    }
    bill(completion.take(used.reasoning), rates.reasoning);
    bill(prompt.0, rates.prompt);
    bill(read.0, rates.cache_read);
    bill(written.0, rates.cache_write);
    bill(completion.0, rates.completion);
    u64::try_from(sum).unwrap_or(u64::MAX)
}

/// Tokens that nobody was billed for yet.
struct Pool(u64);

impl Pool {
    fn take(&mut self, wanted: u64) -> u64 {
        let taken = wanted.min(self.0);
        self.0 -= taken;
        taken
    }

    fn split(&mut self, wanted: u64) -> Pool {
        Pool(self.take(wanted))
    }
}

impl Consumption<'_> {
    fn meter(&self, name: &str) -> u64 {
        self.meters.iter().find(|(it, _)| it == name).map_or(0, |(_, count)| *count)
    }

    /// Tokens of this kind that a cache gave or took: they are not among the plain ones.
    fn cached(&self, kind: &str) -> u64 {
        let of_kind = |name: &str| {
            let kind_of = |prefix| name.strip_prefix(prefix)?.strip_suffix("-tokens");
            kind_of("cache-read-").or_else(|| kind_of("cache-write-")) == Some(kind)
        };
        let counts = self.meters.iter().filter(|(name, _)| of_kind(name)).map(|(_, n)| *n);
        counts.fold(0, u64::saturating_add)
    }
}

/// Which count holds what a meter counts.
enum Whole<'n> {
    /// With the kind of token, e.g. `audio`.
    Prompt(&'n str),
    CacheRead,
    CacheWrite,
    Completion,
    /// It stands for itself, e.g. a search.
    None,
}

impl<'n> Whole<'n> {
    fn of(meter: &'n str) -> Self {
        let Some(name) = meter.strip_suffix("-tokens") else { return Whole::None };
        if let Some(kind) = name.strip_prefix("prompt-") {
            Whole::Prompt(kind)
        } else if name.starts_with("cache-read-") {
            Whole::CacheRead
        } else if name.starts_with("cache-write-") {
            Whole::CacheWrite
        } else if name.starts_with("completion-") {
            Whole::Completion
        } else {
            Whole::None
        }
    }
}

/// The prices that hold for one request, every fallback taken.
struct Rates<'p> {
    prompt: u64,
    completion: u64,
    cache_read: u64,
    cache_write: u64,
    cache_write_1h: u64,
    reasoning: u64,
    /// The tier's, then the price's.
    meters: [&'p [(String, u64)]; 2],
}

impl<'p> Rates<'p> {
    fn of(price: &'p Price, prompt_tokens: u64) -> Self {
        let tier = price.tiers.iter().rfind(|tier| prompt_tokens > tier.above_prompt_tokens);
        let (prompt, completion) =
            tier.map_or((price.prompt, price.completion), |tier| (tier.prompt, tier.completion));
        let (cache_read, cache_write) = tier
            .map_or((price.cache_read, price.cache_write), |it| (it.cache_read, it.cache_write));
        let (cache_write_1h, reasoning) = tier.map_or(
            (price.cache_write_1h, price.reasoning), //
            |tier| (tier.cache_write_1h, tier.reasoning),
        );
        let cache_write = cache_write.unwrap_or(prompt);
        Rates {
            prompt,
            completion,
            cache_read: cache_read.unwrap_or(prompt),
            cache_write,
            cache_write_1h: cache_write_1h.unwrap_or(cache_write),
            reasoning: reasoning.unwrap_or(completion),
            meters: [tier.map_or(&[], |tier| &tier.meters), &price.meters],
        }
    }

    fn meters(&self) -> impl Iterator<Item = (&'p str, u64)> {
        let [of_tier, of_price] = self.meters;
        let is_new = move |name: &str| of_tier.iter().all(|(it, _)| it != name);
        let rest = of_price.iter().filter(move |(name, _)| is_new(name));
        of_tier.iter().chain(rest).map(|(name, rate)| (name.as_str(), *rate))
    }
}

#[cfg(test)]
mod tests;
