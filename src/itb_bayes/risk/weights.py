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
        _limit(n_draw),
    )


def importance_weights(log_likelihood: Array) -> PatientWeights:
    """Return smoothed weights from each patient's log-likelihood.

    Parameters
    ----------
    log_likelihood : ndarray, shape (n_draw, n_patient)
        Of all records of a patient that were not part of the fit.
    """
    from arviz_stats.base import array_stats  # heavy, and not needed for fitted patients

    n_draw, n_patient = log_likelihood.shape
    centred = log_likelihood - log_likelihood.max(axis=0)
    log_weight, pareto_k = np.empty_like(centred), np.full(n_patient, np.nan)
    for i in range(n_patient):
        if np.ptp(centred[:, i]) < 1e-9:
            log_weight[:, i] = 0.0
            continue
        smoothed, k = array_stats.psislw(-centred[:, i])
        log_weight[:, i], pareto_k[i] = smoothed, float(k)
    weight = np.exp(log_weight - log_weight.max(axis=0))
    weight /= weight.sum(axis=0)
    return PatientWeights(weight, pareto_k, 1.0 / (weight**2).sum(axis=0), _limit(n_draw))


def _limit(n_draw: int) -> float:
    return min(1.0 - 1.0 / np.log10(max(n_draw, 11)), 0.7)
