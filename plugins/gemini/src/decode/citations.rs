//! Sources of an answer: what it was grounded on, and what it recites.

use std::collections::BTreeMap;

use plugway_sdk::chat::Citation;
use serde::Deserialize;

use super::chunk::Candidate;
use super::texts::Texts;

/// The last that was said of a choice's sources; each chunk repeats what it knows.
#[derive(Debug, Default)]
pub(super) struct Sources {
    grounding: Option<Grounding>,
    recited: Vec<Recited>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Grounding {
    grounding_chunks: Option<Vec<BTreeMap<String, Option<Source>>>>,
    grounding_supports: Option<Vec<Support>>,
    web_search_queries: Option<Vec<Option<String>>>,
}

/// A page, a passage of a document, or a place.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Source {
    uri: Option<String>,
    title: Option<String>,
    text: Option<String>,
}

/// A segment of the answer and the chunks that it rests on.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Support {
    segment: Option<Segment>,
    grounding_chunk_indices: Option<Vec<usize>>,
}

/// In bytes.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Segment {
    part_index: Option<u32>,
    start_index: Option<usize>,
    end_index: Option<usize>,
}

/// AI Studio and Vertex name the list differently.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct CitationMetadata {
    citation_sources: Option<Vec<Recited>>,
    citations: Option<Vec<Recited>>,
}

/// A work that the answer repeats. In bytes.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Recited {
    start_index: Option<usize>,
    end_index: Option<usize>,
    uri: Option<String>,
    title: Option<String>,
}

impl Sources {
    pub(super) fn update(&mut self, candidate: &Candidate<'_>) {
        // What cannot be read is no source, and no reason to lose the answer.
        let grounding = candidate.grounding_metadata;
        let grounding: Option<Grounding> =
            grounding.and_then(|json| serde_json::from_str(json.get()).ok());
        if let Some(grounding) = grounding.filter(Grounding::says_something) {
            self.grounding = Some(grounding);
        }
        let recited = candidate.citation_metadata;
        let recited: Option<CitationMetadata> =
            recited.and_then(|json| serde_json::from_str(json.get()).ok());
        if let Some(list) = recited.and_then(|it| it.citation_sources.or(it.citations)) {
            self.recited = list;
        }
    }

    pub(super) fn searches(&self) -> u64 {
        let queries = self.grounding.as_ref().and_then(|it| it.web_search_queries.as_ref());
        let asked = |query: &&Option<String>| query.as_ref().is_some_and(|query| !query.is_empty());
        queries.map_or(0, |list| list.iter().filter(asked).count() as u64)
    }

    /// The citations of each part that is text.
    pub(super) fn citations(&self, texts: &Texts) -> BTreeMap<u32, Vec<Citation>> {
        let mut cited = BTreeMap::new();
        let mut add = |place: Place, citation: Citation| {
            let index = place.map(|(index, _)| index).or_else(|| texts.last());
            if let Some(index) = index {
                let span = place.map(|(_, span)| span);
                let list: &mut Vec<Citation> = cited.entry(index).or_default();
                list.push(Citation { span, ..citation });
            }
        };
        if let Some(grounding) = &self.grounding {
            grounding.each(texts, &mut add);
        }
        for work in &self.recited {
            let place = texts.locate(work.start_index.unwrap_or(0), work.end_index.unwrap_or(0));
            let (url, title) = (work.uri.clone(), work.title.clone());
            add(place, Citation { url, title, ..Citation::default() });
        }
        cited
    }
}

/// A part and the characters there.
type Place = Option<(u32, (u32, u32))>;

impl Grounding {
    fn says_something(&self) -> bool {
        self.grounding_chunks.is_some() || self.web_search_queries.is_some()
    }

    fn each(&self, texts: &Texts, add: &mut impl FnMut(Place, Citation)) {
        let chunks = self.grounding_chunks.as_deref().unwrap_or_default();
        let mut any = false;
        for support in self.grounding_supports.iter().flatten() {
            let place = support.segment.as_ref().and_then(|segment| segment.locate(texts));
            for index in support.grounding_chunk_indices.iter().flatten() {
                if let Some(source) = chunks.get(*index) {
                    any = true;
                    add(place, citation(source));
                }
            }
        }
        // Nobody says what they are for: for all of it.
        if !any {
            chunks.iter().for_each(|source| add(None, citation(source)));
        }
    }
}

impl Segment {
    /// The API counts the bytes of all texts as one. Where it names a later part, it
    /// counts from there, in a numbering that streams do not have.
    fn locate(&self, texts: &Texts) -> Place {
        if self.part_index.is_some_and(|index| index > 0) {
            return None;
        }
        texts.locate(self.start_index.unwrap_or(0), self.end_index?)
    }
}

fn citation(chunk: &BTreeMap<String, Option<Source>>) -> Citation {
    let source = chunk.values().flatten().next();
    Citation {
        url: source.and_then(|it| it.uri.clone()),
        title: source.and_then(|it| it.title.clone()).filter(|title| !title.is_empty()),
        quote: source.and_then(|it| it.text.clone()),
        ..Citation::default()
    }
}
