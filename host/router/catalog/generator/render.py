"""The data files, as text: TOML as the configuration reader takes it, in an order
that depends on nothing but the facts."""

import json

HEAD = "# Written by update.py: change providers.override.toml, not this file.\n"


def providers(table):
    """`table`: name to facts."""
    out = [HEAD]
    for name in sorted(table):
        out.append(f"\n[providers.{key(name)}]\n")
        out.extend(f"{k} = {value(v)}\n" for k, v in table[name].items() if v is not None)
    return "".join(out)


def models(table):
    """`table`: slug to facts."""
    out = [HEAD]
    for slug in sorted(table):
        out.append(f"\n[models.{key(slug)}]\n")
        out.extend(f"{k} = {value(v)}\n" for k, v in table[slug].items() if v not in (None, []))
    return "".join(out)


def offers(provider, endpoints, own_models):
    """One provider's endpoints, each under its model."""
    out = [HEAD]
    for slug in sorted(endpoints):
        if slug in own_models:
            out.append(f"\n[models.{key(slug)}]\n")
            facts = own_models[slug].items()
            out.extend(f"{k} = {value(v)}\n" for k, v in facts if v not in (None, []))
        for endpoint in sorted(endpoints[slug], key=lambda it: it["model"]):
            out.append(f"\n[[models.{key(slug)}.endpoints]]\nprovider = {value(provider)}\n")
            if endpoint["model"] == slug.split("/", 1)[1]:
                endpoint = {k: v for k, v in endpoint.items() if k != "model"}
            out.extend(f"{k} = {value(v)}\n" for k, v in endpoint.items() if v not in (None, []))
    return "".join(out)


def price(found):
    """A price as the reader takes it."""
    if found is None:
        return None
    table = rates(found.rates)
    if found.request:
        table["request"] = found.request
    if found.meters:
        table["meters"] = dict(sorted(found.meters.items()))
    if found.tiers:
        table["tiers"] = [{"above_prompt_tokens": above, **rates(r)} for above, r in found.tiers]
    return table


def rates(found):
    return {name: rate for name, rate in found.items() if rate is not None}


def key(name):
    bare = name and all(c.isascii() and (c.isalnum() or c in "-_") for c in name)
    return name if bare else value(name)


def value(it):
    if isinstance(it, bool):
        return "true" if it else "false"
    if isinstance(it, int):
        return str(it)
    if isinstance(it, str):
        # TOML's basic strings are JSON's, but for DEL.
        return json.dumps(it, ensure_ascii=False)
    if isinstance(it, list):
        return "[" + ", ".join(value(v) for v in it) + "]"
    if isinstance(it, dict):
        return "{ " + ", ".join(f"{key(k)} = {value(v)}" for k, v in it.items()) + " }"
    if hasattr(it, "isoformat"):
        return it.isoformat()
    return format(it, "f")
