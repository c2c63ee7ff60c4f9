//! Which columns of an invoice say what: by the names that consoles give them, or by
//! those that the operator gives.

use super::InvoiceError;
use csv::ByteRecord;
use std::fmt;

/// Names of the columns, where they are not found by themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Columns {
    /// Of the day.
    pub day: Option<String>,
    /// Of the model.
    pub model: Option<String>,
    /// Of the amount, in US dollars.
    pub amount: Option<String>,
}

/// A column that has to be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    /// On which it was used.
    Day,
    /// What was used.
    Model,
    /// What it cost.
    Amount,
}

/// Where the columns are.
pub(super) struct Header {
    /// How many there are.
    pub(super) fields: usize,
    pub(super) day: usize,
    pub(super) model: usize,
    pub(super) amount: usize,
    /// Of a column that tells the currency of each line.
    pub(super) currency: Option<usize>,
    /// Of day, model and amount.
    pub(super) names: [String; 3],
}

// Each in order of preference, in lower case and with `_` between words.

const DAY: &[&str] = &[
    "day",
    "date",
    "usage_date",
    "usage_date_utc",
    "usage_day",
    "start_time_iso",
    "start_time",
    "usage_start_time",
    "usage_start_date",
    "bucket_start_time",
    "bucket_start",
    "period_start",
    "start_date",
    "lineitem_usagestartdate",
    "line_item_usage_start_date",
    "usagedate",
    "bill_date",
    "timestamp",
    "created_at",
    "datetime",
    "date_utc",
    "time",
];

const MODEL: &[&str] = &[
    "model",
    "model_name",
    "model_id",
    "model_slug",
    "model_permaslug",
    "snapshot_id",
    "model_version",
    "line_item",
    "sku_description",
    "lineitem_usagetype",
    "line_item_usage_type",
    "metername",
    "meter_name",
    "meter",
    "sku",
    "product",
    "product_name",
    "item",
    "description",
];

const AMOUNT: &[&str] = &[
    "cost_usd",
    "amount_usd",
    "usd",
    "cost_in_usd",
    "costinusd",
    "amount_in_usd",
    "total_cost_usd",
    "price_usd",
    "amount_value",
    "cost",
    "amount",
    "cost_total",
    "total_cost",
    "total_amount",
    "net_cost",
    "charge",
    "charges",
    "lineitem_unblendedcost",
    "line_item_unblended_cost",
    "costinbillingcurrency",
    "pretaxcost",
    "spend",
    "subtotal",
    "total",
    "price",
];

const CURRENCY: &[&str] = &[
    "amount_currency",
    "currency",
    "currency_code",
    "lineitem_currencycode",
    "line_item_currency_code",
    "billingcurrency",
    "billing_currency",
];

/// Bytes of a header that errors show.
const SHOWN_BYTES: usize = 400;

impl Header {
    pub(super) fn find(record: &ByteRecord, columns: &Columns) -> Result<Self, InvoiceError> {
        let names: Vec<String> = record
            .iter()
            .map(|name| String::from_utf8_lossy(name.trim_ascii()).into_owned())
            .collect();
        let plain: Vec<String> = names.iter().map(|name| plain(name)).collect();
        let known = |candidates: &[&str]| {
            candidates.iter().find_map(|known| plain.iter().position(|name| name == known))
        };
        let find = |column: Column, named: &Option<String>, candidates: &[&str]| match named {
            Some(name) => {
                let exact = names.iter().position(|known| known == name.trim());
                let alike = || plain.iter().position(|known| *known == self::plain(name));
                exact.or_else(alike).ok_or_else(|| InvoiceError::NoSuchColumn {
                    name: name.clone(),
                    header: shown(&names),
                })
            }
            None => known(candidates)
                .ok_or_else(|| InvoiceError::NoColumn { column, header: shown(&names) }),
        };
        let day = find(Column::Day, &columns.day, DAY)?;
        let model = find(Column::Model, &columns.model, MODEL)?;
        let amount = find(Column::Amount, &columns.amount, AMOUNT)?;
        Ok(Self {
            fields: names.len(),
            day,
            model,
            amount,
            currency: known(CURRENCY),
            names: [day, model, amount].map(|index| names[index].clone()),
        })
    }
}

/// In lower case, with one `_` in place of whatever is between words.
fn plain(name: &str) -> String {
    let lower = name.to_lowercase();
    let words = lower.split(|character: char| !character.is_alphanumeric());
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join("_")
}

fn shown(names: &[String]) -> String {
    let mut shown = names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    if shown.len() > SHOWN_BYTES {
        shown.truncate(shown.floor_char_boundary(SHOWN_BYTES));
        shown.push_str("...");
    }
    shown
}

impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Day => "day",
            Self::Model => "model",
            Self::Amount => "amount",
        })
    }
}
