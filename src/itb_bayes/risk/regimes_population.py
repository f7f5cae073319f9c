"""The population table of a regimes fit: every sampled quantity beside its prior."""

from dataclasses import astuple, dataclass

import numpy as np

from itb_bayes.inference.regimes_fitted import RegimesFit
from itb_bayes.risk.interval import Interval
from itb_bayes.spec.registry import kind_named
from itb_bayes.spec.units import UNITS

_SAMPLE = ("chain", "draw")


@dataclass(frozen=True)
class RegimesRow:
    """One line of the population table of a regimes fit.

    Attributes
    ----------
    quantity : str
        Name of the prior.
    meaning : str
        What it is, in words.
    group : str
        Diagnosis or centre; ``all`` where there is one value.
    unit : str
        Clinical unit, as the prior is stated.
    interval : Interval
        Of the posterior.
    prior_low, prior_high : float
        The 5 and 95 % quantiles of the prior.
    """

    quantity: str
    meaning: str
    group: str
    unit: str
    interval: Interval
    prior_low: float
    prior_high: float


def regimes_table(fit: RegimesFit) -> tuple[RegimesRow, ...]:
    """Return posterior and prior of every sampled quantity, in clinical units."""
    posterior, kind = fit.posterior, kind_named(fit.spec.kind)
    rows = []
    for name, prior in fit.spec.resolved_priors.items():
        need = kind.need(name)
        if name not in posterior or need is None:
            continue
        array = posterior[name]
        dim = next((str(d) for d in array.dims if d not in _SAMPLE), None)
        groups = ["all"] if dim is None else [str(label) for label in array[dim].to_numpy()]
        for group in groups:
            own = prior.by.get(group, prior) if need.by_diagnosis else prior
            draws = array.to_numpy() if dim is None else array.sel({dim: group}).to_numpy()
            unit = UNITS[own.unit]
            # Every unit rises with the model scale, so quantiles may be turned one by one.
            ends = (unit.to_clinical(q) for q in astuple(Interval.of(np.asarray(draws))))
            low, high = own.interval()
            rows.append(
                RegimesRow(name, need.meaning, group, unit.symbol, Interval(*ends), low, high)
            )
    return tuple(rows)
