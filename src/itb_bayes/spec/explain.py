"""A model in words: equations, priors in clinical units, and the data each term needs."""

import math
import textwrap
from dataclasses import asdict, dataclass
from typing import Any

from itb_bayes.spec.model import ModelSpec
from itb_bayes.spec.priors import ResolvedPrior
from itb_bayes.spec.registry import Equation, PriorNeed, TermNote, kind_named
from itb_bayes.spec.units import UNITS

MASS = 0.9
"""Mass of the intervals shown: from the 5 % to the 95 % quantile."""

_WIDTH = 100


@dataclass(frozen=True)
class Explanation:
    """A model explained.

    Attributes
    ----------
    text : str
        For people.
    data : dict
        The same for machines, of plain JSON values.
    """

    text: str
    data: dict[str, Any]


def explain(spec: ModelSpec) -> Explanation:
    """Explain a model: its equations, what each prior implies, what each term needs.

    Parameters
    ----------
    spec : ModelSpec
        The model.

    Returns
    -------
    Explanation
        Priors as the interval from the 5 % to the 95 % quantile in clinical units.
    """
    kind = kind_named(spec.kind)
    equations, notes = kind.equations(spec), kind.notes(spec)
    needs = {need.name: need for need in kind.needs}
    priors = [_prior_data(prior, needs[name]) for name, prior in spec.resolved_priors.items()]
    data = {
        "name": spec.name,
        "version": spec.version,
        "kind": spec.kind,
        "title": spec.title,
        "summary": spec.summary.strip(),
        "extends": list(spec.extends),
        "digest": spec.digest,
        "equations": [asdict(equation) for equation in equations],
        "terms": [asdict(note) for note in notes],
        "priors": priors,
    }
    return Explanation(text=_text(spec, equations, notes, priors), data=data)


def interval_text(prior: ResolvedPrior) -> str:
    """Return the interval from the 5 % to the 95 % quantile in clinical units."""
    low, high = prior.interval(MASS)
    return f"{show(low)} to {show(high)} {UNITS[prior.unit].symbol}"


def show(value: float) -> str:
    """Return a number with about three digits, without exponent where that reads well."""
    size = abs(value)
    if size < 1e-6:
        return "0"
    if size < 1e-3 or size >= 1e6:
        return f"{value:.2g}"
    digits = 0 if size >= 99.5 else 1 if size >= 9.95 else 2 if size >= 0.995 else 3
    text = f"{value:.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _prior_data(prior: ResolvedPrior, need: PriorNeed) -> dict[str, Any]:
    return {
        "name": need.name,
        "symbol": need.symbol,
        "meaning": need.meaning,
        "model_unit": UNITS[prior.unit].model_unit,
        **_numbers(prior, need),
        "by": {who: _numbers(item, need) for who, item in prior.by.items()},
    }


def _numbers(prior: ResolvedPrior, need: PriorNeed) -> dict[str, Any]:
    low, high = prior.interval(MASS)
    text = interval_text(prior)
    if need.as_ratio:
        text += f": a factor of {show(math.exp(low))} to {show(math.exp(high))}"
    return {
        "unit": prior.unit,
        "statement": prior.text,
        "interval": {"low": low, "high": high, "mass": MASS, "text": text},
        "family": prior.family,
        "params": dict(prior.params),
        "source": prior.source,
        "why": prior.why,
    }


def _text(
    spec: ModelSpec,
    equations: tuple[Equation, ...],
    notes: tuple[TermNote, ...],
    priors: list[dict[str, Any]],
) -> str:
    lines = [f"{spec.name} {spec.version}: {spec.title}", f"digest {spec.digest}"]
    if spec.extends:
        lines.append(f"extends {' -> '.join(spec.extends)}")
    if spec.summary.strip():
        lines += ["", *_wrapped(" ".join(spec.summary.split()), "")]
    lines += ["", "EQUATIONS"]
    for equation in equations:
        lines += [f"  {equation.formula}", *_wrapped(equation.words, "      ")]
    lines += ["", "TERMS"]
    for note in notes:
        lines += _wrapped(f"[{note.term}] {note.setting}", "  ")
        lines += _wrapped(note.meaning, "      ")
        lines += _wrapped(f"Needs: {note.needs}.", "      ")
    lines += ["", "PRIORS (interval: 5 % to 95 %)"]
    for prior in priors:
        lines += _prior_lines(prior)
    return "\n".join(lines) + "\n"


def _prior_lines(prior: dict[str, Any]) -> list[str]:
    lines = _wrapped(f"{prior['symbol']}  {prior['name']}: {prior['meaning']}", "  ")
    lines += _statement_lines(prior, "      ")
    for who, item in prior["by"].items():
        lines += [f"      {who} only:", *_statement_lines(item, "          ")]
    return lines


def _statement_lines(item: dict[str, Any], indent: str) -> list[str]:
    params = ", ".join(f"{name} = {value:.4g}" for name, value in item["params"].items())
    return [
        f"{indent}{item['interval']['text']}",
        *_wrapped(f"stated: {item['statement']}; model scale: {item['family']}({params})", indent),
        *_wrapped(f"source: {item['source']}", indent),
        *_wrapped(f"why: {item['why']}", indent),
    ]


def _wrapped(text: str, indent: str) -> list[str]:
    return textwrap.wrap(
        text, width=_WIDTH, initial_indent=indent, subsequent_indent=indent, break_long_words=False
    )
