//! Whether an endpoint costs no more than the client will pay.

use crate::catalog::Price;
use plugway_wire::MaxPrice;

const MILLION: u64 = 1_000_000;

/// Tokens that an image is taken for, where its price is one of tokens.
const IMAGE_TOKENS: u64 = 1000;

/// The limit that the price of a prompt of so many tokens exceeds, for people. What has
/// no price of its own is part of what has one; where nothing is known of the price, no
/// limit is kept.
pub(super) fn exceeded(
    most: &MaxPrice,
    price: Option<&Price>,
    prompt_tokens: u64,
) -> Option<&'static str> {
    let limits = [most.prompt, most.completion, most.request, most.image, most.audio];
    if limits.iter().all(Option::is_none) {
        return None;
    }
    let Some(price) = price else {
        return Some("its price is unknown, and provider.max_price is set");
    };
    let tier = price.tiers.iter().rfind(|tier| prompt_tokens > tier.above_prompt_tokens);
    let (prompt, completion) =
        tier.map_or((price.prompt, price.completion), |tier| (tier.prompt, tier.completion));
    let meter = |name: &str| {
        let own = tier.and_then(|tier| rate(&tier.meters, name));
        own.or_else(|| rate(&price.meters, name))
    };
    let prices = [
        prompt.saturating_mul(MILLION),
        completion.saturating_mul(MILLION),
        price.request,
        meter("prompt-image-tokens").unwrap_or(0).saturating_mul(IMAGE_TOKENS),
        meter("prompt-audio-tokens").unwrap_or(0).saturating_mul(MILLION),
    ];
    let is_exceeded =
        limits.iter().zip(prices).any(|(limit, price)| limit.is_some_and(|limit| price > limit));
    is_exceeded.then_some("it costs more than provider.max_price")
}

fn rate(meters: &[(String, u64)], name: &str) -> Option<u64> {
    meters.iter().find(|(it, _)| it == name).map(|(_, rate)| *rate)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::PriceTier;

    #[test]
    fn each_limit_holds_its_price() {
        let price = Price {
            prompt: 3,
            completion: 15,
            request: 7,
            meters: vec![("prompt-image-tokens".into(), 5), ("prompt-audio-tokens".into(), 9)],
            tiers: vec![PriceTier { above_prompt_tokens: 100, prompt: 6, ..PriceTier::default() }],
            ..Price::default()
        };
        let check = |most: MaxPrice, tokens: u64, expected: bool| {
            assert_eq!(exceeded(&most, Some(&price), tokens).is_none(), expected, "{most:?}");
        };
        let none = MaxPrice::default();
        check(none, 100, true);
        check(MaxPrice { prompt: Some(3 * MILLION), ..none }, 100, true);
        check(MaxPrice { prompt: Some(3 * MILLION - 1), ..none }, 100, false);
        check(MaxPrice { prompt: Some(3 * MILLION), ..none }, 101, false);
        check(MaxPrice { completion: Some(15 * MILLION), ..none }, 100, true);
        check(MaxPrice { completion: Some(14 * MILLION), ..none }, 100, false);
        check(MaxPrice { request: Some(7), ..none }, 100, true);
        check(MaxPrice { request: Some(6), ..none }, 100, false);
        check(MaxPrice { image: Some(5 * IMAGE_TOKENS), ..none }, 100, true);
        check(MaxPrice { image: Some(4 * IMAGE_TOKENS), ..none }, 100, false);
        check(MaxPrice { audio: Some(9 * MILLION), ..none }, 100, true);
        check(MaxPrice { audio: Some(8 * MILLION), ..none }, 100, false);
        assert!(exceeded(&MaxPrice { image: Some(1), ..none }, None, 1).is_some());
        assert!(exceeded(&none, None, 1).is_none());
    }
}
