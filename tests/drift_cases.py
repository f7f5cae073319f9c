"""A small cohort on disk, specifications of every structure, and fits made of draws alone."""

import contextlib
import csv
import io
import sys
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import xarray as xr

from itb_bayes.checks.prior_draws import draw_prior
from itb_bayes.cohort.cohort import Cohort
from itb_bayes.inference.fitted import Fit
from itb_bayes.inference.gate import Criterion, GateReport
from itb_bayes.inference.settings import SamplerSettings
from itb_bayes.model.plan import DriftPlan
from itb_bayes.spec import DriftSpec, load_model, shipped_models
from itb_bayes.spec.kinds.drift import NEEDS
from itb_bayes.spec.terms import CentreSpec, CovariatesSpec, NoiseSpec, ProcessSpec, TitrationSpec

CANARY = "ZZCANARY999"
CANARY_DOSE = 217.4391
ASIDE = "ZZASIDE998"
"""A patient with one dose reading, who is set aside."""

PASSED = GateReport((Criterion("R-hat of parameters", 1.0, "level[MS]", "below 1.01", True),))
FAILED = GateReport((Criterion("R-hat of parameters", 1.32, "drift_sd", "below 1.01", False),))


def tiny_tables(n_patient: int = 12) -> dict[str, str]:
    """Return the files of a cohort of MS and SCI patients of two centres, doses in µg/day."""
    rng = np.random.default_rng(20)
    columns = (
        "patient_id", "diagnosis", "centre", "sex", "age_at_implant", "sci_level", "ais_grade",
        "ms_course", "ambulatory", "t_last_seen",
    )  # fmt: skip
    patients = [",".join(columns)]
    doses = ["patient_id,t_years,daily_dose_ug"]
    for i in range(n_patient):
        pid = CANARY if i == 3 else f"P{i + 1:02d}"
        ms = i % 2 == 0
        last = 4.0 + i % 4
        patients.append(
            f"{pid},{'MS' if ms else 'SCI'},{'north' if i % 3 else 'south'},{'FM'[i % 5 > 1]},"
            f"{35 + 2 * (i % 12)},{'' if ms else ('cervical', 'thoracic', 'lumbar')[i % 3]},"
            f"{'' if ms else 'AB'[i // 2 % 2]},{('SP', 'RR')[i // 4 % 2] if ms else ''},"
            f"{'true' if i % 4 == 1 else 'false'},{last:g}"
        )
        level, drift = rng.normal(5.2, 0.4), rng.normal(0.05, 0.03)
        for t in (0.0, 0.25, 0.5, *np.arange(1.0, last + 0.5)):
            noise = 0.08 * rng.standard_normal()
            dose = np.exp(level + drift * (t - 1) - 0.8 * np.exp(-t / 0.35) + noise)
            if pid == CANARY and t == 2.0:
                dose = CANARY_DOSE
            doses.append(f"{pid},{t:g},{dose:.4f}")
    patients.append(f"{ASIDE},MS,north,F,50,,,SP,false,0.1")
    doses.append(f"{ASIDE},0,88.25")
    return {
        "patients.csv": "\n".join(patients) + "\n",
        "doses.csv": "\n".join(doses) + "\n",
        "cohort.toml": 'name = "tiny"\nsynthetic = true\n',
    }


def write_cohort(folder: Path, tables: dict[str, str] | None = None) -> Path:
    """Write a cohort folder (the tiny one by default) and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in (tables or tiny_tables()).items():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")
    return folder


def read_cohort(folder: Path, patients: str, doses: str, events: str = "") -> Cohort:
    """Return a cohort of given CSV rows (time in years since implant); header rows are added."""
    tables = {
        "patients.csv": f"patient_id,diagnosis,t_last_seen\n{patients}",
        "doses.csv": f"patient_id,t_years,daily_dose_ug\n{doses}",
        "cohort.toml": 'name = "hand"\nsynthetic = true\n',
    }
    if events:
        tables["events.csv"] = f"patient_id,t_years,event\n{events}"
    return Cohort.read(write_cohort(folder, tables))


@cache
def base_spec() -> DriftSpec:
    """Return the shipped drift model."""
    spec = load_model("@drift")
    assert isinstance(spec, DriftSpec)
    return spec


@cache
def _all_priors() -> dict[str, tuple]:
    """Return (stated, resolved) priors of every name that any shipped drift model states."""
    found: dict[str, tuple] = {}
    for name in ("drift", *sorted(shipped_models())):
        spec = load_model(f"@{name}")
        if isinstance(spec, DriftSpec):
            for prior, resolved in spec.resolved_priors.items():
                found.setdefault(prior, (spec.priors[prior], resolved))
    return found


def spec_with(
    process: str | None = None,
    noise: str | None = None,
    titration: str | None = None,
    centre: str | None = None,
    level: Iterable[str] = (),
    drift: Iterable[str] = (),
    missing: str = "error",
    **series: object,
) -> DriftSpec:
    """Return the shipped model with other terms, and exactly the priors that these need."""
    base = base_spec()
    terms = {
        "process": ProcessSpec(kind=process or base.process.kind),
        "noise": NoiseSpec(kind=noise or base.noise.kind),
        "titration": TitrationSpec(use=titration or base.titration.use),
        "centre": CentreSpec(use=centre or base.centre.use),
        "covariates": CovariatesSpec(level=list(level), drift=list(drift), missing=missing),
        "series": base.series.model_copy(update=series),
    }
    names = [need.name for need in NEEDS if need.is_needed(terms)]
    pool = _all_priors()
    return base.model_copy(
        update={
            **terms,
            "priors": {name: pool[name][0] for name in names},
            "resolved_priors": {name: pool[name][1] for name in names},
        }
    )


def permuted_chains(
    spec: DriftSpec, plan: DriftPlan, chains: int = 4, draws: int = 250, seed: int = 1
) -> xr.Dataset:
    """Return prior draws as well-mixed chains: each chain is the same draws in another order."""
    prior = draw_prior(spec, plan, draws, seed)
    rng = np.random.default_rng(seed)
    parts = [
        prior.isel(draw=rng.permutation(draws)).assign_coords(chain=[c], draw=range(draws))
        for c in range(chains)
    ]
    return xr.concat(parts, "chain")


def point_posterior(
    spec: DriftSpec, plan: DriftPlan, chains: int = 4, draws: int = 50, spread: float = 1e-3,
    seed: int = 5, **values: float | list[float],
) -> xr.Dataset:  # fmt: skip
    """Return draws close around given population values (the others at a prior draw)."""
    prior = draw_prior(spec, plan, 1, seed).isel(chain=0, draw=0)
    rng = np.random.default_rng(seed)
    data = {}
    for name, array in prior.data_vars.items():
        centre = np.broadcast_to(values.get(str(name), array.to_numpy()), array.shape)
        noise = 1.0 + spread * rng.standard_normal((chains, draws, *array.shape))
        drawn = centre * noise
        if name in ("persistent_share", "correlation_01"):
            drawn = np.minimum(drawn, 0.999)
        data[name] = (("chain", "draw", *array.dims), drawn)
    coords = {dim: array for dim, array in prior.coords.items() if dim in prior.dims}
    return xr.Dataset(data, coords={"chain": range(chains), "draw": range(draws), **coords})


def value_point(model: Any, draw: xr.Dataset) -> dict[str, np.ndarray]:
    """Map a draw of the free variables to the unconstrained scale of the model."""
    point = {}
    for variable in model.free_RVs:
        value = model.rvs_to_values[variable]
        x = draw[variable.name].to_numpy()
        if value.name.endswith("_log__"):
            x = np.log(x)
        elif value.name.endswith("_logodds__"):
            x = np.log(x) - np.log1p(-x)
        point[value.name] = np.asarray(x)
    return point


def tree_of(posterior: xr.Dataset) -> xr.DataTree:
    """Return draws with healthy sampler statistics."""
    shape = (posterior.sizes["chain"], posterior.sizes["draw"])
    rng = np.random.default_rng(2)
    stats = xr.Dataset(
        {
            "diverging": (("chain", "draw"), np.zeros(shape, dtype=bool)),
            "energy": (("chain", "draw"), rng.standard_normal(shape)),
        },
        coords={"chain": posterior["chain"], "draw": posterior["draw"]},
    )
    return xr.DataTree.from_dict({"posterior": posterior, "sample_stats": stats})


def fit_of(
    spec: DriftSpec,
    plan: DriftPlan,
    posterior: xr.Dataset,
    gate: GateReport = PASSED,
    seed: int = 1,
) -> Fit:
    """Return a fit that consists of given draws."""
    manifest = {
        "model": spec.digest, "data": "d" * 64, "run": f"{spec.name[:5]}{seed:07d}",
        "cohort": "tiny", "synthetic": True, "settings": {"seed": seed}, "n_set_aside": 0,
    }  # fmt: skip
    return Fit(spec, plan, tree_of(posterior), gate, manifest)


def with_doses(plan: DriftPlan, daily_dose_ug: np.ndarray) -> DriftPlan:
    """Return a plan with other doses at the same readings."""
    return replace(plan, series=replace(plan.series, daily_dose_ug=daily_dose_ug))


def instead_of_sampling(posterior_of=permuted_chains, diverging: int = 0):
    """Return a context in which `fit` gets its draws from numpy instead of from a sampler."""

    def sample(spec, plan, settings: SamplerSettings, working: Path, quiet: bool) -> xr.DataTree:
        (working / "chains").mkdir(exist_ok=True)
        tree = tree_of(posterior_of(spec, plan, settings.chains, settings.draws, settings.seed))
        tree["sample_stats"]["diverging"].to_numpy()[0, :diverging] = True
        return tree

    return mock.patch("itb_bayes.inference.fit._sample_resumable", sample)


@dataclass(frozen=True)
class Outcome:
    """What a command did."""

    code: int
    stdout: str
    stderr: str

    @property
    def rows(self) -> list[dict[str, str]]:
        """Rows of the CSV table that was printed."""
        return list(csv.DictReader(io.StringIO(self.stdout)))


def run_command(*arguments: object) -> Outcome:
    """Run the command line in this process, as the console script would."""
    from itb_bayes.cli.main import run

    out, err = io.StringIO(), io.StringIO()
    code = 0
    with (
        mock.patch.object(sys, "argv", ["itb-bayes", *map(str, arguments)]),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            run()
        except SystemExit as stop:
            code = int(stop.code or 0)
    return Outcome(code, out.getvalue(), err.getvalue())
