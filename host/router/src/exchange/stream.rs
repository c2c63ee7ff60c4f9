//! A streamed answer as a response body. The body pulls: nothing is read from
//! the provider before the client's connection asks for more.

use super::{Opened, Opening, Refused};
use crate::api::{Body, respond};
use crate::error::Error;
use crate::record::{GenerationId, Record};
use crate::upstream::Broken;
use bytes::{Bytes, BytesMut};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Response, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use plugway_wire::{Bill, Form, Head, StreamEncoder};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// Asks proxies in between not to collect the stream.
const ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// How far the answer is.
pub(super) enum Phase {
    /// The head is out, the first content is not here yet.
    Opening(Opening),
    /// Content flows.
    Flowing(Box<Flow>),
    /// There is none: the error leaves once the account is closed.
    Refused(Box<Farewell>),
    /// The last byte was handed out.
    Ended,
}

/// An answer under way.
pub(super) struct Flow {
    opened: Opened,
    encoder: Box<dyn StreamEncoder>,
    /// Told, and not yet handed out.
    told: BytesMut,
    /// It has ended, and its row is being written.
    closing: Option<Closing>,
}

/// A row that is being written.
type Committed = Pin<Box<dyn Future<Output = Result<(), Error>> + Send>>;

/// An answer whose last frames wait for its row.
struct Closing {
    committed: Committed,
    failure: Option<Error>,
    bill: Bill,
}

/// A stream that is nothing but its error.
pub(super) struct Farewell {
    committed: Committed,
    chunk: Bytes,
    _record: Record,
}

impl Phase {
    /// The phase of an answer whose first content is here.
    pub(super) fn begin(mut opened: Opened) -> Self {
        let mut encoder = opened.form.stream(opened.head.clone());
        let mut told = BytesMut::new();
        for echo in &mut opened.echoes {
            echo.tell(&mut *encoder, &mut told);
        }
        Self::Flowing(Box::new(Flow { opened, encoder, told, closing: None }))
    }
}

struct Answer {
    phase: Phase,
    form: Arc<dyn Form>,
    id: GenerationId,
    model: String,
    keep_alive: Duration,
    /// When the client has waited long enough for a sign of life.
    quiet_until: Instant,
}

/// The response that streams an answer from `phase` on.
pub(super) fn response(
    phase: Phase,
    form: Arc<dyn Form>,
    id: &GenerationId,
    model: String,
    keep_alive: Duration,
) -> Response<Body> {
    let content_type = HeaderValue::from_static(form.stream_type());
    let mut answer = Answer {
        phase,
        form,
        id: id.clone(),
        model,
        keep_alive,
        quiet_until: Instant::now() + keep_alive,
    };
    if let Phase::Flowing(flow) = &mut answer.phase {
        flow.opened.settlement.record().answered(StatusCode::OK);
    }
    let chunks = futures_util::stream::unfold(answer, |mut answer| async {
        let chunk = answer.next().await?;
        answer.quiet_until = Instant::now() + answer.keep_alive;
        Some((Ok::<_, Broken>(Frame::data(chunk)), answer))
    });
    let mut response = Response::new(StreamBody::new(chunks).boxed_unsync());
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, content_type);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(ACCEL_BUFFERING, HeaderValue::from_static("no"));
    respond::name_generation(&mut response, id);
    response
}

impl Answer {
    /// What leaves next; none after the last. While nothing comes, a comment
    /// leaves now and then, so that nobody in between takes silence for death.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            match &mut self.phase {
                Phase::Ended => return None,
                Phase::Opening(opening) => match timeout_at(self.quiet_until, opening).await {
                    Err(_) => {
                        if let Some(sign) = self.sign_of_life() {
                            return Some(sign);
                        }
                    }
                    Ok(Ok(mut opened)) => {
                        opened.settlement.record().answered(StatusCode::OK);
                        self.phase = Phase::begin(opened);
                    }
                    Ok(Err(refused)) => {
                        let farewell = Box::new(self.farewell(*refused));
                        self.phase = Phase::Refused(farewell);
                    }
                },
                Phase::Refused(farewell) => {
                    match timeout_at(self.quiet_until, &mut farewell.committed).await {
                        Err(_) => {
                            if let Some(sign) = self.sign_of_life() {
                                return Some(sign);
                            }
                        }
                        // The client is told an error either way.
                        Ok(_) => {
                            let last = std::mem::take(&mut farewell.chunk);
                            self.phase = Phase::Ended;
                            return Some(last);
                        }
                    }
                }
                Phase::Flowing(flow) => match timeout_at(self.quiet_until, flow.next()).await {
                    Err(_) => {
                        if let Some(sign) = self.sign_of_life() {
                            return Some(sign);
                        }
                    }
                    Ok((chunk, ended)) => {
                        if ended {
                            self.phase = Phase::Ended;
                        }
                        if !chunk.is_empty() {
                            return Some(chunk);
                        }
                    }
                },
            }
        }
    }

    /// What leaves where nothing else does; none in a format without room for it.
    fn sign_of_life(&mut self) -> Option<Bytes> {
        self.quiet_until = Instant::now() + self.keep_alive;
        let sign = self.form.keep_alive();
        (!sign.is_empty()).then(|| Bytes::from_static(sign))
    }

    fn farewell(&self, refused: Refused) -> Farewell {
        let Refused { error, mut record, .. } = refused;
        record.answered(StatusCode::OK);
        record.failed(&error);
        let chunk = self.refusal(&error, &record);
        Farewell { committed: Box::pin(record.hand_in().committed()), chunk, _record: record }
    }

    /// A stream that is nothing but its error.
    fn refusal(&self, error: &Error, record: &Record) -> Bytes {
        let head = Head {
            id: self.id.to_string(),
            created: 0,
            model: self.model.clone(),
            provider: String::new(),
        };
        let mut out = BytesMut::new();
        let told = respond::envelope_of(error, record);
        self.form.stream(head).fail(&told, None, &mut out);
        out.freeze()
    }
}

impl Flow {
    /// The next chunk of the answer, and whether it is the last, which waits for its row
    /// in the ledger. Dropping the future loses nothing.
    async fn next(&mut self) -> (Bytes, bool) {
        let Self { opened: Opened { live, settlement, .. }, encoder, told, closing } = self;
        let closing = match closing {
            Some(closing) => closing,
            None => {
                let failure = match live.next().await {
                    Ok(Some(events)) => {
                        let mut out = std::mem::take(told);
                        for event in &events {
                            settlement.observe(event);
                            encoder.push(event, &mut out);
                        }
                        return (out.freeze(), false);
                    }
                    Ok(None) => None,
                    Err(error) => Some(error),
                };
                if live.is_cut() {
                    settlement.cut();
                }
                let bill = settlement.close(failure.as_ref());
                let committed = Box::pin(settlement.record().hand_in().committed());
                closing.insert(Closing { committed, failure, bill })
            }
        };
        let unaccounted = closing.committed.as_mut().await.err();
        let mut out = std::mem::take(told);
        match closing.failure.take().or(unaccounted) {
            None => encoder.end(Some(&closing.bill), &mut out),
            Some(error) => {
                let told = respond::envelope_of(&error, settlement.record());
                encoder.fail(&told, Some(&closing.bill), &mut out);
            }
        }
        (out.freeze(), true)
    }
}
