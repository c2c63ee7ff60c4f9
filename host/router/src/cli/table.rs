//! Tables for people.

use std::io::{self, Write};

/// A table whose columns are as wide as what is in them.
pub(super) fn print<const N: usize>(
    head: &[String; N],
    rows: &[[String; N]],
    out: &mut impl Write,
) -> io::Result<()> {
    let all = || std::iter::once(head).chain(rows);
    let widths: [usize; N] = std::array::from_fn(|at| {
        all().filter_map(|row| row.get(at)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    });
    for row in all() {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}"));
        let line = cells.collect::<Vec<_>>().join("  ");
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}
