"""Fits of the kinds `complications` and `spasticity` whose draws were made by numpy."""

from functools import cache
from pathlib import Path

import numpy as np
import xarray as xr

from drift_cases import write_cohort
from itb_bayes.cohort.cohort import Cohort
from itb_bayes.kernel.ashworth import SCORES
from itb_bayes.model.complications_plan import ComplicationsPlan
from itb_bayes.model.spasticity_plan import SpasticityPlan
from itb_bayes.spec import ComplicationsSpec, SpasticitySpec, load_model

PATIENTS = (
    "patient_id,diagnosis,centre,t_last_seen\n"
    "A,SCI,north,5\nB,MS,north,4\nC,SCI,south,6\nD,HSP,south,\nE,SCI,south,3\n"
)
DOSES = "patient_id,t_years,daily_dose_ug\n" + "".join(
    f"{p},{t},{100 + 20 * t}\n" for p in "ABCDE" for t in (0, 1, 2)
)
EVENTS = (
    "patient_id,t_years,event,detail\n"
    "A,1.5,catheter_fault_confirmed,\nC,2.5,catheter_fault_confirmed,\n"
    "C,4.5,catheter_fault_confirmed,\nD,1,pump_fault_confirmed,\nB,0.2,infection,\n"
    "A,3,tolerance_diagnosed,\nA,3.5,catheter_revision,\n"
)
SCORES_OF = {
    # before, after, end: means of four muscles on the scale from 1 to 5
    "A": (3.25, 1.5, 1.25), "B": (4.0, 2.0, 2.25), "C": (2.75, 1.0, 1.0),
    "D": (3.5, 1.25, 1.5), "E": (None, 1.0, 1.75),
}  # fmt: skip


def assessments(scale: str = "ashworth_1_5", shift: float = 0.0) -> str:
    """Return the assessments table of the small cohort."""
    rows = ["patient_id,t_years,scale,value,n_muscles"]
    for patient, scores in SCORES_OF.items():
        for t, score in zip((-0.1, 0.05, 2.0), scores, strict=True):
            if score is not None:
                rows.append(f"{patient},{t},{scale},{score + shift:g},4")
        rows.append(f"{patient},0.5,{scale},{4 + shift:g},4")  # in no window
    return "\n".join(rows) + "\n"


def paper_cohort(folder: Path, *, with_events: bool = True, **tables: str) -> Cohort:
    """Return a cohort of five patients with events and scores."""
    files = {
        "patients.csv": PATIENTS,
        "doses.csv": DOSES,
        "assessments.csv": assessments(),
        "cohort.toml": 'name = "papers"\nsynthetic = true\n',
    }
    if with_events:
        files["events.csv"] = EVENTS
    return Cohort.read(write_cohort(folder, files | {f"{k}.csv": v for k, v in tables.items()}))


@cache
def complications_spec() -> ComplicationsSpec:
    """Return the shipped complications model."""
    spec = load_model("@complications")
    assert isinstance(spec, ComplicationsSpec)
    return spec


@cache
def spasticity_spec() -> SpasticitySpec:
    """Return the shipped spasticity model."""
    spec = load_model("@spasticity")
    assert isinstance(spec, SpasticitySpec)
    return spec


def _chains(values: np.ndarray, chains: int, seed: int) -> np.ndarray:
    """Return the same draws in another order for every chain, shape (chain, draw, ...)."""
    rng = np.random.default_rng(seed)
    return np.stack([values[rng.permutation(len(values))] for _ in range(chains)])


def complications_draws(
    spec: ComplicationsSpec, plan: ComplicationsPlan, chains: int, draws: int, seed: int
) -> xr.Dataset:
    """Return draws around 3 catheter faults per 100 patient-years, and fewer of the rest."""
    rng = np.random.default_rng(seed)
    order = rng.integers(2**31)
    arrays = {}
    typical = {}
    for k, name in enumerate(plan.complications):
        typical[name] = np.exp(np.log(0.03 / (1 + k)) + 0.2 * rng.standard_normal(draws))
        arrays[f"{name}_rate"] = (("chain", "draw"), _chains(typical[name], chains, order))
    spread = np.abs(0.6 + 0.1 * rng.standard_normal((draws, len(plan.complications))))
    z = rng.standard_normal((draws, len(plan.cells)))
    of = plan.complication_index
    rate = np.stack([typical[c] for c in plan.complications], axis=1)[:, of] * np.exp(
        spread[:, of] * z
    )
    for name, dim, values in (
        ("between_sd", "complication", spread), ("deviation", "cell", z), ("rate", "cell", rate),
    ):  # fmt: skip
        arrays[name] = (("chain", "draw", dim), _chains(values, chains, order))
    coords = {"complication": list(plan.complications), "cell": list(plan.cells)}
    return xr.Dataset(arrays, {"chain": range(chains), "draw": range(draws), **coords})


def spasticity_draws(
    spec: SpasticitySpec, plan: SpasticityPlan, chains: int, draws: int, seed: int
) -> xr.Dataset:
    """Return draws around the scores of Kawano 2018."""
    rng = np.random.default_rng(seed)
    order = rng.integers(2**31)
    n_step = len(SCORES[plan.scale]) - 2
    middle = {
        "tone_before": 2.3, "tone_after": 0.3, "tone_end": 0.25, "untreated_sd": 0.4,
        "treated_sd": 0.2, "visit_sd": 0.1, "muscle_sd": 0.6,
    }  # fmt: skip
    arrays = {
        name: (("chain", "draw"),
               _chains(value + 0.02 * rng.standard_normal(draws), chains, order))
        for name, value in middle.items()
    }  # fmt: skip
    if spec.thresholds.kind == "free":
        values = np.exp(0.1 * rng.standard_normal((draws, n_step)))
        arrays["step_width"] = (("chain", "draw", "step"), _chains(values, chains, order))
    return xr.Dataset(arrays, {"chain": range(chains), "draw": range(draws)})
