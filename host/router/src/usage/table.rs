//! Sums as a table: for people, for spreadsheets, for programs.

use super::cell::Cell;
use clap::ValueEnum;
use std::io::{self, Write};

/// How a table is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// Columns, for people.
    #[default]
    Table,
    /// Comma-separated values, for spreadsheets.
    Csv,
    /// JSON, for programs.
    Json,
}

/// Rows under names.
pub(crate) struct Table {
    pub(crate) columns: Vec<&'static str>,
    pub(crate) rows: Vec<Vec<Cell>>,
    /// Of all rows, under the same names. A spreadsheet sums up by itself.
    pub(crate) total: Vec<Cell>,
}

impl Table {
    /// Writes it.
    ///
    /// # Errors
    /// When `out` cannot be written to.
    pub(crate) fn print(&self, form: Form, out: &mut dyn Write) -> io::Result<()> {
        match form {
            Form::Table => self.print_aligned(out),
            Form::Csv => out.write_all(self.csv().as_bytes()),
            Form::Json => writeln!(
                out,
                "{{\"data\":{},\"total\":{}}}",
                self.json(),
                object(&self.columns, &self.total)
            ),
        }
    }

    /// A line of names, and one for each row.
    pub(crate) fn csv(&self) -> String {
        let mut text = csv_line(self.columns.iter());
        for row in &self.rows {
            text += &csv_line(row.iter().map(Cell::csv));
        }
        text
    }

    /// An array of objects.
    pub(crate) fn json(&self) -> String {
        let rows: Vec<String> = self.rows.iter().map(|row| object(&self.columns, row)).collect();
        format!("[{}]", rows.join(","))
    }

    fn print_aligned(&self, out: &mut dyn Write) -> io::Result<()> {
        let names = self.columns.iter().map(|name| (*name).to_owned()).collect();
        let shown = |row: &Vec<Cell>| row.iter().map(Cell::shown).collect::<Vec<String>>();
        let mut lines: Vec<Vec<String>> = vec![names];
        lines.extend(self.rows.iter().map(shown));
        lines.push(shown(&self.total));
        let width = |column: usize| {
            let cells = lines.iter().filter_map(|line| line.get(column));
            cells.map(|text| text.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..self.columns.len()).map(width).collect();
        let is_number: Vec<bool> = self.total.iter().map(Cell::is_number).collect();
        for line in &lines {
            let mut text = String::new();
            for ((cell, width), is_number) in line.iter().zip(&widths).zip(&is_number) {
                match is_number {
                    true => text += &format!("{cell:>width$}  "),
                    false => text += &format!("{cell:<width$}  "),
                }
            }
            writeln!(out, "{}", text.trim_end())?;
        }
        Ok(())
    }
}

/// A JSON object with these names.
pub(crate) fn object(names: &[&'static str], row: &[Cell]) -> String {
    // Names are the router's own, and have nothing that would have to be escaped.
    let fields = names.iter().zip(row).map(|(name, cell)| format!("\"{name}\":{}", cell.json()));
    format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
}

/// A line of comma-separated values, with its end.
pub(crate) fn csv_line<T: AsRef<str>>(cells: impl Iterator<Item = T>) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let line = cells.map(|cell| cell.as_ref().to_owned());
    // Nothing fails that is written to memory, and what comes out is text as what went in.
    let _ = writer.write_record(line);
    String::from_utf8(writer.into_inner().unwrap_or_default()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        Table {
            columns: vec!["model", "usage"],
            rows: vec![
                vec![Cell::text("a,\"b\""), Cell::Money(500_000_000_000)],
                vec![Cell::text("=run()"), Cell::Money(-1)],
            ],
            total: vec![Cell::text("all"), Cell::Money(499_999_999_999)],
        }
    }

    fn printed(form: Form) -> String {
        let mut out = Vec::new();
        table().print(form, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_table_has_the_same_in_each_form() {
        assert_eq!(
            printed(Form::Csv),
            "model,usage\n\"a,\"\"b\"\"\",0.5\n'=run(),-0.000000000001\n"
        );
        assert_eq!(
            printed(Form::Json),
            "{\"data\":[{\"model\":\"a,\\\"b\\\"\",\"usage\":0.5},\
             {\"model\":\"=run()\",\"usage\":-0.000000000001}],\
             \"total\":{\"model\":\"all\",\"usage\":0.499999999999}}\n"
        );
        assert_eq!(
            printed(Form::Table),
            "model              usage\n\
             a,\"b\"              $0.50\n\
             =run()  -$0.000000000001\n\
             all      $0.499999999999\n"
        );
    }
}
