//! Where the characters of a choice's texts are: sources name bytes of all that was
//! said, and the contract wants characters of one part. Only one bit is kept for each
//! byte, not the text.

#[derive(Debug, Default)]
pub(super) struct Texts {
    /// A bit for each byte: whether a character begins there.
    begins: Vec<u64>,
    bytes: usize,
    /// The parts, each with its first byte.
    parts: Vec<(u32, usize)>,
}

impl Texts {
    /// Adds text to the part at this place.
    pub(super) fn add(&mut self, index: u32, text: &str) {
        if self.last() != Some(index) {
            self.parts.push((index, self.bytes));
        }
        for place in 0..text.len() {
            let bit = self.bytes + place;
            if bit.is_multiple_of(64) {
                self.begins.push(0);
            }
            if let (true, Some(word)) = (text.is_char_boundary(place), self.begins.last_mut()) {
                *word |= 1 << (bit % 64);
            }
        }
        self.bytes += text.len();
    }

    /// The place of the last part that is text.
    pub(super) fn last(&self) -> Option<u32> {
        self.parts.last().map(|(index, _)| *index)
    }

    /// The part where these bytes begin, and the characters there; none where nothing
    /// was said there. What goes on beyond the part ends with it: providers miscount.
    pub(super) fn locate(&self, first: usize, end: usize) -> Option<(u32, (u32, u32))> {
        let first = self.boundary(first);
        let place = self.parts.iter().rposition(|(_, begin)| *begin <= first)?;
        let (index, begin) = *self.parts.get(place)?;
        let next = self.parts.get(place + 1).map_or(self.bytes, |(_, begin)| *begin);
        let end = self.boundary(end.min(next));
        let before = self.characters(begin);
        let characters = |byte| u32::try_from(self.characters(byte) - before).ok();
        if first < end { Some((index, (characters(first)?, characters(end)?))) } else { None }
    }

    /// The byte, or the first one of the character that holds it.
    fn boundary(&self, byte: usize) -> usize {
        let begins = |byte: &usize| {
            let word = self.begins.get(byte / 64);
            word.is_none_or(|word| word >> (byte % 64) & 1 == 1)
        };
        if byte >= self.bytes {
            return byte;
        }
        (0..=byte).rev().find(begins).unwrap_or(byte)
    }

    /// How many characters begin before this byte.
    fn characters(&self, byte: usize) -> usize {
        let (whole, rest) = (byte / 64, byte % 64);
        let mask = (1_u64 << rest) - 1;
        let words = self.begins.iter().take(whole).map(|word| word.count_ones());
        let last = self.begins.get(whole).map_or(0, |word| (word & mask).count_ones());
        (words.sum::<u32>() + last) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_of_all_that_was_said_are_characters_of_one_part() {
        let mut texts = Texts::default();
        texts.add(0, "21\u{b0}C in ");
        texts.add(0, "K\u{f6}ln");
        texts.add(3, "\u{1f600} and sunny");
        assert_eq!(texts.locate(0, 5), Some((0, (0, 4))));
        assert_eq!(texts.locate(9, 14), Some((0, (8, 12))));
        assert_eq!(texts.locate(14, 22), Some((3, (0, 5))));
        // Within a character, across parts, beyond the end, nothing at all.
        assert_eq!(texts.locate(3, 5), Some((0, (2, 4))));
        assert_eq!(texts.locate(9, 18), Some((0, (8, 12))));
        assert_eq!(texts.locate(14, 99), Some((3, (0, 11))));
        assert_eq!(texts.locate(5, 5), None);
        assert_eq!(texts.locate(99, 100), None);
        assert_eq!(texts.last(), Some(3));
    }

    #[test]
    fn long_texts_are_counted_over_many_words() {
        let mut texts = Texts::default();
        texts.add(1, &"\u{e9}".repeat(500));
        assert_eq!(texts.locate(0, 1000), Some((1, (0, 500))));
        assert_eq!(texts.locate(130, 256), Some((1, (65, 128))));
    }
}
