"""Population parameters on the scale on which every prior is a standard normal.

``eta = Phi^-1(F(theta))`` with F the prior's distribution function: the identity, up to location
and scale, for normal priors and the logarithm for lognormal ones. On it a prior is divided out of
a posterior exactly, whatever its family.
"""

from dataclasses import dataclass

import numpy as np
import scipy.stats as st
import xarray as xr
from numpy.typing import NDArray

from itb_bayes.checks.prior_draws import VECTORS, distribution, prior_of, variables_of
from itb_bayes.inference.population import flatten
from itb_bayes.model.plan import DriftPlan
from itb_bayes.spec import DriftSpec, ResolvedPrior

Array = NDArray[np.float64]

LIMIT = 8.0
"""Scores are kept within this: a draw so far out in its prior is as good as at the end of it."""


@dataclass(frozen=True)
class Parameter:
    """One scalar population parameter: a variable, and its label where it has several."""

    variable: str
    label: str = ""

    @property
    def name(self) -> str:
        """Its name, such as ``drift[MS]``."""
        return f"{self.variable}[{self.label}]" if self.label else self.variable

    @classmethod
    def of(cls, name: str) -> "Parameter":
        """Return the parameter of a name."""
        variable, _, label = name.partition("[")
        return cls(variable, label.removesuffix("]"))


def parameters_of(plan: DriftPlan) -> list[Parameter]:
    """Return what a fit of one centre says about the population, centre effects left out."""
    labels = {
        "diagnosis": plan.diagnoses,
        "level_covariate": plan.level_covariates.names,
        "drift_covariate": plan.drift_covariates.names,
    }
    return [
        Parameter(variable, label)
        for variable in variables_of(plan)
        if not variable.startswith("centre_")
        for label in (labels[VECTORS[variable]] if variable in VECTORS else ("",))
    ]


def to_scores(values: Array, prior: ResolvedPrior) -> Array:
    """Return the scores of values of a parameter."""
    law = distribution(prior)
    below, above = law.cdf(values), law.sf(values)
    # From the nearer end, so that neither is rounded to one.
    scores = np.where(below < above, st.norm.ppf(below), st.norm.isf(above))
    return np.clip(scores, -LIMIT, LIMIT)


def from_scores(scores: Array, prior: ResolvedPrior) -> Array:
    """Return the values of a parameter that have these scores."""
    law = distribution(prior)
    return np.where(
        scores < 0.0, law.ppf(st.norm.cdf(scores)), law.isf(st.norm.sf(np.maximum(scores, 0.0)))
    )


def score_draws(spec: DriftSpec, parameters: list[Parameter], posterior: xr.Dataset) -> Array:
    """Return the scores of posterior draws, shape (n_draw, n_parameter)."""
    flat = flatten(posterior)
    columns = []
    for parameter in parameters:
        values = flat[parameter.variable]
        if parameter.label:
            values = values.sel({VECTORS[parameter.variable]: parameter.label})
        prior = prior_of(spec, parameter.variable, parameter.label)
        columns.append(to_scores(values.to_numpy(), prior))
    return np.stack(columns, axis=1)
