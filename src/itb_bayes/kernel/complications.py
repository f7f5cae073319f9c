"""Likelihood of complication counts in plain numpy, and its integral over centres.

The oracle of :mod:`itb_bayes.model.complications`. Counts are known as an interval, because papers
print rounded shares: every count of the interval is summed over.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, logsumexp

Array = NDArray[np.float64]

N_NODE = 41
"""Nodes of the adaptive Gauss-Hermite rule; 21 and 41 agree to 1e-9 on the published table."""


@dataclass(frozen=True)
class Counts:
    """Known cells of a table of counts.

    Attributes
    ----------
    low, high : ndarray of int64, shape (n_cell,)
        Smallest and largest count that agrees with what is printed.
    patient_years : ndarray, shape (n_cell,)
    """

    low: NDArray[np.int64]
    high: NDArray[np.int64]
    patient_years: Array

    def __post_init__(self) -> None:
        """Refuse counts that are none."""
        if not self.low.shape == self.high.shape == self.patient_years.shape:
            raise ValueError("counts and patient-years differ in number")
        if np.any(self.low < 0) or np.any(self.high < self.low):
            raise ValueError("counts must not be negative, and high not below low")
        if not np.all(self.patient_years > 0):
            raise ValueError("patient-years must be positive")

    @property
    def possible(self) -> Array:
        """Every possible count of every cell, shape (n_cell, widest); NaN beyond the last."""
        steps = np.arange(int((self.high - self.low).max(initial=0)) + 1)
        counts = self.low[:, None] + steps
        return np.where(counts <= self.high[:, None], counts, np.nan).astype(float)


def count_log_likelihood(log_rate: Array, counts: Counts) -> Array:
    """Return the log probability of every cell, shape (..., n_cell).

    Parameters
    ----------
    log_rate : ndarray, shape (..., n_cell)
        Log events per patient-year.
    counts : Counts
    """
    log_mean = (log_rate + np.log(counts.patient_years))[..., None]
    k = counts.possible
    each = np.where(np.isnan(k), -np.inf, np.nan_to_num(k) * log_mean - gammaln(k + 1.0))
    each = np.where(np.isnan(k), -np.inf, each)
    return logsumexp(each, axis=-1) - np.exp(log_mean[..., 0])


def marginal_log_likelihood(
    log_mean_rate: Array, sd: Array, counts: Counts, n_node: int = N_NODE
) -> Array:
    """Return the log likelihood with the centres' deviations integrated out.

    Adaptive Gauss-Hermite quadrature around the mode of every cell's integrand (Liu & Pierce 1994,
    Biometrika 81:624).

    Parameters
    ----------
    log_mean_rate, sd : ndarray, shape (...)
        Log rate of the typical centre and spread between centres, broadcast together.
    counts : Counts
    n_node : int

    Returns
    -------
    ndarray, shape (...)
        Summed over cells.
    """
    mean, spread = np.broadcast_arrays(
        np.asarray(log_mean_rate, dtype=float), np.asarray(sd, dtype=float)
    )
    mean, spread = mean[..., None], spread[..., None]
    middle = 0.5 * (counts.low + counts.high)
    z = np.zeros(np.broadcast_shapes(mean.shape, middle.shape))
    for _ in range(30):  # Newton on a concave function, damped
        expected = np.exp(mean + spread * z) * counts.patient_years
        step = (spread * (middle - expected) - z) / (spread**2 * expected + 1.0)
        z = z + np.clip(step, -2.0, 2.0)
    width = 1.0 / np.sqrt(spread**2 * np.exp(mean + spread * z) * counts.patient_years + 1.0)
    nodes, weights = np.polynomial.hermite_e.hermegauss(n_node)
    at = z[..., None] + width[..., None] * nodes
    log_rate = np.moveaxis(mean[..., None] + spread[..., None] * at, -1, 0)
    inside = np.moveaxis(count_log_likelihood(log_rate, counts), 0, -1)
    inside = inside - 0.5 * at**2 + 0.5 * nodes**2 + np.log(weights)
    return (logsumexp(inside, axis=-1) + np.log(width) - 0.5 * np.log(2.0 * np.pi)).sum(axis=-1)
