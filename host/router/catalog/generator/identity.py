"""Which model an offer is of. A wrong join sends a request to another model, so
names are joined only where they are equal but for case, separators, and what is
listed by hand."""

import re
from collections import defaultdict

# Ends of names that say how the same weights are stored or guarded.
QUANTIZATION = re.compile(r"-(fp8|fp4|nvfp4|mxfp4|bf16|fp16|int4|int8)$")
GUARDED = re.compile(r"-tee$")
# `us.anthropic.claude-x-v1:0`: a region perhaps, the maker, the name, a version.
DOTTED = re.compile(r"^(?:(?:us|eu|au|jp|apac|global)\.)?([a-z0-9]+)\.([a-z].*?)(?:-v1:\d+)?$")
# `claude-x-20250929`, `claude-x@default`, `claude-x-20250929-v1:0`
DATED = re.compile(r"^(claude-.+?)(?:[-@](?:20\d{6}|default))?(?:-v1(?::\d+)?)?$")


class Identities:
    """Slugs, found by the names that hosts use."""

    def __init__(self, sources, rules):
        self.rules = rules
        self.authors = rules["authors"]
        self.neutral = set(rules["neutral"]["prefixes"])
        self.apart = {compact(name) for name in rules["apart"]}
        self.aliases = {compact(name): slug for name, slug in rules["aliases"].items()}
        self.slugs = defaultdict(set)
        reference = [s for s in sources.models_dev["openrouter"]["models"] if is_model(s)]
        former = [m["id"] for m in sources.genai["openrouter"]["models"] if is_model(m["id"])]
        self.known = set(reference)
        taken = {compact(slug.split("/", 1)[1]) for slug in reference}
        for slug in reference + [s for s in former if compact(s.split("/", 1)[1]) not in taken]:
            self.slugs[compact(slug.split("/", 1)[1])].add(slug)

    def learn(self, offers):
        """Names under their publisher that the reference lacks become slugs too."""
        learnt = defaultdict(set)
        for offer in offers:
            author, name, _ = self.parts(offer.model)
            if author and compact(name) not in self.slugs and compact(name) not in self.apart:
                learnt[compact(name)].add((author, name.lower()))
        for key, names in learnt.items():
            # Spellings of one author are one model; the first in order names it.
            for author in {author for author, _ in names}:
                self.slugs[key].add(f"{author}/{min(n for a, n in names if a == author)}")

    def slug(self, offer, author, provider):
        """The model's slug, and its quantization where the name tells."""
        own, name, quantization = self.parts(offer.model)
        key = compact(name)
        found = self.aliases.get(key)
        if key in self.apart and not own:
            return self.own_slug(offer, None, provider)
        if not found:
            found = self.unique(key, own or author)
        stranger = "/" in offer.model and own is None and not self.is_neutral(offer.model, provider)
        if found and not stranger:
            # A publisher's name that contradicts is a derivative of the model.
            if own is None or is_same_maker(own, found.split("/", 1)[0]):
                return found, quantization
        return self.own_slug(offer, author, provider)

    def own_slug(self, offer, author, provider):
        """The slug of what is joined with nothing."""
        own = self.parts(offer.model)[0]
        if author and own in (None, author):
            return f"{author}/{offer.model.split('/')[-1].lower()}", None
        return f"{provider}/{offer.model}", None

    def unique(self, key, author):
        slugs = self.slugs.get(key, set())
        by_author = [slug for slug in slugs if slug.split("/", 1)[0] == author]
        if by_author:
            return by_author[0]
        return next(iter(slugs)) if len(slugs) == 1 else None

    def is_neutral(self, model, provider):
        prefix = model.lower().split("/")[-2]
        return prefix in self.neutral or prefix == provider or prefix in self.rules["hosts"]

    def parts(self, model):
        """Author (None: not told), name, quantization."""
        *prefixes, name = model.split("/")
        if model.startswith("accounts/fireworks/"):
            name = re.sub(r"(?<=\d)p(?=\d)", ".", name)
        owner = prefixes[-1].lower() if prefixes else None
        author = self.authors.get(owner)
        dotted = DOTTED.match(model)
        if dotted and dotted[1] in self.authors:
            author = self.authors[dotted[1]]
            name = self.rules["dotted"].get(dotted[1], "") + dotted[2]
        name = GUARDED.sub("", name.lower()) if name.lower().endswith("-tee") else name
        quantization = QUANTIZATION.search(name.lower())
        if quantization:
            name = name[: quantization.start()]
        dated = DATED.match(name.lower())
        if dated:
            name = dated[1]
        return author, name, quantization[1] if quantization else None


def is_same_maker(one, other):
    """Some publish under their own name and under that of a family of models."""
    return one == other or one.split("-")[0] == other.split("-")[0]


def compact(name):
    """A name without case and separators. `:free` and its like stay apart."""
    name, colon, variant = name.lower().partition(":")
    return re.sub(r"[^a-z0-9]", "", name) + colon + variant


def is_model(slug):
    """Not an alias that moves, and not a router of that site."""
    return "/" in slug and not slug.startswith(("~", "openrouter/"))
