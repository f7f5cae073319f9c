"""Population parameters on the scale on which every prior is a standard normal.

``eta = Phi^-1(F(theta))`` with F the prior's distribution function: the identity, up to location
and scale, for normal priors and the logarithm for lognormal ones. On it a prior is divided out of
a posterior exactly, whatever its family.
"""

from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from itb_bayes.checks.prior_draws import VECTORS, prior_of, variables_of
from itb_bayes.inference.population import flatten
from itb_bayes.model.plan import DriftPlan
from itb_bayes.spec import DriftSpec
from itb_bayes.spec.scores import to_scores

Array = NDArray[np.float64]


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
