//! What is wrong with a configuration, for people: place, key, problem, remedy.

use std::fmt;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The configuration cannot be used.
    Error,
    /// A secret that this machine lacks. A file may well be checked where the
    /// secrets are not, but not served.
    Missing,
    /// Doubtful, but usable.
    Warning,
}

/// Where a key or value stands. Lines and columns count from 1, columns in characters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) file: String,
    pub(super) line: usize,
    pub(super) column: usize,
}

/// One mistake, shown as `file:line:column: key: problem; remedy`. Never holds a
/// secret: values are quoted only where the key is none for secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    pub(super) severity: Severity,
    pub(super) place: Option<Place>,
    pub(super) key: String,
    pub(super) problem: String,
    pub(super) remedy: String,
}

impl Diagnostic {
    /// How bad it is.
    #[must_use]
    pub fn severity(&self) -> Severity {
        self.severity
    }

    /// One that belongs to no place in a file.
    pub(crate) fn general(problem: impl Into<String>, remedy: impl Into<String>) -> Self {
        Diagnostic {
            severity: Severity::Error,
            place: None,
            key: String::new(),
            problem: problem.into(),
            remedy: remedy.into(),
        }
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(Place { file, line, column }) = &self.place {
            write!(f, "{file}:{line}:{column}: ")?;
        }
        if self.severity != Severity::Error {
            f.write_str("warning: ")?;
        }
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.problem)?;
        if !self.remedy.is_empty() {
            write!(f, "; {}", self.remedy)?;
        }
        Ok(())
    }
}

/// All that was found, in the order of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diagnostics(Vec<Diagnostic>);

impl Diagnostics {
    /// Sorts by place; what has none comes first.
    pub(crate) fn new(mut found: Vec<Diagnostic>) -> Self {
        found.sort_by_key(|d| d.place.as_ref().map(|p| (p.file.clone(), p.line, p.column)));
        Diagnostics(found)
    }

    /// In the order of the file.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.0.iter()
    }

    /// Whether nothing was found.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn has(&self, severity: Severity) -> bool {
        self.0.iter().any(|d| d.severity == severity)
    }

    /// Keeps `severity` only, and calls it an error.
    pub(super) fn as_errors(&self, severity: Severity) -> Self {
        let chosen = self.0.iter().filter(|d| d.severity == severity);
        let severity = Severity::Error;
        Diagnostics(chosen.map(|d| Diagnostic { severity, ..d.clone() }).collect())
    }
}

/// One line for each.
impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, diagnostic) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            diagnostic.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostics {}
