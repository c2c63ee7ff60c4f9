//! A streamed body, cut as the network might: at every byte where it is short, at
//! random ones where it is long. What is pushed together depends on the cut; what it
//! amounts to must not.

use std::collections::BTreeSet;

use plugway_engine::chat::Event;
use plugway_engine::{Adapter, Frame, Framing};
use plugway_wire::framing::Framer;

use super::{Halt, Outcome, Task, answer};

/// Bodies up to this size are cut at every byte.
const SHORT_BYTES: usize = 16 << 10;

/// Cuts of a long body.
const RANDOM_CUTS: usize = 64;

/// Different ways to push one stream that are tried.
const MAX_GROUPINGS: usize = 400;

/// The router's own default, and room for what a provider may send in one frame.
const MAX_FRAME_BYTES: usize = 16 << 20;

pub(super) fn run(
    adapter: &Adapter,
    task: &Task,
    body: &[u8],
    framing: Framing,
    memo: &str,
    outcome: &mut Outcome,
) -> Result<(), Halt> {
    let whole = frames(&[body], framing)?;
    let all: Vec<Frame> = whole.iter().flatten().cloned().collect();
    let events = decode(adapter, task, memo, std::slice::from_ref(&all))?;
    let expected = answer::joined(events.clone());
    answer::tell(events, outcome);
    let mut tried = BTreeSet::new();
    for cut in cuts(body.len(), &task.id) {
        outcome.splits += 1;
        let (head, tail) = body.split_at(cut);
        let groups = frames(&[head, tail], framing)?;
        if groups.iter().flatten().ne(&all) {
            outcome.splits_differ = Some(format!("cut at byte {cut} the frames differ"));
            return Ok(());
        }
        let sizes: Vec<usize> = groups.iter().map(Vec::len).collect();
        if tried.len() >= MAX_GROUPINGS || !tried.insert(sizes) {
            continue;
        }
        if answer::joined(decode(adapter, task, memo, &groups)?) != expected {
            outcome.splits_differ = Some(format!("cut at byte {cut} the events differ"));
            return Ok(());
        }
    }
    let singly: Vec<Vec<Frame>> = all.into_iter().map(|frame| vec![frame]).collect();
    if answer::joined(decode(adapter, task, memo, &singly)?) != expected {
        outcome.splits_differ = Some("pushed one by one the events differ".to_owned());
    }
    Ok(())
}

/// Where to cut. Pseudo-random from the record's id, so that a run can be repeated.
fn cuts(length: usize, id: &str) -> Vec<usize> {
    if length <= SHORT_BYTES {
        return (0..=length).collect();
    }
    let seed = id.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
    });
    let mut state = seed | 1;
    let mut draw = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % (length as u64 + 1)).unwrap_or(0)
    };
    (0..RANDOM_CUTS).map(|_| draw()).collect()
}

/// The frames that each chunk completes; those of the end go with the last.
fn frames(chunks: &[&[u8]], framing: Framing) -> Result<Vec<Vec<Frame>>, Halt> {
    let failed = |error: plugway_wire::framing::FrameError| Halt::Task(error.to_string());
    let mut framer = Framer::new(framing, MAX_FRAME_BYTES);
    let mut groups = Vec::new();
    for chunk in chunks {
        let mut group = Vec::new();
        framer.push(chunk, &mut group).map_err(failed)?;
        groups.push(group);
    }
    let mut rest = Vec::new();
    framer.end(&mut rest).map_err(failed)?;
    groups.push(rest);
    Ok(groups)
}

fn decode(
    adapter: &Adapter,
    task: &Task,
    memo: &str,
    groups: &[Vec<Frame>],
) -> Result<Vec<Event>, Halt> {
    let mut decoder = adapter.attempt(Default::default())?.decoder(task.head(), memo)?;
    let mut events: Vec<Event> = Vec::new();
    for group in groups.iter().filter(|group| !group.is_empty()) {
        events.extend(decoder.push(group.clone())?);
        // The router would let go of it here.
        if matches!(events.last(), Some(Event::Failed(_))) {
            return Ok(events);
        }
    }
    events.extend(decoder.end()?);
    Ok(events)
}
