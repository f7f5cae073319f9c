"""Resolved priors as PyMC random variables."""

from typing import Any

import numpy as np
import pymc as pm

from itb_bayes.spec import ResolvedPrior

_DISTRIBUTIONS: dict[str, tuple[Any, dict[str, str]]] = {
    "normal": (pm.Normal, {"mean": "mu", "sd": "sigma"}),
    "lognormal": (pm.LogNormal, {"mu": "mu", "sigma": "sigma"}),
    "halfnormal": (pm.HalfNormal, {"sd": "sigma"}),
    "beta": (pm.Beta, {"alpha": "alpha", "beta": "beta"}),
    "gamma": (pm.Gamma, {"shape": "alpha", "rate": "beta"}),
    "exponential": (pm.Exponential, {"rate": "lam"}),
}


def random_variable(name: str, prior: ResolvedPrior, dims: str | None = None) -> Any:
    """Return a PyMC variable with this prior (on the model scale)."""
    distribution, names = _DISTRIBUTIONS[prior.family]
    return distribution(name, **{names[k]: v for k, v in prior.params.items()}, dims=dims)


def per_label(name: str, prior: ResolvedPrior, dim: str, labels: tuple[str, ...]) -> Any:
    """Return one variable per label, each with its own prior where one is given.

    All priors of one name are of one family, so only the parameters differ by label.
    """
    own = [prior.by.get(label, prior) for label in labels]
    distribution, names = _DISTRIBUTIONS[prior.family]
    params = {names[k]: np.array([p.params[k] for p in own]) for k in prior.params}
    return distribution(name, **params, dims=dim)
