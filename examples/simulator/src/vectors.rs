//! Vectors and scores that follow from the texts they are of: the same in every run,
//! and apart for texts that differ.

use crate::ids;

/// Length of a vector where the request asks for none.
const DIMENSIONS: usize = 8;

/// Longest vector that is made.
const MAX_DIMENSIONS: usize = 4096;

/// The vector of a text: multiples of a 128th, which every form of number can hold.
pub(crate) fn vector(text: &str, dimensions: Option<usize>) -> Vec<f32> {
    let mut state = ids::digest(text);
    let length = dimensions.unwrap_or(DIMENSIONS).min(MAX_DIMENSIONS);
    let numbers = std::iter::repeat_with(|| {
        state = ids::mix(state);
        f32::from(i8::from_le_bytes([state.to_le_bytes()[0]])) / 128.0
    });
    numbers.take(length).collect()
}

/// How well a document answers a query: the share of the query's words that it holds.
pub(crate) fn score(query: &str, document: &str) -> f64 {
    let words: Vec<&str> = query.split_whitespace().collect();
    let held = words.iter().filter(|word| document.contains(**word)).count();
    if words.is_empty() { 0.0 } else { held as f64 / words.len() as f64 }
}

/// The documents' places and scores, best first, at most `top` of them.
pub(crate) fn ranking(query: &str, documents: &[String], top: Option<usize>) -> Vec<(usize, f64)> {
    let scored = documents.iter().map(|document| score(query, document));
    let mut ranking: Vec<(usize, f64)> = scored.enumerate().collect();
    ranking.sort_by(|(_, a), (_, b)| b.total_cmp(a));
    ranking.truncate(top.unwrap_or(documents.len()));
    ranking
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_are_repeatable_and_apart() {
        assert_eq!(vector("a", None), vector("a", None));
        assert_ne!(vector("a", None), vector("b", None));
        assert_eq!((vector("a", None).len(), vector("a", Some(3)).len()), (DIMENSIONS, 3));
    }

    #[test]
    fn the_document_with_most_of_the_words_comes_first() {
        let documents = ["no", "big dog", "big cat"].map(String::from);
        assert_eq!(ranking("big cat", &documents, Some(2)), [(2, 1.0), (1, 0.5)]);
    }
}
