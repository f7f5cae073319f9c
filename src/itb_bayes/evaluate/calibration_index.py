"""ICI, E50 and E90 of probabilities, with what perfectly calibrated ones would get.

Austin & Steyerberg 2019 (Stat Med 38:4051): distances between the probabilities and a smooth curve
of what was observed. They are never zero, and large in small samples, so that no fixed limit fits:
outcomes are drawn from the probabilities themselves, and the range of their indexes is the band.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from itb_bayes.errors import UsageError
from itb_bayes.evaluate.accuracy import Array, Estimate, Flags, interval
from itb_bayes.evaluate.reliability import draw_outcomes
from itb_bayes.evaluate.resampling import PatientResamples

SPAN = 2.0 / 3.0
"""Share of the probabilities that each local line is fitted to (the usual lowess)."""

GRID = 100
_FLAT = 1e-12


@dataclass(frozen=True)
class IndexBand:
    """An index, its patient-bootstrap interval, and its range under perfect calibration.

    Attributes
    ----------
    found : Estimate
    expected, band_low, band_high : float
        Mean and 95 % range of the index, were the probabilities perfectly calibrated.
    """

    found: Estimate
    expected: float
    band_low: float
    band_high: float

    @property
    def inside(self) -> bool:
        """Whether the index is no larger than perfect calibration would let it be."""
        return self.found.value <= self.band_high


@dataclass(frozen=True)
class CalibrationIndexes:
    """Mean (ICI), median (E50) and 90 % quantile (E90) of distances from the smooth curve."""

    ici: IndexBand
    e50: IndexBand
    e90: IndexBand


class Smoother:
    """Local lines through outcomes at fixed probabilities; outcomes may be swapped cheaply.

    Parameters
    ----------
    probability : ndarray, shape (n,)
    weight : ndarray, shape (n,), optional
        How often each counts.
    """

    def __init__(self, probability: Array, weight: Array | None = None) -> None:
        self._probability = probability
        self._weight = np.ones(probability.size) if weight is None else weight
        counted = probability[self._weight > 0]
        at = np.unique(np.quantile(counted, np.linspace(0.0, 1.0, GRID)))
        self._at = at
        self._rows = _local_lines(probability, self._weight, at)

    def distances(self, outcome: Array) -> Array:
        """Return |smooth curve - probability|, shape (n_draw, n), of outcomes (n_draw, n)."""
        curves = outcome @ self._rows.T
        smooth = np.stack([np.interp(self._probability, self._at, curve) for curve in curves])
        return np.abs(np.clip(smooth, 0.0, 1.0) - self._probability)

    def curve(self, outcome: Array) -> tuple[Array, Array]:
        """Return where the curve was fitted, and its values there, for one set of outcomes."""
        return self._at, np.clip(self._rows @ outcome, 0.0, 1.0)


def _local_lines(x: Array, weight: Array, at: Array) -> Array:
    """Return rows that give the local linear fit at each point: ``rows @ y``."""
    total = weight.sum()
    order = np.argsort(x, kind="stable")
    rows = np.zeros((at.size, x.size))
    for k, centre in enumerate(at):
        distance = np.abs(x - centre)
        near = np.argsort(distance[order], kind="stable")
        reached = np.cumsum(weight[order][near])
        farthest = distance[order][near][
            min(int(np.searchsorted(reached, SPAN * total)), x.size - 1)
        ]
        share = distance / max(farthest, _FLAT)
        w = weight * np.where(share < 1.0, (1.0 - np.minimum(share, 1.0) ** 3) ** 3, 0.0)
        if not w.sum() > 0.0:
            w = weight * (distance <= farthest)
        w = w / w.sum()
        mean = (w * x).sum()
        spread = (w * (x - mean) ** 2).sum()
        slope = (centre - mean) * (x - mean) / spread if spread > _FLAT else 0.0
        rows[k] = w * (1.0 + slope)
    return rows


def index_values(distances: Array, weight: Array | None = None) -> Array:
    """Return ICI, E50 and E90 of each row of distances, shape (n_draw, 3)."""
    if weight is not None:
        keep = np.repeat(np.arange(distances.shape[1]), weight.astype(np.int64))
        distances = distances[:, keep]
    middle, high = np.quantile(distances, (0.5, 0.9), axis=1)
    return np.stack([distances.mean(axis=1), middle, high], axis=1)


def calibration_indexes(
    patient: NDArray[np.int64],
    probability: Array,
    truth: Flags,
    *,
    t_years: Array | None = None,
    persistence_years: float | None = None,
    n_draw: int = 500,
    n_resample: int = 200,
    seed: int = 1,
) -> CalibrationIndexes:
    """Return ICI, E50 and E90 with patient-bootstrap intervals and their bands.

    Parameters
    ----------
    patient : ndarray of int64, shape (n,)
    probability : ndarray, shape (n,)
    truth : ndarray of bool, shape (n,)
    t_years : ndarray, shape (n,), optional
        With ``persistence_years``, where one condition lasts over several visits of a patient
        (:func:`itb_bayes.evaluate.reliability.draw_outcomes`); visits then sorted by patient, then
        time. Without it outcomes are independent given their probabilities.
    persistence_years : float, optional
    n_draw, n_resample, seed : int
        Draws behind the band, resamples of patients behind the intervals.

    Raises
    ------
    UsageError
        If there are fewer than ten probabilities, or one is not between 0 and 1.
    """
    if probability.size < 10 or not np.all((probability >= 0) & (probability <= 1)):
        raise UsageError("Calibration indexes need at least ten probabilities between 0 and 1.")
    rng = np.random.default_rng([seed, 0x1C1])
    smoother = Smoother(probability)
    found = index_values(smoother.distances(truth.astype(float)[None]))[0]
    if t_years is None or persistence_years is None:
        drawn = rng.random((n_draw, probability.size)) < probability
    else:
        drawn = draw_outcomes(patient, t_years, probability, persistence_years, n_draw, rng)
    perfect = index_values(smoother.distances(drawn.astype(float)))
    names, number = np.unique(patient, return_inverse=True)
    again = np.empty((n_resample, 3))
    for r, times in enumerate(PatientResamples(names.size, n_resample, seed)):
        weight = times[number].astype(float)
        distances = Smoother(probability, weight).distances(truth.astype(float)[None])
        again[r] = index_values(distances, weight)[0]
    bands = [
        IndexBand(
            interval(float(found[k]), again[:, k]),
            float(perfect[:, k].mean()),
            *(float(q) for q in np.quantile(perfect[:, k], (0.025, 0.975))),
        )
        for k in range(3)
    ]
    return CalibrationIndexes(*bands)
