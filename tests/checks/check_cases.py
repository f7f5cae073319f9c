"""Cohorts and posteriors made with numpy: no sampling, any truth, any belief."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from itb_bayes.checks.replicates import replicate_log_doses
from itb_bayes.cohort.series import DoseSeries
from itb_bayes.inference import bundle, plan_store
from itb_bayes.inference.estimands import drift_estimands
from itb_bayes.inference.fitted import Fit
from itb_bayes.inference.gate import judge
from itb_bayes.inference.population import PopulationDraws, population_draws
from itb_bayes.inference.settings import SamplerSettings
from itb_bayes.kernel.structure import Process, Structure
from itb_bayes.model.covariates import Covariates
from itb_bayes.model.plan import REVISION, DriftPlan
from itb_bayes.spec import DriftSpec, load_model

TRUTH = {
    "level": (5.2, 5.0),
    "drift": (0.06, 0.02),
    "level_sd": 0.6,
    "drift_sd": 0.03,
    "correlation_01": 0.5,
    "within_sd": 0.15,
    "tail_df": 12.0,
    "persistent_share": 0.9,
    "persistence_years": 2.0,
}
IID = TRUTH | {"persistent_share": 0.02, "persistence_years": 0.02}


def drift_spec(name: str = "@drift") -> DriftSpec:
    spec = load_model(name)
    assert isinstance(spec, DriftSpec)
    return spec


def make_plan(
    n_patient: int = 40, n_reading: int = 10, step: float = 1.0, centres: int = 0
) -> DriftPlan:
    """Readings at 1, 1 + step, … of half MS and half SCI patients; doses are 100 µg/day."""
    t = np.tile(1.0 + step * np.arange(n_reading), n_patient)
    patient = np.repeat(np.arange(n_patient), n_reading)
    index = (np.arange(n_patient) % 2).astype(np.int64)
    series = DoseSeries(
        patient_ids=tuple(f"P{i:03d}" for i in range(n_patient)),
        patient=patient.astype(np.int64),
        t_years=t,
        daily_dose_ug=np.full(t.size, 100.0),
        dose_year_before_ug=np.full(n_patient, np.nan),
        n_rows=np.full(n_patient, t.size),
        ended=("",) * n_patient,
        step_months=12.0 * step,
        set_aside=pd.DataFrame({"patient_id": [], "t_years": [], "reason": []}),
    )
    none = Covariates((), np.empty((n_patient, 0)))
    return DriftPlan(
        series=series,
        structure=Structure(Process.OU, robust=True, titration=False),
        diagnoses=("MS", "SCI"),
        diagnosis_index=index,
        centres=tuple(f"C{k}" for k in range(centres)),
        centre_index=(np.arange(n_patient) % max(centres, 1)).astype(np.int64),
        level_covariates=none,
        drift_covariates=none,
        notes=("dose in force read every 12 months",),
    )


def make_posterior(
    truth: dict, n_chain: int = 4, n_draw: int = 100, jitter: float = 0.01, seed: int = 3
) -> xr.Dataset:
    """Draws close around a truth, as a posterior of a large cohort would be."""
    rng = np.random.default_rng(seed)
    data = {}
    for name, value in truth.items():
        centre = np.broadcast_to(value, (n_chain, n_draw, *np.shape(value)))
        noise = rng.standard_normal(centre.shape)
        wide = (
            centre + jitter * noise
            if name in ("level", "drift")
            else centre * np.exp(jitter * noise)
        )
        if name in ("correlation_01", "persistent_share"):
            wide = np.minimum(wide, 0.999)
        dims = ("chain", "draw", "diagnosis")[: wide.ndim]
        data[name] = (dims, wide)
    coords = {"chain": range(n_chain), "draw": range(n_draw), "diagnosis": ["MS", "SCI"]}
    return xr.Dataset(data, coords=coords)


def make_population(plan: DriftPlan, truth: dict, n_draw: int = 100) -> PopulationDraws:
    return population_draws(drift_spec(), plan, make_posterior(truth, n_draw=n_draw))


def with_log_doses(plan: DriftPlan, log_dose: np.ndarray) -> DriftPlan:
    return replace(plan, series=replace(plan.series, daily_dose_ug=np.exp(log_dose)))


def simulated_plan(plan: DriftPlan, truth: dict, seed: int = 11) -> DriftPlan:
    """The plan with doses drawn from the model at a truth."""
    one = population_draws(
        drift_spec(), plan, make_posterior(truth, n_chain=1, n_draw=1, jitter=0.0)
    )
    return with_log_doses(plan, replicate_log_doses(plan, one, seed)[0])


def write_fit(folder: Path, plan: DriftPlan, posterior: xr.Dataset) -> Fit:
    """Write a fit bundle whose draws are given, judged by the real gate."""
    spec, settings = drift_spec(), SamplerSettings(draws=posterior.sizes["draw"], tune=50)
    shape = (posterior.sizes["chain"], posterior.sizes["draw"])
    rng = np.random.default_rng(5)
    stats = xr.Dataset(
        {
            "diverging": (("chain", "draw"), np.zeros(shape, dtype=bool)),
            "energy": (("chain", "draw"), rng.standard_normal(shape)),
        }
    )
    draws = xr.DataTree.from_dict({"posterior": posterior, "sample_stats": stats})
    gate = judge(draws, {"population estimands": drift_estimands(spec, plan, posterior)})
    folder.mkdir()
    bundle.write_json(folder / bundle.MODEL_FILE, spec.canonical())
    plan_store.write_plan(plan, folder)
    bundle.write_tree(draws, folder / bundle.DRAWS_FILE)
    bundle.write_json(
        folder / bundle.DIAGNOSTICS_FILE,
        {"passed": gate.passed, "criteria": [vars(c) for c in gate.criteria]},
    )
    manifest = {
        "model": spec.digest,
        "data": plan_store.plan_digest(plan),
        "run": "0" * 64,
        "model_name": spec.name,
        "model_version": spec.version,
        "model_revision": REVISION,
        "cohort": "made <up>",
        "synthetic": True,
        "settings": settings.as_dict(),
        "versions": bundle.versions(),
        "command": ["itb-bayes", "fit"],
        "wall_seconds": 1.0,
        "gate_passed": gate.passed,
        "n_set_aside": 0,
    }
    bundle.seal(folder, manifest)
    return Fit.load(folder)
