//! Whether a provider was asked for what the client said.

use super::cases::{Bit, Case, DOCUMENT, IMAGE, Said, image_url};
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
        texts.retain(|text| !text.starts_with(ATTACHED));
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
        .or_else(|| wanted("order", &order(turns), &heard_order(prompt)))
        .or_else(|| results(kind, turns, prompt, marks))
        .or_else(|| wanted("media", &pictures(kind, turns), &shown(kind, prompt)))
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

/// Who says what, in order; what follows as more of the same counts once.
fn order(turns: &[super::cases::Turn]) -> Vec<(Role, &'static str)> {
    let mut order = Vec::new();
    for (place, turn) in turns.iter().enumerate() {
        match &turn.said {
            Said::User(_) => order.push((Role::User, "text")),
            Said::Results(given) => order.extend(given.iter().map(|_| (Role::Tool, "result"))),
        }
        let answer: &[Say] = if place + 1 < turns.len() { &turn.answer } else { &[] };
        order.extend(answer.iter().filter_map(|say| match say {
            Say::Text(_) => Some((Role::Assistant, "text")),
            Say::Call { .. } => Some((Role::Assistant, "call")),
            _ => None,
        }));
    }
    order.dedup();
    order
}

fn heard_order(prompt: &Prompt) -> Vec<(Role, &'static str)> {
    let said = prompt.said().filter_map(|(role, item)| match &item.body {
        _ if role == Role::System => None,
        Body::Text(text) if text.starts_with(ATTACHED) => None,
        Body::Text(_) => Some((role, "text")),
        Body::Call(_) => Some((role, "call")),
        Body::Result(_) => Some((role, "result")),
        _ => None,
    });
    let mut order: Vec<_> = said.collect();
    order.dedup();
    order
}

/// What formats without media in results put in front of those.
const ATTACHED: &str = "Attached to the result of ";

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
    let ids: Vec<_> = prompt.calls().iter().map(|call| call.id.clone()).collect();
    given.iter().zip(got).zip(ids).find_map(|((given, got), id)| {
        if got.id.is_some() && got.id != id {
            return Some(format!("a result of {:?} in place of {id:?}", got.id));
        }
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
fn pictures(kind: Kind, turns: &[super::cases::Turn]) -> Vec<(&'static str, Source)> {
    let fetches = !matches!(kind, Kind::Bedrock | Kind::Gemini | Kind::Ollama);
    let bits = turns.iter().flat_map(|turn| match &turn.said {
        Said::User(bits) => bits.iter().collect::<Vec<_>>(),
        Said::Results(given) => given.iter().flat_map(|it| &it.content).collect(),
    });
    let pictures = bits.filter_map(|bit| match bit {
        Bit::Text(_) => None,
        Bit::Image => Some(("image", Source::Data(IMAGE.to_owned()))),
        Bit::Linked if fetches => Some(("image", Source::Url(image_url().to_owned()))),
        Bit::Linked => Some(("image", Source::Data(IMAGE.to_owned()))),
        Bit::Document => Some(("document", Source::Data(DOCUMENT.to_owned()))),
    });
    pictures.collect()
}

fn shown(kind: Kind, prompt: &Prompt) -> Vec<(&'static str, Source)> {
    let shown = prompt.media().into_iter().map(|Media { kind: what, source, .. }| {
        let source = match source {
            // It fetches from servers with TLS, but what its own clients name goes unseen.
            Source::Url(url) if kind == Kind::Gemini && url == image_url() => {
                Source::Data(IMAGE.to_owned())
            }
            source => source.clone(),
        };
        (*what, source)
    });
    shown.collect()
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

/// Every proof that came with reasoning is sent back as it was where the provider wants it
/// back.
fn proofs(kind: Kind, turns: &[super::cases::Turn], prompt: &Prompt) -> Option<String> {
    let items = || prompt.turns.iter().flat_map(|turn| &turn.items);
    if kind == Kind::Gemini {
        // There what follows the reasoning is signed, once; the simulator looks at it.
        let thought = |turn: &&super::cases::Turn| turn.answer.iter().any(Say::is_reasoning);
        let (given, back) = (
            turns.iter().filter(thought).count(),
            items().filter(|item| item.signature.is_some()).count(),
        );
        return (back < given).then(|| format!("{back} proofs in place of {given}"));
    }
    let given: Vec<String> =
        turns.iter().flat_map(|turn| &turn.answer).filter_map(Say::proof).collect();
    let back: Vec<String> = items()
        .filter_map(|item| match &item.body {
            Body::Sealed(proof) => Some(proof.clone()),
            _ => item.signature.clone(),
        })
        .collect();
    (signs(kind) && back != given).then(|| format!("proofs {back:?} in place of {given:?}"))
}

/// The provider tells how much of a prompt came from a cache.
pub(super) fn counts_cached(kind: Kind) -> bool {
    !matches!(kind, Kind::Ollama | Kind::Perplexity)
}

fn breakpoints(kind: Kind, case: &Case, prompt: &Prompt) -> Option<String> {
    let marks = matches!(kind, Kind::Anthropic | Kind::Bedrock | Kind::OpenRouter);
    let marked = prompt.breakpoints();
    (marks && case.cache && marked < 2).then(|| format!("{marked} cache breakpoints"))
}
