//! What an invoice calls a model, and what its provider is asked for it by. Names are joined
//! where they are the same, or where the operator says so; never by likeness, for a
//! difference would hide between two models.

use crate::catalog::Catalog;
use std::collections::BTreeMap;

/// A provider's names for its models, by each name that stands for one of them.
pub(super) struct Names {
    /// In lower case.
    known: BTreeMap<String, String>,
}

impl Names {
    /// Of a provider: what the operator says, what the ledger has, and what the catalogue
    /// knows.
    pub(super) fn new<'l>(
        catalog: &Catalog,
        provider: &str,
        said: &[(String, String)],
        in_ledger: impl Iterator<Item = &'l str>,
    ) -> Self {
        let mut names = Self { known: BTreeMap::new() };
        for (invoiced, model) in said {
            names.add(invoiced, model);
        }
        for model in in_ledger {
            names.add(model, model);
        }
        for (slug, model) in &catalog.models {
            let offers = model.endpoints.iter().filter(|it| it.provider.name == provider);
            for endpoint in offers {
                names.add(&endpoint.upstream_model, &endpoint.upstream_model);
                names.add(slug, &endpoint.upstream_model);
            }
        }
        names
    }

    /// What the ledger calls a model of the invoice.
    pub(super) fn named(&self, invoiced: &str) -> String {
        let found = self.known.get(&invoiced.to_lowercase());
        found.map_or_else(|| invoiced.to_owned(), Clone::clone)
    }

    /// What was said first holds.
    fn add(&mut self, name: &str, model: &str) {
        self.known.entry(name.to_lowercase()).or_insert_with(|| model.to_owned());
    }
}
