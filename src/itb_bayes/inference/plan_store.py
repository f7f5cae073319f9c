"""A plan on disk: de-identified arrays in one netCDF file, identities in a file of their own."""

import csv
import hashlib
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from itb_bayes.cohort.series import DoseSeries
from itb_bayes.inference.bundle import DATA_FILE, write_dataset
from itb_bayes.kernel.structure import Process, Structure
from itb_bayes.model.covariates import Covariates
from itb_bayes.model.plan import DriftPlan

IDENTITY_FILE = "identity.csv"
SET_ASIDE_FILE = "set_aside.csv"
IDENTIFYING_FILES = (IDENTITY_FILE, SET_ASIDE_FILE)
"""The files that name patients: a fit can be handed on without them."""


def plan_digest(plan: DriftPlan) -> str:
    """Return a SHA-256 of everything in a plan that can change a number."""
    digest = hashlib.sha256(repr((plan.structure, plan.diagnoses, plan.centres)).encode())
    for array in (
        plan.series.patient, plan.series.t_years, plan.series.daily_dose_ug,
        plan.series.dose_year_before_ug, plan.series.n_rows, plan.diagnosis_index,
        plan.centre_index,
        plan.level_covariates.design, plan.drift_covariates.design,
    ):  # fmt: skip
        digest.update(np.ascontiguousarray(array).tobytes())
    digest.update(repr((plan.level_covariates.names, plan.drift_covariates.names)).encode())
    return digest.hexdigest()


def write_plan(plan: DriftPlan, folder: Path) -> None:
    """Write ``data.nc`` without any identifier, and ``identity.csv`` (mode 0600) beside it."""
    series, structure = plan.series, plan.structure
    dataset = xr.Dataset(
        {
            "patient": ("reading", series.patient),
            "t_years": ("reading", series.t_years),
            "daily_dose_ug": ("reading", series.daily_dose_ug),
            "dose_year_before_ug": ("index", series.dose_year_before_ug),
            "n_rows": ("index", series.n_rows),
            "diagnosis_index": ("index", plan.diagnosis_index),
            "centre_index": ("index", plan.centre_index),
            "level_covariates": (("index", "level_covariate"), plan.level_covariates.design),
            "drift_covariates": (("index", "drift_covariate"), plan.drift_covariates.design),
        },
        attrs={
            "process": int(structure.process),
            "robust": int(structure.robust),
            "titration": int(structure.titration),
            "step_months": series.step_months,
            "ended": "\n".join(series.ended),
            "diagnoses": "\n".join(plan.diagnoses),
            "centres": "\n".join(plan.centres),
            "level_covariate_names": "\n".join(plan.level_covariates.names),
            "drift_covariate_names": "\n".join(plan.drift_covariates.names),
            "notes": "\n".join(plan.notes),
        },
    )
    write_dataset(dataset, folder / DATA_FILE)
    codes = patient_codes(plan)
    identity = folder / IDENTITY_FILE
    identity.touch(mode=0o600)
    with identity.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["patient", "patient_id"])
        writer.writerows((code, patient_id) for patient_id, code in codes.items())


def patient_codes(plan: DriftPlan) -> dict[str, str]:
    """Return the code of every patient id: the index in the fit, or x1, x2, … where not fitted."""
    codes = {patient_id: str(i) for i, patient_id in enumerate(plan.series.patient_ids)}
    others = [p for p in plan.series.set_aside["patient_id"].unique() if p not in codes]
    return codes | {str(p): f"x{i + 1}" for i, p in enumerate(others)}


def write_set_aside(plan: DriftPlan, folder: Path) -> None:
    """Write which readings and patients were not used, and why; patients by their code only."""
    table = plan.series.set_aside
    coded = table.assign(patient=table["patient_id"].map(patient_codes(plan)))
    coded[["patient", "t_years", "reason"]].to_csv(
        folder / SET_ASIDE_FILE, index=False, lineterminator="\n"
    )


def read_plan(folder: Path) -> DriftPlan:
    """Rebuild a plan. Without ``identity.csv`` patients are called ``patient-1``, ``patient-2``…"""
    with xr.open_dataset(folder / DATA_FILE, engine="h5netcdf") as stored:
        data = stored.load()
    n_patient = data.sizes["index"]
    identity = folder / IDENTITY_FILE
    if identity.exists():
        with identity.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        ids = tuple(row["patient_id"] for row in rows if row["patient"].isdigit())
    else:
        ids = tuple(f"patient-{i + 1}" for i in range(n_patient))
    attrs = data.attrs
    series = DoseSeries(
        patient_ids=ids,
        patient=data["patient"].to_numpy().astype(np.int64),
        t_years=data["t_years"].to_numpy(),
        daily_dose_ug=data["daily_dose_ug"].to_numpy(),
        dose_year_before_ug=data["dose_year_before_ug"].to_numpy(),
        n_rows=data["n_rows"].to_numpy().astype(np.int64),
        ended=tuple(attrs["ended"].split("\n")),
        step_months=float(attrs["step_months"]),
        set_aside=pd.DataFrame({"patient_id": [], "t_years": [], "reason": []}),
    )
    return DriftPlan(
        series=series,
        structure=Structure(
            Process(int(attrs["process"])), bool(attrs["robust"]), bool(attrs["titration"])
        ),
        diagnoses=_labels(attrs["diagnoses"]),
        diagnosis_index=data["diagnosis_index"].to_numpy().astype(np.int64),
        centres=_labels(attrs["centres"]),
        centre_index=data["centre_index"].to_numpy().astype(np.int64),
        level_covariates=Covariates(
            _labels(attrs["level_covariate_names"]), data["level_covariates"].to_numpy()
        ),
        drift_covariates=Covariates(
            _labels(attrs["drift_covariate_names"]), data["drift_covariates"].to_numpy()
        ),
        notes=_labels(attrs["notes"]),
    )


def _labels(text: str) -> tuple[str, ...]:
    return tuple(text.split("\n")) if text else ()
