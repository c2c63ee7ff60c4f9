//! Reading JSON so that numbers keep their digits.

use serde_json::value::RawValue;

use super::Node;

/// Values within values; what is deeper is refused, for each level takes stack.
const MAX_DEPTH: usize = 128;

/// None where the text is not one JSON value.
pub(super) fn value(text: &str) -> Option<Node> {
    let mut reader = Reader { text, at: 0 };
    let value = reader.value(0)?;
    reader.space();
    (reader.at == text.len()).then_some(value)
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Reader<'t> {
    fn value(&mut self, depth: usize) -> Option<Node> {
        self.space();
        match self.peek()? {
            b'{' if depth < MAX_DEPTH => self.object(depth + 1),
            b'[' if depth < MAX_DEPTH => self.list(depth + 1),
            b'"' => self.string().map(Node::Text),
            b'-' | b'0'..=b'9' => self.number(),
            _ => [("null", Node::Null), ("true", Node::Bool(true)), ("false", Node::Bool(false))]
                .into_iter()
                .find_map(|(word, value)| self.takes(word).then_some(value)),
        }
    }

    fn object(&mut self, depth: usize) -> Option<Node> {
        let mut fields = Vec::new();
        self.at += 1;
        self.space();
        if self.takes("}") {
            return Some(Node::Object(fields));
        }
        loop {
            self.space();
            let name = self.string()?;
            self.space();
            self.takes(":").then_some(())?;
            fields.push((name, self.value(depth)?));
            self.space();
            if self.takes("}") {
                return Some(Node::Object(fields));
            }
            self.takes(",").then_some(())?;
        }
    }

    fn list(&mut self, depth: usize) -> Option<Node> {
        let mut items = Vec::new();
        self.at += 1;
        self.space();
        if self.takes("]") {
            return Some(Node::List(items));
        }
        loop {
            items.push(self.value(depth)?);
            self.space();
            if self.takes("]") {
                return Some(Node::List(items));
            }
            self.takes(",").then_some(())?;
        }
    }

    fn string(&mut self) -> Option<String> {
        let rest = self.rest();
        let content = rest.strip_prefix('"')?;
        let mut is_plain = true;
        let mut bytes = content.bytes().enumerate();
        let end = loop {
            match bytes.next()? {
                (end, b'"') => break end,
                (_, b'\\') => {
                    is_plain = false;
                    bytes.next()?;
                }
                (_, byte) => is_plain &= byte >= b' ',
            }
        };
        self.at += end + 2;
        if is_plain {
            return content.get(..end).map(str::to_owned);
        }
        serde_json::from_str(rest.get(..end + 2)?).ok()
    }

    fn number(&mut self) -> Option<Node> {
        let rest = self.rest();
        let of_number = |byte: u8| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E');
        let end = rest.bytes().position(|byte| !of_number(byte)).unwrap_or(rest.len());
        let text = rest.get(..end)?;
        serde_json::from_str::<&RawValue>(text).ok()?;
        self.at += end;
        Some(Node::Number(text.to_owned()))
    }

    fn takes(&mut self, word: &str) -> bool {
        let taken = self.rest().starts_with(word);
        self.at += if taken { word.len() } else { 0 };
        taken
    }

    fn space(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start_matches([' ', '\t', '\n', '\r']).len();
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Always begins at a character: only whole ones are passed.
    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is no JSON is none here, and what is one is read as others read it.
    #[test]
    fn the_reader_agrees_with_another() {
        for text in [
            "",
            " ",
            "null",
            "nul",
            "nullx",
            "true",
            " false\n",
            "tru",
            "0",
            "-0",
            "01",
            "-",
            "1.",
            "1.5e-7",
            "1e",
            "+1",
            ".5",
            "1 2",
            "\"\"",
            "\"a",
            "\"a\\\"",
            "\"a\\\"b\"",
            "\"\\u00e9\\n\"",
            "\"\\ud800\"",
            "\"\\x\"",
            "\"\t\"",
            "\"\u{1f600}\"",
            "[]",
            "[ ]",
            "[1,]",
            "[,1]",
            "[1 2]",
            "[1, [true, {\"a\": []}]]",
            "{}",
            "{ }",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1,}",
            "{a:1}",
            "{\"a\\\"\" : 1 , \"b\":\"c\"}",
            "{\"a\":1}}",
            "[\u{a0}1]",
            "{1:2}",
        ] {
            let expected: Option<serde_json::Value> = serde_json::from_str(text).ok();
            let read = value(text).map(|node| node.json());
            let read = read.map(|json| serde_json::from_str::<serde_json::Value>(&json).unwrap());
            assert_eq!(read, expected, "{text:?}");
        }
    }

    #[test]
    fn what_is_too_deep_is_refused() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert!(value(&nested(MAX_DEPTH)).is_some());
        assert!(value(&nested(MAX_DEPTH + 1)).is_none());
    }
}
