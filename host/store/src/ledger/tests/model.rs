//! Any sequence of batches, repeated, out of order and interrupted, leaves the rows and the
//! sums that a naive ledger has, which keeps rows in a map and adds them up when it is asked.

use super::*;
use std::collections::BTreeMap;

/// Sequences that are tried on each database, and steps of each.
const SEQUENCES: u64 = 12;
const STEPS: u64 = 40;

/// What there is to choose from is little, so that much meets.
const IDS: u64 = 60;

#[derive(Default)]
struct Naive {
    rows: BTreeMap<String, Row>,
}

impl Naive {
    fn write(&mut self, batch: &[Entry]) {
        for entry in batch {
            let (row, state) = match entry {
                Entry::Open(row) => (row, State::Open),
                Entry::Settled(row) => (row, State::Settled),
            };
            let takes = match self.rows.get(&row.id).map(|row| row.state) {
                None | Some(State::Open) => true,
                Some(State::Interrupted) => state == State::Settled,
                Some(State::Settled) => false,
            };
            if takes {
                self.rows.insert(row.id.clone(), Row { state, ..row.clone() });
            }
        }
    }

    fn interrupt(&mut self, own_run: i64, now_ms: u64) {
        let open = self.rows.values_mut().filter(|row| row.state == State::Open);
        for row in open.filter(|row| row.run != own_run) {
            row.state = State::Interrupted;
            row.outcome = "interrupted".into();
            row.is_estimated = true;
            row.ended_ms = Some(now_ms);
        }
    }

    fn daily(&self) -> Vec<Daily> {
        let mut days: BTreeMap<_, Daily> = BTreeMap::new();
        for row in self.rows.values().filter(|row| row.state != State::Open) {
            let key = row.key.clone().unwrap_or_default();
            let of = (row.day(), row.workspace.clone(), key, row.served_model.clone());
            let of = (of, row.endpoint.clone(), row.provider.clone(), row.is_byok);
            let day = days.entry(of).or_insert_with(|| Daily {
                day: row.day(),
                workspace: row.workspace.clone(),
                key: row.key.clone(),
                model: row.served_model.clone(),
                endpoint: row.endpoint.clone(),
                provider: row.provider.clone(),
                is_byok: row.is_byok,
                ..Daily::default()
            });
            let is_error = !["ok", "cancelled", "interrupted"].contains(&&*row.outcome);
            day.requests += 1;
            day.errors += u64::from(is_error);
            day.estimated += u64::from(row.is_estimated);
            day.unpriced += u64::from(row.cost.is_none());
            day.prompt += row.tokens.prompt;
            day.completion += row.tokens.completion;
            day.cache_read += row.tokens.cache_read;
            day.cache_write += row.tokens.cache_write;
            day.reasoning += row.tokens.reasoning;
            day.cost += u128::from(row.cost.unwrap_or(0));
            day.upstream_cost += u128::from(row.upstream_cost.unwrap_or(0));
            day.byok_upstream += u128::from(row.byok_cost.unwrap_or(0));
        }
        days.into_values().collect()
    }
}

/// `SplitMix64`: every failure can be had again.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (word ^ (word >> 31)) % bound
    }

    fn row(&mut self) -> Row {
        let money = |random: &mut Self| match random.below(5) {
            0 => None,
            1 => Some(i64::MAX.cast_unsigned() - random.below(3)),
            _ => Some(random.below(3_000_000_000)),
        };
        Row {
            id: format!("gen-{}", self.below(IDS)),
            run: self.below(3).cast_signed(),
            came_ms: NOW + self.below(3) * DAY_MS.cast_unsigned(),
            key: (self.below(3) > 0).then(|| format!("key-{}", self.below(2))),
            workspace: format!("w{}", self.below(2)),
            served_model: format!("m{}", self.below(2)),
            endpoint: format!("e{}", self.below(2)),
            is_byok: self.below(2) == 0,
            is_estimated: self.below(2) == 0,
            outcome: ["ok", "cancelled", "timeout"][usize::try_from(self.below(3)).unwrap()].into(),
            tokens: Tokens {
                prompt: self.below(1_000_000),
                completion: self.below(9),
                cache_read: self.below(9),
                cache_write: self.below(9),
                reasoning: self.below(MAX_TOKENS),
            },
            cost: money(self),
            upstream_cost: money(self),
            byok_cost: money(self),
            cache_discount: Some(self.below(9).cast_signed() - 4),
            ..row("")
        }
    }

    fn batch(&mut self) -> Vec<Entry> {
        let size = match self.below(4) {
            0 => 1,
            1 => 90,
            _ => 1 + self.below(20),
        };
        let entry = |random: &mut Self| match random.below(2) {
            0 => Entry::Open(random.row()),
            _ => Entry::Settled(random.row()),
        };
        (0..size).map(|_| entry(self)).collect()
    }
}

#[tokio::test]
async fn any_sequence_leaves_what_a_naive_ledger_has() {
    for seed in 0..SEQUENCES {
        for place in stores().await {
            let other = match place.location {
                crate::Location::Memory => place.store.clone(),
                _ => place.again().await,
            };
            check(&[&place, &other], seed).await;
        }
    }
}

/// On a server each sequence has its turn of what the clock says, so that whoever has not
/// been heard of is gone: nobody beats here.
async fn check(stores: &[&Store], seed: u64) {
    let (mut random, mut naive) = (Random(seed), Naive::default());
    let mut last: Vec<Entry> = Vec::new();
    for step in 0..STEPS {
        let store = stores[usize::try_from(random.below(2)).unwrap()];
        match random.below(10) {
            0 => {
                let (own, now) = (random.below(3).cast_signed(), NOW + 1_000_000 + step);
                let silent = Duration::from_secs(60);
                let mut rows = store.interrupt_orphans(own, now, silent).await.unwrap();
                let before: Vec<_> = naive.rows.values().cloned().collect();
                naive.interrupt(own, now);
                let mut changed: Vec<_> = naive.rows.values().cloned().collect();
                changed.retain(|row| !before.contains(row));
                rows.sort_by(|a, b| a.id.cmp(&b.id));
                assert_eq!(rows, changed, "seed {seed}, step {step}");
            }
            1 | 2 => {
                store.write_ledger(&last).await.unwrap();
                naive.write(&last);
            }
            _ => {
                last = random.batch();
                let before = naive.rows.clone();
                let written = store.write_ledger(&last).await.unwrap();
                naive.write(&last);
                let state = |row: Option<&Row>| row.map(|row| row.state);
                let settles = |id: &&String| {
                    state(naive.rows.get(*id)) == Some(State::Settled)
                        && state(before.get(*id)) != Some(State::Settled)
                };
                let new = naive.rows.keys().filter(settles).count() as u64;
                let told = written.settled + written.corrected.len() as u64;
                assert_eq!(told, new, "seed {seed}, step {step}");
            }
        }
    }
    let store = stores[0];
    let mut rows = store.generations(&Filter::default(), None, MAX_PAGE).await.unwrap();
    rows.sort_by(|a, b| a.id.cmp(&b.id));
    let expected: Vec<_> = naive.rows.values().cloned().collect();
    assert_eq!(rows, expected, "seed {seed}");
    assert_eq!(days(store).await, naive.daily(), "seed {seed}");
    let spent = store.spend().await.unwrap();
    let all: u128 = naive.daily().iter().map(|day| day.cost).sum();
    assert_eq!(spent.iter().map(|it| it.cost).sum::<u128>(), all, "seed {seed}");
}
