//! Citations on their way back. Answers carry one per source; the API wants those of
//! one passage together, as clients of its own send them.

use plugway_formats::json::{Json, Object};
use plugway_sdk::chat::{Citation, Extra};
use serde_json::value::RawValue;

/// The field of a citation that holds its source as the API sent it.
pub(crate) const SOURCE: &str = "source";

/// The API's own field for all of them.
const SOURCES: &str = "sources";

/// Citations of one message, each with its sources.
#[derive(Default)]
pub(super) struct Citations<'a>(Vec<Passage<'a>>);

struct Passage<'a> {
    span: (u32, u32),
    extra: &'a [Extra],
    sources: Vec<Json<'a>>,
}

impl<'a> Citations<'a> {
    /// Adds those that this API sent; others it could not read.
    pub(super) fn add(&mut self, citations: &'a [Citation]) {
        for citation in citations {
            let Some(span) = citation.span else { continue };
            let source = field(&citation.extra, SOURCE);
            match self.0.last_mut() {
                Some(last)
                    if source.is_some()
                        && last.span == span
                        && same(last.extra, &citation.extra) =>
                {
                    last.sources.extend(source);
                }
                _ => self.0.push(Passage {
                    span,
                    extra: &citation.extra,
                    sources: source.into_iter().collect(),
                }),
            }
        }
    }

    pub(super) fn into_json(self) -> Option<Vec<Json<'a>>> {
        let list: Vec<Json<'a>> = self.0.into_iter().map(|it| it.into_object().into()).collect();
        (!list.is_empty()).then_some(list)
    }
}

impl<'a> Passage<'a> {
    fn into_object(self) -> Object<'a> {
        let object = Object::new().with("start", self.span.0).with("end", self.span.1);
        let fields = self.extra.iter().filter(|(name, _)| name != SOURCE);
        let object = fields
            .fold(object, |object, (name, _)| object.with_some(name, field(self.extra, name)));
        match self.extra.iter().any(|(name, _)| name == SOURCES) {
            true => object,
            false => object.with(SOURCES, self.sources),
        }
    }
}

fn field<'a>(extra: &'a [Extra], name: &str) -> Option<Json<'a>> {
    let (_, json) = extra.iter().find(|(known, _)| known == name)?;
    serde_json::from_str::<&RawValue>(json).ok().map(Json::from)
}

/// Whether two citations are of one passage: all but their source is equal.
fn same(a: &[Extra], b: &[Extra]) -> bool {
    let fields = |extra: &[Extra]| {
        extra.iter().filter(|(name, _)| name != SOURCE).cloned().collect::<Vec<_>>()
    };
    fields(a) == fields(b)
}
