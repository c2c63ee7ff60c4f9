//! Embeddings: `batchEmbedContents`, `embedContent` and `predict`.

use serde::Deserialize;
use serde_json::{Value, json};

use super::request::not_read;
use crate::dialect::{Refusal, Served};
use crate::prompt::text_tokens;
use crate::vectors;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Batch {
    requests: Vec<Single>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Single {
    content: Content,
    output_dimensionality: Option<usize>,
    #[serde(rename = "model")]
    _model: Option<String>,
    #[serde(rename = "taskType")]
    _task_type: Option<String>,
    #[serde(rename = "title")]
    _title: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    parts: Vec<Part>,
    #[serde(rename = "role")]
    _role: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Part {
    text: Option<String>,
    inline_data: Option<Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Predict {
    instances: Vec<Instance>,
    parameters: Option<Parameters>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Instance {
    content: String,
    #[serde(rename = "task_type")]
    _task_type: Option<String>,
    #[serde(rename = "title")]
    _title: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Parameters {
    output_dimensionality: Option<usize>,
    #[serde(rename = "autoTruncate")]
    _auto_truncate: Option<bool>,
}

pub(super) fn serve(body: &[u8], model: &str, method: &str) -> Result<Served, Refusal> {
    let answer = match method {
        "predict" => predict(read(body)?),
        "embedContent" => {
            let single: Single = read(body)?;
            let count = json!({"promptTokenCount": text_tokens(single.text().len())});
            json!({"embedding": single.vector(), "usageMetadata": count})
        }
        _ => {
            let batch: Batch = read(body)?;
            let vectors: Vec<Value> = batch.requests.iter().map(Single::vector).collect();
            json!({"embeddings": vectors})
        }
    };
    Ok(Served { model: model.to_owned(), body: answer.to_string().into_bytes() })
}

fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|error| not_read(&error))
}

impl Single {
    fn text(&self) -> String {
        let said = self.content.parts.iter().map(|part| match (&part.text, &part.inline_data) {
            (Some(text), _) => text.clone(),
            (None, data) => json!(data).to_string(),
        });
        said.collect()
    }

    fn vector(&self) -> Value {
        json!({"values": vectors::vector(&self.text(), self.output_dimensionality)})
    }
}

fn predict(request: Predict) -> Value {
    let dimensions = request.parameters.and_then(|it| it.output_dimensionality);
    let predictions = request.instances.iter().map(|instance| {
        let count = text_tokens(instance.content.len());
        json!({"embeddings": {
            "values": vectors::vector(&instance.content, dimensions),
            "statistics": {"truncated": false, "token_count": count}}})
    });
    json!({"predictions": predictions.collect::<Vec<_>>()})
}
