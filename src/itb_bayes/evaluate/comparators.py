"""Plain, time-honest scores that a model has to beat: the 100 µg rule and control charts.

Every score of a visit uses only records up to and including its day; higher means more suspicious.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from itb_bayes.cohort.cohort import Cohort
from itb_bayes.evaluate.visits import TITRATION_YEARS, ashworth_means, whole_days
from itb_bayes.risk.rule import AFTER_YEARS

Array = NDArray[np.float64]
Index = NDArray[np.int64]

YEAR_DAYS = 365
BASELINE_READINGS = 4
"""Readings of a patient, after titration, whose mean they are compared with."""

EWMA_WEIGHT = 0.2
"""Weight of the newest reading, the usual textbook choice (0.05-0.25; Montgomery)."""

ASHWORTH_SLACK = 0.25
DOSE_SLACK = 0.05
"""Deviations (points; log dose) that a CUSUM forgives at each visit."""

RESTARTS = (
    "catheter_fault_confirmed",
    "pump_fault_confirmed",
    "reimplant",
    "holiday_end",
    "mode_change",
)
"""Events after which the clinic starts afresh: charts restart with a new baseline."""

COMPARATORS = ("rule_100ug", "ewma_ashworth", "cusum_ashworth", "ewma_dose", "cusum_dose")


def base_rate(truth: NDArray[np.bool_]) -> Array:
    """Return the share of visits with a condition as the probability of every visit."""
    return np.full(truth.size, float(np.mean(truth)))


def comparator_scores(cohort: Cohort, visits: pd.DataFrame) -> pd.DataFrame:
    """Return the comparators' scores at each visit.

    Parameters
    ----------
    cohort : Cohort
    visits : DataFrame
        ``patient_id, day``; rows of one patient together, days increasing.

    Returns
    -------
    DataFrame
        The visits' ``patient_id`` and ``day`` with one column for each of :data:`COMPARATORS`:
        the rise of the dose in force over the last 12 months (µg/day), and EWMA and CUSUM of the
        mean Ashworth (0-4 scale) and of log dose, against the patient's own first readings.
        A patient without any record of a kind scores 0.
    """
    doses = cohort.doses.assign(day=whole_days(cohort.doses["t_years"].to_numpy(dtype=float)))
    readings = ashworth_means(cohort)
    events = cohort.events.loc[cohort.events["event"].isin(RESTARTS)]
    events = events.assign(day=whole_days(events["t_years"].to_numpy(dtype=float)))
    dose_of, reading_of, event_of = (_by_patient(table) for table in (doses, readings, events))
    scores = np.zeros((len(visits), len(COMPARATORS)))
    for name, rows in visits.groupby("patient_id", sort=False).indices.items():
        pid = str(name)
        at = visits["day"].to_numpy(dtype=np.int64)[rows]
        restarts = _days(event_of.get(pid))
        if pid in dose_of:
            day, dose = _days(dose_of[pid]), dose_of[pid]["daily_dose_ug"].to_numpy(dtype=float)
            scores[rows, 0] = rise_over_year(day, dose, at)
            log_dose = np.log(np.maximum(dose_in_force(day, dose, at), 1.0))
            scores[rows, 3:] = chart(at, log_dose, at, restarts, DOSE_SLACK)
        if pid in reading_of:
            day, value = (
                _days(reading_of[pid]),
                reading_of[pid]["ashworth"].to_numpy(dtype=float),
            )
            scores[rows, 1:3] = chart(day, value, at, restarts, ASHWORTH_SLACK)
    found = pd.DataFrame(scores, columns=list(COMPARATORS))
    found.insert(0, "day", visits["day"].to_numpy())
    found.insert(0, "patient_id", visits["patient_id"].to_numpy())
    return found


def _by_patient(table: pd.DataFrame) -> dict[str, pd.DataFrame]:
    return {str(pid): rows for pid, rows in table.groupby("patient_id", sort=False)}


def _days(table: pd.DataFrame | None) -> Index:
    return np.empty(0, dtype=np.int64) if table is None else table["day"].to_numpy(dtype=np.int64)


def dose_in_force(day: Index, dose_ug: Array, at: Index) -> Array:
    """Return the dose in force at the end of each day ``at``; before the first row, the first."""
    return dose_ug[np.maximum(np.searchsorted(day, at, side="right") - 1, 0)]


def rise_over_year(day: Index, dose_ug: Array, at: Index) -> Array:
    """Return the rise of the dose (µg/day) over the last 12 months, the published rule's figure.

    Rises of the first year are titration: until two years after implant the rise is counted from
    the end of the first year, and within it there is none.
    """
    since = np.maximum(at - YEAR_DAYS, round(AFTER_YEARS * YEAR_DAYS))
    rise = dose_in_force(day, dose_ug, at) - dose_in_force(day, dose_ug, since)
    return np.where(at > since, rise, 0.0)


def chart(day: Index, value: Array, at: Index, restarts: Index, slack: float) -> Array:
    """Return EWMA and CUSUM of a patient's readings, shape (n_visit, 2).

    Parameters
    ----------
    day, value : ndarray, shape (n_reading,)
        Readings; those of the titration are left out.
    at : ndarray of int64
        Days at which the chart is read: its state after the latest reading up to that day.
    restarts : ndarray of int64
        Days of events after which it starts afresh.
    slack : float
        What the CUSUM forgives at each reading.
    """
    late = day >= TITRATION_YEARS * YEAR_DAYS
    day, value = day[late], value[late]
    state = np.zeros((day.size + 1, 2))
    era = np.searchsorted(restarts, day, side="left")
    for begin in np.flatnonzero(np.diff(era, prepend=-1)):
        end = begin + int(np.sum(era == era[begin]))
        deviation = centre_on_first(value[begin:end])
        state[begin + 1 : end + 1, 0] = ewma(deviation)
        state[begin + 1 : end + 1, 1] = cusum(deviation, slack)
    latest = np.searchsorted(day, at, side="right")
    # A restart wipes the chart even before the next reading.
    wiped = np.searchsorted(restarts, at, side="left") > np.where(
        latest > 0, era[np.maximum(latest - 1, 0)] if era.size else 0, 0
    )
    return np.where(wiped[:, None], 0.0, state[latest])


def centre_on_first(value: Array) -> Array:
    """Return readings less the mean of the first few that were known by then."""
    known = np.minimum(np.arange(1, value.size + 1), BASELINE_READINGS)
    total = np.cumsum(value)
    return value - total[known - 1] / known


def _fold(values: Array, step: Callable[[float, float], float]) -> Array:
    out, state = np.empty(values.size), 0.0
    for k, value in enumerate(values.tolist()):
        state = step(state, value)
        out[k] = state
    return out


def ewma(deviation: Array, weight: float = EWMA_WEIGHT) -> Array:
    """Return the exponentially weighted moving average, from 0."""
    return _fold(deviation, lambda state, new: (1.0 - weight) * state + weight * new)


def cusum(deviation: Array, slack: float) -> Array:
    """Return the one-sided cumulative sum of what exceeds the slack."""
    return _fold(deviation, lambda state, new: max(0.0, state + new - slack))
