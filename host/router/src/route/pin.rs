//! What a pin comes to: one endpoint. A provider may serve a model more than once, in
//! other places, at other prices; a request that is pinned to the provider goes to one of
//! these endpoints or fails, and to the same one each time. That is the first that may
//! serve the request, by the order of the pins and then of the catalogue, however that
//! endpoint fares. Whoever wants another names its region, its variant or its tier; whoever
//! says how to choose, by an order, a sort or a strategy, gets the first of that order.

use super::eligible::{names, names_tier};
use crate::catalog::Endpoint;
use plugway_wire::Routing;
use std::collections::BTreeSet;

/// To what a request is pinned; to nothing, mostly.
#[derive(Clone, Debug, Default)]
pub(super) struct Pins {
    each: Vec<Pin>,
    /// The client says how to choose.
    pub(super) are_ranked: bool,
}

/// One endpoint of a model.
#[derive(Clone, Debug)]
struct Pin {
    model: String,
    /// What names it, as in a list of providers: the first that names any.
    entries: Vec<String>,
}

impl Pins {
    /// What follows from the models of a request, each with the pin of its name, and from
    /// its lists: `provider.only` without fallbacks pins every model. An order is walked
    /// to its end.
    pub(super) fn of<'n>(
        named: impl Iterator<Item = (&'n str, Option<&'n str>)>,
        routing: &Routing,
    ) -> Self {
        let by_list = routing.is_pinned() && routing.order.is_empty();
        let (mut each, mut free) = (Vec::new(), BTreeSet::new());
        for (model, pin) in named {
            let entries = match pin {
                Some(pin) => vec![pin.to_owned()],
                None if by_list => routing.only.clone(),
                None => {
                    free.insert(model);
                    continue;
                }
            };
            each.push(Pin { model: model.to_owned(), entries });
        }
        // What another name of the same model leaves open is open.
        each.retain(|pin| !free.contains(pin.model.as_str()));
        let are_ranked =
            !routing.order.is_empty() || routing.sort.is_some() || routing.strategy.is_some();
        Self { each, are_ranked }
    }

    /// Whether the name of a model pins it to the tier of this endpoint, and thereby asks
    /// for it.
    pub(super) fn name_tier(&self, endpoint: &Endpoint, tier: &str) -> bool {
        let pins = self.each.iter().filter(|pin| pin.model == endpoint.model_slug);
        pins.flat_map(|pin| &pin.entries).any(|entry| names_tier(entry, endpoint, tier))
    }

    /// Whether this model is pinned.
    pub(super) fn hold(&self, model: &str) -> bool {
        self.each.iter().any(|pin| pin.model == model)
    }

    /// Ids of the endpoints that are pinned away from: all of a pinned model but the first
    /// of each pin. They come in the order in which they would be tried.
    pub(super) fn others<'e>(
        &self,
        endpoints: impl Iterator<Item = &'e Endpoint> + Clone,
    ) -> BTreeSet<&'e str> {
        let first = |pin: &Pin| {
            let of_model = endpoints.clone().filter(|it| it.model_slug == pin.model);
            let ranked = of_model.filter_map(|it| {
                let rank = pin.entries.iter().position(|entry| names(entry, it))?;
                Some((if self.are_ranked { 0 } else { rank }, it))
            });
            ranked.min_by_key(|(rank, _)| *rank).map(|(_, endpoint)| endpoint.id.as_str())
        };
        let kept: BTreeSet<&str> = self.each.iter().filter_map(first).collect();
        let is_pinned = |it: &Endpoint| self.each.iter().any(|pin| pin.model == it.model_slug);
        let others = endpoints.filter(|it| is_pinned(it) && !kept.contains(it.id.as_str()));
        others.map(|endpoint| endpoint.id.as_str()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::route::eligible::offer;
    use plugway_wire::Sort;

    /// Those of `p` in two regions, then the one of `q`, for a model `a/m`; and another
    /// model's.
    fn endpoints() -> Vec<Endpoint> {
        let of = |id: &str, provider: &str, model: &str, region: &str| Endpoint {
            id: id.into(),
            region: Some(region.into()),
            ..offer(provider, provider, model)
        };
        vec![
            of("p-us", "p", "a/m", "us"),
            of("p-eu", "p", "a/m", "eu"),
            of("q", "q", "a/m", "us"),
            of("p-other", "p", "a/n", "us"),
        ]
    }

    fn check(names: &[(&str, Option<&str>)], routing: &Routing, others: &[&str]) {
        let (endpoints, pins) = (endpoints(), Pins::of(names.iter().copied(), routing));
        let found: Vec<_> = pins.others(endpoints.iter()).into_iter().collect();
        assert_eq!(found, others, "{names:?} {routing:?}");
    }

    fn only(entries: &[&str]) -> Routing {
        let only = entries.iter().map(|it| (*it).to_owned()).collect();
        Routing { only, no_fallbacks: true, ..Routing::default() }
    }

    #[test]
    fn a_pin_is_to_the_first_endpoint_that_it_names() {
        let free = Routing::default();
        check(&[("a/m", None)], &free, &[]);
        check(&[("a/m", Some("p"))], &free, &["p-eu", "q"]);
        check(&[("a/m", Some("p/eu"))], &free, &["p-us", "q"]);
        // One for each name.
        check(&[("a/m", Some("p")), ("a/m", Some("q"))], &free, &["p-eu"]);
        // What another name leaves open is open.
        check(&[("a/m", Some("p")), ("a/m", None)], &free, &[]);
        check(&[("a/m", Some("p")), ("a/n", None)], &free, &["p-eu", "q"]);
    }

    #[test]
    fn a_list_pins_to_the_first_of_its_entries() {
        check(&[("a/m", None)], &only(&["p"]), &["p-eu", "q"]);
        check(&[("a/m", None)], &only(&["q", "p"]), &["p-eu", "p-us"]);
        check(&[("a/m", None)], &only(&["p/eu", "q"]), &["p-us", "q"]);
        let with_fallbacks = Routing { no_fallbacks: false, ..only(&["p"]) };
        check(&[("a/m", None)], &with_fallbacks, &[]);
        let ordered = Routing { order: vec!["q".into(), "p".into()], ..only(&["p", "q"]) };
        check(&[("a/m", None)], &ordered, &[]);
    }

    #[test]
    fn whoever_says_how_to_choose_gets_the_first_of_that_order() {
        let sorted = Routing { sort: Some(Sort::Price), ..only(&["q", "p"]) };
        let pins = Pins::of([("a/m", None)].into_iter(), &sorted);
        assert!(pins.are_ranked);
        let endpoints = endpoints();
        let others = pins.others(endpoints.iter());
        assert_eq!(others.into_iter().collect::<Vec<_>>(), ["p-eu", "q"]);
        let others = pins.others(endpoints.iter().rev());
        assert_eq!(others.into_iter().collect::<Vec<_>>(), ["p-eu", "p-us"]);
    }
}
