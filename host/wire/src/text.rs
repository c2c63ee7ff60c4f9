//! The texts of a call in clear, for whoever counts them.

use plugway_engine::chat::{
    MediaSource, Message, Part, PartBody, Reasoning, ResponseFormat, ResultBody, Tool,
};

use crate::ChatCall;
use crate::size::legible;

impl ChatCall {
    /// Shows each text of which the prompt is made, unsealed and unescaped: what is
    /// said, thought, called and answered, the tools, and the schema of the answer.
    pub fn each_text(&self, mut see: impl FnMut(&str)) {
        let mut see = |text: &str| match self.seals.open(text) {
            Some(content) => see(&content),
            None => see(text),
        };
        for Message { parts, .. } in &self.request.messages {
            parts.iter().for_each(|part| part_texts(part, &mut see));
        }
        for tool in &self.request.tools {
            tool_texts(tool, &mut see);
        }
        match &self.request.response_format {
            Some(ResponseFormat::JsonSchema(format)) => {
                format.description.iter().for_each(|text| see(text));
                see(&format.schema);
            }
            Some(ResponseFormat::Native(format)) => see(format),
            Some(ResponseFormat::Text | ResponseFormat::JsonObject) | None => {}
        }
    }
}

fn part_texts(part: &Part, see: &mut impl FnMut(&str)) {
    match &part.body {
        PartBody::Text(text) | PartBody::Refusal(text) => see(text),
        PartBody::Native(value) => see(&legible(value).collect::<String>()),
        PartBody::Reasoning(Reasoning::Text(text) | Reasoning::Summary(text)) => see(text),
        // Nobody but the provider knows how long that is.
        PartBody::Reasoning(Reasoning::Encrypted(_)) => {}
        PartBody::Media(media) => {
            if let MediaSource::Text(text) = &media.source {
                see(text);
            }
        }
        PartBody::ToolCall(call) => {
            see(&call.name);
            see(&call.input);
        }
        PartBody::ToolResult(result) => {
            for part in &result.content {
                match &part.body {
                    ResultBody::Text(text) | ResultBody::Json(text) => see(text),
                    ResultBody::Native(value) => see(&legible(value).collect::<String>()),
                    ResultBody::Media(_) => {}
                }
            }
        }
    }
}

fn tool_texts(tool: &Tool, see: &mut impl FnMut(&str)) {
    match tool {
        Tool::Function(tool) => {
            see(&tool.name);
            tool.description.iter().chain(&tool.parameters).for_each(|text| see(text));
        }
        Tool::Freeform(tool) => {
            see(&tool.name);
            tool.description.iter().for_each(|text| see(text));
            tool.grammar.iter().for_each(|grammar| see(&grammar.definition));
        }
        Tool::Native(native) => see(native),
    }
}
