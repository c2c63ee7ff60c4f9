//! A streamed answer as a response body. The body pulls: nothing is read from
//! the provider before the client's connection asks for more.

use super::{Opened, Opening};
use crate::api::{Body, respond};
use crate::error::Error;
use crate::record::{GenerationId, Record};
use crate::upstream::Broken;
use bytes::{Bytes, BytesMut};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Response, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use plugway_wire::{Form, Head, StreamEncoder};
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
    /// The last byte was handed out.
    Ended,
}

/// An answer under way.
pub(super) struct Flow {
    opened: Opened,
    encoder: Box<dyn StreamEncoder>,
    /// Told, and not yet handed out.
    told: BytesMut,
}

impl Phase {
    /// The phase of an answer whose first content is here.
    pub(super) fn begin(mut opened: Opened) -> Self {
        let mut encoder = opened.form.stream(opened.head.clone());
        let mut told = BytesMut::new();
        for echo in &mut opened.echoes {
            echo.tell(&mut *encoder, &mut told);
        }
        Self::Flowing(Box::new(Flow { opened, encoder, told }))
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
                    Ok(Err(mut refused)) => {
                        self.phase = Phase::Ended;
                        refused.record.answered(StatusCode::OK);
                        refused.record.failed(&refused.error);
                        return Some(self.refusal(&refused.error, &refused.record));
                    }
                },
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
    /// The next chunk of the answer, and whether it is the last. Dropping the
    /// future loses nothing.
    async fn next(&mut self) -> (Bytes, bool) {
        let Self { opened: Opened { live, settlement, .. }, encoder, told } = self;
        let next = live.next().await;
        let mut out = std::mem::take(told);
        match next {
            Ok(Some(events)) => {
                for event in &events {
                    settlement.observe(event);
                    encoder.push(event, &mut out);
                }
                (out.freeze(), false)
            }
            Ok(None) => {
                let bill = settlement.close(None);
                settlement.record().hand_in();
                encoder.end(Some(&bill), &mut out);
                (out.freeze(), true)
            }
            Err(error) => {
                let bill = settlement.close(Some(&error));
                settlement.record().hand_in();
                let told = respond::envelope_of(&error, settlement.record());
                encoder.fail(&told, Some(&bill), &mut out);
                (out.freeze(), true)
            }
        }
    }
}
