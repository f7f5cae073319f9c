"""The table a statistician wants from a drift fit: drift, ratios and contrasts with intervals."""

from dataclasses import dataclass

import numpy as np

from itb_bayes.inference.fitted import Fit
from itb_bayes.risk.interval import Interval


@dataclass(frozen=True)
class EstimandRow:
    """One line of the population table.

    Attributes
    ----------
    quantity : str
        What it is, in words.
    group : str
        Diagnosis, or a difference such as ``MS - SCI``.
    n_patient : int
        Patients of the diagnosis in the fit (for a contrast, of both).
    unit : str
    interval : Interval
    p_above_zero : float or None
        Posterior probability that a difference is positive; None for what is not a difference.
    """

    quantity: str
    group: str
    n_patient: int
    unit: str
    interval: Interval
    p_above_zero: float | None = None


def population_table(fit: Fit) -> tuple[EstimandRow, ...]:
    """Return the population estimands of a drift fit; see :func:`drift_estimands`.

    Ratios are contrasted for the first pair only (MS and SCI, where a cohort has both).
    """
    estimands, plan = fit.estimands, fit.plan
    counts = dict(zip(plan.diagnoses, np.bincount(plan.diagnosis_index), strict=True))
    last = plan.series.t_years[plan.series.offsets[1:] - 1]
    longest = {
        group: last[plan.diagnosis_index == d].max() for d, group in enumerate(plan.diagnoses)
    }
    rows = []
    for name, quantity, unit in (
        ("dose_year1_ug", "typical dose at year 1", "µg/day"),
        ("drift_percent", "drift of the typical patient", "%/year"),
    ):
        for group in plan.diagnoses:
            draws = estimands[name].sel(diagnosis=group).to_numpy()
            rows.append(EstimandRow(quantity, group, int(counts[group]), unit, Interval.of(draws)))
    for year in estimands["year"].to_numpy():
        for group in plan.diagnoses:
            draws = estimands["ratio_mean"].sel(diagnosis=group, year=year).to_numpy()
            quantity = f"mean of patients' ratios, year {year:g} to year 1"
            if year > longest[group]:
                quantity += " (beyond follow-up)"
            rows.append(EstimandRow(quantity, group, int(counts[group]), "%", Interval.of(draws)))
    for k, pair in enumerate(estimands["contrast"].to_numpy()):
        n = sum(int(counts[group]) for group in str(pair).split(" - "))
        draws = estimands["drift_contrast_percent"].sel(contrast=pair).to_numpy()
        rows.append(_contrast("difference in drift", str(pair), n, "%/year", draws))
        for year in estimands["year"].to_numpy() if k == 0 else ():
            draws = estimands["ratio_contrast"].sel(contrast=pair, year=year).to_numpy()
            quantity = f"difference in mean ratio at year {year:g}"
            rows.append(_contrast(quantity, str(pair), n, "% points", draws))
    return tuple(rows)


def _contrast(quantity: str, pair: str, n: int, unit: str, draws: np.ndarray) -> EstimandRow:
    return EstimandRow(quantity, pair, n, unit, Interval.of(draws), float((draws > 0).mean()))
