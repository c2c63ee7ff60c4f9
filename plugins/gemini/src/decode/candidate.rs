//! One choice of an answer: its parts in order, and how it ended.

use std::collections::BTreeSet;

use plugway_formats::json::Fields;
use plugway_sdk::chat::{
    Event, Extra, Failure, Finish, FinishReason, Media, MediaKind, MediaSource, Part, PartBody,
    Piece,
};
use serde_json::value::to_raw_value;

use super::calls::Arguments;
use super::chunk::{self, Blob, Candidate, FileData, Word};
use super::texts::Texts;
use super::{citations, logprobs, unreadable};
use crate::REASONING_FORMAT;

/// Fields of a candidate that events model; the others are native to it.
const MODELLED: [&str; 4] = ["content", "finishReason", "index", "logprobsResult"];

/// Fields of a part that events model.
const PART_MODELLED: [&str; 6] =
    ["text", "thought", "thoughtSignature", "functionCall", "inlineData", "fileData"];

#[derive(Debug)]
pub(super) struct Choice {
    number: u32,
    native: bool,
    /// Parts that have begun.
    parts: u32,
    /// The last part, where it may grow.
    open: Option<Open>,
    texts: Texts,
    arguments: Arguments,
    sources: citations::Sources,
    ended: Option<Word>,
    /// Native fields of the candidate, by name.
    extra: Vec<Extra>,
}

/// What a part is that the next chunk may add to.
#[derive(Clone, Debug, PartialEq)]
enum Open {
    Text,
    Thought,
    /// Sound of this media type.
    Audio(Option<String>),
}

impl Choice {
    pub(super) fn new(number: u32, native: bool) -> Self {
        Self {
            number,
            native,
            parts: 0,
            open: None,
            texts: Texts::default(),
            arguments: Arguments::new(native),
            sources: citations::Sources::default(),
            ended: None,
            extra: Vec::new(),
        }
    }

    /// `response` is the id of the whole answer, which makes ids of calls unique.
    pub(super) fn read(
        &mut self,
        candidate: &Candidate<'_>,
        json: &str,
        response: &str,
        events: &mut Vec<Event>,
    ) -> Result<(), Failure> {
        let parts = candidate.content.as_ref().and_then(|content| content.parts.as_deref());
        let first = events.len();
        for json in parts.unwrap_or_default() {
            let part = serde_json::from_str(json.get()).map_err(|_| unreadable())?;
            if let Some(part) = part {
                self.part(part, json.get(), response, events)?;
            }
        }
        if let Some(result) = candidate.logprobs_result {
            self.logprobs(logprobs::list(result.get()), first, events);
        }
        self.sources.update(candidate);
        if let Some(word) = &candidate.finish_reason {
            self.ended = Some(word.clone());
        }
        if self.native {
            let newer = Fields::read(json).unwrap_or_default().extra(&MODELLED);
            let names: BTreeSet<&String> = newer.iter().map(|(name, _)| name).collect();
            self.extra.retain(|(name, _)| !names.contains(name));
            self.extra.extend(newer);
        }
        Ok(())
    }

    /// Puts the sources on the texts that they are for.
    pub(super) fn cite(&self, events: &mut Vec<Event>) {
        for (index, list) in self.sources.citations(&self.texts) {
            let part = Part { citations: list, ..Part::text("") };
            events.push(Piece::new(self.number, index, part).into());
        }
    }

    /// How many searches the provider ran.
    pub(super) fn searches(&self) -> u64 {
        self.sources.searches()
    }

    /// None where nothing was said of an end, and one must be; or where a call is not
    /// complete.
    pub(super) fn finish(&mut self, whole: bool) -> Option<Finish> {
        let word = match self.ended.take() {
            Some(Word(word)) => word,
            None if whole => String::new(),
            None => return None,
        };
        if self.arguments.is_waiting() && reason(&word) == FinishReason::Stop {
            return None;
        }
        let reason = match reason(&word) {
            FinishReason::Stop if self.arguments.any() => FinishReason::ToolCalls,
            reason => reason,
        };
        let mut finish = Finish::new(self.number, reason, word);
        finish.extra = std::mem::take(&mut self.extra);
        Some(finish)
    }

    fn part(
        &mut self,
        wire: chunk::Part<'_>,
        json: &str,
        response: &str,
        events: &mut Vec<Event>,
    ) -> Result<(), Failure> {
        let thought = wire.thought == Some(true);
        let signature = wire.thought_signature.filter(|it| !it.is_empty());
        let only_signature = signature.is_some() && is_bare(json);
        let (body, open) = if let Some(call) = wire.function_call {
            match self.arguments.call(call, response, self.number)? {
                Some(call) => (PartBody::ToolCall(call), None),
                None => return Ok(()),
            }
        } else if wire.text.is_some() || only_signature {
            let text = wire.text.unwrap_or_default();
            if text.is_empty() && signature.is_none() {
                return Ok(());
            }
            let open = if thought { Open::Thought } else { Open::Text };
            let part = if thought { Part::reasoning(text) } else { Part::text(text) };
            (part.body, Some(open))
        } else if let (false, Some(Blob { mime_type, data: Some(data) })) =
            (thought, wire.inline_data)
        {
            let kind = kind(mime_type.as_deref());
            let open = (kind == MediaKind::Audio).then(|| Open::Audio(mime_type.clone()));
            (media(kind, MediaSource::Base64(standard_base64(data)?), mime_type), open)
        } else if let (false, Some(FileData { mime_type, file_uri: Some(uri) })) =
            (thought, wire.file_data)
        {
            (media(kind(mime_type.as_deref()), MediaSource::Uri(uri), mime_type), None)
        } else if self.native {
            let Some(native) = native(json) else { return Ok(()) };
            (PartBody::Native(native), None)
        } else {
            // Nobody else can read it.
            return Ok(());
        };
        self.send(body, open, signature, json, events);
        Ok(())
    }

    fn send(
        &mut self,
        body: PartBody,
        open: Option<Open>,
        signature: Option<String>,
        json: &str,
        events: &mut Vec<Event>,
    ) {
        if open.is_none() || open != self.open {
            self.parts += 1;
        }
        let index = self.parts - 1;
        if let PartBody::Text(text) = &body {
            self.texts.add(index, text);
        }
        // What is signed is signed as it stands: the next text is another part.
        self.open = open.filter(|_| signature.is_none());
        let is_native_body = matches!(body, PartBody::Native(_));
        let mut part = Part::from(body);
        if signature.is_some() || matches!(part.body, PartBody::Reasoning(_)) {
            part.format = Some(REASONING_FORMAT.into());
        }
        part.signature = signature;
        if self.native && !is_native_body {
            part.extra = Fields::read(json).unwrap_or_default().extra(&PART_MODELLED);
        }
        events.push(Piece::new(self.number, index, part).into());
    }

    /// Puts probabilities on the last text that came with them, or before them.
    fn logprobs(&mut self, list: Option<String>, first: usize, events: &mut Vec<Event>) {
        let Some(list) = list else { return };
        let news = events.get_mut(first..).unwrap_or_default();
        let said = news.iter_mut().rev().find_map(|event| match event {
            Event::Piece(piece) if matches!(piece.part.body, PartBody::Text(_)) => Some(piece),
            _ => None,
        });
        if let Some(piece) = said {
            piece.logprobs = Some(list);
        } else if let Some(index) = self.texts.last() {
            let piece = Piece::new(self.number, index, Part::text(""));
            events.push(Event::Piece(Piece { logprobs: Some(list), ..piece }));
        }
    }
}

/// A part that is a signature and nothing else.
fn is_bare(json: &str) -> bool {
    Fields::read(json).is_some_and(|fields| {
        fields.iter().all(|(name, _)| matches!(name, "thoughtSignature" | "thought"))
    })
}

/// A part that only this dialect knows, without the signature that stands beside it.
fn native(json: &str) -> Option<String> {
    let mut kept = Fields::default();
    for (name, value) in Fields::read(json)?.iter().filter(|(name, _)| *name != "thoughtSignature")
    {
        kept.set(name, serde_json::value::RawValue::from_string(value.to_owned()).ok()?);
    }
    Some(to_raw_value(&kept).ok()?.get().to_owned())
}

fn media(kind: MediaKind, source: MediaSource, mime: Option<String>) -> PartBody {
    PartBody::Media(Media { kind, source, mime, name: None, detail: None })
}

/// The bytes in the alphabet of the contract, padded: Google's libraries write another
/// one too.
fn standard_base64(mut data: String) -> Result<String, Failure> {
    if data.contains(['-', '_']) {
        data = data.replace('-', "+").replace('_', "/");
    }
    match data.len() % 4 {
        0 => {}
        1 => return Err(Failure::unavailable("Gemini sent media that cannot be read")),
        rest => data.push_str(if rest == 2 { "==" } else { "=" }),
    }
    Ok(data)
}

fn kind(mime: Option<&str>) -> MediaKind {
    match mime.and_then(|mime| mime.split('/').next()) {
        Some("audio") => MediaKind::Audio,
        Some("video") => MediaKind::Video,
        Some("application" | "text") => MediaKind::Document,
        _ => MediaKind::Image,
    }
}

/// The contract's word for the end of a choice. The API ends well in two ways only: a
/// word of the future is taken for trouble.
fn reason(word: &str) -> FinishReason {
    match word {
        "STOP" | "1" | "" => FinishReason::Stop,
        "MAX_TOKENS" | "2" => FinishReason::Length,
        "SAFETY" | "RECITATION" | "LANGUAGE" | "BLOCKLIST" | "PROHIBITED_CONTENT" | "SPII"
        | "MODEL_ARMOR" | "IMAGE_SAFETY" | "IMAGE_PROHIBITED_CONTENT" | "IMAGE_RECITATION"
        // Numbers from 6 on differ between the services, but for these.
        | "3" | "4" | "7" | "8" => FinishReason::ContentFilter,
        _ => FinishReason::Error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finish_reasons() {
        let check = |native, expected| assert_eq!(reason(native), expected, "{native}");
        check("STOP", FinishReason::Stop);
        check("1", FinishReason::Stop);
        check("MAX_TOKENS", FinishReason::Length);
        check("PROHIBITED_CONTENT", FinishReason::ContentFilter);
        check("LANGUAGE", FinishReason::ContentFilter);
        check("MALFORMED_FUNCTION_CALL", FinishReason::Error);
        check("OTHER", FinishReason::Error);
        check("A_WORD_OF_THE_FUTURE", FinishReason::Error);
    }
}
