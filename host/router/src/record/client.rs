//! What a client says of itself in headers: labels, kept beside a decision and looked at by
//! nobody here.

use http::HeaderMap;

/// Bytes of one label that are kept.
const MAX_LABEL_BYTES: usize = 256;

/// Who asked, by its own word.
#[derive(Clone, Debug, Default)]
pub(super) struct Client {
    pub(super) user_agent: Option<String>,
    pub(super) referer: Option<String>,
    pub(super) title: Option<String>,
}

impl Client {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let first = |names: [&str; 2]| names.into_iter().find_map(|name| label(headers, name));
        Self {
            user_agent: label(headers, "user-agent"),
            referer: first(["http-referer", "referer"]),
            title: first(["x-openrouter-title", "x-title"]),
        }
    }
}

fn label(headers: &HeaderMap, name: &str) -> Option<String> {
    let text = headers.get(name)?.to_str().ok()?;
    // A header's text is ASCII: it may be cut anywhere.
    text.get(..text.len().min(MAX_LABEL_BYTES)).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_bounded_and_the_newer_name_wins() {
        let mut headers = HeaderMap::new();
        headers.insert("x-title", "older".parse().unwrap());
        headers.insert("x-openrouter-title", "newer".parse().unwrap());
        headers.insert("referer", "https://app.example/".parse().unwrap());
        headers.insert("user-agent", "a".repeat(1000).parse().unwrap());
        let client = Client::of(&headers);
        assert_eq!(client.title.as_deref(), Some("newer"));
        assert_eq!(client.referer.as_deref(), Some("https://app.example/"));
        assert_eq!(client.user_agent.map(|it| it.len()), Some(MAX_LABEL_BYTES));
    }
}
