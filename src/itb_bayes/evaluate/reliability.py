"""Calibration curve of probabilities given at repeated visits, with its reference band.

The band shows what the curve of *perfectly* calibrated probabilities would look like: outcomes are
drawn from the stated probabilities themselves. One fault lasts over many visits of a patient, so
their outcomes are not drawn afresh at each visit: one uniform draw U holds for a block of
successive visits (the outcome is U < probability), and a block ends between two visits with
probability 1 - exp(-gap / persistence). Every outcome then has exactly the stated probability, and
the correlation of two visits falls with their distance as that of a condition that lasts
``persistence_years`` on average. Independent draws would make the band too narrow.

A model that was fitted to few patients does not know its population parameters, and says so by
their posterior. What is not known of them is wrong for all patients in the same direction: a rate
of faults that was too low by chance among the fitted makes every probability too low. Given the
probabilities under single draws of the parameters, outcomes of a whole curve are drawn from those
under one draw, and the band holds both chances, that of who was fitted and that of who is judged.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from itb_bayes.errors import UsageError
from itb_bayes.evaluate.accuracy import Array, Flags

_CHUNK = 100


@dataclass(frozen=True)
class ReliabilityBin:
    """One bin of a calibration curve.

    Attributes
    ----------
    n_visit, n_patient : int
    stated : float
        Mean probability.
    observed : float
        Share of visits with the condition.
    low, high : float
        Limits of ``observed`` under perfect calibration, for this bin alone (pointwise).
    band_low, band_high : float
        Limits of the band that holds the whole curve (all bins at once).
    """

    n_visit: int
    n_patient: int
    stated: float
    observed: float
    low: float
    high: float
    band_low: float
    band_high: float

    @property
    def inside(self) -> bool:
        """Whether the bin lies in the band of the whole curve."""
        return self.band_low <= self.observed <= self.band_high

    @property
    def inside_pointwise(self) -> bool:
        """Whether the bin lies within its own limits."""
        return self.low <= self.observed <= self.high


@dataclass(frozen=True)
class Reliability:
    """A calibration curve with its reference band.

    Attributes
    ----------
    bins : tuple of ReliabilityBin
        By rising probability.
    level : float
        Share of perfectly calibrated curves that the band holds whole.
    persistence_years : float
        How long the condition persists, behind the band.
    """

    bins: tuple[ReliabilityBin, ...]
    level: float
    persistence_years: float

    @property
    def inside(self) -> bool:
        """Whether the whole curve lies in the band."""
        return all(item.inside for item in self.bins)


def quantile_edges(probability: Array, n_bin: int = 10) -> Array:
    """Return inner edges that put about equally many visits into each bin."""
    return np.unique(np.quantile(probability, np.linspace(0, 1, n_bin + 1)[1:-1]))


def equal_event_edges(probability: Array, n_bin: int = 8) -> Array:
    """Return inner edges that put about equally many *expected* cases into each bin.

    For rare conditions this resolves the high probabilities, where decisions are made; bins of
    equal size would all lie near zero.
    """
    ordered = np.sort(probability)
    share = np.cumsum(ordered) / max(ordered.sum(), np.finfo(float).tiny)
    at = np.searchsorted(share, np.linspace(0, 1, n_bin + 1)[1:-1])
    return np.unique(ordered[np.minimum(at, ordered.size - 1)])


def draw_outcomes(
    patient: NDArray[np.int64],
    t_years: Array,
    probability: NDArray[np.floating],
    persistence_years: float,
    n_draw: int,
    rng: np.random.Generator,
) -> Flags:
    """Draw outcomes of perfectly calibrated probabilities, shape (n_draw, n_visit).

    Visits must be sorted by patient, then time; see the head of this module for the scheme.
    ``probability`` has shape (n_visit,), or (n_draw, n_visit) with a row for each set of outcomes.
    """
    gap = np.diff(t_years, prepend=t_years[:1])
    first = np.diff(patient, prepend=patient[:1] - 1) != 0
    ends = np.where(first, 1.0, -np.expm1(-np.maximum(gap, 0.0) / persistence_years))
    begins = rng.random((n_draw, gap.size)) < ends
    begins[:, first] = True
    block = np.maximum.accumulate(np.where(begins, np.arange(gap.size), 0), axis=1)
    uniform = np.take_along_axis(rng.random((n_draw, gap.size)), block, axis=1)
    drawn: Flags = uniform < probability
    return drawn


def reliability_curve(
    patient: NDArray[np.int64],
    t_years: Array,
    probability: Array,
    truth: Flags,
    *,
    persistence_years: float,
    by_draw: NDArray[np.floating] | None = None,
    edges: Array | None = None,
    level: float = 0.95,
    n_draw: int = 1000,
    seed: int = 1,
) -> Reliability:
    """Return the calibration curve and the band of perfect calibration.

    Parameters
    ----------
    patient : ndarray of int64, shape (n_visit,)
        Sorted.
    t_years : ndarray, shape (n_visit,)
        Increasing within a patient.
    probability : ndarray, shape (n_visit,)
        Between 0 and 1.
    truth : ndarray of bool, shape (n_visit,)
    persistence_years : float
        How long the condition persists (:func:`itb_bayes.evaluate.truth.persistence_years`).
    by_draw : ndarray, shape (n_parameter_draw, n_visit), optional
        Probabilities under draws of the population parameters, whose mean ``probability`` is. With
        them the band allows for what the fit does not know of these parameters; without, for chance
        among the judged patients alone.
    edges : ndarray, optional
        Inner edges of the bins; a probability at an edge belongs to the bin above it. By default
        :func:`equal_event_edges`.
    level : float
        Share of perfectly calibrated curves within the band.
    n_draw, seed : int

    Raises
    ------
    UsageError
        If a probability is not between 0 and 1, the visits are not sorted, the persistence is not
        above zero, or ``by_draw`` is not of these visits.
    """
    _check(patient, t_years, probability, persistence_years)
    given = probability[None] if by_draw is None else _checked_draws(by_draw, probability)
    inner = equal_event_edges(probability) if edges is None else np.asarray(edges, dtype=float)
    place = np.searchsorted(inner, probability, side="right")
    used, bin_of = np.unique(place, return_inverse=True)
    order = np.argsort(bin_of, kind="stable")
    starts = np.searchsorted(bin_of[order], np.arange(used.size))
    size = np.bincount(bin_of)
    rng = np.random.default_rng(seed)
    parts = []
    for begin in range(0, n_draw, _CHUNK):
        n = min(_CHUNK, n_draw - begin)
        each = given[np.arange(begin, begin + n) % given.shape[0]]
        drawn = draw_outcomes(patient, t_years, each, persistence_years, n, rng)
        parts.append(np.add.reduceat(drawn[:, order].astype(np.int64), starts, axis=1) / size)
    curves = np.concatenate(parts)
    low, high = _limits(curves, (1.0 - level) / 2.0)
    band_low, band_high = _limits(curves, _simultaneous_tail(curves, level))
    stated = np.bincount(bin_of, probability) / size
    observed = np.bincount(bin_of, truth.astype(float)) / size
    bins = tuple(
        ReliabilityBin(
            n_visit=int(size[k]),
            n_patient=int(np.unique(patient[bin_of == k]).size),
            stated=float(stated[k]),
            observed=float(observed[k]),
            low=float(low[k]),
            high=float(high[k]),
            band_low=float(band_low[k]),
            band_high=float(band_high[k]),
        )
        for k in range(used.size)
    )
    return Reliability(bins, level, persistence_years)


def _limits(curves: Array, tail: float) -> tuple[Array, Array]:
    low = np.quantile(curves, tail, axis=0, method="inverted_cdf")
    high = -np.quantile(-curves, tail, axis=0, method="inverted_cdf")
    return low, high


def _simultaneous_tail(curves: Array, level: float) -> float:
    """Return the tail share of each bin at which ``level`` of the curves lie inside whole."""
    n_draw = curves.shape[0]
    nearest = np.ones(n_draw)
    for column in curves.T:
        ordered = np.sort(column)
        below = np.searchsorted(ordered, column, side="right") / n_draw
        above = 1.0 - np.searchsorted(ordered, column, side="left") / n_draw
        nearest = np.minimum(nearest, np.minimum(below, above))
    return float(np.quantile(nearest, 1.0 - level, method="inverted_cdf"))


def _checked_draws(by_draw: NDArray[np.floating], probability: Array) -> NDArray[np.floating]:
    if by_draw.ndim != 2 or by_draw.shape[0] == 0 or by_draw.shape[1] != probability.size:
        raise UsageError(
            f"by_draw needs a row of {probability.size} visits for each draw of the parameters; "
            f"its shape is {by_draw.shape}."
        )
    if not (np.all(by_draw >= 0) and np.all(by_draw <= 1)):
        raise UsageError("A calibration curve needs probabilities between 0 and 1.")
    return by_draw


def _check(
    patient: NDArray[np.int64], t_years: Array, probability: Array, persistence_years: float
) -> None:
    if not (np.all(probability >= 0) and np.all(probability <= 1)):
        raise UsageError("A calibration curve needs probabilities between 0 and 1.")
    same = np.diff(patient) == 0
    if np.any(np.diff(patient) < 0) or np.any(np.diff(t_years)[same] < 0):
        raise UsageError("Visits must be sorted by patient, then time; sort them first.")
    if not persistence_years > 0:
        raise UsageError(f"persistence_years must be above zero, not {persistence_years}.")
