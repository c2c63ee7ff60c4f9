//! What goes wrong, and when.

use crate::provider::{Profile, Spell, Trouble};
use std::time::Duration;

/// The providers, all of one model: the cheapest is neither the fastest nor the most
/// robust, as it is.
pub(crate) const PROVIDERS: [Profile; 6] = [
    provider("bargain", 0.20, 0.60, 700, 8_000.0, 45.0, 24),
    provider("thrift", 0.25, 0.75, 500, 9_000.0, 60.0, 32),
    provider("middle", 0.30, 0.90, 400, 12_000.0, 70.0, 48),
    provider("steady", 0.35, 1.10, 350, 15_000.0, 80.0, 64),
    provider("swift", 0.60, 1.80, 180, 30_000.0, 180.0, 48),
    provider("grand", 0.90, 2.70, 250, 25_000.0, 120.0, 96),
];

const fn provider(
    name: &'static str,
    prompt: f64,
    completion: f64,
    first_token_ms: u64,
    reads: f64,
    writes: f64,
    bears: u32,
) -> Profile {
    let first_token = Duration::from_millis(first_token_ms);
    Profile {
        name,
        prompt,
        completion,
        cache_read: prompt / 10.0,
        first_token,
        reads,
        writes,
        bears,
    }
}

/// One run's troubles.
#[derive(Default)]
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) spells: Vec<Spell>,
    /// When the prices of the three cheapest are multiplied by [`DEARER`]; the catalogue is
    /// told at once.
    pub(crate) dearer_from: Option<Duration>,
}

/// By how much prices rise, where they do.
pub(crate) const DEARER: f64 = 5.0;

/// How many providers' prices rise.
pub(crate) const RISING: usize = 3;

/// All of them, over a trace of this length. The first is without trouble.
pub(crate) fn scenarios(length: Duration) -> Vec<Scenario> {
    let always = |provider, trouble| Spell { provider, from: Duration::ZERO, to: length, trouble };
    let fails = always(0, Trouble::Fails(0.3));
    let both = |one: Spell, mut others: Vec<Spell>| {
        others.push(one);
        others
    };
    vec![
        Scenario { name: "healthy", ..Scenario::default() },
        Scenario {
            name: "one refuses, another each minute",
            spells: rolling(length, 60, Trouble::Refuses),
            ..Scenario::default()
        },
        Scenario {
            name: "one hangs, another each 5 minutes",
            spells: rolling(length, 300, Trouble::Hangs),
            ..Scenario::default()
        },
        Scenario { name: "the cheapest fails 30%", spells: vec![fails], ..Scenario::default() },
        Scenario {
            name: "the cheapest fails 30%, and one refuses, another each minute",
            spells: both(fails, rolling(length, 60, Trouble::Refuses)),
            ..Scenario::default()
        },
        Scenario {
            name: "the cheapest fails 30%, and one hangs, another each 5 minutes",
            spells: both(fails, rolling(length, 300, Trouble::Hangs)),
            ..Scenario::default()
        },
        Scenario {
            name: "brown-outs: one 6 times slower",
            spells: rolling(length, 300, Trouble::Slow(6.0)),
            ..Scenario::default()
        },
        Scenario {
            name: "429 storms: three bear a tenth",
            spells: storms(length),
            ..Scenario::default()
        },
        Scenario {
            name: "the three cheapest cost 5 times as much from half-time on",
            dearer_from: Some(length / 2),
            ..Scenario::default()
        },
    ]
}

/// One provider after the other, each for so many seconds.
fn rolling(length: Duration, seconds: u64, trouble: Trouble) -> Vec<Spell> {
    let turns = length.as_secs() / seconds + 1;
    let spell = |turn: u64| Spell {
        provider: (turn % PROVIDERS.len() as u64) as usize,
        from: Duration::from_secs(turn * seconds),
        to: Duration::from_secs((turn + 1) * seconds),
        trouble,
    };
    (0..turns).map(spell).collect()
}

/// Two minutes of storm in every six, over the three cheapest.
fn storms(length: Duration) -> Vec<Spell> {
    let begins = (0..length.as_secs()).step_by(360).map(Duration::from_secs);
    let spell = |from: Duration, provider| Spell {
        provider,
        from: from + Duration::from_secs(120),
        to: from + Duration::from_secs(240),
        trouble: Trouble::Limited(0.1),
    };
    begins.flat_map(|from| (0..3).map(move |provider| spell(from, provider))).collect()
}
