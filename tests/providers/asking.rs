//! Asking an adapter for a feature: it writes a request with it and one without. Where
//! both are the same, the feature was left out; where it refuses, it has none.

use plugway_engine::chat::{Event, Failure, FailureKind, PartBody};
use plugway_engine::{Adapter, EndpointFacts, ResponseHead};
use serde_json::Value;

use crate::answers::CITED;
use crate::requests;

/// Names of models from which adapters draw conclusions: what one model can do, the
/// provider can.
const MODELS: [&str; 7] = [
    "some-model",
    "claude-sonnet-4-5",
    "anthropic.claude-sonnet-4-5-20250929-v1:0",
    "gemini-2.5-flash",
    "gemini-3-pro-preview",
    "gpt-5",
    "gpt-oss:20b",
];

/// Options that give an endpoint features, each by itself.
const OPTIONS: [(&str, &str); 5] = [
    ("api", r#""responses""#),
    ("extended_sampling", "true"),
    ("platform", r#""vertex""#),
    ("send_reasoning", r#""reasoning_content""#),
    ("send_reasoning", r#""reasoning_details""#),
];

/// Whether an adapter has a feature, the best answer first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Cell {
    Yes,
    /// The router fetches what the provider does not.
    Fetched,
    /// Where an option of the endpoint says so.
    Option,
    No,
    /// There is nothing that it could be had for.
    NotApplicable,
}

impl Cell {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::Fetched => "fetched",
            Self::Option => "option",
            Self::No => "no",
            Self::NotApplicable => "n/a",
        }
    }

    fn of(has: bool) -> Self {
        if has { Self::Yes } else { Self::No }
    }

    /// The answer, where the adapter has what it is about at all.
    pub(crate) fn given(self, condition: Self) -> Self {
        if condition < Self::No { self } else { Self::NotApplicable }
    }
}

/// One adapter, to be asked.
pub(crate) struct Asking<'a>(&'a Adapter);

impl<'a> Asking<'a> {
    pub(crate) fn of(adapter: &'a Adapter) -> Self {
        Self(adapter)
    }

    /// Whether it takes the request at all.
    pub(crate) fn takes(&self, request: &Value) -> Cell {
        self.best(|model, options| match self.encode(request, model, options) {
            Ok(_) => Cell::Yes,
            Err(failure) => refused(&failure),
        })
    }

    /// Whether the request becomes another by the change.
    pub(crate) fn changes(&self, before: &Value, change: impl Fn(&mut Value)) -> Cell {
        let mut after = before.clone();
        change(&mut after);
        assert_ne!(&after, before, "a change that changes nothing");
        self.best(|model, options| {
            let with = match self.encode(&after, model, options) {
                Ok(with) => with,
                Err(failure) => return refused(&failure),
            };
            Cell::of(self.encode(before, model, options).is_ok_and(|without| without != with))
        })
    }

    /// Whether the mark, which the request holds, gets to the provider.
    pub(crate) fn sends(&self, request: &Value) -> Cell {
        self.best(|model, options| match self.encode(request, model, options) {
            Ok(sent) => Cell::of(sent.contains(requests::MARK)),
            Err(failure) => refused(&failure),
        })
    }

    /// Whether proofs of its own reasoning get back to it; of each kind that there is.
    pub(crate) fn proves(&self) -> Cell {
        let formats = &self.0.info().reasoning_formats;
        let requests = formats.iter().flat_map(|format| requests::proofs(format));
        requests.map(|request| self.sends(&request)).min().unwrap_or(Cell::NotApplicable)
    }

    /// Whether a native field gets to it from clients of its own dialects.
    pub(crate) fn passes_native_fields(&self) -> Cell {
        let dialects = self.0.info().dialects.iter();
        let cells = dialects.map(|dialect| {
            let mut plain = requests::plain();
            plain["dialect"] = dialect.as_str().into();
            self.changes(&plain, |it| it["extra"] = serde_json::json!([["x_field", "1"]]))
        });
        cells.min().unwrap_or(Cell::No)
    }

    /// Whether it reads a citation in any of the answers that providers give.
    pub(crate) fn cites(&self) -> Cell {
        Cell::of(CITED.iter().any(|body| {
            let attempt = self.0.attempt(Default::default()).unwrap();
            let events = attempt.decode(head(), body.as_bytes().to_vec(), "").unwrap();
            events.iter().any(cited)
        }))
    }

    /// Whether it offers this beside chat.
    pub(crate) fn offers(&self, name: &str) -> Cell {
        Cell::of(self.0.offers().contains(&name))
    }

    fn best(&self, ask: impl Fn(&str, &[(String, String)]) -> Cell) -> Cell {
        let plain = MODELS.iter().map(|model| ask(model, &[])).min();
        let plain = plain.unwrap_or(Cell::No);
        if plain < Cell::No {
            return plain;
        }
        let by_option = OPTIONS.iter().any(|(name, json)| {
            let options = [((*name).to_owned(), (*json).to_owned())];
            MODELS.iter().any(|model| ask(model, &options) == Cell::Yes)
        });
        if by_option { Cell::Option } else { Cell::No }
    }

    /// All that is sent, as text.
    fn encode(
        &self,
        request: &Value,
        model: &str,
        options: &[(String, String)],
    ) -> Result<String, Failure> {
        let mut request = request.clone();
        request["model"] = model.into();
        let request = serde_json::from_value(request).expect("a request of the contract");
        let facts = EndpointFacts { max_output_tokens: None, options: options.to_vec() };
        let mut attempt = self.0.attempt(Default::default()).unwrap();
        let sent = attempt.encode(&request, &facts).unwrap()?;
        let body = String::from_utf8(sent.body).unwrap();
        Ok(format!("{} {:?} {:?}\n{body}", sent.path, sent.headers, sent.framing))
    }
}

fn refused(failure: &Failure) -> Cell {
    let fetch =
        failure.kind == FailureKind::Unsupported && failure.code.as_deref() == Some("fetch");
    if fetch { Cell::Fetched } else { Cell::No }
}

fn head() -> ResponseHead {
    let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
    ResponseHead { status: 200, headers }
}

fn cited(event: &Event) -> bool {
    match event {
        Event::Piece(piece) => {
            matches!(piece.part.body, PartBody::Text(_)) && !piece.part.citations.is_empty()
        }
        _ => false,
    }
}
