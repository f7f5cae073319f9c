"""At one, two and five years: was the dose a year later where the records up to then said?"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from itb_bayes.checks.pit import MINIMUM_PATIENTS, shape_check
from itb_bayes.checks.replicates import thin_population
from itb_bayes.checks.result import CheckResult
from itb_bayes.inference.patients import RISE_UG, conditionals_of
from itb_bayes.inference.population import PopulationDraws
from itb_bayes.inference.threads import map_in_threads
from itb_bayes.model.plan import DriftPlan

Array = NDArray[np.float64]

LANDMARKS_YEARS = (1.0, 2.0, 5.0)
AHEAD_YEARS = 1.0
LEAST_AHEAD_YEARS = 0.75
"""The last reading in the year after a landmark counts if it comes at least so long after it."""

N_DRAW = 200
_EDGE = 1e-6


def landmark_checks(
    plan: DriftPlan, population: PopulationDraws, seed: int
) -> tuple[CheckResult, ...]:
    """Judge forecasts of the dose a year after each landmark.

    A patient's readings up to the landmark speak for them; the population was fitted to all
    readings, each of which moves it little.

    Parameters
    ----------
    plan : DriftPlan
    population : PopulationDraws
        At most 200 evenly spaced draws are averaged.
    seed : int
    """
    few = thin_population(population, N_DRAW)
    return tuple(_check(plan, few, landmark, seed) for landmark in LANDMARKS_YEARS)


def readings_at(t_years: Array, landmark: float) -> tuple[int, int] | None:
    """Return how many readings come up to a landmark, and which one is a year after it.

    None where there is no reading before, or none about a year after, the landmark.

    Parameters
    ----------
    t_years : ndarray, shape (n_reading,)
        In order.
    landmark : float
    """
    known = int((t_years <= landmark + _EDGE).sum())
    ahead = t_years - landmark
    there = np.flatnonzero((ahead >= LEAST_AHEAD_YEARS - _EDGE) & (ahead <= AHEAD_YEARS + _EDGE))
    return (known, int(there[-1])) if known and there.size else None


def _check(plan: DriftPlan, population: PopulationDraws, landmark: float, seed: int) -> CheckResult:
    def run(i: int) -> tuple[float, float, bool] | None:
        t, y = plan.panel.patient(i)
        found = readings_at(t, landmark)
        if found is None:
            return None
        known, target = found
        limit = float(np.log(np.exp(y[known - 1]) + RISE_UG))
        got = conditionals_of(
            plan, population, i, t[:known], y[:known], np.full(2, t[target]),
            np.array([y[target], limit]), seed,
        )  # fmt: skip
        rose = bool(y[target] > limit)
        return float(got.cdf[:, 0].mean()), float(got.exceed[:, 1].mean()), rose

    rows = [row for row in map_in_threads(run, plan.n_patient) if row is not None]
    pit = np.array([row[0] for row in rows])
    result = shape_check(
        f"landmark-{landmark:g}y",
        f"At {landmark:g} years: was the dose a year later where the doses up to then said?",
        pit,
        which="later",
    )
    if pit.size < MINIMUM_PATIENTS:
        return result
    p_rise, rose = np.array([row[1] for row in rows]), np.array([row[2] for row in rows])
    spread = float(np.sqrt((p_rise * (1.0 - p_rise)).sum()))
    table = pd.DataFrame(
        [
            _row("patients", pit.size, np.nan),
            _row("inside their 50 % interval (%)", 100 * _within(pit, 0.25), 50.0),
            _row("inside their 90 % interval (%)", 100 * _within(pit, 0.45), 90.0),
            _row("rises of more than 100 µg/day", float(rose.sum()), float(p_rise.sum())),
        ]
    )
    said = (
        f" {rose.sum()} rises of more than 100 µg/day, {p_rise.sum():.1f} expected (standard "
        f"deviation {spread:.1f})."
    )
    return CheckResult(
        result.name, result.question, result.criterion, result.passed, result.summary + said,
        table, result.figure, result.plot,
    )  # fmt: skip


def _within(pit: Array, half: float) -> float:
    return float(np.mean(np.abs(pit - 0.5) < half))


def _row(what: str, observed: float, expected: float) -> dict[str, object]:
    return {"quantity": what, "observed": observed, "expected": expected}
