//! Money in whole picodollars (10^-12 US dollars), so that no cost is ever
//! rounded: catalogues quote dollars per million tokens, and one millionth of a
//! dollar per million tokens is one picodollar per token.

/// What an endpoint charges. Picodollars per token, or per request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Price {
    /// Per prompt token that has no price of its own.
    pub prompt: u64,
    /// Per completion token that has no price of its own.
    pub completion: u64,
    /// Per prompt token read from a cache; none: as `prompt`.
    pub cache_read: Option<u64>,
    /// Per prompt token written to a cache; none: as `prompt`.
    pub cache_write: Option<u64>,
    /// Per prompt token written to a cache for an hour; none: as `cache_write`.
    pub cache_write_1h: Option<u64>,
    /// Per completion token of reasoning; none: as `completion`.
    pub reasoning: Option<u64>,
    /// Per unit of what usage counts under this name, each name once. Tokens that
    /// the prompt or the completion holds cost this in place of what they would.
    pub meters: Vec<(String, u64)>,
    /// Per request.
    pub request: u64,
    /// Other prices for long prompts, shortest first.
    pub tiers: Vec<PriceTier>,
}

impl Price {
    /// Whether nothing that is asked of it costs anything.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        let free = |rate: &Option<u64>| rate.is_none_or(|rate| rate == 0);
        let meters = |meters: &[(String, u64)]| meters.iter().all(|(_, rate)| *rate == 0);
        let rates = [&self.cache_read, &self.cache_write, &self.cache_write_1h, &self.reasoning];
        let tier = |tier: &PriceTier| {
            let rates =
                [&tier.cache_read, &tier.cache_write, &tier.cache_write_1h, &tier.reasoning];
            (tier.prompt, tier.completion) == (0, 0)
                && rates.into_iter().all(free)
                && meters(&tier.meters)
        };
        (self.prompt, self.completion, self.request) == (0, 0, 0)
            && rates.into_iter().all(free)
            && meters(&self.meters)
            && self.tiers.iter().all(tier)
    }
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
    /// As in [`Price`].
    pub reasoning: Option<u64>,
    /// As in [`Price`], whose other meters hold on.
    pub meters: Vec<(String, u64)>,
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
}
