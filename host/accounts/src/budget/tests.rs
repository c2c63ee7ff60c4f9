use super::*;
use crate::Spend;
use crate::money::PER_DOLLAR;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, Ordering};

/// A Saturday; the next day is of the same week and month, the one after is not.
const TODAY: Day = 20_785;

fn account(name: &str, limits: &[(Interval, u128)]) -> Arc<Account> {
    let account = Account::new(name);
    account.set_limits(limits.to_vec(), false);
    Arc::new(account)
}

fn spent(account: &Account) -> u128 {
    account.usage(TODAY).spent.lifetime
}

fn reserved(account: &Account) -> u128 {
    account.usage(TODAY).reserved
}

#[test]
fn what_is_reserved_gives_way_to_what_it_cost() {
    let key = account("key a", &[(Interval::Daily, 100)]);
    let all = [key.clone()];
    let first = reserve(&all, Ask::billed(60), TODAY).unwrap();
    assert_eq!((spent(&key), reserved(&key)), (0, 60));
    let refused = reserve(&all, Ask::billed(41), TODAY).unwrap_err();
    assert!(refused.is_passing(), "{refused:?}");
    assert_eq!((refused.limit, refused.spent, refused.reserved), (100, 0, 60));
    first.settle(10, 0);
    assert_eq!((spent(&key), reserved(&key)), (10, 0));
    reserve(&all, Ask::billed(90), TODAY).unwrap().settle(95, 3);
    assert_eq!((spent(&key), key.usage(TODAY).byok.daily), (105, 3));
    let refused = reserve(&all, Ask::billed(1), TODAY).unwrap_err();
    assert!(!refused.is_passing(), "{refused:?}");
    assert_eq!(refused.resets_at_ms, Some((20_786) * 86_400_000));
}

#[test]
fn dropped_it_goes_back() {
    let key = account("key a", &[(Interval::Daily, 100)]);
    let all = [key.clone()];
    drop(reserve(&all, Ask::billed(100), TODAY).unwrap());
    assert_eq!((spent(&key), reserved(&key)), (0, 0));
}

#[test]
fn all_accounts_are_charged_or_none() {
    let key = account("key a", &[(Interval::Lifetime, 1_000)]);
    let workspace = account("workspace b", &[(Interval::Monthly, 50)]);
    let other = account("key c", &[]);
    for all in [[key.clone(), workspace.clone()], [workspace.clone(), key.clone()]] {
        let refused = reserve(&all, Ask::billed(51), TODAY).unwrap_err();
        assert_eq!((&*refused.account, refused.interval), ("workspace b", Interval::Monthly));
        assert_eq!((reserved(&key), reserved(&workspace)), (0, 0));
    }
    let first = reserve(&[key.clone(), workspace.clone()], Ask::billed(30), TODAY).unwrap();
    let _second = reserve(&[other, workspace.clone()], Ask::billed(20), TODAY).unwrap();
    assert_eq!((reserved(&key), reserved(&workspace)), (30, 50));
    first.settle(5, 0);
    assert_eq!((spent(&key), spent(&workspace), reserved(&workspace)), (5, 5, 20));
    // Named twice, charged once.
    reserve(&[key.clone(), key.clone()], Ask::billed(1), TODAY).unwrap().settle(1, 0);
    assert_eq!(spent(&key), 6);
}

#[test]
fn of_several_reasons_the_one_that_holds_longest_is_told() {
    let key = account("key a", &[(Interval::Daily, 10), (Interval::Monthly, 20)]);
    let workspace = account("workspace b", &[(Interval::Lifetime, 100)]);
    let all = [key, workspace];
    let refused = reserve(&all, Ask::billed(101), TODAY).unwrap_err();
    assert_eq!((refused.interval, refused.resets_at_ms), (Interval::Lifetime, None));
    let refused = reserve(&all, Ask::billed(21), TODAY).unwrap_err();
    assert_eq!(refused.interval, Interval::Monthly);
    let held = reserve(&all, Ask::billed(10), TODAY).unwrap();
    // Over the month it would fit once the first has settled, over the day never.
    let refused = reserve(&all, Ask::billed(11), TODAY).unwrap_err();
    assert_eq!((refused.interval, refused.is_passing()), (Interval::Daily, false));
    drop(held);
}

#[test]
fn a_budget_that_is_used_up_refuses_all_but_what_is_free() {
    let key = account("key a", &[(Interval::Daily, 100)]);
    let all = [key.clone()];
    let ask = |ask: Ask| reserve(&all, ask, TODAY).map(drop);
    // An unknown price, as long as something is left.
    assert_eq!(ask(Ask::billed(0)), Ok(()));
    let held = reserve(&all, Ask::billed(100), TODAY).unwrap();
    assert!(ask(Ask::billed(0)).unwrap_err().is_passing());
    held.settle(100, 0);
    assert!(!ask(Ask::billed(0)).unwrap_err().is_passing());
    assert_eq!(ask(Ask::free()), Ok(()));
    assert_eq!(ask(Ask::byok(1_000)), Ok(()));
    key.set_limits(vec![(Interval::Daily, 200)], true);
    assert_eq!(ask(Ask::byok(100)), Ok(()));
    assert!(ask(Ask::byok(101)).is_err());
    assert!(ask(Ask { billed: Some(60), byok: Some(60) }).is_err());
    key.set_limits(vec![(Interval::Daily, 0)], true);
    assert!(ask(Ask::byok(0)).is_err());
    assert_eq!(ask(Ask::free()), Ok(()));
}

#[test]
fn a_reservation_belongs_to_the_day_on_which_it_was_made() {
    let key = account("key a", &[(Interval::Daily, 100), (Interval::Weekly, 150)]);
    let all = [key.clone()];
    let late = reserve(&all, Ask::billed(100), TODAY).unwrap();
    // After midnight the day's budget is whole again, the week's is not.
    let refused = reserve(&all, Ask::billed(51), TODAY + 1).unwrap_err();
    assert_eq!((refused.interval, refused.reserved), (Interval::Weekly, 100));
    reserve(&all, Ask::billed(50), TODAY + 1).unwrap().settle(50, 0);
    late.settle(80, 0);
    assert_eq!(key.usage(TODAY + 1).spent.daily, 50);
    assert_eq!(key.usage(TODAY).spent.daily, 80);
    // On Monday all is whole.
    assert!(reserve(&all, Ask::billed(100), TODAY + 2).is_ok());
}

#[test]
fn a_change_of_limits_forgets_nothing() {
    let key = account("key a", &[(Interval::Daily, 100)]);
    let all = [key.clone()];
    let held = reserve(&all, Ask { billed: Some(60), byok: Some(7) }, TODAY).unwrap();
    key.set_limits(vec![(Interval::Daily, 50)], true);
    assert_eq!(reserved(&key), 67);
    assert!(reserve(&all, Ask::billed(1), TODAY).is_err());
    key.set_limits(vec![(Interval::Monthly, 100)], false);
    assert_eq!(reserved(&key), 60);
    held.settle(60, 7);
    assert_eq!((spent(&key), reserved(&key)), (60, 0));
    assert!(!reserve(&all, Ask::billed(41), TODAY).unwrap_err().is_passing());
}

#[test]
fn two_asks_are_added_by_their_parts() {
    let both = Ask::billed(5).plus(Ask::byok(7)).plus(Ask::billed(1)).plus(Ask::free());
    assert_eq!(both, Ask { billed: Some(6), byok: Some(7) });
    assert_eq!(Ask::billed(u64::MAX).plus(Ask::billed(1)), Ask::billed(u64::MAX));
}

#[test]
fn amounts_beyond_64_bits_are_exact() {
    let limit = 50_000_000 * PER_DOLLAR;
    let key = account("key a", &[(Interval::Lifetime, limit)]);
    key.load(Spend::of(limit - 1, []), Spend::default());
    let all = [key.clone()];
    assert!(reserve(&all, Ask::billed(2), TODAY).is_err());
    reserve(&all, Ask::billed(1), TODAY).unwrap().settle(u64::MAX, 0);
    assert_eq!(spent(&key), limit - 1 + u128::from(u64::MAX));
    let open = account("key b", &[(Interval::Lifetime, u128::MAX)]);
    let all = [open.clone()];
    let held: Vec<_> =
        (0..3).map(|_| reserve(&all, Ask::billed(u64::MAX), TODAY).unwrap()).collect();
    assert_eq!(reserved(&open), 3 * u128::from(u64::MAX));
    held.into_iter().for_each(|held| held.settle(u64::MAX, 0));
    assert_eq!(spent(&open), 3 * u128::from(u64::MAX));
    open.load(Spend::of(u128::MAX, []), Spend::default());
    assert!(reserve(&all, Ask::billed(1), TODAY).is_err());
}

#[test]
fn a_refusal_says_what_is_left_and_names_the_account() {
    let key = account("key a", &[(Interval::Monthly, 10 * PER_DOLLAR)]);
    let ask = Ask::billed(20_000_000_000_000);
    let refused = reserve(&[key], ask, TODAY).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the monthly budget of key a is $10.00, of which $0.00 is spent and $0.00 reserved by requests under way: too little for the $20.00 that this request may cost"
    );
}

/// A thousand requests at once, each on a thread of its own. Returns how many got in.
fn a_thousand_at_once(accounts: &[Arc<Account>], amount: u64, cost: u64) -> u64 {
    let (barrier, accepted) = (Barrier::new(1_000), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for number in 0..1_000 {
            let (barrier, accepted) = (&barrier, &accepted);
            let mut accounts = accounts.to_vec();
            if number % 2 == 0 {
                accounts.reverse();
            }
            let request = move || {
                barrier.wait();
                if let Ok(reservation) = reserve(&accounts, Ask::billed(amount), TODAY) {
                    accepted.fetch_add(1, Ordering::SeqCst);
                    // All reservations are held at the same time.
                    barrier.wait();
                    reservation.settle(cost, 0);
                } else {
                    barrier.wait();
                }
            };
            let thread = std::thread::Builder::new().stack_size(128 * 1024);
            thread.spawn_scoped(scope, request).unwrap();
        }
    });
    accepted.into_inner()
}

#[test]
fn a_thousand_at_once_overspend_by_nothing_that_was_not_reserved() {
    let limit = 10_050;
    let key = account("key a", &[(Interval::Daily, u128::MAX), (Interval::Lifetime, limit)]);
    let workspace = account("workspace b", &[(Interval::Monthly, 1_000_000)]);
    let all = [key.clone(), workspace.clone()];
    assert_eq!(a_thousand_at_once(&all, 100, 40), 100);
    assert_eq!((spent(&key), reserved(&key)), (4_000, 0));
    assert_eq!((spent(&workspace), reserved(&workspace)), (4_000, 0));
    // What fits is let in once the rest has settled, to the last picodollar.
    let left = u64::try_from(limit).unwrap() - 4_000;
    assert!(reserve(&all, Ask::billed(left + 1), TODAY).is_err());
    reserve(&all, Ask::billed(left), TODAY).unwrap().settle(left, 0);
    assert_eq!(spent(&key), limit);
}

#[test]
fn estimates_that_were_too_low_overspend_by_their_own_error_alone() {
    let key = account("key a", &[(Interval::Lifetime, 10_000)]);
    let accepted = a_thousand_at_once(std::slice::from_ref(&key), 100, 130);
    assert_eq!((accepted, spent(&key)), (100, 13_000));
    assert!(reserve(&[key], Ask::billed(0), TODAY).is_err());
}

#[test]
fn any_mixture_of_threads_keeps_the_books_exact() {
    for seed in 0..4 {
        let limits = [(Interval::Daily, 40_000), (Interval::Monthly, 100_000)];
        let accounts: Vec<_> = (0..4).map(|n| account(&format!("key {n}"), &limits)).collect();
        let sums: Vec<_> = (0..4).map(|_| AtomicU64::new(0)).collect();
        std::thread::scope(|scope| {
            for thread in 0..8 {
                let (accounts, sums) = (&accounts, &sums);
                scope.spawn(move || {
                    let mut random = StdRng::seed_from_u64(seed * 100 + thread);
                    let mut held = Vec::new();
                    for _ in 0..2_000 {
                        let chosen = [random.random_range(0..4), random.random_range(0..4)];
                        let ask = Ask::billed(random.random_range(0..200));
                        let of = chosen.map(|index: usize| accounts[index].clone());
                        if let Ok(reservation) = reserve(&of, ask, TODAY) {
                            held.push((reservation, chosen));
                        }
                        if held.len() > random.random_range(0..10) {
                            let (reservation, chosen) = held.swap_remove(0);
                            if random.random_bool(0.3) {
                                continue;
                            }
                            // Never more than was reserved.
                            let (most, _) = reservation.amounts();
                            let cost = random.random_range(0..=u64::try_from(most).unwrap());
                            reservation.settle(cost, 0);
                            sums[chosen[0]].fetch_add(cost, Ordering::SeqCst);
                            if chosen[1] != chosen[0] {
                                sums[chosen[1]].fetch_add(cost, Ordering::SeqCst);
                            }
                        }
                    }
                });
            }
        });
        for (account, sum) in accounts.iter().zip(sums) {
            assert_eq!((spent(account), reserved(account)), (sum.into_inner().into(), 0));
            assert!(spent(account) <= 40_000);
            assert!(spent(account) > 30_000, "too little was tried: {}", spent(account));
        }
    }
}
