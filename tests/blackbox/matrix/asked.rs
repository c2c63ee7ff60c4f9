//! Whether a provider was asked for what the client said.

use super::cases::{Bit, Case, DOCUMENT, IMAGE, IMAGE_URL, Said};
use super::heard;
use super::speak::schema;
use plugway_simulator::{Body, Format, Kind, Media, Prompt, Returned, Role, Say, Source};
use serde_json::Value;

/// What is wrong with what the provider was asked at a turn, in a sentence; `marks` where
/// the client marks tools that failed.
pub(super) fn fault(
    kind: Kind,
    case: &Case,
    turn: usize,
    prompt: &Prompt,
    marks: bool,
) -> Option<String> {
    let turns = &case.turns[..=turn];
    let wanted = |what: &str, wanted: &dyn std::fmt::Debug, got: &dyn std::fmt::Debug| {
        let (wanted, got) = (format!("{wanted:?}"), format!("{got:?}"));
        (wanted != got).then(|| format!("{what}: {got} in place of {wanted}"))
    };
    let system = case.system.unwrap_or_default();
    let said = |role| {
        let mut texts = prompt.texts(role);
        // What formats without media in results put in front of those.
        texts.retain(|text| !text.starts_with("Attached to the result of "));
        squeezed(&texts)
    };
    let earlier = turns[..turn].iter().flat_map(|turn| &turn.answer);
    let text = |say: &Say| match say {
        Say::Text(text) => Some(text.clone()),
        _ => None,
    };
    let answers: Vec<String> = earlier.clone().filter_map(text).collect();
    let calls = earlier.clone().filter_map(|say| match say {
        Say::Call { name, arguments } => Some((name.clone(), heard::json(arguments))),
        _ => None,
    });
    let called = prompt.calls().into_iter();
    let called = called.map(|call| (call.name.clone(), heard::json(&call.arguments)));
    let tools: Vec<&str> = prompt.tools.iter().map(|tool| tool.name.as_str()).collect();
    let offered: &[&str] = if case.tools { &["weather", "clock"] } else { &[] };
    wanted("instruction", &squeezed(&[system]), &said(Role::System))
        .or_else(|| wanted("user", &squeezed(&words(turns)), &said(Role::User)))
        .or_else(|| wanted("assistant", &squeezed(&answers), &said(Role::Assistant)))
        .or_else(|| wanted("calls", &calls.collect::<Vec<_>>(), &called.collect::<Vec<_>>()))
        .or_else(|| results(kind, turns, prompt, marks))
        .or_else(|| wanted("media", &pictures(turns), &shown(prompt)))
        .or_else(|| wanted("tools", &offered, &tools))
        .or_else(|| wanted("stop", &case.stop.into_iter().collect::<Vec<_>>(), &prompt.stop))
        .or_else(|| {
            case.max_tokens.and_then(|_| wanted("limit", &case.max_tokens, &prompt.max_tokens))
        })
        .or_else(|| form(case, &prompt.format))
        .or_else(|| proofs(kind, &turns[..turn], prompt))
        .or_else(|| breakpoints(kind, case, prompt))
}

/// Without what formats may put between texts that follow each other.
fn squeezed(texts: &[impl AsRef<str>]) -> String {
    texts.iter().flat_map(|text| text.as_ref().chars()).filter(|c| *c != '\n').collect()
}

/// What the user said.
fn words(turns: &[super::cases::Turn]) -> Vec<String> {
    let said = turns.iter().filter_map(|turn| match &turn.said {
        Said::User(bits) => Some(bits),
        Said::Results(_) => None,
    });
    said.flatten().filter_map(text).collect()
}

fn text(bit: &Bit) -> Option<String> {
    match bit {
        Bit::Text(text) => Some(text.clone()),
        _ => None,
    }
}

/// Results of tools, in order. A format may have them as text or as JSON, and may not be
/// able to say that a tool failed.
fn results(
    kind: Kind,
    turns: &[super::cases::Turn],
    prompt: &Prompt,
    marks: bool,
) -> Option<String> {
    let given: Vec<_> = turns
        .iter()
        .filter_map(|turn| match &turn.said {
            Said::Results(given) => Some(given),
            Said::User(_) => None,
        })
        .flatten()
        .collect();
    let mut got: Vec<Returned> = prompt.results().into_iter().cloned().collect();
    // A format without pictures in results may have them in a further message.
    got.dedup_by(|more, result| {
        let same = more.id.is_some() && more.id == result.id;
        if same {
            result.content.append(&mut more.content);
        }
        same
    });
    if given.len() != got.len() {
        return Some(format!("{} results in place of {}", got.len(), given.len()));
    }
    given.iter().zip(got).find_map(|(given, got)| {
        let words: String = given.content.iter().filter_map(text).collect();
        let told = told(&got);
        let failed = matches!(kind, Kind::Anthropic | Kind::Bedrock);
        if !told.contains(&words) {
            Some(format!("result {told:?} in place of {words:?}"))
        } else if failed && got.failed != (given.failed && marks) {
            Some(format!("a result that failed: {}", got.failed))
        } else {
            None
        }
    })
}

fn told(result: &Returned) -> String {
    let told = result.content.iter().map(|body| match body {
        Body::Text(text) => text.clone(),
        Body::Json(value) => value.to_string(),
        _ => String::new(),
    });
    told.collect()
}

/// What was shown, those in results among it.
fn pictures(turns: &[super::cases::Turn]) -> Vec<(&'static str, Source)> {
    let bits = turns.iter().flat_map(|turn| match &turn.said {
        Said::User(bits) => bits.iter().collect::<Vec<_>>(),
        Said::Results(given) => given.iter().flat_map(|it| &it.content).collect(),
    });
    let pictures = bits.filter_map(|bit| match bit {
        Bit::Text(_) => None,
        Bit::Image => Some(("image", Source::Data(IMAGE.to_owned()))),
        Bit::Linked => Some(("image", Source::Url(IMAGE_URL.to_owned()))),
        Bit::Document => Some(("document", Source::Data(DOCUMENT.to_owned()))),
    });
    pictures.collect()
}

fn shown(prompt: &Prompt) -> Vec<(&'static str, Source)> {
    prompt.media().into_iter().map(|Media { kind, source, .. }| (*kind, source.clone())).collect()
}

/// The schema may be changed to what the provider takes, but not its fields.
fn form(case: &Case, format: &Format) -> Option<String> {
    let fields = |schema: &Value| -> Vec<String> {
        let fields = schema["properties"].as_object();
        fields.into_iter().flatten().map(|(name, _)| name.clone()).collect()
    };
    match (case.schema, format) {
        (false, Format::Text) => None,
        (true, Format::Schema(got)) if fields(got) == fields(&schema()) => None,
        (_, got) => Some(format!("format {got:?}")),
    }
}

/// The provider signs its reasoning, and wants the proof back.
pub(super) fn signs(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Anthropic | Kind::Bedrock | Kind::Gemini | Kind::OpenRouter | Kind::OpenAiResponses
    )
}

/// Every proof that came with reasoning is sent back where the provider wants it back.
fn proofs(kind: Kind, turns: &[super::cases::Turn], prompt: &Prompt) -> Option<String> {
    let thoughts = turns.iter().map(|turn| {
        let thoughts = turn.answer.iter().filter(|say| matches!(say, Say::Reasoning(_)));
        // There what follows the reasoning is signed, once.
        thoughts.count().min(if kind == Kind::Gemini { 1 } else { usize::MAX })
    });
    let given: usize = thoughts.sum();
    let items = prompt.turns.iter().flat_map(|turn| &turn.items);
    let back =
        items.filter(|item| item.signature.is_some() || matches!(item.body, Body::Sealed(_)));
    let back = back.count();
    (signs(kind) && back < given).then(|| format!("{back} proofs in place of {given}"))
}

fn breakpoints(kind: Kind, case: &Case, prompt: &Prompt) -> Option<String> {
    let marks = matches!(kind, Kind::Anthropic | Kind::Bedrock | Kind::OpenRouter);
    let marked = prompt.breakpoints();
    (marks && case.cache && marked < 2).then(|| format!("{marked} cache breakpoints"))
}
