//! When each part of an answer's body is sent.
//!
//! The frames of an answer lie end to end in one buffer and a timeline says
//! until where it may be sent at what time. Parts that are due together are
//! thus one slice, and one write.

use std::time::Duration;

use bytes::Bytes;

/// The frames of a streamed answer, in order.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    bytes: Vec<u8>,
    marks: Vec<Mark>,
}

#[derive(Clone, Copy, Debug)]
struct Mark {
    end: usize,
    part: Part,
}

/// What a frame is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// Structure before and between content.
    Structure,
    /// A piece of text, reasoning or tool arguments.
    Content,
    /// What follows all content.
    Closing,
}

impl Frames {
    /// Where the next frame is written.
    pub(crate) fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// Ends the frame that has been written.
    pub(crate) fn end(&mut self, part: Part) {
        let end = self.bytes.len();
        self.marks.push(Mark { end, part });
    }

    /// The index of the first frame behind this many content frames, or of the
    /// first closing frame if there are fewer.
    fn behind(&self, chunks: u32) -> usize {
        let mut contents = 0;
        let stop = |mark: &Mark| match mark.part {
            Part::Structure => false,
            Part::Closing => true,
            Part::Content => {
                contents += 1;
                contents > chunks
            }
        };
        self.marks.iter().position(stop).unwrap_or(self.marks.len())
    }
}

/// How fast content is sent.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Pace {
    pub(crate) first_token: Duration,
    /// From one content frame to the next.
    pub(crate) interval: Duration,
}

impl Pace {
    /// The time that an answer of so many content chunks takes.
    pub(crate) fn total(&self, chunks: u32) -> Duration {
        self.first_token + self.interval * chunks.saturating_sub(1)
    }
}

/// What befalls a body on its way.
#[derive(Debug)]
pub(crate) struct Interruption {
    pub(crate) after_chunks: u32,
    pub(crate) event: Event,
}

#[derive(Debug)]
pub(crate) enum Event {
    /// The connection is closed.
    Cut,
    /// Something is put between, and the body goes on.
    Insert(Vec<u8>),
    /// Something is sent in place of all that follows.
    Replace(Vec<u8>),
    /// Silence.
    Stall(Duration),
}

/// A body and when to send it.
#[derive(Debug)]
pub(crate) struct Timeline {
    bytes: Bytes,
    /// Ends and times, neither ever falling.
    steps: Vec<Step>,
    /// The length that the head declares; none for a stream.
    length: Option<u64>,
    /// The connection is closed behind the last step.
    cut: bool,
}

/// The body up to `end` may be sent once `due` has passed since the head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) end: usize,
    pub(crate) due: Duration,
}

impl Timeline {
    /// A body that is sent in one piece, unless it is interrupted.
    pub(crate) fn whole(body: Vec<u8>, interruption: Option<Event>) -> Timeline {
        let step = |end, due| Step { end, due };
        let (middle, end) = (body.len() / 2, body.len());
        let (body, steps, cut) = match interruption {
            None => (body, vec![step(end, Duration::ZERO)], false),
            Some(Event::Cut) => (body, vec![step(middle, Duration::ZERO)], true),
            Some(Event::Stall(silence)) => {
                let steps = vec![step(middle, Duration::ZERO), step(end, silence)];
                (body, steps, false)
            }
            Some(Event::Insert(other) | Event::Replace(other)) => {
                let end = other.len();
                (other, vec![step(end, Duration::ZERO)], false)
            }
        };
        Timeline { length: Some(body.len() as u64), bytes: body.into(), steps, cut }
    }

    /// A stream at this pace.
    pub(crate) fn stream(
        mut frames: Frames,
        pace: Pace,
        interruption: Option<Interruption>,
    ) -> Timeline {
        let position =
            interruption.as_ref().map_or(frames.marks.len(), |it| frames.behind(it.after_chunks));
        let mut stall = Duration::ZERO;
        let mut cut = false;
        match interruption.map(|it| it.event) {
            None => {}
            Some(Event::Stall(silence)) => stall = silence,
            Some(Event::Insert(frame)) => frames.insert(position, &frame),
            Some(Event::Replace(frame)) => {
                frames.truncate(position);
                frames.insert(position, &frame);
            }
            Some(Event::Cut) => {
                frames.truncate(position);
                cut = true;
            }
        }
        Timeline {
            steps: steps(&frames.marks, pace, position, stall),
            bytes: frames.bytes.into(),
            length: None,
            cut,
        }
    }

    pub(crate) fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// The bytes of the body from one offset to another.
    pub(crate) fn slice(&self, from: usize, to: usize) -> Bytes {
        self.bytes.slice(from..to)
    }

    pub(crate) fn length(&self) -> Option<u64> {
        self.length
    }

    pub(crate) fn is_cut(&self) -> bool {
        self.cut
    }
}

impl Frames {
    fn truncate(&mut self, frames: usize) {
        self.marks.truncate(frames);
        let end = self.marks.last().map_or(0, |mark| mark.end);
        self.bytes.truncate(end);
    }

    /// Puts a frame of its own before the one at this index.
    fn insert(&mut self, index: usize, frame: &[u8]) {
        let start = match index {
            0 => 0,
            index => self.marks[index - 1].end,
        };
        self.bytes.splice(start..start, frame.iter().copied());
        for mark in &mut self.marks[index..] {
            mark.end += frame.len();
        }
        let mark = Mark { end: start + frame.len(), part: Part::Structure };
        self.marks.insert(index, mark);
    }
}

fn steps(marks: &[Mark], pace: Pace, stalled: usize, stall: Duration) -> Vec<Step> {
    let mut due = Duration::ZERO;
    let mut contents = 0;
    let mut steps = Vec::with_capacity(marks.len());
    for (index, mark) in marks.iter().enumerate() {
        if mark.part == Part::Content {
            contents += 1;
            due = pace.total(contents);
        }
        let waited = if index < stalled { Duration::ZERO } else { stall };
        steps.push(Step { end: mark.end, due: due + waited });
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACE: Pace =
        Pace { first_token: Duration::from_millis(100), interval: Duration::from_millis(10) };

    /// Opening `(`, content `abc`, closing `)`.
    fn frames() -> Frames {
        let mut frames = Frames::default();
        for (byte, part) in [
            (b'(', Part::Structure),
            (b'a', Part::Content),
            (b'b', Part::Content),
            (b'c', Part::Content),
            (b')', Part::Closing),
        ] {
            frames.buffer().push(byte);
            frames.end(part);
        }
        frames
    }

    fn played(after_chunks: u32, event: Event) -> (String, bool) {
        let interruption = Interruption { after_chunks, event };
        let timeline = Timeline::stream(frames(), PACE, Some(interruption));
        let end = timeline.steps.last().map_or(0, |step| step.end);
        assert_eq!(end, timeline.bytes.len());
        let text = String::from_utf8(timeline.bytes.to_vec()).unwrap();
        (text, timeline.cut)
    }

    #[test]
    fn interruptions_come_behind_their_chunks() {
        for (after, event, expected, cut) in [
            (0, Event::Cut, "(", true),
            (2, Event::Cut, "(ab", true),
            (9, Event::Cut, "(abc", true),
            (1, Event::Insert(b"!!".to_vec()), "(a!!bc)", false),
            (9, Event::Insert(b"!!".to_vec()), "(abc!!)", false),
            (1, Event::Replace(b"!!".to_vec()), "(a!!", false),
            (1, Event::Stall(Duration::ZERO), "(abc)", false),
        ] {
            let name = format!("{event:?} after {after}");
            assert_eq!(played(after, event), (expected.to_owned(), cut), "{name}");
        }
    }

    fn due(stall: Option<(u32, u64)>) -> Vec<u64> {
        let interruption = stall.map(|(after_chunks, milliseconds)| Interruption {
            after_chunks,
            event: Event::Stall(Duration::from_millis(milliseconds)),
        });
        let timeline = Timeline::stream(frames(), PACE, interruption);
        let millis = |step: &Step| u64::try_from(step.due.as_millis()).unwrap();
        timeline.steps.iter().map(millis).collect()
    }

    #[test]
    fn content_keeps_the_pace_and_a_stall_delays_the_rest() {
        assert_eq!(due(None), [0, 100, 110, 120, 120]);
        assert_eq!(due(Some((2, 500))), [0, 100, 110, 620, 620]);
    }

    #[test]
    fn a_whole_body_breaks_in_its_middle() {
        let cut = Timeline::whole(b"12345678".to_vec(), Some(Event::Cut));
        assert_eq!((cut.length, cut.steps[0].end, cut.cut), (Some(8), 4, true));
    }
}
