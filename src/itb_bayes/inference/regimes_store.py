"""A regimes plan on disk: de-identified arrays in one netCDF file, identities beside it."""

import csv
import hashlib
from pathlib import Path

import numpy as np
import xarray as xr

from itb_bayes.inference.bundle import DATA_FILE, write_dataset
from itb_bayes.inference.plan_store import IDENTITY_FILE, SET_ASIDE_FILE
from itb_bayes.model.regimes_plan import RegimesPlan

_LISTS = ("channels", "diagnoses", "centres", "notes")
_BY_PATIENT = ("diagnosis_index", "centre_index", "older_catheter", "untreated_tone")


def plan_digest(plan: RegimesPlan) -> str:
    """Return a SHA-256 of everything in a plan that can change a number."""
    digest = hashlib.sha256(repr((plan.channels, plan.diagnoses, plan.centres)).encode())
    for array in (plan.offsets, plan.data, plan.codes, *(getattr(plan, n) for n in _BY_PATIENT)):
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def write_plan(plan: RegimesPlan, folder: Path) -> None:
    """Write ``data.nc`` without any identifier, and ``identity.csv`` (mode 0600) beside it."""
    dataset = xr.Dataset(
        {
            "offsets": ("edge", plan.offsets),
            "data": (("step", "column"), plan.data),
            "codes": (("step", "code"), plan.codes),
            **{name: ("index", getattr(plan, name)) for name in _BY_PATIENT},
        },
        attrs={name: "\n".join(getattr(plan, name)) for name in _LISTS},
    )
    write_dataset(dataset, folder / DATA_FILE)
    identity = folder / IDENTITY_FILE
    identity.touch(mode=0o600)
    with identity.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["patient", "patient_id"])
        writer.writerows((str(i), patient_id) for i, patient_id in enumerate(plan.patient_ids))


def write_set_aside(plan: RegimesPlan, folder: Path) -> None:
    """Write the list of what was not used; a timeline leaves out patients without a dose only."""
    (folder / SET_ASIDE_FILE).write_text("patient,t_years,reason\n", encoding="utf-8")


def read_plan(folder: Path) -> RegimesPlan:
    """Rebuild a plan. Without ``identity.csv`` patients are called ``patient-1``, ``patient-2``…"""
    with xr.open_dataset(folder / DATA_FILE, engine="h5netcdf") as stored:
        data = stored.load()
    n_patient = data.sizes["index"]
    identity = folder / IDENTITY_FILE
    if identity.exists():
        with identity.open(encoding="utf-8", newline="") as file:
            ids = tuple(row["patient_id"] for row in csv.DictReader(file))
    else:
        ids = tuple(f"patient-{i + 1}" for i in range(n_patient))
    lists = {name: _labels(data.attrs[name]) for name in _LISTS}
    return RegimesPlan(
        patient_ids=ids,
        offsets=data["offsets"].to_numpy().astype(np.int64),
        data=np.ascontiguousarray(data["data"].to_numpy()),
        codes=np.ascontiguousarray(data["codes"].to_numpy().astype(np.int64)),
        diagnosis_index=data["diagnosis_index"].to_numpy().astype(np.int64),
        centre_index=data["centre_index"].to_numpy().astype(np.int64),
        older_catheter=data["older_catheter"].to_numpy(),
        untreated_tone=data["untreated_tone"].to_numpy(),
        **lists,
    )


def _labels(text: str) -> tuple[str, ...]:
    return tuple(text.split("\n")) if text else ()
