//! Where a client would like its request served.

use plugway_engine::Cutoffs;

use crate::BadRequest;
use crate::json::{Fields, Node};

/// Digits after the point that a price in dollars may have: picodollars.
const DECIMALS: i64 = 12;

/// Digits that the highest price has, in picodollars.
const MAX_DIGITS: usize = 20;

/// Slugs that a list of preferences may have. Each is held against each endpoint.
const MAX_SLUGS: usize = 256;

/// Bytes that the name of a model or a strategy may have. Names go into logs.
const MAX_NAME_BYTES: usize = 256;

/// Milliseconds in a second.
const SECOND: f64 = 1000.0;

/// The client's wishes, as it wrote them; slugs are not looked up.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Routing {
    /// In order of preference, without repetition; empty where none is named.
    pub models: Vec<String>,
    /// Providers, in order of preference.
    pub order: Vec<String>,
    /// The only providers to use; empty: any.
    pub only: Vec<String>,
    /// Providers not to use.
    pub ignore: Vec<String>,
    /// Quantizations to accept; empty: any.
    pub quantizations: Vec<String>,
    /// Regions to stay in; empty: any.
    pub regions: Vec<String>,
    /// Service tiers to admit beside the default one, as a suffix of a model's name asks:
    /// the model's slug, and the tier. Never read from `provider`.
    pub tiers: Vec<(String, String)>,
    /// Only the first choice is to be tried.
    pub no_fallbacks: bool,
    /// Only endpoints that know every parameter of the request.
    pub require_parameters: bool,
    /// Only endpoints that keep nothing for training.
    pub deny_data_collection: bool,
    /// Only endpoints that retain nothing.
    pub zdr: bool,
    /// Only models whose authors allow distillation.
    pub enforce_distillable_text: bool,
    /// What to sort endpoints by.
    pub sort: Option<Sort>,
    /// Whether to sort inside each model or over all.
    pub partition: Partition,
    /// What the client will pay at most.
    pub max_price: MaxPrice,
    /// Tokens per second that the client would like.
    pub min_throughput: Option<Cutoffs>,
    /// Milliseconds to the first token that the client would like.
    pub max_latency_ms: Option<Cutoffs>,
    /// The strategy to ask.
    pub strategy: Option<String>,
    /// Name and JSON of the strategy's options.
    pub options: Vec<(String, String)>,
}

impl Routing {
    /// The client wants the providers that it names or none.
    #[must_use]
    pub fn is_pinned(&self) -> bool {
        self.no_fallbacks && !self.only.is_empty()
    }
}

/// What endpoints are sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// Cheapest first.
    Price,
    /// Most tokens per second first.
    Throughput,
    /// Shortest time to the first token first.
    Latency,
    /// Best quality first.
    Exacto,
}

/// How far sorting reaches where several models are named.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Partition {
    /// A later model only after the endpoints of the earlier ones.
    #[default]
    Model,
    /// All endpoints of all models together.
    None,
}

/// Upper bounds, in picodollars; none: unbounded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MaxPrice {
    /// Per million prompt tokens.
    pub prompt: Option<u64>,
    /// Per million completion tokens.
    pub completion: Option<u64>,
    /// Per request.
    pub request: Option<u64>,
    /// Per image.
    pub image: Option<u64>,
    /// Per unit of audio.
    pub audio: Option<u64>,
}

pub(crate) fn routing(fields: &mut Fields<'_, '_>) -> Result<Routing, BadRequest> {
    let mut routing = Routing::default();
    routing.models.extend(model(fields)?);
    routing.models.extend(slugs(fields, "models")?);
    let mut seen = std::collections::HashSet::new();
    routing.models.retain(|model| seen.insert(model.clone()));
    if let Some(node) = fields.take("route") {
        routing.partition = match &*node.text()? {
            "fallback" => Partition::Model,
            "sort" => Partition::None,
            _ => return Err(node.invalid("must be fallback or sort")),
        };
    }
    if let Some(node) = fields.take("provider") {
        provider(&node, &mut routing)?;
    }
    Ok(routing)
}

/// The name of a model.
pub(crate) fn model(fields: &mut Fields<'_, '_>) -> Result<Option<String>, BadRequest> {
    name(fields, "model")
}

fn slugs(fields: &mut Fields<'_, '_>, name: &'static str) -> Result<Vec<String>, BadRequest> {
    let Some(node) = fields.take(name) else {
        return Ok(Vec::new());
    };
    let slugs = node.strings()?;
    if slugs.len() > MAX_SLUGS {
        return Err(node.invalid(format!("must have at most {MAX_SLUGS} items")));
    }
    if slugs.iter().any(|slug| slug.len() > MAX_NAME_BYTES) {
        return Err(node.invalid(format!("must have items of at most {MAX_NAME_BYTES} bytes")));
    }
    Ok(slugs)
}

fn name(fields: &mut Fields<'_, '_>, name: &'static str) -> Result<Option<String>, BadRequest> {
    let Some(node) = fields.take(name) else { return Ok(None) };
    let name = node.string()?;
    if name.len() > MAX_NAME_BYTES {
        return Err(node.invalid(format!("must have at most {MAX_NAME_BYTES} bytes")));
    }
    Ok(Some(name))
}

fn provider(node: &Node<'_, '_>, routing: &mut Routing) -> Result<(), BadRequest> {
    let mut fields = node.object()?;
    routing.order = slugs(&mut fields, "order")?;
    routing.only = slugs(&mut fields, "only")?;
    routing.ignore = slugs(&mut fields, "ignore")?;
    routing.quantizations = slugs(&mut fields, "quantizations")?;
    routing.regions = slugs(&mut fields, "regions")?;
    let mut flag = |name| fields.boolean(name);
    routing.no_fallbacks = flag("allow_fallbacks")? == Some(false);
    routing.require_parameters = flag("require_parameters")? == Some(true);
    routing.zdr = flag("zdr")? == Some(true);
    routing.enforce_distillable_text = flag("enforce_distillable_text")? == Some(true);
    if let Some(node) = fields.take("data_collection") {
        routing.deny_data_collection = match &*node.text()? {
            "allow" => false,
            "deny" => true,
            _ => return Err(node.invalid("must be allow or deny")),
        };
    }
    if let Some(node) = fields.take("sort") {
        sort(&node, routing)?;
    }
    if let Some(node) = fields.take("max_price") {
        routing.max_price = max_price(&node)?;
    }
    let throughput = fields.take("preferred_min_throughput");
    routing.min_throughput = throughput.map(|node| cutoffs(&node, 1.0)).transpose()?;
    let latency = fields.take("preferred_max_latency");
    routing.max_latency_ms = latency.map(|node| cutoffs(&node, SECOND)).transpose()?;
    routing.strategy = name(&mut fields, "strategy")?;
    if let Some(node) = fields.take("options") {
        routing.options = node.object()?.rest()?;
    }
    fields.nothing_left()
}

fn sort(node: &Node<'_, '_>, routing: &mut Routing) -> Result<(), BadRequest> {
    if node.is_string() {
        routing.sort = Some(sort_by(node)?);
        return Ok(());
    }
    let mut fields = node.object()?;
    let by = fields.take("by");
    routing.sort = by.as_ref().map(sort_by).transpose()?;
    if let Some(node) = fields.take("partition") {
        routing.partition = match &*node.text()? {
            "model" => Partition::Model,
            "none" => Partition::None,
            _ => return Err(node.invalid("must be model or none")),
        };
    }
    fields.nothing_left()
}

fn sort_by(node: &Node<'_, '_>) -> Result<Sort, BadRequest> {
    match &*node.text()? {
        "price" => Ok(Sort::Price),
        "throughput" => Ok(Sort::Throughput),
        "latency" => Ok(Sort::Latency),
        "exacto" => Ok(Sort::Exacto),
        _ => Err(node.invalid("must be price, throughput, latency or exacto")),
    }
}

fn max_price(node: &Node<'_, '_>) -> Result<MaxPrice, BadRequest> {
    let mut fields = node.object()?;
    let mut price = |name| {
        let node = fields.take(name);
        node.map(|node| picodollars(&node)).transpose()
    };
    let max_price = MaxPrice {
        prompt: price("prompt")?,
        completion: price("completion")?,
        request: price("request")?,
        image: price("image")?,
        audio: price("audio")?,
    };
    fields.nothing_left()?;
    Ok(max_price)
}

/// Dollars, as a number or a string, exactly; what is finer than a picodollar is
/// cut off.
fn picodollars(node: &Node<'_, '_>) -> Result<u64, BadRequest> {
    let text = if node.is_string() { node.string()? } else { node.raw().to_owned() };
    decimal(&text).ok_or_else(|| node.invalid("must be a decimal number of US dollars"))
}

/// Python writes small prices with an exponent.
fn decimal(text: &str) -> Option<u64> {
    let (number, exponent) = match text.split_once(['e', 'E']) {
        Some((number, exponent)) => (number, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !is_digits(whole) || !is_digits(fraction) {
        return None;
    }
    let digits = format!("{whole}{fraction}");
    let said = digits.trim_start_matches('0');
    // How many of them, zeros behind included, make the number of picodollars.
    let zeros = digits.len() - said.len();
    let before_point = i64::try_from(whole.len()).ok()? - i64::try_from(zeros).ok()?;
    let count = before_point + i64::from(exponent) + DECIMALS;
    match usize::try_from(count) {
        _ if said.is_empty() => Some(0),
        Err(_) | Ok(0) => Some(0),
        Ok(count @ ..=MAX_DIGITS) => {
            format!("{:0<count$}", said.get(..count).unwrap_or(said)).parse().ok()
        }
        Ok(_) => None,
    }
}

/// A number stands for the median.
fn cutoffs(node: &Node<'_, '_>, scale: f64) -> Result<Cutoffs, BadRequest> {
    if !node.is_object() {
        let median: f64 = node.number("a number or an object of percentiles")?;
        return Ok(Cutoffs { p50: Some(median * scale), ..Cutoffs::default() });
    }
    let mut fields = node.object()?;
    let mut percentile = |name| Ok(fields.float(name)?.map(|value| value * scale));
    let cutoffs = Cutoffs {
        p50: percentile("p50")?,
        p75: percentile("p75")?,
        p90: percentile("p90")?,
        p99: percentile("p99")?,
    };
    fields.nothing_left()?;
    Ok(cutoffs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_is_exact_however_it_is_written() {
        for (text, picodollars) in [
            ("0", Some(0)),
            ("1.5", Some(1_500_000_000_000)),
            ("0.0000000000019", Some(1)),
            ("5e-05", Some(50_000_000)),
            ("1.25E+1", Some(12_500_000_000_000)),
            ("0.00125e3", Some(1_250_000_000_000)),
            ("1e-13", Some(0)),
            ("9e-999999", Some(0)),
            ("0e999999999", Some(0)),
            ("000.5", Some(500_000_000_000)),
            ("18446744.073709551615", Some(u64::MAX)),
            ("18446744.073709551616", None),
            ("1e8", None),
            ("1e999999999", None),
            ("1e99999999999", None),
            ("-1", None),
            ("1e", None),
            ("e5", None),
            ("1.", None),
            ("1e1.5", None),
            ("", None),
        ] {
            assert_eq!(decimal(text), picodollars, "{text}");
        }
    }
}
