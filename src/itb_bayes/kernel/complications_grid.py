"""The exact posterior of one complication on a grid: the oracle of what is sampled."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp, ndtri

from itb_bayes.kernel.complications import N_NODE, Array, Counts, marginal_log_likelihood

N_RATE, N_SD = 121, 81
"""Points of the grid; half as many change no quantile by more than 1 % of itself."""


@dataclass(frozen=True)
class RatePrior:
    """Priors of one complication.

    Attributes
    ----------
    mu, sigma : float
        Of the log rate of the typical centre (a lognormal rate).
    sd_scale : float
        Scale of the half-normal spread between centres.
    """

    mu: float
    sigma: float
    sd_scale: float


@dataclass(frozen=True)
class GridPosterior:
    """Posterior weights of the log rate and of the spread.

    Attributes
    ----------
    log_rate : ndarray, shape (n_rate,)
    sd : ndarray, shape (n_sd,)
    weight : ndarray, shape (n_rate, n_sd)
        Sums to one.
    log_evidence : float
    """

    log_rate: Array
    sd: Array
    weight: Array
    log_evidence: float

    def rate_quantile(self, probability: float) -> float:
        """Return a quantile of the rate of the typical centre, per patient-year."""
        return float(np.exp(_quantile(self.log_rate, self.weight.sum(axis=1), probability)))

    def sd_quantile(self, probability: float) -> float:
        """Return a quantile of the spread between centres."""
        return _quantile(self.sd, self.weight.sum(axis=0), probability)

    def draw(self, n: int, rng: np.random.Generator) -> tuple[Array, Array]:
        """Return n independent draws of the log rate and the spread."""
        picked = rng.choice(self.weight.size, size=n, p=self.weight.ravel())
        i, j = np.unravel_index(picked, self.weight.shape)
        return (
            self.log_rate[i] + _jitter(self.log_rate, rng, n),
            np.abs(self.sd[j] + _jitter(self.sd, rng, n)),
        )

    def new_centre(self, n: int, rng: np.random.Generator) -> Array:
        """Return n draws of the rate of a new centre, per patient-year."""
        log_rate, sd = self.draw(n, rng)
        return np.exp(log_rate + sd * rng.standard_normal(n))


def grid_posterior(
    counts: Counts,
    prior: RatePrior,
    *,
    n_rate: int = N_RATE,
    n_sd: int = N_SD,
    n_node: int = N_NODE,
) -> GridPosterior:
    """Return the posterior of one complication.

    Parameters
    ----------
    counts : Counts
    prior : RatePrior
    n_rate, n_sd : int
        Points of the grid.
    n_node : int
        Nodes of the integral over centres.
    """
    reach = 4.5 * prior.sigma
    log_rate = np.linspace(prior.mu - reach, prior.mu + reach, n_rate)
    probability = (np.arange(n_sd) + 0.5) / n_sd
    sd: Array = prior.sd_scale * ndtri(0.5 + 0.5 * probability)  # equal prior mass each
    for _ in range(2):  # the second time where the mass is
        log_prior = -0.5 * ((log_rate - prior.mu) / prior.sigma) ** 2 - np.log(prior.sigma)
        log_prior = log_prior - 0.5 * np.log(2 * np.pi) + np.log(log_rate[1] - log_rate[0])
        joint = (
            log_prior[:, None]
            - np.log(n_sd)
            + marginal_log_likelihood(log_rate[:, None], sd[None, :], counts, n_node)
        )
        evidence = float(logsumexp(joint))
        weight = np.exp(joint - evidence)
        along = weight.sum(axis=1)
        mean = float(along @ log_rate)
        reach = 8.0 * float(np.sqrt(along @ (log_rate - mean) ** 2))
        kept = (log_rate, weight)
        log_rate = np.linspace(mean - reach, mean + reach, n_rate)
    return GridPosterior(kept[0], sd, kept[1], evidence)


def _quantile(values: NDArray[np.float64], weight: Array, probability: float) -> float:
    cumulative = np.cumsum(weight) - 0.5 * weight
    return float(np.interp(probability, cumulative, values))


def _jitter(values: Array, rng: np.random.Generator, n: int) -> Array:
    return rng.uniform(-0.5, 0.5, n) * float(np.median(np.diff(values)))
