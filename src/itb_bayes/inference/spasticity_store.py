"""A spasticity plan on disk: de-identified arrays in one netCDF file, identities beside it."""

import csv
import hashlib
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from itb_bayes.inference.bundle import DATA_FILE, write_dataset
from itb_bayes.inference.plan_store import IDENTITY_FILE, SET_ASIDE_FILE
from itb_bayes.model.spasticity_plan import SpasticityPlan

_ARRAYS = ("patient", "phase", "n_muscles", "doubled_sum")


def plan_digest(plan: SpasticityPlan) -> str:
    """Return a SHA-256 of everything in a plan that can change a number."""
    digest = hashlib.sha256(repr((plan.scale, plan.shown_from, plan.n_patient)).encode())
    for name in _ARRAYS:
        digest.update(np.ascontiguousarray(getattr(plan, name)).tobytes())
    return digest.hexdigest()


def write_plan(plan: SpasticityPlan, folder: Path) -> None:
    """Write ``data.nc`` without any identifier, and ``identity.csv`` (mode 0600) beside it."""
    dataset = xr.Dataset(
        {name: ("reading", getattr(plan, name)) for name in _ARRAYS},
        attrs={
            "scale": plan.scale,
            "shown_from": plan.shown_from,
            "n_patient": plan.n_patient,
            "notes": "\n".join(plan.notes),
        },
    )
    write_dataset(dataset, folder / DATA_FILE)
    identity = folder / IDENTITY_FILE
    identity.touch(mode=0o600)
    with identity.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["patient", "patient_id"])
        writer.writerows((code, patient_id) for patient_id, code in _codes(plan).items())


def write_set_aside(plan: SpasticityPlan, folder: Path) -> None:
    """Write which readings were not used, and why; patients by their code only."""
    table = plan.set_aside
    coded = table.assign(patient=table["patient_id"].map(_codes(plan)))
    coded[["patient", "t_years", "reason"]].to_csv(
        folder / SET_ASIDE_FILE, index=False, lineterminator="\n"
    )


def read_plan(folder: Path) -> SpasticityPlan:
    """Rebuild a plan. Without ``identity.csv`` patients are called ``patient-1``, ``patient-2``…"""
    with xr.open_dataset(folder / DATA_FILE, engine="h5netcdf") as stored:
        data = stored.load()
    identity = folder / IDENTITY_FILE
    if identity.exists():
        with identity.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        ids = tuple(row["patient_id"] for row in rows if row["patient"].isdigit())
    else:
        ids = tuple(f"patient-{i + 1}" for i in range(int(data.attrs["n_patient"])))
    notes = str(data.attrs["notes"])
    return SpasticityPlan(
        scale=str(data.attrs["scale"]),
        shown_from=float(data.attrs["shown_from"]),
        patient_ids=ids,
        **{name: data[name].to_numpy().astype(np.int64) for name in _ARRAYS},
        set_aside=pd.DataFrame({"patient_id": [], "t_years": [], "reason": []}),
        notes=tuple(notes.split("\n")) if notes else (),
    )


def _codes(plan: SpasticityPlan) -> dict[str, str]:
    """Return the code of every patient id: the index in the fit, or x1, x2, … where not fitted."""
    codes = {patient_id: str(i) for i, patient_id in enumerate(plan.patient_ids)}
    others = [p for p in plan.set_aside["patient_id"].unique() if p not in codes]
    return codes | {str(p): f"x{i + 1}" for i, p in enumerate(others)}
