"""The dose in force at regular times: the series that dose models are fitted to.

A programmed dose holds until somebody changes it, so a record of doses is a step function. Reading
it at regular times keeps the models free of *when* a clinic chose to write a row: a change log and
a visit log of one patient give the same series.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
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
    dose_year_before_ug : ndarray, shape (n_patient,)
        Dose in force one year before the last reading; NaN where that is within the first year, or
        the dose was interrupted (holiday, explant) at that time.
    n_rows : ndarray of int64, shape (n_patient,)
        Dose rows that the readings rest on.
    ended : tuple of str
        Why a patient is no longer on treatment at the last reading ("died", "explanted",
        "lost to follow-up", "on a drug holiday"); empty while treatment goes on.
    step_months : float
        Distance of the readings after the first year (half of it within the first year).
    set_aside : pandas.DataFrame
        Columns patient_id, t_years, reason: readings and patients that were not used.
    """

    patient_ids: tuple[str, ...]
    patient: NDArray[np.int64]
    t_years: NDArray[np.float64]
    daily_dose_ug: NDArray[np.float64]
    dose_year_before_ug: NDArray[np.float64]
    n_rows: NDArray[np.int64]
    ended: tuple[str, ...]
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
    limits = dict(until_years or {})
    step = _auto_step(cohort, limits) if step_months == "auto" else float(step_months)
    ends = _end_of_follow_up(cohort)
    exits = dict(zip(cohort.patients["patient_id"], cohort.patients["exit_reason"], strict=True))
    doses = dict(iter(cohort.doses.groupby("patient_id", sort=False)))
    events = dict(iter(cohort.events.groupby("patient_id", sort=False)))
    kept: list[_Read] = []
    aside: list[pd.DataFrame] = []
    for pid in cohort.patients["patient_id"].astype(str):
        course = _Course(events.get(pid))
        end = min(ends[pid], limits.get(pid, np.inf), course.final)
        followed_to_end = end >= min(ends[pid], course.final)
        exit_reason = exits[pid] if followed_to_end else None
        read = _read_patient(pid, doses.get(pid), course, end, step / 12.0, from_years, exit_reason)
        if read.notes:
            notes = pd.DataFrame(read.notes, columns=["t_years", "reason"])
            aside.append(notes.assign(patient_id=pid))
        if read.t.size >= minimum_points:
            kept.append(read)
            continue
        reason = f"patient with fewer than {minimum_points} usable dose readings"
        aside.append(pd.DataFrame({"t_years": [np.nan], "reason": [reason], "patient_id": [pid]}))
    return _gather(kept, step, _join(aside))


@dataclass(frozen=True)
class _Read:
    """Readings of one patient; see :class:`DoseSeries`."""

    patient_id: str
    t: NDArray[np.float64]
    dose: NDArray[np.float64]
    dose_year_before: float
    n_rows: int
    ended: str
    notes: tuple[tuple[float, str], ...]


def _gather(kept: list[_Read], step: float, aside: pd.DataFrame) -> DoseSeries:
    sizes = [read.t.size for read in kept]
    none = np.empty(0)
    return DoseSeries(
        patient_ids=tuple(read.patient_id for read in kept),
        patient=np.repeat(np.arange(len(kept)), sizes).astype(np.int64),
        t_years=np.concatenate([read.t for read in kept]) if kept else none,
        daily_dose_ug=np.concatenate([read.dose for read in kept]) if kept else none,
        dose_year_before_ug=np.array([read.dose_year_before for read in kept], dtype=float),
        n_rows=np.array([read.n_rows for read in kept], dtype=np.int64),
        ended=tuple(read.ended for read in kept),
        step_months=step,
        set_aside=aside,
    )


class _Course:
    """When a patient's treatment was interrupted or ended, from the events."""

    EXPLANTED = "no pump (explanted)"
    SPANS = (
        ("holiday_start", "holiday_end", "drug holiday"),
        ("explant", "reimplant", EXPLANTED),
    )
    STATES = MappingProxyType({"drug holiday": "on a drug holiday", EXPLANTED: "explanted"})

    def __init__(self, events: pd.DataFrame | None) -> None:
        self.spans: list[tuple[float, float, str]] = []
        self.final = np.inf
        self.final_reason = ""
        if events is None:
            return
        t_event = events["t_years"].to_numpy(dtype=float)
        kind = events["event"].to_numpy(dtype=object)
        for opening, closing, why in self.SPANS:
            closings = np.sort(t_event[kind == closing])
            for start in t_event[kind == opening]:
                after = closings[closings >= start]
                stop = float(after[0]) if after.size else np.inf
                self.spans.append((float(start), stop, why))
        for name, reason in (("death", "died"), ("lost", "lost to follow-up")):
            for t in t_event[kind == name]:
                if t < self.final:
                    self.final, self.final_reason = float(t), reason

    def blocked(self, t: float, since: float) -> str:
        """Return why the dose of a row at ``since`` is not in force at ``t``; empty if it is.

        The last dose holds up to an interruption; that of an explanted pump does not come back.
        """
        for start, stop, why in self.spans:
            if start < t < stop:
                return why
            if why == self.EXPLANTED and since <= start and since < stop <= t:
                return "no dose recorded since reimplant"
        return ""

    def state(self, end: float, exit_reason: object) -> str:
        """Return why treatment does not go on at ``end``, or nothing."""
        if self.final <= end + 1e-9:
            return self.final_reason
        for start, stop, why in self.spans:
            if start <= end + 1e-9 and stop > end:
                return self.STATES[why]
        named = {"died": "died", "lost": "lost to follow-up", "explanted": "explanted"}
        return named.get(exit_reason, "") if isinstance(exit_reason, str) else ""


def _join(parts: list[pd.DataFrame]) -> pd.DataFrame:
    columns = ["patient_id", "t_years", "reason"]
    if not parts:
        return pd.DataFrame({"patient_id": [], "t_years": [], "reason": []}).astype(
            {"patient_id": "str", "reason": "str"}
        )
    return pd.concat([part[columns] for part in parts], ignore_index=True)


def _auto_step(cohort: Cohort, limits: Mapping[str, float]) -> float:
    """Return 12 where rows after year 1 (up to the as-of times) are about yearly, else 6."""
    late = cohort.doses.loc[cohort.doses["t_years"] >= 1.0 - SAME_DAY_YEARS]
    if limits:
        limit = late["patient_id"].map(limits).fillna(np.inf)
        late = late.loc[late["t_years"] <= limit + 1e-9]
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
    patient_id: str,
    rows: pd.DataFrame | None,
    course: _Course,
    end: float,
    step_years: float,
    from_years: float,
    exit_reason: object,
) -> _Read:
    none = np.empty(0)
    nothing = _Read(patient_id, none, none, np.nan, 0, "", ())
    if rows is None:
        return nothing
    t_row = rows["t_years"].to_numpy(dtype=float)
    dose = rows["daily_dose_ug"].to_numpy(dtype=float)
    seen = t_row <= end + 1e-9
    if not seen.any():
        return nothing
    t_row, dose = t_row[seen], dose[seen]
    readings = _reading_times(max(t_row[0], from_years, 0.0), end, step_years)
    value = _in_force(t_row, dose, np.minimum(readings + SAME_DAY_YEARS, end + 1e-9))
    if readings.size and readings[-1] < end and value[-1] != dose[-1]:
        # A change since the last grid point: the last reading is always the dose in force now.
        readings, value = np.append(readings, end), np.append(value, dose[-1])
    since = _in_force(t_row, t_row, np.minimum(readings + SAME_DAY_YEARS, end + 1e-9))
    why_not = [course.blocked(t, row) for t, row in zip(readings, since, strict=True)]
    reason = np.array(why_not, dtype="U40")
    reason = np.where((value == 0.0) & (reason == ""), "dose is zero", reason)
    ok = (reason == "") & np.isfinite(value)
    notes = tuple((float(t), str(why)) for t, why in zip(readings, reason, strict=True) if why)
    t, y = readings[ok], value[ok]
    before = _dose_year_before(t_row, dose, course, t[-1]) if t.size else np.nan
    state = course.state(end, exit_reason)
    return _Read(patient_id, t, y, before, int(t_row.size), state, notes)


def _dose_year_before(
    t_row: NDArray[np.float64], dose: NDArray[np.float64], course: _Course, last: float
) -> float:
    """Return the dose in force a year before ``last``; NaN in the first year or without one."""
    then = np.array([last - 1.0 + SAME_DAY_YEARS])
    since, value = _in_force(t_row, t_row, then)[0], float(_in_force(t_row, dose, then)[0])
    if last - 1.0 < 1.0 or value == 0.0 or course.blocked(last - 1.0, since):
        return float("nan")
    return value


def _in_force(
    t_row: NDArray[np.float64], dose: NDArray[np.float64], t: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the dose in force at each ``t``; NaN before the first row."""
    latest = np.searchsorted(t_row, t, side="right")
    return np.where(latest > 0, dose[np.maximum(latest - 1, 0)], np.nan)


def _reading_times(first: float, end: float, step_years: float) -> NDArray[np.float64]:
    """Return the grid from the first dose to the end of follow-up.

    An end that is not on the grid is added, unless a grid point is closer than a quarter of a step.
    """
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
