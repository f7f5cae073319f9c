"""What a patient is told under weaker and stronger priors, from the draws of one fit.

A prior is made weaker or stronger by raising its density to a power below or above one, which the
draws of the fit stand in for by importance weights (power-scaling: Kallioinen et al. 2024, Stat
Comput 34:57). A normal prior to the power 1/2 is 1.4 times as wide. Weights are smoothed by a
generalised Pareto tail; where its shape or the effective number of draws says that they cannot be
relied on, no probability is given.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from itb_bayes.risk.weights import smooth_weights, tail_limit
from itb_bayes.spec import ModelSpec
from itb_bayes.spec.distributions import PRIOR_OF, distribution

Array = NDArray[np.float64]

POWERS = (0.8, 1.25)
"""Of all priors together. Many priors at once leave few effective draws: powers stay near one."""

POWERS_ALONE = (0.5, 2.0)
"""Of one prior alone: half and twice its weight."""

ALL_PRIORS = "all"
LEAST_WEIGHTED_DRAWS = 100.0

_SAMPLE = ("chain", "draw")


@dataclass(frozen=True)
class Scaled:
    """What a patient is told when priors are scaled.

    Attributes
    ----------
    prior : str
        Name in the model file, or :data:`ALL_PRIORS`.
    power : float
    probabilities : tuple of float
        One per possible answer; empty where the weights cannot be relied on.
    effective_draws : float
    pareto_k : float
        Shape of the tail of the weights of the priors; NaN where all are equal.
    """

    prior: str
    power: float
    probabilities: tuple[float, ...]
    effective_draws: float
    pareto_k: float


def log_priors(spec: ModelSpec, posterior: xr.Dataset) -> dict[str, Array]:
    """Return the log density of each prior at each draw, summed over its labels.

    Returns
    -------
    dict of str to ndarray, shape (n_chain * n_draw,)
        By the name of the prior in the model file.
    """
    out = {}
    for variable, array in posterior.data_vars.items():
        name = PRIOR_OF.get(str(variable), str(variable))
        prior = spec.resolved_priors.get(name)
        if prior is None:
            continue
        ordered = array.transpose(*_SAMPLE, ...)
        values = ordered.to_numpy().reshape(array.sizes["chain"] * array.sizes["draw"], -1)
        dim = next((d for d in ordered.dims if d not in _SAMPLE), None)
        labels = [""] if dim is None else [str(label) for label in array[dim].to_numpy()]
        laws = [distribution(prior.by.get(label, prior)) for label in labels]
        out[name] = sum(
            (law.logpdf(values[:, k]) for k, law in enumerate(laws)), np.zeros(len(values))
        )
    return out


def power_weights(log_density: Array, power: float) -> Array:
    """Return weights of draws that raise a density to a power; they sum to one."""
    log_weight = (power - 1.0) * log_density
    weight = np.exp(log_weight - log_weight.max())
    return weight / weight.sum()


@dataclass(frozen=True, eq=False)
class PriorScaling:
    """Weights of the draws of one fit under scaled priors.

    Attributes
    ----------
    densities : dict of str to ndarray, shape (n_draw,)
        Log density of each prior at each draw (:func:`log_priors`).
    """

    densities: dict[str, Array]

    @classmethod
    def of(cls, spec: ModelSpec, posterior: xr.Dataset) -> "PriorScaling":
        """Return the scaling of the draws of a posterior, chain after chain."""
        return cls(log_priors(spec, posterior))

    @cached_property
    def _cases(self) -> list[tuple[str, float]]:
        together = [(ALL_PRIORS, power) for power in POWERS]
        return together + [(name, power) for name in self.densities for power in POWERS_ALONE]

    @cached_property
    def _smoothed(self) -> tuple[Array, Array]:
        """Weights, shape (n_case, n_draw), and the shapes of their tails, (n_case,)."""
        whole = np.sum(list(self.densities.values()), axis=0)
        logs = [
            (power - 1.0) * (whole if name == ALL_PRIORS else self.densities[name])
            for name, power in self._cases
        ]
        return smooth_weights(np.array(logs))

    def told(self, values: Array, weight: Array | None = None) -> tuple[Scaled, ...]:
        """Return what one patient is told under every scaling, all priors together first.

        Parameters
        ----------
        values : ndarray, shape (n_draw, n_answer)
            Probability of every answer given each draw.
        weight : ndarray, shape (n_draw,), optional
            The patient's own weights of the draws, where they are not equal.
        """
        weights, tails = self._smoothed
        if weight is not None:
            weights = weights * weight
            weights = weights / weights.sum(axis=1, keepdims=True)
        sizes = 1.0 / (weights**2).sum(axis=1)
        fit_for_use = (sizes >= LEAST_WEIGHTED_DRAWS) & ~(tails > tail_limit(values.shape[0]))
        # Answer by answer: as one product of so thin a matrix this takes thirty times as long.
        answers = np.ascontiguousarray(values.T)
        means = np.stack([weights @ answer for answer in answers], axis=1)
        return tuple(
            Scaled(
                name, power, tuple(float(p) for p in mean) if good else (), float(size), float(k)
            )
            for (name, power), mean, size, k, good in zip(
                self._cases, means, sizes, tails, fit_for_use, strict=True
            )
        )


def alone(told: Sequence[Scaled]) -> tuple[Scaled, ...]:
    """Return the scalings of single priors."""
    return tuple(scaled for scaled in told if scaled.prior != ALL_PRIORS)
