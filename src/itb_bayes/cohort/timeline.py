"""The timeline of every patient: what was seen, done and confirmed, one step per day of record.

Everything that regime models read of a cohort is here as flat arrays, one element per step. A step
uses only what was known on its day, so cutting a timeline short is the same as not having the
later records.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from itb_bayes.cohort.cohort import Cohort
from itb_bayes.cohort.steps import patient_steps


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
    catheter_tested, pump_tested : ndarray
        How far an operation was to be expected after a test since then
        (:func:`itb_bayes.cohort.tested.after_tests`).
    excluded : ndarray
        How far a device fault had been excluded by tests since then, likewise.
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
    catheter_tested: NDArray[np.float64]
    pump_tested: NDArray[np.float64]
    excluded: NDArray[np.float64]
    untreated_tone: NDArray[np.float64]

    @property
    def n_patient(self) -> int:
        """Number of patients."""
        return len(self.patient_ids)

    @property
    def n_step(self) -> int:
        """Number of steps of all patients."""
        return int(self.offsets[-1])


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
        rows, untreated = patient_steps(own)
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
