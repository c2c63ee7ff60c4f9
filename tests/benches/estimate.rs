//! How far the estimate of a prompt's tokens is off what providers counted, over recorded
//! requests: the relative error by provider and by kind of prompt, and that of an exact
//! count of the text where its vocabulary is published. Prints, and asserts nothing.

#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a bench prints, and stops where it cannot go on"
)]

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use flate2::read::GzDecoder;
use http::Request;
use plugway::route::Asked;
use plugway_routing::estimate::Vocabulary;
use plugway_wire::{ChatCall, DecodeOptions, Dialect};
use serde_json::Value;

/// Names another directory of recordings.
const TRAFFIC: &str = "PLUGWAY_TRAFFIC";

/// Shorter prompts are left out: what providers add by themselves is most of those. By what
/// was sent and not by what was counted, or those would be left to which most was added.
const MIN_BYTES: usize = 200;

/// Prompts of which limits are about.
const LONG_BYTES: usize = 3_000;

fn main() {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/traffic");
    let directory = std::env::var_os(TRAFFIC).map_or(beside, PathBuf::from);
    let Ok(files) = fs::read_dir(&directory) else {
        println!("there is no recorded traffic here; {TRAFFIC} names a directory");
        return;
    };
    let mut estimated: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    let mut counted: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for file in files {
        let path = file.expect("a directory can be read").path();
        if path.extension().is_none_or(|extension| extension != "gz") {
            continue;
        }
        let lines = BufReader::new(GzDecoder::new(File::open(path).expect("a file can be read")));
        for line in lines.lines() {
            let record: Value =
                serde_json::from_str(&line.expect("it is text")).expect("it is JSON");
            let Some((call, told)) = exchange(&record) else { continue };
            let asked = Asked::chat(&call);
            let provider = record["provider"].as_str().unwrap_or_default();
            let off = |tokens: u64| (tokens as f64 - told as f64) / told as f64;
            let error = off(asked.prompt().tokens().into());
            for name in [provider, kind(&call), "all"] {
                estimated.entry(name.to_owned()).or_default().push(error);
            }
            if provider.starts_with("openai") && call.media == 0 {
                let mut tokens = u64::from(asked.prompt().beside_text());
                call.each_text(|text| tokens += Vocabulary::O200k.count(text) as u64);
                counted.entry(provider.to_owned()).or_default().push(off(tokens));
            }
        }
    }
    println!("estimated");
    estimated.iter().for_each(|(name, errors)| print(name, errors));
    println!("counted, o200k");
    counted.iter().for_each(|(name, errors)| print(name, errors));
}

/// Of which kind a prompt is, as far as that decides what it is off by.
fn kind(call: &ChatCall) -> &'static str {
    let bytes = call.size.text_bytes + call.size.tool_bytes;
    match (call.media, call.size.tools) {
        (0, _) if bytes >= LONG_BYTES => "= long",
        (0, 0) => "= short, text",
        (0, _) => "= short, tools",
        _ => "= media",
    }
}

/// How the error is spread, how large it is, and how often it is none or too much.
fn print(name: &str, errors: &[f64]) {
    let mut sizes: Vec<f64> = errors.iter().map(|error| error.abs()).collect();
    sizes.sort_by(f64::total_cmp);
    let mut signed = errors.to_vec();
    signed.sort_by(f64::total_cmp);
    let at = |sorted: &[f64], percent: usize| {
        let place = (sorted.len() * percent / 100).min(sorted.len() - 1);
        sorted.get(place).map_or(0.0, |error| error * 100.0)
    };
    let enough = signed.iter().filter(|error| **error >= 0.0).count();
    let [low, quarter, median, three, high] = [5, 25, 50, 75, 95].map(|it| at(&signed, it));
    println!(
        "{name:16} {:5} prompts  p5 {low:4.0}%  p25 {quarter:4.0}%  p50 {median:4.0}%  p75 {three:4.0}%  p95 {high:4.0}%   size p50 {:3.0}%   enough for {:3}%",
        sizes.len(),
        at(&sizes, 50),
        enough * 100 / sizes.len().max(1),
    );
}

/// A recorded request as the router reads it, and how many tokens its provider counted.
fn exchange(record: &Value) -> Option<(ChatCall, u64)> {
    let (request, response) = (&record["request"], &record["response"]);
    let dialect = match record["endpoint"].as_str()? {
        "chat_completions" => Dialect::OpenAiChat,
        "responses" => Dialect::OpenAiResponses,
        "messages" => Dialect::AnthropicMessages,
        "generate_content" => Dialect::Gemini,
        _ => return None,
    };
    let url: http::Uri = request["url"].as_str()?.parse().ok()?;
    // Other hosts have the same path below another one.
    let path = url
        .path()
        .rsplit_once("/models/")
        .map_or_else(|| url.path().to_owned(), |(_, model)| format!("/v1beta/models/{model}"));
    let (head, ()) = Request::post(path).body(()).ok()?.into_parts();
    let body = Bytes::from(request["body"].as_str()?.to_owned());
    let call = dialect.decode(&head, body, &DecodeOptions::default()).ok()?;
    let told = told(response["body"].as_str()?)?;
    // What a provider's own tools find, it counts, and nobody else can.
    let is_told = told > 0 && !call.native;
    let bytes = call.size.text_bytes + call.size.tool_bytes;
    (is_told && bytes >= MIN_BYTES).then_some((call, told))
}

/// The largest count of prompt tokens in an answer: streams count more than once.
fn told(body: &str) -> Option<u64> {
    if let Ok(answer) = serde_json::from_str(body) {
        return counted(&answer);
    }
    let data = body.lines().filter_map(|line| line.strip_prefix("data:"));
    data.filter_map(|json| counted(&serde_json::from_str(json).ok()?)).max()
}

fn counted(answer: &Value) -> Option<u64> {
    let usage = ["/usage", "/response/usage", "/message/usage", "/usageMetadata", "/x_groq/usage"];
    let usage = usage.iter().find_map(|way| answer.pointer(way).filter(|it| it.is_object()))?;
    let count = |names: &[&str]| names.iter().find_map(|name| usage[*name].as_u64());
    let prompt = count(&["prompt_tokens", "input_tokens", "promptTokenCount"])?;
    // Anthropic's counts do not hold what its cache does.
    let cached = ["cache_read_input_tokens", "cache_creation_input_tokens"];
    Some(prompt + cached.iter().filter_map(|name| usage[*name].as_u64()).sum::<u64>())
}
