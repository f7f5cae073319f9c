"""The tables of a complications fit: pooled rates, a new centre, and every study."""

from dataclasses import dataclass

import numpy as np

from itb_bayes.inference.complications_fitted import ComplicationsFit
from itb_bayes.risk.interval import Interval

PER_YEARS = 100.0
"""Rates are shown per 100 patient-years."""


@dataclass(frozen=True)
class RateRow:
    """One line of the table of rates.

    Attributes
    ----------
    complication : str
    where : str
        ``typical centre``, ``new centre``, ``spread between centres`` or a study.
    events : str
        Count, or the range of counts that agree with what is printed; for pooled rows, the sum.
    patient_years : float
    crude : float or None
        Events per 100 patient-years without any model (middle of the range of counts).
    unit : str
    interval : Interval
        Of the posterior; for the new centre, of the prediction.
    """

    complication: str
    where: str
    events: str
    patient_years: float
    crude: float | None
    unit: str
    interval: Interval


def complications_table(fit: ComplicationsFit) -> tuple[RateRow, ...]:
    """Return pooled rates, the prediction for a new centre, and the rate of every study."""
    return tuple(row for name in fit.plan.complications for row in _rows(fit, name))


def _rows(fit: ComplicationsFit, name: str) -> list[RateRow]:
    plan, counts = fit.plan, fit.plan.of(name)
    unit = "per 100 patient-years"
    low, high = int(counts.low.sum()), int(counts.high.sum())
    years = float(counts.patient_years.sum())
    pooled = (_range(low, high), years)
    crude = PER_YEARS * 0.5 * (low + high) / years
    typical = PER_YEARS * fit.typical.sel(complication=name).to_numpy()
    new = PER_YEARS * fit.new_centre.sel(complication=name).to_numpy()
    factor = np.exp(fit.posterior["between_sd"].sel(complication=name).to_numpy())
    rows = [
        RateRow(name, "typical centre", *pooled, crude, unit, Interval.of(typical)),
        RateRow(name, "new centre", *pooled, None, unit, Interval.of(new)),
        RateRow(name, "spread between centres", *pooled, None, "factor (1 SD)",
                Interval.of(factor)),
    ]  # fmt: skip
    rate = fit.posterior["rate"]
    for k in np.flatnonzero(plan.complication_index == plan.complications.index(name)):
        low, high = int(plan.counts.low[k]), int(plan.counts.high[k])
        years = float(plan.counts.patient_years[k])
        draws = PER_YEARS * rate.isel(cell=int(k)).to_numpy()
        rows.append(
            RateRow(name, plan.studies[plan.study_index[k]], _range(low, high), years,
                    PER_YEARS * 0.5 * (low + high) / years, unit, Interval.of(draws))
        )  # fmt: skip
    return rows


def _range(low: int, high: int) -> str:
    return str(low) if low == high else f"{low}-{high}"


@dataclass(frozen=True)
class HazardPrior:
    """The prediction for a new centre, as a prior that a model file can state.

    Attributes
    ----------
    complication : str
    low, median, high : float
        The 5, 50 and 95 % quantiles, per patient-year.
    mu, sigma : float
        Of the lognormal with that 90 % interval.
    """

    complication: str
    low: float
    median: float
    high: float
    mu: float
    sigma: float


def hazard_priors(fit: ComplicationsFit) -> tuple[HazardPrior, ...]:
    """Return the prediction for a new centre as lognormal priors."""
    found = []
    for name in fit.plan.complications:
        interval = Interval.of(fit.new_centre.sel(complication=name).to_numpy())
        low, high = interval.q05, interval.q95
        mu, half = 0.5 * (np.log(low) + np.log(high)), 0.5 * (np.log(high) - np.log(low))
        found.append(
            HazardPrior(
                name, low, interval.median, high, float(mu), float(half / 1.6448536269514722)
            )
        )
    return tuple(found)
