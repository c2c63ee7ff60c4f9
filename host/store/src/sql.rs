//! What Rust and the two databases do not agree on: unsigned numbers, sums of money, text
//! with NUL in it, and statements over many rows.

use sqlx::{AnyConnection, Database};

/// A sum of money is kept as so many of these, and a rest.
const PICODOLLARS_IN_HI: i128 = 1_000_000_000;

/// What is part of an index may have so many bytes: PostgreSQL takes 2,704 in all.
const MAX_NAME_BYTES: usize = 500;

/// Rows that a statement over many rows has: few sizes, so that each is prepared once.
const CHUNKS: [usize; 4] = [64, 16, 4, 1];

/// Neither database has unsigned numbers.
pub(crate) fn integer(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// What [`integer`] made; what is negative was changed by hand, and is none.
pub(crate) fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

/// PostgreSQL refuses NUL in text. So that both keep the same, it becomes the character for
/// what cannot be shown.
pub(crate) fn text(value: &str) -> String {
    value.replace('\0', "\u{fffd}")
}

/// Text that is part of an index: what is too long is cut.
pub(crate) fn name(value: &str) -> String {
    let mut name = text(value);
    name.truncate(name.floor_char_boundary(MAX_NAME_BYTES));
    name
}

/// An amount, or a difference of amounts, as it is added to a sum.
pub(crate) fn split(amount: i128) -> (i64, i64) {
    let saturated = |part: i128| i64::try_from(part).unwrap_or(i64::MAX);
    let hi = amount.div_euclid(PICODOLLARS_IN_HI).max(i64::MIN.into());
    (saturated(hi), saturated(amount.rem_euclid(PICODOLLARS_IN_HI)))
}

/// A sum that was kept in two numbers.
pub(crate) fn joined(hi: i64, lo: i64) -> u128 {
    u128::try_from(i128::from(hi) * PICODOLLARS_IN_HI + i128::from(lo)).unwrap_or(0)
}

/// A statement over many rows, in each of the sizes that are used.
pub(crate) struct Chunked(Vec<Chunk>);

struct Chunk {
    rows: usize,
    /// With `$1,$2`, as PostgreSQL wants it.
    numbered: String,
    /// With `?,?`. SQLite takes numbers for names, and each time it binds one it looks for
    /// its name among all others: with a thousand of them that takes longer than the rest.
    plain: String,
}

impl Chunked {
    /// `head`, as many rows of so many values, `tail`.
    pub(crate) fn new(head: &str, columns: usize, tail: &str) -> Self {
        let chunk = |rows| Chunk {
            rows,
            numbered: format!("{head} VALUES {} {tail}", places(rows, columns, true)),
            plain: format!("{head} VALUES {} {tail}", places(rows, columns, false)),
        };
        Self(CHUNKS.into_iter().map(chunk).collect())
    }

    /// The statement for the first of these rows, and those rows; none where there are none.
    pub(crate) fn first<'a, T>(
        &'static self,
        on: &AnyConnection,
        rows: &mut &'a [T],
    ) -> Option<(&'static str, &'a [T])> {
        let chunk = self.0.iter().find(|chunk| chunk.rows <= rows.len())?;
        let (first, rest) = rows.split_at(chunk.rows);
        *rows = rest;
        let is_postgres = on.backend_name() == sqlx::Postgres::NAME;
        Some((if is_postgres { &chunk.numbered } else { &chunk.plain }, first))
    }
}

/// `($1,$2),($3,$4)`, or `(?,?),(?,?)`.
fn places(rows: usize, columns: usize, are_numbered: bool) -> String {
    let row = |row: usize| {
        let place = |column: usize| match are_numbered {
            true => format!("${}", row * columns + column + 1),
            false => "?".to_owned(),
        };
        format!("({})", (0..columns).map(place).collect::<Vec<_>>().join(","))
    };
    (0..rows).map(row).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_come_back_from_their_two_parts() {
        for amount in [0, 1, 999_999_999, 1_000_000_000, i128::from(i64::MAX), i128::from(u64::MAX)]
        {
            let (hi, lo) = split(amount);
            assert_eq!(joined(hi, lo), amount.unsigned_abs());
            // A difference that is taken away leaves nothing.
            let (less_hi, less_lo) = split(-amount);
            assert!((0..1_000_000_000).contains(&less_lo));
            assert_eq!(joined(hi + less_hi, lo + less_lo), 0);
        }
        assert_eq!(joined(-1, 0), 0);
        assert_eq!(split(i128::MAX).0, i64::MAX);
        assert_eq!(split(i128::MIN).0, i64::MIN);
    }

    #[tokio::test]
    async fn rows_are_cut_into_few_sizes() {
        static STATEMENT: std::sync::LazyLock<Chunked> =
            std::sync::LazyLock::new(|| Chunked::new("INSERT", 2, "END"));
        for store in crate::testing::stores().await {
            let rows = [0; 150];
            let (mut rest, mut sizes) = (&rows[..], Vec::new());
            let work = store.work().await.unwrap();
            while let Some((statement, chunk)) = STATEMENT.first(&work, &mut rest) {
                let numbered = statement.contains(&format!("${})", chunk.len() * 2));
                assert_eq!(numbered, store.location.is_postgres(), "{statement}");
                sizes.push(chunk.len());
            }
            assert_eq!(sizes, [64, 64, 16, 4, 1, 1]);
        }
        assert_eq!(places(2, 2, true), "($1,$2),($3,$4)");
        assert_eq!(places(2, 2, false), "(?,?),(?,?)");
    }

    #[test]
    fn names_are_cut_between_characters_and_hold_no_nul() {
        assert_eq!(name("a\0b"), "a\u{fffd}b");
        let long = name(&"é".repeat(400));
        assert_eq!(long.len(), MAX_NAME_BYTES);
        assert_eq!(name(&"\u{1f600}".repeat(200)).len(), MAX_NAME_BYTES);
    }
}
