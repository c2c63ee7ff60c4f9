//! What the names in lists of providers mean.

use crate::catalog::Endpoint;

/// A word that names all of a catalogue's models of one author, or all models.
const ANY: char = '*';

/// Whether a pin, or an entry of `provider.order`, `only` or `ignore`, names an endpoint:
/// by its provider's slug or display name, which all of its variants share, or by one of
/// its variants, as in `vertex/us-east5`.
pub(crate) fn names(entry: &str, endpoint: &Endpoint) -> bool {
    is_of(entry, endpoint)
        || entry.rsplit_once('/').is_some_and(|(provider, variant)| {
            is_of(provider, endpoint) && is_variant(variant, endpoint)
        })
}

/// Whether an entry names the endpoint's service tier, and thereby asks for it.
pub(in crate::route) fn names_tier(entry: &str, endpoint: &Endpoint, tier: &str) -> bool {
    entry.rsplit_once('/').is_some_and(|(provider, variant)| {
        is_of(provider, endpoint) && variant.eq_ignore_ascii_case(tier)
    })
}

fn is_of(provider: &str, endpoint: &Endpoint) -> bool {
    let it = &endpoint.provider;
    provider.eq_ignore_ascii_case(&it.name) || provider.eq_ignore_ascii_case(&it.display_name)
}

fn is_variant(variant: &str, endpoint: &Endpoint) -> bool {
    let known =
        [&endpoint.variant, &endpoint.region, &endpoint.service_tier, &endpoint.quantization];
    known.into_iter().flatten().any(|it| variant.eq_ignore_ascii_case(it))
}

/// Slugs of the providers that the entries name, in their order, each once. An entry
/// that names none of these endpoints stays as it is.
pub(in crate::route) fn slugs<'e>(
    entries: &[String],
    endpoints: impl Iterator<Item = &'e Endpoint> + Clone,
) -> Vec<String> {
    let mut slugs: Vec<String> = Vec::new();
    for entry in entries {
        let named = endpoints.clone().find(|endpoint| names(entry, endpoint));
        let slug = named.map_or(entry, |endpoint| &endpoint.provider.name);
        if !slugs.contains(slug) {
            slugs.push(slug.clone());
        }
    }
    slugs
}

/// Whether an operator's list holds a model: by its slug, or by the start of it before
/// an asterisk.
pub(crate) fn lists_model(list: &[String], slug: &str) -> bool {
    list.iter().any(|entry| match entry.strip_suffix(ANY) {
        Some(start) => slug.starts_with(start),
        None => entry == slug,
    })
}

/// Whether a region is one of those that are wanted, or lies in one: `eu` holds
/// `eu-west-1`.
pub(super) fn lies_in(wanted: &[String], region: &str) -> bool {
    wanted.iter().any(|wanted| {
        let start = region.get(..wanted.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(wanted))
            && matches!(region.as_bytes().get(wanted.len()), None | Some(b'-'))
    })
}

/// Whether a quantization is one of those that are accepted. Some stand for their
/// variants too.
pub(super) fn accepts(wanted: &[String], quantization: &str) -> bool {
    let wider = match quantization {
        "mxfp4" | "nvfp4" => "fp4",
        "mxfp8" => "fp8",
        own => own,
    };
    wanted.iter().any(|it| it == quantization || it == wider)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::route::eligible::drawn::offer;

    #[test]
    fn an_endpoint_goes_by_its_provider_or_one_of_its_variants() {
        let endpoint = Endpoint {
            region: Some("us-east5".into()),
            quantization: Some("fp8".into()),
            service_tier: Some("flex".into()),
            variant: Some("turbo".into()),
            ..offer("vertex", "Google Vertex", "a/m")
        };
        for (entry, expected) in [
            ("vertex", true),
            ("Vertex", true),
            ("google vertex", true),
            ("vertex/us-east5", true),
            ("Google Vertex/turbo", true),
            ("vertex/fp8", true),
            ("vertex/FLEX", true),
            ("vertex/us-east4", false),
            ("vertex/us", false),
            ("vert", false),
            ("other/turbo", false),
            ("turbo", false),
            ("", false),
            ("vertex/", false),
        ] {
            assert_eq!(names(entry, &endpoint), expected, "{entry}");
        }
        assert!(names_tier("vertex/flex", &endpoint, "flex"));
        assert!(!names_tier("vertex", &endpoint, "flex"));
    }

    #[test]
    fn strategies_are_told_slugs() {
        let endpoints = [offer("one", "The One", "a/m"), offer("two", "Two", "a/m")];
        let entries = ["Two", "nobody", "the one", "two"].map(String::from);
        assert_eq!(slugs(&entries, endpoints.iter()), ["two", "nobody", "one"]);
    }

    #[test]
    fn a_region_holds_its_parts_and_a_quantization_its_variants() {
        let list = |name: &str| vec![name.to_owned()];
        assert!(lies_in(&list("eu"), "eu") && lies_in(&list("EU"), "eu-west-1"));
        assert!(!lies_in(&list("eu"), "europe") && !lies_in(&list("eu-west-1"), "eu"));
        assert!(accepts(&list("fp4"), "nvfp4") && accepts(&list("fp8"), "mxfp8"));
        assert!(!accepts(&list("mxfp4"), "fp4") && !accepts(&list("fp4"), "int4"));
        assert!(lists_model(&list("a/*"), "a/m") && lists_model(&list("a/m"), "a/m"));
        assert!(!lists_model(&list("a/m"), "a/m2") && lists_model(&list("*"), "a/m"));
    }
}
