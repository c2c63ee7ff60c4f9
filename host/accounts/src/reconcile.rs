//! An invoice beside the ledger: what a provider charges, what the router counted, and
//! the difference, by day and model.

use crate::calendar::Day;
use crate::invoice::Sums;
use std::collections::BTreeMap;

/// What both say, by day and then by model.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comparison {
    /// One for each day and model of which either says more than nothing.
    pub rows: Vec<Row>,
    /// Of all rows.
    pub total: Amounts,
}

/// What both say of a model on a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// UTC.
    pub day: Day,
    /// As the ledger calls it.
    pub model: String,
    /// What both say.
    pub amounts: Amounts,
}

/// What both say, in picodollars.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Amounts {
    /// What the provider charges; negative where it gives credit.
    pub invoice: i128,
    /// What the router counted.
    pub ledger: i128,
}

impl Amounts {
    /// What the provider charges beyond what the router counted.
    #[must_use]
    pub const fn difference(&self) -> i128 {
        self.invoice.saturating_sub(self.ledger)
    }
}

/// Lines the invoice up with the ledger. `named` says what the ledger calls a model of
/// the invoice; models that it calls alike are added up.
pub fn compare(invoice: &Sums, ledger: &Sums, named: impl Fn(&str) -> String) -> Comparison {
    let mut both: BTreeMap<(Day, String), Amounts> = BTreeMap::new();
    for ((day, model), amount) in invoice {
        let amounts = both.entry((*day, named(model))).or_default();
        amounts.invoice = amounts.invoice.saturating_add(*amount);
    }
    for ((day, model), amount) in ledger {
        let amounts = both.entry((*day, model.clone())).or_default();
        amounts.ledger = amounts.ledger.saturating_add(*amount);
    }
    both.retain(|_, amounts| *amounts != Amounts::default());
    let total = both.values().fold(Amounts::default(), |total, amounts| Amounts {
        invoice: total.invoice.saturating_add(amounts.invoice),
        ledger: total.ledger.saturating_add(amounts.ledger),
    });
    let rows = both.into_iter().map(|((day, model), amounts)| Row { day, model, amounts });
    Comparison { rows: rows.collect(), total }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sums(entries: &[(Day, &str, i128)]) -> Sums {
        let entry = |(day, model, amount): &(Day, &str, i128)| ((*day, (*model).into()), *amount);
        entries.iter().map(entry).collect()
    }

    fn rows(comparison: &Comparison) -> Vec<(Day, &str, i128, i128, i128)> {
        let row = |row: &'_ Row| (row.day, row.amounts.invoice, row.amounts.ledger);
        let rows = comparison.rows.iter();
        rows.map(|one| {
            let (day, invoice, ledger) = row(one);
            (day, &*one.model, invoice, ledger, one.amounts.difference())
        })
        .collect()
    }

    #[test]
    fn each_day_and_model_has_its_difference() {
        let invoice = sums(&[(2, "b", 100), (1, "b", 7), (1, "a", 5), (3, "credit", -50)]);
        let ledger = sums(&[(1, "a", 5), (2, "b", 90), (2, "c", 3), (4, "zero", 0)]);
        let comparison = compare(&invoice, &ledger, str::to_owned);
        assert_eq!(
            rows(&comparison),
            [
                (1, "a", 5, 5, 0),
                (1, "b", 7, 0, 7),
                (2, "b", 100, 90, 10),
                (2, "c", 0, 3, -3),
                (3, "credit", -50, 0, -50),
            ]
        );
        assert_eq!(comparison.total, Amounts { invoice: 62, ledger: 98 });
        assert_eq!(comparison.total.difference(), -36);
    }

    #[test]
    fn models_that_the_ledger_calls_alike_are_added_up() {
        let invoice = sums(&[(1, "m-2026-01-01, input", 5), (1, "m-2026-01-01, output", 6)]);
        let ledger = sums(&[(1, "author/m", 11)]);
        let comparison = compare(&invoice, &ledger, |_| "author/m".to_owned());
        assert_eq!(rows(&comparison), [(1, "author/m", 11, 11, 0)]);
    }

    #[test]
    fn nothing_on_either_side_is_no_row() {
        let comparison = compare(&Sums::new(), &Sums::new(), str::to_owned);
        assert_eq!(comparison, Comparison::default());
    }
}
