"""The timeline of every patient: what was seen, done and confirmed, one step per day of record.

Everything that regime models read of a cohort is here as flat arrays, one element per step. A step
uses only what was known on its day, so cutting a timeline short is the same as not having the
later records.
"""

import bisect
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import IntFlag
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from itb_bayes.cohort.cohort import Cohort
from itb_bayes.cohort.search import causes_to_search

TONE_SHIFT = {"ashworth_0_4": 0.0, "ashworth_1_5": -1.0, "mas": 0.0}
"""What moves a score to the 0-4 scale; MAS 1+ is 1.5 already."""

SETTLING_YEARS = 0.12
"""After an operation or a reset the dose is set anew, not titrated: six weeks."""

_DAY_YEARS = 1.0 / 365.25


class Action(IntFlag):
    """What was done at a step, after everything of that day was read."""

    CATHETER_CONFIRMED = 1
    PUMP_CONFIRMED = 2
    CATHETER_REVISED = 4
    PUMP_REPLACED = 8
    REIMPLANTED = 16
    RESET = 32


_ACTIONS = {
    "catheter_fault_confirmed": Action.CATHETER_CONFIRMED,
    "pump_fault_confirmed": Action.PUMP_CONFIRMED,
    "catheter_revision": Action.CATHETER_REVISED,
    "pump_replacement": Action.PUMP_REPLACED,
    "reimplant": Action.REIMPLANTED,
    "holiday_end": Action.RESET,
}
_NEW_PUMP = ("pump_fault_confirmed", "pump_replacement", "reimplant")
_NEW_CATHETER = ("catheter_fault_confirmed", "catheter_revision", "reimplant")
_RESULTS = {"negative": 0, "positive": 1, "indeterminate": 2}
_WEIGHT_OF_RESULT = (-1, 2, 0, 1)
_LABELS = {
    "tolerance_diagnosed": "tolerance_label",
    "disease_progression": "progression_label",
    "trigger": "trigger_label",
}


@dataclass(frozen=True, eq=False)
class Timeline:
    """Steps of all patients, one after the other.

    Attributes
    ----------
    patient_ids : tuple of str
        Patients with a dose in force and at least one step.
    offsets : ndarray of int64, shape (n_patient + 1,)
        Steps of patient i are ``offsets[i]:offsets[i + 1]``.
    t_years : ndarray, shape (n_step,)
        Years since implant, increasing within a patient.
    log_dose : ndarray
        Log of the dose (ug/day) in force when the step was read: a change made on that day is in
        the next one.
    dose_change : ndarray
        Log change of the dose made on that day, 0 where it was left; NaN where nothing is known of
        it, something else happened that day, or it was set anew (an operation, a reset, six weeks
        after one).
    ashworth, penn : ndarray
        Mean tone (0-4 scale) and spasm frequency (0-4); NaN where not recorded, or delivery was
        interrupted, or not yet begun.
    refill_share : ndarray
        Programmed volume that had not left the pump, as a share of it, less the mean of this
        pump's earlier refills (shrunk towards none by one refill); NaN without a refill.
    refill_count : ndarray
        Earlier refills of this pump behind that mean.
    edss_change, edss_years : ndarray
        Change of the EDSS since the last one, and the time between; NaN without both.
    dye, aspiration, rotor : ndarray of int64
        -1 none, 0 negative, 1 positive, 2 indeterminate.
    tolerance_label, progression_label, trigger_label : ndarray of int64
        1 where the clinic wrote it down.
    action : ndarray of int64
        Bits of :class:`Action`.
    catheter_age_years, pump_age_years : ndarray
        Age of catheter and pump at the step, before any action.
    bolus : ndarray of int64
        1 where the dose in force was given as boluses.
    search_by_tone, search_by_dose : ndarray
        Cause to search for a device fault since the step before
        (:func:`itb_bayes.cohort.search.causes_to_search`).
    untreated_tone : ndarray, shape (n_patient,)
        Mean tone (0-4) up to the day of the first dose, or of the implant where doses are recorded
        only from later than six weeks after it; NaN where not recorded.
    """

    patient_ids: tuple[str, ...]
    offsets: NDArray[np.int64]
    t_years: NDArray[np.float64]
    log_dose: NDArray[np.float64]
    dose_change: NDArray[np.float64]
    ashworth: NDArray[np.float64]
    penn: NDArray[np.float64]
    refill_share: NDArray[np.float64]
    refill_count: NDArray[np.float64]
    edss_change: NDArray[np.float64]
    edss_years: NDArray[np.float64]
    dye: NDArray[np.int64]
    aspiration: NDArray[np.int64]
    rotor: NDArray[np.int64]
    tolerance_label: NDArray[np.int64]
    progression_label: NDArray[np.int64]
    trigger_label: NDArray[np.int64]
    action: NDArray[np.int64]
    catheter_age_years: NDArray[np.float64]
    pump_age_years: NDArray[np.float64]
    bolus: NDArray[np.int64]
    search_by_tone: NDArray[np.float64]
    search_by_dose: NDArray[np.float64]
    untreated_tone: NDArray[np.float64]

    @property
    def n_patient(self) -> int:
        """Number of patients."""
        return len(self.patient_ids)

    @property
    def n_step(self) -> int:
        """Number of steps of all patients."""
        return int(self.offsets[-1])


@dataclass
class _Step:
    """One day of one patient while it is being put together."""

    scores: list[float] = field(default_factory=list)
    penn: list[float] = field(default_factory=list)
    edss: list[float] = field(default_factory=list)
    refill: tuple[float, float, float] | None = None
    events: list[tuple[str, str]] = field(default_factory=list)
    dose: bool = False


def timeline(cohort: Cohort, *, until_years: Mapping[str, float] | None = None) -> Timeline:
    """Lay out the timeline of every patient of a cohort.

    Parameters
    ----------
    cohort : Cohort
    until_years : mapping of patient_id to float, optional
        As-of time of each patient: records after it are not looked at.

    Returns
    -------
    Timeline
        Patients without a dose are left out.
    """
    limits = dict(until_years or {})
    tables = {
        name: dict(iter(frame.groupby("patient_id", sort=False)))
        for name, frame in cohort.tables.items()
        if name != "patients"
    }
    ids, columns, counts = [], defaultdict(list), [0]
    for patient_id in cohort.patients["patient_id"].astype(str):
        limit = limits.get(patient_id, np.inf)
        own = {
            name: frames[patient_id].loc[frames[patient_id]["t_years"] <= limit + 1e-9]
            for name, frames in tables.items()
            if patient_id in frames
        }
        if "doses" not in own or own["doses"].empty:
            continue
        rows, untreated = _patient_steps(own)
        if not rows:
            continue
        ids.append(patient_id)
        counts.append(counts[-1] + len(rows))
        columns["untreated_tone"].append(untreated)
        for row in rows:
            for name, value in row.items():
                columns[name].append(value)
    whole = {"dye", "aspiration", "rotor", "tolerance_label", "progression_label"}
    whole |= {"trigger_label", "action", "bolus"}
    arrays: dict[str, Any] = {
        f.name: np.array(columns[f.name], dtype=np.int64 if f.name in whole else np.float64)
        for f in fields(Timeline)
        if f.name not in ("patient_ids", "offsets")
    }
    return Timeline(patient_ids=tuple(ids), offsets=np.array(counts, dtype=np.int64), **arrays)


def _patient_steps(own: Mapping[str, pd.DataFrame]) -> tuple[list[dict[str, Any]], float]:
    """Return the steps of one patient and his tone before implant."""
    doses = own["doses"]
    dose_times = doses["t_years"].to_numpy(dtype=float)
    log_doses = np.log(np.maximum(doses["daily_dose_ug"].to_numpy(dtype=float), 1e-9))
    modes = [mode == "bolus" for mode in doses["mode"]]
    days, untreated = _collect(own, float(dose_times[0]))
    pauses = _pauses(own.get("events"))
    rows: list[dict[str, Any]] = []
    pump_from = catheter_from = 0.0
    changed_at = -np.inf
    shares: list[float] = []
    last_edss: tuple[float, float] | None = None
    for t in sorted(days):
        step = days[t]
        before = bisect.bisect_left(dose_times, t - 0.5 * _DAY_YEARS)
        at = bisect.bisect_right(dose_times, t + 0.5 * _DAY_YEARS)
        force = max(before - 1, 0)
        paused = any(start < t <= end for start, end in pauses)
        zero = log_doses[force] < 0.0
        row = _blank_row(t, float(log_doses[force]), t - catheter_from, t - pump_from)
        row["bolus"] = int(modes[force])
        settled = not step.events and t - changed_at > SETTLING_YEARS and before > 0
        if settled and not paused and not zero:
            if at > before and log_doses[at - 1] >= 0.0:
                row["dose_change"] = float(log_doses[at - 1] - log_doses[force])
            elif at == before and step.scores:
                row["dose_change"] = 0.0
        if not paused and not zero:
            row["ashworth"] = float(np.mean(step.scores)) if step.scores else np.nan
            row["penn"] = float(np.mean(step.penn)) if step.penn else np.nan
        if zero:
            row["log_dose"] = rows[-1]["log_dose"] if rows else 0.0
        if step.edss:
            value = float(np.mean(step.edss))
            if last_edss is not None and t - last_edss[0] > 0.1:
                row["edss_change"], row["edss_years"] = value - last_edss[1], t - last_edss[0]
            if last_edss is None or t - last_edss[0] > 0.1:
                last_edss = (t, value)
        if step.refill is not None and not paused:
            share = _refill_share(*step.refill)
            if np.isfinite(share):
                row["refill_share"] = share - sum(shares) / (len(shares) + 1.0)
                row["refill_count"] = float(len(shares))
                shares.append(share)
        for event, detail in step.events:
            _note_event(row, event, detail)
        if any(event in _NEW_PUMP for event, _ in step.events):
            pump_from, shares = t, []
        if any(event in _NEW_CATHETER for event, _ in step.events):
            catheter_from = t
        if row["action"]:
            changed_at = t
        rows.append(row)
    causes = causes_to_search(
        *(np.array([row[name] for row in rows]) for name in ("t_years", "log_dose", "ashworth"))
    )
    for row, by_tone, by_dose in zip(rows, *causes, strict=True):
        row["search_by_tone"], row["search_by_dose"] = float(by_tone), float(by_dose)
    return rows, untreated


def _day(t_years: float) -> float:
    return round(t_years / _DAY_YEARS) * _DAY_YEARS


def _collect(own: Mapping[str, pd.DataFrame], first: float) -> tuple[dict[float, _Step], float]:
    """Gather the records of each day from the first dose on, and the tone before it."""
    days: dict[float, _Step] = defaultdict(_Step)
    before: list[float] = []

    # A record that starts later than this is of a patient who was treated before it.
    start = _day(first) if first <= SETTLING_YEARS else 0.0
    for t in own["doses"]["t_years"]:
        days[_day(float(t))].dose = True
    if "assessments" in own:
        frame = own["assessments"]
        for t, scale, value in zip(frame["t_years"], frame["scale"], frame["value"], strict=True):
            untreated = _day(float(t)) <= start
            if scale in TONE_SHIFT:
                tone = float(value) + TONE_SHIFT[scale]
                if untreated:
                    before.append(tone)
                elif t >= first:
                    days[_day(float(t))].scores.append(tone)
            elif t >= first and scale == "edss":
                days[_day(float(t))].edss.append(float(value))
            elif t >= first and not untreated:
                days[_day(float(t))].penn.append(float(value))
    if "refills" in own:
        frame = own["refills"]
        columns = ("t_years", "expected_residual_ml", "actual_residual_ml", "reservoir_ml")
        for t, *volumes in zip(*(frame[c].astype(float) for c in columns), strict=True):
            if t >= first:
                days[_day(t)].refill = (volumes[0], volumes[1], volumes[2])
    if "events" in own:
        frame = own["events"]
        details = frame["detail"].fillna("")
        for t, event, detail in zip(frame["t_years"], frame["event"], details, strict=True):
            if t >= first and event not in ("death", "lost"):
                days[_day(float(t))].events.append((str(event), str(detail)))
    return days, float(np.mean(before)) if before else np.nan


def _blank_row(t: float, log_dose: float, catheter_age: float, pump_age: float) -> dict[str, Any]:
    return {
        "t_years": t,
        "log_dose": log_dose,
        "dose_change": np.nan,
        "ashworth": np.nan,
        "penn": np.nan,
        "refill_share": np.nan,
        "refill_count": 0.0,
        "edss_change": np.nan,
        "edss_years": np.nan,
        "dye": -1,
        "aspiration": -1,
        "rotor": -1,
        "tolerance_label": 0,
        "progression_label": 0,
        "trigger_label": 0,
        "action": 0,
        "catheter_age_years": max(catheter_age, 0.0),
        "pump_age_years": max(pump_age, 0.0),
        "bolus": 0,
    }


def _note_event(row: dict[str, Any], event: str, detail: str) -> None:
    if event in _ACTIONS:
        row["action"] |= int(_ACTIONS[event])
    elif event == "mode_change" and detail == "bolus":
        row["action"] |= int(Action.RESET)
    elif event in ("dye_study", "aspiration", "rotor_study"):
        name = event.removesuffix("_study")
        # Of several results on one day the one that speaks for a fault is kept, then a clear one.
        row[name] = max(row[name], _RESULTS.get(detail, -1), key=_WEIGHT_OF_RESULT.index)
    elif event in _LABELS:
        row[_LABELS[event]] = 1


def _pauses(events: pd.DataFrame | None) -> list[tuple[float, float]]:
    """Return the times during which nothing was delivered on purpose."""
    found: list[tuple[float, float]] = []
    if events is None:
        return found
    start: float | None = None
    for t_years, event in zip(events["t_years"].astype(float), events["event"], strict=True):
        t = _day(t_years)
        if event in ("holiday_start", "explant") and start is None:
            start = t
        elif event in ("holiday_end", "reimplant") and start is not None:
            found.append((start, t))
            start = None
    if start is not None:
        found.append((start, np.inf))
    return found


def _refill_share(expected_ml: float, actual_ml: float, reservoir_ml: float) -> float:
    """Return the programmed volume that had not left the pump, as a share of it."""
    volume = reservoir_ml if np.isfinite(reservoir_ml) else 20.0
    programmed = volume - expected_ml
    if not programmed > 1.0:
        return np.nan
    return (actual_ml - expected_ml) / programmed
