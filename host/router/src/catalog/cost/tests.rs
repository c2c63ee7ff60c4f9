//! What is billed: cases by hand, and properties over many made-up ones.

use super::super::PriceTier;
use super::*;

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
            ..PriceTier::default()
        }],
        ..Price::default()
    }
}

fn meters(of: &[(&str, u64)]) -> Vec<(String, u64)> {
    of.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
}

#[test]
fn every_token_is_billed_once() {
    let check = |price: &Price, counts: [u64; 5], expected: u64| {
        let [prompt, completion, cache_read, cache_write, hour] = counts;
        let meters = meters(&[("cache-write-1h-tokens", hour)]);
        let used = Consumption {
            prompt,
            completion,
            cache_read,
            cache_write,
            meters: &meters,
            ..Consumption::default()
        };
        assert_eq!(cost(price, used), expected, "{counts:?}");
    };
    let full = price();
    check(&full, [0; 5], 7);
    check(&full, [1, 0, 0, 0, 0], 3_000_007);
    check(&full, [0, 1, 0, 0, 0], 15_000_007);
    check(&full, [10, 0, 10, 0, 0], 3_000_007);
    check(&full, [10, 0, 4, 3, 0], 9_000_000 + 1_200_000 + 11_250_000 + 7);
    check(&full, [3, 0, 0, 3, 2], 3_750_000 + 12_000_000 + 7);
    // More cached than read: what was not read is not billed.
    check(&full, [1, 0, 5, 0, 0], 300_007);
    // At the threshold the price still holds, above it the tier does.
    check(&full, [200_000, 0, 0, 0, 0], 600_000_000_007);
    check(&full, [200_001, 1, 0, 1, 1], 200_001 * 6_000_000 + 22_500_007);

    let plain = Price { cache_read: None, cache_write: None, cache_write_1h: None, ..price() };
    check(&plain, [10, 0, 4, 3, 1], 30_000_007);
    check(&plain, [u64::MAX; 5], u64::MAX);
}

#[test]
fn what_is_metered_is_billed_in_place_of_the_base_price() {
    let priced = Price {
        prompt: 10,
        completion: 100,
        cache_read: Some(1),
        reasoning: Some(50),
        meters: meters(&[
            ("prompt-audio-tokens", 30),
            ("cache-read-audio-tokens", 3),
            ("completion-image-tokens", 1000),
            ("web-searches", 5000),
        ]),
        ..Price::default()
    };
    let check = |used: Consumption<'_>, of: &[(&str, u64)], expected: u64| {
        let meters = meters(of);
        assert_eq!(cost(&priced, Consumption { meters: &meters, ..used }), expected, "{of:?}");
    };
    let read = Consumption { prompt: 10, ..Consumption::default() };
    check(read, &[("prompt-audio-tokens", 4)], 6 * 10 + 4 * 30);
    check(read, &[("prompt-video-tokens", 4)], 10 * 10);
    check(read, &[("web-searches", 2)], 10 * 10 + 2 * 5000);
    // Three of four audio tokens were in the cache, along with two of text.
    let cached = Consumption { cache_read: 5, ..read };
    let audio = [("prompt-audio-tokens", 4), ("cache-read-audio-tokens", 3)];
    check(cached, &audio, 4 * 10 + 30 + 2 + 3 * 3);
    // Where nobody says what was cached, the cache comes first.
    check(cached, &[("prompt-audio-tokens", 9)], 5 + 5 * 30);
    let written = Consumption { completion: 10, reasoning: 3, ..Consumption::default() };
    check(written, &[("completion-image-tokens", 2)], 2 * 1000 + 3 * 50 + 5 * 100);
    check(written, &[("completion-image-tokens", 99)], 10 * 1000);
}

#[test]
fn a_tier_keeps_the_meters_that_it_does_not_price() {
    let priced = Price {
        meters: meters(&[("prompt-audio-tokens", 30), ("web-searches", 500)]),
        tiers: vec![PriceTier {
            above_prompt_tokens: 1,
            prompt: 20,
            meters: meters(&[("prompt-audio-tokens", 60)]),
            ..PriceTier::default()
        }],
        prompt: 10,
        ..Price::default()
    };
    let counted = meters(&[("prompt-audio-tokens", 1), ("web-searches", 1)]);
    let used = |prompt| Consumption { prompt, meters: &counted, ..Consumption::default() };
    assert_eq!(cost(&priced, used(1)), 30 + 500);
    assert_eq!(cost(&priced, used(3)), 2 * 20 + 60 + 500);
}

/// Numbers that look random, the same in every run.
struct Draw(u64);

impl Draw {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }

    fn maybe(&mut self, bound: u64) -> Option<u64> {
        (self.below(3) > 0).then(|| self.below(bound))
    }

    fn meters(&mut self, bound: u64) -> Vec<(String, u64)> {
        const NAMES: [&str; 7] = [
            "prompt-audio-tokens",
            "prompt-image-tokens",
            "cache-read-audio-tokens",
            "cache-write-image-tokens",
            "cache-write-1h-tokens",
            "completion-audio-tokens",
            "web-searches",
        ];
        let drawn = NAMES.iter().filter_map(|name| Some(((*name).to_owned(), self.maybe(bound)?)));
        drawn.collect()
    }

    fn price(&mut self, bound: u64) -> Price {
        let mut meters = self.meters(bound);
        meters.retain(|(name, _)| name != CACHE_WRITE_1H);
        Price {
            prompt: self.below(bound),
            completion: self.below(bound),
            cache_read: self.maybe(bound),
            cache_write: self.maybe(bound),
            cache_write_1h: self.maybe(bound),
            reasoning: self.maybe(bound),
            meters,
            request: self.below(bound),
            tiers: Vec::new(),
        }
    }

    fn used<'u>(&mut self, bound: u64, meters: &'u [(String, u64)]) -> Consumption<'u> {
        Consumption {
            prompt: self.below(bound),
            completion: self.below(bound),
            cache_read: self.below(bound),
            cache_write: self.below(bound),
            reasoning: self.below(bound),
            meters,
        }
    }
}

/// The same, token by token: each gets the first label that still has a claim.
fn one_by_one(price: &Price, used: Consumption<'_>) -> u128 {
    let rate = |name: &str| price.meters.iter().find(|(it, _)| it == name).map(|(_, rate)| *rate);
    let count = |name: &str| used.meters.iter().find(|(it, _)| it == name).map_or(0, |it| it.1);
    let write = price.cache_write.unwrap_or(price.prompt);
    let hour = price.cache_write_1h.unwrap_or(write);
    let mut sum = u128::from(price.request);
    let mut claims = |tokens: u64, claims: &[(u64, Option<u64>)], rest: u64| {
        let mut owed = claims.iter().filter_map(|(n, rate)| Some((*n, (*rate)?)));
        let mut claim = owed.next();
        for _ in 0..tokens {
            while claim.is_some_and(|(n, _)| n == 0) {
                claim = owed.next();
            }
            sum += u128::from(claim.map_or(rest, |(_, rate)| rate));
            claim = claim.map(|(n, rate)| (n - 1, rate));
        }
    };
    let read = used.cache_read.min(used.prompt);
    let written = used.cache_write.min(used.prompt - read);
    let plain = |kind: &str| {
        let cached = count(&format!("cache-read-{kind}-tokens"))
            + count(&format!("cache-write-{kind}-tokens"));
        let name = format!("prompt-{kind}-tokens");
        (count(&name).saturating_sub(cached), rate(&name))
    };
    let named = |name: &str| (count(name), rate(name));
    claims(read, &[named("cache-read-audio-tokens")], price.cache_read.unwrap_or(price.prompt));
    claims(
        written,
        &[(count(CACHE_WRITE_1H), Some(hour)), named("cache-write-image-tokens")],
        write,
    );
    claims(used.prompt - read - written, &[plain("audio"), plain("image")], price.prompt);
    let reasoning = price.reasoning.unwrap_or(price.completion);
    claims(
        used.completion,
        &[named("completion-audio-tokens"), (used.reasoning, Some(reasoning))],
        price.completion,
    );
    let (searches, each) = named("web-searches");
    sum + u128::from(searches) * u128::from(each.unwrap_or(0))
}

#[test]
fn the_sum_is_that_of_its_tokens() {
    let mut draw = Draw(1);
    for _ in 0..5_000 {
        let price = draw.price(1_000_000);
        let counted = draw.meters(40);
        let used = draw.used(60, &counted);
        assert_eq!(u128::from(cost(&price, used)), one_by_one(&price, used), "{price:?} {used:?}");
    }
}

#[test]
fn more_tokens_and_higher_prices_never_cost_less() {
    let mut draw = Draw(2);
    for _ in 0..5_000 {
        let price = draw.price(u64::MAX / 2);
        let counted = draw.meters(40);
        let used = draw.used(60, &counted);
        let before = cost(&price, used);
        // A token that was read anew, not one that moved into a cache.
        let whole = used.prompt
            >= used.cache_read.saturating_add(used.cache_write).saturating_add(
                counted.iter().filter(|(it, _)| it.starts_with("prompt-")).map(|(_, n)| n).sum(),
            );
        if whole {
            assert!(cost(&price, Consumption { prompt: used.prompt + 1, ..used }) >= before);
        }
        let dearer = Price { prompt: price.prompt + 1, completion: price.completion + 1, ..price };
        assert!(cost(&dearer, used) >= before, "{dearer:?} {used:?}");
    }
}

#[test]
fn nothing_overflows() {
    let meters = meters(&[("web-searches", u64::MAX), ("prompt-audio-tokens", u64::MAX)]);
    let most = Price {
        prompt: u64::MAX,
        completion: u64::MAX,
        request: u64::MAX,
        meters: meters.clone(),
        ..Price::default()
    };
    let used = Consumption {
        prompt: u64::MAX,
        completion: u64::MAX,
        cache_read: u64::MAX,
        cache_write: u64::MAX,
        reasoning: u64::MAX,
        meters: &meters,
    };
    assert_eq!(cost(&most, used), u64::MAX);
}
