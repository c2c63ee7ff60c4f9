//! An answer as it is being told: server-sent chunks of a `text_completion`.

use std::collections::HashMap;

use bytes::{BufMut, BytesMut};
use plugway_engine::chat::{Event, Finish, Piece};

use super::whole::{text, thought};
use super::{OBJECT, logprobs};
use crate::json::Writer;
use crate::openai_chat::pieces;
use crate::{Bill, ErrorBody, Head, StreamEncoder, routed};

const DONE: &[u8] = b"data: [DONE]\n\n";

/// Writes one answer, event by event. Remembers none of its content.
pub(super) struct Chunks {
    head: Head,
    include_reasoning: bool,
    /// Characters whose probabilities were told, by choice.
    offsets: HashMap<u32, u64>,
}

impl Chunks {
    /// For one answer.
    pub(super) fn new(head: Head, include_reasoning: bool) -> Self {
        Self { head, include_reasoning, offsets: HashMap::new() }
    }

    /// Begins a chunk, up to its choices.
    fn chunk<'o>(&self, out: &'o mut BytesMut) -> Writer<'o> {
        out.put_slice(b"data: ");
        let mut json = Writer::new(out);
        json.open(b'{');
        self.head.write(&mut json, OBJECT);
        json
    }

    fn piece(&mut self, piece: &Piece, out: &mut BytesMut) {
        let said = text(&piece.part).unwrap_or_default();
        let thought = thought(&piece.part).filter(|_| self.include_reasoning).unwrap_or_default();
        // Of reasoning no probabilities are told.
        let arrays = match text(&piece.part) {
            Some(_) => piece.logprobs.as_slice(),
            None => &[],
        };
        if said.is_empty() && thought.is_empty() && arrays.is_empty() {
            return;
        }
        let mut json = self.chunk(out);
        open_choice(&mut json, piece.choice, said);
        if !thought.is_empty() {
            json.key("reasoning").string(thought);
        }
        let offset = self.offsets.entry(piece.choice).or_default();
        logprobs::write(json.key("logprobs"), arrays, offset);
        pieces::write_finish(&mut json, None);
        close_choice(&mut json);
        end(json);
    }

    fn finish(&self, finish: &Finish, out: &mut BytesMut) {
        let mut json = self.chunk(out);
        open_choice(&mut json, finish.choice, "");
        json.key("logprobs").literal("null");
        pieces::write_finish(&mut json, Some(finish));
        close_choice(&mut json);
        end(json);
    }
}

impl StreamEncoder for Chunks {
    fn push(&mut self, event: &Event, out: &mut BytesMut) {
        match event {
            Event::Piece(piece) => self.piece(piece, out),
            Event::Finish(finish) => self.finish(finish, out),
            Event::Origin(_) | Event::Usage(_) | Event::Failed(_) => {}
        }
    }

    fn end(&mut self, bill: Option<&Bill>, out: &mut BytesMut) {
        if let Some(bill) = bill {
            let mut json = self.chunk(out);
            json.key("choices").literal("[]");
            bill.write(json.key("usage"));
            routed::write(&mut json, Some(bill), None);
            end(json);
        }
        out.put_slice(DONE);
    }

    fn fail(&mut self, error: &ErrorBody, bill: Option<&Bill>, out: &mut BytesMut) {
        let mut json = self.chunk(out);
        error.write(json.key("error"));
        open_choice(&mut json, 0, "");
        json.key("finish_reason").string("error");
        json.key("native_finish_reason").literal("null");
        close_choice(&mut json);
        if let Some(bill) = bill {
            bill.write(json.key("usage"));
        }
        routed::write(&mut json, bill, Some(error));
        end(json);
        out.put_slice(DONE);
    }
}

/// Begins the choices with one, which stays open.
fn open_choice(json: &mut Writer<'_>, index: u32, text: &str) {
    json.key("choices").open(b'[');
    json.open(b'{');
    json.key("index").number(u64::from(index));
    json.key("text").string(text);
}

fn close_choice(json: &mut Writer<'_>) {
    json.close(b'}');
    json.close(b']');
}

fn end(mut json: Writer<'_>) {
    json.close(b'}');
    json.end_event();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Form;
    use crate::answer::Answer;
    use crate::events::{drawn, finish, piece, reasoning, text, usage_of};
    use crate::openai_completions::TextCompletion;
    use plugway_engine::chat::FinishReason;
    use rand::SeedableRng;
    use rand::rngs::StdRng;
    use serde_json::{Value, json};

    fn head() -> Head {
        Head { id: "gen-1".into(), created: 7, model: "a/m".into(), provider: "A".into() }
    }

    fn chunks(form: TextCompletion, events: &[Event], bill: &Bill) -> Vec<Value> {
        let mut out = BytesMut::new();
        let mut encoder = form.stream(head());
        events.iter().for_each(|event| encoder.push(event, &mut out));
        encoder.end(Some(bill), &mut out);
        let told = std::str::from_utf8(&out).unwrap().strip_suffix("data: [DONE]\n\n").unwrap();
        let data = told.split_terminator("\n\n").map(|it| it.strip_prefix("data: ").unwrap());
        data.map(|json| serde_json::from_str(json).unwrap()).collect()
    }

    fn scored(choice: u32, said: &str, logprobs: Value) -> Event {
        let Event::Piece(bit) = piece(choice, 1, text(said)) else { panic!("no piece") };
        Event::Piece(Piece { logprobs: Some(logprobs.to_string()), ..bit })
    }

    fn token(token: &str, logprob: f64) -> Value {
        json!({"token": token, "logprob": logprob, "bytes": null, "top_logprobs": [
            {"token": token, "logprob": logprob}, {"token": "?", "logprob": -9.5}]})
    }

    #[test]
    fn a_stream_says_what_a_whole_answer_says() {
        let events = [
            piece(0, 0, reasoning("Hm.")),
            scored(0, "Ål ", json!([token("Ål", -0.5), token(" ", -1.0)])),
            scored(0, "x", json!([token("x", -2.0)])),
            piece(1, 0, text("other")),
            finish(0, FinishReason::Stop),
            finish(1, FinishReason::Length),
        ];
        let bill = Bill::unpriced(usage_of(3, 5));
        for include_reasoning in [true, false] {
            let form = TextCompletion { include_reasoning };
            let answer = Answer::from_events(events.clone());
            let whole = form.encode_whole(&answer, &head(), Some(&bill), None).unwrap();
            let whole: Value = serde_json::from_slice(&whole).unwrap();
            assert_eq!(whole["object"], "text_completion");
            assert_eq!(whole["choices"][0]["text"], "Ål x");
            let thoughts = whole["choices"][0].get("reasoning").cloned();
            assert_eq!(thoughts, include_reasoning.then(|| json!("Hm.")));
            assert_eq!(whole["choices"][1]["finish_reason"], "length");
            let lists = json!({
                "tokens": ["Ål", " ", "x"],
                "token_logprobs": [-0.5, -1.0, -2.0],
                "top_logprobs": [
                    {"Ål": -0.5, "?": -9.5}, {" ": -1.0, "?": -9.5}, {"x": -2.0, "?": -9.5}],
                "text_offset": [0, 2, 3],
            });
            assert_eq!(whole["choices"][0]["logprobs"], lists);

            let mut chunks = chunks(form, &events, &bill);
            let last = chunks.pop().unwrap();
            assert_eq!((&last["choices"], &last["usage"]), (&json!([]), &whole["usage"]));
            let of = |wanted: u64| {
                let told = chunks.iter().map(|chunk| &chunk["choices"][0]);
                told.filter(move |choice| choice["index"] == wanted).collect::<Vec<_>>()
            };
            let joined = |wanted: u64, field: &str| {
                of(wanted).iter().filter_map(|it| it[field].as_str()).collect::<String>()
            };
            assert_eq!((joined(0, "text"), joined(1, "text")), ("Ål x".into(), "other".into()));
            assert_eq!(joined(0, "reasoning"), if include_reasoning { "Hm." } else { "" });
            assert_eq!(of(0).last().unwrap()["finish_reason"], "stop");
            assert_eq!(of(1).last().unwrap()["finish_reason"], "length");
            for list in ["tokens", "token_logprobs", "top_logprobs", "text_offset"] {
                let bits = of(0).into_iter().filter_map(|it| it["logprobs"][list].as_array());
                assert_eq!(Value::from(bits.flatten().cloned().collect::<Vec<_>>()), lists[list]);
            }
        }
    }

    #[test]
    fn any_answer_is_the_same_streamed_and_whole() {
        let mut draws = StdRng::seed_from_u64(7);
        let bill = Bill::unpriced(usage_of(3, 5));
        for turn in 0..1000 {
            let form = TextCompletion { include_reasoning: turn % 2 == 0 };
            let events = drawn(&mut draws);
            let answer = Answer::from_events(events.clone());
            let whole = form.encode_whole(&answer, &head(), Some(&bill), None).unwrap();
            let whole: Value = serde_json::from_slice(&whole).unwrap();
            let chunks = chunks(form, &events, &bill);
            let told = chunks.iter().map(|chunk| &chunk["choices"][0]);
            let choice = &whole["choices"][0];
            for field in ["text", "reasoning"] {
                let bits = told.clone().filter_map(|bit| bit[field].as_str());
                let expected = choice[field].as_str().unwrap_or_default();
                assert_eq!(bits.collect::<String>(), expected, "{events:?}");
            }
            let mut reasons = told.filter_map(|bit| bit["finish_reason"].as_str());
            assert_eq!(reasons.next_back(), choice["finish_reason"].as_str(), "{events:?}");
        }
    }

    #[test]
    fn an_answer_that_breaks_off_says_so_in_both_forms() {
        let form = TextCompletion { include_reasoning: true };
        let error = ErrorBody { status: 502, message: "It broke.".into(), ..ErrorBody::default() };
        let mut out = BytesMut::new();
        let mut encoder = form.stream(head());
        encoder.push(&piece(0, 0, text("half")), &mut out);
        encoder.fail(&error, None, &mut out);
        let told = std::str::from_utf8(&out).unwrap();
        let last = told.strip_suffix("\n\ndata: [DONE]\n\n").unwrap();
        let last = last.rsplit_once("\n\ndata: ").unwrap().1;
        let last: Value = serde_json::from_str(last).unwrap();
        assert_eq!(last["error"]["message"], "It broke.");
        assert_eq!(last["choices"][0]["finish_reason"], "error");
        let answer = Answer::from_events([piece(0, 0, text("half"))]);
        let whole = form.encode_whole(&answer, &head(), None, Some(&error)).unwrap();
        let whole: Value = serde_json::from_slice(&whole).unwrap();
        assert_eq!(whole["choices"][0]["text"], "half");
        assert_eq!(whole["choices"][0]["finish_reason"], "error");
        assert_eq!(whole["choices"][0]["error"]["message"], "It broke.");
    }
}
