"""From merged content to a specification, with every problem found on the way."""

from typing import Any

from pydantic import ValidationError

from itb_bayes.errors import ModelError
from itb_bayes.spec.model import FORMAT, Header, ModelSpec
from itb_bayes.spec.overlay import HEADER, MergedModel
from itb_bayes.spec.priors import PriorSpec, ResolvedPrior, resolve_prior, statement_faults
from itb_bayes.spec.problems import InvalidModel, KeyPath, did_you_mean, toml_text
from itb_bayes.spec.registry import Kind, PriorNeed, Terms, kind_named, kind_names
from itb_bayes.spec.translate import report_validation, unknown_key

_POSITIVE = ("lognormal", "halfnormal", "gamma", "exponential")
_SUPPORT = {"real": ("normal",), "positive": _POSITIVE, "unit": ("beta",)}


def build_spec(merged: MergedModel) -> ModelSpec:
    """Validate merged content and resolve its priors.

    Raises
    ------
    InvalidModel
        With every problem of the content.
    """
    header = _check_header(merged)
    kind = _check_kind(merged)
    terms = _check_terms(merged, kind) if kind else {}
    stated = _check_priors(merged, kind)
    if kind:
        _check_needs(merged, kind, terms, stated)
    resolved = _resolve(merged, kind, stated)
    if merged.problems or kind is None or header is None:
        raise InvalidModel(merged.sorted_problems())
    valid = {name: prior for name, prior in stated.items() if prior is not None}
    return kind.spec_class(
        **dict(header),
        **terms,
        extends=tuple(source.label for source in merged.chain[1:]),
        priors=valid,
        resolved_priors=resolved,
    )


def _check_header(merged: MergedModel) -> Header | None:
    values = {key: merged.data[key] for key in HEADER if key in merged.data}
    stated = values.get("format")
    if stated is not None and (stated is True or stated != FORMAT):
        message = f"this version reads format {FORMAT}, not {toml_text(stated)}"
        merged.add(("format",), message)
        values["format"] = FORMAT
    try:
        return Header.model_validate(values)
    except ValidationError as error:
        # A missing name or format was noted when the files were merged; kind has its own check.
        noted = {("format",), ("name",)} - {(key,) for key in values}
        report_validation(merged, (), error, Header, skip=noted | {("kind",)})
        return None


def _check_kind(merged: MergedModel) -> Kind | None:
    if "kind" not in merged.data:
        merged.add(("kind",), 'is missing; for example kind = "drift"')
        return None
    name = merged.data["kind"]
    try:
        kind = kind_named(name)
    except ModelError:
        hint = did_you_mean(name, kind_names())
        merged.add(("kind",), f"unknown kind of model {toml_text(name)}{hint}")
        return None
    allowed = [*HEADER, "extends", "remove", *kind.spec_class.term_names(), "priors"]
    for key in merged.data:
        if key not in allowed:
            merged.add((key,), unknown_key(key, allowed))
    return kind


def _check_terms(merged: MergedModel, kind: Kind) -> Terms:
    terms: Terms = {}
    for name in kind.spec_class.term_names():
        term_class: Any = kind.spec_class.model_fields[name].annotation
        if name not in merged.data:
            keys = ", ".join(term_class.model_fields)
            message = f"the table [{name}] is missing; it holds {keys}"
            merged.add_missing((name,), message, ("kind",))
            continue
        try:
            terms[name] = term_class.model_validate(merged.data[name])
        except ValidationError as error:
            report_validation(merged, (name,), error, term_class)
    for path, message in kind.rules(terms):
        merged.add(path, message)
    return terms


def _check_priors(merged: MergedModel, kind: Kind | None) -> dict[str, PriorSpec | None]:
    """Return every stated prior by name; None for one with problems."""
    tables = merged.data.get("priors", {})
    if not isinstance(tables, dict):
        merged.add(("priors",), "must hold one table per prior: [priors.level]")
        return {}
    stated: dict[str, PriorSpec | None] = {}
    for name, table in tables.items():
        path: KeyPath = ("priors", name)
        need = kind.need(name) if kind else None
        stated[name] = None
        if kind and need is None:
            known = [need.name for need in kind.needs]
            merged.add(path, f"unknown prior{did_you_mean(name, known)}")
            continue
        try:
            prior = PriorSpec.model_validate(table)
        except ValidationError as error:
            report_validation(merged, path, error, PriorSpec)
            continue
        faults = [*statement_faults(prior), *(_need_faults(prior, need) if need else [])]
        for key, message in faults:
            merged.add((*path, *key), message)
        stated[name] = None if faults else prior
    return stated


def _need_faults(prior: PriorSpec, need: PriorNeed) -> list[tuple[KeyPath, str]]:
    faults: list[tuple[KeyPath, str]] = []
    if prior.by and not need.by_diagnosis:
        faults.append((("by",), f"{need.name} is one value for all diagnoses"))
    statements: list[tuple[KeyPath, PriorSpec]] = [((), prior)]
    statements += [(("by", who), item) for who, item in prior.by.items()]
    for path, item in statements:
        allowed = _SUPPORT["real" if item.unit in ("ug/day", "ratio") else need.support]
        family = "normal" if item.unit in ("ug/day", "ratio") else item.family
        if item.unit != need.unit:
            message = f"{need.name} is stated in {need.unit!r}, not in {toml_text(item.unit)}"
            faults.append(((*path, "unit"), message))
        elif family not in allowed:
            message = f"{need.name} needs one of: {', '.join(allowed)}"
            faults.append(((*path, "family"), message))
    return faults


def _check_needs(
    merged: MergedModel, kind: Kind, terms: Terms, stated: dict[str, PriorSpec | None]
) -> None:
    for need in kind.needs:
        needed = need.is_needed(terms)
        path = ("priors", need.name)
        setting = ""
        if need.at and need.at[0] in terms:
            value = getattr(terms[need.at[0]], need.at[1])
            shown = toml_text(list(value) if isinstance(value, tuple) else value)
            setting = f"{'.'.join(need.at)} = {shown}"
        if needed is True and need.name not in stated:
            reason = f"{setting} needs it" if setting else f"every {kind.name} model needs it"
            message = f"the prior is missing: {reason} ({need.meaning}, in {need.unit!r})"
            merged.add_missing(path, message, need.at or ("kind",))
        elif needed is False and need.name in stated:
            message = (
                f"the prior is not used: {setting} does not need it; take the table out, or in "
                f'a file that extends another say remove = ["priors.{need.name}"]'
            )
            merged.add(path, message)


def _resolve(
    merged: MergedModel, kind: Kind | None, stated: dict[str, PriorSpec | None]
) -> dict[str, ResolvedPrior]:
    if merged.problems or kind is None:
        return {}
    order = [need.name for need in kind.needs]
    valid = {name: prior for name, prior in stated.items() if prior is not None}
    return {name: resolve_prior(name, valid[name]) for name in order if name in valid}
