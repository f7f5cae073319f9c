"""What a complications fit reads: published counts, and those of the cohort's own centres."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from itb_bayes.cohort.cohort import Cohort
from itb_bayes.errors import ModelError
from itb_bayes.kernel.complications import Counts
from itb_bayes.literature import complication_counts, sources
from itb_bayes.spec import ComplicationsSpec

REVISION = 1
"""Raised whenever a variable of the model changes its meaning: older fits are then refused."""

EVENTS = {
    "catheter": "catheter_fault_confirmed",
    "pump": "pump_fault_confirmed",
    "infection": "infection",
    "tolerance": "tolerance_diagnosed",
}
"""The event of the data contract that counts as each complication."""

OWN = "own: "
"""Begins the label of the cohort's own centres among the studies."""


@dataclass(frozen=True)
class LeftOut:
    """A cell of the table that says nothing, and why."""

    study: str
    complication: str
    reason: str


@dataclass(frozen=True)
class ComplicationsPlan:
    """The known cells of the table of counts.

    Attributes
    ----------
    complications, studies : tuple of str
        Labels; the cohort's own centres begin with :data:`OWN`.
    complication_index, study_index : ndarray of int64, shape (n_cell,)
    counts : Counts
    n_patient : int
        Patients of the cohort's own centres.
    left_out : tuple of LeftOut
    notes : tuple of str
        What "auto" settings came to, in words.
    """

    complications: tuple[str, ...]
    studies: tuple[str, ...]
    complication_index: NDArray[np.int64]
    study_index: NDArray[np.int64]
    counts: Counts
    n_patient: int
    left_out: tuple[LeftOut, ...]
    notes: tuple[str, ...]

    def __post_init__(self) -> None:
        """Refuse indexes outside their labels."""
        n = self.counts.low.size
        for index, labels in (
            (self.complication_index, self.complications),
            (self.study_index, self.studies),
        ):
            if index.shape != (n,) or (n and (index.min() < 0 or index.max() >= len(labels))):
                raise ValueError("an index of the plan points outside its labels")

    @property
    def cells(self) -> tuple[str, ...]:
        """Label of every cell: study and complication."""
        return tuple(
            f"{self.studies[s]} | {self.complications[c]}"
            for s, c in zip(self.study_index, self.complication_index, strict=True)
        )

    def of(self, complication: str) -> Counts:
        """Return the cells of one complication."""
        here = self.complication_index == self.complications.index(complication)
        return Counts(
            self.counts.low[here], self.counts.high[here], self.counts.patient_years[here]
        )


@dataclass(frozen=True)
class _Cell:
    study: str
    complication: str
    low: int
    high: int
    patient_years: float


def plan_complications(
    spec: ComplicationsSpec, cohort: Cohort, *, until_years: Mapping[str, float] | None = None
) -> ComplicationsPlan:
    """Lay a complications specification over the published table and a cohort.

    Parameters
    ----------
    spec : ComplicationsSpec
    cohort : Cohort
        Whose centres enter as further studies.
    until_years : mapping, optional
        As-of time of each patient (years since implant).

    Raises
    ------
    ModelError
        If the cohort's centres are asked for and record no events, or a complication has no count.
    """
    cells, left_out = _published(spec)
    notes = [f"{len({cell.study for cell in cells})} published series"]
    own, n_patient = _own_cells(spec, cohort, until_years or {}, notes)
    cells += own
    for name in spec.studies.complications:
        if not any(cell.complication == name for cell in cells):
            raise ModelError(
                f"model {spec.name!r} has no count of {name}: every study that has one is left "
                "out. Take it out of studies.complications, or leave fewer studies out."
            )
    studies = tuple(dict.fromkeys(cell.study for cell in cells))
    complications = spec.studies.complications
    return ComplicationsPlan(
        complications=complications,
        studies=studies,
        complication_index=np.array([complications.index(c.complication) for c in cells]),
        study_index=np.array([studies.index(c.study) for c in cells]),
        counts=Counts(
            np.array([c.low for c in cells]),
            np.array([c.high for c in cells]),
            np.array([c.patient_years for c in cells]),
        ),
        n_patient=n_patient,
        left_out=tuple(left_out),
        notes=tuple(notes),
    )


def _published(spec: ComplicationsSpec) -> tuple[list[_Cell], list[LeftOut]]:
    cells: list[_Cell] = []
    left_out: list[LeftOut] = []
    for count in complication_counts():
        if count.complication not in spec.studies.complications:
            continue
        study = sources()[count.source].short
        if count.source in spec.studies.leave_out:
            left_out.append(LeftOut(study, count.complication, "left out by the model file"))
        elif count.events_low is None or count.events_high is None or count.patient_years is None:
            left_out.append(LeftOut(study, count.complication, count.note))
        else:
            cells.append(
                _Cell(study, count.complication, count.events_low, count.events_high,
                      count.patient_years)
            )  # fmt: skip
    return cells, left_out


def _own_cells(
    spec: ComplicationsSpec, cohort: Cohort, until_years: Mapping[str, float], notes: list[str]
) -> tuple[list[_Cell], int]:
    use = spec.own_centres.use
    if use == "no":
        return [], 0
    if cohort.events.empty:
        if use == "yes":
            raise ModelError(
                f"model {spec.name!r} asks for the cohort's own centres, but cohort "
                f"{cohort.name!r} records no events: an empty table does not say that nothing "
                'happened. Add events, or say own_centres.use = "no".'
            )
        notes.append("own centres off: the cohort records no events")
        return [], 0
    patients = _followed(cohort, until_years)
    events = cohort.events.merge(patients[["patient_id", "end", "label"]], on="patient_id")
    events = events[(events["t_years"] >= 0.0) & (events["t_years"] <= events["end"] + 1e-9)]
    cells = []
    for label, group in patients.groupby("label", sort=True):
        years = float(group["end"].sum())
        happened = events.loc[events["label"] == label, "event"]
        for name in spec.studies.complications if years > 0.0 else ():
            k = int((happened == EVENTS[name]).sum())
            cells.append(_Cell(f"{OWN}{label}", name, k, k, years))
    n_centre = patients["label"].nunique()
    notes.append(
        f"{n_centre} own {'centre' if n_centre == 1 else 'centres'}: "
        f"{patients['end'].sum():.0f} patient-years from implant"
    )
    return cells, len(patients)


def _followed(cohort: Cohort, until_years: Mapping[str, float]) -> pd.DataFrame:
    """Return patient, centre label and end of follow-up (years since implant, not negative)."""
    patients = cohort.patients[["patient_id"]].copy()
    tables = (cohort.doses, cohort.assessments, cohort.refills, cohort.events)
    records = pd.concat([table[["patient_id", "t_years"]] for table in tables])
    last = records.groupby("patient_id")["t_years"].max()
    end = cohort.patients["t_last_seen"].astype(float)
    end = end.fillna(patients["patient_id"].map(last)).fillna(0.0)
    limit = patients["patient_id"].map(dict(until_years)).astype(float).fillna(np.inf)
    patients["end"] = np.clip(np.minimum(end, limit), 0.0, None)
    patients["label"] = cohort.patients["centre"].fillna(cohort.name)
    return patients
