//! A request to generate content, as it stands on the wire.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// Every field that the API has: others are refused, as it does.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Request {
    pub(super) contents: Option<Vec<Content>>,
    pub(super) system_instruction: Option<Content>,
    pub(super) tools: Option<Vec<OfferedTools>>,
    pub(super) tool_config: Option<ToolConfig>,
    pub(super) generation_config: Option<GenerationConfig>,
    pub(super) service_tier: Option<String>,
    /// Of a count.
    pub(super) model: Option<String>,
    #[serde(rename = "safetySettings")]
    pub(super) _safety_settings: Option<IgnoredAny>,
    #[serde(rename = "cachedContent")]
    pub(super) _cached_content: Option<String>,
    #[serde(rename = "labels")]
    pub(super) _labels: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Count {
    pub(super) generate_content_request: Request,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Content {
    pub(super) role: Option<String>,
    pub(super) parts: Option<Vec<Part>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Part {
    pub(super) text: Option<String>,
    pub(super) thought: Option<bool>,
    pub(super) thought_signature: Option<String>,
    pub(super) inline_data: Option<Blob>,
    pub(super) file_data: Option<Link>,
    pub(super) function_call: Option<FunctionCall>,
    pub(super) function_response: Option<FunctionResponse>,
    pub(super) executable_code: Option<IgnoredAny>,
    pub(super) code_execution_result: Option<IgnoredAny>,
    #[serde(rename = "videoMetadata")]
    pub(super) _video_metadata: Option<IgnoredAny>,
    #[serde(rename = "mediaResolution")]
    pub(super) _media_resolution: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Blob {
    pub(super) mime_type: String,
    pub(super) data: String,
    pub(super) display_name: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Link {
    pub(super) mime_type: Option<String>,
    pub(super) file_uri: String,
    pub(super) display_name: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FunctionCall {
    pub(super) id: Option<String>,
    pub(super) name: String,
    pub(super) args: Option<Box<RawValue>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FunctionResponse {
    pub(super) id: Option<String>,
    pub(super) name: String,
    pub(super) response: Map<String, Value>,
    pub(super) parts: Option<Vec<Part>>,
    #[serde(rename = "willContinue")]
    pub(super) _will_continue: Option<bool>,
    #[serde(rename = "scheduling")]
    pub(super) _scheduling: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct OfferedTools {
    pub(super) function_declarations: Option<Vec<Declaration>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Declaration {
    pub(super) name: String,
    pub(super) description: Option<String>,
    pub(super) parameters: Option<Value>,
    pub(super) parameters_json_schema: Option<Value>,
    #[serde(rename = "behavior")]
    pub(super) _behavior: Option<String>,
    #[serde(rename = "response")]
    pub(super) _response: Option<Value>,
    // Google's client for Python writes this one as it stands in the API's definition.
    #[serde(rename = "responseJsonSchema", alias = "response_json_schema")]
    pub(super) _response_json_schema: Option<Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct ToolConfig {
    pub(super) function_calling_config: Option<Calling>,
    #[serde(rename = "retrievalConfig")]
    pub(super) _retrieval_config: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Calling {
    pub(super) mode: Option<String>,
    pub(super) allowed_function_names: Option<Vec<String>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct GenerationConfig {
    pub(super) max_output_tokens: Option<u32>,
    pub(super) temperature: Option<f64>,
    pub(super) top_p: Option<f64>,
    pub(super) top_k: Option<u32>,
    pub(super) seed: Option<i32>,
    pub(super) stop_sequences: Option<Vec<String>>,
    pub(super) response_mime_type: Option<String>,
    pub(super) response_schema: Option<Value>,
    pub(super) response_json_schema: Option<Value>,
    pub(super) thinking_config: Option<ThinkingConfig>,
    #[serde(rename = "candidateCount")]
    pub(super) _candidate_count: Option<u32>,
    #[serde(rename = "frequencyPenalty")]
    pub(super) _frequency_penalty: Option<f64>,
    #[serde(rename = "presencePenalty")]
    pub(super) _presence_penalty: Option<f64>,
    #[serde(rename = "responseLogprobs")]
    pub(super) _response_logprobs: Option<bool>,
    #[serde(rename = "logprobs")]
    pub(super) _logprobs: Option<u32>,
    #[serde(rename = "responseModalities")]
    pub(super) _response_modalities: Option<Vec<String>>,
    #[serde(rename = "speechConfig")]
    pub(super) _speech_config: Option<IgnoredAny>,
    #[serde(rename = "mediaResolution")]
    pub(super) _media_resolution: Option<String>,
    #[serde(rename = "imageConfig")]
    pub(super) _image_config: Option<IgnoredAny>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct ThinkingConfig {
    pub(super) include_thoughts: Option<bool>,
    pub(super) thinking_budget: Option<i64>,
    pub(super) thinking_level: Option<String>,
}
