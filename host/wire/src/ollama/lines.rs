//! An answer as it is being told: lines of JSON.

use bytes::{BufMut, BytesMut};
use plugway_engine::chat::{Event, FinishReason, PartBody, Piece};

use super::pieces::{self, Said};
use super::{Told, errors};
use crate::answer::{Answer, merge_extra};
use crate::json::Writer;
use crate::{Bill, ErrorBody, Head, StreamEncoder};

/// Writes one answer, event by event. Calls and images go whole in this format: they are
/// kept until the answer's finish, before which any of them may grow.
pub(super) struct Lines {
    told: Told,
    head: Head,
    /// Calls and images so far.
    kept: Answer,
    finish: Option<FinishReason>,
    /// Native fields, for the last line.
    extra: Vec<(String, String)>,
}

impl Lines {
    /// For one answer.
    pub(super) fn new(told: Told, head: Head) -> Self {
        Self { told, head, kept: Answer::default(), finish: None, extra: Vec::new() }
    }

    /// The next bit of text or thought. Of others, and of a thought that is not to be
    /// shown, nothing.
    fn bit(&self, piece: &Piece, out: &mut BytesMut) {
        let said = match &piece.part.body {
            PartBody::Text(text) | PartBody::Refusal(text) => {
                Said { text: text.clone(), ..Said::default() }
            }
            PartBody::Reasoning(reasoning) if self.told.thinking => {
                Said { thinking: pieces::readable(reasoning).to_owned(), ..Said::default() }
            }
            _ => return,
        };
        // A token can be half a character: then it has a probability and no text yet.
        if said.text.is_empty() && said.thinking.is_empty() && piece.logprobs.is_none() {
            return;
        }
        self.line(&said, piece.logprobs.as_ref(), out);
    }

    fn line(&self, said: &Said<'_>, logprobs: Option<&String>, out: &mut BytesMut) {
        let mut json = Writer::new(out);
        json.open(b'{');
        pieces::write_head(&mut json, &self.head);
        said.write(&mut json, self.told.kind);
        pieces::write_logprobs(&mut json, logprobs);
        json.key("done").boolean(false);
        json.close(b'}');
        out.put_u8(b'\n');
    }

    /// What was kept, now that it is whole.
    fn release(&mut self, out: &mut BytesMut) {
        let kept = std::mem::take(&mut self.kept);
        for choice in kept.choices() {
            let said = Said { whole: choice.parts.iter().collect(), ..Said::default() };
            self.line(&said, None, out);
        }
    }
}

impl StreamEncoder for Lines {
    fn push(&mut self, event: &Event, out: &mut BytesMut) {
        match event {
            Event::Origin(origin) => merge_extra(&mut self.extra, &origin.extra),
            // The dialect asks for one choice and has room for one.
            Event::Piece(piece) if piece.choice == 0 => match piece.part.body {
                PartBody::ToolCall(_) | PartBody::Media(_) => self.kept.fold(event.clone()),
                _ => self.bit(piece, out),
            },
            Event::Finish(finish) if finish.choice == 0 => {
                self.finish = Some(finish.reason);
                self.release(out);
            }
            Event::Piece(_) | Event::Finish(_) | Event::Usage(_) | Event::Failed(_) => {}
        }
    }

    fn end(&mut self, bill: Option<&Bill>, out: &mut BytesMut) {
        self.release(out);
        let mut json = Writer::new(out);
        json.open(b'{');
        pieces::write_head(&mut json, &self.head);
        Said::default().write(&mut json, self.told.kind);
        pieces::write_end(&mut json, self.told, self.finish, bill, &self.extra);
        json.close(b'}');
        out.put_u8(b'\n');
    }

    fn fail(&mut self, error: &ErrorBody, _: Option<&Bill>, out: &mut BytesMut) {
        errors::write(error, out);
        out.put_u8(b'\n');
    }
}

#[cfg(test)]
#[path = "answer_tests.rs"]
mod tests;
