//! The same answer with one citation, in every format that providers have for it. An
//! adapter that cites reads one of them.

/// Whole bodies.
pub(crate) const CITED: [&str; 8] = [
    // OpenAI's chat.
    r#"{"id":"1","object":"chat.completion","model":"m","choices":[{"index":0,"finish_reason":"stop","message":{"role":"assistant","content":"It rains.","annotations":[{"type":"url_citation","url_citation":{"url":"https://example.test","title":"Sky","start_index":0,"end_index":9}}]}}]}"#,
    // OpenAI's responses.
    r#"{"id":"resp_1","object":"response","status":"completed","model":"m","output":[{"type":"message","id":"msg_1","role":"assistant","status":"completed","content":[{"type":"output_text","text":"It rains.","annotations":[{"type":"url_citation","url":"https://example.test","title":"Sky","start_index":0,"end_index":9}]}]}]}"#,
    // A list beside the choices.
    r#"{"id":"1","object":"chat.completion","model":"m","citations":["https://example.test"],"search_results":[{"url":"https://example.test","title":"Sky"}],"choices":[{"index":0,"finish_reason":"stop","message":{"role":"assistant","content":"It rains.[1]"}}]}"#,
    // Content items that refer to sources.
    r#"{"id":"1","object":"chat.completion","model":"m","choices":[{"index":0,"finish_reason":"stop","message":{"role":"assistant","content":[{"type":"text","text":"It rains."},{"type":"tool_reference","tool":"web_search","title":"Sky","url":"https://example.test"}]}}]}"#,
    // Anthropic's messages.
    r#"{"id":"msg_1","type":"message","role":"assistant","model":"m","stop_reason":"end_turn","usage":{"input_tokens":1,"output_tokens":1},"content":[{"type":"text","text":"It rains.","citations":[{"type":"web_search_result_location","url":"https://example.test","title":"Sky","cited_text":"Rain."}]}]}"#,
    // Gemini's.
    r#"{"responseId":"1","modelVersion":"m","candidates":[{"index":0,"finishReason":"STOP","content":{"role":"model","parts":[{"text":"It rains."}]},"groundingMetadata":{"groundingChunks":[{"web":{"uri":"https://example.test","title":"Sky"}}],"groundingSupports":[{"segment":{"startIndex":0,"endIndex":9,"text":"It rains."},"groundingChunkIndices":[0]}]}}]}"#,
    // Bedrock's Converse.
    r#"{"output":{"message":{"role":"assistant","content":[{"citationsContent":{"content":[{"text":"It rains."}],"citations":[{"title":"Sky","sourceContent":[{"text":"Rain."}],"location":{"web":{"url":"https://example.test"}}}]}}]}},"stopReason":"end_turn","usage":{"inputTokens":1,"outputTokens":1,"totalTokens":2}}"#,
    // Cohere's.
    r#"{"id":"1","finish_reason":"COMPLETE","message":{"role":"assistant","content":[{"type":"text","text":"It rains."}],"citations":[{"start":0,"end":9,"text":"It rains.","type":"TEXT_CONTENT","sources":[{"type":"document","id":"d","document":{"title":"Sky","url":"https://example.test"}}]}]}}"#,
];
