"""Ordinal scores and means of several of them, in plain numpy.

The oracle of :mod:`itb_bayes.model.spasticity`, and the tables of compositions that both read.
"""

from dataclasses import dataclass
from functools import cache
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, gammaln, log_expit

Array = NDArray[np.float64]

LOWEST_THRESHOLD, HIGHEST_THRESHOLD = 0.5, 3.5
"""Between the two lowest and the two highest scores, in points; they fix the unit of tone."""

MAX_MUSCLES = 12
"""A mean of more muscles has too many compositions to sum over."""

SCORES: dict[str, tuple[float, ...]] = {
    "ashworth": (0.0, 1.0, 2.0, 3.0, 4.0),
    "mas": (0.0, 1.0, 1.5, 2.0, 3.0, 4.0),
}
"""Points of every step of a scale."""

N_UNTREATED_NODE, N_PATIENT_NODE, N_VISIT_NODE = 15, 11, 7
"""Nodes of the integrals over patients and visits; twice as many change the log likelihood of
34 patients by less than 0.01 where spreads are below one point."""

LOGISTIC_SD = float(np.pi / np.sqrt(3.0))
"""Standard deviation of the standard logistic distribution."""


@dataclass(frozen=True)
class Compositions:
    """All ways in which n scores have a given sum.

    Attributes
    ----------
    counts : ndarray, shape (n_way, n_category)
        Muscles with each score.
    log_ways : ndarray, shape (n_way,)
        Log multinomial coefficient.
    """

    counts: Array
    log_ways: Array


def normal_nodes(n: int) -> tuple[Array, Array]:
    """Return nodes and log weights of an integral over the standard normal, shape (n,) each."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(n)
    return nodes, np.log(weights / weights.sum())


def thresholds(relative_width: Array) -> Array:
    """Return all thresholds of a scale, shape (n_category - 1,), from the widths of inner steps.

    Parameters
    ----------
    relative_width : ndarray, shape (n_category - 2,)
    """
    span = HIGHEST_THRESHOLD - LOWEST_THRESHOLD
    steps = span * np.cumsum(relative_width) / np.sum(relative_width)
    return np.concatenate([[LOWEST_THRESHOLD], LOWEST_THRESHOLD + steps])


def category_log_probabilities(tone: Array, cuts: Array, muscle_sd: float) -> Array:
    """Return the log probability of every score, shape (..., n_category)."""
    scale = muscle_sd / LOGISTIC_SD
    x = (cuts - np.asarray(tone, dtype=float)[..., None]) / scale
    upper, lower = x[..., 1:], x[..., :-1]
    # log(F(u) - F(l)) of a logistic F, exact in both tails
    inner = log_expit(upper) + log_expit(-lower) + np.log(-np.expm1(lower - upper))
    return np.concatenate([log_expit(x[..., :1]), inner, log_expit(-x[..., -1:])], axis=-1)


def expected_score(tone: Array, cuts: Array, muscle_sd: Array, scores: Array) -> Array:
    """Return the expected score of a muscle, in points; all arguments broadcast.

    Parameters
    ----------
    tone, muscle_sd : ndarray, shape (...)
    cuts : ndarray, shape (..., n_category - 1)
    scores : ndarray, shape (n_category,)
    """
    scale = np.asarray(muscle_sd)[..., None] / LOGISTIC_SD
    above = expit((np.asarray(tone)[..., None] - cuts) / scale)
    return scores[0] + above @ np.diff(scores)


@cache
def compositions(n: int, scale: str) -> dict[int, Compositions]:
    """Return the compositions of n scores by twice their sum (MAS has half points).

    Raises
    ------
    ValueError
        If ``n`` is not between 1 and :data:`MAX_MUSCLES`.
    """
    if not 1 <= n <= MAX_MUSCLES:
        raise ValueError(f"the number of muscles must lie between 1 and {MAX_MUSCLES}")
    doubled = (2.0 * np.array(SCORES[scale])).astype(int)
    k = doubled.size
    bars = np.array(list(combinations(range(n + k - 1), k - 1)), dtype=int)
    edges = np.column_stack([np.full(len(bars), -1), bars, np.full(len(bars), n + k - 1)])
    counts = np.diff(edges, axis=1) - 1
    total = counts @ doubled
    log_ways = gammaln(n + 1.0) - gammaln(counts + 1.0).sum(axis=1)
    return {
        int(t): Compositions(counts[total == t].astype(float), log_ways[total == t])
        for t in np.unique(total)
    }


def mean_log_probability(log_p: Array, n: int, total: int) -> float:
    """Return the log probability that n scores have a sum, by repeated convolution.

    Written differently from the model on purpose: this is its oracle.

    Parameters
    ----------
    log_p : ndarray, shape (n_category,)
        Of an Ashworth scale, whose scores are 0, 1, 2, …
    n, total : int
    """
    p, out = np.exp(log_p), np.ones(1)
    for _ in range(n):
        out = np.convolve(out, p)
    return float(np.log(out[total]))
