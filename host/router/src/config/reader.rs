//! Walks a parsed file with its places, and collects what is wrong instead of
//! stopping at the first mistake.

use std::cell::RefCell;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::diagnostic::{Diagnostic, Place, Severity};
use super::field::{Bound, Field};

/// A file's name and text, and what was found in it so far.
pub(super) struct Source<'s> {
    name: &'s str,
    text: &'s str,
    /// Where each line begins, so that a place is found without a walk.
    lines: Vec<usize>,
    found: RefCell<Vec<Diagnostic>>,
}

impl<'s> Source<'s> {
    pub(super) fn new(name: &'s str, text: &'s str) -> Self {
        let newlines = text.match_indices('\n').map(|(at, _)| at + 1);
        let lines = std::iter::once(0).chain(newlines).collect();
        Source { name, text, lines, found: RefCell::default() }
    }

    /// What could be parsed; syntax errors are noted, without a key.
    pub(super) fn parse(&self) -> Spanned<DeTable<'s>> {
        let (table, errors) = DeTable::parse_recoverable(self.text);
        for error in errors {
            let start = error.span().map_or(0, |span| span.start);
            self.note(Severity::Error, self.place(start), "", error.message(), "");
        }
        table
    }

    pub(super) fn into_found(self) -> Vec<Diagnostic> {
        self.found.into_inner()
    }

    pub(super) fn note(
        &self,
        severity: Severity,
        place: Place,
        key: &str,
        problem: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        let mut found = self.found.borrow_mut();
        // What the parser made of a value that it could not read is not its author's.
        let unreadable = |d: &Diagnostic| d.key.is_empty() && d.place.as_ref() == Some(&place);
        if found.iter().any(unreadable) {
            return;
        }
        found.push(Diagnostic {
            severity,
            place: Some(place),
            key: key.to_owned(),
            problem: problem.into(),
            remedy: remedy.into(),
        });
    }

    fn place(&self, offset: usize) -> Place {
        let line = self.lines.partition_point(|start| *start <= offset);
        let start = self.lines.get(line.saturating_sub(1)).copied().unwrap_or(0);
        let before = self.text.get(start..offset).unwrap_or("");
        Place { file: self.name.to_owned(), line, column: before.chars().count() + 1 }
    }
}

/// A table of the file, and its path from the root.
#[derive(Clone)]
pub(super) struct Section<'t> {
    source: &'t Source<'t>,
    path: Vec<&'t str>,
    table: &'t DeTable<'t>,
    start: usize,
}

impl<'t> Section<'t> {
    pub(super) fn root(source: &'t Source<'t>, table: &'t Spanned<DeTable<'t>>) -> Self {
        Section { source, path: Vec::new(), table: table.get_ref(), start: table.span().start }
    }

    /// Its own key; empty for the root.
    pub(super) fn name(&self) -> &'t str {
        self.path.last().copied().unwrap_or_default()
    }

    /// Whether the key was written here, and is not a default or inherited.
    pub(super) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// Reads every key by its field. A key without one is a mistake.
    pub(super) fn read<T>(&self, fields: &[Field<T>], into: &mut T) {
        self.read_with(&[fields], into, |_, _| false);
    }

    /// As `read`, with several lists of fields. `other` is asked about keys
    /// without a field, and says whether it took them.
    pub(super) fn read_with<T>(
        &self,
        fields: &[&[Field<T>]],
        into: &mut T,
        other: impl Fn(&Entry<'t>, &mut T) -> bool,
    ) {
        for entry in self.entries() {
            let mut fields = fields.iter().copied().flatten();
            if let Some(field) = fields.clone().find(|field| field.key == entry.key()) {
                field.read(&entry, into);
            } else if !other(&entry, into) {
                let known = fields.by_ref().map(|field| field.key);
                self.unknown_key(&entry, &known.collect::<Vec<_>>());
            }
        }
    }

    fn unknown_key(&self, entry: &Entry<'_>, known: &[&str]) {
        let known = known.iter().copied();
        let remedy = did_you_mean(entry.key(), known.clone())
            .unwrap_or_else(|| format!("known are {}", quoted_list(known)));
        self.note(Severity::Error, entry.key_start, entry.key(), "unknown key", remedy);
    }

    /// The table at `key`, if there is one.
    pub(super) fn subtable(&self, key: &str) -> Option<Section<'t>> {
        self.entries().find(|entry| entry.key() == key)?.subtable()
    }

    /// The tables of the array at `key`, if it is one.
    pub(super) fn subtables(&self, key: &str) -> Vec<Section<'t>> {
        let entry = self.entries().find(|entry| entry.key() == key);
        entry.map_or_else(Vec::new, |entry| entry.subtables().into_iter().flatten().collect())
    }

    /// The keys and their values.
    pub(super) fn entries(&self) -> impl Iterator<Item = Entry<'t>> + use<'t> {
        let (source, path) = (self.source, self.path.clone());
        self.table.iter().map(move |(key, value)| Entry {
            source,
            path: path.iter().copied().chain([key.get_ref().as_ref()]).collect(),
            key_start: key.span().start,
            value,
        })
    }

    /// Keeps `value` within another key's. Where only the other was written, the
    /// default gives way; else it is a mistake.
    pub(super) fn at_most<B: Bound>(&self, key: &str, value: &mut B, limit: (&str, B)) {
        let (limit_key, limit) = limit;
        if *value <= limit {
            return;
        }
        if !self.has(key) {
            *value = limit;
            return;
        }
        self.error(
            key,
            format!("{} is more than `{limit_key}`, which is {}", value.show(), limit.show()),
            format!("lower it, or raise `{limit_key}`"),
        );
    }

    /// Notes a mistake at `key`, or at the section where the key is not written.
    pub(super) fn error(&self, key: &str, problem: impl Into<String>, remedy: impl Into<String>) {
        self.note(Severity::Error, self.start_of(key), key, problem, remedy);
    }

    /// As `error`, with another severity.
    pub(super) fn remark(
        &self,
        severity: Severity,
        key: &str,
        problem: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.note(severity, self.start_of(key), key, problem, remedy);
    }

    /// Where `key` is written, for mistakes that show only later.
    pub(super) fn place(&self, key: &str) -> Place {
        self.source.place(self.start_of(key))
    }

    fn start_of(&self, key: &str) -> usize {
        self.table.get_key_value(key).map_or(self.start, |(key, _)| key.span().start)
    }

    fn note(
        &self,
        severity: Severity,
        start: usize,
        key: &str,
        problem: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        let path: Vec<&str> = self.path.iter().copied().chain([key]).collect();
        let place = self.source.place(start);
        self.source.note(severity, place, &key_path(&path), problem, remedy);
    }
}

/// A key and its value.
#[derive(Clone)]
pub(super) struct Entry<'t> {
    source: &'t Source<'t>,
    path: Vec<&'t str>,
    key_start: usize,
    value: &'t Spanned<DeValue<'t>>,
}

impl<'t> Entry<'t> {
    pub(super) fn key(&self) -> &'t str {
        self.path.last().copied().unwrap_or_default()
    }

    pub(super) fn value(&self) -> &'t DeValue<'t> {
        self.value.get_ref()
    }

    /// The value as a table; anything else is a mistake.
    pub(super) fn table(&self) -> Option<Section<'t>> {
        let section = self.subtable();
        if section.is_none() {
            self.wrong_type("a table");
        }
        section
    }

    /// The value, if it is a table.
    pub(super) fn subtable(&self) -> Option<Section<'t>> {
        Some(Section {
            source: self.source,
            path: self.path.clone(),
            table: self.value().as_table()?,
            start: self.key_start,
        })
    }

    /// The tables of an array; anything else is a mistake.
    pub(super) fn tables(&self) -> Vec<Section<'t>> {
        if !self.value().is_array() {
            self.wrong_type("an array of tables");
        }
        let sections = self.subtables();
        if sections.iter().any(Option::is_none) {
            self.wrong_type("an array of tables");
        }
        sections.into_iter().flatten().collect()
    }

    /// What the array holds: none for each that is no table.
    fn subtables(&self) -> Vec<Option<Section<'t>>> {
        let items = self.value().as_array().into_iter().flat_map(|array| array.iter());
        let section = |item: &'t Spanned<DeValue<'t>>| {
            Some(Section {
                source: self.source,
                path: self.path.clone(),
                table: item.get_ref().as_table()?,
                start: item.span().start,
            })
        };
        items.map(section).collect()
    }

    /// Text, or a mistake.
    pub(super) fn text(&self) -> Option<&'t str> {
        let text = self.value().as_str();
        if text.is_none() {
            self.wrong_type("a string");
        }
        text
    }

    /// Texts, or a mistake.
    pub(super) fn texts(&self) -> Option<Vec<String>> {
        let texts = self.value().as_array().and_then(|array| {
            let texts = array.iter().map(|item| item.get_ref().as_str().map(str::to_owned));
            texts.collect()
        });
        if texts.is_none() {
            self.wrong_type("an array of strings");
        }
        texts
    }

    /// Relative paths count from the file's own directory.
    pub(super) fn resolve_path(&self, path: &str) -> PathBuf {
        let directory = Path::new(self.source.name).parent();
        directory.unwrap_or(Path::new("")).join(path)
    }

    pub(super) fn wrong_type(&self, expected: &str) {
        let found = match self.value() {
            DeValue::String(_) => "a string",
            DeValue::Integer(_) => "an integer",
            DeValue::Float(_) => "a float",
            DeValue::Boolean(_) => "a boolean",
            DeValue::Datetime(_) => "a date",
            DeValue::Array(_) => "an array",
            DeValue::Table(_) => "a table",
        };
        self.error(format!("is {found}"), format!("write {expected}"));
    }

    /// Notes a mistake at the value.
    pub(super) fn error(&self, problem: impl Into<String>, remedy: impl Into<String>) {
        let place = self.source.place(self.value.span().start);
        self.source.note(Severity::Error, place, &key_path(&self.path), problem, remedy);
    }
}

/// "did you mean `x`?", where one of the known names is near.
pub(super) fn did_you_mean<'k>(name: &str, known: impl Iterator<Item = &'k str>) -> Option<String> {
    /// Similarity from 0 to 1; below it, a suggestion would be a guess.
    const ALIKE: f64 = 0.7;
    // `max_body_bytes` for `max_body`, `rescan` for `rescan_interval`.
    let is_part =
        |known: &str| name.len() > 2 && (known.starts_with(name) || name.starts_with(known));
    let alike = |known: &str| match is_part(known) {
        true => ALIKE,
        false => strsim::normalized_damerau_levenshtein(name, known),
    };
    known
        .map(|known| (alike(known), known))
        .filter(|(score, _)| *score >= ALIKE)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, known)| format!("did you mean `{known}`?"))
}

pub(super) fn quoted_list<'k>(names: impl Iterator<Item = &'k str>) -> String {
    let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

/// Joins keys as TOML writes them, quoted where a bare key could not stand.
pub(super) fn key_path(path: &[&str]) -> String {
    let is_bare = |key: &str| {
        let bare = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        !key.is_empty() && key.bytes().all(bare)
    };
    let quoted = path
        .iter()
        .filter(|key| !key.is_empty())
        .map(|key| if is_bare(key) { (*key).to_owned() } else { format!("{key:?}") });
    quoted.collect::<Vec<_>>().join(".")
}
