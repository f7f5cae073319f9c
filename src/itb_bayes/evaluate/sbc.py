"""Simulation-based calibration of a model file on the design of a cohort.

Talts et al. 2018 (arXiv:1804.06788): draw parameters from the prior, data from the model, fit, and
rank the truth among posterior draws; ranks are uniform if prior, simulator, likelihood and sampler
agree. One line of JSON is kept per replicate, so an interrupted run goes on where it stopped.
"""

import json
import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import arviz_stats as az
import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray
from scipy.stats import chisquare

from itb_bayes.checks.bands import ecdf_at, uniform_band
from itb_bayes.checks.prior_draws import draw_prior
from itb_bayes.errors import UsageError
from itb_bayes.inference.patients import draw_patients
from itb_bayes.inference.plan_store import plan_digest
from itb_bayes.inference.population import flatten, population_draws
from itb_bayes.inference.progress import Progress
from itb_bayes.inference.refit import Refitter
from itb_bayes.inference.replicate import replicate_cohort
from itb_bayes.inference.settings import SamplerSettings
from itb_bayes.model.covariates import Covariates
from itb_bayes.model.plan import REVISION, DriftPlan
from itb_bayes.spec import DriftSpec

N_RANKED = 99
"""Posterior draws that a truth is ranked among; a divisor of the thinned chains."""


@dataclass(frozen=True)
class SbcSettings:
    """Size of a calibration.

    Attributes
    ----------
    replicates : int
    seed : int
    patients_ranked : int
        Patients (the first of the design) whose slope is ranked.
    sampler : SamplerSettings
    """

    replicates: int = 200
    seed: int = 1
    patients_ranked: int = 3
    sampler: SamplerSettings = field(
        default_factory=lambda: SamplerSettings(draws=500, tune=500, chains=2, target_accept=0.9)
    )


def calibrate(
    spec: DriftSpec, plan: DriftPlan, settings: SbcSettings, results: Path, quiet: bool = False
) -> pd.DataFrame:
    """Run, or go on with, a calibration; return one row per replicate and quantity.

    Parameters
    ----------
    results : path
        File of JSON lines. Its first line describes the run; a file of another run is refused.

    Returns
    -------
    pandas.DataFrame
        Columns replicate, quantity, rank (0 to :data:`N_RANKED`), r_hat, divergences.

    Raises
    ------
    UsageError
        If ``results`` belongs to another model, design or settings.
    """
    header = {
        "model": spec.digest,
        "revision": REVISION,
        "design": plan_digest(plan),
        "seed": settings.seed,
        "patients_ranked": settings.patients_ranked,
        "sampler": settings.sampler.as_dict(),
    }
    done = _read_results(results, header)
    missing = [k for k in range(settings.replicates) if k not in done]
    if missing:
        refitter = Refitter(spec, plan)
        prior = draw_prior(spec, plan, settings.replicates, settings.seed)
        progress = Progress("calibration", settings.replicates, quiet=quiet)
        for k in missing:
            done[k] = _replicate(spec, plan, settings, refitter, prior, k)
            _append(results, {"replicate": k, **done[k]})
            progress.update(len(done))
        progress.finish()
    rows = [
        (k, name, rank, done[k]["r_hat"], done[k]["divergences"])
        for k in sorted(done)
        if k < settings.replicates
        for name, rank in done[k]["ranks"].items()
    ]
    return pd.DataFrame(rows, columns=["replicate", "quantity", "rank", "r_hat", "divergences"])


def rank_table(results: pd.DataFrame) -> pd.DataFrame:
    """Return per quantity whether its rank ECDF stays inside the 95 % simultaneous band.

    Columns: quantity, replicates, inside, worst (largest distance of the ECDF from uniform),
    mean_rank (0.5 if calibrated), p (of a chi-squared test on ten bins).
    """
    rows = []
    for name, group in results.groupby("quantity", sort=False):
        u = (group["rank"].to_numpy() + 0.5) / (N_RANKED + 1)
        band = uniform_band(len(u), 0.95)
        ecdf = ecdf_at(u, band.z)
        counts = np.histogram(u, bins=10, range=(0.0, 1.0))[0]
        rows.append(
            {
                "quantity": name,
                "replicates": len(u),
                "inside": band.holds(ecdf),
                "worst": float(np.abs(ecdf - band.z).max()),
                "mean_rank": float(u.mean()),
                "p": float(chisquare(counts).pvalue),
            }
        )
    return pd.DataFrame(rows)


def _replicate(
    spec: DriftSpec,
    plan: DriftPlan,
    settings: SbcSettings,
    refitter: Refitter,
    prior: xr.Dataset,
    k: int,
) -> dict[str, Any]:
    truth = prior.isel(draw=[k])
    replicate = replicate_cohort(
        plan,
        population_draws(spec, plan, truth),
        0,
        np.random.default_rng([settings.seed, 0x5BC, k]),
    )
    sampler = SamplerSettings(**{**settings.sampler.as_dict(), "seed": settings.seed + k})
    tree = refitter.sample(replicate.log_dose, sampler)
    posterior = tree["posterior"].to_dataset()
    thinned = _thin_to(posterior, N_RANKED)
    ranks = _parameter_ranks(flatten(thinned), flatten(truth))
    few = _first_patients(plan, replicate.log_dose, settings.patients_ranked)
    drift = draw_patients(
        few, population_draws(spec, few, thinned), sampler.seed, horizons_months=(12.0,)
    ).drift
    for i in range(few.n_patient):
        ranks[f"slope of patient {i + 1}"] = int((drift[:, i] < replicate.effects[i, 1]).sum())
    return {
        "ranks": ranks,
        "r_hat": round(float(az.rhat(posterior).to_array().max()), 4),
        "divergences": int(tree["sample_stats"]["diverging"].sum()),
    }


def _thin_to(posterior: xr.Dataset, count: int) -> xr.Dataset:
    """Return ``count`` evenly spaced draws of all chains together, as one chain."""
    flat = flatten(posterior)
    keep = np.linspace(0, flat.sizes["sample"] - 1, count).round().astype(int)
    variables = {
        name: (("chain", "draw", *array.dims[1:]), array.to_numpy()[None, keep])
        for name, array in flat.data_vars.items()
    }
    labels = {dim: flat[dim] for dim in flat.dims if dim != "sample"}
    return xr.Dataset(variables, coords=labels)


def _parameter_ranks(draws: xr.Dataset, truth: xr.Dataset) -> dict[str, int]:
    ranks = {}
    for name in draws.data_vars:
        values = draws[name].to_numpy().reshape(draws.sizes["sample"], -1)
        true = truth[name].to_numpy().reshape(-1)
        labels = draws[name].to_numpy()[0]
        names = (
            [str(name)]
            if labels.ndim == 0
            else [f"{name}[{label}]" for label in draws[draws[name].dims[1]].to_numpy()]
        )
        for k, label in enumerate(names):
            ranks[label] = int((values[:, k] < true[k]).sum())
    return ranks


def _first_patients(plan: DriftPlan, log_dose: NDArray[np.float64], count: int) -> DriftPlan:
    """Return the plan of the first patients with replaced doses."""
    n = min(count, plan.n_patient)
    rows = slice(0, int(plan.series.offsets[n]))
    series = replace(
        plan.series,
        patient_ids=plan.series.patient_ids[:n],
        patient=plan.series.patient[rows],
        t_years=plan.series.t_years[rows],
        daily_dose_ug=np.exp(log_dose[rows]),
        dose_year_before_ug=plan.series.dose_year_before_ug[:n],
        n_rows=plan.series.n_rows[:n],
        ended=plan.series.ended[:n],
    )
    return replace(
        plan,
        series=series,
        diagnosis_index=plan.diagnosis_index[:n],
        centre_index=plan.centre_index[:n],
        level_covariates=Covariates(plan.level_covariates.names, plan.level_covariates.design[:n]),
        drift_covariates=Covariates(plan.drift_covariates.names, plan.drift_covariates.design[:n]),
    )


def _read_results(path: Path, header: dict[str, Any]) -> dict[int, dict[str, Any]]:
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(header) + "\n", encoding="utf-8")
        return {}
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    if not lines or json.loads(lines[0]) != json.loads(json.dumps(header)):
        raise UsageError(
            f"{path} holds a calibration of another model, design or settings; name another file."
        )
    whole = [line for line in lines if line.endswith("\n")]
    if len(whole) < len(lines):  # killed while writing: the broken line is done again
        path.write_text("".join(whole), encoding="utf-8")
    done = [json.loads(line) for line in whole[1:]]
    return {entry.pop("replicate"): entry for entry in done}


def _append(path: Path, entry: dict[str, Any]) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(entry) + "\n")
        file.flush()
        os.fsync(file.fileno())
