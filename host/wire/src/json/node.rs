//! A value of the body and the way to it.

use std::borrow::Cow;
use std::fmt;

use super::{scan, unique};
use crate::BadRequest;

/// Name and raw JSON value of a field that nobody asked for.
type Extra = (String, String);

/// The way from the body to one of its values. Lives on the stack of whoever
/// walks; only an error turns it into text.
#[derive(Clone, Copy)]
pub(crate) enum Path<'p> {
    /// The body itself.
    Root,
    /// A field of the object at the path.
    Field(&'p Path<'p>, &'p str),
    /// An item of the array at the path.
    Item(&'p Path<'p>, usize),
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => Ok(()),
            Self::Field(Self::Root, name) => write!(f, "{}", shown(name)),
            Self::Field(parent, name) => write!(f, "{parent}.{}", shown(name)),
            Self::Item(parent, index) => write!(f, "{parent}[{index}]"),
        }
    }
}

/// A field's name, cut where it is no name that anybody would miss the rest of.
pub(super) fn shown(name: &str) -> &str {
    name.char_indices().nth(64).map_or(name, |(end, _)| name.get(..end).unwrap_or(name))
}

/// A value of a checked body.
#[derive(Clone, Copy)]
pub(crate) struct Node<'b, 'p> {
    raw: &'b str,
    path: Path<'p>,
}

impl<'b, 'p> Node<'b, 'p> {
    /// The whole of a body that passed [`super::check`].
    pub(crate) fn root(body: &'b str) -> Self {
        let raw = body.trim_matches([' ', '\t', '\n', '\r']);
        Self { raw, path: Path::Root }
    }

    /// The value as the client wrote it.
    pub(crate) fn raw(&self) -> &'b str {
        self.raw
    }

    /// The way to it, e.g. `messages[3].content[1].image_url`.
    pub(crate) fn way(&self) -> String {
        self.path.to_string()
    }

    /// The value as it travels on. Whoever reads it must not have to choose
    /// between two fields of one name.
    pub(crate) fn json(&self) -> Result<String, BadRequest> {
        match unique::repeated_below(self.raw) {
            Some(way) => Err(repeated(format!("{}{way}", self.path))),
            None => Ok(self.raw.to_owned()),
        }
    }

    pub(crate) fn is_object(&self) -> bool {
        self.raw.starts_with('{')
    }

    pub(crate) fn is_array(&self) -> bool {
        self.raw.starts_with('[')
    }

    pub(crate) fn is_string(&self) -> bool {
        self.raw.starts_with('"')
    }

    pub(crate) fn is_number(&self) -> bool {
        self.raw.starts_with(|c: char| c == '-' || c.is_ascii_digit())
    }

    /// This value is wrong, for the reason given.
    pub(crate) fn fault(
        &self,
        code: &'static str,
        message: impl Into<Cow<'static, str>>,
    ) -> BadRequest {
        BadRequest::at(self.path.to_string(), code, message)
    }

    /// This value has the right type, but is none of those that are taken.
    pub(crate) fn invalid(&self, message: impl Into<Cow<'static, str>>) -> BadRequest {
        self.fault("invalid_value", message)
    }

    fn expected(&self, wanted: &str) -> BadRequest {
        let got = match self.raw.as_bytes().first() {
            Some(b'{') => "an object",
            Some(b'[') => "an array",
            Some(b'"') => "a string",
            Some(b't' | b'f') => "a boolean",
            Some(b'n') => "null",
            _ => "a number",
        };
        self.fault("invalid_type", format!("must be {wanted}, but is {got}"))
    }

    /// The content between the quotes, still escaped.
    pub(crate) fn escaped(&self) -> Result<&'b str, BadRequest> {
        self.raw
            .strip_prefix('"')
            .and_then(|content| content.strip_suffix('"'))
            .ok_or_else(|| self.expected("a string"))
    }

    pub(crate) fn text(&self) -> Result<Cow<'b, str>, BadRequest> {
        self.escaped().map(scan::unescape)
    }

    pub(crate) fn string(&self) -> Result<String, BadRequest> {
        self.text().map(Cow::into_owned)
    }

    pub(crate) fn boolean(&self) -> Result<bool, BadRequest> {
        match self.raw {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(self.expected("a boolean")),
        }
    }

    /// A number of the type asked for.
    pub(crate) fn number<N: serde::de::DeserializeOwned>(
        &self,
        wanted: &str,
    ) -> Result<N, BadRequest> {
        if !self.is_number() {
            return Err(self.expected(wanted));
        }
        serde_json::from_str(self.raw).map_err(|_| self.invalid(format!("must be {wanted}")))
    }

    /// A whole number, also one that is written with a fraction of zero.
    pub(crate) fn integer<N: serde::de::DeserializeOwned>(&self) -> Result<N, BadRequest> {
        let whole = self.raw.split_once('.').map_or(self.raw, |(whole, fraction)| {
            if fraction.bytes().all(|digit| digit == b'0') { whole } else { self.raw }
        });
        Node { raw: whole, path: self.path }.number("a whole number in range")
    }

    /// The fields of an object, none of which may be named twice.
    pub(crate) fn object(&'p self) -> Result<Fields<'b, 'p>, BadRequest> {
        if !self.is_object() {
            return Err(self.expected("an object"));
        }
        let (names, values): (Vec<_>, Vec<_>) = scan::members(self.raw)
            .into_iter()
            .map(|(key, raw)| (scan::unescape(key), raw))
            .unzip();
        if let Some(name) = unique::repeated(&names) {
            return Err(repeated(Path::Field(&self.path, name).to_string()));
        }
        let entries = names.into_iter().zip(values);
        let entries = entries.map(|(name, raw)| Entry { name, raw, taken: false }).collect();
        Ok(Fields { path: &self.path, entries })
    }

    /// The items of an array.
    pub(crate) fn array(&'p self) -> Result<Vec<Node<'b, 'p>>, BadRequest> {
        if !self.is_array() {
            return Err(self.expected("an array"));
        }
        let items = scan::items(self.raw).into_iter().enumerate();
        Ok(items.map(|(index, raw)| Node { raw, path: Path::Item(&self.path, index) }).collect())
    }

    /// An array of strings.
    pub(crate) fn strings(&'p self) -> Result<Vec<String>, BadRequest> {
        self.array()?.iter().map(Node::string).collect()
    }
}

fn repeated(path: String) -> BadRequest {
    BadRequest::at(path, "duplicate_field", "is given more than once")
}

struct Entry<'b> {
    name: Cow<'b, str>,
    raw: &'b str,
    taken: bool,
}

/// The fields of one object. A field may be taken again and is then given again;
/// what nobody took is the client's own business and travels on as it is. A field
/// that is null is not set.
pub(crate) struct Fields<'b, 'p> {
    path: &'p Path<'p>,
    entries: Vec<Entry<'b>>,
}

impl<'b, 'p> Fields<'b, 'p> {
    /// Takes a field that may be absent.
    pub(crate) fn take(&mut self, name: &'static str) -> Option<Node<'b, 'p>> {
        let entry = self.entries.iter_mut().find(|entry| entry.name == name)?;
        entry.taken = true;
        (entry.raw != "null").then_some(Node { raw: entry.raw, path: Path::Field(self.path, name) })
    }

    /// Takes a field that must be there.
    pub(crate) fn need(&mut self, name: &'static str) -> Result<Node<'b, 'p>, BadRequest> {
        self.take(name).ok_or_else(|| self.missing(name))
    }

    /// The named field is missing.
    pub(crate) fn missing(&self, name: &str) -> BadRequest {
        let path = Path::Field(self.path, name);
        BadRequest::at(path.to_string(), "missing_required_parameter", "is missing")
    }

    /// The object as a whole is wrong, for the reason given.
    pub(crate) fn invalid(&self, message: impl Into<Cow<'static, str>>) -> BadRequest {
        BadRequest::at(self.path.to_string(), "invalid_value", message)
    }

    pub(crate) fn string(&mut self, name: &'static str) -> Result<Option<String>, BadRequest> {
        self.take(name).map(|node| node.string()).transpose()
    }

    pub(crate) fn boolean(&mut self, name: &'static str) -> Result<Option<bool>, BadRequest> {
        self.take(name).map(|node| node.boolean()).transpose()
    }

    pub(crate) fn float(&mut self, name: &'static str) -> Result<Option<f64>, BadRequest> {
        self.take(name).map(|node| node.number("a number")).transpose()
    }

    pub(crate) fn integer<N: serde::de::DeserializeOwned>(
        &mut self,
        name: &'static str,
    ) -> Result<Option<N>, BadRequest> {
        self.take(name).map(|node| node.integer()).transpose()
    }

    /// Strings of an array, none where the field is absent.
    pub(crate) fn strings(&mut self, name: &'static str) -> Result<Vec<String>, BadRequest> {
        self.take(name).map_or(Ok(Vec::new()), |node| node.strings())
    }

    /// Name and node of each field that is set and was not taken.
    pub(crate) fn left(&self) -> impl Iterator<Item = (&str, Node<'b, '_>)> {
        self.entries.iter().filter(|entry| !entry.taken && entry.raw != "null").map(|entry| {
            let path = Path::Field(self.path, &entry.name);
            let raw = entry.raw;
            (&*entry.name, Node { raw, path })
        })
    }

    /// Refuses what nobody took: a wish that is misspelt would silently not be kept.
    pub(crate) fn nothing_left(&self) -> Result<(), BadRequest> {
        match self.left().next() {
            None => Ok(()),
            Some((_, node)) => Err(node.fault("unknown_parameter", "is not known")),
        }
    }

    /// What nobody took, in the client's order.
    pub(crate) fn rest(&self) -> Result<Vec<Extra>, BadRequest> {
        self.left().map(|(name, node)| Ok((name.to_owned(), node.json()?))).collect()
    }
}
