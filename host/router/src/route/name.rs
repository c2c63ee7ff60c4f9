//! The grammar of a model's name, in one place:
//! `[~]author/name[:suffix...][@provider[/variant]]`, and `@preset/slug` behind it or
//! alone. What the catalogue knows by exactly the name that is written wins over every
//! reading of it: providers have models whose own names hold `:` and `@`.

/// What goes ahead of a preset's slug.
const PRESET: &str = "@preset/";

/// What a suffix asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Suffix {
    /// The fastest endpoints, those of the priority tier too.
    Nitro,
    /// The cheapest endpoints, those of the flex tier too.
    Floor,
    /// Only endpoints that cost nothing.
    Free,
    /// The best endpoints.
    Exacto,
}

impl Suffix {
    const ALL: [(&'static str, Self); 4] = [
        ("nitro", Self::Nitro),
        ("floor", Self::Floor),
        ("free", Self::Free),
        ("exacto", Self::Exacto),
    ];

    fn named(word: &str) -> Option<Self> {
        Self::ALL.iter().find(|(name, _)| *name == word).map(|(_, suffix)| *suffix)
    }
}

/// A name, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Name<'n> {
    /// What the catalogue knows.
    pub(crate) base: &'n str,
    /// In the order in which they are written, each once.
    pub(crate) suffixes: Vec<Suffix>,
    /// The provider that alone may serve it, maybe with one of its variants.
    pub(crate) pin: Option<&'n str>,
}

/// Why a name is none of the catalogue's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Mistake<'n> {
    /// Nothing in it is known.
    Unknown,
    /// What stands before it is known.
    Suffix { base: &'n str, suffix: &'n str },
    /// What stands before it is known, and it names nobody.
    Pin,
}

impl<'n> Name<'n> {
    /// Reads a name without a preset; `is_known` says what the catalogue knows.
    pub(crate) fn parse(
        text: &'n str,
        is_known: impl Fn(&str) -> bool,
    ) -> Result<Self, Mistake<'n>> {
        match Self::suffixed(text, &is_known) {
            Ok((base, suffixes)) => return Ok(Self { base, suffixes, pin: None }),
            Err(mistake) if !text.contains('@') => return Err(mistake),
            Err(_) => {}
        }
        let (before, pin) = text.rsplit_once('@').ok_or(Mistake::Unknown)?;
        let (base, suffixes) = Self::suffixed(before, &is_known)?;
        let is_pin = !pin.is_empty() && pin.split('/').all(|part| !part.is_empty());
        if is_pin { Ok(Self { base, suffixes, pin: Some(pin) }) } else { Err(Mistake::Pin) }
    }

    fn suffixed(
        text: &'n str,
        is_known: &impl Fn(&str) -> bool,
    ) -> Result<(&'n str, Vec<Suffix>), Mistake<'n>> {
        let (mut base, mut suffixes) = (text, Vec::new());
        while !is_known(base) {
            let (before, word) = base.rsplit_once(':').ok_or(Mistake::Unknown)?;
            let Some(suffix) = Suffix::named(word) else {
                return Err(match is_known(before) {
                    true => Mistake::Suffix { base: before, suffix: word },
                    false => Mistake::Unknown,
                });
            };
            if !suffixes.contains(&suffix) {
                suffixes.insert(0, suffix);
            }
            base = before;
        }
        Ok((base, suffixes))
    }
}

/// A name without its preset, and the preset's slug; either may be missing.
pub(crate) fn split_preset(text: &str) -> (Option<&str>, Option<&str>) {
    match text.split_once(PRESET) {
        None => (Some(text), None),
        Some((model, slug)) => (Some(model).filter(|model| !model.is_empty()), Some(slug)),
    }
}

/// The suffixes that there are, for people.
pub(crate) fn suffixes() -> String {
    let names: Vec<String> = Suffix::ALL.iter().map(|(name, _)| format!("`:{name}`")).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::Suffix::{Exacto, Floor, Free, Nitro};
    use super::*;

    const KNOWN: [&str; 6] =
        ["a/m", "a/m:free", "a/v@2024", "~a/m-latest", "local/llama:8b", "bare"];

    fn parse(text: &str) -> Result<Name<'_>, Mistake<'_>> {
        Name::parse(text, |name| KNOWN.contains(&name))
    }

    #[test]
    fn a_name_has_suffixes_and_a_pin() {
        for (text, base, suffixes, pin) in [
            ("a/m", "a/m", &[][..], None),
            ("bare", "bare", &[], None),
            ("a/m:nitro", "a/m", &[Nitro], None),
            ("a/m:floor:exacto", "a/m", &[Floor, Exacto], None),
            ("a/m:nitro:nitro", "a/m", &[Nitro], None),
            ("a/m@p", "a/m", &[], Some("p")),
            ("a/m:nitro@p/eu", "a/m", &[Nitro], Some("p/eu")),
            ("~a/m-latest:floor", "~a/m-latest", &[Floor], None),
            // An exact name wins.
            ("a/m:free", "a/m:free", &[], None),
            ("a/m:free:nitro", "a/m:free", &[Nitro], None),
            ("a/m:free:free", "a/m:free", &[Free], None),
            ("a/v@2024", "a/v@2024", &[], None),
            ("a/v@2024:nitro@p", "a/v@2024", &[Nitro], Some("p")),
            ("local/llama:8b:floor", "local/llama:8b", &[Floor], None),
        ] {
            let name = Name { base, suffixes: suffixes.to_vec(), pin };
            assert_eq!(parse(text), Ok(name), "{text}");
        }
    }

    #[test]
    fn what_is_no_name_is_told_apart() {
        for text in ["", ":", "@", ":nitro", "@p", "a/x", "a/x:nitro", "a/x@p"] {
            assert_eq!(parse(text).unwrap_err(), Mistake::Unknown, "{text}");
        }
        for (text, suffix) in
            [("a/m:", ""), ("a/m::nitro", ""), ("a/m:online", "online"), ("a/m:NITRO@p", "NITRO")]
        {
            assert_eq!(parse(text), Err(Mistake::Suffix { base: "a/m", suffix }), "{text}");
        }
        for text in ["a/m@", "a/m@/", "a/m@p/", "a/m@/eu", "a/m:nitro@"] {
            assert_eq!(parse(text), Err(Mistake::Pin), "{text}");
        }
        // However much there is of it.
        let long = format!("a/m{}", ":nitro".repeat(1000));
        assert_eq!(parse(&long).map(|name| name.suffixes), Ok(vec![Nitro]));
    }

    #[test]
    fn a_preset_stands_behind_a_name_or_alone() {
        assert_eq!(split_preset("a/m"), (Some("a/m"), None));
        assert_eq!(split_preset("@preset/x"), (None, Some("x")));
        assert_eq!(split_preset("a/m:nitro@p@preset/x"), (Some("a/m:nitro@p"), Some("x")));
        // The slug is for its reader to refuse.
        assert_eq!(split_preset("a/m@preset/x@preset/y"), (Some("a/m"), Some("x@preset/y")));
        assert_eq!(split_preset("@preset/"), (None, Some("")));
    }
}
