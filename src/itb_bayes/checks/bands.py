"""Simultaneous bands for empirical distribution functions and for ranks of several chains.

Säilynoja, Bürkner & Vehtari 2022 (Statistics and Computing 32:32): pointwise intervals whose
common level is set by simulation, so that a whole curve stays inside with the stated probability.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom, hypergeom

Array = NDArray[np.float64]
Counts = NDArray[np.int64]

MAX_GRID = 100
N_SIMULATED = 2000
N_SIMULATED_P = 20_000
_SEED = 20220101


@dataclass(frozen=True, eq=False)
class Band:
    """A simultaneous band.

    Attributes
    ----------
    z : ndarray, shape (n_grid,)
        Where the curve is looked at, in (0, 1).
    low, high : ndarray, shape (n_grid,)
        Limits of the empirical distribution function; both included.
    """

    z: Array
    low: Array
    high: Array

    def holds(self, ecdf: Array) -> bool:
        """Return whether a curve, shape (n_grid,), stays inside everywhere."""
        return bool(np.all((ecdf >= self.low - 1e-12) & (ecdf <= self.high + 1e-12)))


def grid_of(n: int, points: int | None = None) -> Array:
    """Return the points at which the ECDF of ``n`` values is looked at.

    Parameters
    ----------
    n : int
    points : int, optional
        Number of intervals; by default ``n``, at most :data:`MAX_GRID`.
    """
    k = max(2, min(n, MAX_GRID)) if points is None else points
    return np.arange(1, k) / k


def ecdf_at(values: Array, z: Array) -> Array:
    """Return the empirical distribution function of ``values`` at ``z``."""
    return np.searchsorted(np.sort(values), z, side="right") / values.size


@lru_cache(maxsize=64)
def uniform_band(n: int, probability: float = 0.95, points: int | None = None) -> Band:
    """Return the band that the ECDF of ``n`` independent uniforms leaves with 1 - probability.

    ``points`` is the number of grid intervals; see :func:`grid_of`.

    Raises
    ------
    ValueError
        If ``n`` is below 1 or the probability not inside (0, 1).
    """
    _refuse(n, probability)
    z = grid_of(n, points)
    counts = _uniform_counts(n, z, N_SIMULATED)
    gamma = _level(counts, lambda k: binom.cdf(k, n, z), probability)
    return Band(z, binom.ppf(gamma / 2.0, n, z) / n, binom.isf(gamma / 2.0, n, z) / n)


def ecdf_p_value(values: Array, points: int | None = None) -> float:
    """Return the probability that the ECDF of uniforms strays as far from uniform as this one.

    The statistic is that of the band: the smallest pointwise tail probability along the curve.

    Parameters
    ----------
    values : ndarray, shape (n,)
        Between 0 and 1.
    points : int, optional
        Grid intervals; see :func:`grid_of`.
    """
    n = values.size
    _refuse(n, 0.5)
    z = grid_of(n, points)
    counts = np.rint(ecdf_at(values, z) * n).astype(np.int64)
    worst = _worst_tails(counts[None, :], lambda k: binom.cdf(k, n, z))[0]
    simulated = _simulated_tails(n, z.size + 1)
    return float((1 + (simulated <= worst * (1.0 + 1e-9)).sum()) / (1 + simulated.size))


@lru_cache(maxsize=16)
def _simulated_tails(n: int, points: int) -> Array:
    z = grid_of(n, points)
    counts = _uniform_counts(n, z, N_SIMULATED_P)
    return _worst_tails(counts, lambda k: binom.cdf(k, n, z))


def _uniform_counts(n: int, z: Array, size: int) -> Counts:
    rng = np.random.default_rng([_SEED, n])
    widths = np.diff(np.concatenate([[0.0], z, [1.0]]))
    return rng.multinomial(n, widths, size=size).cumsum(axis=1)[:, :-1]


@lru_cache(maxsize=64)
def rank_band(n: int, n_chain: int, probability: float = 0.95) -> Band:
    """Return the band for rank ECDFs of ``n_chain`` chains of ``n`` independent draws each.

    All chains together stay inside with the stated probability. The ranks are those among the
    draws of all chains, so the chains depend on each other (hypergeometric, not binomial).

    Raises
    ------
    ValueError
        If ``n`` or ``n_chain`` is below 1 or the probability not inside (0, 1).
    """
    _refuse(min(n, n_chain), probability)
    total = n * n_chain
    z = grid_of(n)
    below = np.round(z * total).astype(np.int64)
    rng = np.random.default_rng([_SEED, n, n_chain])
    labels = np.tile(np.repeat(np.arange(n_chain, dtype=np.int8), n), (N_SIMULATED // 2, 1))
    labels = rng.permuted(labels, axis=1)
    counts = np.concatenate(
        [(labels == c).cumsum(axis=1, dtype=np.int32)[:, below - 1] for c in range(n_chain)], axis=1
    )
    tiled = np.tile(below, n_chain)
    gamma = _level(counts, lambda k: hypergeom.cdf(k, total, n, tiled), probability)
    low = hypergeom.ppf(gamma / 2.0, total, n, below) / n
    return Band(z, low, hypergeom.isf(gamma / 2.0, total, n, below) / n)


def rank_ecdf(draws: Array, z: Array) -> Array:
    """Return the ECDF of each chain's ranks among all draws, shape (n_chain, n_grid).

    Parameters
    ----------
    draws : ndarray, shape (n_chain, n_draw)
    """
    total = draws.size
    order = np.argsort(draws, axis=None, kind="stable")
    chain = order // draws.shape[1]
    below = np.round(z * total).astype(np.int64)
    hits = chain == np.arange(draws.shape[0])[:, None]
    return hits.cumsum(axis=1)[:, below - 1] / draws.shape[1]


def _level(counts: Counts, cdf: Callable[[Counts], Array], probability: float) -> float:
    """Return the pointwise level that makes the band simultaneous."""
    worst = _worst_tails(counts, cdf)
    # A hair below an attained value, so that rounding cannot turn that value out of its own band.
    return float(np.quantile(worst, 1.0 - probability, method="lower")) * (1.0 - 1e-9)


def _worst_tails(counts: Counts, cdf: Callable[[Counts], Array]) -> Array:
    """Return the smallest two-sided tail probability along each curve."""
    tail: Array = 2.0 * np.minimum(cdf(counts), 1.0 - cdf(counts - 1))
    return tail.min(axis=1)


def _refuse(n: int, probability: float) -> None:
    if n < 1 or not 0.0 < probability < 1.0:
        raise ValueError("a band needs at least one value and a probability inside (0, 1)")
