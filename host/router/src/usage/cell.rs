//! One value of a table, as each form of it wants it written.

use plugway_accounts::money::{show_signed_dollars, write_signed_dollars};
use std::borrow::Cow;

/// A value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Cell {
    /// Nobody knows it, or it is of no use here.
    Nothing,
    /// May be anybody's words.
    Text(String),
    /// A count.
    Number(u64),
    /// Picodollars; told in dollars.
    Money(i128),
    /// Yes or no.
    Flag(bool),
    /// JSON.
    Json(String),
}

impl Cell {
    /// Picodollars of one answer, where they are known.
    pub(crate) fn cost(picodollars: Option<u64>) -> Self {
        picodollars.map_or(Self::Nothing, |it| Self::Money(it.into()))
    }

    /// Picodollars of many.
    pub(crate) fn sum(picodollars: u128) -> Self {
        Self::Money(i128::try_from(picodollars).unwrap_or(i128::MAX))
    }

    /// A text, unless it is empty.
    pub(crate) fn text(text: impl Into<String>) -> Self {
        let text = text.into();
        if text.is_empty() { Self::Nothing } else { Self::Text(text) }
    }

    /// For spreadsheets: exact decimals, and no text that one of them would run.
    pub(crate) fn csv(&self) -> Cow<'_, str> {
        match self {
            Self::Nothing => Cow::Borrowed(""),
            Self::Text(text) => harmless(text),
            Self::Json(text) => Cow::Borrowed(text),
            Self::Number(number) => number.to_string().into(),
            Self::Money(money) => write_signed_dollars(*money).into(),
            Self::Flag(flag) => flag.to_string().into(),
        }
    }

    /// For programs: exact decimals too.
    pub(crate) fn json(&self) -> Cow<'_, str> {
        match self {
            Self::Nothing => Cow::Borrowed("null"),
            Self::Text(text) => serde_json::Value::from(text.as_str()).to_string().into(),
            Self::Json(text) => Cow::Borrowed(text),
            number => number.csv(),
        }
    }

    /// For people at a terminal, who must not be played tricks on by it.
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::Nothing => "-".to_owned(),
            Self::Text(text) => text.chars().filter(|letter| !letter.is_control()).collect(),
            Self::Money(money) => show_signed_dollars(*money),
            other => other.csv().into_owned(),
        }
    }

    /// Whether people compare it by its last digit.
    pub(crate) fn is_number(&self) -> bool {
        matches!(self, Self::Number(_) | Self::Money(_))
    }
}

/// What a spreadsheet takes for the beginning of a formula, in each width.
const FORMULA: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];

/// The text, marked as one where a spreadsheet would run it.
fn harmless(text: &str) -> Cow<'_, str> {
    match text.starts_with(FORMULA) {
        true => format!("'{text}").into(),
        false => Cow::Borrowed(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_spreadsheet_runs_what_a_client_wrote() {
        for text in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1"] {
            assert_eq!(Cell::text(text).csv(), format!("'{text}"));
        }
        for text in ["gen-1", "a=b", "'", "5", ""] {
            assert_eq!(Cell::text(text).csv(), text);
        }
        // Numbers are the router's own, and are to be counted with.
        assert_eq!(Cell::Money(-1).csv(), "-0.000000000001");
    }

    #[test]
    fn each_form_has_every_digit() {
        let cell = Cell::sum(50_000_000_000_000_000_000_001);
        assert_eq!(cell.csv(), "50000000000.000000000001");
        assert_eq!(cell.json(), "50000000000.000000000001");
        assert_eq!(cell.shown(), "$50,000,000,000.000000000001");
    }

    #[test]
    fn a_text_is_told_as_each_form_escapes_it() {
        let cell = Cell::text("a\"b\u{1b}[31m");
        assert_eq!(cell.json(), r#""a\"b\u001b[31m""#);
        assert_eq!(cell.shown(), "a\"b[31m");
        assert_eq!(Cell::text("").json(), "null");
    }
}
