//! From a client's body to a call.

use bytes::Bytes;
use plugway_engine::chat::{Part, PartBody, ResultBody, ResultPart};
use plugway_engine::{EmbedInput, EmbedRequest};

use super::Encoding;
use crate::conversation::Conversation;
use crate::json::{self, Fields, Node};
use crate::openai_chat::{DIALECT, Messages};
use crate::seal::Sealer;
use crate::{BadRequest, EmbedCall, labels, routing};

/// Inputs of one request: as many as OpenAI takes. Each is a vector of some kilobytes
/// in the answer.
const MAX_INPUTS: usize = 2048;

/// A request for embeddings, and how their vectors are to be written.
#[derive(Clone, Debug)]
pub struct Embeddings {
    /// What is asked for.
    pub call: EmbedCall,
    /// How it is told.
    pub encoding: Encoding,
}

/// Reads the body of a request for embeddings.
///
/// # Errors
/// Where the body is not what the dialect asks for; the first fault is named.
pub fn decode(body: Bytes) -> Result<Embeddings, BadRequest> {
    let (text, values) = json::checked(&body)?;
    let root = Node::root(text);
    let mut fields = root.object()?;
    let routing = routing::routing(&mut fields)?;
    let node = fields.need("input")?;
    let mut reader = Messages::new(Conversation::new(Sealer::unsealed(body.clone())));
    let input = inputs(&node, &mut reader)?;
    let dimensions = fields.take("dimensions").map(|node| dimensions(&node)).transpose()?;
    let purpose = fields.string("input_type")?;
    let user = fields.string("user")?;
    let format = fields.take("encoding_format");
    let encoding = format.map(|node| encoding(&node)).transpose()?;
    never_streamed(&mut fields)?;
    let preset = labels::asides(&mut fields, false)?.preset;
    let mut extra = fields.rest()?;
    if let Some(node) = format {
        // A provider that speaks the dialect is asked for what the client wants: what is
        // written in base64 is smaller, and sooner read.
        extra.push(("encoding_format".to_owned(), node.json()?));
    }
    let request = EmbedRequest {
        model: String::new(),
        dialect: DIALECT.to_owned(),
        input,
        dimensions,
        purpose,
        user: None,
        extra,
    };
    let call = EmbedCall { user, preset, ..EmbedCall::new(request, routing, values) };
    Ok(Embeddings { call, encoding: encoding.unwrap_or_default() })
}

fn inputs(node: &Node<'_, '_>, reader: &mut Messages) -> Result<Vec<EmbedInput>, BadRequest> {
    if node.is_string() {
        return Ok(vec![EmbedInput::Text(node.string()?)]);
    }
    let items = node.array()?;
    let Some(first) = items.first() else {
        return Err(node.invalid("must not be empty"));
    };
    if first.is_number() {
        return Ok(vec![tokens(&items)?]);
    }
    if items.len() > MAX_INPUTS {
        return Err(node.invalid(format!("must have at most {MAX_INPUTS} items")));
    }
    items.iter().map(|item| input(item, reader)).collect()
}

fn input(node: &Node<'_, '_>, reader: &mut Messages) -> Result<EmbedInput, BadRequest> {
    if node.is_array() {
        let items = node.array()?;
        return match items.is_empty() {
            true => Err(node.invalid("must not be empty")),
            false => tokens(&items),
        };
    }
    if node.is_object() {
        return parts(node, reader);
    }
    node.string().map(EmbedInput::Text)
}

fn tokens(items: &[Node<'_, '_>]) -> Result<EmbedInput, BadRequest> {
    let tokens = items.iter().map(Node::integer).collect::<Result<_, _>>()?;
    Ok(EmbedInput::Tokens(tokens))
}

/// Text and media that make one vector.
fn parts(node: &Node<'_, '_>, reader: &mut Messages) -> Result<EmbedInput, BadRequest> {
    let mut fields = node.object()?;
    let content = fields.need("content")?;
    fields.nothing_left()?;
    let items = content.array()?;
    if items.is_empty() {
        return Err(content.invalid("must not be empty"));
    }
    let parts = items.iter().map(|item| part(item, reader)).collect::<Result<_, _>>()?;
    Ok(EmbedInput::Parts(parts))
}

fn part(node: &Node<'_, '_>, reader: &mut Messages) -> Result<ResultPart, BadRequest> {
    let Part { body, extra, .. } = reader.part(node)?;
    let body = match body {
        PartBody::Text(text) => ResultBody::Text(text),
        PartBody::Media(media) => ResultBody::Media(media),
        _ => {
            let message = "must be text, image_url, input_audio, input_video or file";
            return Err(node.object()?.need("type")?.invalid(message));
        }
    };
    Ok(ResultPart { body, extra })
}

fn dimensions(node: &Node<'_, '_>) -> Result<u32, BadRequest> {
    match node.integer()? {
        0 => Err(node.invalid("must be at least 1")),
        dimensions => Ok(dimensions),
    }
}

fn encoding(node: &Node<'_, '_>) -> Result<Encoding, BadRequest> {
    match &*node.text()? {
        "float" => Ok(Encoding::Float),
        "base64" => Ok(Encoding::Base64),
        _ => Err(node.invalid("must be float or base64")),
    }
}

fn never_streamed(fields: &mut Fields<'_, '_>) -> Result<(), BadRequest> {
    match fields.take("stream") {
        Some(node) if node.boolean()? => Err(node.invalid("must be false: vectors come whole")),
        _ => Ok(()),
    }
}

#[cfg(test)]
#[path = "decode_tests.rs"]
mod tests;
