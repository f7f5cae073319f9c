"""What will be fitted: a specification meets a cohort, before any PyMC.

A plan is pure data: it can be printed, stored with a fit and rebuilt from there. Every index that
a compiled kernel will follow is made and checked here, because compiled code checks none.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from itb_bayes.cohort.cohort import Cohort
from itb_bayes.cohort.series import DoseSeries, dose_series
from itb_bayes.cohort.unchanged import count_unchanged
from itb_bayes.errors import ModelError
from itb_bayes.kernel.panel import Panel
from itb_bayes.kernel.structure import Process, Structure
from itb_bayes.model.centres import code_centres
from itb_bayes.model.covariates import Covariates, code_covariates
from itb_bayes.spec import DriftSpec

_PROCESSES = {"none": Process.NONE, "ou": Process.OU, "random_walk": Process.RANDOM_WALK}

REVISION = 3
"""Raised whenever a variable of the model changes its meaning: older fits are then refused."""

MINIMUM_EARLY_PATIENTS = 5
"""Patients with readings on both sides of the first six months that a titration term asks for."""


@dataclass(frozen=True)
class DriftPlan:
    """Data, indexes and terms of one drift fit.

    Attributes
    ----------
    series : DoseSeries
    structure : Structure
    diagnoses, centres : tuple of str
        Labels in alphabetical order; ``centres`` is empty where the term is off.
    diagnosis_index, centre_index : ndarray of int64, shape (n_patient,)
    level_covariates, drift_covariates : Covariates
        Coded patient columns, shape (n_patient, n_covariate) each.
    notes : tuple of str
        What "auto" settings came to, in words.
    """

    series: DoseSeries
    structure: Structure
    diagnoses: tuple[str, ...]
    diagnosis_index: NDArray[np.int64]
    centres: tuple[str, ...]
    centre_index: NDArray[np.int64]
    level_covariates: Covariates
    drift_covariates: Covariates
    notes: tuple[str, ...]

    def __post_init__(self) -> None:
        """Refuse indexes outside their labels, and columns of another number of patients."""
        n = len(self.series.patient_ids)
        patient = self.series.patient
        if not np.array_equal(np.unique(patient), np.arange(n)) or np.any(np.diff(patient) < 0):
            raise ValueError("the readings of the plan are not those of its patients, in order")
        for covariates in (self.level_covariates, self.drift_covariates):
            if covariates.design.shape != (n, len(covariates.names)):
                raise ValueError("the covariates of the plan are not those of its patients")
        for index, labels in (
            (self.diagnosis_index, self.diagnoses),
            (self.centre_index, self.centres or ("",)),
        ):
            if index.shape != (n,) or (n and (index.min() < 0 or index.max() >= len(labels))):
                raise ValueError("an index of the plan points outside its labels")

    @property
    def n_patient(self) -> int:
        """Number of patients fitted."""
        return len(self.series.patient_ids)

    @property
    def panel(self) -> Panel:
        """Log doses as a ragged panel."""
        return Panel(self.series.t_years, np.log(self.series.daily_dose_ug), self.series.offsets)


def plan_drift(
    spec: DriftSpec, cohort: Cohort, *, until_years: Mapping[str, float] | None = None
) -> DriftPlan:
    """Lay a drift specification over a cohort.

    Parameters
    ----------
    spec : DriftSpec
        Of kind "drift".
    cohort : Cohort
    until_years : mapping, optional
        As-of time of each patient (years since implant).

    Raises
    ------
    ModelError
        If a term is asked for that the cohort has no data for, or nothing is left to fit.
    """
    series = dose_series(
        cohort,
        step_months=spec.series.step_months,
        from_years=spec.series.from_years,
        minimum_points=spec.series.minimum_points,
        until_years=until_years,
    )
    if not series.patient_ids:
        raise ModelError(_nothing_to_fit(spec, cohort, spec.series.from_years))
    notes = [f"dose in force read every {series.step_months:g} months"]
    titration = _use_titration(spec, series, notes)
    if not titration and spec.titration.use == "auto" and spec.series.from_years < 1.0:
        n_before = series.t_years.size
        series = dose_series(
            cohort,
            step_months=series.step_months,
            from_years=1.0,
            minimum_points=spec.series.minimum_points,
            until_years=until_years,
        )
        if not series.patient_ids:
            raise ModelError(_nothing_to_fit(spec, cohort, 1.0))
        dropped = n_before - series.t_years.size
        if dropped:
            notes.append(f"{dropped} readings of the first year left out: they are titration")
    unchanged = count_unchanged(series)
    if spec.noise.kind == "patient_t" and unchanged.are_many:
        notes.append(
            f"{unchanged.n} of {unchanged.of} patients' doses never change after year 1: a "
            "volatility of each patient's own takes them for exact measurements of no drift, and "
            "intervals of the drift come out far too narrow; fit @drift-gaussian instead"
        )
    patients = cohort.patients.set_index("patient_id").loc[list(series.patient_ids)]
    centres, centre_index = code_centres(
        spec.name,
        spec.centre.use,
        patients["centre"].to_numpy(dtype=object),
        "use @drift-no-centre",
        notes,
    )
    diagnosis = patients["diagnosis"].to_numpy(dtype=object)
    diagnoses = tuple(sorted(set(diagnosis)))
    return DriftPlan(
        series=series,
        structure=Structure(
            _PROCESSES[spec.process.kind], spec.noise.kind == "patient_t", titration
        ),
        diagnoses=diagnoses,
        diagnosis_index=np.searchsorted(np.array(diagnoses), diagnosis.astype(str)).astype(
            np.int64
        ),
        centres=centres,
        centre_index=centre_index,
        level_covariates=code_covariates(patients, spec.covariates.level, spec.covariates.missing),
        drift_covariates=code_covariates(patients, spec.covariates.drift, spec.covariates.missing),
        notes=tuple(notes),
    )


def _nothing_to_fit(spec: DriftSpec, cohort: Cohort, from_years: float) -> str:
    return (
        f"model {spec.name!r}: no patient of cohort {cohort.name!r} has "
        f"{spec.series.minimum_points} dose readings from year {from_years:g} on. "
        "Lower series.minimum_points or series.from_years in the model file, or add dose rows."
    )


def _use_titration(spec: DriftSpec, series: DoseSeries, notes: list[str]) -> bool:
    if spec.titration.use == "no":
        return False
    early = np.zeros(len(series.patient_ids), dtype=bool)
    later = np.zeros_like(early)
    early[series.patient[series.t_years < 0.5]] = True
    later[series.patient[series.t_years >= 0.5]] = True
    informed = int((early & later).sum())
    if informed >= MINIMUM_EARLY_PATIENTS:
        notes.append(f"titration term on: {informed} patients have doses of the first half year")
        return True
    if spec.titration.use == "yes":
        raise ModelError(
            f"model {spec.name!r} asks for a titration term, but only {informed} patients have "
            f"doses before and after six months ({MINIMUM_EARLY_PATIENTS} are needed). "
            'Set titration.use = "auto", or use @drift-no-titration.'
        )
    notes.append(f"titration term off: only {informed} patients have doses of the first half year")
    return False
