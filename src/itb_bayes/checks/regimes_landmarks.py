"""Were the readings after a landmark, and the faults of the year after it, as expected?

At one, two and five years the records up to then speak for each patient. Forecast are the first
reading of each channel after the landmark, and the faults that are confirmed in the year after it,
visit by visit.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from itb_bayes.checks.pit import MANY_BAND_PROBABILITY, shape_check
from itb_bayes.checks.predictive import compare
from itb_bayes.checks.regimes_forecasts import ForecastDraws, Forecasts
from itb_bayes.checks.regimes_pit import FAULTS, REPEATED, WORDS
from itb_bayes.checks.result import CheckResult
from itb_bayes.checks.statistics import Statistic
from itb_bayes.kernel.regimes.layout import Code
from itb_bayes.model.regimes_plan import RegimesPlan

Array = NDArray[np.float64]

LANDMARKS_YEARS = (1.0, 2.0, 5.0)
WITHIN_YEARS = 1.0
"""A first reading later than this after the landmark says nothing about it."""

CHANNELS_AT = ("ashworth", "dose")


def landmark_checks(
    plan: RegimesPlan, draws: ForecastDraws, forecasts: Forecasts, seed: int
) -> tuple[CheckResult, ...]:
    """Judge forecasts at landmarks.

    Parameters
    ----------
    plan : RegimesPlan
    draws : ForecastDraws
        Gives the faults that were expected, by draw.
    forecasts : Forecasts
        Of every reading.
    seed : int
    """
    results = []
    for channel in CHANNELS_AT:
        if channel in plan.channels:
            pit = forecasts.pit(channel, seed)
            results += [_reading_check(plan, forecasts, channel, pit, t) for t in LANDMARKS_YEARS]
    if "events" in plan.channels:
        results.append(_fault_check(plan, draws, seed))
    return tuple(results)


def first_after(plan: RegimesPlan, forecasts: Forecasts, pit: Array, landmark: float) -> Array:
    """Return the PIT of each patient's first reading in the year after a landmark."""
    t = plan.t_years[forecasts.step]
    after = np.flatnonzero(np.isfinite(pit) & (t > landmark) & (t <= landmark + WITHIN_YEARS))
    owner = forecasts.patient[after]
    first = np.append(True, owner[1:] != owner[:-1]) if owner.size else np.zeros(0, dtype=bool)
    return pit[after[first]]


def _reading_check(
    plan: RegimesPlan, forecasts: Forecasts, channel: str, pit: Array, landmark: float
) -> CheckResult:
    one, many = WORDS[channel]
    return shape_check(
        f"landmark-{landmark:g}y-{channel}",
        f"At {landmark:g} years: did each patient's next {one} fall where the records up to then "
        "said?",
        first_after(plan, forecasts, pit, landmark),
        many,
        which="next",
        probability=MANY_BAND_PROBABILITY,
    )


def _fault_check(plan: RegimesPlan, draws: ForecastDraws, seed: int) -> CheckResult:
    rng = np.random.default_rng([seed, 0x1A])
    t, action = plan.t_years[draws.step], plan.codes[draws.step, Code.ACTION]
    statistics = []
    for landmark in LANDMARKS_YEARS:
        near = (t > landmark) & (t <= landmark + WITHIN_YEARS)
        expected = draws.faults[:, near].sum(axis=1)
        counts = rng.poisson(np.repeat(expected, REPEATED, axis=0)).astype(np.float64)
        for k, (name, bit) in enumerate(FAULTS):
            observed = float(((action[near] & int(bit)) > 0).sum())
            statistics.append(
                Statistic(
                    f"confirmed faults of the {name} in the year after year {landmark:g}",
                    "faults",
                    np.append(observed, counts[:, k]),
                    judged=bool(expected.sum() > 0.0),
                )
            )
    rows = [
        {
            "statistic": s.name,
            "observed": s.by_cohort[0],
            "q05": np.quantile(s.by_cohort[1:], 0.05),
            "median": np.quantile(s.by_cohort[1:], 0.5),
            "q95": np.quantile(s.by_cohort[1:], 0.95),
            "judged": s.judged,
        }
        for s in statistics
    ]
    return compare(
        "landmark-faults",
        "In the years after the landmarks, were as many faults confirmed as the filter expected?",
        statistics,
        "no confirmed fault can be expected",
        plot=pd.DataFrame(rows),
    )
