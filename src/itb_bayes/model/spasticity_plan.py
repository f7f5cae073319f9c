"""What a spasticity fit reads: one visit per phase and patient, as sums of ordinal scores."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from itb_bayes.cohort.cohort import Cohort
from itb_bayes.errors import ModelError
from itb_bayes.kernel.ashworth import MAX_MUSCLES, SCORES, compositions
from itb_bayes.spec import SpasticitySpec

Array = NDArray[np.float64]

REVISION = 1
"""Raised whenever a variable of the model changes its meaning: older fits are then refused."""

PHASES = ("before", "after", "end")

_SHIFT = {"ashworth_0_4": 0.0, "ashworth_1_5": -1.0}
_ROUNDING = 0.005 + 1e-9
"""Means are recorded to two digits."""


@dataclass(frozen=True)
class SpasticityPlan:
    """Readings of a spasticity fit.

    Attributes
    ----------
    scale : {"ashworth", "mas"}
    shown_from : float
        Lowest score of the scale on which results are shown (1 for a cohort scored 1 to 5).
    patient_ids : tuple of str
    patient, phase : ndarray of int64, shape (n_reading,)
    n_muscles, doubled_sum : ndarray of int64, shape (n_reading,)
        Scores in a reading, and twice their sum on the scale that starts at 0.
    set_aside : DataFrame
        ``patient_id, t_years, reason`` of what was not used.
    notes : tuple of str
    """

    scale: str
    shown_from: float
    patient_ids: tuple[str, ...]
    patient: NDArray[np.int64]
    phase: NDArray[np.int64]
    n_muscles: NDArray[np.int64]
    doubled_sum: NDArray[np.int64]
    set_aside: pd.DataFrame
    notes: tuple[str, ...]

    def __post_init__(self) -> None:
        """Refuse indexes outside their labels, and sums that no scores have."""
        for index, size in ((self.patient, len(self.patient_ids)), (self.phase, len(PHASES))):
            if index.shape != self.n_muscles.shape:
                raise ValueError("the columns of the plan differ in length")
            if index.size and (index.min() < 0 or index.max() >= size):
                raise ValueError("an index of the plan points outside its labels")
        for n, total in zip(self.n_muscles, self.doubled_sum, strict=True):
            if int(total) not in compositions(int(n), self.scale):
                raise ValueError("a reading of the plan is no sum of scores")

    @property
    def n_patient(self) -> int:
        """Number of patients fitted."""
        return len(self.patient_ids)

    @property
    def mean_score(self) -> Array:
        """Mean score of every reading on the scale that is shown, shape (n_reading,)."""
        return self.shown_from + 0.5 * self.doubled_sum / self.n_muscles

    @property
    def readings(self) -> "ReadingKinds":
        """Readings by their kind: so many muscles, such a sum."""
        pairs = np.column_stack([self.n_muscles, self.doubled_sum])
        kinds, kind = np.unique(pairs, axis=0, return_inverse=True)
        found = [compositions(int(n), self.scale)[int(total)] for n, total in kinds]
        widest = max(one.log_ways.size for one in found)
        counts = np.zeros((len(found), widest, len(SCORES[self.scale])))
        log_ways = np.full((len(found), widest), -np.inf)
        for k, one in enumerate(found):
            counts[k, : one.log_ways.size] = one.counts
            log_ways[k, : one.log_ways.size] = one.log_ways
        of_phase = np.zeros((len(PHASES), self.n_patient, len(found)))
        np.add.at(of_phase, (self.phase, self.patient, kind.ravel()), 1.0)
        return ReadingKinds(counts, log_ways, of_phase)


@dataclass(frozen=True)
class ReadingKinds:
    """Kinds of reading, and who has how many of each.

    Attributes
    ----------
    counts : ndarray, shape (n_kind, n_way, n_category)
        Muscles with each score, for every way to the sum.
    log_ways : ndarray, shape (n_kind, n_way)
        Log multinomial coefficients; -inf where there is no such way.
    of_phase : ndarray, shape (3, n_patient, n_kind)
        Readings of each kind.
    """

    counts: Array
    log_ways: Array
    of_phase: Array


def plan_spasticity(
    spec: SpasticitySpec, cohort: Cohort, *, until_years: Mapping[str, float] | None = None
) -> SpasticityPlan:
    """Choose the readings of each phase.

    Parameters
    ----------
    spec : SpasticitySpec
    cohort : Cohort
    until_years : mapping, optional
        As-of time of each patient (years since implant).

    Raises
    ------
    ModelError
        If a phase has no reading.
    """
    rows, shown_from = _readings(spec, cohort, until_years or {})
    usable, aside = _as_sums(rows, spec.scale.use)
    visits = pd.concat([_visits(usable, phase, spec) for phase in range(len(PHASES))])
    missing = [name for k, name in enumerate(PHASES) if not (visits["phase"] == k).any()]
    if missing:
        words = "; ".join(sorted(set(aside["reason"]))) if len(aside) else "none was recorded"
        raise ModelError(
            f"model {spec.name!r}: no patient of cohort {cohort.name!r} has a usable "
            f"{spec.scale.use} reading for phase {missing[0]!r} ({words}). Widen [phases], set "
            "scale.use, or fill n_muscles for means."
        )
    ids = tuple(p for p in cohort.patients["patient_id"] if p in set(visits["patient_id"]))
    order = {patient_id: k for k, patient_id in enumerate(ids)}
    visits = visits.assign(patient=visits["patient_id"].map(order)).sort_values(
        ["patient", "phase"], kind="stable"
    )
    counts = [visits.loc[visits["phase"] == k, "patient"].nunique() for k in range(len(PHASES))]
    notes = [", ".join(f"{n} patients {name}" for n, name in zip(counts, PHASES, strict=True))]
    return SpasticityPlan(
        scale=spec.scale.use,
        shown_from=shown_from,
        patient_ids=ids,
        patient=visits["patient"].to_numpy(dtype=np.int64),
        phase=visits["phase"].to_numpy(dtype=np.int64),
        n_muscles=visits["n"].to_numpy(dtype=np.int64),
        doubled_sum=visits["doubled_sum"].to_numpy(dtype=np.int64),
        set_aside=aside,
        notes=tuple(notes),
    )


def _readings(
    spec: SpasticitySpec, cohort: Cohort, until_years: Mapping[str, float]
) -> tuple[pd.DataFrame, float]:
    """Return the readings of the scale from 0 on, and the lowest score of the scale shown."""
    rows = cohort.assessments
    names = tuple(_SHIFT) if spec.scale.use == "ashworth" else ("mas",)
    rows = rows[rows["scale"].isin(names)]
    limit = rows["patient_id"].map(dict(until_years)).astype(float).fillna(np.inf)
    rows = rows[rows["t_years"] <= limit + 1e-9]
    shift = rows["scale"].map(_SHIFT).astype(float).fillna(0.0)
    shown_from = 1.0 if len(rows) and (shift == -1.0).mean() > 0.5 else 0.0
    return rows.assign(score=rows["value"].astype(float) + shift), shown_from


def _as_sums(rows: pd.DataFrame, scale: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return readings as sums of scores, and those that are none with the reason."""
    n = rows["n_muscles"].astype(float).fillna(1.0)
    doubled = np.round(2.0 * n * rows["score"])
    off = (doubled / (2.0 * n) - rows["score"]).abs() > _ROUNDING
    many = n > MAX_MUSCLES
    possible = np.array(
        [
            not m and not o and int(d) in compositions(int(k), scale)
            for k, d, m, o in zip(n, doubled, many, off, strict=True)
        ],
        dtype=bool,
    )
    reason = np.where(
        many,
        f"a mean of more than {MAX_MUSCLES} muscles",
        "no mean of so many muscles (one, where n_muscles is empty)",
    )
    aside = rows.loc[~possible, ["patient_id", "t_years"]].assign(reason=reason[~possible])
    kept = rows.assign(n=n, doubled_sum=doubled)[possible]
    return kept, aside.reset_index(drop=True)


def _visits(rows: pd.DataFrame, phase: int, spec: SpasticitySpec) -> pd.DataFrame:
    """Return all readings of the last visit of every patient in the window of a phase."""
    months = 12.0 * rows["t_years"]
    windows = (
        (months >= -spec.phases.before_months) & (rows["t_years"] <= 0.0),
        (months > 0.0) & (months <= spec.phases.after_months),
        months >= spec.phases.end_from_months,
    )
    inside = rows[windows[phase]]
    last = inside.groupby("patient_id")["t_years"].transform("max")
    return inside[inside["t_years"] == last].assign(phase=phase)
