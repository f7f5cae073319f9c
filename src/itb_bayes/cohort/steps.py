"""The steps of one patient: what was seen, done and confirmed on each day of record."""

import bisect
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from itb_bayes.cohort.actions import CATHETER_OPERATIONS, PUMP_OPERATIONS, Action
from itb_bayes.cohort.search import causes_to_search
from itb_bayes.cohort.tested import (
    EXCLUDED_YEARS,
    NOT_EXCLUDED,
    after_tests,
    expect_catheter,
    expect_naming,
    expect_pump,
)

TONE_SHIFT = {"ashworth_0_4": 0.0, "ashworth_1_5": -1.0, "mas": 0.0}
"""What moves a score to the 0-4 scale; MAS 1+ is 1.5 already."""

SETTLING_YEARS = 0.12
"""After an operation or a reset the dose is set anew, not titrated: six weeks."""

_DAY_YEARS = 1.0 / 365.25
_SAME_EDSS_YEARS = 0.1

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


@dataclass
class _Step:
    """One day of one patient while it is being put together."""

    scores: list[float] = field(default_factory=list)
    penn: list[float] = field(default_factory=list)
    edss: list[float] = field(default_factory=list)
    refill: tuple[float, float, float] | None = None
    events: list[tuple[str, str]] = field(default_factory=list)
    dose: bool = False


def patient_steps(own: Mapping[str, pd.DataFrame]) -> tuple[list[dict[str, Any]], float]:
    """Return the steps of one patient and their tone before implant.

    Parameters
    ----------
    own : mapping of str to DataFrame
        Their rows of each table; ``doses`` is there and not empty.

    Returns
    -------
    (rows, untreated_tone) : list of dict and float
        The columns of :class:`itb_bayes.cohort.timeline.Timeline`, a row for each day of record.
    """
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
            last_edss = _compare_edss(row, t, float(np.mean(step.edss)), last_edss)
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
    _look_back(rows)
    return rows, untreated


def _look_back(rows: list[dict[str, Any]]) -> None:
    """Add to every step what those before it give to expect."""

    def column(name: str) -> NDArray[Any]:
        return np.array([row[name] for row in rows])

    t_years, action = column("t_years"), column("action")
    by_tone, by_dose = causes_to_search(t_years, column("log_dose"), column("ashworth"))
    catheter, pump = (
        expect_catheter(column("dye"), column("aspiration")),
        expect_pump(column("rotor")),
    )
    on_catheter, on_pump = (action & CATHETER_OPERATIONS) > 0, (action & PUMP_OPERATIONS) > 0
    naming = expect_naming(column("dye"), column("aspiration"), column("rotor"))
    excluded = after_tests(t_years, naming, on_catheter | on_pump, EXCLUDED_YEARS)
    looked_back = {
        "search_by_tone": by_tone,
        "search_by_dose": by_dose,
        "catheter_tested": after_tests(t_years, catheter, on_catheter),
        "pump_tested": after_tests(t_years, pump, on_pump),
        "excluded": NOT_EXCLUDED + (1.0 - NOT_EXCLUDED) * excluded,
    }
    for name, values in looked_back.items():
        for row, value in zip(rows, values, strict=True):
            row[name] = float(value)


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
    elif event == "disease_progression" and detail.strip().lower() == "relapse":
        # Tone is up for weeks and comes down again, as with any other trigger.
        row["trigger_label"] = 1
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


def _compare_edss(
    row: dict[str, Any], t: float, score: float, last: tuple[float, float] | None
) -> tuple[float, float]:
    """Compare a score with the last one; return which is the last from now on, with its time."""
    if last is None:
        return t, score
    if t - last[0] <= _SAME_EDSS_YEARS:  # too soon to say anything of a rate
        return last
    row["edss_change"], row["edss_years"] = score - last[1], t - last[0]
    return t, score


def _refill_share(expected_ml: float, actual_ml: float, reservoir_ml: float) -> float:
    """Return the programmed volume that had not left the pump, as a share of it."""
    volume = reservoir_ml if np.isfinite(reservoir_ml) else 20.0
    programmed = volume - expected_ml
    if not programmed > 1.0:
        return np.nan
    return (actual_ml - expected_ml) / programmed
