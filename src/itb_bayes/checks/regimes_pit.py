"""Were readings and confirmed faults of a regimes fit forecast with honest width?"""

from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from itb_bayes.checks.pit import (
    MANY_BAND_PROBABILITY,
    MINIMUM_PATIENTS,
    ecdf_table,
    left_out_note,
    pit_summary,
    shape_check,
    tail_check,
)
from itb_bayes.checks.predictive import compare
from itb_bayes.checks.regimes_forecasts import CHANNELS, Forecasts
from itb_bayes.checks.result import CheckResult
from itb_bayes.checks.statistics import Statistic
from itb_bayes.cohort.actions import Action
from itb_bayes.kernel.regimes.layout import Code
from itb_bayes.model.regimes_plan import RegimesPlan

Array = NDArray[np.float64]

WORDS = {
    "ashworth": ("Ashworth reading", "Ashworth readings"),
    "spasms": ("spasm score", "spasm scores"),
    "dose": ("dose change", "dose changes"),
    "refills": ("residual volume", "residual volumes"),
}
FAULTS = (("catheter", Action.CATHETER_CONFIRMED), ("pump", Action.PUMP_CONFIRMED))
AT_ENTRY = ("ashworth", "spasms")
"""Channels whose first readings are judged as well."""
REPEATED = 20
"""Poisson counts drawn from each posterior draw's expectation."""


def forecast_checks(plan: RegimesPlan, forecasts: Forecasts, seed: int) -> tuple[CheckResult, ...]:
    """Judge the forecasts of each channel that is on, and the number of confirmed faults."""
    results: list[CheckResult] = []
    for channel in CHANNELS:
        if channel in plan.channels:
            results += _channel_checks(channel, forecasts, seed)
    if "events" in plan.channels:
        results.append(_event_check(plan, forecasts, seed))
    return tuple(results)


def left_out_checks(
    plan: RegimesPlan, forecasts: Forecasts, seed: int, n_unreliable: int
) -> tuple[CheckResult, ...]:
    """Judge forecasts by a population that has not seen the patient (LOO-PIT).

    Parameters
    ----------
    plan : RegimesPlan
    forecasts : Forecasts
        Averaged with each patient's leave-one-out weights; NaN for patients whose weights cannot
        be relied on.
    seed : int
    n_unreliable : int
        How many these are.
    """
    out = []
    for channel in CHANNELS:
        if channel in plan.channels:
            one, many = WORDS[channel]
            pit = last_of_each(forecasts.patient, forecasts.pit(channel, seed))
            result = shape_check(
                f"loo-pit-{channel}",
                f"Did each patient's last {one} fall where their earlier records and the other "
                "patients said?",
                pit,
                many,
                probability=MANY_BAND_PROBABILITY,
            )
            out.append(replace(result, summary=result.summary + left_out_note(n_unreliable)))
    return tuple(out)


def last_of_each(patient: NDArray[np.int64], pit: Array) -> Array:
    """Return the PIT of each patient's last reading of a channel."""
    read = np.flatnonzero(np.isfinite(pit))
    if not read.size:
        return np.empty(0)
    final = np.append(patient[read][1:] != patient[read][:-1], True)
    return pit[read[final]]


def first_of_each(patient: NDArray[np.int64], pit: Array) -> Array:
    """Return the PIT of each patient's first reading of a channel."""
    read = np.flatnonzero(np.isfinite(pit))
    return pit[read[np.unique(patient[read], return_index=True)[1]]]


def _channel_checks(channel: str, forecasts: Forecasts, seed: int) -> list[CheckResult]:
    one, many = WORDS[channel]
    pit = forecasts.pit(channel, seed)
    last, every = last_of_each(forecasts.patient, pit), pit[np.isfinite(pit)]
    results = [
        shape_check(
            f"pit-{channel}",
            f"Did each patient's last {one} fall where the earlier records said it would?",
            last,
            many,
            probability=MANY_BAND_PROBABILITY,
        ),
        tail_check(f"pit-{channel}-tails", f"Are surprising {many} as rare as forecast?", last),
    ]
    if channel in AT_ENTRY:
        results.append(
            shape_check(
                f"pit-{channel}-first",
                f"Did each patient's first {one} fall where the model says patients begin? (Later "
                "forecasts follow whatever a patient reads, even on another scale.)",
                first_of_each(forecasts.patient, pit),
                many,
                which="first",
                probability=MANY_BAND_PROBABILITY,
            )
        )
    if every.size >= MINIMUM_PATIENTS:
        results.append(_all_check(channel, every))
    return results


def _all_check(channel: str, pit: Array) -> CheckResult:
    many = WORDS[channel][1]
    return CheckResult(
        f"pit-{channel}-all",
        f"How do the forecasts of all {many} look, not only of the last ones?",
        "none: readings of one patient share what the forecasts got wrong about them, so the band "
        "would alarm too often",
        None,
        f"{pit.size} {many}: {100 * np.mean(np.abs(pit - 0.5) < 0.45):.0f} % inside their 90 % and "
        f"{100 * np.mean(np.abs(pit - 0.5) < 0.25):.0f} % inside their 50 % forecast intervals.",
        pit_summary(pit),
        "ecdf",
        ecdf_table(pit, MANY_BAND_PROBABILITY),
    )


def confirmed(plan: RegimesPlan) -> Array:
    """Return the confirmed faults of catheter and pump on record after each first day."""
    later = np.ones(plan.t_years.size, dtype=bool)
    later[plan.offsets[:-1]] = False
    action = plan.codes[later, Code.ACTION]
    return np.array([float(((action & int(bit)) > 0).sum()) for _, bit in FAULTS])


def _event_check(plan: RegimesPlan, forecasts: Forecasts, seed: int) -> CheckResult:
    rng = np.random.default_rng([seed, 0xE7])
    years = float((plan.t_last - plan.t_years[plan.offsets[:-1]]).sum())
    counts = rng.poisson(np.repeat(forecasts.expected_faults, REPEATED, axis=0))
    stacked = 100.0 * np.concatenate([confirmed(plan)[None], counts]) / years
    statistics = [
        Statistic(f"confirmed faults of the {name}", "per 100 patient-years", stacked[:, k])
        for k, (name, _) in enumerate(FAULTS)
    ]
    return compare(
        "event-rates",
        "Are faults confirmed as often as the filter expected, visit by visit?",
        statistics,
        "no confirmed fault can be expected",
        plot=pd.DataFrame(
            {
                "statistic": [s.name for s in statistics],
                "observed": [s.by_cohort[0] for s in statistics],
                "q05": [np.quantile(s.by_cohort[1:], 0.05) for s in statistics],
                "median": [np.quantile(s.by_cohort[1:], 0.5) for s in statistics],
                "q95": [np.quantile(s.by_cohort[1:], 0.95) for s in statistics],
                "judged": [s.judged for s in statistics],
            }
        ),
    )
