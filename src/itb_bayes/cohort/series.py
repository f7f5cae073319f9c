"""The dose in force at regular times: the series that dose models are fitted to.

A programmed dose holds until somebody changes it, so a record of doses is a step function. Reading
it at regular times keeps the models free of *when* a clinic chose to write a row: a change log and
a visit log of one patient give the same series.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from itb_bayes.cohort.cohort import Cohort

SAME_DAY_YEARS = 2.0 / 365.25
"""A row up to two days after a reading still counts for it (anniversaries fall between days)."""

YEARLY_SPACING = 0.75
"""Median spacing of dose rows (years) from which a cohort's records count as yearly."""


@dataclass(frozen=True)
class DoseSeries:
    """Doses in force, read at regular times since implant.

    Attributes
    ----------
    patient_ids : tuple of str
        Patients with enough readings, in the order of the patients table.
    patient : ndarray of int64, shape (n_reading,)
        Index into ``patient_ids``, non-decreasing.
    t_years : ndarray, shape (n_reading,)
        Years since implant, increasing within a patient.
    daily_dose_ug : ndarray, shape (n_reading,)
    t_end_years : ndarray, shape (n_patient,)
        Last time at which the patient's dose is known to hold.
    step_months : float
        Distance of the readings after the first year (half of it within the first year).
    set_aside : pandas.DataFrame
        Columns patient_id, t_years, reason: readings and patients that were not used.
    """

    patient_ids: tuple[str, ...]
    patient: NDArray[np.int64]
    t_years: NDArray[np.float64]
    daily_dose_ug: NDArray[np.float64]
    t_end_years: NDArray[np.float64]
    step_months: float
    set_aside: pd.DataFrame

    @property
    def offsets(self) -> NDArray[np.int64]:
        """Readings of patient i are ``offsets[i]:offsets[i + 1]``."""
        counts = np.bincount(self.patient, minlength=len(self.patient_ids))
        return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)

    @property
    def daily_dose_now_ug(self) -> NDArray[np.float64]:
        """Dose of each patient's last reading, shape (n_patient,)."""
        return self.daily_dose_ug[self.offsets[1:] - 1]


def dose_series(
    cohort: Cohort,
    *,
    step_months: float | Literal["auto"] = "auto",
    from_years: float = 0.0,
    minimum_points: int = 2,
    until_years: Mapping[str, float] | None = None,
) -> DoseSeries:
    """Read the doses in force of every patient.

    Parameters
    ----------
    cohort : Cohort
    step_months : float or "auto"
        Distance of readings; "auto" is 12 where the cohort's own records are about yearly
        (:data:`YEARLY_SPACING`), otherwise 6.
    from_years : float
        No reading before this time since implant.
    minimum_points : int
        Patients with fewer readings are set aside, and listed.
    until_years : mapping of patient_id to float, optional
        As-of time of each patient: records after it are not looked at.

    Returns
    -------
    DoseSeries

    Notes
    -----
    Readings during a drug holiday, between explant and reimplant, after death, and of a zero dose
    are set aside and listed in ``set_aside``; a dose from before an explant does not come back with
    the next pump. Until the end of follow-up the last dose holds; the
    end is ``t_last_seen``, or the last record of any kind.
    """
    step = _auto_step(cohort) if step_months == "auto" else float(step_months)
    ends = _end_of_follow_up(cohort)
    doses = dict(iter(cohort.doses.groupby("patient_id", sort=False)))
    events = dict(iter(cohort.events.groupby("patient_id", sort=False)))
    kept: list[str] = []
    index: list[NDArray[np.int64]] = []
    times: list[NDArray[np.float64]] = []
    values: list[NDArray[np.float64]] = []
    t_end: list[float] = []
    aside: list[pd.DataFrame] = []
    for pid in cohort.patients["patient_id"]:
        end = min(ends[pid], (until_years or {}).get(pid, np.inf))
        rows = doses.get(pid)
        t, y, notes = _read_patient(rows, events.get(pid), end, step / 12.0, from_years)
        if notes:
            aside.append(pd.DataFrame(notes, columns=["t_years", "reason"]).assign(patient_id=pid))
        if t.size < minimum_points:
            reason = f"patient with fewer than {minimum_points} usable dose readings"
            aside.append(
                pd.DataFrame({"t_years": [np.nan], "reason": [reason], "patient_id": [pid]})
            )
            continue
        index.append(np.full(t.size, len(kept), dtype=np.int64))
        kept.append(str(pid))
        times.append(t)
        values.append(y)
        t_end.append(float(t[-1]))
    empty = np.empty(0)
    return DoseSeries(
        patient_ids=tuple(kept),
        patient=np.concatenate(index) if index else empty.astype(np.int64),
        t_years=np.concatenate(times) if times else empty,
        daily_dose_ug=np.concatenate(values) if values else empty,
        t_end_years=np.array(t_end),
        step_months=step,
        set_aside=_join(aside),
    )


def _join(parts: list[pd.DataFrame]) -> pd.DataFrame:
    columns = ["patient_id", "t_years", "reason"]
    if not parts:
        return pd.DataFrame({"patient_id": [], "t_years": [], "reason": []}).astype(
            {"patient_id": "str", "reason": "str"}
        )
    return pd.concat([part[columns] for part in parts], ignore_index=True)


def _auto_step(cohort: Cohort) -> float:
    late = cohort.doses.loc[cohort.doses["t_years"] >= 1.0 - SAME_DAY_YEARS]
    spacing = late.groupby("patient_id", sort=False)["t_years"].diff().median()
    return 12.0 if spacing >= YEARLY_SPACING else 6.0


def _end_of_follow_up(cohort: Cohort) -> dict[str, float]:
    ends = cohort.patients.set_index("patient_id")["t_last_seen"].astype(float)
    tables = (cohort.doses, cohort.assessments, cohort.refills, cohort.events)
    last = pd.concat([table[["patient_id", "t_years"]] for table in tables if len(table)])
    recorded = last.groupby("patient_id")["t_years"].max().reindex(ends.index)
    known = ends.fillna(recorded).fillna(-np.inf)
    return {str(pid): float(end) for pid, end in known.items()}


def _read_patient(
    rows: pd.DataFrame | None,
    events: pd.DataFrame | None,
    end: float,
    step_years: float,
    from_years: float,
) -> tuple[NDArray[np.float64], NDArray[np.float64], list[tuple[float, str]]]:
    """Return reading times, doses, and ``(time, reason)`` of readings set aside."""
    none = np.empty(0)
    if rows is None:
        return none, none, []
    t_row = rows["t_years"].to_numpy(dtype=float)
    dose = rows["daily_dose_ug"].to_numpy(dtype=float)
    seen = t_row <= end + 1e-9
    if not seen.any():
        return none, none, []
    t_row, dose = t_row[seen], dose[seen]
    readings = _reading_times(max(t_row[0], from_years, 0.0), end, step_years)
    latest = np.searchsorted(t_row, np.minimum(readings + SAME_DAY_YEARS, end + 1e-9), side="right")
    value = np.where(latest > 0, dose[np.maximum(latest - 1, 0)], np.nan)
    reason = _blocked(readings, t_row[np.maximum(latest - 1, 0)], events)
    reason = np.where((value == 0.0) & (reason == ""), "dose is zero", reason)
    ok = (reason == "") & np.isfinite(value)
    notes = [(float(t), str(why)) for t, why in zip(readings, reason, strict=True) if why]
    return readings[ok], value[ok], notes


def _reading_times(first: float, end: float, step_years: float) -> NDArray[np.float64]:
    """Return the grid from the first dose to the end of follow-up, both included."""
    if end < first - SAME_DAY_YEARS:
        return np.empty(0)
    half = step_years / 2.0
    early = np.arange(0.0, 1.0, half)
    late = np.arange(1.0, max(end, 1.0) + step_years, step_years)
    grid = np.concatenate([early, late])
    near = half / 2.0
    inside = grid[(grid >= first - SAME_DAY_YEARS) & (grid <= end + SAME_DAY_YEARS)]
    if inside.size == 0:
        return np.array([end])
    if first < inside[0] - near:
        inside = np.concatenate([[first], inside])
    if end > inside[-1] + near:
        inside = np.concatenate([inside, [end]])
    return inside


def _blocked(
    readings: NDArray[np.float64], since: NDArray[np.float64], events: pd.DataFrame | None
) -> NDArray[np.str_]:
    """Return why readings cannot be used, or ""; ``since`` are the times of their dose rows."""
    reason = np.full(readings.size, "", dtype="U40")
    if events is None:
        return reason
    spans = [
        ("holiday_start", "holiday_end", "drug holiday"),
        ("explant", "reimplant", "no pump (explanted)"),
        ("death", None, "after death"),
    ]
    t_event = events["t_years"].to_numpy(dtype=float)
    kind = events["event"].to_numpy(dtype=object)
    for opening, closing, why in spans:
        closings = np.sort(t_event[kind == closing]) if closing else np.empty(0)
        for start in t_event[kind == opening]:
            after = closings[closings >= start]
            stop = after[0] if after.size else np.inf
            reason[(readings >= start) & (readings < stop)] = why
            if opening == "explant":
                stale = (readings >= stop) & (since <= start) & (since < stop)
                reason[stale] = "no dose recorded since reimplant"
    return reason
