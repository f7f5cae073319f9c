"""Priors: as stated in a model file, and as resolved on the model scale."""

from __future__ import annotations

import math
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from itb_bayes.errors import ModelError
from itb_bayes.spec.base import DIAGNOSES, Strict, Text
from itb_bayes.spec.families import FAMILIES
from itb_bayes.spec.problems import KeyPath, did_you_mean
from itb_bayes.spec.units import UNITS, Unit

DIGITS = 10
"""Resolved numbers keep this many significant digits, so that digests agree across machines."""

_BIGGEST = 1e12

Fault = tuple[KeyPath, str]


def _is_number(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return -_BIGGEST <= value <= _BIGGEST  # False for NaN too


def _check_params(value: Any) -> dict[str, float]:
    if not isinstance(value, dict) or not all(map(_is_number, value.values())):
        raise ValueError("must be a table of numbers, for example { mean = 0.0, sd = 1.0 }")
    return {str(key): float(item) for key, item in value.items()}


def _check_interval(value: Any) -> tuple[float, float]:
    if not isinstance(value, list | tuple) or len(value) != 2 or not all(map(_is_number, value)):
        raise ValueError("must be two numbers, for example [80, 450]")
    return float(value[0]), float(value[1])


def _check_mass(value: Any) -> float:
    if not _is_number(value) or not 0.0 < value < 1.0:
        raise ValueError("must be a probability between 0 and 1, for example 0.9")
    return float(value)


class PriorSpec(Strict):
    """A prior as stated in clinical units: by parameters, or by a central interval.

    Attributes
    ----------
    unit, family : str
        Names of `itb_bayes.spec.units.UNITS` and `itb_bayes.spec.families.FAMILIES`.
    params : dict or None
        Parameters of the family, in the unit (of the logarithm, for a lognormal).
    interval : tuple of float or None
        Ends of the central interval, in the unit.
    mass : float or None
        Probability of the interval.
    source, why : str
        Where the numbers come from, and why they were chosen.
    by : dict
        Priors of single diagnoses, where they differ.
    """

    unit: Text
    family: Text
    params: Annotated[dict[str, float], BeforeValidator(_check_params)] | None = None
    interval: Annotated[tuple[float, float], BeforeValidator(_check_interval)] | None = None
    mass: Annotated[float, BeforeValidator(_check_mass)] | None = None
    source: Text
    why: Text
    by: dict[str, PriorSpec] = Field(default_factory=dict)


class ResolvedPrior(Strict):
    """A prior on the scale of the model.

    Attributes
    ----------
    name : str
        Name of the prior.
    family : str
        Family on the model scale (a lognormal dose is ``normal`` on log µg/day).
    params : dict
        Its parameters: normal (mean, sd), lognormal (mu, sigma of the log), halfnormal (sd),
        beta (alpha, beta), gamma (shape, rate), exponential (rate).
    unit : str
        The clinical unit it was stated in.
    source, why : str
        As in the model file.
    text : str
        The statement in clinical units, for people.
    by : dict
        The same for single diagnoses, where they differ.
    """

    name: str
    family: str
    params: dict[str, float]
    unit: str
    source: str
    why: str
    text: str
    by: dict[str, ResolvedPrior] = Field(default_factory=dict)

    def quantile(self, probability: float) -> float:
        """Return a quantile on the model scale."""
        return FAMILIES[self.family].quantile(self.params, probability)

    def interval(self, mass: float = 0.9) -> tuple[float, float]:
        """Return the central interval of a mass in the clinical unit."""
        unit, tail = UNITS[self.unit], (1.0 - mass) / 2.0
        return (
            unit.to_clinical(self.quantile(tail)),
            unit.to_clinical(self.quantile(1.0 - tail)),
        )

    def numbers(self) -> dict[str, Any]:
        """Return what decides the density: family and parameters, also by diagnosis."""
        by = {name: prior.numbers() for name, prior in sorted(self.by.items())}
        return {"family": self.family, "params": dict(sorted(self.params.items())), "by": by}


def resolve_prior(name: str, prior: PriorSpec) -> ResolvedPrior:
    """Turn a stated prior into one on the model scale.

    Parameters
    ----------
    name : str
        Name of the prior.
    prior : PriorSpec
        As stated.

    Returns
    -------
    ResolvedPrior
        Parameters rounded to ten significant digits.

    Raises
    ------
    ModelError
        When the statement makes no distribution; the message names every fault.
    """
    faults = statement_faults(prior)
    if faults:
        listing = "; ".join(f"{'.'.join(map(str, path))} {message}" for path, message in faults)
        raise ModelError(f"prior {name!r}: {listing}")
    return ResolvedPrior(
        name=name,
        family=UNITS[prior.unit].model_family(prior.family),
        params=_model_params(prior),
        unit=prior.unit,
        source=prior.source,
        why=prior.why,
        text=_statement_text(prior),
        by={who: resolve_prior(f"{name}.by.{who}", item) for who, item in prior.by.items()},
    )


def statement_faults(prior: PriorSpec) -> list[Fault]:
    """Return what is wrong with a stated prior: key path within the prior, and message."""
    faults: list[Fault] = []
    unit = UNITS.get(prior.unit)
    if unit is None:
        faults.append((("unit",), f"unknown{did_you_mean(prior.unit, list(UNITS))}"))
    elif prior.family not in unit.families:
        allowed = ", ".join(unit.families)
        message = f"{prior.family!r} cannot be stated in {prior.unit!r}; allowed: {allowed}"
        faults.append((("family",), message))
    else:
        faults.extend(_number_faults(prior, unit))
    for who, item in prior.by.items():
        if who not in DIAGNOSES:
            message = f"unknown diagnosis {who!r}{did_you_mean(who, DIAGNOSES)}"
            faults.append((("by", who), message))
        if item.by:
            faults.append((("by", who, "by"), "a prior of one diagnosis cannot be split further"))
        else:
            faults.extend((("by", who, *path), text) for path, text in statement_faults(item))
    return faults


def _number_faults(prior: PriorSpec, unit: Unit) -> list[Fault]:
    if prior.params is not None and (prior.interval is not None or prior.mass is not None):
        return [(("params",), "give either params, or interval and mass, not both")]
    if prior.params is not None:
        return _params_faults(prior.family, prior.params, unit)
    if prior.interval is None or prior.mass is None:
        gap = "interval" if prior.interval is None else "mass"
        if prior.interval is None and prior.mass is None:
            names = ", ".join(FAMILIES[prior.family].params)
            return [((), f"needs either params ({names}), or interval and mass")]
        return [((), f"needs {gap!r} beside {'mass' if gap == 'interval' else 'interval'!r}")]
    return _interval_faults(prior, unit, *prior.interval)


def _params_faults(family_name: str, params: dict[str, float], unit: Unit) -> list[Fault]:
    family = FAMILIES[family_name]
    faults: list[Fault] = []
    for name in params:
        if name not in family.params:
            hint = did_you_mean(name, family.params)
            faults.append((("params", name), f"is no parameter of {family_name!r}{hint}"))
    for name in family.params:
        if name not in params:
            faults.append((("params",), f"lacks {name!r}, which {family_name!r} needs"))
        elif name in family.positive and params[name] < 1e-9:
            faults.append((("params", name), "must be greater than 0"))
    if unit.scale == "log_percent" and params.get("mean", 0.0) <= -100.0:
        faults.append((("params", "mean"), "a change of -100 % or below does not exist"))
    return faults


def _interval_faults(prior: PriorSpec, unit: Unit, low: float, high: float) -> list[Fault]:
    family = FAMILIES[prior.family]
    here: KeyPath = ("interval",)
    if not low < high:
        return [(here, f"must rise from low to high, but {low:g} is not below {high:g}")]
    if family.support == "half" and low != 0.0:
        return [(here, f"of {prior.family!r} must start at 0; it is not central")]
    if family.support == "half":
        low = high / 2.0
    if family.support == "positive" and low <= 0.0:
        return [(here, f"of {prior.family!r} must lie above 0")]
    if low <= unit.low or high >= unit.high:
        bounds = f"above {unit.low:g}" + (f" and below {unit.high:g}" if unit.high < 1e9 else "")
        return [(here, f"in {prior.unit!r} must lie {bounds}")]
    try:
        params = _model_params(prior)
    except (ValueError, OverflowError, ZeroDivisionError):  # no root, or beyond floating point
        params = {}
    positive = FAMILIES[unit.model_family(prior.family)].positive
    usable = all(params.get(key, 0.0) > 0.0 for key in positive)
    if not usable or not all(map(math.isfinite, params.values())):
        return [(here, f"no {prior.family!r} has mass {prior.mass:g} in this interval")]
    return []


def _model_params(prior: PriorSpec) -> dict[str, float]:
    unit = UNITS[prior.unit]
    if prior.interval is not None and prior.mass is not None:
        low, high = prior.interval
        family = FAMILIES[unit.model_family(prior.family)]
        params = family.solve(unit.to_model(low), unit.to_model(high), prior.mass)
    else:
        params = _transform_params(prior.params or {}, unit)
    return {name: float(f"{value:.{DIGITS}g}") for name, value in params.items()}


def _transform_params(params: dict[str, float], unit: Unit) -> dict[str, float]:
    match unit.scale:
        case "log":
            return {"mean": params["mu"], "sd": params["sigma"]}
        case "log_percent":
            return {"mean": unit.to_model(params["mean"]), "sd": params["sd"] / 100.0}
        case "divide":
            moves = {
                "mu": lambda x: x - math.log(unit.factor),
                "sd": lambda x: x / unit.factor,
                "rate": lambda x: x * unit.factor,
            }
            return {k: moves[k](v) if k in moves else v for k, v in params.items()}
        case _:
            return dict(params)


def _statement_text(prior: PriorSpec) -> str:
    symbol = UNITS[prior.unit].symbol
    if prior.interval is not None and prior.mass is not None:
        low, high = prior.interval
        return f"{prior.family}, {100 * prior.mass:g} % between {low:g} and {high:g} {symbol}"
    numbers = ", ".join(f"{name} = {value:g}" for name, value in (prior.params or {}).items())
    return f"{prior.family}({numbers}) {symbol}"
