//! Items of reasoning, as a client hands them back.

use std::collections::HashMap;

use plugway_engine::chat::{Part, PartBody, Reasoning};

use super::carried::Carried;
use crate::BadRequest;
use crate::conversation::plain;
use crate::json::{Fields, Node};
use crate::labels::Field;

/// Who can read what this format seals, where a client does not say.
pub(super) const OWN_FORMAT: &str = "openai-responses-v1";

/// The format of reasoning that nobody sealed or signed.
pub(super) const UNKNOWN_FORMAT: &str = "unknown";

/// Reads one item, whose type was read: a part for each text of it, and one for what is
/// sealed. They share the item's id.
pub(super) fn parts(fields: &mut Fields<'_, '_>) -> Result<Vec<Part>, BadRequest> {
    let id = fields.string("id")?;
    let sealed = fields.take("encrypted_content");
    let signature = fields.string("signature")?;
    let format = fields.string("format")?;
    let (summary, content) = (fields.take("summary"), fields.take("content"));
    let summaries = texts(summary.as_ref(), "summary_text")?;
    let thoughts = texts(content.as_ref(), "reasoning_text")?;
    if let Some(carried) = sealed.as_ref().map(Carried::read).transpose()?.flatten() {
        return Ok(carried.parts(summaries, thoughts, fields.rest()?));
    }
    let encrypted = sealed.map(|node| node.string()).transpose()?;
    let encrypted = encrypted.filter(|sealed| !sealed.is_empty());
    let sealed = encrypted.is_some() || signature.is_some();
    let format = match format {
        Some(format) => Some(format).filter(|format| format != UNKNOWN_FORMAT),
        // Who shows what was thought, and seals nothing, wants no proof.
        None if !thoughts.is_empty() && !sealed => None,
        None => Some(OWN_FORMAT.to_owned()),
    };
    let rest = fields.rest()?;
    // Without an id each part would be an item by itself.
    if let (None, Some(sealed)) = (&id, &encrypted) {
        let shown = [("summary", summary), ("content", content)];
        return alone(sealed, shown, format, rest).map(|part| vec![part]);
    }
    let mut bodies: Vec<Reasoning> = summaries.into_iter().map(Reasoning::Summary).collect();
    bodies.extend(thoughts.into_iter().map(Reasoning::Text));
    bodies.extend(encrypted.map(Reasoning::Encrypted));
    if bodies.is_empty() {
        // It stands for an item of which nothing is shown.
        let nothing = String::new();
        let is_signed = signature.is_some();
        bodies.push(if is_signed { Reasoning::Text(nothing) } else { Reasoning::Summary(nothing) });
    }
    let part =
        |body| Part { id: id.clone(), format: format.clone(), ..plain(PartBody::Reasoning(body)) };
    let mut parts: Vec<Part> = bodies.into_iter().map(part).collect();
    if let Some(first) = parts.first_mut() {
        first.signature = signature;
        first.extra = rest;
    }
    Ok(parts)
}

/// What is sealed, with what is shown of it beside: only who sealed it wants that back.
fn alone(
    sealed: &str,
    shown: [(&str, Option<Node<'_, '_>>); 2],
    format: Option<String>,
    mut extra: Vec<Field>,
) -> Result<Part, BadRequest> {
    for (name, node) in shown {
        if let Some(node) = node {
            extra.push((name.to_owned(), node.json()?));
        }
    }
    let body = PartBody::Reasoning(Reasoning::Encrypted(sealed.to_owned()));
    Ok(Part { format, extra, ..plain(body) })
}

fn texts(node: Option<&Node<'_, '_>>, wanted: &str) -> Result<Vec<String>, BadRequest> {
    let Some(node) = node else { return Ok(Vec::new()) };
    let mut texts = Vec::new();
    for node in node.array()? {
        let mut fields = node.object()?;
        let kind = fields.need("type")?;
        if kind.text()? != wanted {
            return Err(kind.invalid(format!("must be {wanted}")));
        }
        texts.push(fields.need("text")?.string()?);
    }
    Ok(texts)
}

/// Gives each call and text its proof back, which travelled as an item of reasoning
/// under the id of the call or of the text's item; what is no such proof stays reasoning.
pub(super) fn sign(parts: &mut Vec<Part>) {
    let mut signed: HashMap<String, usize> = HashMap::new();
    for (place, part) in parts.iter().enumerate() {
        let id = match &part.body {
            PartBody::ToolCall(call) => Some(call.id.clone()),
            PartBody::Text(_) if !is_proof(part) => part.id.clone(),
            _ => None,
        };
        // Of several texts the last is the one that ends the item.
        signed.extend(id.map(|id| (id, place)));
    }
    let mut proofs: HashMap<usize, usize> = HashMap::new();
    let mut last_text = None;
    for (place, part) in parts.iter().enumerate() {
        let is_text = matches!(part.body, PartBody::Text(_));
        if is_proof(part) {
            let named = part.id.as_ref().and_then(|id| signed.get(id)).copied();
            // Clients drop the ids of texts.
            let owner = named.or(last_text.filter(|_| is_text));
            proofs.extend(owner.map(|owner| (place, owner)));
        } else if is_text {
            last_text = Some(place);
        }
    }
    let mut unsigned = Vec::with_capacity(parts.len());
    let mut taken = Vec::with_capacity(proofs.len());
    for (place, part) in parts.drain(..).enumerate() {
        match proofs.get(&place) {
            Some(owner) => taken.push((*owner, part)),
            None => unsigned.push((place, part)),
        }
    }
    for (owner, proof) in taken {
        let found = unsigned.binary_search_by_key(&owner, |(place, _)| *place);
        let owner = found.ok().and_then(|found| unsigned.get_mut(found));
        let Some((_, owner)) = owner else { continue };
        owner.signature = match proof.body {
            PartBody::Reasoning(Reasoning::Encrypted(data)) => Some(data),
            _ => proof.signature,
        };
        owner.format = proof.format;
    }
    // A proof of a text that did not come back proves nothing.
    let is_lost = |part: &Part| is_proof(part) && matches!(part.body, PartBody::Text(_));
    parts.extend(unsigned.into_iter().map(|(_, part)| part).filter(|part| !is_lost(part)));
}

/// Sealed, or a text that says nothing and is signed: what was carried of a text.
fn is_proof(part: &Part) -> bool {
    match &part.body {
        PartBody::Reasoning(Reasoning::Encrypted(_)) => true,
        PartBody::Text(text) => text.is_empty() && part.signature.is_some(),
        _ => false,
    }
}
