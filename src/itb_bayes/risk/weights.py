"""Weights of population draws for a patient that the fit has not seen.

The posterior given the fitted cohort and a further patient is proportional to the fit's posterior
times the patient's likelihood, so draws of the fit, weighted by that likelihood, are draws of the
refit (importance resampling). Weights are smoothed by a generalised Pareto tail (Vehtari et al.
2024, JMLR 25:72), whose shape k says whether they can be believed.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class PatientWeights:
    """Weights of all draws for each patient.

    Attributes
    ----------
    weight : ndarray, shape (n_draw, n_patient)
        Summing to one over the draws.
    pareto_k : ndarray, shape (n_patient,)
        Shape of the tail of the weights; NaN where all are equal.
    ess : ndarray, shape (n_patient,)
        Effective number of draws.
    k_limit : float
        Above it the weights are not to be believed: ``min(1 - 1 / log10(n_draw), 0.7)``.
    """

    weight: Array
    pareto_k: Array
    ess: Array
    k_limit: float

    @property
    def reliable(self) -> NDArray[np.bool_]:
        """Whether each patient's weights can be believed, shape (n_patient,)."""
        return ~(self.pareto_k > self.k_limit)


def equal_weights(n_draw: int, n_patient: int) -> PatientWeights:
    """Return equal weights: for patients that were part of the fit."""
    return PatientWeights(
        np.full((n_draw, n_patient), 1.0 / n_draw),
        np.full(n_patient, np.nan),
        np.full(n_patient, float(n_draw)),
        tail_limit(n_draw),
    )


def importance_weights(log_likelihood: Array) -> PatientWeights:
    """Return smoothed weights from each patient's log-likelihood.

    Parameters
    ----------
    log_likelihood : ndarray, shape (n_draw, n_patient)
        Of all records of a patient that were not part of the fit.
    """
    weight, pareto_k = smooth_weights(log_likelihood.T)
    weight = weight.T
    return PatientWeights(
        weight, pareto_k, 1.0 / (weight**2).sum(axis=0), tail_limit(len(log_likelihood))
    )


def smooth_weights(log_weight: Array) -> tuple[Array, Array]:
    """Return weights whose tails are smoothed, and the shapes of these tails.

    Parameters
    ----------
    log_weight : ndarray, shape (n_set, n_draw)
        Each row is a set of unnormalised log weights.

    Returns
    -------
    weight : ndarray, shape (n_set, n_draw)
        Each row sums to one.
    pareto_k : ndarray, shape (n_set,)
        NaN where all weights of a set are equal.
    """
    from arviz_stats.base import array_stats  # heavy, and not needed for fitted patients

    centred = log_weight - log_weight.max(axis=1, keepdims=True)
    smoothed, pareto_k = np.zeros_like(centred), np.full(len(centred), np.nan)
    for row in range(len(centred)):
        if np.ptp(centred[row]) < 1e-9:
            continue
        smoothed[row], k = array_stats.psislw(-centred[row])
        pareto_k[row] = float(k)
    weight = np.exp(smoothed - smoothed.max(axis=1, keepdims=True))
    return weight / weight.sum(axis=1, keepdims=True), pareto_k


def tail_limit(n_draw: int) -> float:
    """Return the shape of a tail above which weights of so many draws are not to be believed."""
    return min(1.0 - 1.0 / np.log10(max(n_draw, 11)), 0.7)
