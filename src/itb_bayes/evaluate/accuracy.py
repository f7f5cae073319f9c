"""Accuracy of probabilities given at repeated visits: Brier, IPA, AUC, with patient bootstrap.

Visits of one patient share their faults, so patients, not visits, are resampled.
"""

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from itb_bayes.evaluate.resampling import PatientResamples

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Estimate:
    """A figure with its interval.

    Attributes
    ----------
    value, low, high : float
        Point and 95 % interval; NaN where it is not defined.
    """

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Accuracy:
    """How good a set of probabilities is.

    Attributes
    ----------
    n_visit, n_patient, n_positive : int
    base_rate : float
        Share of visits with the condition.
    brier, ipa, auc : Estimate
        IPA is 1 - Brier / Brier of the base rate of these very visits (Kattan & Gerds 2018).
    expected_over_observed : Estimate
        Mean probability over the base rate.
    """

    n_visit: int
    n_patient: int
    n_positive: int
    base_rate: float
    brier: Estimate
    ipa: Estimate
    auc: Estimate
    expected_over_observed: Estimate


def brier_score(probability: Array, truth: Flags) -> float:
    """Return the mean squared difference of probability and truth."""
    return float(np.mean((probability - truth) ** 2))


def index_of_accuracy(probability: Array, truth: Flags) -> float:
    """Return IPA, 1 - Brier / Brier of the base rate; NaN if all visits are alike."""
    rate = float(np.mean(truth))
    spread = rate * (1.0 - rate)
    return 1.0 - brier_score(probability, truth) / spread if spread > 0 else float("nan")


def area_under_curve(score: Array, truth: Flags, weight: Array | None = None) -> float:
    """Return P(score of a positive > score of a negative), ties counting half.

    Parameters
    ----------
    score : ndarray, shape (n_visit,)
    truth : ndarray of bool, shape (n_visit,)
    weight : ndarray, shape (n_visit,), optional
        How often each visit counts.

    Returns
    -------
    float
        NaN without a positive or without a negative.
    """
    weight = np.ones(score.size) if weight is None else weight
    return float(_AreaUnderCurve(score, truth).weighted(weight))


class _AreaUnderCurve:
    """Sorts once; then answers for any weights."""

    def __init__(self, score: Array, truth: Flags) -> None:
        self._order = np.argsort(score, kind="stable")
        ordered = score[self._order]
        self._positive = truth[self._order].astype(float)
        first = np.ones(ordered.size, dtype=bool)
        first[1:] = ordered[1:] != ordered[:-1]
        self._ties = np.flatnonzero(first)

    def weighted(self, weight: Array) -> float:
        """Return the area with these weights."""
        if not self._ties.size:
            return float("nan")
        sorted_weight = weight[self._order]
        positive = np.add.reduceat(sorted_weight * self._positive, self._ties)
        negative = np.add.reduceat(sorted_weight * (1.0 - self._positive), self._ties)
        pairs = positive.sum() * negative.sum()
        below = np.cumsum(negative) - negative
        return float((positive * (below + 0.5 * negative)).sum() / pairs) if pairs else float("nan")


def interval(value: float, resampled: Array) -> Estimate:
    """Return a figure with the 2.5 and 97.5 % quantiles of its resampled values."""
    known = resampled[np.isfinite(resampled)]
    if not known.size:
        return Estimate(value, float("nan"), float("nan"))
    low, high = np.quantile(known, [0.025, 0.975])
    return Estimate(value, float(low), float(high))


def ratio(over: Array, under: Array) -> Array:
    """Divide; NaN where the divisor is zero."""
    out = np.full(np.broadcast(over, under).shape, np.nan)
    return np.divide(over, under, out=out, where=np.asarray(under) != 0)


def score_accuracy(
    patient: NDArray[np.int64],
    probability: Array,
    truth: Flags,
    *,
    n_resample: int = 1000,
    seed: int = 1,
) -> Accuracy:
    """Score probabilities given at repeated visits.

    Parameters
    ----------
    patient : ndarray of int64, shape (n_visit,)
        Number of the patient, from 0.
    probability : ndarray, shape (n_visit,)
    truth : ndarray of bool, shape (n_visit,)
    n_resample : int
        Resamples of patients behind the intervals.
    seed : int

    Returns
    -------
    Accuracy
    """
    n_patient = int(patient.max()) + 1
    resamples = PatientResamples(n_patient, n_resample, seed)

    sums = partial(resamples.sums, patient)

    (n, ns), (y, ys) = sums(np.ones(truth.size)), sums(truth.astype(float))
    (b, bs), (p, ps) = sums((probability - truth) ** 2), sums(probability)
    area = _AreaUnderCurve(probability, truth)
    areas = np.array([area.weighted(row[patient].astype(float)) for row in resamples])
    rates = ys / ns
    return Accuracy(
        n_visit=truth.size,
        n_patient=int(np.unique(patient).size),
        n_positive=int(truth.sum()),
        base_rate=y / n,
        brier=interval(b / n, bs / ns),
        ipa=interval(
            index_of_accuracy(probability, truth), 1 - ratio(bs / ns, rates * (1 - rates))
        ),
        auc=interval(area.weighted(np.ones(truth.size)), areas),
        expected_over_observed=interval(p / y if y else float("nan"), ratio(ps, ys)),
    )
