"""Who is fitted and what is forecast: by patient, by centre, and from earlier origins."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from itb_bayes.errors import UsageError
from itb_bayes.model.covariates import Covariates
from itb_bayes.model.plan import DriftPlan

Index = NDArray[np.int64]
Flags = NDArray[np.bool_]

SCHEMES = ("time", "patients", "centres")
HORIZON_YEARS = 1.0
FIRST_ORIGIN_YEARS = 1.0
"""Nothing is forecast from within the titration."""

LEAST_READINGS = 2
_SAME = 1e-6


@dataclass(frozen=True, eq=False)
class Fold:
    """One fit of a cross-validation, and what it forecasts.

    Attributes
    ----------
    name : str
    fitted : ndarray of bool, shape (n_reading,)
        Readings of the whole plan that the fit sees.
    target : ndarray of int64, shape (n_forecast,)
        Readings to be forecast.
    origin_years : ndarray, shape (n_forecast,)
        Nothing of the patient after this time reaches the forecast.
    """

    name: str
    fitted: Flags
    target: Index
    origin_years: NDArray[np.float64]


def make_folds(plan: DriftPlan, scheme: str, count: int, origins: int, seed: int) -> list[Fold]:
    """Lay out a cross-validation.

    Parameters
    ----------
    plan : DriftPlan
        Of the whole cohort.
    scheme : str
        ``time``: every fit sees all patients up to an origin, 1, 2, … years before each one's last
        reading. ``patients``: every fit sees other patients only, those of ``count`` random parts
        balanced by diagnosis. ``centres``: every fit sees the other centres.
    count : int
        Parts of the scheme ``patients``.
    origins : int
        Forecasts of each patient.
    seed : int

    Raises
    ------
    UsageError
        If the scheme is unknown, or the cohort cannot be divided like that.
    """
    if scheme not in SCHEMES:
        raise UsageError(f"no scheme {scheme!r}; choose one of {', '.join(SCHEMES)}.")
    if origins < 1:
        raise UsageError(f"--origins must be at least 1 (got {origins}).")
    if scheme == "time":
        folds = [_origin_fold(plan, k) for k in range(1, origins + 1)]
    else:
        part = _parts(plan, count, seed) if scheme == "patients" else _centres(plan)
        names = plan.centres if scheme == "centres" else ()
        folds = [
            _group_fold(plan, part == k, names[k] if names else f"part {k + 1}", origins)
            for k in range(int(part.max()) + 1)
        ]
    found = [fold for fold in folds if fold.target.size]
    if not found:
        raise UsageError(
            "no reading can be forecast: no patient is followed for a year beyond the first one."
        )
    return found


def targets_of(plan: DriftPlan, k: int) -> tuple[Index, NDArray[np.float64]]:
    """Return the readings to be forecast from the ``k``-th origin, and that origin.

    The target is the reading in force one year after the origin, which lies ``k`` years before the
    patient's last reading and not within the first year after implant.
    """
    t, offsets = plan.series.t_years, plan.series.offsets
    target, origin = [], []
    for i in range(plan.n_patient):
        own = t[offsets[i] : offsets[i + 1]]
        start = own[-1] - k * HORIZON_YEARS
        known = int((own <= start + _SAME).sum())
        at = int(np.searchsorted(own, start + HORIZON_YEARS + _SAME, side="right")) - 1
        if start >= FIRST_ORIGIN_YEARS - _SAME and known >= LEAST_READINGS and at >= known:
            target.append(offsets[i] + at)
            origin.append(start)
    return np.array(target, dtype=np.int64), np.array(origin)


def _origin_fold(plan: DriftPlan, k: int) -> Fold:
    target, origin = targets_of(plan, k)
    t, patient = plan.series.t_years, plan.series.patient
    last = t[plan.series.offsets[1:] - 1]
    fitted = t <= last[patient] - k * HORIZON_YEARS + _SAME
    enough = np.bincount(patient[fitted], minlength=plan.n_patient) >= LEAST_READINGS
    return Fold(f"{k} year(s) before the last reading", fitted & enough[patient], target, origin)


def _group_fold(plan: DriftPlan, left_out: Flags, name: str, origins: int) -> Fold:
    pairs = [targets_of(plan, k) for k in range(1, origins + 1)]
    target = np.concatenate([one for one, _ in pairs])
    origin = np.concatenate([one for _, one in pairs])
    own = left_out[plan.series.patient[target]]
    return Fold(name, ~left_out[plan.series.patient], target[own], origin[own])


def _parts(plan: DriftPlan, count: int, seed: int) -> Index:
    """Deal the patients of each diagnosis out in random order, one part after the other."""
    if not 2 <= count <= plan.n_patient:
        raise UsageError(
            f"--folds must lie between 2 and {plan.n_patient}, the number of patients (got "
            f"{count})."
        )
    rng = np.random.default_rng([seed, 0xF01D])
    order = np.lexsort((rng.random(plan.n_patient), plan.diagnosis_index))
    part = np.empty(plan.n_patient, dtype=np.int64)
    part[order] = np.arange(plan.n_patient) % count
    return part


def _centres(plan: DriftPlan) -> Index:
    if len(plan.centres) < 2:
        raise UsageError(
            "leaving centres out needs a model with centre effects and a cohort with two centres "
            "or more; use --by patients."
        )
    return plan.centre_index


def subset_plan(plan: DriftPlan, readings: Flags) -> DriftPlan:
    """Return the plan of some readings; diagnoses and centres keep their labels.

    A diagnosis or centre without any reading left is then known by its prior alone, as it should
    be for patients of a centre that was never seen.
    """
    series = plan.series
    kept = np.unique(series.patient[readings])
    number = np.full(plan.n_patient, -1, dtype=np.int64)
    number[kept] = np.arange(kept.size)
    patient = number[series.patient[readings]]

    def rows(covariates: Covariates) -> Covariates:
        return Covariates(covariates.names, covariates.design[kept])

    return replace(
        plan,
        series=replace(
            series,
            patient_ids=tuple(series.patient_ids[i] for i in kept),
            patient=patient,
            t_years=series.t_years[readings],
            daily_dose_ug=series.daily_dose_ug[readings],
            dose_year_before_ug=np.full(kept.size, np.nan),
            n_rows=np.bincount(patient, minlength=kept.size),
            ended=tuple(series.ended[i] for i in kept),
        ),
        diagnosis_index=plan.diagnosis_index[kept],
        centre_index=plan.centre_index[kept],
        level_covariates=rows(plan.level_covariates),
        drift_covariates=rows(plan.drift_covariates),
    )
