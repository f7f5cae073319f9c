"""Writing a resolved specification as one model file that extends no other."""

import json
from typing import Any

from itb_bayes.spec.model import ModelSpec
from itb_bayes.spec.priors import PriorSpec


def model_toml(spec: ModelSpec) -> str:
    """Return a model as the text of one TOML file; loading it gives the same digest.

    Parameters
    ----------
    spec : ModelSpec
        The model, perhaps put together from several files.

    Returns
    -------
    str
        With Unix line ends, in the order: header, terms, priors.
    """
    lines = [
        f"{key} = {_value(getattr(spec, key))}"
        for key in ("format", "name", "kind", "version", "title", "summary")
        if getattr(spec, key) != ""
    ]
    for term, settings in spec.terms().items():
        lines += ["", f"[{term}]", *(f"{key} = {_value(item)}" for key, item in settings.items())]
    for name in spec.resolved_priors:
        lines += _prior_lines(f"priors.{name}", spec.priors[name])
    return "\n".join(lines) + "\n"


def _prior_lines(table: str, prior: PriorSpec) -> list[str]:
    stated = prior.model_dump(mode="json", exclude_none=True, exclude={"by"})
    lines = ["", f"[{table}]", *(f"{key} = {_value(item)}" for key, item in stated.items())]
    for who, item in prior.by.items():
        lines += _prior_lines(f"{table}.by.{who}", item)
    return lines


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_value(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    if isinstance(value, str):
        # JSON escapes are TOML escapes; DEL is the one control character JSON leaves alone.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return repr(value)
