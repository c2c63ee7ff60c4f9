//! Calls whose results have not come yet, for formats whose results need not say which
//! call they are of.

use std::collections::{HashMap, VecDeque};

/// The calls of one conversation. Answering all of them, in whatever order, takes time
/// that grows with their number alone.
#[derive(Default)]
pub(crate) struct OpenCalls {
    calls: Vec<Call>,
    /// Places of the calls of each id, and of each tool. An answered call is dropped when
    /// it comes to the front.
    by_id: HashMap<String, VecDeque<usize>>,
    by_tool: HashMap<String, VecDeque<usize>>,
    /// All calls before this place are answered.
    next: usize,
}

struct Call {
    id: String,
    tool: String,
    answered: bool,
}

impl OpenCalls {
    pub(crate) fn add(&mut self, id: &str, tool: &str) {
        let place = self.calls.len();
        self.by_id.entry(id.to_owned()).or_default().push_back(place);
        self.by_tool.entry(tool.to_owned()).or_default().push_back(place);
        self.calls.push(Call { id: id.to_owned(), tool: tool.to_owned(), answered: false });
    }

    /// The call of that id is answered: its id and its tool. None where none is open.
    pub(crate) fn answer(&mut self, id: &str) -> Option<(String, String)> {
        let place = first_open(self.by_id.get_mut(id)?, &self.calls)?;
        self.close(place)
    }

    /// As [`Self::answer`], of the first open call of that tool, or of any.
    pub(crate) fn answer_next(&mut self, tool: Option<&str>) -> Option<(String, String)> {
        let place = match tool {
            Some(tool) => first_open(self.by_tool.get_mut(tool)?, &self.calls)?,
            None => {
                let left = self.calls.get(self.next..).unwrap_or_default();
                let answered = left.iter().take_while(|call| call.answered);
                self.next += answered.count();
                self.next
            }
        };
        self.close(place)
    }

    fn close(&mut self, place: usize) -> Option<(String, String)> {
        let call = self.calls.get_mut(place)?;
        call.answered = true;
        Some((call.id.clone(), call.tool.clone()))
    }
}

fn first_open(places: &mut VecDeque<usize>, calls: &[Call]) -> Option<usize> {
    while let Some(place) = places.pop_front() {
        if calls.get(place).is_some_and(|call| !call.answered) {
            return Some(place);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(id: &str, tool: &str) -> Option<(String, String)> {
        Some((id.to_owned(), tool.to_owned()))
    }

    #[test]
    fn each_call_is_answered_once_however_it_is_named() {
        let mut calls = OpenCalls::default();
        for (id, tool) in [("a", "f"), ("b", "g"), ("c", "f"), ("d", "g"), ("a", "h")] {
            calls.add(id, tool);
        }
        assert_eq!(calls.answer("c"), of("c", "f"));
        assert_eq!(calls.answer_next(Some("f")), of("a", "f"));
        assert_eq!(calls.answer_next(Some("f")), None, "both are answered");
        assert_eq!(calls.answer("a"), of("a", "h"), "an id may be given again");
        assert_eq!(calls.answer_next(None), of("b", "g"));
        assert_eq!(calls.answer_next(None), of("d", "g"));
        assert_eq!(calls.answer_next(None), None);
        assert_eq!(calls.answer_next(Some("g")), None);
        assert_eq!((calls.answer("d"), calls.answer("x")), (None, None));
        calls.add("e", "f");
        assert_eq!(calls.answer_next(None), of("e", "f"), "a later one is found");
    }

    /// With a search for each result, this would never end.
    #[test]
    fn a_great_many_calls_are_answered_backwards() {
        let mut calls = OpenCalls::default();
        let ids: Vec<String> = (0..300_000).map(|n| format!("call_{n}")).collect();
        ids.iter().for_each(|id| calls.add(id, "f"));
        for id in ids.iter().rev() {
            assert!(calls.answer(id).is_some());
        }
        assert_eq!((calls.answer_next(Some("f")), calls.answer_next(None)), (None, None));
    }
}
