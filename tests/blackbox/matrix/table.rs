//! The cells, as they are printed, checked and kept in the docs.

use super::limits::LIMITS;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

/// What became of a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Cell {
    Passed,
    /// The dialect has no words for it.
    Dialect(String),
    /// The provider's format cannot say the answer.
    Provider(String),
    /// The adapter says that its provider has no such thing.
    Adapter(String),
    Failed(String),
}

/// Dialect, conversation, adapter, and what became of it.
pub(super) type Entry = (&'static str, &'static str, &'static str, Cell);

/// All cells.
pub(super) struct Table {
    cells: Vec<Entry>,
}

impl Cell {
    /// Of the same conversation whole and streamed.
    pub(super) fn of_both(cells: Vec<Self>) -> Self {
        let [whole, streamed] = &cells[..] else { unreachable!("whole and streamed") };
        match (whole, streamed) {
            (Self::Failed(fault), _) => Self::Failed(format!("whole: {fault}")),
            (_, Self::Failed(fault)) => Self::Failed(format!("streamed: {fault}")),
            (whole, streamed)
                if std::mem::discriminant(whole) != std::mem::discriminant(streamed) =>
            {
                Self::Failed(format!("whole {whole:?}, but streamed {streamed:?}"))
            }
            (whole, _) => whole.clone(),
        }
    }

    fn mark(&self) -> &'static str {
        match self {
            Self::Passed => "yes",
            Self::Dialect(_) => "D",
            Self::Provider(_) | Self::Adapter(_) => "P",
            Self::Failed(_) => "FAILED",
        }
    }
}

impl Table {
    pub(super) fn new(cells: Vec<Entry>) -> Self {
        Self { cells }
    }

    /// As it stands in the docs.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        for dialect in names(self.cells.iter().map(|cell| cell.0)) {
            let own: Vec<&Entry> = self.cells.iter().filter(|cell| cell.0 == dialect).collect();
            let lanes = names(own.iter().map(|cell| cell.2));
            let passed = own.iter().filter(|cell| cell.3 == Cell::Passed).count();
            let _ = writeln!(text, "### {dialect}: {passed} of {} pass\n", own.len());
            let _ = writeln!(text, "| | {} |", lanes.join(" | "));
            let _ = writeln!(text, "|---|{}", "---|".repeat(lanes.len()));
            for case in names(own.iter().map(|cell| cell.1)) {
                let of_case = own.iter().filter(|cell| cell.1 == case);
                let marks: BTreeMap<_, _> = of_case.map(|cell| (cell.2, cell.3.mark())).collect();
                let marks: Vec<&str> = lanes.iter().map(|lane| marks[lane]).collect();
                let _ = writeln!(text, "| {case} | {} |", marks.join(" | "));
            }
            text.push('\n');
        }
        for (title, pick) in [
            ("D, the dialect's limits", reason_of_dialect as fn(&Cell) -> Option<&str>),
            ("P, the providers' limits", reason_of_provider),
        ] {
            let reasons = self.reasons(pick);
            if reasons.is_empty() {
                continue;
            }
            let _ = writeln!(text, "{title}:\n");
            for (reason, places) in reasons {
                let _ = writeln!(
                    text,
                    "- {reason}: {}",
                    places.into_iter().collect::<Vec<_>>().join(", ")
                );
            }
            text.push('\n');
        }
        text
    }

    /// Each reason with where it holds.
    fn reasons(&self, pick: fn(&Cell) -> Option<&str>) -> BTreeMap<&str, BTreeSet<String>> {
        let mut reasons: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
        for (dialect, case, lane, cell) in &self.cells {
            if let Some(reason) = pick(cell) {
                let whose = match cell {
                    Cell::Dialect(_) => (*dialect).to_owned(),
                    _ => (*lane).to_owned(),
                };
                reasons.entry(reason).or_default().insert(format!("{whose} ({case})"));
            }
        }
        reasons
    }

    /// # Panics
    /// Where a cell failed, a refusal is not listed, or the docs say otherwise.
    pub(super) fn check(&self) {
        let failed = self.cells.iter().filter_map(|(dialect, case, lane, cell)| match cell {
            Cell::Failed(fault) => {
                let fault: String = fault.chars().take(1500).collect();
                Some(format!("{dialect}, {lane}, {case}: {fault}"))
            }
            _ => None,
        });
        let failed: Vec<String> = failed.collect();
        assert!(failed.is_empty(), "{} cells failed:\n{}", failed.len(), failed.join("\n"));
        let refused = self.cells.iter().filter(|cell| matches!(cell.3, Cell::Adapter(_)));
        let refused: BTreeSet<_> = refused.map(|cell| (cell.0, cell.2, cell.1)).collect();
        // A limit of the provider's is one in every dialect that has words for it.
        let wordless = |dialect, case| {
            let is_it = |cell: &&Entry| (cell.0, cell.1) == (dialect, case);
            let mut cells = self.cells.iter().filter(is_it);
            cells.all(|cell| matches!(cell.3, Cell::Dialect(_)))
        };
        let listed: BTreeSet<_> = names(self.cells.iter().map(|cell| cell.0))
            .into_iter()
            .flat_map(|dialect| LIMITS.map(|(lane, case)| (dialect, lane, case)))
            .filter(|(dialect, _, case)| !wordless(*dialect, *case))
            .collect();
        assert_eq!(refused, listed, "what adapters refuse, and what is listed");
        self.check_share();
        self.check_docs();
    }

    /// # Panics
    /// Where providers cannot do more than a tenth of what a dialect has words for: then
    /// something is missing.
    fn check_share(&self) {
        for dialect in names(self.cells.iter().map(|cell| cell.0)) {
            let spoken = self.cells.iter().filter(|cell| cell.0 == dialect);
            let spoken: Vec<_> =
                spoken.filter(|cell| !matches!(cell.3, Cell::Dialect(_))).collect();
            let passed = spoken.iter().filter(|cell| cell.3 == Cell::Passed).count();
            let (all, share) = (spoken.len(), 100 * passed / spoken.len());
            assert!(share >= 90, "{dialect}: {passed} of {all} cells pass");
        }
    }

    fn check_docs(&self) {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/DIALECTS.md");
        let docs = std::fs::read_to_string(&file).unwrap();
        let (begin, end) = (
            "<!-- Written by `PLUGWAY_WRITE_DOCS=1 cargo test --release --test blackbox -- matrix`. -->\n\n",
            "<!-- End of what is written. -->\n",
        );
        let (before, rest) = docs.split_once(begin).unwrap();
        let (written, after) = rest.split_once(end).unwrap();
        if std::env::var_os("PLUGWAY_WRITE_DOCS").is_some() {
            let text = self.text();
            std::fs::write(&file, format!("{before}{begin}{text}{end}{after}")).unwrap();
        } else {
            assert_eq!(written, self.text(), "docs/DIALECTS.md is not what was found");
        }
    }
}

/// Each name once, in the order of their first appearance.
fn names(all: impl Iterator<Item = &'static str>) -> Vec<&'static str> {
    all.fold(Vec::new(), |mut names, name| {
        if !names.contains(&name) {
            names.push(name);
        }
        names
    })
}

fn reason_of_dialect(cell: &Cell) -> Option<&str> {
    match cell {
        Cell::Dialect(reason) => Some(reason),
        _ => None,
    }
}

fn reason_of_provider(cell: &Cell) -> Option<&str> {
    match cell {
        Cell::Provider(reason) | Cell::Adapter(reason) => Some(reason),
        _ => None,
    }
}
