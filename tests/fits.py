"""Fits without sampling: a small plan, and posterior draws laid around sensible values."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from itb_bayes.cohort.series import DoseSeries
from itb_bayes.inference import bundle, plan_store
from itb_bayes.inference.fitted import Fit
from itb_bayes.inference.gate import Criterion, GateReport
from itb_bayes.kernel.structure import Process, Structure
from itb_bayes.model.covariates import Covariates
from itb_bayes.model.plan import REVISION, DriftPlan
from itb_bayes.spec import DriftSpec, load_model

IDS = tuple(f"P{i + 1:02d}" for i in range(14))


def make_plan(
    ids: Sequence[str] = IDS,
    diagnoses: Sequence[str] | None = None,
    readings: Sequence[int] | None = None,
    covariates: Sequence[str] = (),
) -> DriftPlan:
    """Return a plan of yearly doses from year 1; by default MS and SCI in turn, 8 readings each."""
    rng = np.random.default_rng(3)
    diagnoses = tuple(diagnoses or [("MS", "SCI")[i % 2] for i in range(len(ids))])
    readings = tuple(readings or [8] * len(ids))
    times = [1.0 + np.arange(n) for n in readings]
    doses = [
        np.exp(rng.normal(5.3, 0.5) + 0.06 * (t - 1) + rng.normal(0.0, 0.1, t.size)).round(1)
        for t in times
    ]
    labels = tuple(sorted(set(diagnoses)))
    series = DoseSeries(
        patient_ids=tuple(ids),
        patient=np.repeat(np.arange(len(ids)), readings),
        t_years=np.concatenate(times),
        daily_dose_ug=np.concatenate(doses),
        dose_year_before_ug=np.array(
            [
                y[-2] if t.size > 1 and t[-1] >= 2.0 else np.nan
                for t, y in zip(times, doses, strict=True)
            ]
        ),
        n_rows=np.array([t.size for t in times]),
        ended=("",) * len(times),
        step_months=12.0,
        set_aside=pd.DataFrame({"patient_id": [], "t_years": [], "reason": []}),
    )
    design = rng.integers(0, 2, (len(ids), len(covariates))).astype(float)
    return DriftPlan(
        series=series,
        structure=Structure(Process.OU, robust=True, titration=False),
        diagnoses=labels,
        diagnosis_index=np.array([labels.index(d) for d in diagnoses]),
        centres=(),
        centre_index=np.zeros(len(ids), dtype=np.int64),
        level_covariates=Covariates((), np.empty((len(ids), 0))),
        drift_covariates=Covariates(tuple(covariates), design),
        notes=("dose in force read every 12 months",),
    )


def make_posterior(plan: DriftPlan, chains: int = 2, draws: int = 60, seed: int = 4) -> xr.Dataset:
    """Return draws of every population parameter of the plan's terms, close to plausible values."""
    rng = np.random.default_rng(seed)
    shape = (chains, draws)

    def around(value: float, sd: float, *sizes: int) -> np.ndarray:
        return rng.normal(value, sd, (*shape, *sizes))

    n = len(plan.diagnoses)
    arrays: dict[str, tuple[tuple[str, ...], np.ndarray]] = {
        "level": (("chain", "draw", "diagnosis"), around(5.3, 0.08, n)),
        "drift": (("chain", "draw", "diagnosis"), around(0.05, 0.01, n)),
    }
    scalars = {
        "level_sd": (0.6, 0.05), "drift_sd": (0.04, 0.004), "correlation_01": (0.5, 0.05),
        "within_sd": (0.15, 0.01), "tail_df": (6.0, 0.5), "persistent_share": (0.7, 0.05),
        "persistence_years": (3.0, 0.3),
    }  # fmt: skip
    for name, (value, sd) in scalars.items():
        arrays[name] = (("chain", "draw"), around(value, sd))
    coords: dict[str, list] = {"diagnosis": list(plan.diagnoses)}
    if plan.drift_covariates.names:
        size = len(plan.drift_covariates.names)
        arrays["covariate_drift"] = (("chain", "draw", "drift_covariate"), around(0.0, 0.01, size))
        coords["drift_covariate"] = list(plan.drift_covariates.names)
    return xr.Dataset(arrays, {"chain": range(chains), "draw": range(draws), **coords})


def make_fit(
    plan: DriftPlan | None = None,
    *,
    passed: bool = True,
    synthetic: bool = True,
    cohort: str = "made-up",
    draws: int = 60,
) -> Fit:
    """Return a fit of the shipped model whose draws were made up."""
    plan = plan if plan is not None else make_plan()
    spec = load_model("@drift")
    assert isinstance(spec, DriftSpec)
    posterior = make_posterior(plan, draws=draws)
    shape = (posterior.sizes["chain"], posterior.sizes["draw"])
    energy = np.random.default_rng(5).standard_normal(shape)
    stats = xr.Dataset(
        {
            "diverging": (("chain", "draw"), np.zeros(shape, dtype=bool)),
            "energy": (("chain", "draw"), energy),
        }
    )
    worst = 1.001 if passed else 1.37
    gate = GateReport((Criterion("R-hat of parameters", worst, "drift_sd", "below 1.01", passed),))
    data = plan_store.plan_digest(plan)
    manifest = {
        "model": spec.digest,
        "data": data,
        "run": hashlib.sha256(f"{spec.digest}{data}".encode()).hexdigest(),
        "model_name": spec.name,
        "model_version": spec.version,
        "model_revision": REVISION,
        "cohort": cohort,
        "cohort_fingerprint": "0" * 64,
        "synthetic": synthetic,
        "settings": {"chains": shape[0], "draws": shape[1], "tune": 0, "seed": 1},
        "versions": bundle.versions(),
        "command": [],
        "wall_seconds": 0.0,
        "gate_passed": passed,
        "n_set_aside": 0,
    }
    tree = xr.DataTree.from_dict({"posterior": posterior, "sample_stats": stats})
    return Fit(spec, plan, tree, gate, manifest)


def save_fit(fit: Fit, folder: Path) -> Path:
    """Write a fit as a sealed bundle, as sampling would have left it."""
    folder.mkdir(mode=0o700)
    bundle.write_json(folder / bundle.MODEL_FILE, fit.spec.canonical())
    plan_store.write_plan(fit.plan, folder)
    plan_store.write_set_aside(fit.plan, folder)
    bundle.write_tree(fit.draws, folder / bundle.DRAWS_FILE)
    criteria = [vars(criterion) for criterion in fit.gate.criteria]
    bundle.write_json(
        folder / bundle.DIAGNOSTICS_FILE, {"passed": fit.gate.passed, "criteria": criteria}
    )
    bundle.seal(folder, dict(fit.manifest))
    return folder
