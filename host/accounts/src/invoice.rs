//! A provider's invoice, as its console exports it in CSV: who was charged how much for
//! which model on which day. Consoles differ, and change; so columns are found by the
//! names that they commonly have, and a line that cannot be read is told, never skipped.

mod columns;
mod field;

pub use columns::{Column, Columns};
pub use field::FieldError;

use crate::calendar::Day;
use columns::Header;
use csv::{ByteRecord, ReaderBuilder};
use std::collections::BTreeMap;

/// Sums of one invoice: days times models.
pub const MAX_SUMS: usize = 200_000;

/// Bad lines that are told of one invoice; the others are counted.
pub const MAX_BAD_LINES: usize = 100;

/// Bytes of a model's name.
pub const MAX_MODEL_BYTES: usize = 256;

/// Stands for the model of what belongs to none: taxes, credits.
pub const NO_MODEL: &str = "(no model)";

/// Picodollars by day and model; credits are negative.
pub type Sums = BTreeMap<(Day, String), i128>;

/// What an invoice says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Invoice {
    /// What is charged.
    pub sums: Sums,
    /// Lines after the header that are not empty.
    pub lines: u64,
    /// Lines whose amount was finer than a picodollar and was rounded to the nearest.
    pub rounded: u64,
    /// The first lines that could not be read. What they charge is missing in `sums`.
    pub bad: Vec<BadLine>,
    /// How many there are.
    pub bad_count: u64,
    /// The columns of day, model and amount, as the header calls them.
    pub columns: [String; 3],
}

/// A line that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct BadLine {
    /// Where it begins, the header's being 1.
    pub line: u64,
    /// What is wrong with it.
    pub problem: LineProblem,
}

/// What is wrong with a line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LineProblem {
    /// More fields than the header, or fewer.
    #[error("has {found} fields where the header has {expected}")]
    Fields {
        /// In the header.
        expected: usize,
        /// In the line.
        found: usize,
    },
    /// Not in UTF-8.
    #[error("is not in UTF-8")]
    NotText,
    /// The day.
    #[error("the day {0}")]
    Day(FieldError),
    /// The amount.
    #[error("the amount {0}")]
    Amount(FieldError),
    /// Not in dollars.
    #[error("is in another currency than US dollars: {0}")]
    Currency(String),
    /// Above [`MAX_MODEL_BYTES`].
    #[error("the model's name has more than {MAX_MODEL_BYTES} bytes")]
    LongModel,
}

/// Why a file is no invoice. The operator's fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvoiceError {
    /// No header.
    #[error("the invoice is empty")]
    Empty,
    /// As spreadsheets like to save it.
    #[error("the invoice is in UTF-16; save it as CSV in UTF-8")]
    Utf16,
    /// No column has one of the names that are known.
    #[error("no column looks like the {column}: the header is {header}; name the column")]
    NoColumn {
        /// Which is missing.
        column: Column,
        /// As it stands there.
        header: String,
    },
    /// The column that was asked for is not there.
    #[error("no column is called `{name}`: the header is {header}")]
    NoSuchColumn {
        /// As asked for.
        name: String,
        /// As it stands there.
        header: String,
    },
    /// Above [`MAX_SUMS`].
    #[error("the invoice has more than {MAX_SUMS} days and models; split it")]
    TooMany,
}

/// Reads an invoice. Columns that are not named are found by their usual names.
///
/// # Errors
/// When it is none, or its columns are not found. Single lines that cannot be read are
/// in the result.
pub fn read(file: &[u8], columns: &Columns) -> Result<Invoice, InvoiceError> {
    if file.starts_with(&[0xff, 0xfe]) || file.starts_with(&[0xfe, 0xff]) {
        return Err(InvoiceError::Utf16);
    }
    let file = file.strip_prefix(b"\xef\xbb\xbf").unwrap_or(file);
    let delimiter = delimiter(file);
    let mut reader = ReaderBuilder::new()
        .delimiter(delimiter)
        .flexible(true)
        .has_headers(false)
        .from_reader(file);
    let mut record = ByteRecord::new();
    if !read_record(&mut reader, &mut record) {
        return Err(InvoiceError::Empty);
    }
    let header = Header::find(&record, columns)?;
    let mut invoice = Invoice { columns: header.names.clone(), ..Invoice::default() };
    while read_record(&mut reader, &mut record) {
        if record.iter().all(|field| field.trim_ascii().is_empty()) {
            continue;
        }
        invoice.lines += 1;
        match read_line(&record, &header, delimiter) {
            Ok(line) => invoice.add(line)?,
            Err(problem) => {
                invoice.bad_count += 1;
                if invoice.bad.len() < MAX_BAD_LINES {
                    let line = line_of(&record, file);
                    invoice.bad.push(BadLine { line, problem });
                }
            }
        }
    }
    Ok(invoice)
}

struct Line {
    day: Day,
    model: String,
    amount: i128,
    is_rounded: bool,
}

impl Invoice {
    fn add(&mut self, line: Line) -> Result<(), InvoiceError> {
        self.rounded += u64::from(line.is_rounded);
        let sum = self.sums.entry((line.day, line.model)).or_default();
        *sum = sum.saturating_add(line.amount);
        if self.sums.len() > MAX_SUMS { Err(InvoiceError::TooMany) } else { Ok(()) }
    }
}

fn read_line(record: &ByteRecord, header: &Header, delimiter: u8) -> Result<Line, LineProblem> {
    if record.len() != header.fields {
        return Err(LineProblem::Fields { expected: header.fields, found: record.len() });
    }
    let field = |index: usize| {
        let text = std::str::from_utf8(record.get(index).unwrap_or_default());
        text.map(str::trim).map_err(|_| LineProblem::NotText)
    };
    if let Some(currency) = header.currency {
        let currency = field(currency)?;
        if !currency.is_empty() && !currency.eq_ignore_ascii_case("usd") {
            return Err(LineProblem::Currency(field::shortened(currency)));
        }
    }
    let day = field::day(field(header.day)?).map_err(LineProblem::Day)?;
    // Where fields are separated by semicolons, commas are likely to be decimal points.
    let amount = field::amount(field(header.amount)?, delimiter == b';');
    let (amount, is_rounded) = amount.map_err(LineProblem::Amount)?;
    let model = match field(header.model)? {
        "" => NO_MODEL,
        model if model.len() > MAX_MODEL_BYTES => return Err(LineProblem::LongModel),
        model => model,
    };
    Ok(Line { day, model: model.to_owned(), amount, is_rounded })
}

/// Whether there was another one. From memory, and of any length, all of them are read.
fn read_record(reader: &mut csv::Reader<&[u8]>, record: &mut ByteRecord) -> bool {
    reader.read_byte_record(record).unwrap_or(false)
}

/// Where a record begins. The reader counts the empty lines before it as its own.
fn line_of(record: &ByteRecord, file: &[u8]) -> u64 {
    let before = record.position().map_or(0, csv::Position::byte);
    let before = usize::try_from(before).unwrap_or(usize::MAX).min(file.len());
    let is_end = |byte: &u8| matches!(byte, b'\r' | b'\n');
    let empty = file[before..].iter().take_while(|byte| is_end(byte)).count();
    let (read, rest) = file.split_at(before + empty);
    let next = read.iter().skip(1).chain(rest.first());
    let ends = read.iter().zip(next).filter(|pair| is_end(pair.0) && *pair != (&b'\r', &b'\n'));
    1 + ends.count() as u64
}

/// What separates the header's fields: whichever is there most often, outside quotes.
fn delimiter(file: &[u8]) -> u8 {
    let mut is_quoted = false;
    let mut counts = [(b',', 0_u32), (b';', 0), (b'\t', 0), (b'|', 0)];
    for byte in file.trim_ascii_start() {
        match byte {
            b'"' => is_quoted = !is_quoted,
            b'\n' | b'\r' if !is_quoted => break,
            byte if !is_quoted => {
                let known = counts.iter_mut().find(|(delimiter, _)| delimiter == byte);
                known.into_iter().for_each(|(_, count)| *count += 1);
            }
            _ => {}
        }
    }
    // The first of those that are there equally often.
    counts.into_iter().rev().max_by_key(|(_, count)| *count).map_or(b',', |(byte, _)| byte)
}

#[cfg(test)]
mod tests;
