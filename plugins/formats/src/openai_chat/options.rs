//! What the operator said about the server behind an endpoint.

use std::borrow::Cow;

use plugway_sdk::chat::Failure;
use plugway_sdk::provider::Endpoint;

use super::profile::{
    Api, AskReasoning, CachePoints, Defaults, Documents, Profile, ResultMedia, SendReasoning,
};

type Name = Cow<'static, str>;

/// The options of [`super`], as they hold for one request.
pub(crate) struct Options {
    pub(crate) api: Api,
    pub(crate) path: Name,
    pub(crate) responses_path: Name,
    pub(crate) embeddings_path: Name,
    pub(crate) rerank_path: Name,
    pub(crate) models_path: Name,
    pub(crate) max_tokens_field: Name,
    pub(crate) user_field: Name,
    pub(crate) seed_field: Name,
    pub(crate) system_role: Name,
    pub(crate) developer_role: Name,
    pub(crate) required_choice: Name,
    pub(crate) efforts: Vec<Name>,
    pub(crate) ask_reasoning: AskReasoning,
    pub(crate) send_reasoning: SendReasoning,
    pub(crate) cache_points: CachePoints,
    pub(crate) documents: Documents,
    pub(crate) images: bool,
    pub(crate) image_urls: bool,
    pub(crate) audio: bool,
    pub(crate) videos: bool,
    pub(crate) result_media: ResultMedia,
    pub(crate) echo_images: bool,
    pub(crate) stream_usage: bool,
    pub(crate) freeform_tools: bool,
    pub(crate) allowed_tools: bool,
    pub(crate) prefix: bool,
    pub(crate) prefix_path: Option<Name>,
    pub(crate) call_id_chars: Option<u32>,
    extended_sampling: bool,
    refused: Vec<String>,
    parameters: &'static [&'static str],
}

/// Sampling parameters beyond OpenAI's own.
const EXTENDED: [&str; 4] = ["top_k", "min_p", "top_a", "repetition_penalty"];

impl Options {
    pub(crate) fn of(profile: &Profile, endpoint: &Endpoint) -> Result<Self, Failure> {
        let given = Given(endpoint);
        let Defaults { api, ask_reasoning, send_reasoning, cache_points, documents, .. } =
            profile.defaults;
        let known = &profile.defaults;
        let efforts = || known.efforts.iter().map(|effort| Name::Borrowed(*effort)).collect();
        Ok(Self {
            api: given.one_of("api", api, &APIS)?,
            path: given.path("path", known.path)?,
            responses_path: given.name("responses_path", known.responses_path)?,
            embeddings_path: given.path("embeddings_path", known.embeddings_path)?,
            rerank_path: given.name("rerank_path", known.rerank_path)?,
            models_path: given.name("models_path", known.models_path)?,
            max_tokens_field: given.name("max_tokens_field", known.max_tokens_field)?,
            user_field: given.name("user_field", known.user_field)?,
            seed_field: given.name("seed_field", known.seed_field)?,
            system_role: given.name("system_role", known.system_role)?,
            developer_role: given.name("developer_role", known.developer_role)?,
            required_choice: given.name("required_choice", known.required_choice)?,
            efforts: endpoint.option("efforts")?.unwrap_or_else(efforts),
            ask_reasoning: given.one_of("reasoning_field", ask_reasoning, &ASK_REASONING)?,
            send_reasoning: given.one_of("send_reasoning", send_reasoning, &SEND_REASONING)?,
            cache_points: given.one_of("cache_points", cache_points, &CACHE_POINTS)?,
            documents: given.one_of("documents", documents, &DOCUMENTS)?,
            images: given.flag("images", known.images)?,
            image_urls: given.flag("image_urls", known.image_urls)?,
            audio: given.flag("audio", known.audio)?,
            videos: given.flag("videos", known.videos)?,
            result_media: given.one_of("result_media", known.result_media, &RESULT_MEDIA)?,
            echo_images: given.flag("echo_images", known.echo_images)?,
            stream_usage: given.flag("stream_usage", known.stream_usage)?,
            freeform_tools: given.flag("freeform_tools", known.freeform_tools)?,
            allowed_tools: given.flag("allowed_tools", known.allowed_tools)?,
            prefix: given.flag("prefix", known.prefix)?,
            prefix_path: endpoint.option("prefix_path")?.or(known.prefix_path.map(Into::into)),
            call_id_chars: endpoint.option("call_id_chars")?.or(known.call_id_chars),
            extended_sampling: given.flag("extended_sampling", false)?,
            refused: endpoint.option("refused")?.unwrap_or_default(),
            parameters: profile.parameters,
        })
    }

    /// Whether the server takes the parameter of this name.
    pub(crate) fn takes(&self, name: &str) -> bool {
        let known =
            self.parameters.contains(&name) || (self.extended_sampling && EXTENDED.contains(&name));
        known && !self.refuses(name)
    }

    /// Whether the operator said that the server refuses a field of this name.
    pub(crate) fn refuses(&self, name: &str) -> bool {
        self.refused.iter().any(|refused| refused == name)
    }

    /// Whether the server takes the parameter.
    ///
    /// # Errors
    /// Of kind `unsupported` where it does not: without it the answer would be another.
    pub(crate) fn need(&self, name: &str) -> Result<(), Failure> {
        if self.takes(name) {
            return Ok(());
        }
        let message = format!("{name} is not supported by this provider");
        Err(Failure { param: Some(name.into()), ..Failure::unsupported(message) })
    }
}

const APIS: [(&str, Api); 2] = [("chat", Api::Chat), ("responses", Api::Responses)];

const ASK_REASONING: [(&str, AskReasoning); 7] = [
    ("none", AskReasoning::No),
    ("reasoning_effort", AskReasoning::Effort),
    ("include_reasoning", AskReasoning::HiddenEffort),
    ("reasoning", AskReasoning::Object),
    ("thinking", AskReasoning::Thinking),
    ("enable_thinking", AskReasoning::Switch),
    ("chat_template_kwargs", AskReasoning::Template),
];

const SEND_REASONING: [(&str, SendReasoning); 6] = [
    ("none", SendReasoning::No),
    ("reasoning_content", SendReasoning::Field("reasoning_content")),
    ("reasoning", SendReasoning::Field("reasoning")),
    ("reasoning_details", SendReasoning::Details),
    ("content", SendReasoning::Chunks),
    ("extra_content", SendReasoning::Calls),
];

const CACHE_POINTS: [(&str, CachePoints); 4] = [
    ("none", CachePoints::None),
    ("native", CachePoints::Native),
    ("cache_control", CachePoints::Control),
    ("prompt_cache_breakpoint", CachePoints::Breakpoint),
];

const DOCUMENTS: [(&str, Documents); 4] = [
    ("none", Documents::No),
    ("file", Documents::File),
    ("file_url", Documents::FileUrl),
    ("document_url", Documents::DocumentUrl),
];

const RESULT_MEDIA: [(&str, ResultMedia); 3] = [
    ("none", ResultMedia::No),
    ("content", ResultMedia::Content),
    ("message", ResultMedia::Message),
];

/// What was given for an endpoint.
struct Given<'a>(&'a Endpoint);

impl Given<'_> {
    fn name(&self, option: &str, default: &'static str) -> Result<Name, Failure> {
        Ok(self.0.option::<String>(option)?.map_or(Name::Borrowed(default), Name::Owned))
    }

    /// The path of something that Azure's older style has below each deployment.
    fn path(&self, option: &str, default: &'static str) -> Result<Name, Failure> {
        let versioned = |version: String| {
            Name::Owned(format!("/deployments/{{model}}{default}?api-version={version}"))
        };
        let version = self.0.option::<String>("api_version")?;
        self.name(option, default).map(|path| match (path, version) {
            (Name::Borrowed(_), Some(version)) => versioned(version),
            (path, _) => path,
        })
    }

    fn flag(&self, option: &str, default: bool) -> Result<bool, Failure> {
        Ok(self.0.option(option)?.unwrap_or(default))
    }

    fn one_of<T: Copy>(&self, option: &str, default: T, all: &[(&str, T)]) -> Result<T, Failure> {
        let Some(given) = self.0.option::<String>(option)? else { return Ok(default) };
        let found = all.iter().find(|(name, _)| *name == given);
        found.map(|(_, value)| *value).ok_or_else(|| {
            let names: Vec<&str> = all.iter().map(|(name, _)| *name).collect();
            Failure::unsupported(format!(
                "the endpoint's option {option:?} must be one of {}",
                names.join(", ")
            ))
        })
    }
}
