"""Hand-made, time-honest features of a patient's history at each visit, for the ceiling.

Every figure of a visit rests on records up to and including that day, the dose set there included.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from itb_bayes.cohort.cohort import Cohort
from itb_bayes.evaluate.visits import ashworth_means, whole_days

Array = NDArray[np.float64]

YEAR = 365.25
TITRATION_DAYS = 270
TONE_PER_LOG_DOSE = 1.3
"""Points of tone per unit of log dose near the target (textbook slope, not fitted)."""

CATEGORIES = (
    "diagnosis",
    "centre",
    "catheter_model",
    "pump_model",
    "sex",
    "sci_level",
    "ais_grade",
    "ms_course",
    "ambulatory",
)
EVENTS = (
    "catheter_fault_confirmed",
    "pump_fault_confirmed",
    "catheter_revision",
    "pump_replacement",
    "infection",
    "reimplant",
    "holiday_end",
    "mode_change",
    "tolerance_diagnosed",
    "trigger",
    "disease_progression",
    "disease_improvement",
    "dye_study",
    "rotor_study",
    "aspiration",
)
TESTS = ("dye_study", "rotor_study", "aspiration")
RESULTS = {"negative": 0.0, "indeterminate": 1.0, "positive": 2.0}
REPAIRS = ("catheter_fault_confirmed", "catheter_revision", "reimplant")
NEW_PUMPS = ("pump_fault_confirmed", "pump_replacement", "reimplant")
OPERATIONS = tuple(dict.fromkeys((*REPAIRS, *NEW_PUMPS)))
RESETS = (
    "catheter_fault_confirmed",
    "pump_fault_confirmed",
    "reimplant",
    "holiday_end",
    "mode_change",
)


@dataclass(frozen=True)
class Series:
    """One kind of record of one patient: days, increasing, and values."""

    day: NDArray[np.int64]
    value: Array

    def index(self, at: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return how many records are not after each day."""
        return np.searchsorted(self.day, at, side="right")

    def last(self, at: NDArray[np.int64], back: int = 0) -> Array:
        """Return the latest value (or the one ``back`` records before it)."""
        k = self.index(at) - 1 - back
        if not self.day.size:
            return np.full(at.size, np.nan)
        return np.where(k >= 0, self.value[np.maximum(k, 0)], np.nan)

    def age(self, at: NDArray[np.int64]) -> Array:
        """Return the days since the latest record."""
        k = self.index(at) - 1
        if not self.day.size:
            return np.full(at.size, np.nan)
        return np.where(k >= 0, at - self.day[np.maximum(k, 0)], np.nan).astype(float)

    def count(self, at: NDArray[np.int64], days: int) -> Array:
        """Return the number of records in the last ``days``."""
        return (self.index(at) - self.index(at - days)).astype(float)

    def mean(self, at: NDArray[np.int64], newest: int, oldest: int) -> Array:
        """Return the mean from ``oldest`` (excluded) to ``newest`` days ago; NaN without records."""
        total = np.concatenate([[0.0], np.cumsum(self.value)])
        high, low = self.index(at - newest), self.index(at - oldest)
        n = high - low
        return np.where(n > 0, (total[high] - total[low]) / np.maximum(n, 1), np.nan)

    def mean_last(self, at: NDArray[np.int64], k: int) -> Array:
        """Return the mean of the latest ``k`` values or fewer."""
        total = np.concatenate([[0.0], np.cumsum(self.value)])
        high = self.index(at)
        low = np.maximum(high - k, 0)
        return np.where(high > low, (total[high] - total[low]) / np.maximum(high - low, 1), np.nan)

    def extreme(self, at: NDArray[np.int64], days: int) -> Array:
        """Return the largest value of the last ``days``."""
        high, low = self.index(at), self.index(at - days)
        return np.array(
            [self.value[a:b].max() if b > a else np.nan for a, b in zip(low, high, strict=True)]
        )

    def baseline(self, at: NDArray[np.int64], since: Array, k: int) -> Array:
        """Return the mean of the first ``k`` values after ``since`` that are known at each day."""
        total = np.concatenate([[0.0], np.cumsum(self.value)])
        low = np.searchsorted(self.day, since, side="right")
        high = np.minimum(self.index(at), low + k)
        return np.where(high > low, (total[high] - total[low]) / np.maximum(high - low, 1), np.nan)


EMPTY = Series(np.empty(0, dtype=np.int64), np.empty(0))


def split_series(frame: pd.DataFrame, value: str) -> dict[str, Series]:
    """Return the records of each patient as a series, without missing values."""
    frame = frame.loc[frame[value].notna()]
    days = whole_days(frame["t_years"].to_numpy(dtype=float))
    values = frame[value].to_numpy(dtype=float)
    groups = frame.groupby("patient_id", sort=False).indices
    return {str(pid): Series(days[rows], values[rows]) for pid, rows in groups.items()}


def joined(series: list[Series]) -> Series:
    """Return the records of several series as one, in time."""
    day = np.concatenate([item.day for item in series])
    order = np.argsort(day, kind="stable")
    return Series(day[order], np.concatenate([item.value for item in series])[order])


def tone_features(
    name: str, tone: Series, at: NDArray[np.int64], reset: Array
) -> Iterator[tuple[str, Array]]:
    """Yield level, change and spread of a score against the patient's own past."""
    now, mean3 = tone.last(at), tone.mean_last(at, 3)
    base = tone.baseline(at, np.maximum(reset, TITRATION_DAYS), 5)
    first = tone.baseline(at, np.full(at.size, float(TITRATION_DAYS)), 5)
    yield f"{name}_last", now
    yield f"{name}_before", tone.last(at, 1)
    yield f"{name}_before2", tone.last(at, 2)
    yield f"{name}_mean3", mean3
    yield f"{name}_mean6", tone.mean_last(at, 6)
    yield f"{name}_age", tone.age(at)
    yield f"{name}_over_base", now - base
    yield f"{name}_mean3_over_base", mean3 - base
    yield f"{name}_mean3_over_first", mean3 - first
    yield f"{name}_max_year", tone.extreme(at, 365)
    for newest, oldest in ((45, 180), (90, 270), (180, 450), (365, 730)):
        earlier = tone.mean(at, newest, oldest)
        yield f"{name}_over_{oldest}d", now - earlier
        yield f"{name}_mean3_over_{oldest}d", mean3 - earlier


def dose_features(dose: Series, at: NDArray[np.int64], reset: Array) -> Iterator[tuple[str, Array]]:
    """Yield the dose in force and its changes."""
    log_dose = Series(dose.day, np.log(np.maximum(dose.value, 0.1)))
    now = log_dose.last(at)
    yield "log_dose", now
    for months in (1, 3, 6, 12, 24, 36):
        then = at - round(months * YEAR / 12)
        yield f"log_dose_change_{months}m", now - log_dose.last(then)
    yield "dose_rise_12m_ug", dose.last(at) - dose.last(at - 365)
    settled = np.minimum(reset.astype(np.int64) + 60, at)
    year_one = log_dose.last(np.full(at.size, 365))
    yield "log_dose_over_year_one", np.where(at > 365, now - year_one, np.nan)
    yield (
        "log_dose_over_reset",
        np.where(reset > 0, now - log_dose.last(settled), np.nan),
    )
    change = np.diff(log_dose.value)
    days = log_dose.day[1:]
    for label, chosen in (("raise", change > 0.005), ("cut", change < -0.005)):
        moves = Series(days[chosen], change[chosen])
        yield f"{label}_age", moves.age(at)
        yield f"{label}_last", moves.last(at)
        for window in (180, 365, 730):
            yield f"{label}_count_{window}d", moves.count(at, window)


def demand_features(
    tone: Series, dose: Series, at: NDArray[np.int64], reset: Array
) -> Iterator[tuple[str, Array]]:
    """Yield changes of the dose needed: log dose in force at a reading plus what the tone lacks."""
    before = np.searchsorted(dose.day, tone.day, side="left") - 1
    known = before >= 0
    log_dose = np.log(np.maximum(dose.value[np.maximum(before, 0)], 0.1))
    need = Series(tone.day[known], (log_dose + tone.value / TONE_PER_LOG_DOSE)[known])
    now, mean3 = need.last(at), need.mean_last(at, 3)
    yield "need", now
    yield "need_mean3", mean3
    yield "need_over_base", mean3 - need.baseline(at, np.maximum(reset, TITRATION_DAYS), 5)
    yield "need_over_first", mean3 - need.baseline(at, np.full(at.size, float(TITRATION_DAYS)), 5)
    yield "need_last_two", now - need.last(at, 1)
    for newest, oldest in ((30, 120), (90, 270), (180, 450), (365, 730), (730, 1460)):
        earlier = need.mean(at, newest, oldest)
        yield f"need_over_{oldest}d", now - earlier
        yield f"need_mean3_over_{oldest}d", mean3 - earlier


def refill_features(
    over: Series, share: Series, at: NDArray[np.int64], new_pump: Array
) -> Iterator[tuple[str, Array]]:
    """Yield the discrepancy of the residual volume, in mL and as a share of the volume pumped."""
    yield "refill_over_ml", over.last(at)
    yield "refill_share", share.last(at)
    yield "refill_share_before", share.last(at, 1)
    yield "refill_share_mean3", share.mean_last(at, 3)
    yield "refill_share_over_base", share.last(at) - share.baseline(at, new_pump, 4)
    yield "refill_share_max_year", share.extreme(at, 365)
    yield "refill_age", share.age(at)


def event_features(
    get: Callable[[str], Series], at: NDArray[np.int64]
) -> Iterator[tuple[str, Array]]:
    """Yield time since and number of each event, and the latest test results."""
    for name in EVENTS:
        series = get(name)
        yield f"{name}_age", series.age(at)
        yield f"{name}_year", series.count(at, 365)
        yield f"{name}_ever", series.index(at).astype(float)
        if name in TESTS:
            yield f"{name}_result", series.last(at)
            positive = series.value == RESULTS["positive"]
            yield (
                f"{name}_positive_age",
                Series(series.day[positive], series.value[positive]).age(at),
            )


def patient_features(get: Callable[[str], Series], at: NDArray[np.int64]) -> dict[str, Array]:
    """Return every history feature of one patient at his visits (days since implant).

    ``get`` gives his records of a kind: ``dose``, ``ashworth``, ``penn``, ``edss``, ``refill_over``,
    ``refill_share`` or an event.
    """
    reset_age = joined([get(name) for name in RESETS]).age(at)
    reset = np.where(np.isfinite(reset_age), at - reset_age, 0.0)
    catheter = joined([get(name) for name in REPAIRS]).age(at)
    pump = joined([get(name) for name in NEW_PUMPS]).age(at)
    pump_age = np.where(np.isfinite(pump), pump, at)
    tone, dose, edss = get("ashworth"), get("dose"), get("edss")
    visits = Series(at, at.astype(float))
    gap = np.diff(at, prepend=at[0]).astype(float)
    gap[0] = np.nan
    found: dict[str, Array] = {
        "t_days": at.astype(float),
        "since_reset": at - reset,
        "since_operation": joined([get(name) for name in OPERATIONS]).age(at),
        "catheter_age": np.where(np.isfinite(catheter), catheter, at),
        "pump_age": pump_age,
        "gap": gap,
        "visits_90d": visits.count(at, 90),
        "visits_365d": visits.count(at, 365),
        "edss": edss.last(at),
        "edss_age": edss.age(at),
        "edss_step": edss.last(at) - edss.last(at, 1),
        "edss_two_steps": edss.last(at) - edss.last(at, 2),
        "edss_over_first": edss.last(at) - (edss.value[0] if edss.day.size else np.nan),
    }
    found |= dict(tone_features("tone", tone, at, reset))
    found |= dict(tone_features("penn", get("penn"), at, reset))
    found |= dict(dose_features(dose, at, reset))
    found |= dict(demand_features(tone, dose, at, reset))
    found |= dict(refill_features(get("refill_over"), get("refill_share"), at, at - pump_age))
    found |= dict(event_features(get, at))
    return found


def records_of(cohort: Cohort) -> dict[str, dict[str, Series]]:
    """Return every kind of record by patient."""
    rows, refills, events = cohort.assessments, cohort.refills, cohort.events
    over = refills["actual_residual_ml"] - refills["expected_residual_ml"]
    pumped = (refills["reservoir_ml"] - refills["expected_residual_ml"]).clip(lower=0.5)
    refills = refills.assign(over=over, share=over / pumped)
    coded = events.assign(result=events["detail"].map(RESULTS), one=1.0)
    found = {
        "dose": split_series(cohort.doses, "daily_dose_ug"),
        "ashworth": split_series(ashworth_means(cohort), "ashworth"),
        "penn": split_series(rows.loc[rows["scale"] == "penn"], "value"),
        "edss": split_series(rows.loc[rows["scale"] == "edss"], "value"),
        "refill_over": split_series(refills, "over"),
        "refill_share": split_series(refills, "share"),
    }
    for name in EVENTS:
        chosen = coded.loc[coded["event"] == name]
        found[name] = split_series(chosen, "result" if name in TESTS else "one")
    return found


def history_features(cohort: Cohort, visits: pd.DataFrame) -> pd.DataFrame:
    """Return one row of features for each visit.

    Parameters
    ----------
    cohort : Cohort
    visits : DataFrame
        ``patient_id, day``; sorted by patient, then day.

    Returns
    -------
    DataFrame
        Floats; NaN where not recorded. Those of :data:`CATEGORIES` hold text codes.
    """
    records = records_of(cohort)
    parts: list[dict[str, Array]] = []
    for pid, at in visits.groupby("patient_id", sort=False)["day"]:
        get = partial(_records, records, str(pid))
        parts.append(patient_features(get, at.to_numpy(dtype=np.int64)))
    found = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    people = cohort.patients.set_index("patient_id").loc[visits["patient_id"]]
    found["age"] = people["age_at_implant"].to_numpy(dtype=float)
    frame = pd.DataFrame(found)
    for name in CATEGORIES:
        frame[name] = people[name].astype("object").to_numpy()
    return frame


def _records(records: dict[str, dict[str, Series]], patient_id: str, name: str) -> Series:
    return records[name].get(patient_id, EMPTY)
