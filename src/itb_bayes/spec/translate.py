"""Turning pydantic's findings into problems a clinic's statistician can act on."""

from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from itb_bayes.spec.overlay import MergedModel
from itb_bayes.spec.problems import KeyPath, did_you_mean, toml_text

_SAMPLER = ("draws", "tune", "chains", "cores", "seed", "target_accept", "sampler", "profile")
_DATA = ("cohort", "data", "file", "path", "folder")
_PATTERNS = {
    "name": 'must be lower-case letters, digits, "-" or "_", starting with a letter',
    "version": 'must be numbers with dots, for example "1.0"',
}
_WANTED = {
    "string_type": "text in quotes",
    "float_type": "a number",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "dict_type": "a table",
    "model_type": "a table",
    "model_attributes_type": "a table",
    "finite_number": "a finite number",
}


def report_validation(
    merged: MergedModel,
    path: KeyPath,
    error: ValidationError,
    model: type[BaseModel],
    skip: set[tuple[str, ...]] | None = None,
) -> None:
    """Note every finding of a validation as a problem.

    Parameters
    ----------
    merged : MergedModel
        Takes the problems.
    path : tuple
        Key path of what was validated.
    error : ValidationError
        What pydantic found.
    model : type of BaseModel
        What it was validated as; names the allowed keys.
    skip : set of tuple, optional
        Key paths below ``path`` that are reported elsewhere.
    """
    for finding in error.errors(include_url=False):
        if finding["loc"] in (skip or ()):
            continue
        here: KeyPath = (*path, *finding["loc"])
        if finding["type"] == "missing":
            merged.add_missing(here, "is missing", here[:-1] or ("kind",))
        else:
            merged.add(here, _message(here, finding, model))


def unknown_key(key: object, allowed: list[str]) -> str:
    """Return what to say about a key that does not exist."""
    if key in _SAMPLER:
        return "sampler settings belong on the command line, not in a model file"
    if key in _DATA:
        return "data belong on the command line, not in a model file"
    return f"unknown key{did_you_mean(key, allowed)}"


def _message(path: KeyPath, finding: ErrorDetails, model: type[BaseModel]) -> str:
    kind, value = finding["type"], finding["input"]
    context: dict[str, Any] = finding.get("ctx", {})
    if kind == "extra_forbidden":
        return unknown_key(path[-1], list(model.model_fields))
    if kind == "literal_error":
        words = context["expected"].replace(" or ", ", ").split(",")
        allowed = [word.strip(" '") for word in words]
        return f"unknown value {toml_text(value)}; allowed: {', '.join(allowed)}"
    if kind == "value_error":
        return f"{context['error']}"
    if kind == "string_too_short":
        return "must not be empty"
    if kind == "string_pattern_mismatch":
        return f"{_PATTERNS[str(path[-1])]}, not {toml_text(value)}"
    if kind in _WANTED:
        return f"must be {_WANTED[kind]}, not {toml_text(value)}"
    return finding["msg"][:1].lower() + finding["msg"][1:]
