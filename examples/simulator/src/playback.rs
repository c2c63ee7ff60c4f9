//! The body of a response: a timeline, played as time goes by.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::{Instant, Sleep};

use crate::log::{Outcome, Visit};
use crate::timeline::Timeline;

/// Plays a timeline from the moment of its creation.
///
/// Ends the visit: as answered (or `outcome`) when all was handed over, as
/// broken when the script cuts it, and, by being dropped early, as left by the
/// client.
#[derive(Debug)]
pub(crate) struct Playback {
    timeline: Timeline,
    /// Most steps of one write; zero for all that are due.
    steps_per_write: usize,
    /// Steps and bytes that were handed over.
    steps_sent: usize,
    bytes_sent: usize,
    /// What was handed over has not been flushed yet.
    unflushed: bool,
    began: Instant,
    timer: Option<Pin<Box<Sleep>>>,
    /// None for a response that is not logged.
    visit: Option<Visit>,
    outcome: Outcome,
}

impl Playback {
    /// A body that is sent at once, outside the log.
    pub(crate) fn unlogged(body: Vec<u8>) -> Playback {
        Playback::of(Timeline::whole(body, None), None, Outcome::Answered)
    }

    /// The body of an error response.
    pub(crate) fn refusal(body: Vec<u8>, visit: Visit) -> Playback {
        Playback::of(Timeline::whole(body, None), Some(visit), Outcome::Refused)
    }

    /// The body of an answer.
    pub(crate) fn answer(timeline: Timeline, steps_per_write: u32, visit: Visit) -> Playback {
        Playback {
            steps_per_write: steps_per_write as usize,
            ..Playback::of(timeline, Some(visit), Outcome::Answered)
        }
    }

    fn of(timeline: Timeline, visit: Option<Visit>, outcome: Outcome) -> Playback {
        Playback {
            timeline,
            steps_per_write: 0,
            steps_sent: 0,
            bytes_sent: 0,
            unflushed: false,
            began: Instant::now(),
            timer: None,
            visit,
            outcome,
        }
    }

    fn end(&self, outcome: Outcome) {
        if let Some(visit) = &self.visit {
            visit.end(outcome);
        }
    }

    fn all_sent(&self) -> bool {
        self.steps_sent == self.timeline.steps().len()
    }

    /// How many of the next steps are due now.
    fn steps_due(&self) -> usize {
        let waiting = &self.timeline.steps()[self.steps_sent..];
        let first = waiting.first().map_or(Duration::ZERO, |step| step.due);
        let last = waiting.last().map_or(Duration::ZERO, |step| step.due);
        if last.is_zero() {
            // Most bodies go out at once and need no look at the clock.
            return waiting.len();
        }
        let elapsed = self.began.elapsed();
        if first > elapsed {
            return 0;
        }
        waiting.partition_point(|step| step.due <= elapsed)
    }

    /// Sleeps until the next step is due.
    fn poll_due(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let due = self.began + self.timeline.steps()[self.steps_sent].due;
        let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(due)));
        if timer.deadline() != due {
            timer.as_mut().reset(due);
        }
        timer.as_mut().poll(context)
    }

    fn send(&mut self, steps: usize) -> Bytes {
        self.steps_sent += steps;
        let end = self.timeline.steps()[self.steps_sent - 1].end;
        let bytes = self.timeline.slice(self.bytes_sent, end);
        self.bytes_sent = end;
        self.unflushed = true;
        if self.is_end_stream() {
            self.end(self.outcome);
        }
        bytes
    }

    /// Lets the connection write what it has before it gets more.
    fn poll_flushed(&mut self, context: &Context<'_>) -> Poll<()> {
        if !std::mem::take(&mut self.unflushed) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

impl Body for Playback {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if self.all_sent() {
            if !self.timeline.is_cut() {
                self.end(self.outcome);
                return Poll::Ready(None);
            }
            ready!(self.poll_flushed(context));
            self.end(Outcome::Broken);
            let cut = io::Error::other("the script cuts the connection here");
            return Poll::Ready(Some(Err(cut)));
        }
        if self.steps_per_write > 0 {
            ready!(self.poll_flushed(context));
        }
        let mut steps = self.steps_due();
        while steps == 0 {
            ready!(self.poll_due(context));
            steps = self.steps_due();
        }
        if self.steps_per_write > 0 {
            steps = steps.min(self.steps_per_write);
        }
        Poll::Ready(Some(Ok(Frame::data(self.send(steps)))))
    }

    fn is_end_stream(&self) -> bool {
        self.all_sent() && !self.timeline.is_cut()
    }

    fn size_hint(&self) -> SizeHint {
        let sent = self.bytes_sent as u64;
        self.timeline
            .length()
            .map_or_else(SizeHint::default, |all| SizeHint::with_exact(all.saturating_sub(sent)))
    }
}
