//! An error as every dialect tells it in an envelope of its own.

/// An error as the client is to see it. What happened, and which status it makes,
/// is the router's judgement.
#[derive(Clone, Debug, Default)]
pub struct ErrorBody {
    /// HTTP status.
    pub status: u16,
    /// One sentence.
    pub message: String,
    /// The kind of error by OpenRouter's name for it, e.g. `rate_limit_exceeded`.
    pub kind: &'static str,
    /// `type` as OpenAI has it, e.g. `invalid_request_error`.
    pub class: &'static str,
    /// Stable code finer than the kind, e.g. `missing_required_parameter`.
    pub code: Option<String>,
    /// The request field at fault.
    pub param: Option<String>,
    /// Display name of the provider whose fault it was.
    pub provider_name: Option<String>,
    /// That provider's own code.
    pub provider_code: Option<String>,
    /// Name and JSON of whatever else is worth telling.
    pub metadata: Vec<(String, String)>,
    /// The router's id of the generation, where there is one.
    pub id: Option<String>,
    /// How the request was routed, a JSON object; none where nobody asked.
    pub router: Option<String>,
}
