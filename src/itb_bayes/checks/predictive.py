"""Posterior predictive checks: the fitted design, new patients from the population."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from itb_bayes.checks.design import YearDesign
from itb_bayes.checks.replicates import replicate_log_doses, thin_population
from itb_bayes.checks.result import CheckResult
from itb_bayes.checks.statistics import (
    MINIMUM_PATIENTS,
    MINIMUM_READINGS,
    UNCHANGED,
    Statistic,
    change_statistics,
    level_statistics,
    persistence_statistics,
)
from itb_bayes.inference.population import PopulationDraws
from itb_bayes.model.plan import DriftPlan

Array = NDArray[np.float64]

N_REPLICATE = 500
ALARM = 0.01
"""Joint probability below which a set of statistics fails."""

BAND = (0.05, 0.25, 0.5, 0.75, 0.95)
COLUMNS = (
    *("statistic", "unit", "observed", "q05", "median", "q95"),
    *("tail_probability", "judged"),
)
CRITERION = (
    "passes if at least 1 % of the replicated cohorts have some judged statistic as far from the "
    "replicates' median as the farthest observed one (distance in units of the half of the 90 % "
    "predictive interval on that side), so that many statistics do not make a false alarm likely"
)


def predictive_checks(
    plan: DriftPlan, population: PopulationDraws, seed: int
) -> tuple[CheckResult, ...]:
    """Check doses, yearly changes and persistence against replicated cohorts.

    Parameters
    ----------
    plan : DriftPlan
        Design and observed doses.
    population : PopulationDraws
        Posterior draws; at most 500 evenly spaced ones are used, one cohort each.
    seed : int
    """
    design = YearDesign.of(plan)
    replicated = replicate_log_doses(plan, thin_population(population, N_REPLICATE), seed)
    stacked = np.concatenate([plan.panel.y[None, :], replicated])
    return (
        compare(
            "predictive-levels",
            "Would new patients of these diagnoses have doses like those observed?",
            level_statistics(stacked, design),
            f"no diagnosis has {MINIMUM_PATIENTS} patients followed to year 1",
            figure="bands",
            plot=dose_bands(replicated, design, plan.panel.y),
        ),
        compare(
            "predictive-changes",
            "Would new patients' doses change from year to year as the observed ones did?",
            change_statistics(stacked, design),
            f"fewer than {MINIMUM_PATIENTS} yearly comparisons after the first year",
        ),
        compare(
            "predictive-persistence",
            "Do deviations from patients' own lines have the observed size and persistence?",
            persistence_statistics(stacked, design),
            f"fewer than {MINIMUM_PATIENTS} patients have {MINIMUM_READINGS} readings after the "
            "first year",
        ),
    )


def compare(
    name: str,
    question: str,
    statistics: list[Statistic],
    reason_if_none: str,
    figure: str = "intervals",
    plot: pd.DataFrame | None = None,
) -> CheckResult:
    """Compare statistics of the observed cohort (first value) with those of the replicates.

    Parameters
    ----------
    statistics : list of Statistic
        ``by_cohort[0]`` is the observed one, the rest are the replicates'.
    reason_if_none : str
        Why there are no statistics, if the list is empty.
    """
    table = statistic_table(statistics)
    judged = [s for s in statistics if s.judged and np.isfinite(s.by_cohort).all()]
    if not judged:
        return CheckResult(
            name, question, CRITERION, None, f"Not computed: {reason_if_none}.", table
        )
    distance = np.stack([predictive_distance(s.by_cohort) for s in judged])
    farthest = distance.max(axis=0)
    joint = float((1 + (farthest[1:] >= farthest[0]).sum()) / farthest.size)
    worst = judged[int(distance[:, 0].argmax())]
    outside = int((distance[:, 0] > 1.0).sum())
    summary = (
        f"{outside} of {len(judged)} judged statistics lie outside their 90 % predictive "
        f"interval; joint probability {joint:.3f}. Farthest: {worst.name}, observed "
        f"{worst.by_cohort[0]:.3g} {worst.unit}, predicted {_interval(worst.by_cohort[1:])}."
    )
    return CheckResult(
        name,
        question,
        CRITERION,
        joint >= ALARM,
        summary + _repeats(statistics),
        table,
        figure,
        table if plot is None else plot,
    )


def statistic_table(statistics: list[Statistic]) -> pd.DataFrame:
    """Return observed values, predictive quantiles and two-sided tail probabilities."""
    rows = []
    for s in statistics:
        observed, predicted = s.by_cohort[0], s.by_cohort[1:]
        low, median, high = np.quantile(predicted, (0.05, 0.5, 0.95))
        rows.append(
            {
                "statistic": s.name,
                "unit": s.unit,
                "observed": float(observed),
                "q05": float(low),
                "median": float(median),
                "q95": float(high),
                "tail_probability": tail_probability(observed, predicted),
                "judged": s.judged and bool(np.isfinite(s.by_cohort).all()),
            }
        )
    return pd.DataFrame(rows, columns=COLUMNS)


def tail_probability(observed: float, predicted: Array) -> float:
    """Return the two-sided tail probability of an observed value among predicted ones."""
    if not np.isfinite(observed):
        return float("nan")
    n = predicted.size + 1
    above, below = (predicted >= observed).sum(), (predicted <= observed).sum()
    return float(min(1.0, 2.0 * (1 + min(above, below)) / n))


def predictive_distance(values: Array) -> Array:
    """Return distances from the replicates' median, in half 90 % intervals of their side.

    Parameters
    ----------
    values : ndarray, shape (1 + n_replicate,)
        The observed value first; the interval is that of the replicates.
    """
    low, median, high = np.quantile(values[1:], (0.05, 0.5, 0.95))
    away = values - median
    scale = np.where(away >= 0, high - median, median - low)
    ratio = np.full(values.shape, np.inf)
    np.divide(np.abs(away), scale, out=ratio, where=scale > 0)
    return np.where(away == 0, 0.0, ratio)


def dose_bands(log_dose: Array, design: YearDesign, observed: Array | None = None) -> pd.DataFrame:
    """Return quantiles of the daily dose (µg/day) by diagnosis and year, in long form.

    Parameters
    ----------
    log_dose : ndarray, shape (n_cohort, n_visit)
        Replicates.
    observed : ndarray, shape (n_visit,), optional
        Observed log doses; their quartiles are added where five patients have them.
    """
    rows = []
    for d, diagnosis in enumerate(design.diagnoses):
        for year in design.years:
            at = design.rows_at(int(year), d)
            if at.size < (1 if observed is None else MINIMUM_PATIENTS):
                continue
            row = {"diagnosis": diagnosis, "year": int(year), "n_patient": int(at.size)}
            quantiles = np.exp(np.quantile(log_dose[:, at], BAND))
            row |= {f"q{100 * p:02.0f}": float(q) for p, q in zip(BAND, quantiles, strict=True)}
            if observed is not None:
                quartiles = np.exp(np.quantile(observed[at], (0.25, 0.5, 0.75)))
                names = ("observed_q25", "observed_q50", "observed_q75")
                row |= {k: float(q) for k, q in zip(names, quartiles, strict=True)}
            rows.append(row)
    return pd.DataFrame(rows)


def _interval(predicted: Array) -> str:
    low, median, high = np.quantile(predicted, (0.05, 0.5, 0.95))
    return f"{median:.3g} (90 % {low:.3g} to {high:.3g})"


def _repeats(statistics: list[Statistic]) -> str:
    repeats = [s.by_cohort[0] for s in statistics if s.name == UNCHANGED]
    if not repeats or repeats[0] == 0.0:
        return ""
    return (
        f" In {repeats[0]:.0f} % of patient-years the dose did not change at all. The model is "
        "continuous and cannot repeat a dose exactly; this share is shown and not judged."
    )
