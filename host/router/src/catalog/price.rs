//! Money in whole picodollars (10^-12 US dollars), so that no cost is ever
//! rounded: catalogues quote dollars per million tokens, and one millionth of a
//! dollar per million tokens is one picodollar per token.

/// What an endpoint charges. Picodollars per token, or per request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Price {
    /// Per prompt token that has no price of its own.
    pub prompt: u64,
    /// Per completion token, reasoning included.
    pub completion: u64,
    /// Per prompt token read from a cache; none: as `prompt`.
    pub cache_read: Option<u64>,
    /// Per prompt token written to a cache; none: as `prompt`.
    pub cache_write: Option<u64>,
    /// Per prompt token written to a cache for an hour; none: as `cache_write`.
    pub cache_write_1h: Option<u64>,
    /// Per request.
    pub request: u64,
    /// Other prices for long prompts, shortest first.
    pub tiers: Vec<PriceTier>,
}

/// What replaces a price, for the whole request, when its prompt is long.
/// Picodollars per token; what is none falls back as in [`Price`], within the tier.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PriceTier {
    /// Applies to prompts of more tokens than this.
    pub above_prompt_tokens: u64,
    /// As in [`Price`].
    pub prompt: u64,
    /// As in [`Price`].
    pub completion: u64,
    /// As in [`Price`].
    pub cache_read: Option<u64>,
    /// As in [`Price`].
    pub cache_write: Option<u64>,
    /// As in [`Price`].
    pub cache_write_1h: Option<u64>,
}

/// Tokens that an answer used. The cached counts are parts of `prompt`,
/// `cache_write_1h` is a part of `cache_write`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TokenCounts {
    /// All that was read.
    pub prompt: u64,
    /// All that was written.
    pub completion: u64,
    /// Read from a cache.
    pub cache_read: u64,
    /// Written to a cache, for any time to live.
    pub cache_write: u64,
    /// Written to a cache for an hour.
    pub cache_write_1h: u64,
}

/// What one answer costs, in picodollars, exactly. Counts that contradict each
/// other (more cached than read) are billed as they stand, never below nothing;
/// a cost that does not fit (18 million dollars) becomes `u64::MAX`.
#[must_use]
pub fn cost(price: &Price, used: TokenCounts) -> u64 {
    let rates = Rates::of(price, used.prompt);
    let plain = used.prompt.saturating_sub(used.cache_read).saturating_sub(used.cache_write);
    let short_write = used.cache_write.saturating_sub(used.cache_write_1h);
    let sum = [
        (plain, rates.prompt),
        (used.cache_read, rates.cache_read),
        (short_write, rates.cache_write),
        (used.cache_write_1h, rates.cache_write_1h),
        (used.completion, rates.completion),
        (1, price.request),
    ]
    .into_iter()
    .map(|(count, rate)| u128::from(count) * u128::from(rate))
    .fold(0u128, u128::saturating_add);
    u64::try_from(sum).unwrap_or(u64::MAX)
}

/// The prices that hold for one request, every fallback taken.
struct Rates {
    prompt: u64,
    completion: u64,
    cache_read: u64,
    cache_write: u64,
    cache_write_1h: u64,
}

impl Rates {
    fn of(price: &Price, prompt_tokens: u64) -> Self {
        let tier = price.tiers.iter().rfind(|tier| prompt_tokens > tier.above_prompt_tokens);
        let (prompt, completion, cache_read, cache_write, cache_write_1h) = match tier {
            Some(t) => (t.prompt, t.completion, t.cache_read, t.cache_write, t.cache_write_1h),
            None => (
                price.prompt,
                price.completion,
                price.cache_read,
                price.cache_write,
                price.cache_write_1h,
            ),
        };
        let cache_write = cache_write.unwrap_or(prompt);
        Rates {
            prompt,
            completion,
            cache_read: cache_read.unwrap_or(prompt),
            cache_write,
            cache_write_1h: cache_write_1h.unwrap_or(cache_write),
        }
    }
}

/// Why a text is no price.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PriceError {
    /// Less than nothing.
    #[error("is negative")]
    Negative,
    /// Not digits with at most one point.
    #[error("is no decimal number")]
    NotDecimal,
    /// More decimals than the unit resolves.
    #[error("has more than {0} decimals, finer than money is counted")]
    TooFine(u32),
    /// Does not fit 64 bits.
    #[error("is too large")]
    TooLarge,
}

/// Decimals of "US dollars per million tokens" that a picodollar per token resolves.
pub const PER_MILLION_DECIMALS: u32 = 6;
/// Decimals of "US dollars per request" that a picodollar resolves.
pub const PER_REQUEST_DECIMALS: u32 = 12;

/// Reads a decimal such as `2.5` as a whole number of units of `10^-decimals`,
/// without a float in between.
///
/// # Errors
/// When the text is no decimal, is negative, too fine or too large.
pub fn dollars_to_picodollars(text: &str, decimals: u32) -> Result<u64, PriceError> {
    let text = text.strip_prefix('+').unwrap_or(text);
    if let Some(rest) = text.strip_prefix('-') {
        return dollars_to_picodollars(rest, decimals).and(Err(PriceError::Negative));
    }
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(fraction) {
        return Err(PriceError::NotDecimal);
    }
    let fraction = fraction.trim_end_matches('0');
    let width = decimals as usize;
    if fraction.len() > width {
        return Err(PriceError::TooFine(decimals));
    }
    format!("{whole}{fraction:0<width$}").parse().map_err(|_| PriceError::TooLarge)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_read_exactly() {
        let check = |text: &str, expected: Result<u64, PriceError>| {
            assert_eq!(dollars_to_picodollars(text, PER_MILLION_DECIMALS), expected, "{text}");
        };
        check("0", Ok(0));
        check("3", Ok(3_000_000));
        check("2.5", Ok(2_500_000));
        check("0.075", Ok(75_000));
        check("0.1", Ok(100_000));
        check("1.0000010", Ok(1_000_001));
        check("+1.5", Ok(1_500_000));
        check("0.0000001", Err(PriceError::TooFine(6)));
        check("-1", Err(PriceError::Negative));
        check("-x", Err(PriceError::NotDecimal));
        check("", Err(PriceError::NotDecimal));
        check(".5", Err(PriceError::NotDecimal));
        check("5.", Err(PriceError::NotDecimal));
        check("1e3", Err(PriceError::NotDecimal));
        check("nan", Err(PriceError::NotDecimal));
        check("99999999999999999999", Err(PriceError::TooLarge));
    }

    fn price() -> Price {
        Price {
            prompt: 3_000_000,
            completion: 15_000_000,
            cache_read: Some(300_000),
            cache_write: Some(3_750_000),
            cache_write_1h: Some(6_000_000),
            request: 7,
            tiers: vec![PriceTier {
                above_prompt_tokens: 200_000,
                prompt: 6_000_000,
                completion: 22_500_000,
                cache_read: Some(600_000),
                cache_write: None,
                cache_write_1h: None,
            }],
        }
    }

    #[test]
    fn every_token_is_billed_once() {
        let check = |price: &Price, counts: [u64; 5], expected: u64| {
            let [prompt, completion, cache_read, cache_write, cache_write_1h] = counts;
            let used = TokenCounts { prompt, completion, cache_read, cache_write, cache_write_1h };
            assert_eq!(cost(price, used), expected, "{counts:?}");
        };
        let full = price();
        check(&full, [0; 5], 7);
        check(&full, [1, 0, 0, 0, 0], 3_000_007);
        check(&full, [0, 1, 0, 0, 0], 15_000_007);
        check(&full, [10, 0, 10, 0, 0], 3_000_007);
        check(&full, [10, 0, 4, 3, 0], 9_000_000 + 1_200_000 + 11_250_000 + 7);
        check(&full, [3, 0, 0, 3, 2], 3_750_000 + 12_000_000 + 7);
        // More cached than read: nothing is billed as plain.
        check(&full, [1, 0, 5, 0, 0], 1_500_007);
        // At the threshold the price still holds, above it the tier does.
        check(&full, [200_000, 0, 0, 0, 0], 600_000_000_007);
        check(&full, [200_001, 1, 0, 1, 1], 200_001 * 6_000_000 + 22_500_007);

        let plain = Price { cache_read: None, cache_write: None, cache_write_1h: None, ..price() };
        check(&plain, [10, 0, 4, 3, 1], 30_000_007);
        check(&plain, [u64::MAX; 5], u64::MAX);
    }
}
