"""Draws of a fit moved to where the posterior of a further patient is.

Where one patient's likelihood tells much that the fitted cohort did not, few draws of the fit carry
all of its weight. Then draws are moved first: on the scale where priors are standard normal and the
posterior is round, the patient's log-likelihood is nearly a line in the parameters, and a Gaussian
times the exponential of a line is the same Gaussian elsewhere. Where to is had by regression over
all draws of the fit. The moved draws are weighted by the exact density, that of the fitted cohort's
records and the patient's own together, so a poor move costs effective draws and nothing else
(implicitly adaptive importance sampling; Paananen et al. 2021, Stat Comput 31:16, whose moves are
by weighted moments). The weights have the same diagnostic as all others.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from itb_bayes.inference.population import flatten
from itb_bayes.inference.regimes_fitted import RegimesFit
from itb_bayes.inference.regimes_population import RegimesDraws, regimes_draws
from itb_bayes.inference.regimes_states import filter_patients
from itb_bayes.model.regimes_plan import RegimesPlan
from itb_bayes.risk.weights import PatientWeights, importance_weights
from itb_bayes.spec import ResolvedPrior
from itb_bayes.spec.scores import from_scores, to_scores

Array = NDArray[np.float64]

MOVED_DRAWS = 1000
"""Draws of the fit that are moved."""

ROUNDS = 3
"""Most moves: each begins where the one before has led."""

NARROWEST, WIDEST = 0.5, 1.5
"""Least and largest change of the spread along the direction of a move."""

_FULL_SHARE = 0.25
"""Effective share of the draws that a regression is based on, at least."""


@dataclass(frozen=True, eq=False)
class MovedDraws:
    """Draws for one patient that a fit has not seen.

    Attributes
    ----------
    draws : RegimesDraws
        Of the patient alone.
    weights : PatientWeights
        Of these draws, of one patient.
    rounds : int
        Moves that were made.
    """

    draws: RegimesDraws
    weights: PatientWeights
    rounds: int


@dataclass(frozen=True, eq=False)
class Mover:
    """The draws of a fit, ready to be moved to any patient.

    Parameters
    ----------
    fit : RegimesFit
        With its patients: the records that it was fitted to are looked at again.
    """

    fit: RegimesFit

    @cached_property
    def columns(self) -> list[tuple[str, ResolvedPrior]]:
        """Variable and prior of every scalar parameter."""
        found = []
        for name, array in self.fit.posterior.data_vars.items():
            prior = self.fit.spec.resolved_priors[str(name)]
            dim = next((d for d in array.dims if d not in ("chain", "draw")), None)
            labels = [""] if dim is None else [str(x) for x in array[dim].to_numpy()]
            found += [(str(name), prior.by.get(label, prior)) for label in labels]
        return found

    @cached_property
    def scores(self) -> Array:
        """All draws, shape (n_draw, n_parameter), on the scale of their priors."""
        flat = flatten(self.fit.posterior)
        values = np.concatenate(
            [a.to_numpy().reshape(flat.sizes["sample"], -1) for a in flat.data_vars.values()],
            axis=1,
        )
        return np.stack(
            [to_scores(values[:, k], prior) for k, (_, prior) in enumerate(self.columns)], axis=1
        )

    @cached_property
    def root(self) -> Array:
        """Root of the covariance of the scores, shape (n_parameter, n_parameter)."""
        covariance = np.cov(self.scores.T)
        return np.linalg.cholesky(covariance + 1e-9 * np.diag(np.diag(covariance)))

    @cached_property
    def round_draws(self) -> Array:
        """All draws, shape (n_draw, n_parameter), uncorrelated and of unit variance."""
        away = self.scores - self.scores.mean(axis=0)
        return np.asarray(np.linalg.solve(self.root, away.T).T)

    @cached_property
    def base(self) -> NDArray[np.int64]:
        """Which draws are moved."""
        n = len(self.scores)
        return np.unique(np.linspace(0, n - 1, min(n, MOVED_DRAWS)).round().astype(np.int64))

    @cached_property
    def base_density(self) -> Array:
        """Log posterior density of the fit at the draws that are moved, up to a constant."""
        scores = self.scores[self.base]
        return self._density(scores, self.draws_at(scores, self.fit.plan))

    def draws_at(self, scores: Array, plan: RegimesPlan) -> RegimesDraws:
        """Return the kernel parameters at scores, shape (n_draw, n_parameter)."""
        values = [from_scores(scores[:, k], prior) for k, (_, prior) in enumerate(self.columns)]
        arrays, first = {}, 0
        for name, array in self.fit.posterior.data_vars.items():
            shape = array.shape[2:]
            last = first + int(np.prod(shape, dtype=int))
            stacked = np.stack(values[first:last], axis=1)
            arrays[name] = (array.dims, stacked.reshape(1, len(scores), *shape))
            first = last
        return regimes_draws(plan, xr.Dataset(arrays))

    def _density(self, scores: Array, draws: RegimesDraws) -> Array:
        told = filter_patients(self.fit.plan, draws).log_likelihood.sum(axis=1)
        return np.asarray(told - 0.5 * (scores**2).sum(axis=1))

    def move(self, one: RegimesPlan, log_likelihood: Array) -> MovedDraws:
        """Move draws to a patient until their weights can be believed, or no more rounds are left.

        Parameters
        ----------
        one : RegimesPlan
            Of this patient alone, laid out by :func:`itb_bayes.model.regimes_plan.plan_scoring`.
        log_likelihood : ndarray, shape (n_draw,)
            Of the patient's records under every draw of the fit.
        """
        centre, before = self.scores.mean(axis=0), self.round_draws[self.base]
        stretch, shift, log_det = np.eye(centre.size), np.zeros(centre.size), 0.0
        points, heights, rounds = self.round_draws, log_likelihood, 0
        while True:
            direction, mean, scale = tilt(points, heights)
            shift = shift + stretch @ (mean * direction)
            stretch = stretch + (scale - 1.0) * np.outer(stretch @ direction, direction)
            log_det += np.log(scale)
            rounds += 1
            scores = centre + (before @ stretch.T + shift) @ self.root.T
            mine = self.draws_at(scores, one)
            target = self._density(scores, self.draws_at(scores, self.fit.plan))
            target += filter_patients(one, mine).log_likelihood[:, 0]
            log_weight = target + log_det - self.base_density
            weights = importance_weights(log_weight[:, None])
            if weights.reliable[0] or rounds == ROUNDS:
                return MovedDraws(mine, weights, rounds)
            points, heights = before, log_weight


def tilt(points: Array, log_weight: Array) -> tuple[Array, float, float]:
    """Return where a Gaussian goes when it is multiplied by weights.

    Parameters
    ----------
    points : ndarray, shape (n_draw, n_parameter)
        Of a standard normal.
    log_weight : ndarray, shape (n_draw,)

    Returns
    -------
    (direction, mean, scale) : ndarray, shape (n_parameter,), and two floats
        Of unit length; along it the Gaussian has this mean and standard deviation.
    """
    weight = np.sqrt(temper(log_weight, _FULL_SHARE))
    line = np.column_stack([np.ones(len(points)), points])
    slopes = np.linalg.lstsq(line * weight[:, None], log_weight * weight, rcond=None)[0][1:]
    direction = slopes / max(float(np.linalg.norm(slopes)), 1e-12)
    along = points @ direction
    bow = np.column_stack([np.ones(len(points)), along, along**2])
    _, slope, bend = np.linalg.lstsq(bow * weight[:, None], log_weight * weight, rcond=None)[0]
    precision = float(np.clip(1.0 - 2.0 * bend, WIDEST**-2, NARROWEST**-2))
    return direction, float(slope) / precision, precision**-0.5


def temper(log_weight: Array, share: float) -> Array:
    """Return weights, of mean one, to the largest power that keeps a share of them effective."""
    low, high = 0.0, 1.0
    for _ in range(30):
        middle = 0.5 * (low + high)
        weight = np.exp(middle * (log_weight - log_weight.max()))
        if weight.sum() ** 2 >= share * len(weight) * (weight**2).sum():
            low = middle
        else:
            high = middle
    weight = np.exp(low * (log_weight - log_weight.max()))
    return np.asarray(weight / weight.mean())
