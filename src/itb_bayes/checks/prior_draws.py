"""Priors as distributions: draws of the population before any data, and what was learned."""

from typing import Any

import numpy as np
import xarray as xr

from itb_bayes.kernel.structure import Process
from itb_bayes.model.plan import DriftPlan
from itb_bayes.spec import DriftSpec, ModelSpec, ResolvedPrior
from itb_bayes.spec.distributions import PRIOR_OF, distribution

VECTORS = {
    "level": "diagnosis",
    "drift": "diagnosis",
    "covariate_level": "level_covariate",
    "covariate_drift": "drift_covariate",
}
"""Variables with one value per label, and their dimension."""


def prior_of(spec: ModelSpec, variable: str, label: str = "") -> ResolvedPrior:
    """Return the prior of a variable of the model, of one diagnosis where it has its own."""
    prior = spec.resolved_priors[PRIOR_OF.get(variable, variable)]
    return prior.by.get(label, prior)


def variables_of(plan: DriftPlan) -> tuple[str, ...]:
    """Return the names of the population parameters that a plan's model samples."""
    structure = plan.structure
    names = ["level", "drift", "level_sd", "drift_sd", "correlation_01", "within_sd"]
    if structure.titration:
        names += ["titration_depth", "titration_depth_sd"]
        names += ["titration_follows_level", "titration_years"]
    if structure.process is not Process.NONE:
        names.append("persistent_share")
    if structure.process is Process.OU:
        names.append("persistence_years")
    if structure.robust:
        names.append("tail_df")
    if plan.centres:
        names += ["centre_level_sd", "centre_drift_sd"]
    if plan.level_covariates.names:
        names.append("covariate_level")
    if plan.drift_covariates.names:
        names.append("covariate_drift")
    return tuple(names)


def draw_prior(spec: DriftSpec, plan: DriftPlan, n_draw: int, seed: int) -> xr.Dataset:
    """Draw population parameters from the resolved priors.

    Parameters
    ----------
    spec : DriftSpec
    plan : DriftPlan
    n_draw : int
    seed : int

    Returns
    -------
    xarray.Dataset
        Variables as in a posterior (:func:`itb_bayes.model.drift.build_drift`), with dims
        (chain = 1, draw, ...).
    """
    rng = np.random.default_rng([seed, 0xA])
    labels = {
        "diagnosis": list(plan.diagnoses),
        "level_covariate": list(plan.level_covariates.names),
        "drift_covariate": list(plan.drift_covariates.names),
        "centre": list(plan.centres),
    }
    data: dict[str, Any] = {}
    for name in variables_of(plan):
        dim = VECTORS.get(name)
        if dim is None:
            values = distribution(prior_of(spec, name)).rvs(size=n_draw, random_state=rng)
            data[name] = (("chain", "draw"), values[None, :])
            continue
        columns = [
            distribution(prior_of(spec, name, label)).rvs(size=n_draw, random_state=rng)
            for label in labels[dim]
        ]
        data[name] = (("chain", "draw", dim), np.stack(columns, axis=-1)[None])
    if plan.centres:
        for of in ("level", "drift"):
            z = rng.standard_normal((1, n_draw, len(plan.centres)))
            data[f"centre_{of}_z"] = (("chain", "draw", "centre"), z)
    coords = {
        dim: names for dim, names in labels.items() if any(dim in d for d, _ in data.values())
    }
    return xr.Dataset(data, coords=coords)
