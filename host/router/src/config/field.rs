//! One key of a section: where its value goes, how it is written, what it means.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use http::Uri;
use toml::de::DeValue;

use super::reader::{Entry, did_you_mean, quoted_list};
use super::units::{parse_duration, parse_size, show_duration, show_size};
use crate::catalog::dollars_to_picodollars;

/// A key that a section of type `T` knows.
pub(super) struct Field<T: 'static> {
    pub(super) key: &'static str,
    pub(super) slot: Slot<T>,
    /// For the reference; Markdown.
    pub(super) about: &'static str,
}

/// Where a value of which kind goes.
pub(super) enum Slot<T: 'static> {
    Flag(fn(&mut T) -> &mut bool),
    /// At least 1.
    Count(fn(&mut T) -> &mut u32),
    /// At least 0.
    CountOrNone(fn(&mut T) -> &mut u32),
    /// At least 1.
    Items(fn(&mut T) -> &mut usize),
    /// At least 1.
    Tokens(fn(&mut T) -> &mut Option<u32>),
    Duration(fn(&mut T) -> &mut Duration),
    Size(fn(&mut T) -> &mut usize),
    Address(fn(&mut T) -> &mut SocketAddr),
    Text(fn(&mut T) -> &mut Option<String>),
    Words(fn(&mut T) -> &mut Vec<String>),
    Path(fn(&mut T) -> &mut Option<PathBuf>),
    Paths(fn(&mut T) -> &mut Vec<PathBuf>),
    Url(fn(&mut T) -> &mut Option<Uri>),
    /// US dollars with at most so many decimals.
    Dollars(fn(&mut T) -> &mut Option<u64>, u32),
    /// With at most four decimals, in millionths.
    Percent(fn(&mut T) -> &mut u64),
    Choice {
        names: &'static [&'static str],
        set: fn(&mut T, &str),
        get: fn(&T) -> &'static str,
    },
    Nested {
        /// What is written there, for the reference.
        shape: &'static str,
        read: fn(&Entry<'_>, &mut T),
    },
}

impl<T> Field<T> {
    /// Puts the entry's value where it belongs; a mistake leaves that as it was.
    pub(super) fn read(&self, entry: &Entry<'_>, into: &mut T) {
        match self.slot {
            Slot::Flag(slot) => match entry.value().as_bool() {
                Some(flag) => *slot(into) = flag,
                None => entry.wrong_type("`true` or `false`"),
            },
            Slot::Count(slot) => set(slot(into), count(entry, 1)),
            Slot::CountOrNone(slot) => set(slot(into), count(entry, 0)),
            Slot::Items(slot) => set(slot(into), count(entry, 1).map(|n| n as usize)),
            Slot::Tokens(slot) => set(slot(into), count(entry, 1).map(Some)),
            Slot::Duration(slot) => set(slot(into), duration(entry)),
            Slot::Size(slot) => set(slot(into), size(entry)),
            Slot::Address(slot) => set(slot(into), address(entry)),
            Slot::Text(slot) => set(slot(into), nonempty(entry).map(|t| Some(t.to_owned()))),
            Slot::Words(slot) => set(slot(into), entry.texts()),
            Slot::Path(slot) => {
                set(slot(into), nonempty(entry).map(|t| Some(entry.resolve_path(t))));
            }
            Slot::Paths(slot) => {
                let paths = entry.texts();
                set(slot(into), paths.map(|p| p.iter().map(|t| entry.resolve_path(t)).collect()));
            }
            Slot::Url(slot) => set(slot(into), url(entry).map(Some)),
            Slot::Dollars(slot, decimals) => set(slot(into), dollars(entry, decimals).map(Some)),
            Slot::Percent(slot) => set(slot(into), percent(entry)),
            Slot::Choice { names, set, .. } => {
                if let Some(name) = choice(entry, names) {
                    set(into, name);
                }
            }
            Slot::Nested { read, .. } => read(entry, into),
        }
    }

    /// How a value is written, for the reference.
    pub(super) fn shape(&self) -> String {
        match self.slot {
            Slot::Flag(_) => "boolean".into(),
            Slot::Count(_) | Slot::CountOrNone(_) | Slot::Items(_) | Slot::Tokens(_) => {
                "integer".into()
            }
            Slot::Duration(_) => "duration".into(),
            Slot::Size(_) => "size".into(),
            Slot::Address(_) => "address:port".into(),
            Slot::Text(_) => "string".into(),
            Slot::Words(_) => "array of strings".into(),
            Slot::Path(_) => "path".into(),
            Slot::Paths(_) => "array of paths".into(),
            Slot::Url(_) => "URL".into(),
            Slot::Dollars(..) => "US dollars".into(),
            Slot::Percent(_) => "percent".into(),
            Slot::Choice { names, .. } => quoted_list(names.iter().copied()),
            Slot::Nested { shape, .. } => shape.into(),
        }
    }

    /// What holds where the key is not written, as TOML; None: nothing.
    pub(super) fn default(&self, of: &mut T) -> Option<String> {
        let quoted = |text: String| Some(format!("{text:?}"));
        match self.slot {
            Slot::Flag(slot) => Some(slot(of).to_string()),
            Slot::Count(slot) | Slot::CountOrNone(slot) => Some(slot(of).to_string()),
            Slot::Items(slot) => Some(slot(of).to_string()),
            Slot::Duration(slot) => quoted(show_duration(*slot(of))),
            Slot::Size(slot) => quoted(show_size(*slot(of))),
            Slot::Address(slot) => quoted(slot(of).to_string()),
            Slot::Words(slot) => Some(format!("{:?}", slot(of))),
            Slot::Paths(slot) => Some(format!("{:?}", slot(of))),
            Slot::Percent(slot) => Some(show_percent(*slot(of))),
            Slot::Choice { get, .. } => quoted(get(of).to_owned()),
            Slot::Tokens(_)
            | Slot::Text(_)
            | Slot::Path(_)
            | Slot::Url(_)
            | Slot::Dollars(..)
            | Slot::Nested { .. } => None,
        }
    }
}

/// A value that can be held against another one.
pub(super) trait Bound: Copy + PartialOrd {
    /// As it is written in the file.
    fn show(self) -> String;
}

impl Bound for Duration {
    fn show(self) -> String {
        show_duration(self)
    }
}

impl Bound for usize {
    fn show(self) -> String {
        show_size(self)
    }
}

fn set<V>(slot: &mut V, value: Option<V>) {
    if let Some(value) = value {
        *slot = value;
    }
}

fn count(entry: &Entry<'_>, least: u32) -> Option<u32> {
    let Some(number) = entry.value().as_integer() else {
        entry.wrong_type("an integer");
        return None;
    };
    let read = u32::from_str_radix(number.as_str(), number.radix());
    let read = read.ok().filter(|number| *number >= least);
    if read.is_none() {
        let remedy = format!("choose {least} to {}", u32::MAX);
        entry.error(format!("{number} is out of range"), remedy);
    }
    read
}

fn duration(entry: &Entry<'_>) -> Option<Duration> {
    const REMEDY: &str =
        "write a duration above zero, such as \"250ms\", \"10s\", \"2m\" or \"1h\"";
    written(entry, parse_duration, REMEDY)
}

fn size(entry: &Entry<'_>) -> Option<usize> {
    const REMEDY: &str =
        "write a size above zero, such as \"512B\", \"64KiB\", \"32MiB\" or \"1GiB\"";
    written(entry, parse_size, REMEDY)
}

fn address(entry: &Entry<'_>) -> Option<SocketAddr> {
    const REMEDY: &str = "write an address and port, such as \"127.0.0.1:8787\"";
    written(entry, |text| text.parse().ok(), REMEDY)
}

fn written<V>(entry: &Entry<'_>, parse: fn(&str) -> Option<V>, remedy: &str) -> Option<V> {
    let value = entry.value().as_str().and_then(parse);
    if value.is_none() {
        entry.error(format!("is {}", shown(entry.value())), remedy);
    }
    value
}

fn nonempty<'t>(entry: &Entry<'t>) -> Option<&'t str> {
    let text = entry.text()?;
    if text.is_empty() {
        entry.error("is empty", "write a value, or leave the key out");
        return None;
    }
    Some(text)
}

fn url(entry: &Entry<'_>) -> Option<Uri> {
    let text = entry.text()?;
    let read = parse_url(text);
    read.map_err(|problem| entry.error(problem, "write a URL such as \"https://host/path\"")).ok()
}

/// Never shows the text: people put secrets into URLs.
pub(super) fn parse_url(text: &str) -> Result<Uri, &'static str> {
    let uri: Uri = text.trim_end_matches('/').parse().map_err(|_| "is no URL")?;
    if !matches!(uri.scheme_str(), Some("http" | "https")) {
        return Err("is no http or https URL");
    }
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    if authority.contains('@') {
        return Err("holds a user name; credentials do not belong in URLs");
    }
    let is_port_wrong =
        |it: &http::uri::Authority| it.as_str().len() > it.host().len() && it.port_u16().is_none();
    if uri.authority().is_some_and(is_port_wrong) {
        return Err("is no URL");
    }
    if uri.query().is_some() || text.contains('#') {
        return Err("has a query or fragment, which cannot be joined with a path");
    }
    if uri.path().split('/').any(|segment| matches!(segment, "." | "..")) {
        return Err("has a `.` or `..` in its path");
    }
    Ok(uri)
}

/// A decimal number of US dollars, as picodollars.
pub(super) fn dollars(entry: &Entry<'_>, decimals: u32) -> Option<u64> {
    decimal(entry, decimals, "write US dollars, such as 2.5")
}

/// Hundredths, as millionths.
fn percent(entry: &Entry<'_>) -> Option<u64> {
    decimal(entry, 4, "write hundredths, such as 5.5")
}

fn show_percent(millionths: u64) -> String {
    let (whole, rest) = (millionths / 10_000, millionths % 10_000);
    match rest {
        0 => whole.to_string(),
        _ => format!("{whole}.{}", format!("{rest:04}").trim_end_matches('0')),
    }
}

/// A decimal number in units of so many decimals, read without a float in between.
fn decimal(entry: &Entry<'_>, decimals: u32, remedy: &str) -> Option<u64> {
    let text = match entry.value() {
        DeValue::String(text) => text.to_string(),
        DeValue::Integer(number) => number.to_string(),
        DeValue::Float(number) => number.to_string(),
        _ => {
            entry.wrong_type("a decimal number");
            return None;
        }
    };
    let read = dollars_to_picodollars(&text, decimals);
    read.map_err(|error| entry.error(format!("`{text}` {error}"), remedy)).ok()
}

fn choice(entry: &Entry<'_>, names: &'static [&'static str]) -> Option<&'static str> {
    let text = entry.text()?;
    let chosen = names.iter().copied().find(|name| *name == text);
    if chosen.is_none() {
        let known = names.iter().copied();
        let remedy = did_you_mean(text, known.clone())
            .unwrap_or_else(|| format!("choose one of {}", quoted_list(known)));
        entry.error(format!("`{text}` is unknown"), remedy);
    }
    chosen
}

fn shown(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => format!("{text:?}"),
        DeValue::Integer(number) => format!("{number}, without a unit"),
        other => format!("of type {}", other.type_str()),
    }
}
