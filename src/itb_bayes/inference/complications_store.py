"""A complications plan on disk: counts only, nothing about single patients."""

import csv
import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from itb_bayes.inference.bundle import DATA_FILE, write_dataset
from itb_bayes.inference.plan_store import SET_ASIDE_FILE
from itb_bayes.kernel.complications import Counts
from itb_bayes.model.complications_plan import ComplicationsPlan, LeftOut

_LISTS = ("complications", "studies", "notes")
_INDEXES = ("complication_index", "study_index")


def plan_digest(plan: ComplicationsPlan) -> str:
    """Return a SHA-256 of everything in a plan that can change a number."""
    digest = hashlib.sha256(repr((plan.complications, plan.studies)).encode())
    counts = plan.counts
    for array in (
        plan.complication_index, plan.study_index, counts.low, counts.high, counts.patient_years,
    ):  # fmt: skip
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def write_plan(plan: ComplicationsPlan, folder: Path) -> None:
    """Write ``data.nc``."""
    counts = plan.counts
    left = [f"{one.study}\t{one.complication}\t{one.reason}" for one in plan.left_out]
    dataset = xr.Dataset(
        {
            **{name: ("cell", getattr(plan, name)) for name in _INDEXES},
            "low": ("cell", counts.low),
            "high": ("cell", counts.high),
            "patient_years": ("cell", counts.patient_years),
        },
        attrs={
            **{name: "\n".join(getattr(plan, name)) for name in _LISTS},
            "n_patient": plan.n_patient,
            "left_out": "\n".join(left),
        },
    )
    write_dataset(dataset, folder / DATA_FILE)


def write_set_aside(plan: ComplicationsPlan, folder: Path) -> None:
    """Write which cells of the published table say nothing, and why."""
    with (folder / SET_ASIDE_FILE).open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["study", "complication", "reason"])
        writer.writerows((one.study, one.complication, one.reason) for one in plan.left_out)


def read_plan(folder: Path) -> ComplicationsPlan:
    """Rebuild a plan."""
    with xr.open_dataset(folder / DATA_FILE, engine="h5netcdf") as stored:
        data = stored.load()
    lists: dict[str, Any] = {name: _labels(data.attrs[name]) for name in _LISTS}
    indexes: dict[str, Any] = {name: data[name].to_numpy().astype(np.int64) for name in _INDEXES}
    return ComplicationsPlan(
        **indexes,
        counts=Counts(
            data["low"].to_numpy().astype(np.int64),
            data["high"].to_numpy().astype(np.int64),
            data["patient_years"].to_numpy(),
        ),
        n_patient=int(data.attrs["n_patient"]),
        left_out=tuple(LeftOut(*line.split("\t")) for line in _labels(data.attrs["left_out"])),
        **lists,
    )


def _labels(text: str) -> tuple[str, ...]:
    return tuple(text.split("\n")) if text else ()
