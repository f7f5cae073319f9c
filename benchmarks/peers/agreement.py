"""Posterior of ``@drift-lmm`` beside restricted maximum likelihood on the same readings."""

from dataclasses import dataclass
from pathlib import Path

import arviz_stats as az
import numpy as np
import xarray as xr

from itb_bayes.cohort import Cohort
from itb_bayes.inference.sampling import chain_batches, compile_model, join_batches, sample_batch
from itb_bayes.inference.settings import SamplerSettings
from itb_bayes.model.drift import build_drift
from itb_bayes.model.plan import DriftPlan, plan_drift
from itb_bayes.spec import DriftSpec, load_model
from peers.reml import Reml, fit_reml

LOCATION_SD = 0.25
SPREAD_SD = 0.5
"""Largest distances of posterior mean and estimate, in posterior SD, that count as agreement.

A spread's posterior is skewed: its mean lies above its mode, which is what likelihood finds.
"""

_WIDE = {
    "level": ("ug/day", "lognormal", "interval = [0.01, 1000000]\nmass = 0.9"),
    "drift": ("percent_per_year", "normal", "interval = [-90, 900]\nmass = 0.9"),
    "level_sd": ("log", "halfnormal", "interval = [0, 20]\nmass = 0.95"),
    "drift_sd": ("percent_per_year_sd", "halfnormal", "interval = [0, 500]\nmass = 0.95"),
    "level_drift_correlation": ("correlation", "beta", "params = { alpha = 1.0, beta = 1.0 }"),
    "within_sd": ("log", "halfnormal", "interval = [0, 20]\nmass = 0.95"),
}
"""Unit, family and width of priors that say next to nothing."""


def wide_overlay() -> str:
    """Return the model file that widens every prior of ``@drift-lmm``."""
    head = 'format = 1\nextends = "@drift-lmm"\nname = "drift-lmm-wide"\ntitle = "Wide priors"\n'
    tables = [
        f'\n[priors.{name}]\nunit = "{unit}"\nfamily = "{family}"\n{width}\n'
        'source = "none"\nwhy = "Says next to nothing, to show what the shipped priors add."\n'
        for name, (unit, family, width) in _WIDE.items()
    ]
    return head + "".join(tables)


@dataclass(frozen=True)
class Posterior:
    """Mean, SD and Monte Carlo error of each parameter; R-hat and divergences of the fit."""

    mean: dict[str, float]
    sd: dict[str, float]
    mcse: dict[str, float]
    r_hat: float
    divergences: int


@dataclass(frozen=True)
class Comparison:
    """One cohort.

    Attributes
    ----------
    title : str
    n_patient, n_reading : int
    reml : Reml
    shipped, wide : Posterior
        With the priors of ``@drift-lmm``, and with those of :func:`wide_overlay`.
    """

    title: str
    n_patient: int
    n_reading: int
    reml: Reml
    shipped: Posterior
    wide: Posterior

    def distance(self, name: str, of: Posterior) -> float:
        """Return posterior mean minus estimate in posterior SD."""
        return (of.mean[name] - self.reml.estimate[name]) / of.sd[name]

    def distance_in_error(self, name: str, of: Posterior) -> float:
        """Return posterior mean minus estimate in Monte Carlo errors."""
        return (of.mean[name] - self.reml.estimate[name]) / of.mcse[name]

    def parameter_agrees(self, name: str) -> bool:
        """Return whether the posterior with wide priors is at the estimate."""
        limit = LOCATION_SD if name.startswith(("level[", "drift[")) else SPREAD_SD
        return abs(self.distance(name, self.wide)) < limit

    @property
    def agrees(self) -> bool:
        """Whether all parameters agree."""
        return all(map(self.parameter_agrees, self.reml.estimate))


def compare(title: str, cohort: Cohort, settings: SamplerSettings, scratch: Path) -> Comparison:
    """Fit a cohort three times: likelihood, shipped priors, wide priors."""
    overlay = scratch / "wide.toml"
    overlay.write_text(wide_overlay(), encoding="utf-8")
    shipped, wide = _load("@drift-lmm"), _load(overlay)
    plan = plan_drift(shipped, cohort)
    return Comparison(
        title=title,
        n_patient=plan.n_patient,
        n_reading=plan.series.t_years.size,
        reml=fit_reml(plan),
        shipped=_posterior(shipped, plan, settings),
        wide=_posterior(wide, plan, settings),
    )


def _load(model: str | Path) -> DriftSpec:
    spec = load_model(model)
    if not isinstance(spec, DriftSpec):
        raise TypeError(f"{model} is not a drift model")
    return spec


def _posterior(spec: DriftSpec, plan: DriftPlan, settings: SamplerSettings) -> Posterior:
    compiled = compile_model(build_drift(spec, plan))
    tree = join_batches([sample_batch(compiled, settings, b) for b in chain_batches(settings)])
    draws = _by_name(tree["posterior"].to_dataset(), plan)
    dims = ("chain", "draw")
    return Posterior(
        mean=_floats(draws.mean(dims)),
        sd=_floats(draws.std(dims)),
        mcse=_floats(az.mcse(draws, method="mean")),
        r_hat=max(_floats(az.rhat(draws)).values()),
        divergences=int(tree["sample_stats"]["diverging"].sum()),
    )


def _by_name(posterior: xr.Dataset, plan: DriftPlan) -> xr.Dataset:
    columns = {
        f"{of}[{name}]": posterior[of].sel(diagnosis=name, drop=True)
        for of in ("level", "drift")
        for name in plan.diagnoses
    }
    columns |= {name: posterior[name] for name in ("level_sd", "drift_sd", "within_sd")}
    return xr.Dataset({**columns, "correlation": 2.0 * posterior["correlation_01"] - 1.0})


def _floats(values: xr.Dataset) -> dict[str, float]:
    return {str(name): float(np.asarray(values[name])) for name in values.data_vars}
